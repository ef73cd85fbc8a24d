// Params: from a scalar of a wire protocol to a param of the event, or to the
// field that it means.
package wire

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"tidemark/internal/event"
)

// ErrTooManyParams: the event has more params than event.MaxParams.
var ErrTooManyParams = errors.New("too many params")

// ScalarKind is what a scalar was on the wire.
type ScalarKind uint8

// The kinds.
const (
	TextScalar ScalarKind = iota
	NumberScalar
	BooleanScalar
)

// Scalar is a value of a param before it is one. Text is the value as sent.
type Scalar struct {
	Kind ScalarKind
	Text string
}

// Truth tells whether the value says yes: true, 1, "1" or "true".
func (v Scalar) Truth() bool {
	return v.Text == "1" || v.Text == "true"
}

// SetParam sets a param of the event; a key that is there already is replaced.
func (r *Request) SetParam(e *event.Event, key string, v Scalar) error {
	list, err := r.set(e.Params, key, v)
	e.Params = list
	return err
}

// SetUserProperty sets a user property of the event.
func (r *Request) SetUserProperty(e *event.Event, key string, v Scalar) error {
	list, err := r.set(e.UserProperties, key, v)
	e.UserProperties = list
	return err
}

func (r *Request) set(list []*event.Param, key string, v Scalar) ([]*event.Param, error) {
	if key = Cut(key, event.MaxParamKey); key == "" {
		return list, nil
	}
	p, err := r.newParam(key, v)
	if err != nil {
		return list, err
	}
	for i := range list {
		if list[i].Key == key {
			list[i] = p
			return list, nil
		}
	}
	if len(list) == event.MaxParams {
		return list, ErrTooManyParams
	}
	if len(list) == cap(list) {
		grown := max(4, 2*len(list))
		if r.budget != nil && !r.budget.Take(8*grown) {
			return list, ErrOverBudget
		}
		list = append(make([]*event.Param, 0, grown), list...)
	}
	return append(list, p), nil
}

func (r *Request) newParam(key string, v Scalar) (*event.Param, error) {
	switch v.Kind {
	case NumberScalar:
		if n, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
			return r.Integer(key, n)
		}
		if f, err := strconv.ParseFloat(v.Text, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return r.Number(key, f)
		}
	case BooleanScalar:
		return r.Boolean(key, v.Text == "true")
	}
	return r.Text(key, Cut(v.Text, event.MaxParamText))
}

// SetMoney takes key for the event's value or currency if it is one of them and
// can be read as such (S35), and tells whether it was.
func SetMoney(e *event.Event, key string, v Scalar) bool {
	switch key {
	case "value":
		micros, ok := Micros(v.Text)
		if ok && v.Kind != BooleanScalar {
			e.ValueMicros, e.HasValue = micros, true
			return true
		}
	case "currency":
		if IsCurrency(v.Text) {
			e.Currency = strings.ToUpper(v.Text)
			return true
		}
	}
	return false
}
