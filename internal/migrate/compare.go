// Compare: what both sides answer to the same questions.
package migrate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"tidemark/internal/property"
	"tidemark/internal/report"
)

// errSlow: the cluster did not keep up. Another time it may.
var errSlow = errors.New("the cluster is too far behind")

func isStep(err error) bool { return errors.Is(err, errStep) }

// joinResumed says what went wrong and that the origin goes on.
func joinResumed(err, resumed error) error {
	if resumed != nil {
		return errors.Join(fmt.Errorf("the switch failed: %w", err), fmt.Errorf("let the installation take events again (tidemark migrate --abort does): %w", resumed))
	}
	if errors.Is(err, errSlow) || errors.Is(err, context.DeadlineExceeded) {
		// Not again at once: each try is an outage.
		return fmt.Errorf("the switch was given up, and the installation takes events again: %w: %w", err, ErrRefused)
	}
	return fmt.Errorf("the switch was given up, and the installation takes events again: %w", err)
}

// comparedDays is as far back as a report can look.
const comparedDays = 3660

func dateOf(t time.Time) report.Day {
	y, m, d := t.UTC().Date()
	return report.Day{Year: y, Month: m, Day: d}
}

// questions are asked of each property on both sides. Counts and sums are exact on both; users of final
// days are not on the origin, which then says so.
func questions(p property.Property, now time.Time) []*report.Query {
	var out []*report.Query
	for _, q := range []struct{ dimensions, metrics []string }{
		{nil, []string{"eventCount", "sessions", "engagedSessions", "screenPageViews", "newUsers", "keyEvents", "userEngagementDuration", "totalRevenue"}},
		{[]string{"date"}, []string{"eventCount", "sessions", "screenPageViews", "newUsers"}},
		{[]string{"eventName"}, []string{"eventCount"}},
		{[]string{"sessionSource", "sessionMedium"}, []string{"sessions", "engagedSessions", "bounceRate"}},
		{[]string{"country", "deviceCategory", "browser"}, []string{"eventCount", "sessions"}},
		{[]string{"landingPage"}, []string{"sessions", "averageSessionDuration"}},
		{[]string{"newVsReturning"}, []string{"sessions"}},
		{nil, []string{"totalUsers", "activeUsers"}},
		{[]string{"date"}, []string{"totalUsers", "activeUsers"}},
	} {
		query := &report.Query{Property: p, Limit: 100_000, Ranges: []report.DateRange{{
			Start: dateOf(now.AddDate(0, 0, 2-comparedDays)), End: dateOf(now.AddDate(0, 0, 1))}}}
		for _, d := range q.dimensions {
			query.Dimensions = append(query.Dimensions, report.DimensionRef{Name: d})
		}
		for _, n := range q.metrics {
			query.Metrics = append(query.Metrics, report.MetricRef{Name: n})
		}
		out = append(out, query)
	}
	return out
}

// compareAtRest asks both sides, which have folded the same records. All must be equal, the ledger as well.
func (m *Mover) compareAtRest(ctx context.Context) error {
	if err := m.step("compare"); err != nil {
		return err
	}
	n, difference, err := m.compare(ctx)
	if err != nil {
		return err
	}
	if difference != "" {
		return fmt.Errorf("%s: %w", difference, ErrDiffers)
	}
	m.deps.Say(fmt.Sprintf("%d reports are the same on both sides.", n))
	return nil
}

// compareWhileMoving asks both sides while events come: a difference may be what one side has seen and the other has
// not yet, so it is looked at again, and told.
func (m *Mover) compareWhileMoving(ctx context.Context) error {
	if err := m.awaitFolded(ctx); errors.Is(err, errSlow) {
		m.deps.Say("No reports were compared: " + err.Error())
		return nil
	} else if err != nil {
		return err
	}
	last := ""
	for range 5 {
		n, difference, err := m.compare(ctx)
		if err != nil {
			return err
		}
		if difference == "" {
			m.deps.Say(fmt.Sprintf("%d reports are the same on both sides.", n))
			return nil
		}
		last = difference
		if err := m.followNow(ctx); err != nil {
			return err
		}
	}
	m.deps.Say("Reports differ, perhaps by events that come at this moment (the switch compares both at rest): " + last)
	return nil
}

// compare returns how many reports were compared, and where the first differs.
func (m *Mover) compare(ctx context.Context) (n int, difference string, err error) {
	registry, err := m.deps.Origin.Registry(ctx)
	if err != nil {
		return 0, "", err
	}
	for i := range registry.Properties {
		p := registry.Properties[i]
		all := questions(p, time.Now())
		for j, q := range all {
			m.deps.Progress("compare", float64(i*len(all)+j)/float64(len(registry.Properties)*len(all)))
			theirs, err := m.deps.Origin.Report(ctx, q)
			if err != nil {
				return n, "", fmt.Errorf("ask the installation: %w", err)
			}
			ours, err := m.target.Reports(ctx, q)
			if err != nil {
				return n, "", fmt.Errorf("ask the cluster: %w", err)
			}
			if !theirs.Meta.Exact || !ours.Meta.Exact {
				continue // one of them estimates, and says so: two estimates of different days prepared need not be equal
			}
			n++
			if d := differenceOf(q, theirs, ours); d != "" {
				return n, fmt.Sprintf("property %s: %s", p.ID, d), nil
			}
		}
	}
	return n, "", nil
}

func differenceOf(q *report.Query, theirs, ours *report.Result) string {
	name := ""
	for _, d := range q.Dimensions {
		name += d.Name + " "
	}
	name += "by " + q.Metrics[0].Name
	if len(theirs.Rows) != len(ours.Rows) {
		return fmt.Sprintf("%s: %d rows in the installation, %d in the cluster", name, len(theirs.Rows), len(ours.Rows))
	}
	for i := range theirs.Rows {
		a, b := theirs.Rows[i], ours.Rows[i]
		if !slices.Equal(a.Dimensions, b.Dimensions) || !slices.Equal(a.Metrics, b.Metrics) {
			return fmt.Sprintf("%s: %v %v in the installation, %v %v in the cluster", name, a.Dimensions, a.Metrics, b.Dimensions, b.Metrics)
		}
	}
	a, b := theirs.Meta.Ledger, ours.Meta.Ledger
	if a.Received != b.Received || a.Accepted != b.Accepted || a.Pending != b.Pending || a.Outcomes != b.Outcomes || !maps.Equal(a.Refused, b.Refused) {
		return fmt.Sprintf("the ledger: %+v in the installation, %+v in the cluster", a, b)
	}
	return ""
}
