// kafkalog against a real Apache Kafka broker, which all tests of this file and
// of security_test.go, member_test.go, topics_test.go and foreign_test.go share.
package kafkalog

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/internal/eventlog/eventlogtest"
	"tidemark/internal/testkit/kafkabroker"
)

// shared is the broker that tests share; it starts when the first asks for it.
var shared struct {
	once    sync.Once
	dir     string
	cluster *kafkabroker.Cluster
	err     error
}

// realBroker returns the shared broker.
func realBroker(t testing.TB) *kafkabroker.Cluster {
	t.Helper()
	shared.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		if shared.dir, shared.err = os.MkdirTemp("", "kafkalog"); shared.err == nil {
			shared.cluster, shared.err = kafkabroker.Start(ctx, shared.dir, 1)
		}
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.cluster
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.cluster != nil {
		shared.cluster.Close()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	if left := awaitNoGoroutines(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left behind:\n\n"+left)
		code = 1
	}
	os.Exit(code)
}

// awaitNoGoroutines gives goroutines of this package time to end, and returns
// what is left.
func awaitNoGoroutines() string {
	deadline, again := time.NewTimer(15*time.Second), time.NewTicker(10*time.Millisecond)
	defer deadline.Stop()
	defer again.Stop()
	for {
		left := leftBehind()
		if left == "" {
			return ""
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return left
		}
	}
}

func leftBehind() string {
	buf := make([]byte, 32<<20)
	var left []string
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "/kafkalog.") && !strings.Contains(stack, "kafkalog.TestMain") {
			left = append(left, stack)
		}
	}
	return strings.Join(left, "\n\n")
}

func TestKafkalogKeepsTheContractOnARealBroker(t *testing.T) {
	brokers := realBroker(t).Plain()
	eventlogtest.Run(t, func(t testing.TB) eventlogtest.Subject {
		s := subject(t, brokers, plantNothing)
		s.Rounds = 2000
		return s
	})
}
