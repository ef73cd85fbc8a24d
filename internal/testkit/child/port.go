// Ports for servers that cannot choose one themselves.
package child

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Below what systems give to those who ask for any port (from 32768 on Linux), so that nobody gets one of these by
// chance while its server is about to start, or is down for a while.
const firstPort, lastPort = 10_000, 31_999

// FreePort returns a port of the loopback that is free now.
func FreePort() (port int, err error) {
	for range 100 {
		port = firstPort + rand.IntN(lastPort-firstPort+1)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.Join(errors.New("no free port was found"), err)
}
