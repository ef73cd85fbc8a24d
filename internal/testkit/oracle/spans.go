// Spans: the ranges of a query as tests on an instant (S19, S34).
package oracle

import (
	"errors"
	"fmt"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/report"
)

// span is one range of a query.
type span struct {
	name  string
	first time.Time // local time at which it begins
	holds func(event.Time) bool
}

func spansOf(q *report.Query, loc *time.Location) ([]span, error) {
	if (len(q.Ranges) > 0) == (len(q.Realtime) > 0) {
		return nil, errors.New("either days or minutes are needed")
	}
	var spans []span
	for i, r := range q.Ranges {
		first, last := dayNumber(r.Start), dayNumber(r.End)
		if first > last {
			return nil, errors.New("the range ends before it starts")
		}
		begins := time.Date(r.Start.Year, r.Start.Month, r.Start.Day, 0, 0, 0, 0, time.UTC)
		spans = append(spans, span{rangeName(r.Name, i), begins, func(t event.Time) bool {
			y, m, d := t.Std().In(loc).Date()
			day := dayNumber(report.Day{Year: y, Month: m, Day: d})
			return first <= day && day <= last
		}})
	}
	for i, r := range q.Realtime {
		begins := q.Now.In(loc).Add(-time.Duration(r.StartMinutesAgo+1)*time.Minute + time.Microsecond)
		spans = append(spans, span{rangeName(r.Name, i), begins, func(t event.Time) bool {
			ago := event.TimeOf(q.Now).Sub(t)
			minutes := int(ago / time.Minute)
			return ago >= 0 && r.EndMins <= minutes && minutes <= r.StartMinutesAgo
		}})
	}
	return spans, nil
}

// dayNumber makes days comparable.
func dayNumber(d report.Day) int { return (d.Year*100+int(d.Month))*100 + d.Day }

func rangeName(name string, i int) string {
	if name != "" {
		return name
	}
	return fmt.Sprintf("date_range_%d", i)
}
