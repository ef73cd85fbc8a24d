// Three real brokers, two of which must hold a record before it is acknowledged:
// what one kill, and two, may do.
package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
	"tidemark/internal/testkit/kafkabroker"
)

// traffic is some appenders, and what they were told.
type traffic struct {
	t      *testing.T
	acked  sync.Map // payload -> true
	count  atomic.Int64
	failed atomic.Int64
}

// recordsPerAppend go to one partition, so they are adjacent there.
const recordsPerAppend = 3

// run appends under one name until ctx ends.
func (tr *traffic) run(ctx context.Context, l *Log, name int) {
	for n := 0; ctx.Err() == nil; n++ {
		p := event.Partition(n % eventlogtest.Partitions)
		b := &eventlog.Batch{Counts: []eventlog.Count{{Property: 1, Partition: p, N: recordsPerAppend}}}
		for i := range recordsPerAppend {
			b.Records = append(b.Records, eventlog.Record{Partition: p, Payload: fmt.Appendf(nil, "%d %d %d", name, n, i)})
		}
		if err := l.Append(context.WithoutCancel(ctx), b); err != nil {
			tr.failed.Add(1)
			continue
		}
		for _, r := range b.Records {
			tr.acked.Store(string(r.Payload), true)
		}
		tr.count.Add(1)
	}
}

// await waits until n more appends were acknowledged.
func (tr *traffic) await(ctx context.Context, n int64) {
	tr.t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for want := tr.count.Load() + n; tr.count.Load() < want; {
		select {
		case <-again.C:
		case <-ctx.Done():
			tr.t.Fatalf("%d appends were acknowledged, %d wanted; %d failed", tr.count.Load(), want, tr.failed.Load())
		}
	}
}

// follow reads all partitions along and returns what it saw, when ctx ends.
func follow(ctx context.Context, t *testing.T, l *Log) []string {
	var seen []string
	next := make([]event.Offset, eventlogtest.Partitions)
	for l.Wait(ctx, next) == nil {
		for p := range next {
			got, err := l.Read(context.WithoutCancel(ctx), event.Partition(p), next[p], 1<<16, nil)
			if err != nil {
				t.Errorf("read along: %v", err)
				return seen
			}
			for _, e := range got {
				seen = append(seen, string(e.Payload))
			}
			next[p] += event.Offset(len(got))
		}
	}
	return seen
}

// check reads everything: what was acknowledged or read is there, once, and the
// records of one Append are neighbours in order.
func (tr *traffic) check(l *Log, read []string) {
	tr.t.Helper()
	present := make(map[string]int)
	total := 0
	for p := range event.Partition(eventlogtest.Partitions) {
		entries := eventlogtest.ReadAll(tr.t, l, p, 1<<20)
		total += len(entries)
		for i, e := range entries {
			present[string(e.Payload)]++
			var name, n, index int
			if _, err := fmt.Sscanf(string(e.Payload), "%d %d %d", &name, &n, &index); err != nil {
				tr.t.Fatal(err)
			}
			if first := i - index; first < 0 || string(entries[first].Payload) != fmt.Sprintf("%d %d 0", name, n) {
				tr.t.Fatalf("partition %d: %q at %d is not where its append is", p, e.Payload, e.Offset)
			}
		}
	}
	lost, twice := 0, 0
	tr.acked.Range(func(payload, _ any) bool {
		if present[payload.(string)] == 0 {
			lost++
		}
		return true
	})
	for _, n := range present {
		if n > 1 {
			twice++
		}
	}
	vanished := 0
	for _, payload := range read {
		if present[payload] == 0 {
			vanished++
		}
	}
	if lost+twice+vanished > 0 {
		tr.t.Fatalf("of %d records: %d were acknowledged and are lost, %d are there twice, %d were read and are gone", total, lost, twice, vanished)
	}
	if got := eventlogtest.Sums(tr.t, l)["1/0/"]; got != int64(total) {
		tr.t.Fatalf("%d records are there, %d are counted", total, got)
	}
}

func TestAcknowledgedRecordsOutliveBrokers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	brokers, err := kafkabroker.Start(ctx, t.TempDir(), 3)
	if err != nil {
		t.Fatal(err)
	}
	defer brokers.Close()
	cfg := testConfig(brokers.Plain(), freshTopic(t))
	cfg.ReplicationFactor, cfg.MinInSyncReplicas = 3, 2
	cfg.AppendTimeout = 30 * time.Second
	l := mustOpen(t, cfg, Deps{}, plantNothing)
	tr := &traffic{t: t}

	// The leader of a partition is killed under appends; they go on without it.
	working, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	var read []string
	for name := range 4 {
		group.Go(func() { tr.run(working, l, name) })
	}
	group.Go(func() { read = follow(working, t, l) })
	tr.await(ctx, 200)
	first := leaderOf(ctx, t, l, brokers, 0)
	brokers.Kill(first)
	tr.await(ctx, 200)
	stop()
	group.Wait()
	if n := tr.failed.Load(); n > 0 {
		t.Errorf("%d appends failed while one of three brokers was away", n)
	}
	tr.check(l, read)

	// Two are away: nothing is acknowledged, and that is said in time.
	cfg.AppendTimeout = time.Second
	// The leader of partition 0 is left alone with what it is sent.
	hasty := mustOpen(t, cfg, Deps{}, plantNothing)
	second := 3 - first - leaderOf(ctx, t, l, brokers, 0)
	brokers.Kill(second)
	end := hasty.End(0)
	lonely := &eventlog.Batch{
		Records: []eventlog.Record{{Payload: []byte("9 0 0")}},
		Counts:  []eventlog.Count{{Property: 1, N: 1}},
	}
	if err := hasty.Append(ctx, lonely); !errors.Is(err, eventlog.ErrUnknown) {
		t.Errorf("append with one of three brokers: got error %v, want ErrUnknown", err)
	}
	if err := hasty.Append(ctx, lonely); !errors.Is(err, eventlog.ErrFull) {
		t.Errorf("append after brokers did not answer: got error %v, want ErrFull", err)
	}
	if got := hasty.End(0); got != end {
		t.Errorf("partition 0 ends at %d, and at %d with a record that one broker has", end, got)
	}

	// They return: nothing that was acknowledged is lost, and appends go on.
	if err := brokers.Restart(ctx, first, second); err != nil {
		t.Fatalf("%v\n%s", err, brokers.Output())
	}
	appendPatiently(ctx, t, hasty, "9 1 0")
	tr.acked.Store("9 1 0", true)
	if err := hasty.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	fresh := mustOpen(t, cfg, Deps{}, plantNothing)
	tr.check(fresh, read)
}

// leaderOf returns which broker leads a partition.
func leaderOf(ctx context.Context, t *testing.T, l *Log, brokers *kafkabroker.Cluster, p int32) int {
	t.Helper()
	details, err := l.admin.ListTopics(ctx, l.cfg.Topic)
	if err != nil {
		t.Fatal(err)
	}
	return brokers.Node(details[l.cfg.Topic].Partitions[p].Leader)
}

// appendPatiently appends one record, counted, as soon as brokers take it.
func appendPatiently(ctx context.Context, t *testing.T, l *Log, payload string) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	b := &eventlog.Batch{
		Records: []eventlog.Record{{Payload: []byte(payload)}},
		Counts:  []eventlog.Count{{Property: 1, N: 1}},
	}
	for {
		err := l.Append(ctx, b)
		if err == nil {
			return
		}
		if !errors.Is(err, eventlog.ErrFull) {
			t.Fatalf("append after the brokers returned: %v", err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("brokers returned, but appends are still refused: %v", err)
		}
	}
}
