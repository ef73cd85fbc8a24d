// JSON texts as trees: with bounds, and without silently dropped duplicates.
package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"tidemark/internal/report"
)

// maxJSONDepth is more than any request needs: filters nest four levels of
// JSON each, at most report.MaxFilterDepth deep.
const maxJSONDepth = 8 + 4*report.MaxFilterDepth

// object is a JSON object with its names in order.
type object struct {
	names  []string
	values map[string]any
}

// parseJSON reads one JSON value: nil, bool, json.Number, string, []any or *object.
// An empty text is an empty object.
func parseJSON(text []byte) (any, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return &object{}, nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	v, err := parseValue(d, "", 0)
	if err != nil {
		var wrong *report.InvalidError
		if errors.As(err, &wrong) {
			return nil, err
		}
		return nil, &report.InvalidError{Message: fmt.Sprintf("the request is not valid JSON: %v", err)}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &report.InvalidError{Message: "the request is not valid JSON: something follows its end"}
	}
	return v, nil
}

func parseValue(d *json.Decoder, path string, depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, &report.InvalidError{Message: fmt.Sprintf("the request nests more than %d levels deep", maxJSONDepth)}
	}
	token, err := d.Token()
	if errors.Is(err, io.EOF) {
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return parseObject(d, path, depth)
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := parseValue(d, fmt.Sprintf("%s[%d]", path, len(list)), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	return token, nil
}

func parseObject(d *json.Decoder, path string, depth int) (any, error) {
	o := &object{values: map[string]any{}}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok {
			return nil, errors.New("a name was expected")
		}
		at := join(path, name)
		if _, twice := o.values[name]; twice {
			return nil, &report.InvalidError{Field: at, Message: "the field is given twice"}
		}
		v, err := parseValue(d, at, depth+1)
		if err != nil {
			return nil, err
		}
		o.names = append(o.names, name)
		o.values[name] = v
	}
	_, err := d.Token()
	return o, err
}

func join(path, name string) string {
	const most = 200 // names come from the request
	if path != "" {
		name = path + "." + name
	}
	if len(name) > most {
		name = name[:most] + "..."
	}
	return name
}
