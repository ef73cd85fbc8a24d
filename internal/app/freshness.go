// Freshness: what reports ask of the processor.
package app

import (
	"context"

	"tidemark/internal/event"
	"tidemark/internal/pipeline"
	"tidemark/internal/report"
)

type freshness struct{ *pipeline.Processor }

// Restatements implements report.FreshnessSource. Only replay and erasure change
// final days, and this server has done neither.
func (freshness) Restatements(context.Context, event.PropertyID) ([]report.Restatement, error) {
	return nil, nil
}
