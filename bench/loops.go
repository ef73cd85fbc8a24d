// Loops: the Go benchmarks of the parts that every event goes through, alone on
// one core.
package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// loop is one Go benchmark that reports a number of its own.
type loop struct {
	what, pkg, benchmark, unit, target string
}

func loops() []loop {
	return []loop{
		{"fold, events/s", "./internal/fold", "BenchmarkFold$", "events/s", ">= 300,000/s (400,000)"},
		{"append to the store, rows/s", "./internal/store/duckstore", "BenchmarkAppend$", "rows/s", ""},
	}
}

func measureLoops(ctx context.Context, b *bench) error {
	for _, l := range loops() {
		b.progress.say(l.what)
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", l.benchmark, "-cpu", "1",
			"-count", strconv.Itoa(b.rounds), l.pkg)
		cmd.Dir = b.root
		out, err := cmd.CombinedOutput()
		if err != nil {
			return fmt.Errorf("run %s: %w\n%s", l.benchmark, err, out)
		}
		var rates []float64
		for line := range strings.Lines(string(out)) {
			fields := strings.Fields(line)
			for i := 1; i < len(fields); i++ {
				if x, err := strconv.ParseFloat(fields[i-1], 64); err == nil && fields[i] == l.unit {
					rates = append(rates, x)
				}
			}
		}
		if len(rates) == 0 {
			return fmt.Errorf("%s reports no %s:\n%s", l.benchmark, l.unit, out)
		}
		b.add(l.what, count(median(rates)), "", l.target)
	}
	return nil
}
