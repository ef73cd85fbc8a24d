// Command bench measures Tidemark: the real binary over real HTTP, as ratios to a
// server that does nothing, in the same run on the same machine. It asserts
// nothing. README.md tells what each line means.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tidemark/internal/testkit/process"
)

// size is how much is done.
type size struct {
	rounds  int           // of each side of an interleaved comparison
	round   time.Duration // length of one
	rated   time.Duration // length of a run at a stated rate
	history []int         // events of the histories that reports are asked of
	asks    int           // how often each report is asked
}

func sizes() map[string]size {
	return map[string]size{
		"tiny":  {rounds: 1, round: time.Second, rated: 3 * time.Second, history: []int{50_000}, asks: 3},
		"small": {rounds: 3, round: 3 * time.Second, rated: 10 * time.Second, history: []int{1_000_000}, asks: 20},
		"full":  {rounds: 5, round: 5 * time.Second, rated: 30 * time.Second, history: []int{1_000_000, 10_000_000}, asks: 40},
	}
}

// bench is one run of the program.
type bench struct {
	size
	sizeName string
	root     string // of the module
	dir      string // scratch
	bin      string // of tidemark
	profiles string // folder for CPU profiles of the server, or ""
	days     int    // over which a history is spread
	keep     bool   // scratch data
	kept     string // data directory of a history of an earlier run, or ""
	// skewCases are those of the skew measure to be run; none: all.
	skewCases []string
	progress  *progress
	results   []result
}

// measure is one group of lines. weight is about how many seconds it takes at
// size small, for the progress bar.
type measure struct {
	name   string
	title  string
	weight int
	run    func(context.Context, *bench) error
}

func measures() []measure {
	return []measure{
		{"single", "Burst, one event a request", 45, measureSingle},
		{"batch", "Burst, batches", 70, measureBatches},
		{"kill", "Kill and catch up", 25, measureKill},
		{"fold", "Inner loops on one core", 40, measureLoops},
		{"visible", "Edge to visible", 50, measureVisible},
		{"reports", "Reports and bytes", 90, measureReports},
		{"skew", "Skew", 240, measureSkew},
		{"cluster", "Cluster", 120, measureCluster},
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == floorCommand {
		fail(serveFloor())
		return
	}
	sizeName := flag.String("size", "small", "how much to measure: tiny, small or full")
	only := flag.String("only", "", "measure only these, separated by commas: "+strings.Join(names(), ", "))
	cases := flag.String("cases", "", "of skew, only these: half, one, crowd, sessions, paths, backlog; hungry goes with paths")
	write := flag.Bool("write", false, "also write the results to bench/RESULTS.md")
	history := flag.Int("history", 0, "events of the history that reports are asked of (default: by size)")
	days := flag.Int("days", 90, "days over which that history is spread; 4 or less are all young")
	keep := flag.Bool("keep", false, "leave the scratch data where it is")
	kept := flag.String("of", "", "ask the reports of this history (DIR/historyN) that -keep has left, and make none")
	profiles := flag.String("profiles", "", "folder for CPU profiles of the server")
	scratch := flag.String("dir", "", "folder for scratch data on the disk to be measured (default: a temporary one)")
	flag.Parse()
	chosen, ok := sizes()[*sizeName]
	if !ok || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if *write && *cases != "" {
		fail(errors.New("-write needs all cases: leave -cases out"))
	}
	if *history > 0 {
		chosen.history = []int{*history}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *profiles != "" {
		fail(os.MkdirAll(*profiles, 0o750))
	}
	b := &bench{size: chosen, sizeName: *sizeName, profiles: *profiles}
	b.keep, b.days, b.kept = *keep, *days, *kept
	if *cases != "" {
		b.skewCases = strings.Split(*cases, ",")
		for _, name := range b.skewCases {
			if !slices.Contains([]string{"half", "one", "crowd", "sessions", "paths", "hungry", "backlog"}, name) {
				fail(fmt.Errorf("-cases: there is no %q", name))
			}
		}
	}
	err := b.run(ctx, *scratch, *only, *write)
	stop()
	fail(err)
}

func names() []string {
	var out []string
	for _, m := range measures() {
		out = append(out, m.name)
	}
	return out
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (b *bench) run(ctx context.Context, scratch, only string, write bool) (err error) {
	chosen, err := choose(only)
	if err != nil {
		return err
	}
	if b.root, err = process.Root(); err != nil {
		return err
	}
	if b.dir, err = os.MkdirTemp(scratch, "tidemark-bench"); err != nil {
		return fmt.Errorf("make scratch folder: %w", err)
	}
	if !b.keep {
		defer os.RemoveAll(b.dir)
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	if b.kept != "" {
		if b.kept, err = filepath.Abs(b.kept); err != nil {
			return err
		}
	}
	b.progress = newProgress(os.Stderr, chosen)
	defer b.progress.end()
	b.progress.say("building tidemark")
	if b.bin, err = process.Build(b.dir); err != nil {
		return err
	}
	facts := machineFacts(b.root)
	for _, m := range chosen {
		b.progress.begin(m)
		began := len(b.results)
		if err := m.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		b.progress.clear()
		printResults(os.Stdout, m.title, b.results[began:])
	}
	b.progress.end()
	if !write {
		return nil
	}
	if only != "" {
		return fmt.Errorf("-write needs all measures of one run: leave -only out")
	}
	return b.writeResults(filepath.Join(b.root, "bench", "RESULTS.md"), facts)
}

func choose(only string) ([]measure, error) {
	all := measures()
	if only == "" {
		return all, nil
	}
	var chosen []measure
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(m measure) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: there is no %q, only %s", name, strings.Join(names(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
