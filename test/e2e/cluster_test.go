// Many machines on one: three real Kafka brokers, PostgreSQL, ClickHouse's engine and an S3 server, and two processes of each
// role. Whatever is killed, stopped for a while or taken away, every acknowledged event is in the reports exactly
// once, and nobody needs a hand (D1, D2, D6, D11, S26).
package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/testkit/clickserver"
	"tidemark/internal/testkit/kafkabroker"
	"tidemark/internal/testkit/objectserver"
	"tidemark/internal/testkit/pgserver"
	"tidemark/internal/testkit/process"
)

// clusterRounds is how often something happens to the cluster; TIDEMARK_CLUSTER_ROUNDS overrides it.
const clusterRounds = 13

// brokers is how many there are.
const brokers = 3

// cluster is all processes of an installation.
type cluster struct {
	t       *testing.T
	dir     string
	config  string
	kafka   *kafkabroker.Cluster
	pg      *pgserver.Server
	click   *clickserver.Server
	db      string // URL of the database
	clickDB string // name of ClickHouse's
	objects *objectserver.Server

	collectors, processors, apis []*process.Server
	credentials                  credentials
	senders                      *senders
}

const clusterSettings = `eventlog:
  partitions: 4
  kafka:
    brokers: [%s]
    replication_factor: %d
    min_insync_replicas: %d
    append_timeout: 2s
postgres:
  url: %q
clickhouse:
  url: %q
  database: %s
  user: %s
  password: %s
objects:
  s3:
    endpoint: %s
    bucket: %s
    access_key: %s
    secret_key: %s
    path_style: true
    stall_timeout: 5s
cluster:
  batch_interval: 200ms
  batch_records: 300
log:
  level: info
`

// startGround starts what the processes of a cluster stand on.
func startGround(ctx context.Context, t *testing.T) *cluster {
	t.Helper()
	return startGroundOf(ctx, t, brokers, 2)
}

