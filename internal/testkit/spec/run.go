// Run: plays .spec files on an engine.
package spec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/report"
)

// Engine is what a .spec file speaks to: anything that turns records into answers.
type Engine interface {
	// Load appends records to the log in the order given and returns when
	// they are folded and visible. An Event goes to the partition of its
	// client; a Definition and a Tick go to every partition. The ledger must
	// count every Event as received and accepted.
	Load(ctx context.Context, records []*event.Record) error
	Answer(ctx context.Context, q *report.Query) (*report.Result, error)
	Ledger(ctx context.Context, id event.PropertyID) (report.Ledger, error)
	Close() error
}

// Settler is an Engine that has something to do, once time has passed, to make
// days final. Run calls it after Ticks.
type Settler interface {
	Settle(ctx context.Context) error
}

// Options vary how files are played; the answers must stay the same.
type Options struct {
	// Shuffle, if not 0, is the seed of another legal order of arrival (D3).
	Shuffle uint64
	// Final asks all last reports again when every day is final (S28).
	Final bool
	// Rewrite replaces expected lines by what is answered. Read the diff.
	Rewrite bool
}

// Run plays every case of every *.spec file in dir on a fresh engine.
func Run(t *testing.T, dir string, open func(t testing.TB) Engine, opt Options) {
	t.Helper()
	files, err := ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(filepath.Base(f.Path), ".spec")
		t.Run(name, func(t *testing.T) { f.run(t, open, opt) })
	}
}

// ReadDir reads every *.spec file of a directory.
func ReadDir(dir string) ([]*File, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.spec"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("find specs in %s: %w", dir, os.ErrNotExist)
	}
	var files []*File
	for _, p := range paths {
		f, err := ReadFile(p)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

func (f *File) run(t *testing.T, open func(t testing.TB) Engine, opt Options) {
	answers := map[*Command][]string{}
	for _, c := range f.Cases {
		if opt.Shuffle != 0 && !c.canShuffle() {
			continue
		}
		t.Run(c.Title, func(t *testing.T) {
			e := open(t)
			defer func() {
				if err := e.Close(); err != nil {
					t.Errorf("close engine: %v", err)
				}
			}()
			p := &player{t: t, file: f, engine: e, opt: opt, answers: answers,
				properties: map[event.PropertyID]property.Property{}}
			p.play(c)
		})
	}
	if opt.Rewrite {
		if err := f.rewrite(answers); err != nil {
			t.Fatal(err)
		}
	}
}

// canShuffle: the case is not about arrival, and all its events come together.
func (c *Case) canShuffle() bool {
	loads := map[string]int{}
	for _, cmd := range c.Commands {
		loads[cmd.Name]++
	}
	return !c.Fixed && loads["age"] == 0 && loads["load"] == 1
}

// player plays one case.
type player struct {
	t       *testing.T
	file    *File
	engine  Engine
	opt     Options
	answers map[*Command][]string

	properties map[event.PropertyID]property.Property
	current    event.PropertyID
	lines      int
	ingest     event.Time // the latest so far
	asked      []asked    // since the data last changed
}

// asked is a question that was answered, to be asked again.
type asked struct {
	command  *Command
	property property.Property
}

func (p *player) play(c *Case) {
	for _, cmd := range c.Commands {
		if cmd.Name != "property" && len(p.properties) == 0 {
			p.must(cmd, p.define(&Command{Name: "property"}))
		}
		p.must(cmd, p.do(cmd))
	}
	if !p.opt.Final || len(p.asked) == 0 {
		return
	}
	again := p.asked
	last := again[len(again)-1].command
	p.must(last, p.age("10d"))
	for _, a := range again {
		p.current = a.property.ID
		p.must(a.command, p.do(a.command))
	}
}

func (p *player) must(c *Command, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s:%d: %s: %v", p.file.Path, c.Line, c.Name, err)
	}
}

func (p *player) do(c *Command) error {
	switch c.Name {
	case "property":
		return p.define(c)
	case "load":
		return p.load(c)
	case "age":
		if len(c.Args) != 1 {
			return fmt.Errorf("want a duration")
		}
		return p.age(c.Args[0].key)
	case "report", "realtime":
		return p.report(c)
	case "ledger":
		return p.ledger(c)
	}
	return fmt.Errorf("unknown command")
}

