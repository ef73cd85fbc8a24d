// Decompressors: pooled, since each holds tens of kilobytes, and paid for, since
// a few bytes can ask for megabytes (D8).
package collect

import (
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"tidemark/internal/collect/wire"
)

// What a decompressor takes while it works. RFC 8878 recommends to support
// windows of 8 MiB; beyond that the frame is refused.
const (
	gzipMemory = 64 << 10
	zstdWindow = 8 << 20
	zstdMemory = zstdWindow + 1<<20
)

type gzipPool struct{ pool sync.Pool }

// read decompresses from into a's body.
func (g *gzipPool) read(a *arrival, from io.Reader) error {
	if !a.Take(gzipMemory) {
		return wire.ErrOverBudget
	}
	z, _ := g.pool.Get().(*gzip.Reader)
	if z == nil {
		z = new(gzip.Reader)
	}
	defer g.pool.Put(z)
	if err := z.Reset(from); err != nil {
		return err
	}
	return a.fill(z, a.c.cfg.MaxDecompressed)
}

type zstdPool struct{ pool sync.Pool }

// read decompresses from into a's body.
func (s *zstdPool) read(a *arrival, from io.Reader) error {
	if !a.Take(zstdMemory) {
		return wire.ErrOverBudget
	}
	z, _ := s.pool.Get().(*zstd.Decoder)
	if z == nil {
		var err error
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(uint64(a.c.cfg.MaxDecompressed)+1))
		if err != nil {
			return err
		}
	}
	if err := z.Reset(from); err != nil {
		return err
	}
	err := a.fill(z, a.c.cfg.MaxDecompressed)
	if z.Reset(nil) == nil {
		s.pool.Put(z)
	}
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return errTooLarge
	}
	return err
}
