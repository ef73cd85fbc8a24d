// What each call means for what is recorded: the rules I2 to I6, pure, so that
// every adapter decides alike.
package intent

import "fmt"

// Step is what an adapter has to write.
type Step int

// Steps.
const (
	Nothing Step = iota // it is recorded already
	Insert              // a new open intent
	Replace             // the open intent, with other values
	Finish              // the open intent is done: it becomes the last
	Restart             // it becomes the last, and the only one
)

// Begin decides what recording i means for p.
func (p Progress) Begin(i Intent) (Step, Intent, error) {
	if err := i.Check(); err != nil {
		return Nothing, i, err
	}
	if err := p.fence(i.Partition, i.Epoch); err != nil {
		return Nothing, i, err
	}
	i.Saved, i.Done = false, false
	switch {
	case p.Open != nil && p.Open.SameBatch(i):
		// Under the name that is recorded, what was saved is still there.
		i.Saved = p.Open.Saved && p.Open.State == i.State
		if i == *p.Open {
			return Nothing, i, nil
		}
		return Replace, i, nil
	case p.Open != nil:
		return Nothing, i, fmt.Errorf("seq %d, offsets %d to %d, while seq %d, offsets %d to %d, is open: %w",
			i.Seq, i.From, i.To, p.Open.Seq, p.Open.From, p.Open.To, ErrConflict)
	case p.isLast(i.Epoch, i.Seq) && p.Last.SameBatch(i) && p.Last.State == i.State:
		return Nothing, p.Last, nil // a repeat that comes after the end of the batch
	case i.Seq != p.Last.Seq+1 || p.Last.Seq > 0 && i.From != p.Last.To:
		return Nothing, i, fmt.Errorf("seq %d from offset %d after seq %d to offset %d: %w",
			i.Seq, i.From, p.Last.Seq, p.Last.To, ErrConflict)
	}
	return Insert, i, nil
}

// Save decides what it means that the state of seq was saved.
func (p Progress) Save(partition int, epoch, seq uint64) (Step, Intent, error) {
	open, repeated, err := p.own(partition, epoch, seq)
	if err != nil || repeated || open.Saved {
		return Nothing, open, err
	}
	open.Saved = true
	return Replace, open, nil
}

// Finish decides what it means that seq is done.
func (p Progress) Finish(partition int, epoch, seq uint64) (Step, Intent, error) {
	open, repeated, err := p.own(partition, epoch, seq)
	if err != nil || repeated {
		return Nothing, open, err
	}
	if !open.Saved {
		return Nothing, open, fmt.Errorf("seq %d is done before its state was saved: %w", seq, ErrConflict)
	}
	open.Done = true
	return Finish, open, nil
}

// Rewind decides what it means that the partition begins again with i.
func (p Progress) Rewind(i Intent) (Step, Intent, error) {
	if err := i.CheckRewind(); err != nil {
		return Nothing, i, err
	}
	if err := p.fence(i.Partition, i.Epoch); err != nil {
		return Nothing, i, err
	}
	i.Saved, i.Done = true, true
	if p.Open == nil && p.Last == i {
		return Nothing, i, nil
	}
	highest := p.Last.Seq
	if p.Open != nil {
		highest = max(highest, p.Open.Seq)
	}
	if i.Seq <= highest {
		return Nothing, i, fmt.Errorf("begin again with seq %d, and seq %d was given: %w", i.Seq, highest, ErrConflict)
	}
	return Restart, i, nil
}

func (p Progress) fence(partition int, epoch uint64) error {
	if epoch != p.Epoch || epoch == 0 {
		return fmt.Errorf("partition %d: epoch %d, the owner %q has %d: %w", partition, epoch, p.Owner, p.Epoch, ErrFenced)
	}
	return nil
}

// own returns the open intent if the caller has begun it. repeated: it is done
// already, by the same owner.
func (p Progress) own(partition int, epoch, seq uint64) (open Intent, repeated bool, err error) {
	if err := p.fence(partition, epoch); err != nil {
		return Intent{}, false, err
	}
	if p.isLast(epoch, seq) {
		return p.Last, true, nil
	}
	if p.Open == nil || p.Open.Seq != seq || p.Open.Epoch != epoch {
		return Intent{}, false, fmt.Errorf("seq %d was not begun under epoch %d: %w", seq, epoch, ErrConflict)
	}
	return *p.Open, false, nil
}

func (p Progress) isLast(epoch, seq uint64) bool {
	return p.Last.Seq == seq && p.Last.Epoch == epoch && seq > 0
}
