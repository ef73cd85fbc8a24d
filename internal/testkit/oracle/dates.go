// Weeks, and time since the beginning of a range, counted day by day (S19).
package oracle

import (
	"fmt"
	"time"
)

// dateParts are dimensions that no layout of package time writes. first is when
// the range began.
func dateParts() map[string]func(t, first time.Time) string {
	return map[string]func(t, first time.Time) string{
		"dayOfWeek": func(t, _ time.Time) string { return fmt.Sprint(int(t.Weekday())) },
		"week":      func(t, _ time.Time) string { return fmt.Sprintf("%02d", week(t)) },
		"yearWeek":  func(t, _ time.Time) string { return fmt.Sprintf("%d%02d", t.Year(), week(t)) },
		"isoWeek": func(t, _ time.Time) string {
			_, w := t.ISOWeek()
			return fmt.Sprintf("%02d", w)
		},
		"isoYear": func(t, _ time.Time) string {
			y, _ := t.ISOWeek()
			return fmt.Sprint(y)
		},
		"isoYearIsoWeek": func(t, _ time.Time) string {
			y, w := t.ISOWeek()
			return fmt.Sprintf("%d%02d", y, w)
		},
		"nthHour": func(t, first time.Time) string {
			return fmt.Sprintf("%04d", 24*nights(first, t)+t.Hour()-first.Hour())
		},
		"nthDay": func(t, first time.Time) string { return fmt.Sprintf("%04d", nights(first, t)) },
		"nthWeek": func(t, first time.Time) string {
			sundays := 0
			for d := noon(first).AddDate(0, 0, 1); !d.After(noon(t)); d = d.AddDate(0, 0, 1) {
				if d.Weekday() == time.Sunday {
					sundays++
				}
			}
			return fmt.Sprintf("%04d", sundays)
		},
		"nthMonth": func(t, first time.Time) string {
			return fmt.Sprintf("%04d", t.Year()*12+int(t.Month())-first.Year()*12-int(first.Month()))
		},
		"nthYear": func(t, first time.Time) string { return fmt.Sprintf("%04d", t.Year()-first.Year()) },
	}
}

// week counts the Sundays of t's year up to t. The days before the first one are week 1.
func week(t time.Time) int {
	n := 1
	for d := time.Date(t.Year(), time.January, 2, 12, 0, 0, 0, time.UTC); !d.After(noon(t)); d = d.AddDate(0, 0, 1) {
		if d.Weekday() == time.Sunday {
			n++
		}
	}
	return n
}

func noon(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, time.UTC)
}

// nights counts midnights between two local times.
func nights(first, t time.Time) int { return int(noon(t).Sub(noon(first)).Hours()) / 24 }
