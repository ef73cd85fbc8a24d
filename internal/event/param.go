// Param values: how they read as text, which is how reports group by them.
package event

import (
	"math"
	"strconv"
)

// AppendText appends p's value as reports show it: numbers without exponent
// or trailing zeros where they are whole, booleans as true and false.
func (p *Param) AppendText(dst []byte) []byte {
	switch v := p.Value.(type) {
	case *Param_Text:
		return append(dst, v.Text...)
	case *Param_Number:
		return appendNumber(dst, v.Number)
	case *Param_Integer:
		return strconv.AppendInt(dst, v.Integer, 10)
	case *Param_Boolean:
		return strconv.AppendBool(dst, v.Boolean)
	}
	return dst
}

// Text returns what AppendText appends.
func (p *Param) Text() string {
	if v, ok := p.Value.(*Param_Text); ok {
		return v.Text
	}
	return string(p.AppendText(nil))
}

func appendNumber(dst []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1e15 {
		return strconv.AppendInt(dst, int64(f), 10)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

// TextParam, NumberParam, IntegerParam and BooleanParam make Params.
func TextParam(key, v string) *Param { return &Param{Key: key, Value: &Param_Text{Text: v}} }

// NumberParam makes a Param of a floating-point number.
func NumberParam(key string, v float64) *Param {
	return &Param{Key: key, Value: &Param_Number{Number: v}}
}

// IntegerParam makes a Param of a whole number.
func IntegerParam(key string, v int64) *Param {
	return &Param{Key: key, Value: &Param_Integer{Integer: v}}
}

// BooleanParam makes a Param of a truth value.
func BooleanParam(key string, v bool) *Param {
	return &Param{Key: key, Value: &Param_Boolean{Boolean: v}}
}

// FindParam returns the first param of e with that key, or nil.
func FindParam(e *Event, key string) *Param {
	for _, p := range e.Params {
		if p.Key == key {
			return p
		}
	}
	return nil
}
