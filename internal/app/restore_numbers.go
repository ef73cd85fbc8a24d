// Numbers of restored rows: sessions and clients are named by places in the log, so a log that gives them to others
// would make one person of two.
package app

import (
	"context"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// numberCheck refuses rows whose numbers a log gives away again, or has given away.
type numberCheck struct {
	log  runningLog
	name string
	mend string // what to do
}

// run: it is their log if it has the last event of each partition where its number says, or if it has forgotten that offset: all that
// it has, and gives, is behind then. That it is long enough proves nothing.
func (c *numberCheck) run(ctx context.Context, from []store.RowsFrom) error {
	const other = "it is not the log that these rows came from, and numbers of sessions and clients would be given away twice"
	for i := range from {
		f := &from[i]
		if int(f.Partition) >= c.log.Partitions() {
			return fmt.Errorf("the archive has rows of partition %d, and %s has %d partitions: %s. %s", f.Partition, c.name, c.log.Partitions(), other, c.mend)
		}
		if end := c.log.End(f.Partition); end < f.Next {
			return fmt.Errorf("the archive has rows of offset %d of partition %d, and %s ends before it, at %d: %s. %s",
				f.Next-1, f.Partition, c.name, end, other, c.mend)
		}
		same, err := c.hasRow(ctx, f)
		if err != nil {
			return err
		}
		if !same {
			return fmt.Errorf("record %d of partition %d of %s is another one than the archive has a row of: %s. %s",
				f.Row.Offset(), f.Partition, c.name, other, c.mend)
		}
	}
	return nil
}

// hasRow compares the last event of a partition with the record at its offset.
func (c *numberCheck) hasRow(ctx context.Context, f *store.RowsFrom) (bool, error) {
	at := f.Row.Offset()
	if f.Row == 0 || at < c.log.Start(f.Partition) {
		return true, nil
	}
	entries, err := c.log.Read(ctx, f.Partition, at, 1, nil)
	if err == nil && len(entries) == 0 {
		err = fmt.Errorf("the log has none, and ends at %d", c.log.End(f.Partition))
	}
	if err != nil {
		return false, fmt.Errorf("read record %d of partition %d: %w", at, f.Partition, err)
	}
	record := &event.Record{}
	if err := record.UnmarshalVT(entries[0].Payload); err != nil {
		return false, fmt.Errorf("decode record %d of partition %d: %w", at, f.Partition, err)
	}
	e := record.GetEvent()
	return e != nil && event.PropertyID(e.Property) == f.Property && event.Time(e.IngestTime) == f.Ingest, nil
}
