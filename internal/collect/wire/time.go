// Times as senders write them.
package wire

import (
	"math"
	"strconv"
	"time"

	"tidemark/internal/event"
)

// maxTime is the end of the year 9999. Beyond it a clock is not a clock.
const maxTime = 253_402_300_799_999_999

// Milliseconds reads milliseconds since the epoch, possibly with a fraction.
func Milliseconds(text string) (event.Time, bool) {
	return scaled(text, 1000)
}

// Microseconds reads microseconds since the epoch.
func Microseconds(text string) (event.Time, bool) {
	return scaled(text, 1)
}

func scaled(text string, scale int64) (event.Time, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return event.Time(n * scale), n > 0 && n <= maxTime/scale
	}
	f, err := strconv.ParseFloat(text, 64)
	f = math.Round(f * float64(scale))
	if err != nil || !(f > 0 && f <= maxTime) {
		return 0, false
	}
	return event.Time(f), true
}

// RFC3339 reads a date and time with zone.
func RFC3339(text string) (event.Time, bool) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, false
	}
	at := event.TimeOf(t)
	return at, at > 0 && at <= maxTime
}

// Whole reads a number that counts something, cutting a fraction off.
func Whole(text string) (int64, bool) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(f) < 1<<53) {
		return 0, false
	}
	return int64(f), true
}
