// Difference: what reports say of the days before, and what they would say after.
package replay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"tidemark/internal/property"
	"tidemark/internal/report"
)

// Difference is by day and by what definitions can move between.
type Difference struct {
	// Days has every metric of every day that differs, and nothing else.
	Days []Change `json:"days"`
	// Groups has sessions by channel, device category and browser that differ over all days.
	Groups []Change `json:"groups"`
}

// Change is one number that differs.
type Change struct {
	Dimension string  `json:"dimension"` // date, or what Value is of
	Value     string  `json:"value"`
	Metric    string  `json:"metric"`
	Before    float64 `json:"before"`
	After     float64 `json:"after"`
}

// Metrics are compared by day, in this order.
func Metrics() []string {
	return []string{"eventCount", "screenPageViews", "sessions", "engagedSessions", "activeUsers", "totalUsers",
		"newUsers", "keyEvents", "totalRevenue", "userEngagementDuration"}
}

// groupings are compared over all days.
func groupings() []string {
	return []string{"sessionDefaultChannelGroup", "sessionSource", "deviceCategory", "browser"}
}

func (e *Engine) compare(ctx context.Context, o Order, r *Result, shadow *Shadow) (Difference, error) {
	before, err := e.numbers(ctx, report.Deps{Store: e.deps.Store, Freshness: e.deps.Processor}, o.Was, r)
	if err != nil {
		return Difference{}, err
	}
	after, err := e.numbers(ctx, report.Deps{Store: shadow.Store, Freshness: e.deps.Processor}, o.Now, r)
	if err != nil {
		return Difference{}, err
	}
	d := Difference{Days: []Change{}, Groups: []Change{}}
	keys := maps.Clone(before)
	maps.Copy(keys, after)
	for k := range keys {
		if before[k] == after[k] {
			continue
		}
		k.Before, k.After = before[k], after[k]
		if k.Dimension == "date" {
			d.Days = append(d.Days, k)
		} else {
			d.Groups = append(d.Groups, k)
		}
	}
	slices.SortFunc(d.Days, changeOrder)
	slices.SortFunc(d.Groups, changeOrder)
	return d, nil
}

func changeOrder(a, b Change) int {
	all := append(groupings(), Metrics()...)
	return cmp.Or(cmp.Compare(slices.Index(all, a.Dimension), slices.Index(all, b.Dimension)), cmp.Compare(a.Value, b.Value),
		cmp.Compare(slices.Index(all, a.Metric), slices.Index(all, b.Metric)))
}

// numbers asks for what is compared. Keys are Changes without numbers.
func (e *Engine) numbers(ctx context.Context, deps report.Deps, p property.Property, r *Result) (map[Change]float64, error) {
	engine, err := report.New(report.DefaultConfig(), deps)
	if err != nil {
		return nil, err
	}
	ask := map[string][]string{"date": Metrics()}
	for _, d := range groupings() {
		ask[d] = []string{"sessions"}
	}
	out := map[Change]float64{}
	for dimension, metrics := range ask {
		q := &report.Query{Property: p, Ranges: []report.DateRange{{Start: r.From, End: r.To}}, Limit: 250_000,
			Dimensions: []report.DimensionRef{{Name: dimension}}}
		for _, m := range metrics {
			q.Metrics = append(q.Metrics, report.MetricRef{Name: m})
		}
		results, err := engine.Run(ctx, []*report.Query{q})
		if err != nil {
			return nil, fmt.Errorf("compare %s: %w", dimension, err)
		}
		for _, row := range results[0].Rows {
			for i, m := range metrics {
				out[Change{Dimension: dimension, Value: row.Dimensions[0], Metric: m}] = row.Metrics[i]
			}
		}
	}
	return out, nil
}
