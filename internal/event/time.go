// Time: the one representation of an instant, in every record and every row.
package event

import "time"

// Time is an instant in microseconds since the Unix epoch, UTC.
// Whether it is an EventTime, an IngestTime or a ProcessTime is said by the
// name of the field or variable that holds it.
type Time int64

// TimeOf converts t, cutting what is finer than a microsecond.
func TimeOf(t time.Time) Time { return Time(t.UnixMicro()) }

// Std returns t as a time.Time in UTC.
func (t Time) Std() time.Time { return time.UnixMicro(int64(t)).UTC() }

// Add returns t moved by d.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Microseconds()) }

// Sub returns t - u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Microsecond }

// String prints RFC 3339 with microseconds.
func (t Time) String() string { return t.Std().Format("2006-01-02T15:04:05.000000Z07:00") }
