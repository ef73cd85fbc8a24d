// Replay in a cluster with the real binary: final days are counted again beside processors that go on, and come out as one process
// alone counts them again.
package e2e

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"tidemark/internal/testkit/process"
)

func TestClusterReplaysFinalDaysRP1RP2(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	c := startArchived(ctx, t)
	c.apis = append(c.apis, c.start("api", 0))
	c.processors = append(c.processors, c.start("processor", 0))
	waitStored(t, c.apis[0].URL, c.credentials, 1)
	c.waitKept(ctx, c.processors[0].URL)
	same := c.replay("--config", c.config)
	if same.DerivedEvents == 0 || len(same.Difference.Days)+len(same.Difference.Groups) != 0 || same.Applied {
		t.Errorf("a replay under the same definition differs: %+v", same)
	}
	_ = filepath.Join
}

// replay counts days of the property again.
func (c *archivedCluster) replay(args ...string) (r replayed) {
	c.t.Helper()
	out := process.Command(c.t, binary, append([]string{"replay", "--property", c.credentials.Property, "--json"}, args...)...)
	if err := json.Unmarshal(out, &r); err != nil {
		c.t.Fatalf("decode %s: %v", out, err)
	}
	return r
}
