// An installation moves into a cluster while it takes events. Whoever is killed meanwhile, every acknowledged event is in the
// cluster's reports exactly once, and both sides answer alike before the switch (MG1 to MG5).
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/testkit/process"
)

// moveKills is how often the moving command is killed before it may import to its end, and as often before the switch.
const moveKills = 2

// installation is a process with everything on its disk.
type installation struct {
	t      *testing.T
	data   string
	config string
	server *process.Server
}

func (i *installation) start() {
	i.t.Helper()
	i.server = process.Start(i.t, binary, "serve", i.data, "--config", i.config)
}

// move runs the moving command to its end.
func (c *cluster) move(i *installation, args ...string) string {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, append([]string{"migrate", "--data-dir", i.data, "--config", c.config}, args...)...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("migrate %v: %v\n%s\nthe installation:\n%s", args, err, out, i.server.Output())
	}
	return string(out)
}

// killedMove runs the moving command and kills it after a while, if it has not ended before.
func (c *cluster) killedMove(i *installation, after time.Duration, args ...string) {
	c.t.Helper()
	cmd := exec.Command(binary, append([]string{"migrate", "--data-dir", i.data, "--config", c.config}, args...)...)
	out, err := os.CreateTemp(c.dir, "move")
	if err != nil {
		c.t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	kill := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have ended
	err = cmd.Wait()
	kill.Stop()
	text, _ := os.ReadFile(out.Name())
	c.t.Logf("migrate %v, killed after %v at the latest: %s", args, after, text)
	if cmd.ProcessState.Exited() && err != nil {
		c.t.Fatalf("migrate %v: %v\n%s\nthe installation:\n%s", args, err, text, i.server.Output())
	}
}

// following is a moving command that runs until it is told to end.
type following struct {
	c    *cluster
	cmd  *exec.Cmd
	out  string
	done chan error
}

func (c *cluster) follow(i *installation) *following {
	c.t.Helper()
	f := &following{c: c, out: filepath.Join(c.dir, "following.log"), done: make(chan error, 1)}
	out, err := os.Create(f.out)
	if err != nil {
		c.t.Fatal(err)
	}
	defer out.Close()
	f.cmd = exec.Command(binary, "migrate", "--data-dir", i.data, "--config", c.config)
	f.cmd.Stdout, f.cmd.Stderr = out, out
	if err := f.cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = f.cmd.Process.Kill() }) // it has ended unless the test failed
	go func() { f.done <- f.cmd.Wait() }()
	return f
}

func (f *following) said() string {
	text, _ := os.ReadFile(f.out)
	return string(text)
}

// waitFor returns when the command has said one of the texts.
func (f *following) waitFor(texts ...string) {
	f.c.t.Helper()
	deadline := time.After(2 * time.Minute)
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		said := f.said()
		for _, text := range texts {
			if strings.Contains(said, text) {
				return
			}
		}
		select {
		case err := <-f.done:
			f.c.t.Fatalf("migrate ended before it said %q: %v\n%s", texts, err, said)
		case <-deadline:
			f.c.t.Fatalf("migrate does not say %q:\n%s", texts, said)
		case <-look.C:
		}
	}
}

// interrupt ends it as an operator does.
func (f *following) interrupt() {
	f.c.t.Helper()
	if err := f.cmd.Process.Signal(os.Interrupt); err != nil {
		f.c.t.Fatal(err)
	}
	if err := <-f.done; err != nil {
		f.c.t.Fatalf("interrupted, migrate ends with %v:\n%s", err, f.said())
	}
	f.c.t.Logf("followed: %s", f.said())
}

