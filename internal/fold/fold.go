// Fold: one partition's fold, and the way of one record through it.
package fold

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
	"tidemark/internal/store"
	"tidemark/internal/window"
)

// Bounds of a client's record (S38). Too small a bound loses precision for busy
// clients, and says so in the overflow counter; too large a one lets one sender
// fill memory.
const (
	MaxParts = 64
	MaxKeys  = 10_000
)

// StateHorizon is how far behind the partition's clock an event may lie and
// still be merged with its client's sessions (S16, S32).
const StateHorizon = event.AllowedLatenessTrusted

// LateAfter is from when on an accepted event counts as late in the ledger.
const LateAfter = time.Minute

// Saved answers what the last checkpoint knows of a client.
type Saved interface {
	// Client returns the record under key, or nil. The caller owns it.
	Client(key []byte) ([]byte, error)
}

// Fold folds one partition.
type Fold struct {
	partition event.Partition
	saved     Saved
	derive    *enrich.Deriver

	clock       event.Time // largest IngestTime read (S1)
	definitions map[event.PropertyID]*definition
	zones       map[string]*window.Zone // of the definitions, by name
	accounts    map[event.PropertyID]*account
	settlement  *Settlement // that is still to come
	lateness    Lateness
	verdicts    []string              // that any client has
	erased      map[string]event.Time // IngestTime of erasures, by erasedKey
	erasures    []store.Erasure       // whose rows no checkpoint has handed over yet

	// mu guards live clients against the encoder of a checkpoint.
	mu         sync.Mutex
	clients    map[string]*client
	gone       map[string]*client // erased, and still in the last checkpoint
	dirty      []*client
	cold       []*client // as saved, and not touched since, coldest first
	checkpoint *Frozen   // under way, or nil

	touched         []*client // by the batch under way
	touchedAccounts []*account
	tooLate         []tooLate
	now             event.RowID
	replays         uint64 // archived events applied: numbers revisions, since rows come by day
	names           interner
	keyBuf          []byte
	record          event.Record
	event           event.Event
	facts           enrich.Facts
	kept            kept
	scratch         scratch
	tellAll         bool // tests: every session is looked at, changed or not
}

// New returns the fold of a partition, with nothing read yet.
func New(p event.Partition, saved Saved, derive *enrich.Deriver) *Fold {
	return &Fold{
		partition:   p,
		saved:       saved,
		derive:      derive,
		definitions: map[event.PropertyID]*definition{},
		zones:       map[string]*window.Zone{},
		accounts:    map[event.PropertyID]*account{},
		clients:     map[string]*client{},
		names:       interner{},
		erased:      map[string]event.Time{},
		gone:        map[string]*client{},
	}
}

// Clock returns the largest IngestTime read.
func (f *Fold) Clock() event.Time { return f.clock }

// Apply folds one record and adds the event rows it makes to out. Texts of these rows
// lie in payload, which must not change as long as they are used; nothing else that
// the fold keeps does. Sessions follow in Flush.
func (f *Fold) Apply(offset event.Offset, payload []byte, out *store.Batch) error {
	f.settle(offset)
	if err := f.apply(offset, payload, out); err != nil {
		return err
	}
	f.settle(offset + 1)
	return nil
}

func (f *Fold) apply(offset event.Offset, payload []byte, out *store.Batch) error {
	f.now = event.MakeRowID(f.partition, offset)
	// Fast path: an event is decoded into the same struct again and again.
	if body, ok := eventBody(payload); ok {
		f.event.ResetVT()
		if err := f.event.UnmarshalVTUnsafe(body); err != nil {
			return fmt.Errorf("decode event %d of partition %d: %w", offset, f.partition, err)
		}
		return f.applyEvent(&f.event, out)
	}
	// Slow path: everything else.
	f.record.Reset()
	if err := f.record.UnmarshalVTUnsafe(payload); err != nil {
		return fmt.Errorf("decode record %d of partition %d: %w", offset, f.partition, err)
	}
	switch k := f.record.Kind.(type) {
	case *event.Record_Event:
		return f.applyEvent(k.Event, out)
	case *event.Record_Definition:
		f.tick(event.Time(k.Definition.IngestTime))
		return f.define(k.Definition, payload)
	case *event.Record_Tick:
		f.tick(event.Time(k.Tick.IngestTime))
		return nil
	case *event.Record_Erasure:
		return f.erase(k.Erasure, out)
	}
	return fmt.Errorf("record %d of partition %d is of a kind that this version does not know: "+
		"use the version of tidemark that wrote it", offset, f.partition)
}

// eventBody returns the encoded Event of a Record that holds nothing else.
func eventBody(payload []byte) ([]byte, bool) {
	const eventTag = 1<<3 | 2 // field 1, length-delimited
	if len(payload) < 2 || payload[0] != eventTag {
		return nil, false
	}
	size, n := binary.Uvarint(payload[1:])
	if n <= 0 || size != uint64(len(payload)-1-n) {
		return nil, false
	}
	return payload[1+n:], true
}

func (f *Fold) tick(ingest event.Time) { f.clock = max(f.clock, ingest) }

func (f *Fold) applyEvent(e *event.Event, out *store.Batch) error {
	property := event.PropertyID(e.Property)
	f.tick(event.Time(e.IngestTime))
	account := f.ledger(property)
	if event.TooLate(e) {
		account.TooLate++
		f.noteTooLate(e)
		return nil
	}
	// A day that is final takes no event any more. Only a collector's clock that
	// was set back brings one that old within its allowed lateness (S32).
	if f.clock.Sub(event.Time(e.EventTime)) > StateHorizon+event.ClockJitter {
		account.Expired++
		return nil
	}
	if f.wasErased(e) {
		account.Erased++
		return nil
	}
	def := f.definition(property)
	f.derive.Derive(e, def.record, &f.facts)
	f.mu.Lock()
	defer f.mu.Unlock()
	c, err := f.client(property, f.facts.Verdict, e.ClientId)
	if err != nil {
		return err
	}
	hash, ingest := hashKey(e.Key), event.Time(e.IngestTime)
	if c.knows(hash, ingest) {
		account.Duplicate++
		f.letGo(c)
		return nil
	}
	f.touch(c)
	if !c.remember(hash, ingest) {
		account.Overflow++
	}
	f.count(e, account)
	f.kept = kept{}
	part := f.place(c, e, def, account)
	f.add(c, part, e, def)
	f.appendRows(out, c, part, e, def, account)
	return nil
}

// Flush adds to out what the events applied since the last Flush change in
// sessions (S24), and forgets what no event can change any more.
func (f *Fold) Flush(out *store.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.touched {
		f.tell(c, out)
		f.retire(c)
		c.touched = false
	}
	clear(f.touched)
	f.touched = f.touched[:0]
}
