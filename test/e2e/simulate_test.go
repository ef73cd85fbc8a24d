// What simulated traffic was sent, with copies, late and too late events and
// programs among it, is what reports and ledger say.
package e2e

import (
	"bufio"
	"os"
	"path/filepath"
	"testing"

	"tidemark/internal/testkit/process"
	"tidemark/internal/testkit/traffic"
)

func TestSimulatedTrafficIsCountedAsItWasSentD2D6(t *testing.T) {
	dir := t.TempDir()
	data, record := filepath.Join(dir, "data"), filepath.Join(dir, "sent.jsonl")
	c := createProperty(t, data)
	process.Command(t, binary, "simulate", "--data-dir", data, "--in-process", "--events", "60000", "--rate", "1",
		"--seed", "42", "--record", record)
	sent := readRecord(t, record)

	s := process.Start(t, binary, "serve", data)
	l := waitFolded(t, s.URL, c)
	if l.Received != sent.all || l.Stored != sent.distinct || l.TooLate != sent.tooLate ||
		l.Duplicate != sent.all-sent.distinct-sent.tooLate || !l.Balanced {
		t.Errorf("ledger is %+v, sent were %d events, %d distinct, %d too late", l, sent.all, sent.distinct, sent.tooLate)
	}
	r := ask(t, s.URL, c, `{"dimensions":[{"name":"eventName"}],"metrics":[{"name":"eventCount"}],"limit":"1000",`+lastDays+`}`)
	for _, row := range r.Rows {
		name, n := row.Dimensions[0], number(t, row.Metrics[0])
		if name == "session_start" || name == "first_visit" {
			continue // synthetic rows have no event behind them (S15)
		}
		if want := sent.byName[name]; n != want {
			t.Errorf("%d events %s are in the report, %d were sent by people", n, name, want)
		}
		delete(sent.byName, name)
	}
	if len(sent.byName) > 0 {
		t.Errorf("events were sent that are in no report: %v", sent.byName)
	}
}

type sentEvents struct {
	all, distinct, tooLate int
	byName                 map[string]int // distinct, in time, by people
}

func readRecord(t *testing.T, file string) sentEvents {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := sentEvents{byName: map[string]int{}}
	seen := map[string]bool{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		r, err := traffic.ParseRecord(lines.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		out.all++
		key := r.Client + "/" + r.Key
		switch {
		case r.IsTooLate:
			out.tooLate++
			continue
		case seen[key]:
			continue
		}
		seen[key] = true
		out.distinct++
		if !r.IsBot {
			out.byName[r.Name]++
		}
	}
	if lines.Err() != nil || out.all == 0 {
		t.Fatalf("read %s: %v, %d lines", file, lines.Err(), out.all)
	}
	return out
}
