// A server whose log is in Kafka loses its store, its state, or the topic: what is archived comes back, with what the
// topic has behind it, and never with numbers that another topic gave away (D7).
package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/config"
	"tidemark/internal/property/sqlreg"
	"tidemark/internal/testkit/kafkabroker"
	"tidemark/internal/testkit/process"
)

const onKafka = `processor:
  upkeep_interval: 200ms
  checkpoint_interval: 500ms
eventlog:
  partitions: 2
  kafka:
    brokers: [%q]
    topic: %s
    replication_factor: 1
    min_insync_replicas: 1
archive:
  interval: 1s
  dir: %s
`

func TestRebuildOfAServerOnKafkaFromTheArchiveD7(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	broker, err := kafkabroker.Start(ctx, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	on := func(topic string) string {
		file := filepath.Join(dir, topic+".yaml")
		write(t, file, fmt.Sprintf(onKafka, broker.Plain()[0], topic, filepath.Join(dir, "archive")))
		return file
	}
	file := on("first")
	c := createProperty(t, data)
	traffic := func(file string, seed uint64, events int, past time.Duration) {
		t.Helper()
		cfg, err := config.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		registry, err := sqlreg.Open(config.RegistryFile(data))
		if err != nil {
			t.Fatal(err)
		}
		properties, err := registry.Properties(ctx)
		closeOf(t, registry.Close)
		if err != nil {
			t.Fatal(err)
		}
		appendTraffic(ctx, t, cfg.KafkaLog(), properties, seed, events, past)
	}
	traffic(file, 7, 6000, 8*24*time.Hour)
	s := process.Start(t, binary, "serve", data, "--config", file)
	waitStored(t, s.URL, c, 1)
	last, today := finalDay(), time.Now().UTC().Format(time.DateOnly)
	days := waitArchived(t, file, data, last, anyDays)
	questions := []string{archiveQuestion(days[0].Day, last), archiveQuestion(last, today)}
	answers := func(url string) (out [][]reportRow) {
		for _, question := range questions {
			out = append(out, ask(t, url, c, question).Rows)
		}
		return out
	}
	before, account := answers(s.URL), askLedger(t, s.URL, c)
	if len(before[0]) < 10 || len(before[1]) < 10 {
		t.Fatalf("%d and %d rows: the test proves too little", len(before[0]), len(before[1]))
	}
	if err := s.Terminate(); err != nil {
		t.Fatal(err)
	}
	days = listArchive(t, file, data)
	for _, lost := range [][]string{{"store"}, {"store", "state"}} {
		lose(t, data, lost...)
		out := process.Command(t, binary, "replay", "--rebuild", "--data-dir", data, "--config", file)
		if !strings.Contains(string(out), fmt.Sprintf("%d archived days and the log", len(days))) {
			t.Errorf("a rebuild without %v says %s", lost, out)
		}
		s := process.Start(t, binary, "serve", data, "--config", file)
		if diff := cmp.Diff(before, answers(s.URL)); diff != "" {
			t.Errorf("without %v (- before, + after):\n%s", lost, diff)
		}
		if diff := cmp.Diff(account, askLedger(t, s.URL, c)); diff != "" {
			t.Errorf("the ledger without %v (- before, + after):\n%s", lost, diff)
		}
		if err := s.Terminate(); err != nil {
			t.Fatal(err)
		}
	}

	// A topic with other events in it is refused, however many, and one with nothing in it begins behind what is archived.
	lose(t, data, "store", "state")
	for name, is := range map[string]struct {
		events int
		want   string
	}{"short": {10, "ends before it"}, "long": {6000, "is another one than the archive has"}} {
		lose(t, data, "eventlog")
		other := on(name)
		traffic(other, 8, is.events, time.Hour)
		out, err := process.TryCommand(binary, "replay", "--rebuild", "--data-dir", data, "--config", other)
		if err == nil || !strings.Contains(string(out), is.want) || !strings.Contains(string(out), "Name theirs in eventlog.kafka.topic, or a new one") {
			t.Errorf("a rebuild on a %s topic of others: %v\n%s", name, err, out)
		}
	}
	lose(t, data, "eventlog")
	fresh := on("fresh")
	process.Command(t, binary, "archive", "restore", "--data-dir", data, "--config", fresh)
	s = process.Start(t, binary, "serve", data, "--config", fresh)
	if diff := cmp.Diff(before[0], answers(s.URL)[0]); diff != "" {
		t.Errorf("with a new topic (- before, + after):\n%s", diff)
	}
	senders := &senders{credentials: c}
	senders.start(s.URL, 2, 1)
	senders.waitFor(20)
	senders.stop()
	waitStored(t, s.URL, c, 20)
	if diff := cmp.Diff(before[0], answers(s.URL)[0]); diff != "" {
		t.Errorf("with events in a new topic (- before, + after):\n%s", diff)
	}
	if err := s.Terminate(); err != nil {
		t.Fatal(err)
	}
}

// lose removes parts of a data directory.
func lose(t *testing.T, data string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
			t.Fatal(err)
		}
	}
}
