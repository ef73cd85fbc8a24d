// D1, D2, D6 with the event log in Apache Kafka: the server is killed, and the broker too, and
// whatever was acknowledged is in the reports exactly once.
package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/internal/testkit/kafkabroker"
	"tidemark/internal/testkit/process"
)

// kafkaRounds is how often the server is killed; the broker is in the middle of them.
const kafkaRounds = 6

func TestServerOnKafkaLosesAndDoublesNothingD1D2(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := t.TempDir()
	cluster, err := kafkabroker.Start(ctx, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	settings := hurried + fmt.Sprintf(`eventlog:
  partitions: 4
  kafka:
    brokers: [%q]
    replication_factor: 1
    min_insync_replicas: 1
    append_timeout: 2s
`, cluster.Plain()[0])
	config, data := filepath.Join(dir, "kafka.yaml"), filepath.Join(dir, "data")
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	senders := &senders{credentials: createProperty(t, data)}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range kafkaRounds {
		s := process.Start(t, binary, "serve", data, "--config", config)
		senders.start(s.URL, 4, random.Uint64())
		senders.waitFor(1 + random.IntN(100))
		if round == kafkaRounds/2 {
			cluster.Kill(0)
			if err := cluster.Restart(ctx, 0); err != nil {
				t.Fatal(err)
			}
			senders.waitFor(200) // more than were on their way: it goes on by itself
		}
		s.Kill()
		senders.stop()
	}
	s := process.Start(t, binary, "serve", data, "--config", config)
	senders.check(t, s)
	if err := s.Terminate(); err != nil {
		t.Errorf("stop in good order: %v\n%s", err, s.Output())
	}
	if entries, err := os.ReadDir(filepath.Join(data, "log")); err == nil && len(entries) > 0 {
		t.Errorf("the data directory has a log of its own: %v", entries)
	}
	// The offsets of its state are of this topic: another log is refused.
	other := filepath.Join(dir, "other.yaml")
	if err := os.WriteFile(other, []byte(hurried), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := process.TryCommand(binary, "serve", "--data-dir", data, "--config", other, "--listen", "127.0.0.1:0")
	if err == nil || !strings.Contains(string(out), "belongs to the event log") {
		t.Errorf("a server with another event log: %v\n%s", err, out)
	}
	t.Logf("%d events acknowledged", len(senders.acknowledged))
}
