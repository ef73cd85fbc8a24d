// Reading a JSON tree by the rules of proto3: names in lowerCamelCase or as in
// the .proto file, 64-bit numbers as strings or numbers, enums by name or
// number, null as unset, and no unknown names.
package api

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tidemark/internal/catalog"
	"tidemark/internal/report"
)

// reader keeps the first error of a whole request; reading goes on with zero values.
type reader struct{ err error }

func (r *reader) fail(path, format string, args ...any) {
	if r.err == nil {
		r.err = &report.InvalidError{Field: path, Message: fmt.Sprintf(format, args...)}
	}
}

// node is a place in the tree. A nil value is unset.
type node struct {
	r     *reader
	path  string
	value any
}

func (n node) set() bool { return n.value != nil }

// fields is an object being read; done reports names that nothing read.
type fields struct {
	node
	object *object
	known  []string
	seen   map[string]bool
}

func (n node) fields() *fields {
	f := &fields{node: n, object: &object{}, seen: map[string]bool{}}
	if o, ok := n.value.(*object); ok {
		f.object = o
	} else if n.set() {
		n.r.fail(n.path, "an object is expected here")
	}
	return f
}

// get returns the field of that lowerCamelCase name, also by its snake_case name.
func (f *fields) get(name string) node {
	f.known = append(f.known, name)
	found := node{r: f.r, path: join(f.path, name)}
	for _, spelling := range []string{name, snakeCase(name)} {
		v, ok := f.object.values[spelling]
		if !ok || f.seen[spelling] {
			continue
		}
		f.seen[spelling] = true
		if found.set() && v != nil {
			f.r.fail(found.path, "the field is given twice")
		}
		if v != nil {
			found.value = v
		}
	}
	return found
}

func (f *fields) done() {
	for _, name := range f.object.names {
		if f.seen[name] {
			continue
		}
		if f.r.err == nil {
			wrong := &report.InvalidError{Field: join(f.path, name), Message: "there is no such field"}
			if near := catalog.Nearest(name, f.known); near != "" {
				wrong.Hint = "did you mean " + near + "?"
			}
			f.r.err = wrong
		}
		return
	}
}

// unsupported fails if a field that GA4 has and this server does not is set.
func (f *fields) unsupported(names ...string) {
	for _, name := range names {
		if n := f.get(name); n.set() {
			f.r.fail(n.path, "this server does not support %s", name)
		}
	}
}

func snakeCase(camel string) string {
	var b strings.Builder
	for _, r := range camel {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

func (n node) text() string {
	if !n.set() {
		return ""
	}
	s, ok := n.value.(string)
	if !ok {
		n.r.fail(n.path, "a string is expected here")
	}
	return s
}

func (n node) texts() []string {
	var all []string
	n.list(func(item node) { all = append(all, item.text()) })
	return all
}

func (n node) boolean() bool {
	if !n.set() {
		return false
	}
	b, ok := n.value.(bool)
	if !ok {
		n.r.fail(n.path, "true or false is expected here")
	}
	return b
}

// whole reads a whole number within [least, most].
func (n node) whole(least, most int64) int64 {
	if !n.set() {
		return 0
	}
	text := ""
	switch v := n.value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	i, err := strconv.ParseInt(text, 10, 64)
	if err != nil { // 1e3 and 5.0 are whole numbers too
		x, floatErr := strconv.ParseFloat(text, 64)
		if floatErr != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			n.r.fail(n.path, "a whole number is expected here")
			return 0
		}
		i = int64(x)
	}
	if i < least || i > most {
		n.r.fail(n.path, "it lies between %d and %d", least, most)
		return 0
	}
	return i
}

func (n node) float() float64 {
	text := ""
	switch v := n.value.(type) {
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		n.r.fail(n.path, "a finite number is expected here")
		return 0
	}
	return x
}

// list calls fn for each element of an array.
func (n node) list(fn func(item node)) {
	if !n.set() {
		return
	}
	list, ok := n.value.([]any)
	if !ok {
		n.r.fail(n.path, "an array is expected here")
		return
	}
	for i, v := range list {
		at := node{r: n.r, path: fmt.Sprintf("%s[%d]", n.path, i), value: v}
		if v == nil {
			n.r.fail(at.path, "null cannot be an element")
			return
		}
		fn(at)
	}
}

// enum reads a name or number; names[i] is number i, names[0] is unset, and an
// empty name is a number that is not in use.
func (n node) enum(names ...string) int {
	switch v := n.value.(type) {
	case nil:
		return 0
	case string:
		for i, name := range names {
			if v == name && name != "" {
				return i
			}
		}
	case json.Number:
		if i, err := strconv.Atoi(v.String()); err == nil && i >= 0 && i < len(names) && names[i] != "" {
			return i
		}
	}
	used := slices.DeleteFunc(slices.Clone(names[1:]), func(name string) bool { return name == "" })
	n.r.fail(n.path, "one of %s is expected here", strings.Join(used, ", "))
	return 0
}
