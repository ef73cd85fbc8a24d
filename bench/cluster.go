// Cluster: a process of each role over a real broker, PostgreSQL, the engine of ClickHouse and a folder of objects, all on this
// machine: what an event costs each of them, and how long it takes to be seen.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"tidemark/internal/testkit/clickserver"
	"tidemark/internal/testkit/kafkabroker"
	"tidemark/internal/testkit/pgserver"
)

// clusterOf is all processes.
type clusterOf struct {
	b     *bench
	dir   string
	kafka *kafkabroker.Cluster
	pg    *pgserver.Server
	click *clickserver.Server

	config                    string
	collector, processor, api *server
}

// One broker: with three on one machine each byte would be written three times to one disk.
const clusterConfig = `eventlog:
  kafka:
    brokers: [%q]
    replication_factor: 1
    min_insync_replicas: 1
postgres:
  url: %q
clickhouse:
  url: %q
  database: default
  user: %s
  password: %s
objects:
  dir: %s
report:
  concurrency: 4
`

func measureCluster(ctx context.Context, b *bench) (err error) {
	c := &clusterOf{b: b, dir: filepath.Join(b.dir, "cluster")}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.begin(ctx); err != nil {
		return err
	}
	if err := c.warmUp(ctx); err != nil {
		return err
	}
	for _, batch := range []int{1, 25} {
		if err := c.burst(ctx, batch); err != nil {
			return err
		}
	}
	for _, rate := range []float64{1_000, 5_000, 10_000} {
		if err := c.visible(ctx, rate); err != nil {
			return err
		}
	}
	return c.panels(ctx)
}

func (c *clusterOf) begin(ctx context.Context) (err error) {
	c.b.progress.say("starting broker, database and store")
	for _, dir := range []string{"kafka", "objects"} {
		if err := os.MkdirAll(filepath.Join(c.dir, dir), 0o755); err != nil {
			return fmt.Errorf("make scratch folder: %w", err)
		}
	}
	if c.kafka, err = kafkabroker.Start(ctx, filepath.Join(c.dir, "kafka"), 1); err != nil {
		return err
	}
	if c.pg, err = pgserver.Start(pgserver.Options{}); err != nil {
		return err
	}
	if c.click, err = clickserver.Start(ctx); err != nil {
		return err
	}
	c.config = fmt.Sprintf(clusterConfig, c.kafka.Plain()[0], c.pg.URL("postgres"), c.click.URL(), clickserver.User, clickserver.Password,
		filepath.Join(c.dir, "objects"))
	file := filepath.Join(c.dir, "cluster.yaml")
	if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	out, err := exec.Command(c.b.bin, "property", "create", "--config", file, "--name", "Bench",
		"--time-zone", zoneName, "--currency", "EUR", "--json").Output()
	if err != nil {
		return fmt.Errorf("create property: %w", err)
	}
	var keys credentials
	if err := json.Unmarshal(out, &keys); err != nil {
		return fmt.Errorf("read credentials: %w", err)
	}
	for role, s := range map[string]**server{"collector": &c.collector, "processor": &c.processor, "api": &c.api} {
		*s = &server{bin: c.b.bin, dir: filepath.Join(c.dir, role), role: role, credentials: keys,
			settings: c.config + "cluster:\n  node: " + role + "\n"}
		if err := os.MkdirAll((*s).dir, 0o755); err != nil {
			return fmt.Errorf("make scratch folder: %w", err)
		}
		if err := (*s).start(); err != nil {
			return fmt.Errorf("%s: %w", role, err)
		}
	}
	return nil
}

func (c *clusterOf) close() error {
	var errs []error
	for _, s := range []*server{c.collector, c.processor, c.api} {
		if s != nil && s.cmd != nil {
			errs = append(errs, s.kill())
		}
	}
	if c.kafka != nil {
		c.kafka.Close()
	}
	if c.click != nil {
		errs = append(errs, c.click.Close())
	}
	if c.pg != nil {
		errs = append(errs, c.pg.Close())
	}
	return errors.Join(errs...)
}

// spent is processor time by who used it.
type spent map[string]time.Duration

func (c *clusterOf) spent() (spent, error) {
	out := spent{}
	for name, s := range map[string]*server{"collector": c.collector, "processor": c.processor, "api": c.api} {
		cpu, err := cpuOf(s.pid())
		if err != nil {
			return nil, err
		}
		out[name] = cpu
	}
	for name, program := range map[string]string{"broker": "java", "store": "shim", "database": "postgres"} {
		cpu, err := cpuBelow(os.Getpid(), program)
		if err != nil {
			return nil, err
		}
		out[name] = cpu
	}
	return out, nil
}

// settle waits until the reports hold all that was accepted by the collector.
func (c *clusterOf) settle(ctx context.Context, accepted int64) error {
	return c.api.until(ctx, func(l ledger) bool { return l.Pending == 0 && l.Accepted >= accepted })
}

