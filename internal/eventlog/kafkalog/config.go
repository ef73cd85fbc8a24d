// What an operator chooses about the log, and what the log needs from outside.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// Config holds the operator's choices.
type Config struct {
	// Brokers are addresses, host:port, of some brokers; the others are found
	// through them.
	Brokers []string
	// Topic holds the records. Two more topics belong to it: Topic + ".counts"
	// and Topic + ".sums".
	Topic string
	// Partitions is fixed when the topic is created: which client is in which
	// partition depends on it. Another number is an error.
	Partitions int
	// ReplicationFactor is how many brokers hold each record. With 1 the loss of
	// one disk loses records that were acknowledged.
	ReplicationFactor int
	// MinInSyncReplicas is how many of them must hold a record before it is
	// acknowledged. 1: acknowledged records can be lost with one broker. Equal
	// to ReplicationFactor: one broker away stops all appends.
	MinInSyncReplicas int
	// CreateTopics lets the log create topics that do not exist. Those that do
	// are never changed.
	CreateTopics bool
	// Retention is how long Kafka must keep records at least, if it deletes any
	// by itself. Zero: Kafka must delete nothing, Truncate does.
	Retention time.Duration
	// ClientID is the name under which brokers log and limit this program.
	ClientID string

	TLS  TLS
	SASL SASL

	// AppendOnly is for programs that never read: nothing is fetched, and Read,
	// Wait, Truncate, Counts and CountsOf are errors; End and Start know nothing of a base (base.go).
	AppendOnly bool
	// ForgetLostCounts opens a log from which Kafka deleted records before their
	// counts were saved. The ledger then lacks them for good.
	ForgetLostCounts bool

	// MaxRecordBytes bounds the payload of one record.
	MaxRecordBytes int
	// MaxQueueBytes bounds what waits for brokers. Too small: bursts are
	// refused. Too big: memory.
	MaxQueueBytes int64
	// MaxQueueWait is how long an Append waits for a place in the queue before
	// it fails with ErrFull.
	MaxQueueWait time.Duration
	// AppendTimeout is how long an Append waits for brokers before it fails with
	// ErrUnknown. Too small: a change of leaders makes senders repeat what was
	// kept.
	AppendTimeout time.Duration
	// ReadTimeout is how long a Read or Truncate waits for brokers.
	ReadTimeout time.Duration
	// OpenTimeout bounds Open, which reads counts that were not saved.
	OpenTimeout time.Duration
	// CloseWait bounds how long Close waits for brokers that do not answer.
	CloseWait time.Duration
	// TailBytes is how much of the end of each partition is kept in memory for
	// readers that keep up. Twice as much may be kept for one that does not.
	TailBytes int
}

// TLS is how connections are encrypted.
type TLS struct {
	Enabled bool
	// CAFile holds the certificates, PEM, that brokers' certificates must come
	// from. Empty: those the system trusts.
	CAFile string
	// CertFile and KeyFile, PEM, are for brokers that ask clients who they are.
	CertFile, KeyFile string
	// ServerName is expected in certificates instead of the broker's host name.
	ServerName string
}

// SASL is how this program says who it is.
type SASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. Empty: none.
	Mechanism string
	User      string
	Password  string
}

// DefaultConfig returns the choices that suit three brokers.
func DefaultConfig() Config {
	return Config{
		Topic:             "tidemark.events",
		Partitions:        16,
		ReplicationFactor: 3,
		MinInSyncReplicas: 2,
		CreateTopics:      true,
		ClientID:          "tidemark",
		MaxRecordBytes:    1 << 20,
		MaxQueueBytes:     64 << 20,
		MaxQueueWait:      2 * time.Second,
		AppendTimeout:     10 * time.Second,
		ReadTimeout:       30 * time.Second,
		OpenTimeout:       5 * time.Minute,
		CloseWait:         10 * time.Second,
		TailBytes:         2 << 20,
	}
}

