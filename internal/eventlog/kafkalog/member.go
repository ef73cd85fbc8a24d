// Member: which partitions this process owns, by Kafka's consumer groups.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidemark/internal/event"
)

// MemberConfig is what an operator chooses about ownership.
type MemberConfig struct {
	// Group is the name of the consumer group; all who share the partitions of
	// one topic have the same.
	Group string
	// SessionTimeout is after how long without a heartbeat others take over.
	// Too small: a pause moves partitions. Too big: a dead process holds them.
	SessionTimeout time.Duration
	// RebalanceTimeout is how long the callbacks of all members may take.
	RebalanceTimeout time.Duration
}

// DefaultMemberConfig returns the choices that suit a few processes.
func DefaultMemberConfig() MemberConfig {
	return MemberConfig{
		Group:            "tidemark",
		SessionTimeout:   6 * time.Second,
		RebalanceTimeout: 30 * time.Second,
	}
}

// Validate reports the first choice that cannot work.
func (c MemberConfig) Validate() error {
	switch {
	case c.Group == "":
		return errors.New("group is empty: name the consumer group, all processors the same")
	case c.SessionTimeout < 100*time.Millisecond:
		return fmt.Errorf("session_timeout is %v, must be at least 100ms, and brokers may ask for more", c.SessionTimeout)
	case c.RebalanceTimeout < c.SessionTimeout:
		return fmt.Errorf("rebalance_timeout is %v, must not be below session_timeout, which is %v",
			c.RebalanceTimeout, c.SessionTimeout)
	}
	return nil
}

// Generation is one agreement of the group on who owns what. Numbers grow: who
// acts under a smaller one than another has lost what the other owns.
type Generation struct {
	Number   int32
	MemberID string
}

// Listener hears of changes. Its functions are called one at a time, by one
// goroutine, and must not call Close; the group waits for them.
type Listener struct {
	// Assigned: the partitions are ours from now on, nobody else's.
	Assigned func(ctx context.Context, g Generation, partitions []event.Partition)
	// Revoked: the partitions are ours until this returns, and then somebody
	// else's. This is the moment to commit.
	Revoked func(ctx context.Context, g Generation, partitions []event.Partition)
	// Lost: the partitions are no longer ours, and may be somebody else's since
	// some time ago. Nothing of them may be committed.
	Lost func(ctx context.Context, g Generation, partitions []event.Partition)
}

// Member is one process in the group. It fetches nothing.
type Member struct {
	topic    string
	listener Listener
	logger   *slog.Logger
	client   *kgo.Client

	stop    context.CancelFunc
	running sync.WaitGroup
	once    sync.Once

	mu         sync.Mutex
	owned      map[event.Partition]bool
	generation Generation
}

// Join makes this process a member; what it owns comes to the listener.
// Partitions move as few as possible, and those that stay are not interrupted.
func Join(cfg Config, member MemberConfig, deps Deps, listener Listener) (*Member, error) {
	if err := errors.Join(cfg.Validate(), member.Validate()); err != nil {
		return nil, fmt.Errorf("join group: %w", err)
	}
	deps = deps.withDefaults()
	opts, err := clientOptions(cfg, deps)
	if err != nil {
		return nil, fmt.Errorf("join group: %w", err)
	}
	m := &Member{
		topic: cfg.Topic, listener: listener, logger: deps.Logger,
		owned: make(map[event.Partition]bool), generation: Generation{Number: -1},
	}
	// The callbacks may come before NewClient has returned.
	m.mu.Lock()
	defer m.mu.Unlock()
	m.client, err = kgo.NewClient(append(opts,
		kgo.ConsumerGroup(member.Group),
		kgo.ConsumeTopics(cfg.Topic),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(member.SessionTimeout),
		kgo.HeartbeatInterval(member.SessionTimeout/5),
		kgo.RebalanceTimeout(member.RebalanceTimeout),
		// Offsets in Kafka are for those who watch lag. Where to read on is in the
		// state's commit (S26).
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(m.assigned),
		kgo.OnPartitionsRevoked(m.revoked),
		kgo.OnPartitionsLost(m.lost),
	)...)
	if err != nil {
		return nil, fmt.Errorf("join group %s: %w", member.Group, err)
	}
	m.client.PauseFetchTopics(cfg.Topic)
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	m.running.Go(func() { m.listen(ctx) })
	return m, nil
}