// warmUp lets the broker's virtual machine translate what it runs.
func (c *clusterOf) warmUp(ctx context.Context) error {
	c.b.progress.say("warming up")
	requests, err := makeRequests(c.collector.credentials, preparedEvents, 5, 0)
	if err != nil {
		return err
	}
	sent, err := newLoad(requests, connections).burst(ctx, c.collector.address, 4*c.b.round)
	if err != nil {
		return err
	}
	return c.settle(ctx, int64(sent.events))
}

// burst sends as fast as the collector answers, and waits until all is in reports.
func (c *clusterOf) burst(ctx context.Context, batch int) error {
	c.b.progress.say(fmt.Sprintf("a burst of requests of %d", batch))
	requests, err := makeRequests(c.collector.credentials, preparedEvents, batch, 0)
	if err != nil {
		return err
	}
	l, err := c.api.ledger(ctx)
	if err != nil {
		return err
	}
	sizes, err := c.sizes()
	if err != nil {
		return err
	}
	before, err := c.spent()
	if err != nil {
		return err
	}
	began := time.Now()
	sent, err := newLoad(requests, connections).burst(ctx, c.collector.address, c.b.round)
	if err != nil {
		return err
	}
	if err := c.settle(ctx, l.Accepted+int64(sent.events)); err != nil {
		return err
	}
	took := time.Since(began)
	after, err := c.spent()
	if err != nil {
		return err
	}
	c.b.add(fmt.Sprintf("burst of requests of %d, events/s accepted", batch), count(sent.eventsPerSecond()), "", "")
	c.b.add("  answer p50, p99", millis(median(sent.waits))+", "+millis(quantile(sent.waits, 0.99)), "", "")
	c.b.add("  until all are in reports, events/s", count(float64(sent.events)/took.Seconds()), "", "")
	for _, who := range []string{"collector", "broker", "processor", "store", "database", "api"} {
		used := (after[who] - before[who]).Seconds() / float64(sent.events)
		c.b.add("  processor time: "+who, micros(used)+" an event", "", "")
	}
	grown, err := c.sizes()
	if err != nil {
		return err
	}
	for i, what := range []string{"log, one copy", "store, one copy", "objects"} {
		c.b.add("  bytes an event: "+what, fmt.Sprintf("%.0f", (grown[i]-sizes[i])/float64(sent.events)), "", "")
	}
	return nil
}

// sizes are those of log, store and objects on disk.
func (c *clusterOf) sizes() (out [3]float64, err error) {
	for i, dir := range map[int]string{0: filepath.Join(c.dir, "kafka"), 2: filepath.Join(c.dir, "objects")} {
		sums, err := bytesBelow(dir, func(file string) string {
			if i == 0 && filepath.Ext(file) != ".log" {
				return "index" // of a size of its own, before there is anything
			}
			return ""
		})
		if err != nil {
			return out, err
		}
		out[i] = sums[""]
	}
	// Parts that were merged stay for minutes.
	text, err := c.click.Query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'default'", nil)
	if err != nil {
		return out, err
	}
	out[1], err = strconv.ParseFloat(strings.TrimSpace(text), 64)
	return out, err
}

// visible offers a rate, and watches probes from the collector to the api.
func (c *clusterOf) visible(ctx context.Context, rate float64) error {
	c.b.progress.say(count(rate) + " events/s")
	requests, err := makeRequests(c.collector.credentials, preparedEvents, 25, 0)
	if err != nil {
		return err
	}
	at := probes{server: c.collector, reports: c.api, run: fmt.Sprintf("cluster%.0f", rate), every: 100 * time.Millisecond}
	var sent *outcome
	var sendErr error
	var wg sync.WaitGroup
	wg.Go(func() { sent, sendErr = newLoad(requests, 16).run(ctx, c.collector.address, c.b.rated, rate) })
	delays, err := at.watch(ctx, c.b.rated)
	wg.Wait()
	if err := errors.Join(err, sendErr); err != nil {
		return err
	}
	c.b.add(count(rate)+" events/s offered in batches of 25, events/s accepted", count(sent.eventsPerSecond()), "", "")
	c.b.add("  acknowledged to seen in a report, p50, p99", millis(median(delays))+", "+millis(quantile(delays, 0.99)), "", "")
	return nil
}

// panels asks the dashboard's panels of ClickHouse.
func (c *clusterOf) panels(ctx context.Context) error {
	c.b.progress.say("asking panels")
	l, err := c.api.ledger(ctx)
	if err != nil {
		return err
	}
	before, err := c.spent()
	if err != nil {
		return err
	}
	var waits []float64
	for range c.b.asks {
		for _, panel := range dashboard() {
			took, err := c.api.ask(ctx, panel)
			if err != nil {
				return err
			}
			waits = append(waits, took)
		}
	}
	after, err := c.spent()
	if err != nil {
		return err
	}
	c.b.add("a panel over "+count(float64(l.Stored))+" young events, p50, p95", millis(median(waits))+", "+millis(quantile(waits, 0.95)), "", "")
	c.b.add("  processor time of the store", millis((after["store"]-before["store"]).Seconds()/float64(len(waits))), "", "")
	return nil
}
