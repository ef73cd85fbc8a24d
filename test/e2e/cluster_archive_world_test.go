// A cluster whose topic has eight days of traffic, so that days become final as soon as a processor has folded them.
package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidemark/internal/blob/s3blob"
	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/property"
	"tidemark/internal/property/pgreg"
	"tidemark/internal/simulate"
	"tidemark/internal/testkit/objectserver"
	"tidemark/internal/testkit/process"
	"tidemark/internal/testkit/traffic"
)

// shops is how many properties there are.
const shops = 4

type archivedCluster struct {
	*cluster
	bucket s3blob.Config
	plain  string // configuration without an archive
}

func startArchived(ctx context.Context, t *testing.T) *archivedCluster {
	t.Helper()
	c := &archivedCluster{cluster: startGroundOf(ctx, t, 1, 1)}
	c.plain = filepath.Join(c.dir, "plain.yaml")
	// One process reads the topic whole when others have kept its days.
	write(t, c.plain, read(t, c.config)+"processor:\n  upkeep_interval: 200ms\n  log_retention: 720h\n")
	write(t, c.config, read(t, c.plain)+fmt.Sprintf("archive:\n  interval: 1s\n  s3:\n    endpoint: %s\n    bucket: %s\n    prefix: final/\n    path_style: true\n"+
		"    access_key: %s\n    secret_key: %s\n", c.objects.URL(), c.objects.NewBucket(t), objectserver.AccessKey, objectserver.SecretKey))
	c.createProperty()
	for i := range shops - 1 {
		process.Command(t, binary, "property", "create", "--config", c.config, "--name", fmt.Sprint("Shop ", i), "--json")
	}
	cfg := c.load()
	c.bucket = cfg.ArchiveBucket()
	c.simulate(ctx, cfg.KafkaLog(), 7, 12000, 8*24*time.Hour)
	return c
}

func (c *archivedCluster) load() config.Config {
	c.t.Helper()
	cfg, err := config.Load(c.config)
	if err != nil {
		c.t.Fatal(err)
	}
	return cfg
}

// simulate appends events that came in until now, since a while ago.
func (c *archivedCluster) simulate(ctx context.Context, topic kafkalog.Config, seed uint64, events int, past time.Duration) {
	c.t.Helper()
	registry, err := pgreg.Open(ctx, c.load().PostgresRegistry(), pgreg.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	properties, err := registry.Properties(ctx)
	closeOf(c.t, registry.Close)
	if err != nil {
		c.t.Fatal(err)
	}
	appendTraffic(ctx, c.t, topic, properties, seed, events, past)
}

// appendTraffic appends made-up events to a topic, without a collector, and the tick that a collector adds to quiet partitions: days
// become final by the clock of the slowest.
func appendTraffic(ctx context.Context, t *testing.T, topic kafkalog.Config, properties []property.Property, seed uint64, events int, past time.Duration) {
	t.Helper()
	log, err := kafkalog.Open(ctx, topic, kafkalog.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeOf(t, log.Close)
	made := traffic.DefaultConfig()
	made.Seed, made.Rate, made.Events, made.IsFlat, made.Properties = seed, float64(events)/past.Seconds(), events, true, receivers(properties)
	made.Span = past
	if _, err := simulate.Into(ctx, simulate.Config{Traffic: made, Past: past}, log, properties, simulate.Deps{}); err != nil {
		t.Fatal(err)
	}
	tick, err := (&event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(event.TimeOf(time.Now()))}}}).MarshalVT()
	if err != nil {
		t.Fatal(err)
	}
	batch := &eventlog.Batch{Essential: true}
	for p := range log.Partitions() {
		batch.Records = append(batch.Records, eventlog.Record{Partition: event.Partition(p), Payload: tick})
	}
	if err := log.Append(ctx, batch); err != nil {
		t.Fatal(err)
	}
}

func receivers(properties []property.Property) (out []traffic.Property) {
	for _, p := range properties {
		out = append(out, traffic.Property{ID: p.ID, MeasurementID: p.Streams[0].MeasurementID, Zone: p.TimeZone, Currency: p.Currency,
			Host: "shop.example", Weight: 1 / float64(len(properties))})
	}
	return out
}

// entries are the keys of what is archived.
func (c *archivedCluster) entries(ctx context.Context) (keys []string) {
	c.t.Helper()
	blobs, err := s3blob.Open(c.bucket)
	if err != nil {
		c.t.Fatal(err)
	}
	for info, err := range blobs.List(ctx, "entries/") {
		if err != nil {
			c.t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// waitFirstEntry returns as soon as there is one.
func (c *archivedCluster) waitFirstEntry(ctx context.Context) {
	c.t.Helper()
	for len(c.entries(ctx)) == 0 {
		if ctx.Err() != nil {
			c.t.Fatalf("nothing is archived: %v", ctx.Err())
		}
	}
}

// waitAllArchived waits until every property has its days, up to the one before last.
func (c *archivedCluster) waitAllArchived(ctx context.Context) {
	c.t.Helper()
	last := finalDay()
	for {
		days, done := listArchive(c.t, c.config, c.dir), map[string]bool{}
		for _, d := range days {
			if d.Day >= last {
				done[d.Property] = true
			}
		}
		if len(done) == shops {
			return
		}
		if ctx.Err() != nil {
			c.t.Fatalf("days up to %s are not archived: %+v", last, days)
		}
	}
}

// waitKept waits for two rounds of upkeep of a processor: the second began after now, and did all that was due.
func (c *archivedCluster) waitKept(ctx context.Context, url string) {
	c.t.Helper()
	const rounds = "tidemark_owned_upkeep_seconds_count"
	for before := c.figure(url, rounds); c.figure(url, rounds) < before+2; {
		if ctx.Err() != nil {
			c.t.Fatalf("the store is not kept: %v", ctx.Err())
		}
	}
}

// figure asks a server for one of its figures; 0 if it does not tell it yet.
func (c *archivedCluster) figure(url, name string) (v float64) {
	c.t.Helper()
	for line := range strings.Lines(metrics(c.t, url)) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			if _, err := fmt.Sscan(text, &v); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	return v
}

// answers are those of the standard reports over days.
func (c *archivedCluster) answers(days []archivedDay) map[string][]reportRow {
	c.t.Helper()
	out := map[string][]reportRow{}
	dates := fmt.Sprintf(`"dateRanges":[{"startDate":%q,"endDate":%q}]`, days[0].Day, days[len(days)-1].Day)
	for _, question := range reportsOver(dates) {
		if out[question] = ask(c.t, c.apis[0].URL, c.credentials, question).Rows; len(out[question]) == 0 {
			c.t.Errorf("no rows, the test proves nothing: %s", question)
		}
	}
	return out
}

// checkOnce: each day has one edition.
func (c *archivedCluster) checkOnce(keys []string) {
	c.t.Helper()
	if at := slices.IndexFunc(keys, func(key string) bool { return !strings.HasSuffix(key, "-000001.json") }); at >= 0 {
		c.t.Errorf("a day was archived twice: %s", keys[at])
	}
}
