// report: what is asked, and how the answer is drawn.
package cli

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sentRequest runs report and returns what reached the server.
func sentRequest(t *testing.T, args ...string) (path string, body map[string]any) {
	t.Helper()
	b := newBackend(t, 200, `{"kind":"analyticsData#runReport"}`)
	tidemark(t, b.args("report", args...)...).ok(t)
	if err := json.Unmarshal([]byte(b.body), &body); err != nil {
		t.Fatal(err)
	}
	return b.path, body
}

func wantJSON(t *testing.T, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestReportAsksTheDataAPI(t *testing.T) {
	path, body := sentRequest(t, "-d", "pagePath,country", "-m", "sessions,eventCount", "--from", "2026-11-01",
		"--to", "yesterday", "--offset", "5", "-n", "3", "--keep-empty")
	if path != "/v1beta/properties/123:runReport" {
		t.Errorf("asked %s", path)
	}
	wantJSON(t, body, `{
		"dimensions": [{"name": "pagePath"}, {"name": "country"}],
		"metrics": [{"name": "sessions"}, {"name": "eventCount"}],
		"dateRanges": [{"startDate": "2026-11-01", "endDate": "yesterday"}],
		"limit": "3", "offset": "5", "keepEmptyRows": true,
		"metricAggregations": ["TOTAL"],
		"orderBys": [{"metric": {"metricName": "sessions"}, "desc": true}]}`)
}

func TestRealtimeReportHasNoDays(t *testing.T) {
	path, body := sentRequest(t, "--realtime", "-d", "minutesAgo", "-m", "activeUsers", "--no-total")
	if path != "/v1beta/properties/123:runRealtimeReport" {
		t.Errorf("asked %s", path)
	}
	wantJSON(t, body, `{"dimensions": [{"name": "minutesAgo"}], "metrics": [{"name": "activeUsers"}],
		"limit": "25", "orderBys": [{"dimension": {"dimensionName": "minutesAgo"}}]}`)
}

func TestReportOrdersAsTold(t *testing.T) {
	_, body := sentRequest(t, "-d", "date", "-m", "sessions", "-o", "-date,sessions")
	wantJSON(t, body["orderBys"], `[{"dimension": {"dimensionName": "date"}, "desc": true}, {"metric": {"metricName": "sessions"}}]`)
}

func TestFiltersBecomeExpressions(t *testing.T) {
	metrics := []string{"sessions"}
	for text, want := range map[string]struct{ kind, json string }{
		"country==Norway": {"dimensionFilter", `{"filter":{"fieldName":"country","stringFilter":{"matchType":"EXACT","value":"Norway"}}}`},
		"pagePath =^ /a=b": {"dimensionFilter",
			`{"filter":{"fieldName":"pagePath","stringFilter":{"matchType":"BEGINS_WITH","value":"/a=b"}}}`},
		"pageTitle=~a,b>c": {"dimensionFilter",
			`{"filter":{"fieldName":"pageTitle","stringFilter":{"matchType":"PARTIAL_REGEXP","value":"a,b>c"}}}`},
		"city!=": {"dimensionFilter",
			`{"notExpression":{"filter":{"fieldName":"city","stringFilter":{"matchType":"EXACT","value":""}}}}`},
		"sessions>=10": {"metricFilter",
			`{"filter":{"fieldName":"sessions","numericFilter":{"operation":"GREATER_THAN_OR_EQUAL","value":{"int64Value":"10"}}}}`},
		"sessions!=0.5": {"metricFilter",
			`{"notExpression":{"filter":{"fieldName":"sessions","numericFilter":{"operation":"EQUAL","value":{"doubleValue":0.5}}}}}`},
		"city=@a || city=$b": {"dimensionFilter", `{"orGroup":{"expressions":[
			{"filter":{"fieldName":"city","stringFilter":{"matchType":"CONTAINS","value":"a"}}},
			{"filter":{"fieldName":"city","stringFilter":{"matchType":"ENDS_WITH","value":"b"}}}]}}`},
	} {
		kind, expression, err := parseFilter(text, metrics)
		if err != nil || kind != want.kind {
			t.Errorf("%s: got kind %s, %v", text, kind, err)
			continue
		}
		plain, err := json.Marshal(expression)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(plain, &got); err != nil {
			t.Fatal(err)
		}
		wantJSON(t, got, want.json)
	}
	for _, text := range []string{"", "country", "==x", "sessions=@1", "sessions>many", "eventCount>1", "country==x||sessions>1"} {
		if _, _, err := parseFilter(text, metrics); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestSeveralFiltersMustAllHold(t *testing.T) {
	_, body := sentRequest(t, "-m", "sessions", "-f", "a==1,2", "-f", "b==2", "-f", "sessions>3")
	wantJSON(t, body["dimensionFilter"], `{"andGroup":{"expressions":[
		{"filter":{"fieldName":"a","stringFilter":{"matchType":"EXACT","value":"1,2"}}},
		{"filter":{"fieldName":"b","stringFilter":{"matchType":"EXACT","value":"2"}}}]}}`)
	wantJSON(t, body["metricFilter"],
		`{"filter":{"fieldName":"sessions","numericFilter":{"operation":"GREATER_THAN","value":{"int64Value":"3"}}}}`)
}

const sampleReport = `{
	"dimensionHeaders": [{"name": "date"}, {"name": "pageTitle"}],
	"metricHeaders": [{"name": "sessions", "type": "TYPE_INTEGER"}, {"name": "bounceRate", "type": "TYPE_FLOAT"},
		{"name": "averageSessionDuration", "type": "TYPE_SECONDS"}, {"name": "eventValue", "type": "TYPE_FLOAT"}],
	"rows": [
		{"dimensionValues": [{"value": "20261122"}, {"value": "Caf\u00e9 \u6f6e"}],
		 "metricValues": [{"value": "1200"}, {"value": "0.251"}, {"value": "83.4"}, {"value": "9.99"}]},
		{"dimensionValues": [{"value": "20261123"}, {"value": "evil\u001b[2J"}],
		 "metricValues": [{"value": "300"}, {"value": "1"}, {"value": "0"}, {"value": "0"}]}],
	"totals": [{"dimensionValues": [{"value": "RESERVED_TOTAL"}, {"value": "RESERVED_TOTAL"}],
		"metricValues": [{"value": "1500"}, {"value": "0.4"}, {"value": "60"}, {"value": "9.99"}]}],
	"rowCount": 7,
	"metadata": {"timeZone": "Asia/Kolkata", "tidemark": {"processedThrough": "2026-11-23T12:00:00Z",
		"finalThrough": "2026-11-20T12:00:00Z", "exact": true, "late": 2, "refused": {"malformed": 3}}}}`

func drawn(t *testing.T, text string, term terminal) string {
	t.Helper()
	var a answer
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := drawReport(&out, term, a); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReportIsDrawnAsAlignedTable(t *testing.T) {
	full := strings.Repeat("\u2588", 20)
	wantText(t, drawn(t, sampleReport, terminal{width: math.MaxInt32}), ""+
		"date        pageTitle  sessions  bounceRate  averageSessionDuration  eventValue\n"+
		"2026-11-22  Caf\u00e9 \u6f6e        1200      25.1 %                   1m23s        9.99  "+full+"\n"+
		"2026-11-23  evil\u00b7[2J        300     100.0 %                      0s           0  "+full[:15]+"\n"+
		"Total                      1500      40.0 %                    1m0s        9.99\n"+
		"2 of 7 rows\n"+
		"processed through 2026-11-23 17:30:00, final through 2026-11-20 17:30:00, exact, 2 late, 3 refused, Asia/Kolkata\n")
}

func TestCL3_ColoursOnlyWhereAsked(t *testing.T) {
	if text := drawn(t, sampleReport, terminal{width: math.MaxInt32}); strings.Contains(text, "\x1b") {
		t.Errorf("there is an escape in %q", text)
	}
	if text := drawn(t, sampleReport, terminal{width: math.MaxInt32, color: true}); !strings.Contains(text, "\x1b[1mdate") {
		t.Errorf("there is no bold head in %q", text)
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	long := strings.Replace(sampleReport, "evil", strings.Repeat("a long title \u6f6e ", 20), 1)
	for line := range strings.Lines(drawn(t, long, terminal{width: 110})) {
		if n := cells(strings.TrimRight(line, "\n")); n > 110 && !strings.HasPrefix(line, "processed") {
			t.Errorf("a line has %d cells: %s", n, line)
		}
	}
}

func TestEmptyReportSaysSo(t *testing.T) {
	wantText(t, drawn(t, `{"metadata":{"timeZone":"UTC"}}`, terminal{}), "No rows.\nWhat programs send (bots, curl) is in no report; tidemark ledger tells what was received.\nUTC\n")
}

func TestReportJSONIsTheServersAnswer(t *testing.T) {
	b := newBackend(t, 200, "{\"rows\": []}\n")
	wantText(t, tidemark(t, b.args("report", "--json")...).ok(t).out, "{\"rows\": []}\n")
}

func TestTextIsCutAndPaddedByCells(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab\u2026"}, {"\u6f6e\u6f6e", 4, "\u6f6e\u6f6e"}, {"\u6f6e\u6f6e", 3, "\u6f6e\u2026"},
		{"e\u0301x", 2, "e\u0301x"},
	} {
		if got := fit(c.in, c.n); got != c.want {
			t.Errorf("fit(%q, %d): got %q, want %q", c.in, c.n, got, c.want)
		}
	}
	if got := pad("\u6f6e", 4, true); got != "  \u6f6e" {
		t.Errorf("pad: got %q", got)
	}
}

func TestBarsAreExactToAnEighth(t *testing.T) {
	for share, want := range map[float64]string{
		0: "", 1: strings.Repeat("\u2588", 20), 0.5: strings.Repeat("\u2588", 10), 1.0 / 160: "\u258f", 0.0001: "\u258f",
		3.0 / 160: "\u258d",
	} {
		if got := bar(share); got != want {
			t.Errorf("bar(%v): got %q, want %q", share, got, want)
		}
	}
}
