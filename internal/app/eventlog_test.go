// A data directory belongs to one event log.
package app

import (
	"log/slog"
	"os"
	"strings"
	"testing"

	"tidemark/internal/config"
)

func TestDataDirectoryBelongsToOneEventLog(t *testing.T) {
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	log, err := openEventLog(t.Context(), cfg, logUse{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	own := log.Identity()
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	for identity, want := range map[string]string{own: "", "kafka topic a 01": `belongs to the event log "` + own + `"`} {
		if err := checkIdentity(cfg, identity); (err == nil) != (want == "") || (err != nil && !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", identity, err, want)
		}
	}
	// A directory of an earlier build has no file, and a state whose log lies beside it.
	old := config.Default()
	old.DataDir = t.TempDir()
	if err := os.Mkdir(old.StateDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	onKafka := old
	onKafka.EventLog.Kafka.Brokers = []string{"127.0.0.1:1"}
	if err := checkIdentity(onKafka, "kafka topic a 01"); err == nil || !strings.Contains(err.Error(), "take eventlog.kafka out") {
		t.Errorf("a log in Kafka for the state of another: got %v", err)
	}
	if err := checkIdentity(old, own); err != nil {
		t.Error(err)
	}
}
