// What is checked when a log opens, and that errors say what to do.
package kafkalog

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidemark/internal/eventlog"
)

func TestValidateSaysWhatToDo(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"name at least one as host:port": func(c *Config) { c.Brokers = nil },
		"must be host:port":              func(c *Config) { c.Brokers = []string{"kafka"} },
		"topic is":                       func(c *Config) { c.Topic = "a b" },
		"partitions is 0":                func(c *Config) { c.Partitions = 0 },
		"use 3 where":                    func(c *Config) { c.ReplicationFactor = 0 },
		"use 2 with 3 replicas":          func(c *Config) { c.MinInSyncReplicas = 4 },
		"retention is":                   func(c *Config) { c.Retention = -1 },
		"set tls.enabled":                func(c *Config) { c.TLS.CAFile = "ca.pem" },
		"needs both":                     func(c *Config) { c.TLS = TLS{Enabled: true, CertFile: "c.pem"} },
		"but no mechanism":               func(c *Config) { c.SASL.User = "u" },
		"must be PLAIN":                  func(c *Config) { c.SASL = SASL{Mechanism: "GSSAPI", User: "u", Password: "p"} },
		"needs user and password":        func(c *Config) { c.SASL = SASL{Mechanism: saslPlain} },
		"append_timeout is 0s":           func(c *Config) { c.AppendTimeout = 0 },
		"max_record_bytes is 1":          func(c *Config) { c.MaxRecordBytes = 1 },
		"max_queue_bytes is 0":           func(c *Config) { c.MaxQueueBytes = 0 },
	} {
		cfg := DefaultConfig()
		cfg.Brokers = []string{"127.0.0.1:9092"}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

// TestOpenRefusesTopicsThatCannotKeepThePromises changes one setting at a time
// on a real broker.
func TestOpenRefusesTopicsThatCannotKeepThePromises(t *testing.T) {
	cfg := testConfig(realBroker(t).Plain(), freshTopic(t))
	cfg.OpenTimeout = 30 * time.Second
	missing := cfg
	missing.CreateTopics = false
	wantOpenError(t, missing, "create it with 4 partitions")
	_ = mustOpen(t, cfg, Deps{}, plantNothing).Close()

	other := cfg
	other.Partitions = 5
	wantOpenError(t, other, "has 4 partitions, not 5")
	other = cfg
	other.ReplicationFactor, other.MinInSyncReplicas = 3, 1
	wantOpenError(t, other, "has 1 replicas, not 3")
	other = cfg
	other.MaxRecordBytes = 2 << 20
	wantOpenError(t, other, "max.message.bytes is")

	client, err := kgo.NewClient(kgo.SeedBrokers(cfg.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	for _, c := range []struct{ setting, bad, want string }{
		{"unclean.leader.election.enable", "true", "set it to false"},
		{"retention.ms", "3600000", "retention.ms is 3600000 (1h0m0s)"},
		{"retention.bytes", "1000000", "retention.bytes is 1000000"},
		{"cleanup.policy", "compact", "must be delete"},
	} {
		set := func(op kadm.IncrementalOp) {
			answers, err := admin.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: op, Name: c.setting, Value: &c.bad}}, cfg.Topic)
			if err != nil || answers[0].Err != nil {
				t.Fatalf("set %s: %v, %v", c.setting, err, answers)
			}
		}
		before := settingOf(t, admin, cfg.Topic, c.setting)
		set(kadm.SetConfig)
		awaitSetting(t, admin, cfg.Topic, c.setting, c.bad)
		wantOpenError(t, cfg, c.want)
		c.bad = before
		set(kadm.SetConfig)
		awaitSetting(t, admin, cfg.Topic, c.setting, before)
	}
	_ = mustOpen(t, cfg, Deps{}, plantNothing).Close()
}

// TestOpenMissesCountsThatKafkaDeleted: records that were deleted behind our
// back took their counts along.
func TestOpenMissesCountsThatKafkaDeleted(t *testing.T) {
	cfg := testConfig(fake(t).ListenAddrs(), freshTopic(t))
	l := mustOpen(t, cfg, Deps{}, plantNothing)
	b := &eventlog.Batch{
		Records: []eventlog.Record{{Payload: []byte("x")}, {Payload: []byte("y")}}, Counts: []eventlog.Count{{Property: 1, N: 2}},
	}
	if err := l.Append(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	offsets := kadm.Offsets{}
	offsets.AddOffset(cfg.Topic, 0, 1, -1)
	if _, err := l.admin.DeleteRecords(t.Context(), offsets); err != nil {
		t.Fatal(err)
	}
	l.abort() // Not closed: nothing was saved.
	wantOpenError(t, cfg, "forget_lost_counts")
	cfg.ForgetLostCounts = true
	if got := mustOpen(t, cfg, Deps{}, plantNothing).Start(0); got != 1 {
		t.Errorf("the log starts at %d, want 1", got)
	}
}

func wantOpenError(t *testing.T, cfg Config, want string) {
	t.Helper()
	l, err := Open(t.Context(), cfg, Deps{})
	if err == nil {
		_ = l.Close()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("open: got error %v, want one with %q", err, want)
	}
}

func settingOf(t *testing.T, admin *kadm.Client, topic, name string) string {
	t.Helper()
	configs, err := admin.DescribeTopicConfigs(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if c.Key == name {
			return c.MaybeValue()
		}
	}
	t.Fatalf("topic %s has no setting %s", topic, name)
	return ""
}

// awaitSetting waits until the broker has heard from the controller.
func awaitSetting(t *testing.T, admin *kadm.Client, topic, name, value string) {
	t.Helper()
	again, deadline := time.NewTicker(10*time.Millisecond), time.After(time.Minute)
	defer again.Stop()
	for settingOf(t, admin, topic, name) != value {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("%s never became %s", name, value)
		}
	}
}
