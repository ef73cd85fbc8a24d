// Begin: registry, rows, account and states as of the commit point.
package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/fold"
	"tidemark/internal/ledger"
	"tidemark/internal/state"
)

// begin finds out how far the move is, and opens both sides. isOver: nothing is left to do.
func (m *Mover) begin(ctx context.Context, o Order) (isOver bool, err error) {
	st, err := m.deps.Origin.Status(ctx)
	if err != nil {
		return false, err
	}
	m.id = st.ID
	note, some, err := m.deps.Notes.Note(ctx)
	if err != nil {
		return false, err
	}
	switch {
	case some && note.Origin != st.ID:
		return false, fmt.Errorf("another installation, or an attempt that was given up, began to move into this cluster: %w; "+
			"name a topic, database and bucket of their own", ErrRefused)
	case some && note.Stage == Complete:
		if err := m.deps.Origin.Leave(ctx); err != nil {
			return false, err
		}
		m.deps.Say("The move is complete: the cluster takes the events.")
		return true, nil
	case st.Stage == Gone:
		return false, fmt.Errorf("the installation was moved into another cluster: %w again", ErrRefused)
	case st.Stage == Stopped && !o.Switch:
		if err := m.deps.Origin.Resume(ctx); err != nil { // a switch did not come to its end
			return false, err
		}
	}
	m.note = note
	return false, m.open(ctx, some)
}

func (m *Mover) open(ctx context.Context, noted bool) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, m.close())
		}
	}()
	if err := m.step("copy commit point"); err != nil {
		return err
	}
	if m.commit, err = m.deps.Origin.Commit(ctx); err != nil {
		return err
	}
	meta := m.commit.Meta()
	if err := checkMovable(meta); err != nil {
		return err
	}
	if !noted {
		// From here on collectors of the cluster wait.
		if err := m.write(ctx, Importing); err != nil {
			return err
		}
	}
	if err := m.step("open target"); err != nil {
		return err
	}
	base := make([]event.Offset, len(meta.Partitions))
	for p := range base {
		base[p] = meta.Partitions[p].Next
	}
	if m.folds, err = snapshots(meta); err != nil {
		return err
	}
	received, err := m.receivedBefore(ctx)
	if err != nil {
		return err
	}
	if m.target, err = m.deps.OpenTarget(ctx, base, received); err != nil {
		return err
	}
	if have := m.target.Log.Partitions(); have != len(base) {
		return fmt.Errorf("the cluster's log has %d partitions and the installation's %d: %w; set eventlog.partitions", have, len(base), ErrRefused)
	}
	return nil
}

// checkMovable refuses what the cluster has no place for.
func checkMovable(meta *state.Meta) error {
	for id, kept := range meta.Manifest.Kept {
		if len(kept) > 0 {
			return fmt.Errorf("property %s has days whose rows are gone and whose sums are kept (row_days), and sums alone cannot go into a cluster yet: %w",
				id, ErrRefused)
		}
	}
	if n := len(meta.Erasures); n > 0 {
		return fmt.Errorf("%d erasures were not carried out yet: take another commit point in a minute (tidemark migrate --abort, and again): %w", n, ErrRefused)
	}
	return nil
}

func (m *Mover) write(ctx context.Context, s Stage) error {
	if err := m.step("note " + string(s)); err != nil {
		return err
	}
	n := Note{Origin: m.id, Stage: s}
	if err := m.deps.Notes.Write(ctx, n); err != nil {
		return err
	}
	m.note = n
	return nil
}

// importAll brings what is not there yet.
func (m *Mover) importAll(ctx context.Context) error {
	if m.note.Stage != Importing {
		return nil
	}
	if err := m.importRegistry(ctx); err != nil {
		return err
	}
	if err := m.importRows(ctx, m.folds); err != nil {
		return err
	}
	if err := m.adoptAll(ctx, m.folds); err != nil {
		return err
	}
	if err := m.write(ctx, Following); err != nil {
		return err
	}
	m.deps.Say("Registry, rows and states are imported. Processors and APIs of the cluster can start; collectors wait for the switch.")
	return nil
}

func (m *Mover) importRegistry(ctx context.Context) error {
	m.deps.Progress("registry", 0)
	if err := m.step("import registry"); err != nil {
		return err
	}
	s, err := m.deps.Origin.Registry(ctx)
	if err != nil {
		return err
	}
	have, err := m.target.Registry.Export(ctx)
	if err != nil {
		return err
	}
	ours := map[event.PropertyID]bool{}
	for i := range s.Properties {
		ours[s.Properties[i].ID] = true
	}
	for i := range have.Properties {
		if p := &have.Properties[i]; !ours[p.ID] {
			return fmt.Errorf("the cluster's registry has the property %s (%q), which the installation does not know: %w; name an empty database",
				p.ID, p.Name, ErrRefused)
		}
	}
	if err := m.target.Registry.Import(ctx, s); err != nil {
		return err
	}
	m.deps.Progress("registry", 1)
	return nil
}

// snapshots decodes what the folds knew at the commit point.
func snapshots(meta *state.Meta) ([]fold.Snapshot, error) {
	out := make([]fold.Snapshot, len(meta.Partitions))
	for p := range out {
		if saved := meta.Partitions[p].Fold; len(saved) > 0 {
			if err := json.Unmarshal(saved, &out[p]); err != nil {
				return nil, fmt.Errorf("decode state of partition %d: %w: %w", p, state.ErrCorrupt, err)
			}
		}
	}
	return out, nil
}

// accepted is how many events o accounts for.
func accepted(o ledger.Outcomes) int64 {
	return o.Stored + o.Duplicate + o.TooLate + o.Expired + o.Erased
}

// dayOf returns the UTC day of a time, as counts have it.
func dayOf(t event.Time) int32 { return int32(t.Std().Unix() / int64((24 * time.Hour).Seconds())) }

// latest is the largest clock of all partitions.
func latest(folds []fold.Snapshot) (t event.Time) {
	for p := range folds {
		t = max(t, folds[p].Clock)
	}
	return t
}
