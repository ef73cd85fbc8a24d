// Date parts: weeks, months and their parts, made of the store's buckets. Where
// several buckets share a text, as all Mondays do, their users are counted again
// as one group (merge.go).
package report

import (
	"fmt"
	"time"

	"tidemark/internal/catalog"
)

const dayLayout = "20060102"

// datePartOf renders forms that are parts of a bucket; nil for other forms.
func datePartOf(f catalog.Form) func([]string) string {
	switch f {
	case catalog.MonthOfYear:
		return func(v []string) string { return v[0][4:] }
	case catalog.DayOfMonth:
		return func(v []string) string { return v[0][6:] }
	case catalog.DayOfWeek:
		return func(v []string) string { return fmt.Sprint(int(dayIn(v[0]).Weekday())) }
	case catalog.DayOfWeekName:
		return func(v []string) string { return dayIn(v[0]).Weekday().String() }
	case catalog.WeekOfYear:
		return func(v []string) string { return weekOfYear(v[0], v[1]) }
	case catalog.YearAndWeek:
		return func(v []string) string { return v[0] + weekOfYear(v[0], v[1]) }
	case catalog.ISOWeekOfYear, catalog.ISOYear, catalog.ISOYearAndWeek:
		return func(v []string) string { return isoWeek(f, dayIn(v[0])) }
	}
	return nil
}

// dayIn reads the text of a day; the store writes no other.
func dayIn(text string) time.Time {
	t, err := time.Parse(dayLayout, text)
	if err != nil {
		panic("BUG: not a day: " + text)
	}
	return t
}

// weekOfYear numbers the week that begins on a Sunday: the first one holds 1 January.
func weekOfYear(year, sunday string) string {
	first := sundayOf(dayIn(year + "0101"))
	return fmt.Sprintf("%02d", 1+daysFrom(first, dayIn(sunday))/7)
}

func isoWeek(f catalog.Form, monday time.Time) string {
	year, week := monday.ISOWeek()
	switch f {
	case catalog.ISOYear:
		return fmt.Sprint(year)
	case catalog.ISOWeekOfYear:
		return fmt.Sprintf("%02d", week)
	}
	return fmt.Sprintf("%d%02d", year, week)
}

// nthOf renders forms that count from the beginning of the range; nil for other forms.
func nthOf(f catalog.Form) func([]string, time.Time) string {
	var since func(text string, first time.Time) int
	switch f {
	case catalog.NthHour:
		since = func(text string, first time.Time) int {
			hour := 10*int(text[8]-'0') + int(text[9]-'0')
			return 24*daysFrom(first, dayIn(text[:8])) + hour - first.Hour()
		}
	case catalog.NthDay:
		since = func(text string, first time.Time) int { return daysFrom(first, dayIn(text)) }
	case catalog.NthWeek:
		since = func(text string, first time.Time) int { return daysFrom(sundayOf(first), dayIn(text)) / 7 }
	case catalog.NthMonth:
		since = func(text string, first time.Time) int {
			month := dayIn(text + "01")
			return 12*(month.Year()-first.Year()) + int(month.Month()-first.Month())
		}
	case catalog.NthYear:
		since = func(text string, first time.Time) int { return dayIn(text+"0101").Year() - first.Year() }
	default:
		return nil
	}
	return func(v []string, first time.Time) string { return fmt.Sprintf("%04d", since(v[0], first)) }
}

// sundayOf returns the day on which t's week began.
func sundayOf(t time.Time) time.Time { return t.AddDate(0, 0, -int(t.Weekday())) }

// daysFrom counts whole days; both times are local ones kept as UTC.
func daysFrom(first, t time.Time) int {
	midnight := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(midnight(t).Sub(midnight(first)) / (24 * time.Hour))
}
