// Arena: memory for events and params in chunks, each paid for before it is
// made, so that a small body cannot become a large heap (D8).
package wire

import (
	"errors"
	"unsafe"

	"tidemark/internal/event"
)

// ErrOverBudget means that the server has no memory to spare for the request
// now. It is not the sender's fault.
var ErrOverBudget = errors.New("no memory to spare for the request")

// Budget gives out memory. Take returns false if there is none.
type Budget interface{ Take(bytes int) bool }

// Chunk sizes double from first to last: one event costs one event, and a
// thousand cost a few allocations.
const (
	firstEvents, lastEvents = 1, 32
	firstParams, lastParams = 4, 64
)

type textParam struct {
	param event.Param
	value event.Param_Text
}

type numberParam struct {
	param event.Param
	value event.Param_Number
}

type integerParam struct {
	param event.Param
	value event.Param_Integer
}

// Arena hands out events and params. The zero value has no limit.
type Arena struct {
	budget Budget

	events     []event.Event
	eventChunk int
	texts      []textParam
	textChunk  int
	integers   []integerParam
	intChunk   int
}

// chunk makes the next chunk of a kind.
func chunk[T any](a *Arena, size *int, first, last int) ([]T, error) {
	*size = min(max(*size*2, first), last)
	var t T
	if a.budget != nil && !a.budget.Take(*size*int(unsafe.Sizeof(t))) {
		return nil, ErrOverBudget
	}
	return make([]T, *size), nil
}

// NewEvent returns an empty event.
func (a *Arena) NewEvent() (*event.Event, error) {
	if len(a.events) == 0 {
		var err error
		if a.events, err = chunk[event.Event](a, &a.eventChunk, firstEvents, lastEvents); err != nil {
			return nil, err
		}
	}
	e := &a.events[0]
	a.events = a.events[1:]
	return e, nil
}

// Text returns a param of a text.
func (a *Arena) Text(key, text string) (*event.Param, error) {
	if len(a.texts) == 0 {
		var err error
		if a.texts, err = chunk[textParam](a, &a.textChunk, firstParams, lastParams); err != nil {
			return nil, err
		}
	}
	p := &a.texts[0]
	a.texts = a.texts[1:]
	p.value.Text = text
	p.param.Key, p.param.Value = key, &p.value
	return &p.param, nil
}

// Integer returns a param of a whole number.
func (a *Arena) Integer(key string, n int64) (*event.Param, error) {
	if len(a.integers) == 0 {
		var err error
		if a.integers, err = chunk[integerParam](a, &a.intChunk, firstParams, lastParams); err != nil {
			return nil, err
		}
	}
	p := &a.integers[0]
	a.integers = a.integers[1:]
	p.value.Integer = n
	p.param.Key, p.param.Value = key, &p.value
	return &p.param, nil
}

// Number returns a param of a number that is not whole.
func (a *Arena) Number(key string, f float64) (*event.Param, error) {
	if a.budget != nil && !a.budget.Take(int(unsafe.Sizeof(numberParam{}))) {
		return nil, ErrOverBudget
	}
	p := &numberParam{value: event.Param_Number{Number: f}}
	p.param.Key, p.param.Value = key, &p.value
	return &p.param, nil
}

// Boolean returns a param of a truth value.
func (a *Arena) Boolean(key string, b bool) (*event.Param, error) {
	if a.budget != nil && !a.budget.Take(int(unsafe.Sizeof(event.Param{}))+16) {
		return nil, ErrOverBudget
	}
	return event.BooleanParam(key, b), nil
}
