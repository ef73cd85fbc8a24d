// Ports are free when they are given.
package child

import (
	"fmt"
	"net"
	"testing"
)

func TestFreePortCanBeTaken(t *testing.T) {
	taken := map[int]bool{}
	for range 20 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if port < firstPort || port > lastPort || taken[port] {
			t.Errorf("port %d: want one from %d to %d that is not taken: %v", port, firstPort, lastPort, taken)
		}
		taken[port] = true
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
