// The event log in Apache Kafka: what can be chosen, in the words of Kafka's own clients.
package config

import (
	"fmt"
	"strings"
	"time"

	"tidemark/internal/eventlog/kafkalog"
)

// Kafka is used if Brokers has any.
type Kafka struct {
	// Brokers are some of them, as host:port; the others are found through them.
	Brokers []string `yaml:"brokers"`
	// Topic holds the records; Topic + ".counts" and Topic + ".sums" belong to it.
	Topic string `yaml:"topic"`
	// ReplicationFactor is how many brokers hold each record, MinInSyncReplicas how many
	// must before it is acknowledged. A topic that exists must agree.
	ReplicationFactor int `yaml:"replication_factor"`
	MinInSyncReplicas int `yaml:"min_insync_replicas"`
	// CreateTopics makes topics that do not exist. Those that do are never changed.
	CreateTopics bool `yaml:"create_topics"`
	// ForgetLostCounts opens a log once from which Kafka deleted records before they were counted.
	ForgetLostCounts bool `yaml:"forget_lost_counts"`
	// ClientID is the name under which brokers log and limit this program.
	ClientID string `yaml:"client_id"`
	// AppendTimeout is how long a sender waits for brokers before it is answered 503.
	AppendTimeout time.Duration `yaml:"append_timeout"`
	TLS           KafkaTLS      `yaml:"tls"`
	SASL          KafkaSASL     `yaml:"sasl"`
}

// KafkaTLS is how connections are encrypted. Files are PEM.
type KafkaTLS struct {
	Enabled bool `yaml:"enabled"`
	// CAFile: empty for what the system trusts.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are for brokers that ask clients who they are.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is expected in certificates instead of the host's name.
	ServerName string `yaml:"server_name"`
}

// KafkaSASL is how this program says who it is.
type KafkaSASL struct {
	// Mechanism is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. Empty: none.
	Mechanism string `yaml:"mechanism"`
	User      string `yaml:"user"`
	// Password is best taken from the environment: ${NAME}.
	Password Secret `yaml:"password"`
}

// OnKafka tells whether the event log is in Kafka.
func (c Config) OnKafka() bool { return len(c.EventLog.Kafka.Brokers) > 0 }

// KafkaLog returns the log's own Config.
func (c Config) KafkaLog() kafkalog.Config {
	own, k := c.EventLog.Kafka, kafkalog.DefaultConfig()
	k.Brokers, k.Topic, k.Partitions = own.Brokers, own.Topic, c.EventLog.Partitions
	k.ReplicationFactor, k.MinInSyncReplicas, k.CreateTopics = own.ReplicationFactor, own.MinInSyncReplicas, own.CreateTopics
	k.ForgetLostCounts, k.ClientID, k.AppendTimeout = own.ForgetLostCounts, own.ClientID, own.AppendTimeout
	k.TLS = kafkalog.TLS(own.TLS)
	k.SASL = kafkalog.SASL{Mechanism: own.SASL.Mechanism, User: own.SASL.User, Password: own.SASL.Password.Reveal()}
	return k
}

// validateEventLog checks the log that is chosen.
func (c Config) validateEventLog() error {
	if !c.OnKafka() {
		return c.Pebble().Validate()
	}
	if err := c.KafkaLog().Validate(); err != nil {
		if strings.HasPrefix(err.Error(), "partitions ") {
			return err // the key is not Kafka's
		}
		return fmt.Errorf("kafka.%w", err)
	}
	if err := c.Spooling().Validate(); err != nil {
		return fmt.Errorf("spool.%w", err)
	}
	return nil
}
