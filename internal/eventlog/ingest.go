// IngestTimeAt: where a record lies in time, for whoever begins in the middle of a log.
package eventlog

import (
	"context"
	"fmt"

	"tidemark/internal/event"
)

// IngestTimeAt returns when the record at an offset of p came, whatever its kind; 0 if there is none.
func IngestTimeAt(ctx context.Context, log Log, p event.Partition, at event.Offset) (event.Time, error) {
	entries, err := log.Read(ctx, p, at, 1, nil)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	var r event.Record
	if err := r.UnmarshalVT(entries[0].Payload); err != nil {
		return 0, fmt.Errorf("decode record %d of partition %d: %w", at, p, err)
	}
	return event.Time(max(r.GetEvent().GetIngestTime(), r.GetTick().GetIngestTime(), r.GetDefinition().GetIngestTime(),
		r.GetErasure().GetIngestTime())), nil
}
