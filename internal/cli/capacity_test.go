// capacity as a person and a machine read it.
package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"tidemark/internal/capacity"
)

func TestCapacityOfABillionADay(t *testing.T) {
	var out, errs bytes.Buffer
	if code := Run(context.Background(), []string{"capacity", "1e9"}, Env{Stdout: &out, Stderr: &errs}); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	for _, want := range []string{"11.6k events/s, 34.7k at the peak", "collector ", "kafka broker ", "clickhouse server ", "Measure yours"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, out.String())
		}
	}
	out.Reset()
	if code := Run(context.Background(), []string{"capacity", "1e9", "--json"}, Env{Stdout: &out, Stderr: &errs}); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var p capacity.Plan
	if err := json.Unmarshal(out.Bytes(), &p); err != nil || len(p.Roles) != 5 {
		t.Errorf("%v: %s", err, out.String())
	}
	for _, args := range [][]string{{"capacity"}, {"capacity", "0"}, {"capacity", "1e9", "--disk", "big"}, {"capacity", "1e9", "--peak", "0"}} {
		if code := Run(context.Background(), args, Env{Stdout: &out, Stderr: &errs}); code != 2 {
			t.Errorf("%v: exit %d", args, code)
		}
	}
}

func TestShortNumbers(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 3: "3", 12.34: "12.3", 999.4: "999", 999.6: "1k", 11574: "11.6k", 5e6: "5M", 35.4e6: "35.4M"} {
		if got := short(n); got != want {
			t.Errorf("short(%v) = %q, want %q", n, got, want)
		}
	}
}
