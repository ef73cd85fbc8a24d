// Missing days: those that neither the archive nor the topic has as a whole. Processors make them final of what there is, so
// whoever restores has to be told.
package app

import (
	"context"
	"errors"
	"math"
	"time"

	"tidemark/internal/cli"
	"tidemark/internal/event"
	"tidemark/internal/eventlog"
	"tidemark/internal/pipeline/owned"
	"tidemark/internal/property/pgreg"
)

// missingDays looks for days between the end of what is restored and the time when the first record came that the topic still
// has. The log's counts, which are not forgotten, tell whether anything came there.
func (r *sharedRestore) missingDays(ctx context.Context, partitions []owned.Refolded) (out []cli.MissingDays, err error) {
	began := forgotUntil(partitions)
	if began == math.MinInt64 {
		return nil, nil
	}
	manifest, err := r.click.Finals(ctx)
	if err != nil {
		return nil, err
	}
	counts, err := r.log.Counts(ctx)
	if err != nil {
		return nil, err
	}
	registry, err := pgreg.Open(ctx, r.serving.Config.PostgresRegistry(), pgreg.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, registry.Close()) }()
	properties, err := registry.Properties(ctx)
	if err != nil {
		return nil, err
	}
	for i := range properties {
		p := &properties[i]
		until, isFinal := manifest.FinalUntil[p.ID]
		if !isFinal {
			until = math.MinInt64
		}
		if from, some := lostFrom(counts, p.ID, until, began); some {
			zone, err := time.LoadLocation(p.TimeZone)
			if err != nil {
				zone = time.UTC
			}
			out = append(out, cli.MissingDays{Property: p.ID.String(), From: from.Std().In(zone).Format(time.DateOnly),
				To: began.Std().In(zone).Format(time.DateOnly)})
		}
	}
	return out, nil
}

// forgotUntil is when the first record came in the partition that has forgotten most; the lowest time if none has.
func forgotUntil(partitions []owned.Refolded) event.Time {
	began := event.Time(math.MinInt64)
	for _, p := range partitions {
		if p.Forgot {
			began = max(began, p.Began)
		}
	}
	return began
}

// lostFrom returns the first time from which on events of a property may be missing: some came before the topic begins, on a day that
// ends behind what is final. Nothing that happened at or after began came before it.
func lostFrom(counts []eventlog.Count, id event.PropertyID, until, began event.Time) (from event.Time, some bool) {
	const day = event.Time(24 * time.Hour / time.Microsecond)
	if until >= began {
		return 0, false
	}
	from = math.MaxInt64
	for _, c := range counts {
		first := event.Time(c.Day) * day
		if c.Property == id && c.Reason == "" && c.N > 0 && first < began && first+day > until {
			from, some = min(from, max(first, until)), true
		}
	}
	return from, some
}
