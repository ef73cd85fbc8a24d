// Buckets: local time in integers. The engine groups by whole days, hours or
// minutes since the epoch; Go writes the text of each group once. Filters need
// the text itself, so that is rendered too.
package clickstore

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

const (
	minuteMicros = 60_000_000
	hourMicros   = 60 * minuteMicros
	dayMicros    = 24 * hourMicros
	weekMicros   = 7 * dayMicros
	// The epoch was a Thursday: so much of its week had passed.
	sinceSunday = 4 * dayMicros
	sinceMonday = 3 * dayMicros
)

// localTime renders column t, UTC micros, as micros of local time. Only steps
// that [from, to) can reach are tested.
func localTime(t string, z store.Zone, from, to event.Time) string {
	var steps store.Zone
	for i, s := range z {
		next := i+1 < len(z) && z[i+1].At <= from
		if next || (i > 0 && s.At >= to) {
			continue
		}
		steps = append(steps, s)
	}
	switch len(steps) {
	case 0:
		return t
	case 1:
		if steps[0].Offset == 0 {
			return t
		}
		return fmt.Sprintf("(%s + toInt64(%d))", t, steps[0].Offset)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "(%s + multiIf(", t)
	for i := len(steps) - 1; i > 0; i-- {
		fmt.Fprintf(&b, "%s >= %s, toInt64(%d), ", t, micros(steps[i].At), steps[i].Offset)
	}
	fmt.Fprintf(&b, "toInt64(%d)))", steps[0].Offset)
	return b.String()
}

// floorDiv renders x / unit, rounded towards the past also before 1970.
func floorDiv(x string, unit int64) string {
	return fmt.Sprintf("intDiv(%s - positiveModulo(%s, %d), %d)", x, x, unit, unit)
}

// moment renders micros as a time that ClickHouse can take apart.
func moment(x string) string { return "fromUnixTimestamp64Micro(toInt64(" + x + "), 'UTC')" }

// bucketNumber renders the integer that stands for the bucket of t.
func bucketNumber(b store.Bucket, t string, p *store.Plan) (string, error) {
	if b == store.MinutesAgo {
		return fmt.Sprintf("greatest(toInt64(0), intDiv(%s - %s, %d))", micros(p.Anchor), t, minuteMicros), nil
	}
	local := localTime(t, p.Zone, p.From, p.To)
	switch b {
	case store.Date:
		return floorDiv(local, dayMicros), nil
	case store.DateHour:
		return floorDiv(local, hourMicros), nil
	case store.Hour:
		return "positiveModulo(" + floorDiv(local, hourMicros) + ", 24)", nil
	case store.DateMinute:
		return floorDiv(local, minuteMicros), nil
	case store.Week:
		return floorDiv(fmt.Sprintf("(%s + %d)", local, int64(sinceSunday)), weekMicros), nil
	case store.ISOWeek:
		return floorDiv(fmt.Sprintf("(%s + %d)", local, int64(sinceMonday)), weekMicros), nil
	case store.Year:
		return "toYear(" + moment(local) + ")", nil
	case store.Month:
		return "toYYYYMM(" + moment(local) + ")", nil
	}
	return "", unsupported(store.ColTime, "a dimension without bucket")
}

// bucketText writes the text of a bucket number.
func bucketText(b store.Bucket, n int64) string {
	switch b {
	case store.Date:
		return time.UnixMicro(n * dayMicros).UTC().Format("20060102")
	case store.DateHour:
		return time.UnixMicro(n * hourMicros).UTC().Format("2006010215")
	case store.DateMinute:
		return time.UnixMicro(n * minuteMicros).UTC().Format("200601021504")
	case store.Week:
		return time.UnixMicro(n*weekMicros - sinceSunday).UTC().Format("20060102")
	case store.ISOWeek:
		return time.UnixMicro(n*weekMicros - sinceMonday).UTC().Format("20060102")
	}
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// bucketTextSQL renders the same text in SQL.
func bucketTextSQL(b store.Bucket, t string, p *store.Plan) (string, error) {
	n, err := bucketNumber(b, t, p)
	if err != nil {
		return "", err
	}
	format := func(begin, layout string) string {
		return fmt.Sprintf("formatDateTime(%s, '%s', 'UTC')", moment(begin), layout)
	}
	switch b {
	case store.Date:
		return format(fmt.Sprintf("%s * %d", n, int64(dayMicros)), "%Y%m%d"), nil
	case store.DateHour:
		return format(fmt.Sprintf("%s * %d", n, int64(hourMicros)), "%Y%m%d%H"), nil
	case store.DateMinute:
		return format(fmt.Sprintf("%s * %d", n, minuteMicros), "%Y%m%d%H%i"), nil
	case store.Week:
		return format(fmt.Sprintf("%s * %d - %d", n, int64(weekMicros), int64(sinceSunday)), "%Y%m%d"), nil
	case store.ISOWeek:
		return format(fmt.Sprintf("%s * %d - %d", n, int64(weekMicros), int64(sinceMonday)), "%Y%m%d"), nil
	}
	return fmt.Sprintf("concat(if(%s < 10, '0', ''), toString(%s))", n, n), nil
}
