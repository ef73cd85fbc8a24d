// The archive of a cluster with the real binary: archivers that are killed and run side by side write each day once, and
// when ClickHouse is lost, final days come back from the bucket with the same answers (D7).
package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/blob/s3blob"
	"tidemark/internal/testkit/process"
)

func TestClusterIsArchivedOnceAndRestoredD7(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	c := startArchived(ctx, t)
	c.apis = append(c.apis, c.start("api", 0))
	c.processors = append(c.processors, c.start("processor", 0))
	waitStored(t, c.apis[0].URL, c.credentials, 1)
	c.waitKept(ctx, c.processors[0].URL)
	keys, days := c.archiveAll(ctx)
	c.checkExamples(ctx, days)
	before := c.answers(days)
	c.checkFinalAlone(before, days[len(days)-1].Day)
	whole := c.wholeCluster(days)
	same := func(when string) {
		t.Helper()
		if diff := cmp.Diff(before, c.answers(days)); diff != "" {
			t.Errorf("%s (- before, + after):\n%s", when, diff)
		}
	}

	c.refuses("processors are running: processor-0")
	c.end(c.processors[0])
	c.refuses("has final days", "--to", days[0].Day)
	if out, err := process.TryCommand(binary, "replay", "--rebuild", "--config", c.config); err == nil || !strings.Contains(string(out), "A processor has worked on the database") {
		t.Errorf("a store that was not lost was folded again: %v\n%s", err, out)
	}
	c.loseClickHouse()
	c.checkOtherTopic(ctx)
	began := time.Now()
	out, err := c.restore()
	if err != nil || !strings.Contains(out, "days were restored into ClickHouse, in term") || !strings.Contains(out, "partitions begin again where the topic does") ||
		strings.Contains(out, "lack events") {
		t.Fatalf("restore: %v\n%s", err, out)
	}
	t.Logf("%d entries were restored in %v", len(keys), time.Since(began).Round(time.Millisecond))
	same("restored")
	if out, err := c.restore(); err != nil || !strings.Contains(out, fmt.Sprintf("has the archived days of %d properties already", shops)) {
		t.Errorf("restored again: %v\n%s", err, out)
	}
	same("restored again")
	c.click.MustQuery(t, "ALTER TABLE "+c.clickDB+".final_events DELETE WHERE sub = 0 AND row_id % 7 = 0 SETTINGS mutations_sync = 2", nil)
	c.refuses("has final days")
	c.loseClickHouse()
	c.killRestore(ctx)
	if out, err := c.restore(); err != nil {
		t.Fatalf("restore when one was killed: %v\n%s", err, out)
	}
	same("restored by one that was killed and another one")

	// Young days come out of the topic. Who keeps the store and who archives it go on.
	c.processors[0] = c.start("processor", 0)
	c.checkWhole(ctx, whole)
	same("kept by the next processor")
	c.simulate(ctx, c.load().KafkaLog(), 9, 400, time.Hour)
	if l := waitStored(t, c.apis[0].URL, c.credentials, whole.account.Stored+1); l.Pending != 0 || !l.Balanced || l.Stored <= whole.account.Stored {
		t.Errorf("new events behind what was lost: %+v, before %+v", l, whole.account)
	}
	same("with new events")
	c.checkArchivedAgain(ctx, keys, days[0])
}

// archiveAll has one archiver killed within its work, and two others do the rest side by side. It returns all entries,
// and the days of the property that is asked about.
func (c *archivedCluster) archiveAll(ctx context.Context) (keys []string, days []archivedDay) {
	c.t.Helper()
	first := c.start("archive", 0)
	c.waitFirstEntry(ctx)
	first.Kill()
	left := c.entries(ctx)
	archivers := []*process.Server{c.start("archive", 1), c.start("archive", 2)}
	c.waitAllArchived(ctx)
	for _, s := range archivers {
		c.end(s)
	}
	all := listArchive(c.t, c.config, c.dir) // a day more may have become final
	keys = c.entries(ctx)
	c.checkOnce(keys)
	if len(left) >= len(keys) {
		c.t.Errorf("the first archiver was not killed within its work: it left %d entries of %d", len(left), len(keys))
	}
	process.Command(c.t, binary, "archive", "verify", "--config", c.config)
	days = slices.DeleteFunc(all, func(d archivedDay) bool { return d.Property != c.credentials.Property })
	if len(days) < 3 || len(keys) < shops*3 {
		c.t.Fatalf("%d days and %d entries: the test proves too little", len(days), len(keys))
	}
	return keys, days
}