// define makes, changes or goes back to a property.
func (p *player) define(c *Command) error {
	id, err := event.ParsePropertyID(c.text("id", "1"))
	if err != nil {
		return err
	}
	p.current = id
	old, known := p.properties[id]
	if known && (len(c.Args) == 0 || len(c.Args) == 1 && c.Args[0].key == "id") {
		return nil
	}
	timeout, err := time.ParseDuration(c.text("timeout", "30m"))
	if err != nil {
		return err
	}
	_, observed := c.get("observed")
	now := property.Property{
		ID: id, Name: "spec", TimeZone: c.text("zone", "UTC"), Currency: c.text("currency", "USD"),
		SessionTimeout: timeout, KeyEvents: list(c.text("key_events", "")), ObservedUsers: observed,
		IgnoredReferrers: list(c.text("ignore", "")), ChannelRules: c.text("rules", "ga4@2026"),
		Version: old.Version + 1,
	}
	p.properties[id] = now
	p.asked = nil
	return p.engine.Load(p.t.Context(), []*event.Record{DefinitionRecord(now, p.ingest)})
}

// DefinitionRecord is what a collector logs before the first event of p.
func DefinitionRecord(p property.Property, ingest event.Time) *event.Record {
	return p.Definition(ingest)
}

func (p *player) load(c *Command) error {
	now := p.properties[p.current]
	loc, err := time.LoadLocation(now.TimeZone)
	if err != nil {
		return err
	}
	l := loader{property: p.current, currency: now.Currency, location: loc, count: &p.lines}
	var arrivals []*event.Event
	for _, text := range c.Input {
		more, err := l.line(text)
		if err != nil {
			return err
		}
		arrivals = append(arrivals, more...)
	}
	ByArrival(arrivals)
	if p.opt.Shuffle != 0 {
		random := rand.New(rand.NewPCG(p.opt.Shuffle, uint64(c.Line)))
		arrivals = permute(arrivals, func(most int64) int64 { return random.Int64N(most + 1) })
	}
	for _, e := range arrivals {
		p.ingest = max(p.ingest, event.Time(e.IngestTime))
	}
	p.asked = nil
	return p.engine.Load(p.t.Context(), Records(arrivals))
}

// age lets time pass.
func (p *player) age(text string) error {
	d, err := span(text)
	if err != nil {
		return err
	}
	p.ingest = p.ingest.Add(d)
	p.asked = nil
	tick := &event.Record{Kind: &event.Record_Tick{Tick: &event.Tick{IngestTime: int64(p.ingest)}}}
	if err := p.engine.Load(p.t.Context(), []*event.Record{tick}); err != nil {
		return err
	}
	if s, ok := p.engine.(Settler); ok {
		return s.Settle(p.t.Context())
	}
	return nil
}

func (p *player) report(c *Command) error {
	now := p.properties[p.current]
	q, err := question(c, now)
	if err != nil {
		return err
	}
	result, err := p.engine.Answer(p.t.Context(), q)
	if err != nil {
		return p.expectError(c, err)
	}
	_, limited := c.get("limit")
	_, moved := c.get("offset")
	p.expect(c, Lines(result, limited || moved))
	p.asked = append(p.asked, asked{c, now})
	return nil
}

func (p *player) ledger(c *Command) error {
	l, err := p.engine.Ledger(p.t.Context(), p.current)
	if err != nil {
		return err
	}
	if len(c.Args) == 0 {
		return fmt.Errorf("want the names of parts")
	}
	lines, err := ledgerLines(l, list(c.Args[0].key))
	if err != nil {
		return err
	}
	p.expect(c, lines)
	p.asked = append(p.asked, asked{c, p.properties[p.current]})
	return nil
}

func (p *player) expect(c *Command, got []string) {
	p.answers[c] = got
	if diff := cmp.Diff(c.Expected, got); diff != "" && !p.opt.Rewrite {
		p.t.Errorf("%s:%d: wrong answer (- want, + got):\n%s", p.file.Path, c.Line, diff)
	}
}

// expectError: the answer must be an error that says the words behind "error".
func (p *player) expectError(c *Command, err error) error {
	if len(c.Expected) == 1 {
		words, ok := strings.CutPrefix(c.Expected[0], "error")
		if ok && strings.Contains(err.Error(), strings.TrimSpace(words)) {
			return nil
		}
	}
	return err
}
