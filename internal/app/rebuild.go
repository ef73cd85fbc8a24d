// Rebuild: state and store of a stopped server are made anew beside the old ones, and
// take their place when they are whole (D7).
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/zeebo/xxh3"

	"tidemark/internal/cli"
	"tidemark/internal/config"
	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/replay"
	"tidemark/internal/state"
	"tidemark/internal/state/pebblestate"
	"tidemark/internal/store"
	"tidemark/internal/store/duckstore"
)

// rebuild is one under way.
type rebuild struct {
	serving cli.Serving
	cfg     config.Config // of what is made
	log     runningLog
	old     *state.Meta // nil: there is no state
	bounded *replay.BoundedLog
	result  cli.Rebuilt
	// order is for final days from the archive; restored is what came from there.
	order    *cli.RestoreOrder
	restored *restored
}

// Rebuild makes state and store anew from the log and, if all its files are there, the
// archive of final days.
func Rebuild(ctx context.Context, serving cli.Serving, progress func(string, float64)) (cli.Rebuilt, error) {
	return runRebuild(ctx, serving, nil, progress)
}

func runRebuild(ctx context.Context, serving cli.Serving, order *cli.RestoreOrder, progress func(string, float64)) (_ cli.Rebuilt, err error) {
	cfg := serving.Config
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return cli.Rebuilt{}, fmt.Errorf("make data directory: %w", err)
	}
	lock, err := lockDir(cfg.DataDir)
	if err != nil {
		return cli.Rebuilt{}, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := finishRebuild(cfg.DataDir); err != nil {
		return cli.Rebuilt{}, err
	}
	r := &rebuild{serving: serving, cfg: cfg, order: order}
	r.cfg.DataDir = rebuildDir(cfg.DataDir)
	if err := r.make(ctx, progress); err != nil {
		return r.result, errors.Join(err, os.RemoveAll(r.cfg.DataDir))
	}
	if err := declareReady(cfg.DataDir); err != nil {
		return r.result, err
	}
	return r.result, finishRebuild(cfg.DataDir)
}

func (r *rebuild) make(ctx context.Context, progress func(string, float64)) (err error) {
	use := logUse{}
	fromArchive, err := r.wantsArchive()
	if err != nil {
		return err
	}
	if fromArchive {
		if err := r.restore(ctx, progress); err != nil {
			return err
		}
		if use.begin, err = r.restored.logBegin(r.serving.Config); err != nil {
			return err
		}
		if err := beginTopic(ctx, r.serving, use.begin); err != nil {
			return err
		}
	}
	if r.log, err = openEventLog(ctx, r.serving.Config, use, r.serving.Logger, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.log.Close()) }()
	if err := r.loadOld(ctx); err != nil {
		return err
	}
	if fromArchive {
		if err := r.restored.checkLog(ctx, r.log, r.serving.Config); err != nil {
			return err
		}
		r.result.Archive = len(r.restored.segments) > 0
	} else if r.result.Archive, err = r.archiveIsWhole(); err != nil {
		return err
	}
	began, err := replay.LogBegan(ctx, r.log)
	if err != nil {
		return err
	}
	r.result.LogFrom, r.result.Whole = began.Std(), r.result.Archive || !replay.Truncated(r.log)
	meta, err := replay.StartMeta(r.old, r.log, 0, r.result.Archive && !fromArchive)
	if err != nil {
		return err
	}
	if fromArchive {
		r.restored.adopt(meta)
	}
	if err := r.prepare(meta); err != nil {
		return err
	}
	return r.fold(ctx, meta, progress)
}

// loadOld reads the last commit, and bounds the log to what it had folded: the server
// goes on from there.
func (r *rebuild) loadOld(ctx context.Context) (err error) {
	r.bounded = &replay.BoundedLog{Log: r.log}
	for p := range r.log.Partitions() {
		r.bounded.Ends = append(r.bounded.Ends, r.log.End(event.Partition(p)))
	}
	if _, err := os.Stat(r.serving.Config.StateDir()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	old, err := pebblestate.Open(pebblestate.Config{Dir: r.serving.Config.StateDir(), CacheBytes: 1 << 20},
		pebblestate.Deps{Logger: r.serving.Logger})
	if err != nil {
		return fmt.Errorf("%w (remove the directory to rebuild from the log alone)", err)
	}
	defer func() { err = errors.Join(err, old.Close()) }()
	if r.old, err = old.Load(ctx); err != nil || r.old == nil {
		return err
	}
	for p := range r.old.Partitions {
		if next := r.old.Partitions[p].Next; next <= r.bounded.Ends[p] {
			r.bounded.Ends[p] = next
		} else {
			return fmt.Errorf("partition %d was folded to offset %d, but the log ends at %d: they do not belong together",
				p, next, r.bounded.Ends[p])
		}
	}
	return nil
}

// archiveIsWhole looks for the final segments of the last commit. All or none must be
// there: half an archive would silently be half a history.
func (r *rebuild) archiveIsWhole() (bool, error) {
	if r.old == nil {
		return false, r.noCountsWithoutState()
	}
	segments := replay.FinalSegments(&r.old.Manifest)
	var missing []string
	for _, seg := range segments {
		if err := checkSegment(filepath.Join(r.serving.Config.StoreDir(), seg.File), seg); err != nil {
			missing = append(missing, seg.File)
		}
	}
	switch {
	case len(segments) == 0 || len(missing) == len(segments):
		return false, nil
	case len(missing) > 0:
		return false, fmt.Errorf("%d of %d files of final days are missing or damaged, the first is %s: restore them from a backup; "+
			"or remove the store directory to rebuild from the log alone, which may not reach as far back",
			len(missing), len(segments), missing[0])
	}
	return true, nil
}

// noCountsWithoutState refuses to go on where files hold the counts of days without rows
// and the state that names them is lost: the log could not tell that anything is missing.
func (r *rebuild) noCountsWithoutState() error {
	kept, err := filepath.Glob(filepath.Join(r.serving.Config.StoreDir(), string(store.KeptCells)+"-*.parquet"))
	if err != nil || len(kept) == 0 {
		return err
	}
	return fmt.Errorf("the state is lost, and %s holds counts of days whose rows are no longer kept, which only the state can name: "+
		"restore both from a backup; or remove the store directory to rebuild from the log alone, without these days", kept[0])
}

func checkSegment(path string, seg store.Segment) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close() // read only
	h := xxh3.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if h.Sum64() != seg.Checksum {
		return store.ErrCorrupt
	}
	return nil
}

