// Definitions: how a property counts, told to every partition before its events
// (C5).
package collect

import (
	"context"
	"fmt"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/property"
)

// EnsureDefined implements directory: it appends p's Definition to every
// partition once per version and process. The fold ignores what it has seen.
func (d *Directory) EnsureDefined(ctx context.Context, p *property.Property) error {
	// Fast path: it was done.
	if version, ok := d.defined.Load(p.ID); ok && version.(uint64) >= p.Version {
		return nil
	}
	defining := &d.defining[uint64(p.ID)%definersAtOnce]
	defining.Lock()
	defer defining.Unlock()
	if version, ok := d.defined.Load(p.ID); ok && version.(uint64) >= p.Version {
		return nil
	}
	payload, err := p.Definition(event.TimeOf(d.deps.Clock())).MarshalVT()
	if err != nil {
		return fmt.Errorf("encode definition: %w", err)
	}
	batch := eventlog.Batch{Essential: true}
	for i := range d.deps.Log.Partitions() {
		batch.Records = append(batch.Records, eventlog.Record{Partition: event.Partition(i), Payload: payload})
	}
	if err := d.deps.Log.Append(ctx, &batch); err != nil {
		return fmt.Errorf("append definition of property %s: %w", p.ID, err)
	}
	d.defined.Store(p.ID, p.Version)
	return nil
}
