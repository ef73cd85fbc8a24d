// The topics of the log: made if allowed, and checked each time it is opened.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
)

// topicSpec is what one topic must be like.
type topicSpec struct {
	name       string
	partitions int
	cleanup    string // cleanup.policy
	maxBytes   int    // max.message.bytes, at least
}

func (c Config) topics() []topicSpec {
	largest := c.MaxRecordBytes + recordOverhead
	return []topicSpec{
		{c.Topic, c.Partitions, "delete", largest},
		{c.Topic + countsSuffix, 1, "delete", maxHeaderBytes},
		{c.Topic + sumsSuffix, 1, "compact", 1 << 10},
	}
}

// settings are what a topic that we make is given.
func (c Config) settings(s topicSpec) map[string]*string {
	settings := map[string]*string{
		"min.insync.replicas":            new(strconv.Itoa(c.MinInSyncReplicas)),
		"unclean.leader.election.enable": new("false"),
		"cleanup.policy":                 new(s.cleanup),
		"max.message.bytes":              new(strconv.Itoa(max(s.maxBytes, 1<<20))),
		// The producer's clock must not decide whether a broker takes a record.
		"message.timestamp.type": new("LogAppendTime"),
	}
	if s.cleanup == "delete" {
		keep := int64(-1)
		if c.Retention > 0 {
			keep = c.Retention.Milliseconds()
		}
		settings["retention.ms"] = new(strconv.FormatInt(keep, 10))
		settings["retention.bytes"] = new("-1")
	}
	return settings
}

// ensureTopics makes topics that are missing, if it may, and checks all.
func (l *Log) ensureTopics(ctx context.Context) error {
	specs := l.cfg.topics()
	for _, spec := range specs {
		if err := l.ensureTopic(ctx, spec); err != nil {
			return fmt.Errorf("topic %s: %w", spec.name, err)
		}
	}
	var names []string
	for _, spec := range specs {
		names = append(names, spec.name)
	}
	configs, err := l.admin.DescribeTopicConfigs(ctx, names...)
	if err != nil {
		return fmt.Errorf("ask for the settings of topics: %w", err)
	}
	for _, spec := range specs {
		config, err := configs.On(spec.name, nil)
		if err == nil {
			err = config.Err
		}
		if err != nil {
			return fmt.Errorf("topic %s: ask for its settings (the user needs DESCRIBE_CONFIGS): %w", spec.name, err)
		}
		if err := l.cfg.checkSettings(spec, config); err != nil {
			return fmt.Errorf("topic %s: %w", spec.name, err)
		}
	}
	return nil
}

func (l *Log) ensureTopic(ctx context.Context, spec topicSpec) error {
	made := false
	for {
		details, err := l.admin.ListTopics(ctx, spec.name)
		if err != nil {
			return fmt.Errorf("ask for it: %w", err)
		}
		detail := details[spec.name]
		missing := errors.Is(detail.Err, kerr.UnknownTopicOrPartition)
		switch {
		case detail.Err == nil && len(detail.Partitions) > 0:
			if spec.name == l.cfg.Topic {
				l.topicID = detail.ID
			}
			return l.cfg.checkPartitions(spec, detail)
		case detail.Err != nil && !missing && !kerr.IsRetriable(detail.Err):
			return fmt.Errorf("ask for it: %w", detail.Err)
		case missing && !l.cfg.CreateTopics:
			return fmt.Errorf("does not exist: create it with %d partitions, replication factor %d and %s, or allow create_topics",
				spec.partitions, l.cfg.ReplicationFactor, describe(l.cfg.settings(spec)))
		case missing && !made:
			made = true
			_, err := l.admin.CreateTopic(ctx, int32(spec.partitions), int16(l.cfg.ReplicationFactor), l.cfg.settings(spec), spec.name)
			if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
				return fmt.Errorf("create it: %w", err)
			}
			l.logger.Info("created topic", "topic", spec.name, "partitions", spec.partitions)
		}
		// Not every broker knows a new topic at once.
		if !pause(ctx, fetchPause) {
			return ctx.Err()
		}
	}
}

func describe(settings map[string]*string) string {
	var out []string
	for _, name := range []string{"cleanup.policy", "min.insync.replicas", "unclean.leader.election.enable", "retention.ms", "retention.bytes", "max.message.bytes"} {
		if value := settings[name]; value != nil {
			out = append(out, name+"="+*value)
		}
	}
	return strings.Join(out, ", ")
}

func (c Config) checkPartitions(spec topicSpec, detail kadm.TopicDetail) error {
	if got := len(detail.Partitions); got != spec.partitions {
		return fmt.Errorf("has %d partitions, not %d: which client is in which partition depends on the number; "+
			"set partitions to it, or use another topic", got, spec.partitions)
	}
	for _, p := range detail.Partitions {
		if got := len(p.Replicas); got < c.ReplicationFactor {
			return fmt.Errorf("partition %d has %d replicas, not %d: reassign it to more brokers, or lower replication_factor",
				p.Partition, got, c.ReplicationFactor)
		}
	}
	return nil
}

// checkSettings compares the settings of a topic that somebody may have changed.
func (c Config) checkSettings(spec topicSpec, config kadm.ResourceConfig) error {
	values := make(map[string]string)
	for _, v := range config.Configs {
		values[v.Key] = v.MaybeValue()
	}
	number := func(name string) (int64, error) {
		n, err := strconv.ParseInt(values[name], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s is %q, not a number", name, values[name])
		}
		return n, nil
	}
	isr, err := number("min.insync.replicas")
	if err != nil {
		return err
	}
	largest, err := number("max.message.bytes")
	if err != nil {
		return err
	}
	switch {
	case isr < int64(c.MinInSyncReplicas):
		return fmt.Errorf("min.insync.replicas is %d, below %d: acknowledged records could be lost; set it with kafka-configs, or lower min_insync_replicas",
			isr, c.MinInSyncReplicas)
	case values["unclean.leader.election.enable"] == "true":
		return errors.New("unclean.leader.election.enable is true: a broker that lacks acknowledged records could become leader; set it to false")
	case values["cleanup.policy"] != spec.cleanup:
		return fmt.Errorf("cleanup.policy is %s, must be %s", values["cleanup.policy"], spec.cleanup)
	case largest < int64(spec.maxBytes):
		return fmt.Errorf("max.message.bytes is %d, below %d: set it, or lower max_record_bytes to %d",
			largest, spec.maxBytes, largest-recordOverhead)
	}
	if spec.cleanup == "compact" {
		return nil
	}
	keep, err := number("retention.ms")
	if err != nil {
		return err
	}
	if keep >= 0 && (c.Retention == 0 || keep < c.Retention.Milliseconds()) {
		need := "-1"
		if c.Retention > 0 {
			need = strconv.FormatInt(c.Retention.Milliseconds(), 10) + " or -1"
		}
		return fmt.Errorf("retention.ms is %d (%v): kafka would delete records that may not be processed yet; set it to %s",
			keep, time.Duration(keep)*time.Millisecond, need)
	}
	if size := values["retention.bytes"]; size != "-1" {
		return fmt.Errorf("retention.bytes is %s: kafka would delete records that may not be processed yet; set it to -1", size)
	}
	return nil
}
