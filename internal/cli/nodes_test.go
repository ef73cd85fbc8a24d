// nodes over registries in memory and real health checks.
package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/intent"
	"tidemark/internal/intent/memintent"
	"tidemark/internal/node"
	"tidemark/internal/node/memnode"
)

// nodeAt registers a node whose health a server tells.
func nodeAt(t *testing.T, r *memnode.Registry, id, role string, status int) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("node %s was asked for %s", id, r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(s.Close)
	_, err := r.Register(t.Context(), node.Node{ID: id, Roles: []string{role}, Address: s.Listener.Addr().String(),
		Metadata: map[string]string{"version": "1.2.3"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// own makes id the owner of partitions, each with a batch done.
func own(t *testing.T, r intent.Registry, id string, partitions ...int) {
	t.Helper()
	for _, p := range partitions {
		epoch, err := r.Acquire(t.Context(), p, id)
		if err != nil {
			t.Fatal(err)
		}
		i := intent.Intent{Partition: p, Epoch: epoch, Seq: 1, From: 0, To: 100 + uint64(p), State: "s"}
		for _, step := range []func() error{
			func() error { return r.Begin(t.Context(), i) },
			func() error { return r.Save(t.Context(), p, epoch, 1) },
			func() error { return r.Done(t.Context(), p, epoch, 1) },
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNodesTellsWhoIsThereAndWhoOwnsWhat(t *testing.T) {
	nodes, intents := memnode.New(), memintent.NewStorage().Open()
	nodeAt(t, nodes, "api-0", "api", http.StatusOK)
	nodeAt(t, nodes, "collector-0", "collector", http.StatusServiceUnavailable)
	nodeAt(t, nodes, "processor-0", "processor", http.StatusOK)
	nodeAt(t, nodes, "processor-1", "processor", http.StatusOK).Close() // killed: its lease is still there
	own(t, intents, "processor-0", 0, 1, 2, 6)
	own(t, intents, "processor-1", 3)
	own(t, intents, "processor-9", 4)
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if err := nodes.Hold(t.Context(), "collector-0", since); err != nil {
		t.Fatal(err)
	}
	l := &looker{nodes: nodes, intents: intents, partitions: 7}
	var out, errs bytes.Buffer
	if err := l.run(t.Context(), &nodesCmd{output: output{JSON: true}}, &Env{Stdout: &out, Stderr: &errs}); err != nil {
		t.Fatal(err)
	}
	var c cluster
	if err := json.Unmarshal(out.Bytes(), &c); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range c.Nodes {
		state := "well"
		if !n.Well {
			state = "unwell"
			if n.Reason == "" {
				t.Errorf("%s is not well for no reason", n.ID)
			}
		}
		got = append(got, strings.TrimSpace(strings.Join([]string{n.ID, strings.Join(n.Roles, ","), n.Version, state, partitionList(n.Partitions)}, " ")))
	}
	want := []string{"api-0 api 1.2.3 well", "collector-0 collector 1.2.3 unwell", "processor-0 processor 1.2.3 well 0-2, 6",
		"processor-1 processor 1.2.3 unwell 3"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("nodes are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if partitionList(c.Unowned) != "4-5" || c.Unowned[0].Owner != "processor-9" || c.Unowned[1].Owner != "" {
		t.Errorf("without owner: %+v", c.Unowned)
	}
	if p := c.Nodes[2].Partitions[1]; p.Batch != 1 || p.Next != 101 || p.Epoch != 1 {
		t.Errorf("partition 1 has come to %+v", p)
	}
	if c.Held == nil || c.Held.Node != "collector-0" || !c.Held.Since.Equal(since) {
		t.Errorf("held: %+v", c.Held)
	}
}

func TestNodesAreDrawn(t *testing.T) {
	c := cluster{
		Nodes: []clusterNode{
			{ID: "api-0", Roles: []string{"api"}, Address: "10.0.0.1:8080", Version: "1.2.3", Well: true},
			{ID: "p-0", Roles: []string{"api", "processor"}, Address: "10.0.0.2:8080", Version: "1.2.3", Reason: "status 503",
				Partitions: []clusterPartition{{Partition: 0}, {Partition: 1}, {Partition: 3}}},
		},
		Unowned: []clusterPartition{{Partition: 2, Owner: "p-1"}, {Partition: 4}},
		Held:    &clusterHeld{Node: "c\x1b[31m", Since: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
	}
	var out bytes.Buffer
	drawCluster(&out, terminal{}, c, time.Date(2026, 3, 1, 12, 0, 30, 0, time.UTC))
	want := `NODE   ROLES          ADDRESS        VERSION  PARTITIONS  STATE
api-0  api            10.0.0.1:8080  1.2.3    -           well
p-0    api,processor  10.0.0.2:8080  1.2.3    0-1, 3      does not answer: status 503

Nobody works on partitions 2, 4 (before: p-1).
Their events are accepted and kept; reports wait for them. A processor takes them over by itself, or start one.

c` + "\u00b7" + `[31m holds events accepted since 2026-03-01T12:00:00Z (30.0 s ago) that are not in the log yet.
`
	if out.String() != want {
		t.Errorf("drawn:\n%s\nwant:\n%s", out.String(), want)
	}
	out.Reset()
	drawCluster(&out, terminal{}, cluster{}, time.Now())
	if out.String() != "No node is there.\n" {
		t.Errorf("an empty cluster is drawn as %q", out.String())
	}
}

// lines hands over what is printed, piece by piece.
type lines chan string

func (l lines) Write(b []byte) (int, error) { l <- string(b); return len(b), nil }

func TestWatchedNodesArePrintedAgainWhenTheyChange(t *testing.T) {
	nodes, intents := memnode.New(), memintent.NewStorage().Open()
	server := nodeAt(t, nodes, "processor-0", "processor", http.StatusOK)
	own(t, intents, "processor-0", 0)
	ctx, stop := context.WithCancel(t.Context())
	out, ended := make(lines), make(chan error, 1)
	l := &looker{nodes: nodes, intents: intents, partitions: 1}
	go func() {
		ended <- l.run(ctx, &nodesCmd{output: output{JSON: true}, Watch: true}, &Env{Stdout: out, Stderr: out})
	}()
	see := func(well bool, partitions ...event.Partition) {
		t.Helper()
		for {
			select {
			case text := <-out:
				var c cluster
				if err := json.Unmarshal([]byte(text), &c); err != nil {
					t.Fatalf("%v in %q", err, text)
				}
				if len(c.Nodes) == 1 && c.Nodes[0].Well == well && len(c.Nodes[0].Partitions) == len(partitions) {
					return
				}
			case <-time.After(time.Minute):
				t.Fatalf("nothing said that the node is well: %v", well)
			}
		}
	}
	see(true, 0)
	own2, err := intents.Acquire(ctx, 0, "processor-1")
	if err != nil || own2 == 0 {
		t.Fatal(err)
	}
	see(true)
	server.Close()
	see(false)
	stop()
	for {
		select {
		case <-out:
			continue
		case err := <-ended:
			if err != nil {
				t.Fatal(err)
			}
		}
		break
	}
}

func TestNodesWantsACluster(t *testing.T) {
	file := filepath.Join(t.TempDir(), "one.yaml")
	if err := os.WriteFile(file, []byte("data_dir: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := Run(t.Context(), []string{"nodes", "--config", file}, Env{Stdout: &out, Stderr: &errs}); code != 2 ||
		!strings.Contains(errs.String(), "postgres.url") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}
