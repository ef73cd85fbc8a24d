// The life of a salt (R4): when a day's salt may be made and when it is erased.
package property

import "time"

// SaltLife is how long a salt is kept after the end of its day in UTC: 72 h in
// which a late event may still arrive, and one day more, because the day ends
// up to 12 h later in the west. Shorter would give late events another client
// id; longer would let an old id be redone for longer.
const SaltLife = 72*time.Hour + 24*time.Hour

// saltLead is how far ahead of UTC the first zone's day begins.
const saltLead = 14 * time.Hour

// SaltSpan says when the salt of a day such as "2026-11-23" exists: from the
// first moment at which it is that day anywhere until the end of its life.
func SaltSpan(day string) (from, until time.Time, err error) {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return from, until, invalid("day", "%q is not a date such as 2026-11-23", day)
	}
	return t.Add(-saltLead), t.AddDate(0, 0, 1).Add(SaltLife), nil
}