func (c *archivedCluster) end(s *process.Server) {
	c.t.Helper()
	if err := s.Terminate(); err != nil {
		c.t.Errorf("stop in good order: %v\n%s", err, s.Output())
	}
}

func (c *archivedCluster) restore(args ...string) (string, error) {
	out, err := process.TryCommand(binary, append([]string{"archive", "restore", "--config", c.config}, args...)...)
	return string(out), err
}

// killRestore ends a restore without warning when it has rows in the store.
func (c *archivedCluster) killRestore(ctx context.Context) {
	c.t.Helper()
	cmd := exec.CommandContext(ctx, binary, "archive", "restore", "--config", c.config)
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	parts := "SELECT count() FROM system.parts WHERE database = '" + c.clickDB + "' AND table = 'final_events' AND active"
	for strings.TrimSpace(c.click.MustQuery(c.t, parts, nil)) == "0" {
		if ctx.Err() != nil {
			c.t.Fatal("a restore writes no rows")
		}
	}
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.t.Fatal(err)
	}
	c.t.Logf("a restore was ended: %v", cmd.Wait())
}

func (c *archivedCluster) refuses(want string, args ...string) {
	c.t.Helper()
	if out, err := c.restore(args...); err == nil || !strings.Contains(out, want) {
		c.t.Errorf("restore %v: %v, want %q\n%s", args, err, want, out)
	}
}

// loseClickHouse makes the database anew, without any table.
func (c *archivedCluster) loseClickHouse() {
	c.t.Helper()
	c.click.MustQuery(c.t, "DROP DATABASE "+c.clickDB+" SYNC", nil)
	c.click.MustQuery(c.t, "CREATE DATABASE "+c.clickDB, nil)
}

// checkOtherTopic has rows refused whose numbers another topic would give away, or has given away.
func (c *archivedCluster) checkOtherTopic(ctx context.Context) {
	c.t.Helper()
	topic, text := c.load().KafkaLog(), read(c.t, c.config)
	for _, is := range []struct {
		name   string
		events int
		want   string
	}{{"short", 10, "ends before it"}, {"long", 14000, "is another one"}} {
		topic.Topic = is.name
		c.simulate(ctx, topic, 8, is.events, time.Hour)
		write(c.t, c.config, strings.Replace(text, "  kafka:\n", "  kafka:\n    topic: "+is.name+"\n", 1))
		c.refuses(is.want)
	}
	write(c.t, c.config, text)
}

// checkArchivedAgain: of a restored store a day that the archive lost is archived as it was, and no other.
func (c *archivedCluster) checkArchivedAgain(ctx context.Context, keys []string, was archivedDay) {
	c.t.Helper()
	blobs, err := s3blob.Open(c.bucket)
	if err != nil {
		c.t.Fatal(err)
	}
	lost := keys[slices.IndexFunc(keys, func(key string) bool { return strings.Contains(key, "property="+c.credentials.Property+"/") })]
	if err := blobs.Delete(ctx, lost); err != nil {
		c.t.Fatal(err)
	}
	c.start("archive", 0)
	for !slices.Contains(c.entries(ctx), lost) {
		if ctx.Err() != nil {
			c.t.Fatalf("a lost entry does not come back: %s", lost)
		}
	}
	c.checkOnce(c.entries(ctx))
	is := listArchive(c.t, c.config, c.dir)
	at := slices.IndexFunc(is, func(d archivedDay) bool { return d.Property == was.Property && d.Day == was.Day })
	if at < 0 || is[at].Events != was.Events || is[at].Sessions != was.Sessions || was.Events == 0 {
		c.t.Errorf("a day was archived as %+v, and of the restored store there is %+v", was, is)
	}
}
