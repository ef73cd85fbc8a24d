// The trailer of a file: what the object before it was.
package dirblob

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"

	"tidemark/internal/blob"
)

// magic ends with the version of the trailer.
const magic = "TMBLOB\x00\x01"

// trailerSize is magic, size (8 bytes, big endian) and SHA-256.
const trailerSize = int64(len(magic) + 8 + len(blob.Sum{}))

func trailer(size int64, sum blob.Sum) []byte {
	b := append(make([]byte, 0, trailerSize), magic...)
	b = binary.BigEndian.AppendUint64(b, uint64(size))
	return append(b, sum[:]...)
}

// readTrailer returns what the file should hold.
func readTrailer(f *os.File) (size int64, sum blob.Sum, err error) {
	info, err := f.Stat()
	if err != nil {
		return 0, sum, err
	}
	var b [trailerSize]byte
	size = info.Size() - trailerSize
	if size < 0 {
		return 0, sum, fmt.Errorf("its file has %d bytes, too few: %w", info.Size(), blob.ErrCorrupt)
	}
	if _, err := f.ReadAt(b[:], size); err != nil && err != io.EOF {
		return 0, sum, err
	}
	if string(b[:len(magic)]) != magic || binary.BigEndian.Uint64(b[len(magic):]) != uint64(size) {
		return 0, sum, fmt.Errorf("its file does not end as it should: %w", blob.ErrCorrupt)
	}
	copy(sum[:], b[len(magic)+8:])
	return size, sum, nil
}
