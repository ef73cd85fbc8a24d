// Logged events: the records of archived events that the log still holds.
package replay

import (
	"context"
	"errors"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/store"
)

// logPortion is how much is read of a partition at a time.
const logPortion = 64 << 10

// loggedEvents looks up records by row. Rows come nearly in order, so each partition
// keeps the portion last read.
type loggedEvents struct {
	log      eventlog.Log // nil: nothing is found
	portions map[event.Partition][]eventlog.Entry
	record   event.Record
}

func newLoggedEvents(log eventlog.Log) *loggedEvents {
	return &loggedEvents{log: log, portions: map[event.Partition][]eventlog.Entry{}}
}

// find returns the record of an archived event, nil if the log no longer holds it. It is
// good until the next call.
func (l *loggedEvents) find(ctx context.Context, a *store.ArchivedEvent) (*event.Event, error) {
	if l.log == nil {
		return nil, nil
	}
	p, offset := a.Row.Partition(), a.Row.Offset()
	if int(p) >= l.log.Partitions() || offset < l.log.Start(p) || offset >= l.log.End(p) {
		return nil, nil
	}
	portion := l.portions[p]
	if len(portion) == 0 || offset < portion[0].Offset || offset > portion[len(portion)-1].Offset {
		var err error
		portion, err = l.log.Read(ctx, p, offset, logPortion, portion[:0])
		if errors.Is(err, eventlog.ErrTruncated) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read event log: %w", err)
		}
		l.portions[p] = portion
	}
	if len(portion) == 0 {
		return nil, nil
	}
	entry := portion[offset-portion[0].Offset]
	l.record.Reset()
	if err := l.record.UnmarshalVT(entry.Payload); err != nil {
		return nil, fmt.Errorf("decode event %d of partition %d: %w", offset, p, err)
	}
	e := l.record.GetEvent()
	if entry.Offset != offset || e == nil || event.PropertyID(e.Property) != a.Property || e.ClientId != a.ClientID {
		return nil, fmt.Errorf("row %d of the archive is not record %d of partition %d: log and archive do not belong together",
			a.Row, offset, p)
	}
	return e, nil
}
