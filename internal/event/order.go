// Order: which of a client's events is "first" and which is "last" (S4).
package event

import "strings"

// Order is the place of an event among the events of its client (S4).
type Order struct {
	EventTime Time
	Index     uint32
	Key       string
}

// OrderOf returns the place of e.
func OrderOf(e *Event) Order {
	return Order{EventTime: Time(e.EventTime), Index: e.Index, Key: e.Key}
}

// Compare returns a negative number if o comes before p, a positive one if it
// comes after, and 0 if both are the same event.
func (o Order) Compare(p Order) int {
	switch {
	case o.EventTime != p.EventTime:
		if o.EventTime < p.EventTime {
			return -1
		}
		return 1
	case o.Index != p.Index:
		if o.Index < p.Index {
			return -1
		}
		return 1
	}
	return strings.Compare(o.Key, p.Key)
}
