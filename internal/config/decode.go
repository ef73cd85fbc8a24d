// From YAML nodes to Config. A decoder of our own, because an operator should
// read "processor.checkpoint_interval" and "such as 60s" in an error and not
// the name of a Go type.
package config

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder gathers all errors of one file.
type decoder struct {
	env  func(string) (string, bool)
	errs []error
}

func (d *decoder) fail(n *yaml.Node, path, format string, args ...any) {
	if path != "" {
		path += ": "
	}
	d.errs = append(d.errs, fmt.Errorf("line %d: %s%s", n.Line, path, fmt.Sprintf(format, args...)))
}

// value writes what n says into v. An empty value leaves the default.
func (d *decoder) value(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind == yaml.AliasNode {
		d.fail(n, path, "anchors and aliases are not understood here")
		return
	}
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return
	}
	switch {
	case v.Kind() == reflect.Struct:
		d.mapping(n, path, v)
	case v.Kind() == reflect.Slice:
		d.list(n, path, v)
	case n.Kind != yaml.ScalarNode:
		d.fail(n, path, "must be one value")
	default:
		if text, ok := d.expand(n, path); ok {
			if err := set(v, text); err != nil {
				d.fail(n, path, "%v", err)
			}
		}
	}
}

func (d *decoder) mapping(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.fail(n, path, "must be a list of key: value")
		return
	}
	fields := fieldsOf(v.Type())
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		full := strings.TrimPrefix(path+"."+key.Value, ".")
		if first, twice := lines[key.Value]; twice {
			d.fail(key, full, "is given twice, first in line %d", first)
			continue
		}
		lines[key.Value] = key.Line
		index, known := fields[key.Value]
		if !known {
			d.fail(key, full, "unknown key%s", hint(key.Value, fields))
			continue
		}
		d.value(val, full, v.Field(index))
	}
}

func (d *decoder) list(n *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.fail(n, path, "must be a list such as [a, b]")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.value(item, fmt.Sprintf("%s[%d]", path, i), out.Index(i))
	}
	v.Set(out)
}

// fieldsOf returns the index of each key of a struct.
func fieldsOf(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ","); name != "" && name != "-" {
			fields[name] = i
		}
	}
	return fields
}

// hint names the known key that was probably meant.
func hint(got string, fields map[string]int) string {
	best, distance := "", 3
	for name := range fields {
		if n := edits(got, name); n < distance || n == distance && best != "" && name < best {
			best, distance = name, n
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// edits is the Levenshtein distance.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

// set parses text by the kind of v.
func set(v reflect.Value, text string) error {
	switch p := v.Addr().Interface().(type) {
	case *time.Duration:
		t, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 60s", text)
		}
		*p = t
	case *Size:
		size, err := ParseSize(text)
		if err != nil {
			return err
		}
		*p = size
	case *int:
		i, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*p = i
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is not true or false", text)
		}
		*p = b
	case *string:
		*p = text
	case *Secret:
		*p = Secret(text)
	default:
		return errors.New("BUG: no decoder for " + v.Type().String())
	}
	return nil
}

// expand replaces ${NAME} and ${NAME:-default}; $$ is one dollar sign. It
// works on one value after parsing, so an environment cannot add keys.
func (d *decoder) expand(n *yaml.Node, path string) (string, bool) {
	var out strings.Builder
	rest := n.Value
	for {
		before, after, found := strings.Cut(rest, "$")
		out.WriteString(before)
		if !found {
			return out.String(), true
		}
		if strings.HasPrefix(after, "$") {
			out.WriteByte('$')
			rest = after[1:]
			continue
		}
		inner, tail, closed := strings.Cut(after, "}")
		if !closed || !strings.HasPrefix(inner, "{") {
			d.fail(n, path, "a dollar sign is written $$, the environment ${NAME}")
			return "", false
		}
		name, fallback, hasFallback := strings.Cut(inner[1:], ":-")
		value, given := d.env(name)
		switch {
		case given && value != "":
			out.WriteString(value)
		case hasFallback:
			out.WriteString(fallback)
		default:
			d.fail(n, path, "the environment has no %s", name)
			return "", false
		}
		rest = tail
	}
}
