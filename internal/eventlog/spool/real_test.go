// The spool before a real Apache Kafka broker that is killed, and in a process that is.
package spool

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/eventlog/pebblelog"
	"tidemark/internal/testkit/kafkabroker"
)

// child holds what a process that is to be killed is told: brokers, topic, directory.
const child = "TIDEMARK_SPOOL_CHILD"

func TestMain(m *testing.M) {
	if told := os.Getenv(child); told != "" {
		if err := runChild(strings.Split(told, "|")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	if code == 0 {
		code = complain(awaitNoGoroutines())
	}
	os.Exit(code)
}

func kafkaConfig(broker, topic string) kafkalog.Config {
	cfg := kafkalog.DefaultConfig()
	cfg.Brokers, cfg.Topic = []string{broker}, topic
	cfg.Partitions, cfg.ReplicationFactor, cfg.MinInSyncReplicas = partitions, 1, 1
	cfg.AppendTimeout, cfg.CloseWait = 2*time.Second, time.Second
	return cfg
}

// openReal opens a spool in dir before a topic.
func openReal(broker, topic, dir string) (*Spool, error) {
	near := pebblelog.DefaultConfig()
	near.Dir, near.Partitions, near.MinFreeBytes = filepath.Join(dir, "log"), partitions, 0
	log, err := pebblelog.Open(near, pebblelog.Deps{})
	if err != nil {
		return nil, err
	}
	far := kafkaConfig(broker, topic)
	far.AppendOnly = true
	cfg := testConfig()
	cfg.MaxFarWait, cfg.AsideDir = 500*time.Millisecond, filepath.Join(dir, "aside")
	return Open(cfg, Deps{Near: log, OpenFar: func(ctx context.Context) (eventlog.Log, error) {
		l, err := kafkalog.Open(ctx, far, kafkalog.Deps{})
		if err != nil {
			return nil, err
		}
		return l, nil
	}})
}

// sendReal appends numbered events, two to a batch, until ctx ends, and reports
// each batch that was acknowledged.
func sendReal(ctx context.Context, s *Spool, sender string, acked func(p event.Partition, keys ...string)) error {
	for n := 0; ctx.Err() == nil; n += 2 {
		p := event.Partition(n / 2 % partitions)
		keys := []string{fmt.Sprintf("%s %d", sender, n), fmt.Sprintf("%s %d", sender, n+1)}
		if err := s.Append(context.WithoutCancel(ctx), one(p, keys...)); err != nil {
			return err
		}
		acked(p, keys...)
	}
	return nil
}

// answers are what senders were told.
type answers struct {
	mu    sync.Mutex
	acked [partitions][]string
	n     int
}

func (a *answers) add(p event.Partition, keys ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acked[p] = append(a.acked[p], keys...)
	a.n++
}

func (a *answers) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.n
}

func (a *answers) more(t *testing.T, n int) {
	t.Helper()
	want := a.count() + n
	await(t, fmt.Sprint(n, " more answers"), func() bool { return a.count() >= want })
}

// check reads the topic: what was acknowledged is there, in the order of each
// sender, and as many are counted as there are. exactly: nothing else is there.
func (a *answers) check(t *testing.T, broker, topic string, exactly bool) (copies int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	l, err := kafkalog.Open(ctx, kafkaConfig(broker, topic), kafkalog.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	total := 0
	for p := range event.Partition(partitions) {
		var all []string
		for _, e := range eventlogtest.ReadAll(t, l, p, 1<<20) {
			all = append(all, textOf(e.Payload))
		}
		total += len(all)
		place := map[string]int{}
		for i, key := range firsts(all) {
			place[key] = i
		}
		copies += len(all) - len(place)
		if exactly && len(place) != len(a.acked[p]) {
			t.Errorf("partition %d has %d events, %d were acknowledged", p, len(place), len(a.acked[p]))
		}
		last := map[string]int{}
		for _, key := range a.acked[p] {
			at, ok := place[key]
			if !ok {
				t.Fatalf("partition %d: %q was acknowledged and is lost", p, key)
			}
			sender, _, _ := strings.Cut(key, " ")
			if before, ok := last[sender]; ok && at < before {
				t.Fatalf("partition %d: %q is before what its sender sent first", p, key)
			}
			last[sender] = at
		}
	}
	counts, err := l.CountsOf(ctx, 1)
	if err != nil || counts[""] != int64(total) {
		t.Errorf("%d are counted, %d are there, %v", counts[""], total, err)
	}
	t.Logf("%d records, %d of them copies", total, copies)
	return copies
}

func startBroker(t *testing.T) *kafkabroker.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, err := kafkabroker.Start(ctx, t.TempDir(), 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// TestAKilledBrokerIsNotNoticedBySenders: every append is answered with success,
// and in the end Kafka has all of it in order.
func TestAKilledBrokerIsNotNoticedBySenders(t *testing.T) {
	broker := startBroker(t)
	s, err := openReal(broker.Plain()[0], "killed", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	await(t, "lanes turn to kafka", allFar(s))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	told := &answers{}
	for sender := range 3 {
		group.Go(func() {
			if err := sendReal(ctx, s, fmt.Sprint(sender), told.add); err != nil {
				t.Errorf("sender %d: %v", sender, err)
			}
		})
	}
	for range 2 {
		told.more(t, 200)
		broker.Kill(0)
		told.more(t, 500)
		if st := s.State(); st.Near != partitions || st.Frames == 0 || s.Degraded() == "" {
			t.Errorf("without a broker: %+v", st)
		}
		if err := broker.Restart(ctx, 0); err != nil {
			t.Fatalf("%v\n%s", err, broker.Output())
		}
		await(t, "lanes turn back under load", allFar(s))
		told.more(t, 200)
	}
	stop()
	group.Wait()
	await(t, "drain", drained(s))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	told.check(t, broker.Plain()[0], "killed", true)
}

// runChild appends and says what was acknowledged, until it is killed.
func runChild(told []string) error {
	s, err := openReal(told[0], told[1], told[2])
	if err != nil {
		return err
	}
	var mu sync.Mutex
	return sendReal(context.Background(), s, told[3], func(p event.Partition, keys ...string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(os.Stdout, "%d %s\n", p, strings.Join(keys, ","))
	})
}

// startChild runs a process that holds the spool; kill ends it like a power cut.
func startChild(t *testing.T, told *answers, broker, topic, dir, sender string) (kill func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), child+"="+strings.Join([]string{broker, topic, dir, sender}, "|"))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var p event.Partition
			number, keys, ok := strings.Cut(lines.Text(), " ")
			if _, err := fmt.Sscan(number, &p); err == nil && ok && strings.Count(keys, ",") == 1 {
				told.add(p, strings.Split(keys, ",")...)
			}
		}
	}()
	var once sync.Once
	kill = func() {
		once.Do(func() {
			_ = cmd.Process.Kill()
			<-done
			_ = cmd.Wait()
		})
	}
	t.Cleanup(kill)
	return kill
}

// TestAKilledCollectorForwardsAfterItsNextStart what its spool holds: killed
// while Kafka works, while it is away, and while it is forwarding.
func TestAKilledCollectorForwardsAfterItsNextStart(t *testing.T) {
	broker := startBroker(t)
	address, topic, dir := broker.Plain()[0], "child", t.TempDir()
	told := &answers{}
	kill := startChild(t, told, address, topic, dir, "direct")
	told.more(t, 300)
	kill()
	kill = startChild(t, told, address, topic, dir, "away")
	told.more(t, 300)
	broker.Kill(0)
	told.more(t, 1500)
	kill()
	kill = startChild(t, told, address, topic, dir, "start")
	told.more(t, 500)
	if err := broker.Restart(t.Context(), 0); err != nil {
		t.Fatalf("%v\n%s", err, broker.Output())
	}
	told.more(t, 300)
	kill()
	s, err := openReal(address, topic, dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	await(t, "drain", drained(s))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	told.check(t, address, topic, false)
}
