// client speaks the public HTTP surface.
package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"testing"
	"time"

	"tidemark/internal/testkit/process"
)

type credentials struct {
	Property, MeasurementID, APISecret, ReadKey string
}

func createProperty(t testing.TB, dir string) credentials {
	t.Helper()
	out := process.Command(t, binary, "property", "create", "--data-dir", dir, "--name", "E2E",
		"--time-zone", "UTC", "--currency", "EUR", "--json")
	var c credentials
	if err := json.Unmarshal(out, &c); err != nil {
		t.Fatalf("decode %s: %v", out, err)
	}
	return c
}

// reportRow is a row of a report as text.
type reportRow struct{ Dimensions, Metrics []string }

type report struct {
	Rows     []reportRow
	RowCount int
	Metadata json.RawMessage
}

// ask runs a report given as the JSON of a RunReportRequest.
func ask(t testing.TB, url string, c credentials, request string) report {
	t.Helper()
	var answer struct {
		Rows []struct {
			DimensionValues, MetricValues []struct{ Value string }
		}
		RowCount int
		Metadata json.RawMessage
	}
	call(t, http.MethodPost, url+"/v1beta/properties/"+c.Property+":runReport", c.ReadKey, request, &answer)
	r := report{RowCount: answer.RowCount, Metadata: answer.Metadata}
	for _, row := range answer.Rows {
		var out reportRow
		for _, v := range row.DimensionValues {
			out.Dimensions = append(out.Dimensions, v.Value)
		}
		for _, v := range row.MetricValues {
			out.Metrics = append(out.Metrics, v.Value)
		}
		r.Rows = append(r.Rows, out)
	}
	return r
}

type ledger struct {
	Received, Accepted, Pending, Stored, Duplicate, TooLate, Erased int
	Refused                                                         map[string]int
	Balanced                                                        bool
}

func askLedger(t testing.TB, url string, c credentials) ledger {
	t.Helper()
	var l ledger
	call(t, http.MethodGet, url+"/v1/properties/"+c.Property+"/ledger", c.ReadKey, "", &l)
	return l
}

// waitFolded asks for the ledger until nothing is pending.
func waitFolded(t testing.TB, url string, c credentials) ledger {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		l := askLedger(t, url, c)
		if l.Pending == 0 {
			return l
		}
		if time.Now().After(deadline) {
			t.Fatalf("events are still pending after a minute: %+v", l)
		}
	}
}

// waitStored asks until n events are stored and nothing is pending: a server that does not collect
// learns a little later what was accepted elsewhere.
func waitStored(t testing.TB, url string, c credentials, n int) ledger {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for {
		l := askLedger(t, url, c)
		if l.Pending == 0 && l.Stored >= n || time.Now().After(deadline) {
			return l
		}
	}
}

func call(t testing.TB, method, url, readKey, body string, into any) {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+readKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s\n%s", method, url, resp.Status, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
}

func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

const lastDays = `"dateRanges":[{"startDate":"6daysAgo","endDate":"today"}]`
