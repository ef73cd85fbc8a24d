// Restated: what was changed of final days, as reports show it (S29).
package app

import (
	"context"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/property"
	"tidemark/internal/report"
)

// restatements tells reports of the processor's restatements, in the local days of each
// property.
type restatements struct {
	processor *pipeline.Processor
	registry  property.Registry
}

// Restatements implements report.RestatementSource.
func (r restatements) Restatements(ctx context.Context, id event.PropertyID) ([]report.Restatement, error) {
	all := r.processor.Restatements(id)
	if len(all) == 0 { // most properties: the registry is not asked
		return nil, nil
	}
	p, err := r.registry.Property(ctx, id)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return nil, err
	}
	day := func(t event.Time) report.Day {
		y, m, d := t.Std().In(zone).Date()
		return report.Day{Year: y, Month: m, Day: d}
	}
	out := make([]report.Restatement, 0, len(all))
	for _, s := range all {
		out = append(out, report.Restatement{At: s.At.Std(), Why: s.Why, From: day(s.From), To: day(s.To - 1)})
	}
	return out, nil
}