// startGroundOf starts so many brokers, of which inSync must have what is acknowledged.
func startGroundOf(ctx context.Context, t *testing.T, brokers, inSync int) *cluster {
	t.Helper()
	c := &cluster{t: t, dir: t.TempDir()}
	var err error
	if c.kafka, err = kafkabroker.Start(ctx, t.TempDir(), brokers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kafka.Close)
	if c.pg, err = pgserver.Start(pgserver.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeOf(t, c.pg.Close) })
	if c.click, err = clickserver.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.click.Log())
		}
		closeOf(t, c.click.Close)
	})
	if c.objects, err = objectserver.Start(ctx, objectserver.Options{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeOf(t, c.objects.Close) })
	c.db, c.clickDB = c.pg.NewDatabase(t), c.click.NewDatabase(t)
	c.config = filepath.Join(c.dir, "cluster.yaml")
	text := fmt.Sprintf(clusterSettings, strings.Join(c.kafka.Plain(), ", "), brokers, inSync, c.db, c.click.URL(), c.clickDB, clickserver.User,
		clickserver.Password, c.objects.URL(), c.objects.NewBucket(t), objectserver.AccessKey, objectserver.SecretKey)
	if err := os.WriteFile(c.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// startCluster starts two processes of each role as well.
func startCluster(ctx context.Context, t *testing.T) *cluster {
	t.Helper()
	c := startGround(ctx, t)
	c.createProperty()
	for i := range 2 {
		c.collectors = append(c.collectors, c.start("collector", i))
		c.processors = append(c.processors, c.start("processor", i))
		c.apis = append(c.apis, c.start("api", i))
	}
	return c
}

// createProperty makes the property that is asked about.
func (c *cluster) createProperty() {
	c.t.Helper()
	out := process.Command(c.t, binary, "property", "create", "--config", c.config, "--name", "E2E", "--currency", "EUR", "--json")
	if err := json.Unmarshal(out, &c.credentials); err != nil {
		c.t.Fatalf("decode %s: %v", out, err)
	}
}

func closeOf(t *testing.T, end func() error) {
	t.Helper()
	if err := end(); err != nil {
		t.Error(err)
	}
}

// start begins the i-th process of a role, again or for the first time.
func (c *cluster) start(role string, i int) *process.Server {
	c.t.Helper()
	node := fmt.Sprintf("%s-%d", strings.ReplaceAll(role, ",", "-"), i)
	config := filepath.Join(c.dir, node+".yaml")
	text, err := os.ReadFile(c.config)
	if err != nil {
		c.t.Fatal(err)
	}
	own := strings.Replace(string(text), "cluster:\n", "cluster:\n  node: "+node+"\n", 1)
	if err := os.WriteFile(config, []byte(own), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return process.Start(c.t, binary, "serve", filepath.Join(c.dir, node), "--config", config, "--role", role)
}

func (c *cluster) urls(of []*process.Server) (out []string) {
	for _, s := range of {
		out = append(out, s.URL)
	}
	return out
}

// standardReports are asked of both stores.
func standardReports() []string { return reportsOver(lastDays) }

func reportsOver(dates string) []string {
	var out []string
	for _, r := range []struct{ dimensions, metrics string }{
		{"", "activeUsers totalUsers newUsers sessions engagedSessions screenPageViews eventCount bounceRate averageSessionDuration"},
		{"date", "activeUsers sessions screenPageViews eventCount"},
		{"dateHour", "sessions eventCount"},
		{"pagePath", "screenPageViews activeUsers sessions"},
		{"landingPage", "sessions bounceRate averageSessionDuration"},
		{"sessionSource sessionMedium", "sessions engagedSessions activeUsers"},
		{"sessionDefaultChannelGroup", "sessions keyEvents"},
		{"newVsReturning", "activeUsers sessions"},
		{"browser operatingSystem deviceCategory", "activeUsers eventCount"},
		{"eventName", "eventCount activeUsers"},
	} {
		list := func(names string) string {
			var items []string
			for name := range strings.FieldsSeq(names) {
				items = append(items, fmt.Sprintf(`{"name":%q}`, name))
			}
			return "[" + strings.Join(items, ",") + "]"
		}
		out = append(out, fmt.Sprintf(`{"dimensions":%s,"metrics":%s,"limit":"250000",%s}`, list(r.dimensions), list(r.metrics), dates))
	}
	return out
}

// checkJoined has one process with all roles of a cluster join in.
func (c *cluster) checkJoined() {
	c.t.Helper()
	joined := c.start("collector,processor,api", 0)
	c.senders.startAt([]string{joined.URL}, 2, 1)
	c.senders.waitFor(20)
	c.senders.stop()
	c.senders.checkAt(c.t, joined.URL, joined.URL)
	if err := joined.Terminate(); err != nil {
		c.t.Errorf("process with all roles: %v\n%s", err, joined.Output())
	}
}

// checkAlone has one process with a store of its own fold the same topic, and compares its answers.
func (c *cluster) checkAlone() {
	c.t.Helper()
	alone := process.Start(c.t, binary, "serve", filepath.Join(c.dir, "alone"), "--config", c.config)
	want := askLedger(c.t, c.apis[0].URL, c.credentials)
	got := waitStored(c.t, alone.URL, c.credentials, want.Stored)
	if diff := cmp.Diff(got, want); diff != "" {
		c.t.Errorf("ledger (-one process +cluster):\n%s", diff)
	}
	for _, request := range standardReports() {
		one, many := ask(c.t, alone.URL, c.credentials, request), ask(c.t, c.apis[0].URL, c.credentials, request)
		if diff := cmp.Diff(one.Rows, many.Rows); diff != "" || len(many.Rows) == 0 {
			c.t.Errorf("%s (-one process +cluster, %d rows):\n%s", request, len(many.Rows), diff)
		}
	}
	if err := alone.Terminate(); err != nil {
		c.t.Errorf("one process on the same topic: %v\n%s", err, alone.Output())
	}
}

func TestClusterLosesAndDoublesNothingD1D2D11(t *testing.T) {
	rounds := clusterRounds
	if text := os.Getenv("TIDEMARK_CLUSTER_ROUNDS"); text != "" {
		rounds = number(t, text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute+time.Duration(rounds)*time.Minute)
	defer cancel()
	c := startCluster(ctx, t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	// Else the time that brokers take to start again decides how many events there are.
	clock := time.NewTicker(20 * time.Millisecond)
	defer clock.Stop()
	senders := &senders{credentials: c.credentials, pace: clock.C}
	c.senders = senders
	all := troubles(ctx)
	happened := map[string]int{}
	probes := startProbes(t, c)
	for round := range rounds {
		what := all[rng.IntN(len(all))]
		if round < len(all) {
			what = all[round] // each once
		}
		began := time.Now()
		senders.startAt(c.urls(c.collectors), 4, rng.Uint64())
		senders.waitFor(20 + rng.IntN(50))
		probes.know(c, what.name)
		what.make(c, rng)
		probes.know(c, "after "+what.name)
		happened[what.name]++
		senders.stop()
		t.Logf("round %d: %s, %v, %d events acknowledged so far", round, what.name, time.Since(began).Round(time.Millisecond), len(senders.acknowledged))
	}
	probes.report()
	for _, api := range c.apis {
		senders.checkAt(t, c.collectors[0].URL, api.URL)
	}
	c.checkNodes()
	c.checkJoined()
	c.checkAlone()
	c.checkErased()
	t.Logf("%d events acknowledged, happened: %v", len(senders.acknowledged), happened)
}
