// Trouble: what happens to a cluster while events come in.
package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tidemark/internal/testkit/process"
)

// trouble is what can happen to a cluster. It ends healed.
type trouble struct {
	name string
	make func(c *cluster, rng *rand.Rand)
}

func troubles(ctx context.Context) []trouble {
	again := func(of func(c *cluster) []*process.Server, role string) func(*cluster, *rand.Rand) {
		return func(c *cluster, rng *rand.Rand) {
			i := rng.IntN(2)
			of(c)[i].Kill()
			of(c)[i] = c.start(role, i)
		}
	}
	return []trouble{
		{"processor killed", again(func(c *cluster) []*process.Server { return c.processors }, "processor")},
		{"collector killed", again(func(c *cluster) []*process.Server { return c.collectors }, "collector")},
		{"api killed", again(func(c *cluster) []*process.Server { return c.apis }, "api")},
		{"processor stands still until others have taken over", func(c *cluster, rng *rand.Rand) {
			i := rng.IntN(2)
			c.waitForOwners("none of %s", fmt.Sprintf("processor-%d", i), func(its, _ int) bool { return its > 0 })
			must(c.t, c.processors[i].Freeze())
			c.waitForOwners("not all of %s", fmt.Sprintf("processor-%d", 1-i), func(_, others int) bool { return others == 0 })
			must(c.t, c.processors[i].Thaw())
		}},
		{"store killed", func(c *cluster, _ *rand.Rand) {
			must(c.t, c.click.Kill())
			must(c.t, c.click.Begin())
		}},
		{"database killed", func(c *cluster, _ *rand.Rand) {
			must(c.t, c.pg.Kill())
			must(c.t, c.pg.Begin())
		}},
		{"database away, and events and reports go on", func(c *cluster, _ *rand.Rand) {
			read := func() {
				for _, api := range c.apis {
					ask(c.t, api.URL, c.credentials, `{"metrics":[{"name":"eventCount"}],`+lastDays+`}`)
				}
			}
			read()
			must(c.t, c.pg.Kill())
			c.senders.waitFor(40)
			read()
			must(c.t, c.pg.Begin())
		}},
		{"object storage killed", func(c *cluster, _ *rand.Rand) {
			must(c.t, c.objects.Kill())
			c.senders.waitFor(20)
			must(c.t, c.objects.Begin())
		}},
		{"a third processor comes and goes", func(c *cluster, _ *rand.Rand) {
			third := c.start("processor", 2)
			c.waitForOwners("none of %s", "processor-2", func(its, _ int) bool { return its > 0 })
			if err := third.Terminate(); err != nil {
				c.t.Errorf("third processor: %v\n%s", err, third.Output())
			}
		}},
		{"broker killed", func(c *cluster, rng *rand.Rand) {
			i := rng.IntN(brokers)
			c.kafka.Kill(i)
			c.senders.waitFor(30)
			must(c.t, c.kafka.Restart(ctx, i))
		}},
		{"all brokers away, and events go on", func(c *cluster, _ *rand.Rand) { c.withoutKafka(ctx, func() {}) }},
		{"collector killed while all brokers are away", func(c *cluster, rng *rand.Rand) {
			c.withoutKafka(ctx, func() {
				i := rng.IntN(2)
				c.collectors[i].Kill()
				c.collectors[i] = c.start("collector", i)
			})
		}},
		{"processors go away in good order, one after the other", func(c *cluster, _ *rand.Rand) {
			for i := range c.processors {
				if err := c.processors[i].Terminate(); err != nil {
					c.t.Errorf("processor %d: %v\n%s", i, err, c.processors[i].Output())
				}
				c.processors[i] = c.start("processor", i)
			}
		}},
	}
}

// withoutKafka takes all brokers away, waits until collectors have taken a good deal all the same, and brings them back.
func (c *cluster) withoutKafka(ctx context.Context, meanwhile func()) {
	c.t.Helper()
	for i := range brokers {
		c.kafka.Kill(i)
	}
	c.senders.waitFor(40)
	meanwhile()
	must(c.t, c.kafka.Restart(ctx, 0, 1, 2))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// waitForOwners waits until the number of partitions that a node owns, and that others own, are good.
func (c *cluster) waitForOwners(bad, node string, good func(its, others int) bool) {
	c.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		its := number(c.t, c.pg.Text(c.t, c.db, "SELECT count(*)::text FROM intent_partition WHERE owner = $1", node))
		others := number(c.t, c.pg.Text(c.t, c.db, "SELECT count(*)::text FROM intent_partition WHERE owner <> $1", node))
		if good(its, others) {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("after a minute still "+bad+": it owns %d partitions, others %d", node, its, others)
		}
	}
}