func TestMigrationLosesAndDoublesNothing(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	c := startGround(ctx, t)
	text, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	write(t, c.config, strings.Replace(string(text), "partitions: 4", "partitions: 16", 1))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))

	i := &installation{t: t, data: filepath.Join(c.dir, "embedded"), config: filepath.Join(c.dir, "embedded.yaml")}
	write(t, i.config, hurried)
	history := createProperty(t, i.data)
	process.Command(t, binary, "simulate", "--data-dir", i.data, "--in-process", "--events", "5000", "--rate", "0.0075", "--seed", "7")
	c.credentials = createProperty(t, i.data)
	i.start()
	account := waitFolded(t, i.server.URL, history)
	replayFinal(t, i.data, history) // returns once days are final

	clock := time.NewTicker(40 * time.Millisecond)
	defer clock.Stop()
	senders := &senders{credentials: c.credentials, pace: clock.C}
	load := func() {
		senders.startAt([]string{i.server.URL}, 4, rng.Uint64())
		senders.waitFor(20)
	}
	for range moveKills {
		load()
		c.killedMove(i, time.Duration(rng.IntN(3000))*time.Millisecond, "--once")
		i.server.Kill()
		senders.stop()
		i.start()
	}
	load()
	began := time.Now()
	f := c.follow(i)
	f.waitFor("are imported")
	t.Logf("imported in %v", time.Since(began).Round(time.Millisecond))
	for n := range 2 {
		c.processors = append(c.processors, c.start("processor", n))
		c.apis = append(c.apis, c.start("api", n))
		c.collectors = append(c.collectors, c.start("collector", n))
	}
	c.checkAccounts("imported", history, account)
	if got := postStatus(t, c.collectors[0].URL, c.credentials, "before"); got != http.StatusServiceUnavailable {
		t.Errorf("before the switch a collector of the cluster answers %d, want 503", got)
	}
	senders.waitFor(100)
	f.waitFor("are the same on both sides", "Reports differ")
	f.interrupt()
	c.checkAccounts("followed", history, account)
	for n := range moveKills {
		c.killedMove(i, time.Duration(rng.IntN(4000))*time.Millisecond, "--switch")
		c.checkAccounts("killed in a switch", history, account)
		if n%2 == 1 {
			i.server.Kill()
			senders.stop()
			i.start()
			senders.startAt([]string{i.server.URL}, 4, rng.Uint64())
		}
	}
	t.Logf("switched: %s", c.move(i, "--switch"))
	if got := postStatus(t, i.server.URL, c.credentials, "after"); got != http.StatusServiceUnavailable {
		t.Errorf("after the switch the installation answers %d, want 503", got)
	}
	senders.stop()
	question := lastWeek()
	want := ask(t, i.server.URL, history, question)
	i.server.Kill()
	i.start()
	if got := postStatus(t, i.server.URL, c.credentials, "after a restart"); got != http.StatusServiceUnavailable {
		t.Errorf("started again after the switch the installation answers %d, want 503", got)
	}
	if out, err := process.TryCommand(binary, "property", "create", "--data-dir", i.data, "--name", "late"); err == nil {
		t.Errorf("an installation that is gone makes a property: %s", out)
	}

	senders.startAt(c.urls(c.collectors), 4, rng.Uint64())
	senders.waitFor(50)
	senders.stop()
	for _, api := range c.apis {
		senders.checkAt(t, c.collectors[0].URL, api.URL)
	}
	got := ask(t, c.apis[0].URL, history, question)
	if diff := cmp.Diff(want.Rows, got.Rows); diff != "" || len(got.Rows) == 0 {
		t.Errorf("reports of the history (-installation +cluster, %d rows):\n%s", len(got.Rows), diff)
	}
	c.checkKeysAreKnown(senders)
	if out := c.move(i, "--switch"); !strings.Contains(out, "complete") {
		t.Errorf("moved again: %s", out)
	}
	if out, err := process.TryCommand(binary, "migrate", "--data-dir", i.data, "--config", c.config, "--abort"); err == nil {
		t.Errorf("a complete move is aborted: %s", out)
	}
	t.Logf("%d events acknowledged", len(senders.acknowledged))
}

// checkAccounts asks for what was received of the history while the cluster follows (MG5): all of it, whoever was killed.
func (c *cluster) checkAccounts(when string, history credentials, want ledger) {
	c.t.Helper()
	for _, api := range c.apis {
		if got := askLedger(c.t, api.URL, history); got.Received != want.Received || got.Pending != 0 || !got.Balanced {
			c.t.Errorf("%s: the cluster's account of the history is %+v, want that of the installation, %+v", when, got, want)
		}
		if got := askLedger(c.t, api.URL, c.credentials); got.Pending < 0 || !got.Balanced {
			c.t.Errorf("%s: the cluster's account does not balance: %+v", when, got)
		}
	}
}

// checkKeysAreKnown sends events again that the installation took: the cluster's folds know their keys (S7).
func (c *cluster) checkKeysAreKnown(s *senders) {
	c.t.Helper()
	before := askLedger(c.t, c.apis[0].URL, c.credentials)
	var body strings.Builder
	for e := range 20 {
		fmt.Fprintf(&body, `{"name":"page_view","event_id":"k%d","client_id":"c%d","url":"https://shop.example/e/%d","time":%d}`+"\n",
			e, e%40, e, time.Now().UnixMilli())
	}
	// With the secret, as the first time: without one the user agent of this program is a robot's, and its events are those of
	// another client.
	resp, err := http.Post(c.collectors[0].URL+"/v1/events?measurement_id="+c.credentials.MeasurementID+"&api_secret="+c.credentials.APISecret,
		"application/x-ndjson", strings.NewReader(body.String()))
	if err != nil {
		c.t.Fatal(err)
	}
	_ = resp.Body.Close()
	deadline := time.Now().Add(time.Minute)
	for look := time.NewTicker(50 * time.Millisecond); ; <-look.C {
		l := askLedger(c.t, c.apis[0].URL, c.credentials)
		if l.Duplicate == before.Duplicate+20 && l.Stored == before.Stored && l.Balanced {
			look.Stop()
			return
		}
		if time.Now().After(deadline) {
			text, _ := json.Marshal(l)
			c.t.Fatalf("20 events sent again are not 20 duplicates more: before %+v, now %s", before, text)
		}
	}
}

func postStatus(t *testing.T, url string, c credentials, key string) int {
	t.Helper()
	resp, err := http.Post(url+"/v1/events?measurement_id="+c.MeasurementID+"&api_secret="+c.APISecret, "application/x-ndjson",
		strings.NewReader(`{"name":"page_view","event_id":"`+key+`","client_id":"x","url":"https://shop.example/never"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}