// listen hears of errors; paused partitions bring no records.
func (m *Member) listen(ctx context.Context) {
	for {
		fetches := m.client.PollFetches(ctx)
		if ctx.Err() != nil || fetches.IsClientClosed() {
			return
		}
		fetches.EachError(func(topic string, partition int32, err error) {
			m.logger.Warn("consumer group", "topic", topic, "partition", partition, "error", err)
		})
	}
}

// Owned returns the partitions that this process owns, as far as it knows, and
// the generation by which it does.
func (m *Member) Owned() ([]event.Partition, Generation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]event.Partition, 0, len(m.owned))
	for p := range m.owned {
		out = append(out, p)
	}
	slices.Sort(out)
	return out, m.generation
}

// Commit tells the group how far partitions were read, for tools that show lag.
// It is refused if the group has gone on without this process.
func (m *Member) Commit(ctx context.Context, next map[event.Partition]event.Offset) error {
	offsets := map[string]map[int32]kgo.EpochOffset{m.topic: {}}
	for p, o := range next {
		offsets[m.topic][int32(p)] = kgo.EpochOffset{Epoch: -1, Offset: int64(o)}
	}
	var result error
	m.client.CommitOffsetsSync(ctx, offsets, onCommitted(&result))
	if result != nil {
		return fmt.Errorf("commit offsets to the group: %w", result)
	}
	return nil
}

// Close leaves the group: others take over at once. Revoked is called for what
// was owned. A second Close does nothing.
func (m *Member) Close() error {
	m.once.Do(func() {
		m.client.CloseAllowingRebalance()
		m.stop()
		m.running.Wait()
	})
	return nil
}

func (m *Member) assigned(ctx context.Context, client *kgo.Client, by map[string][]int32) {
	partitions, g := m.change(client, by, true)
	if len(partitions) > 0 && m.listener.Assigned != nil {
		m.listener.Assigned(ctx, g, partitions)
	}
}

func (m *Member) revoked(ctx context.Context, client *kgo.Client, by map[string][]int32) {
	partitions := m.partitions(by)
	if len(partitions) > 0 && m.listener.Revoked != nil {
		_, g := m.Owned()
		m.listener.Revoked(ctx, g, partitions)
	}
	m.change(client, by, false)
}

func (m *Member) lost(ctx context.Context, client *kgo.Client, by map[string][]int32) {
	_, g := m.Owned()
	partitions, _ := m.change(client, by, false)
	if len(partitions) > 0 && m.listener.Lost != nil {
		m.listener.Lost(ctx, g, partitions)
	}
}

// change notes who owns what by a new generation.
func (m *Member) change(client *kgo.Client, by map[string][]int32, ours bool) ([]event.Partition, Generation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id, number := client.GroupMetadata()
	m.generation = Generation{Number: number, MemberID: id}
	partitions := m.partitions(by)
	for _, p := range partitions {
		if ours {
			m.owned[p] = true
		} else {
			delete(m.owned, p)
		}
	}
	return partitions, m.generation
}

func (m *Member) partitions(by map[string][]int32) []event.Partition {
	var out []event.Partition
	for _, p := range by[m.topic] {
		out = append(out, event.Partition(p))
	}
	slices.Sort(out)
	return out
}

// onCommitted puts the first error of a commit into result.
func onCommitted(result *error) func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error) {
	return func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		if *result = err; err != nil || resp == nil {
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil && *result == nil {
					*result = fmt.Errorf("partition %d: %w", p.Partition, err)
				}
			}
		}
	}
}
