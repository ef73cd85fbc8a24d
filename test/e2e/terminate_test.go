// A1 to A4: a server that is asked to end under load ends in good order, and
// what it acknowledged is there when the next one starts.
package e2e

import (
	"path/filepath"
	"testing"

	"tidemark/internal/testkit/process"
)

func TestTerminateUnderLoadEndsInGoodOrderD1(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	senders := &senders{credentials: createProperty(t, data)}
	for range 3 {
		s := process.Start(t, binary, "serve", data)
		senders.start(s.URL, 8, 1)
		senders.waitFor(100)
		err := s.Terminate()
		senders.stop()
		if err != nil {
			t.Fatalf("server ended with %v\n%s", err, s.Output())
		}
	}
	senders.check(t, process.Start(t, binary, "serve", data))
}

func TestTwoServersDoNotShareADataDirectory(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	process.Start(t, binary, "serve", data)
	if out, err := process.TryCommand(binary, "serve", "--data-dir", data, "--listen", "127.0.0.1:0"); err == nil {
		t.Errorf("a second server started on the same data directory:\n%s", out)
	}
}
