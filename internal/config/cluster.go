// Cluster: one process among several that share the work.
package config

import (
	"errors"
	"fmt"
	"net"
	"time"

	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/pipeline/owned"
)

// Cluster is what can be chosen where roles run in processes of their own.
type Cluster struct {
	// Node names this process among all others. Empty: the host's name, which is right with one
	// process to a host.
	Node string `yaml:"node"`
	// Address is host:port at which other processes reach this one. Empty: the listener's.
	Address string `yaml:"address"`
	// Group is the consumer group in which processors share the partitions.
	Group string `yaml:"group"`
	// SessionTimeout is after how long without a sign of life of a processor others take over what it folds.
	SessionTimeout time.Duration `yaml:"session_timeout"`
	// BatchInterval is the least time between two small batches of a partition: how fresh reports are, and what
	// that costs.
	BatchInterval time.Duration `yaml:"batch_interval"`
	// BatchRecords bounds a batch.
	BatchRecords int `yaml:"batch_records"`
}

func defaultCluster() Cluster {
	member, processor := kafkalog.DefaultMemberConfig(), owned.DefaultConfig()
	return Cluster{Group: member.Group, SessionTimeout: member.SessionTimeout,
		BatchInterval: processor.BatchInterval, BatchRecords: processor.BatchRecords}
}

// Owned returns the Config of a processor that shares the partitions of a log.
func (c Config) Owned(node, logName string) owned.Config {
	o := owned.DefaultConfig()
	o.Node, o.LogName = node, logName
	o.BatchInterval, o.BatchRecords = c.Cluster.BatchInterval, c.Cluster.BatchRecords
	o.LiveClients = max(1, c.Processor.LiveClients/max(1, c.EventLog.Partitions))
	o.LogRetention, o.UpkeepInterval = c.Processor.LogRetention, c.Processor.UpkeepInterval
	return o
}

// GroupMember returns how a processor is a member of its group.
func (c Config) GroupMember() kafkalog.MemberConfig {
	m := kafkalog.DefaultMemberConfig()
	m.Group, m.SessionTimeout = c.Cluster.Group, c.Cluster.SessionTimeout
	m.RebalanceTimeout = max(m.RebalanceTimeout, m.SessionTimeout)
	return m
}

// validateCluster says what is wrong with the choices.
func (c Config) validateCluster() error {
	errs := []error{c.Owned("any", "any").Validate(), c.GroupMember().Validate()}
	if a := c.Cluster.Address; a != "" {
		if _, _, err := net.SplitHostPort(a); err != nil {
			errs = append(errs, fmt.Errorf("address: %q is not host:port", a))
		}
	}
	return errors.Join(errs...)
}
