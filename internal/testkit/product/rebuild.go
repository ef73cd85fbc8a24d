// Rebuild: state and store of a closed Product made anew beside the old ones, as
// tidemark replay --rebuild does it.
package product

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/replay"
	"tidemark/internal/state"
	"tidemark/internal/store"
)

// rebuiltSuffix is of the directories that a rebuild makes.
const rebuiltSuffix = "-rebuilt"

// Rebuild makes state and store of o, whose Product is closed, anew from the log and,
// with archive, its final segments. It returns the options of the Product that reads them.
func Rebuild(ctx context.Context, o Options, archive bool) (Options, error) {
	return rebuildWith(ctx, o, archive, nil, "")
}

// RebuildFrom does so with final days that were restored to a directory.
func RebuildFrom(ctx context.Context, o Options, restored store.Manifest, dir string) (Options, error) {
	return rebuildWith(ctx, o, false, &restored, dir)
}

func rebuildWith(ctx context.Context, o Options, archive bool, restored *store.Manifest, dir string) (Options, error) {
	from := o.segmentsDir()
	quiet := slog.New(slog.DiscardHandler)
	made := o
	made.suffix += rebuiltSuffix
	log, err := o.openLog(quiet)
	if err != nil {
		return o, err
	}
	old, err := o.loadState(ctx, quiet)
	if err != nil {
		return o, errors.Join(err, log.Close())
	}
	meta, err := replay.StartMeta(old, log, 0, archive)
	if err != nil {
		return o, errors.Join(err, log.Close())
	}
	if restored != nil {
		meta.Manifest.Segments, meta.Manifest.FinalUntil = restored.Segments, restored.FinalUntil
		archive, from = true, dir
	}
	seeded := replay.SeedsFromState(old, log, archive)
	if seeded {
		var copied bool
		copied, err = vfs.Clone(o.FS, o.FS, o.stateDir(), made.stateDir())
		err = errors.Join(err, copyError(copied))
	}
	for _, seg := range meta.Manifest.Segments {
		err = errors.Join(err, copySegment(filepath.Join(from, seg.File), filepath.Join(made.segmentsDir(), seg.File)))
	}
	if err != nil {
		return o, errors.Join(err, log.Close())
	}
	p := &Product{options: made, Log: log, ended: make(chan error, 1)}
	bounded := &replay.BoundedLog{Log: log}
	for i := range old.Partitions {
		bounded.Ends = append(bounded.Ends, old.Partitions[i].Next)
	}
	if p.state, err = made.openState(quiet); err != nil {
		return o, errors.Join(err, log.Close())
	}
	err = p.rebuild(ctx, bounded, old, meta, seeded, quiet)
	return made, errors.Join(err, p.close())
}

func copyError(copied bool) error {
	if !copied {
		return errors.New("there is no state to copy")
	}
	return nil
}

func copySegment(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.Link(from, to)
}

func (p *Product) rebuild(ctx context.Context, log *replay.BoundedLog, old, meta *state.Meta, fromState bool, quiet *slog.Logger) error {
	var clients state.State = p.state
	if fromState {
		seeded, err := replay.NewSeededState(ctx, p.state, log)
		if err != nil {
			return err
		}
		clients = seeded
	} else if err := p.seed(ctx, log, meta, quiet); err != nil {
		return err
	}
	if err := p.run(log, clients, meta, quiet); err != nil {
		return err
	}
	if err := errors.Join(p.watch(ctx, p.Processor.WaitVisible), p.Settle(ctx)); err != nil {
		return err
	}
	p.cancel(context.Canceled)
	if err := <-p.ended; err != nil {
		return err
	}
	rebuilt, err := p.state.Load(ctx)
	if err != nil {
		return err
	}
	if err := replay.SettleLedgers(old, rebuilt, log); err != nil {
		return err
	}
	commit := p.state.Begin()
	defer commit.Abandon()
	return commit.Finish(ctx, rebuilt)
}

// seed gives an empty state what the archive knows of clients before the log.
func (p *Product) seed(ctx context.Context, log *replay.BoundedLog, meta *state.Meta, quiet *slog.Logger) error {
	if len(meta.Manifest.Segments) == 0 {
		return nil
	}
	s, err := openDuck(p.options.segmentsDir(), p.options.DraftAfter, meta.Manifest, quiet)
	if err != nil {
		return err
	}
	return errors.Join(replay.SeedFromArchive(ctx, s, p.state, log, meta), s.Close())
}

func (o Options) loadState(ctx context.Context, quiet *slog.Logger) (*state.Meta, error) {
	s, err := o.openState(quiet)
	if err != nil {
		return nil, err
	}
	m, err := s.Load(ctx)
	return m, errors.Join(err, s.Close())
}
