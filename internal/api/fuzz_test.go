// Request decoding meets the network: it never panics and never fails with
// anything but an error that can be answered.
package api

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"tidemark/internal/property"
	"tidemark/internal/report"
)

func FuzzReportRequests(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"dimensions":[{"name":"date"}],"metrics":[{"name":"sessions"}],"limit":"10"}`,
		`{"dimensionFilter":{"andGroup":{"expressions":[{"filter":{"fieldName":"city","stringFilter":{"value":"x"}}}]}}}`,
		`{"metricFilter":{"notExpression":{"filter":{"fieldName":"a","betweenFilter":{"fromValue":{"int64Value":"1"},"toValue":{"doubleValue":2}}}}}}`,
		`{"dateRanges":[{"startDate":"7daysAgo","endDate":"today"}],"orderBys":[{"metric":{"metricName":"x"},"desc":true}]}`,
		`{"requests":[{},{}]}`, `{"minuteRanges":[{"startMinutesAgo":5}]}`, `[[[[`, `{"a":1e400}`, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	about := asking{property: property.Property{ID: 1, TimeZone: "UTC", Currency: "EUR"},
		now: time.Unix(1_800_000_000, 0), location: time.UTC}
	f.Fuzz(func(t *testing.T, text []byte) {
		value, err := parseJSON(text)
		if err != nil {
			var invalid *report.InvalidError
			if !errors.As(err, &invalid) {
				t.Fatalf("error is %v, want an InvalidError", err)
			}
			return
		}
		for _, read := range []func(node){
			func(n node) { about.readRunReport(n) }, func(n node) { about.readRealtime(n) }, func(n node) { about.readBatch(n) },
		} {
			r := &reader{}
			read(node{r: r, value: value})
			if answer := answerOf(r.err); r.err != nil && answer.code != 400 {
				t.Fatalf("%v is answered %d", r.err, answer.code)
			}
			if r.err != nil && len(r.err.Error()) > 4096 {
				t.Fatalf("an error of %d bytes", len(r.err.Error()))
			}
		}
	})
}

func TestD8DeepAndWideJSONIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"arrays":  strings.Repeat("[", 100_000),
		"objects": strings.Repeat(`{"a":`, 100_000),
		"filters": `{"dimensionFilter":` + strings.Repeat(`{"notExpression":`, report.MaxFilterDepth+1) + "{}" +
			strings.Repeat("}", report.MaxFilterDepth+2),
	} {
		value, err := parseJSON([]byte(text))
		if err == nil {
			r := &reader{}
			asking{location: time.UTC}.readRunReport(node{r: r, value: value})
			err = r.err
		}
		var invalid *report.InvalidError
		if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "deep") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}

func TestWholeNumbersAreReadInEveryWayProto3Allows(t *testing.T) {
	for text, want := range map[string]int64{`10`: 10, `"10"`: 10, `1e3`: 1000, `"5.0"`: 5, `null`: 0, `-0`: 0,
		`1.5`: -1, `"x"`: -1, `true`: -1, `99999999999999999999`: -1, `[]`: -1} {
		value, err := parseJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		r := &reader{}
		got := node{r: r, value: value}.whole(0, 1<<40)
		if (r.err != nil) != (want < 0) || r.err == nil && got != want {
			t.Errorf("%s reads as %d, %v", text, got, r.err)
		}
	}
}

func TestSnakeCaseIsTheOriginalName(t *testing.T) {
	for camel, want := range map[string]string{"name": "name", "inListFilter": "in_list_filter", "desc": "desc"} {
		if got := snakeCase(camel); got != want {
			t.Errorf("%s is %s, want %s", camel, got, want)
		}
	}
	// The one name with a digit keeps it where it is.
	o := &object{names: []string{"int64_value"}, values: map[string]any{"int64_value": json.Number("7")}}
	r := &reader{}
	if got := readNumber(node{r: r, value: o}); got != 7 || r.err != nil {
		t.Errorf("int64_value reads as %v, %v", got, r.err)
	}
}
