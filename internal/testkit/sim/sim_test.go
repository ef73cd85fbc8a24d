// Lives that must all end well. TIDEMARK_SIM_SEEDS plays more of them, TIDEMARK_SIM_SEED plays
// one until it fails, a hundred times at most, and prints it.
package sim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"tidemark/internal/testkit/sim"
)

func TestLivesKeepEveryPromise(t *testing.T) {
	playAll(t, 200, 1, func(*testing.T) sim.Options { return sim.Options{} })
}

// With segments in files, and the queries that the product runs on them.
func TestLivesOnDuckDBKeepEveryPromise(t *testing.T) {
	playAll(t, 30, 50, func(t *testing.T) sim.Options {
		return sim.Options{Dir: filepath.Join(t.TempDir(), "segments")}
	})
}

// playAll plays lives 1 to n, or in a soak TIDEMARK_SIM_SEEDS / share of them.
func playAll(t *testing.T, n, share int, options func(*testing.T) sim.Options) {
	if seed, ok := number(t, "TIDEMARK_SIM_SEED"); ok {
		for range 100 {
			trace, err := sim.Run(t.Context(), uint64(seed), options(t))
			if err != nil {
				t.Fatalf("%v\n%s", err, strings.Join(trace, "\n"))
			}
			t.Log(strings.Join(trace, "\n"))
		}
		return
	}
	if more, ok := number(t, "TIDEMARK_SIM_SEEDS"); ok {
		n = max(n, more/share)
	}
	for seed := range n {
		t.Run(fmt.Sprint(seed+1), func(t *testing.T) {
			t.Parallel()
			trace, err := sim.Run(t.Context(), uint64(seed+1), options(t))
			if err != nil {
				t.Errorf("%v\nplay it again with TIDEMARK_SIM_SEED=%d\n%s", err, seed+1, strings.Join(trace, "\n"))
			}
		})
	}
}

func number(t *testing.T, name string) (int, bool) {
	text := os.Getenv(name)
	if text == "" {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n, true
}
