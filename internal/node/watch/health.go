// Health checks: is a node worth a request?
package watch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"syscall"
	"time"

	"tidemark/internal/node"
)

const (
	// CheckInterval and CheckDeadline together with failuresToFall are W3: the
	// second failed check ends at most 3 x 500 ms after a node was lost.
	CheckInterval = 500 * time.Millisecond
	CheckDeadline = 500 * time.Millisecond
	// failuresToFall: one is a packet lost or a long pause of the garbage collector.
	failuresToFall = 2
	// maxAnswer bounds what is read of an answer, so that the connection can end well.
	maxAnswer = 4 << 10
)

// Check asks a node for its health. nil: it is well.
type Check func(ctx context.Context, n node.Node) error

// HTTP returns a Check that gets path from the node's address and wants a 2xx. It
// makes a connection each time: what an old one can do says nothing of whether the
// node takes new ones.
func HTTP(path string) Check {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return func(ctx context.Context, n node.Node) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Address+path, nil)
		if err != nil {
			return fmt.Errorf("check node %s: %w", n.ID, err)
		}
		answer, err := client.Do(request)
		if err != nil {
			return fmt.Errorf("check node %s: %w", n.ID, err)
		}
		defer answer.Body.Close()
		if _, err := io.CopyN(io.Discard, answer.Body, maxAnswer); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("check node %s: read answer: %w", n.ID, err)
		}
		if answer.StatusCode/100 != 2 {
			return fmt.Errorf("check node %s: status %d", n.ID, answer.StatusCode)
		}
		return nil
	}
}

// health is what the checks of one node have come to.
type health struct {
	routable bool
	reason   string
	failures int
}

// Unchecked is the Reason of a node of which nothing is known yet (W4).
const Unchecked = "not checked yet"

func unchecked() health { return health{reason: Unchecked} }

// after returns the health after one more check (W3).
func (h health) after(err error) health {
	if err == nil {
		return health{routable: true}
	}
	h.failures++
	h.reason = err.Error()
	// Refused: the machine is there and says that nobody listens.
	if h.failures >= failuresToFall || errors.Is(err, syscall.ECONNREFUSED) {
		h.routable = false
	}
	return h
}
