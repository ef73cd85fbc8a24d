// GA4's own protocols against the real server: what its documentation shows is
// sent, and the reports say exactly that.
package e2e

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidemark/internal/testkit/process"
)

const browserAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"

// post sends a body as a browser would and returns the status and the answer.
func post(t testing.TB, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain")
	req.Header.Set("User-Agent", browserAgent)
	return answerTo(t, req)
}

// answerTo returns status and text of the answer, whatever they are.
func answerTo(t testing.TB, req *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestMeasurementProtocolEventsAreReported(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	c := createProperty(t, data)
	s := process.Start(t, binary, "serve", data)
	query := "?measurement_id=" + c.MeasurementID + "&api_secret=" + c.APISecret
	now := time.Now().UnixMicro()
	body := fmt.Sprintf(`{"client_id":"555.1","user_location":{"country_id":"DE","city":"Bremen"},
	  "device":{"category":"mobile","operating_system":"Android","browser":"Chrome"},"timestamp_micros":%d,"events":[
	  {"name":"page_view","params":{"session_id":"77","engagement_time_msec":12000,"page_location":"https://shop.example/tide?utm_source=paper&utm_medium=cpc","page_title":"Tide"}},
	  {"name":"purchase","params":{"session_id":"77","currency":"EUR","value":19.9,"transaction_id":"T1","event_id":"once"}},
	  {"name":"bad name","params":{}}]}`, now)
	for range 2 { // the purchase has a key of its own, the page view has not (S6)
		if status, text := post(t, s.URL+"/mp/collect"+query, body); status != http.StatusNoContent || text != "" {
			t.Fatalf("answer %d %q, want 204 and nothing", status, text)
		}
	}
	if status, _ := post(t, s.URL+"/mp/collect?measurement_id="+c.MeasurementID+"&api_secret=wrong", body); status != http.StatusNoContent {
		t.Errorf("a wrong secret is answered %d, want 204 as at Google", status)
	}
	status, text := post(t, s.URL+"/debug/mp/collect"+query, body)
	if status != http.StatusOK || !strings.Contains(text, "NAME_INVALID") {
		t.Errorf("the debug endpoint says %d %s, want NAME_INVALID", status, text)
	}
	l := waitFolded(t, s.URL, c)
	if l.Stored != 3 || l.Duplicate != 1 || l.Refused["bad_event_name"] != 2 || l.Refused["bad_api_secret"] != 3 || !l.Balanced {
		t.Errorf("ledger is %+v", l)
	}
	r := ask(t, s.URL, c, `{"dimensions":[{"name":"sessionSource"},{"name":"sessionDefaultChannelGroup"},{"name":"country"},{"name":"deviceCategory"},{"name":"landingPage"}],
	  "metrics":[{"name":"sessions"},{"name":"engagedSessions"},{"name":"eventCount"},{"name":"purchaseRevenue"}],`+lastDays+`}`)
	if got := fmt.Sprint(r.Rows); got != "[{[paper Paid Other Germany mobile /tide] [1 1 3 19.9]}]" {
		t.Errorf("report is %s", got)
	}
}

func TestGtagHitsAreReported(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	c := createProperty(t, data)
	s := process.Start(t, binary, "serve", data)
	shared := s.URL + "/g/collect?v=2&tid=" + c.MeasurementID + "&cid=123.456&sid=1700000000&sct=1&_p=99&ul=de&sr=1920x1080" +
		"&dl=https%3A%2F%2Fshop.example%2Fhome&dr=https%3A%2F%2Fwww.google.com%2F&dt=Home"
	for range 2 { // the browser's retry has the same _p and _s (S5)
		if status, text := post(t, shared, "en=page_view&_s=1&_ss=1&_fv=1\r\nen=scroll&_s=2&epn.percent_scrolled=90&_et=4000"); status != http.StatusNoContent || text != "" {
			t.Fatalf("answer %d %q, want 204 and nothing", status, text)
		}
	}
	l := waitFolded(t, s.URL, c)
	if l.Stored != 2 || l.Duplicate != 2 || !l.Balanced {
		t.Errorf("ledger is %+v", l)
	}
	r := ask(t, s.URL, c, `{"dimensions":[{"name":"eventName"}],"metrics":[{"name":"eventCount"},{"name":"newUsers"},{"name":"sessions"}],
	  "orderBys":[{"dimension":{"dimensionName":"eventName"}}],`+lastDays+`}`)
	if got := fmt.Sprint(r.Rows); got != "[{[first_visit] [1 0 1]} {[page_view] [1 1 1]} {[scroll] [1 0 1]} {[session_start] [1 0 1]}]" {
		t.Errorf("events are %s", got)
	}
	r = ask(t, s.URL, c, `{"dimensions":[{"name":"customEvent:percent_scrolled"},{"name":"sessionSourceMedium"},{"name":"newVsReturning"}],
	  "metrics":[{"name":"userEngagementDuration"}],"dimensionFilter":{"filter":{"fieldName":"eventName","stringFilter":{"value":"scroll"}}},`+lastDays+`}`)
	if got := fmt.Sprint(r.Rows); got != "[{[90 google / organic new] [4]}]" {
		t.Errorf("the scroll is %s", got)
	}
}