// prepare makes the directories: the archive by name, and a copy of the old state if the
// log cannot tell of every client.
func (r *rebuild) prepare(meta *state.Meta) error {
	if r.restored == nil {
		if err := r.linkSegments(meta); err != nil {
			return err
		}
	}
	if r.copiesState() {
		if err := os.CopyFS(r.cfg.StateDir(), os.DirFS(r.serving.Config.StateDir())); err != nil {
			return fmt.Errorf("copy state: %w", err)
		}
	}
	return nil
}

func (r *rebuild) linkSegments(meta *state.Meta) error {
	if err := os.RemoveAll(r.cfg.DataDir); err != nil {
		return err
	}
	if err := os.MkdirAll(r.cfg.StoreDir(), 0o750); err != nil {
		return err
	}
	for _, seg := range meta.Manifest.Segments {
		from, to := filepath.Join(r.serving.Config.StoreDir(), seg.File), filepath.Join(r.cfg.StoreDir(), seg.File)
		if err := os.Link(from, to); err != nil {
			return fmt.Errorf("take over archive: %w", err)
		}
	}
	return nil
}

func (r *rebuild) copiesState() bool { return replay.SeedsFromState(r.old, r.log, r.result.Archive) }

// fold runs a processor from the start of the log to where the old one was.
func (r *rebuild) fold(ctx context.Context, meta *state.Meta, progress func(string, float64)) (err error) {
	disk, err := pebblestate.Open(pebblestate.Config{Dir: r.cfg.StateDir(), CacheBytes: 64 << 20},
		pebblestate.Deps{Logger: r.serving.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	var clients state.State = disk
	if r.copiesState() {
		if clients, err = replay.NewSeededState(ctx, disk, r.log); err != nil {
			return err
		}
	}
	rows, err := duckstore.Open(r.cfg.Duck(), meta.Manifest, duckstore.Deps{Logger: r.serving.Logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if r.result.Archive && replay.Truncated(r.log) && !r.copiesState() {
		if err := replay.SeedFromArchive(ctx, rows, disk, r.log, meta); err != nil {
			return err
		}
	}
	if err := r.runProcessor(ctx, clients, rows, meta, progress); err != nil {
		return err
	}
	rebuilt, err := disk.Load(ctx)
	if err != nil || r.old == nil {
		return err
	}
	if err := replay.SettleLedgers(r.old, rebuilt, r.log); err != nil {
		return err
	}
	commit := disk.Begin()
	defer commit.Abandon()
	return commit.Finish(ctx, rebuilt)
}

func (r *rebuild) runProcessor(ctx context.Context, clients state.State, rows store.Store, meta *state.Meta,
	progress func(string, float64)) error {
	p, err := pipeline.New(r.serving.Config.Processor, meta, pipeline.Deps{Log: r.bounded, State: clients, Store: rows,
		Deriver: enrich.NewDeriver(enrich.DefaultConfig()), Logger: r.serving.Logger, Clock: time.Now})
	if err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- p.Run(running) }()
	visible := make(chan error, 1)
	go func() { visible <- p.WaitVisible(running) }()
	if err := r.follow(p, ended, visible, progress); err != nil {
		return err
	}
	if err := p.Checkpoint(ctx); err != nil {
		return err
	}
	progress("days", 1)
	if err := p.Upkeep(ctx); err != nil {
		return err
	}
	stop()
	return <-ended
}

// follow waits until all is folded and says how far it is.
func (r *rebuild) follow(p *pipeline.Processor, ended, visible chan error, progress func(string, float64)) error {
	var total int64
	for i, end := range r.bounded.Ends {
		total += int64(end - r.log.Start(event.Partition(i)))
	}
	r.result.Records = total
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-visible:
			return err
		case err := <-ended:
			return fmt.Errorf("processor ended: %w", err)
		case <-look.C:
			var folded int64
			for i, next := range p.Visible() {
				folded += int64(next - r.log.Start(event.Partition(i)))
			}
			progress("folding", float64(folded)/float64(max(total, 1)))
		}
	}
}