// Validate reports the first choice that cannot work.
func (c Config) Validate() error {
	if err := c.validateTopic(); err != nil {
		return err
	}
	if err := c.validateConnection(); err != nil {
		return err
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"max_queue_wait", c.MaxQueueWait}, {"append_timeout", c.AppendTimeout}, {"read_timeout", c.ReadTimeout},
		{"open_timeout", c.OpenTimeout}, {"close_wait", c.CloseWait},
	} {
		if d.value <= 0 {
			return fmt.Errorf("%s is %v, must be positive", d.name, d.value)
		}
	}
	switch {
	case c.MaxRecordBytes < 1<<10 || c.MaxRecordBytes > 64<<20:
		return fmt.Errorf("max_record_bytes is %d, must be %d to %d", c.MaxRecordBytes, 1<<10, 64<<20)
	case c.MaxQueueBytes < 1:
		return fmt.Errorf("max_queue_bytes is %d, must be positive", c.MaxQueueBytes)
	case c.TailBytes < 0:
		return fmt.Errorf("tail_bytes is %d, must not be negative", c.TailBytes)
	}
	return nil
}

func (c Config) validateTopic() error {
	const maxPartitions = 1 << 10
	const longestName = 249 - len(countsSuffix)
	switch {
	case !regexp.MustCompile(`^[a-zA-Z0-9._-]+$`).MatchString(c.Topic) || len(c.Topic) > longestName:
		return fmt.Errorf("topic is %q, must be 1 to %d letters, digits, dots, underscores and hyphens", c.Topic, longestName)
	case c.Partitions < 1 || c.Partitions > maxPartitions:
		return fmt.Errorf("partitions is %d, must be 1 to %d", c.Partitions, maxPartitions)
	case c.ReplicationFactor < 1 || c.ReplicationFactor > 100:
		return fmt.Errorf("replication_factor is %d, must be 1 to 100; use 3 where records must not be lost", c.ReplicationFactor)
	case c.MinInSyncReplicas < 1 || c.MinInSyncReplicas > c.ReplicationFactor:
		return fmt.Errorf("min_insync_replicas is %d, must be 1 to replication_factor, which is %d; use 2 with 3 replicas",
			c.MinInSyncReplicas, c.ReplicationFactor)
	case c.Retention < 0:
		return fmt.Errorf("retention is %v, must not be negative", c.Retention)
	}
	return nil
}

func (c Config) validateConnection() error {
	if len(c.Brokers) == 0 {
		return errors.New("brokers is empty: name at least one as host:port, better three")
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			return fmt.Errorf("brokers has %q, must be host:port", b)
		}
	}
	t, s := c.TLS, c.SASL
	switch {
	case !t.Enabled && (t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || t.ServerName != ""):
		return errors.New("tls has files or a server name but is not enabled: set tls.enabled")
	case (t.CertFile == "") != (t.KeyFile == ""):
		return errors.New("tls has one of cert_file and key_file: a client certificate needs both")
	case s.Mechanism == "" && (s.User != "" || s.Password != ""):
		return errors.New("sasl has a user or password but no mechanism: set PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
	case s.Mechanism == "":
		return nil
	case s.Mechanism != saslPlain && s.Mechanism != saslScram256 && s.Mechanism != saslScram512:
		return fmt.Errorf("sasl mechanism is %q, must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512", s.Mechanism)
	case s.User == "" || s.Password == "":
		return errors.New("sasl needs user and password")
	}
	return nil
}

// Warnings are choices that work and are likely mistakes.
func (c Config) Warnings() []string {
	var out []string
	if c.MinInSyncReplicas == 1 {
		out = append(out, "min_insync_replicas is 1: what is acknowledged can be lost with one broker")
	}
	if c.ReplicationFactor > 1 && c.MinInSyncReplicas == c.ReplicationFactor {
		out = append(out, "min_insync_replicas equals replication_factor: one broker away stops all appends")
	}
	if c.SASL.Mechanism == saslPlain && !c.TLS.Enabled {
		out = append(out, "sasl PLAIN without tls sends the password readable over the network")
	}
	return out
}

// Deps is the wiring. All fields may be left out.
type Deps struct {
	// Logger hears of lost leaders, damage and what brokers refuse. Nil discards.
	Logger *slog.Logger
	// Registerer takes the telemetry. Nil keeps it unregistered.
	Registerer prometheus.Registerer
	// Saves tells whether this process saves the sums of a partition (K6): it owns it, or
	// nobody else does. Nil: all.
	Saves func(event.Partition) bool
	// Dial opens connections. Nil means the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (d Deps) withDefaults() Deps {
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if d.Saves == nil {
		d.Saves = func(event.Partition) bool { return true }
	}
	return d
}

// errAppendOnly is what readers of a log get that was opened for appending.
var errAppendOnly = errors.New("event log was opened to append only")

var _ eventlog.Log = (*Log)(nil)
