// Requests and the answers they get, as files. A case reads
//
//	POST /v1beta/properties/100:runReport
//	key-100
//	{"metrics": [{"name": "sessions"}], ...}
//	----
//	200
//	{...}
//
// The second line is the read key, or "-" for none. In answers, metadata of a
// report is left out except in the cases about it ("metadata" after the address).
package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

func TestRequestsAreAnsweredAsWritten(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s := newServer(t)
			key, body, _ := strings.Cut(d.Input, "\n")
			var headers []string
			if key != "-" {
				headers = append(headers, "Authorization: Bearer "+key)
			}
			resp := s.send(t, d.Cmd, d.CmdArgs[0].Key, body, headers...)
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%d\n%s", resp.StatusCode, readable(t, text, d.HasArg("metadata")))
		})
	})
}

// readable indents an answer, one row a line.
func readable(t *testing.T, text []byte, metadata bool) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("the answer is no JSON: %v\n%s", err, text)
	}
	if !metadata {
		dropMetadata(v)
	}
	var b bytes.Buffer
	printJSON(&b, v, "")
	return b.String() + "\n"
}

func dropMetadata(v any) {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "metadata")
		for _, inner := range v {
			dropMetadata(inner)
		}
	case []any:
		for _, inner := range v {
			dropMetadata(inner)
		}
	}
}

// printJSON breaks lines only around what does not fit one.
func printJSON(b *bytes.Buffer, v any, indent string) {
	flat, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	const width = 100
	list, isList := v.([]any)
	m, isMap := v.(map[string]any)
	if len(flat) < width || !isList && !isMap {
		b.Write(flat)
		return
	}
	inner := indent + " "
	if isList {
		b.WriteString("[\n")
		for i, x := range list {
			b.WriteString(inner)
			printJSON(b, x, inner)
			if i < len(list)-1 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
		b.WriteString(indent + "]")
		return
	}
	b.WriteString("{\n")
	names := sortedNames(m)
	for i, name := range names {
		fmt.Fprintf(b, "%s%q: ", inner, name)
		printJSON(b, m[name], inner)
		if i < len(names)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString(indent + "}")
}
