// Arena: memory of one head, taken in large blocks from the operating system and given
// back all at once. It is outside of Go's heap for two reasons: the engine keeps pointers
// into it while it answers, and a collector that counts a head of some hundred
// megabytes would let the heap grow by as much again.
package duckstore

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"
)

const (
	firstBlock = 256 << 10
	fullBlock  = 4 << 20
	arenaAlign = 16 // of the engine's text entries
)

// arena hands out memory that is zero. The zero arena is ready for use.
type arena struct {
	blocks [][]byte
	free   []byte
	size   int64 // bytes of all blocks
}

// take returns n bytes, aligned for any value of a column. They live until release.
func (a *arena) take(n int) (unsafe.Pointer, error) {
	n = (n + arenaAlign - 1) &^ (arenaAlign - 1)
	if n > len(a.free) {
		size := fullBlock
		if len(a.blocks) == 0 {
			size = firstBlock
		}
		block, err := syscall.Mmap(-1, 0, max(size, n), syscall.PROT_READ|syscall.PROT_WRITE,
			syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return nil, fmt.Errorf("take memory for rows: %w", err)
		}
		a.blocks = append(a.blocks, block)
		a.free = block
		a.size += int64(len(block))
	}
	p := unsafe.Pointer(unsafe.SliceData(a.free))
	a.free = a.free[n:]
	return p, nil
}

// release gives all memory back. Nothing may point into it any more.
func (a *arena) release() error {
	var errs []error
	for _, b := range a.blocks {
		if err := syscall.Munmap(b); err != nil {
			errs = append(errs, fmt.Errorf("give back memory of rows: %w", err))
		}
	}
	*a = arena{}
	return errors.Join(errs...)
}
