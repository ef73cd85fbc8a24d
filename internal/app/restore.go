// Restore: final days of a rebuild from the archive in an object store instead of the store's own
// files.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"tidemark/internal/archive"
	"tidemark/internal/cli"
	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/eventlog/kafkalog"
	"tidemark/internal/state"
	"tidemark/internal/store"
	"tidemark/internal/store/duckstore"
)

// restoreRows is about how many rows become one segment.
const restoreRows = 2_000_000

// restored is what came from the archive.
type restored struct {
	segments []store.Segment
	until    map[event.PropertyID]event.Time
	version  map[event.PropertyID]uint64
	// from is where the rows came from.
	from []store.RowsFrom
	days int
}

// Restore puts archived days back while no server runs: it rebuilds state and store from them and the log.
func Restore(ctx context.Context, serving cli.Serving, order cli.RestoreOrder, progress func(string, float64)) (cli.Rebuilt, error) {
	if !serving.Config.HasArchive() {
		_, err := openArchiveBlobs(serving.Config)
		return cli.Rebuilt{}, err
	}
	return runRebuild(ctx, serving, &order, progress)
}

// wantsArchive tells whether final days are to come from the archive: it was ordered, or the store's
// files are gone.
func (r *rebuild) wantsArchive() (bool, error) {
	if r.order != nil {
		return true, nil
	}
	if !r.serving.Config.HasArchive() {
		return false, nil
	}
	_, err := os.Stat(r.serving.Config.StoreDir())
	if errors.Is(err, fs.ErrNotExist) {
		r.order = &cli.RestoreOrder{}
		return true, nil
	}
	return false, err
}

// restore makes final segments in the directory of the rebuild of what is archived.
func (r *rebuild) restore(ctx context.Context, progress func(string, float64)) (err error) {
	reader, err := OpenArchive(r.serving.Config)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(r.cfg.DataDir); err != nil {
		return err
	}
	rows, err := duckstore.Open(r.cfg.Duck(), store.Manifest{}, duckstore.Deps{Logger: r.serving.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	ids, err := archivedProperties(ctx, reader, *r.order)
	if err != nil {
		return err
	}
	out := &restored{until: map[event.PropertyID]event.Time{}, version: map[event.PropertyID]uint64{}}
	for i, id := range ids {
		days, err := reader.Restorable(ctx, id, archive.Selection{From: r.order.From, To: r.order.To})
		if err != nil {
			return err
		}
		batches := days.Batches(restoreRows)
		for n, files := range batches {
			progress("restoring", (float64(i)+float64(n)/float64(len(batches)))/float64(len(ids)))
			if err := r.importFiles(ctx, reader, rows, id, files, out); err != nil {
				return fmt.Errorf("restore property %s: %w", id, err)
			}
		}
		if days.Until != 0 {
			out.until[id], out.version[id] = days.Until, days.Version
		}
		out.days += days.Days
	}
	out.from, err = rows.RowsFrom(ctx, out.segments)
	r.restored = out
	r.result.RestoredDays = out.days
	return err
}

func archivedProperties(ctx context.Context, reader *archive.Reader, order cli.RestoreOrder) ([]event.PropertyID, error) {
	if order.Property == "" {
		return reader.Properties(ctx)
	}
	id, err := event.ParsePropertyID(order.Property)
	if err != nil {
		return nil, fmt.Errorf("%q is no property id", order.Property)
	}
	return []event.PropertyID{id}, nil
}

// importFiles fetches files, which are verified on the way, and makes segments of them.
func (r *rebuild) importFiles(ctx context.Context, reader *archive.Reader, rows *duckstore.Store, id event.PropertyID, files []archive.File,
	out *restored) error {
	dir, err := rows.ImportDir()
	if err != nil {
		return err
	}
	paths := make([]string, len(files))
	for i := range files {
		// Names are not used again: the engine remembers what it knows of a file by its name.
		paths[i] = filepath.Join(dir, fmt.Sprintf("in-%s-%d-%d.parquet", id, len(out.segments), i))
	}
	err = reader.Fetch(ctx, files, func(i int) (io.WriteCloser, error) { return os.Create(paths[i]) })
	if err != nil {
		return err
	}
	segs, err := rows.Import(ctx, id, files[0].Table, paths)
	out.segments = append(out.segments, segs...)
	for _, path := range paths {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// adopt makes meta that of a store with the restored days.
func (o *restored) adopt(meta *state.Meta) {
	meta.Manifest.Segments = o.segments
	meta.Manifest.FinalUntil = o.until
	for id, v := range o.version {
		// Larger than any that is archived: the archiver goes on from there.
		meta.Manifest.DayVersion[id] = max(meta.Manifest.DayVersion[id], v+1)
	}
}

// logBegin says where a log that is made now begins: behind the restored rows, whose numbers name sessions and
// clients.
func (o *restored) logBegin(cfg config.Config) ([]event.Offset, error) {
	begin := make([]event.Offset, cfg.EventLog.Partitions)
	for _, f := range o.from {
		if int(f.Partition) >= len(begin) {
			return nil, fmt.Errorf("rows of the archive are of a log with %d partitions at least, and eventlog.partitions is %d: set what it was",
				f.Partition+1, len(begin))
		}
		begin[f.Partition] = f.Next
	}
	return begin, nil
}

// beginTopic has a topic that holds nothing begin there, too. One that holds something is looked at when it is open.
func beginTopic(ctx context.Context, serving cli.Serving, begin []event.Offset) error {
	if !serving.Config.OnKafka() || len(begin) == 0 || slices.Max(begin) == 0 {
		return nil
	}
	err := kafkalog.BeginAt(ctx, serving.Config.KafkaLog(), kafkalog.Deps{Logger: serving.Logger}, begin, nil)
	if errors.Is(err, kafkalog.ErrNotEmpty) {
		return nil
	}
	return err
}

// checkLog refuses a log that is another one than that of the rows.
func (o *restored) checkLog(ctx context.Context, log runningLog, cfg config.Config) error {
	c := &numberCheck{log: log, name: "the log", mend: "Remove the log (" + cfg.LogDir() + ") to begin a new one behind them"}
	if cfg.OnKafka() {
		c.name = "topic " + cfg.KafkaLog().Topic
		c.mend = "Name theirs in eventlog.kafka.topic, or a new one, which begins behind them"
	}
	return c.run(ctx, o.from)
}
