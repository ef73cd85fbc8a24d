// A database that gave up, and who waits for it.
package pebblelog

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestReaderLeavesADatabaseThatGaveUp: a lock that is held for ever stops nobody but who waits inside.
func TestReaderLeavesADatabaseThatGaveUp(t *testing.T) {
	cfg := testConfig()
	cfg.CloseWait = 10 * time.Millisecond
	l := mustOpen(t, cfg, vfs.NewMem(), plantNothing)
	inside, lock := make(chan struct{}), make(chan struct{})
	defer close(lock)
	left := make(chan error)
	go func() {
		left <- l.isolateReading(func() error {
			close(inside)
			<-lock
			return nil
		})
	}()
	<-inside
	l.giveUp(errors.New("planted"))
	select {
	case err := <-left:
		if !errors.Is(err, errGaveUp) {
			t.Errorf("got error %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a reader hangs in a database that gave up")
	}
	// What ends all the same is answered.
	if err := l.isolateReading(func() error { return nil }); err != nil {
		t.Errorf("a reading that ends: %v", err)
	}
}
