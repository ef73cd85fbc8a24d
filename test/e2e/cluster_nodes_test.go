// What the nodes of a cluster know of each other, and what a person is told of it.
package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tidemark/internal/testkit/process"
)

// nodesAnswer is what tidemark nodes prints.
type nodesAnswer struct {
	Nodes []struct {
		ID         string `json:"id"`
		Well       bool   `json:"well"`
		Reason     string `json:"reason"`
		Partitions []struct {
			Partition int `json:"partition"`
		} `json:"partitions"`
	} `json:"nodes"`
	Unowned []json.RawMessage `json:"unowned"`
}

// nodes asks until what is told is as wanted: how each node is, by name, and that all partitions have an owner that is there.
func (c *cluster) nodes(want map[string]bool) {
	c.t.Helper()
	var seen string
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		out := process.Command(c.t, binary, "nodes", "--config", c.config, "--json")
		var a nodesAnswer
		if err := json.Unmarshal(out, &a); err != nil {
			c.t.Fatalf("decode %s: %v", out, err)
		}
		seen = string(out)
		good, owned := len(a.Nodes) == len(want) && len(a.Unowned) == 0, 0
		for _, n := range a.Nodes {
			well, there := want[n.ID]
			good = good && there && well == n.Well
			owned += len(n.Partitions)
		}
		if good && owned == 4 {
			return
		}
	}
	c.t.Errorf("after a minute nodes are not as %v:\n%s", want, seen)
}

// checkNodes kills an api: everybody sees that it does not answer, then that it has gone, and that it is back.
func (c *cluster) checkNodes() {
	c.t.Helper()
	all := map[string]bool{}
	for _, role := range []string{"collector", "processor", "api"} {
		for i := range 2 {
			all[fmt.Sprintf("%s-%d", role, i)] = true
		}
	}
	c.nodes(all)
	c.apis[1].Kill()
	all["api-1"] = false
	// For as long as its lease lives.
	c.waitMetric(c.apis[0].URL, `tidemark_nodes{role="api",state="unwell"} 1`)
	c.nodes(all)
	delete(all, "api-1") // nobody renews its lease
	c.nodes(all)
	c.waitMetric(c.apis[0].URL, `tidemark_nodes{role="api",state="unwell"} 0`)
	c.apis[1] = c.start("api", 1)
	all["api-1"] = true
	c.nodes(all)
	c.waitMetric(c.apis[0].URL, `tidemark_nodes{role="api",state="well"} 2`)
}

// waitMetric waits until a server tells a figure.
func (c *cluster) waitMetric(url, line string) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if strings.Contains(metrics(c.t, url), line+"\n") {
			return
		}
	}
	c.t.Errorf("after a minute %s does not tell %q", url, line)
}

// metrics are all figures that a server tells.
func metrics(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
