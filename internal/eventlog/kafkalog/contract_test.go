// kafkalog under the conformance suite, on a broker inside the test.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
)

// testConfig is for one broker.
func testConfig(brokers []string, topic string) Config {
	cfg := DefaultConfig()
	cfg.Brokers = brokers
	cfg.Topic = topic
	cfg.Partitions = eventlogtest.Partitions
	cfg.ReplicationFactor, cfg.MinInSyncReplicas = 1, 1
	return cfg
}

func mustOpen(t testing.TB, cfg Config, deps Deps, bug plant) *Log {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := open(ctx, cfg, deps, bug)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// lastTopic numbers the topics of all tests.
var lastTopic atomic.Int64

// freshTopic returns a name that no other test uses.
func freshTopic(t testing.TB) string {
	name := strings.NewReplacer("/", "-", "#", "-").Replace(t.Name())
	return fmt.Sprintf("%.180s.%d", name, lastTopic.Add(1))
}

// cable is a network that can be cut: for the brokers the program is then dead.
type cable struct {
	mu    sync.Mutex
	cut   bool
	conns map[net.Conn]bool
}

var errCut = errors.New("the cable is cut")

func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		_ = conn.Close()
		return nil, errCut
	}
	if c.conns == nil {
		c.conns = make(map[net.Conn]bool)
	}
	c.conns[conn] = true
	return conn, nil
}

func (c *cable) pull() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for conn := range c.conns {
		_ = conn.Close()
	}
}

func (c *cable) plugIn() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}

// subject is a log in fresh topics, with a bug or without.
func subject(t testing.TB, brokers []string, bug plant) eventlogtest.Subject {
	cfg := testConfig(brokers, freshTopic(t))
	cfg.CloseWait = 2 * time.Second
	var current *Log
	var wire *cable
	return eventlogtest.Subject{
		Unit: eventlogtest.EachPartition,
		Open: func(t testing.TB) eventlog.Log {
			wire = &cable{}
			current = mustOpen(t, cfg, Deps{Dial: wire.dial}, bug)
			return current
		},
		Break: func(_ testing.TB, p event.Partition) func() {
			current.broken.Store(int32(p))
			return func() { current.broken.Store(-1) }
		},
		// The process ends between two bytes: brokers hear nothing more of it.
		Crash: func(testing.TB) {
			wire.pull()
			current.abort()
		},
	}
}

// fake starts brokers inside the test.
func fake(t testing.TB, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestKafkalogKeepsTheContract(t *testing.T) {
	brokers := fake(t).ListenAddrs()
	eventlogtest.Run(t, func(t testing.TB) eventlogtest.Subject { return subject(t, brokers, plantNothing) })
}
