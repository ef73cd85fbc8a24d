// D7 through the archive: what random traffic left in final days goes through an archive of Parquet files, the store is
// lost, and after a rebuild from there and the log every standard report is that of the oracle.
package product_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"tidemark/internal/archive"
	"tidemark/internal/blob/blobtest"
	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/store"
	"tidemark/internal/store/duckstore"
	"tidemark/internal/testkit/oracle"
	"tidemark/internal/testkit/product"
	"tidemark/internal/testkit/spec"
)

func TestRebuildFromArchivedFilesAndALogThatForgotD7(t *testing.T) {
	checks(t, 3, 1)
	root := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(root, "run")
		if err != nil {
			rt.Fatal(err)
		}
		traffic := spec.RandomTraffic(rt)
		run := &run{rt: rt, options: product.Options{Dir: dir, FS: vfs.NewMem(), Partitions: 3,
			Adjust: func(c *pipeline.Config) { c.LogRetention = 10 * 366 * 24 * time.Hour }}} // the test cuts the log
		run.open()
		defer func() { run.do("close", run.product.Close()) }()
		want := oracle.New()
		records := append(traffic.Records(), laterEvents(traffic)...)
		run.do("load", run.product.Load(run.ctx(), records))
		want.Fold(records)
		run.do("settle", run.product.Settle(run.ctx()))
		blobs := &blobtest.Mem{}
		a, err := archive.New(archive.Config{Interval: time.Hour, FileRows: rapid.SampledFrom([]int64{3, 1000}).Draw(rt, "rows of a file")},
			archive.Deps{Blobs: blobs, Source: productDays{run.product.Store.(*duckstore.Store), run.product, traffic}, Clock: time.Now,
				Logger: slog.New(slog.DiscardHandler)})
		run.do("make an archiver", err)
		run.do("archive", a.Round(run.ctx()))
		final := run.product.Processor.Manifest().FinalUntil
		for i := range run.product.Log.Partitions() {
			p := event.Partition(i)
			run.do("cut log", run.product.Log.Truncate(run.ctx(), p, run.product.Log.End(p)))
		}
		run.do("close", run.product.Close())
		restored := restoreAll(run, blobs, filepath.Join(dir, "restored"))
		for id, until := range final {
			// Only days without rows behind the last one with some may be missing.
			if restored.FinalUntil[id] > until {
				rt.Fatalf("property %v is final until %v, restored %v", id, until, restored.FinalUntil[id])
			}
		}
		run.options, err = product.RebuildFrom(run.ctx(), run.options, restored, filepath.Join(dir, "restored"))
		run.do("rebuild", err)
		run.open()
		run.do("catch up", run.product.Load(run.ctx(), nil))
		run.compare(want, traffic, spec.StandardQueries(traffic), "after a rebuild from the archive")
	})
}

// productDays is the Source of a Product.
type productDays struct {
	*duckstore.Store
	product *product.Product
	traffic spec.Traffic
}

// Finals implements archive.Source.
func (d productDays) Finals(context.Context) (map[event.PropertyID]archive.Final, error) {
	manifest, _ := d.product.Processor.FinalDays()
	out := map[event.PropertyID]archive.Final{}
	for id := range manifest.FinalUntil {
		final := archive.Final{}
		final.FinalState, _ = manifest.StateOf(id)
		out[id] = final
	}
	return out, nil
}

// Zone implements archive.Source.
func (d productDays) Zone(_ context.Context, id event.PropertyID) (string, error) {
	for _, p := range d.traffic.Properties {
		if p.ID == id {
			return p.TimeZone, nil
		}
	}
	return "", errors.New("no such property")
}

// restoreAll makes segments of all that is archived in a directory.
func restoreAll(r *run, blobs *blobtest.Mem, dir string) store.Manifest {
	m := store.Manifest{FinalUntil: map[event.PropertyID]event.Time{}}
	s, err := duckstore.Open(duckstore.Config{Dir: dir}, store.Manifest{}, duckstore.Deps{})
	r.do("open restored store", err)
	defer func() { r.do("close restored store", s.Close()) }()
	reader := archive.NewReader(blobs)
	ids, err := reader.Properties(r.ctx())
	r.do("find archived properties", err)
	in, err := s.ImportDir()
	r.do("find import directory", err)
	for _, id := range ids {
		days, err := reader.Restorable(r.ctx(), id, archive.Selection{})
		r.do("find archived days", err)
		m.FinalUntil[id] = days.Until
		for n, files := range days.Batches(math.MaxInt64) {
			var paths []string
			err := reader.Fetch(r.ctx(), files, func(i int) (io.WriteCloser, error) {
				return os.Create(importPath(in, id, n, i))
			})
			r.do("fetch", err)
			for i := range files {
				paths = append(paths, importPath(in, id, n, i))
			}
			segs, err := s.Import(r.ctx(), id, files[0].Table, paths)
			r.do("import", err)
			m.Segments = append(m.Segments, segs...)
		}
	}
	return m
}

func importPath(dir string, id event.PropertyID, n, i int) string {
	return filepath.Join(dir, id.String()+"-"+string(rune('a'+n))+"-"+time.Duration(i).String()+".parquet")
}
