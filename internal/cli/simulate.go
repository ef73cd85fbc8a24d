// simulate: made-up traffic over HTTP, at the pace of the clock or at once.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"tidemark/internal/config"
	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/property/sqlreg"
	"tidemark/internal/simulate"
	"tidemark/internal/testkit/traffic"
)

type simulateCmd struct {
	output
	URL           string        `help:"Address of the server." env:"TIDEMARK_URL" placeholder:"URL"`
	DataDir       string        `help:"Data directory: finds a running server and its properties." env:"TIDEMARK_DATA_DIR" placeholder:"DIR"`
	MeasurementID string        `help:"Stream to send to; without it, all streams of the data directory." placeholder:"G-..."`
	APISecret     string        `name:"api-secret" help:"API secret of the stream; with it, some events go by the Measurement Protocol." placeholder:"SECRET"`
	TimeZone      string        `help:"Time zone of the stream's people." default:"UTC" placeholder:"ZONE"`
	Currency      string        `help:"Currency in which they pay." default:"USD" placeholder:"CODE"`
	Host          string        `help:"Host of the pages." default:"shop.example" placeholder:"HOST"`
	Rate          float64       `help:"Events a second of simulated time." default:"20"`
	Events        int           `help:"Stop after this many; 0 for never." placeholder:"N"`
	Seed          uint64        `help:"The same seed makes the same traffic." default:"1"`
	Past          time.Duration `help:"Begin this long ago: what lies in the past is sent at once." placeholder:"DURATION"`
	Fast          bool          `help:"Send everything at once, dated within the last hours. Needs --events."`
	InProcess     bool          `help:"Append straight to the event log of --data-dir, while no server runs. Needs --events."`
	Connections   int           `help:"Requests under way at once." default:"8"`
	Record        string        `help:"Write each event that was answered to this file, one JSON object a line." placeholder:"FILE"`
}

func (c *simulateCmd) Run(ctx context.Context, env *Env) (err error) {
	cfg, properties, err := c.config(ctx)
	if err != nil {
		return err
	}
	deps := simulate.Deps{Client: &http.Client{
		Timeout:   30 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: c.Connections},
	}}
	if c.Record != "" {
		f, err := os.Create(c.Record)
		if err != nil {
			return fmt.Errorf("write record: %w", err)
		}
		lines := bufio.NewWriter(f)
		deps.Record = lines
		defer func() { err = errors.Join(err, lines.Flush(), f.Close()) }()
	}
	began := time.Now()
	p := newProgress(env.Stderr, c.Events)
	deps.Progress = p.show
	var totals simulate.Totals
	if c.InProcess {
		totals, err = c.append(ctx, env, cfg, properties, deps)
	} else {
		totals, err = simulate.Run(ctx, cfg, deps)
	}
	p.end()
	if err != nil {
		return err
	}
	return c.report(env.Stdout, totals, time.Since(began))
}

// append goes without HTTP.
func (c *simulateCmd) append(ctx context.Context, env *Env, cfg simulate.Config, properties []property.Property,
	deps simulate.Deps) (totals simulate.Totals, err error) {
	server := config.Default()
	server.DataDir = dataDir{c.DataDir}.dir()
	err = env.Programs.WithLog(server, func(log simulate.Log) error {
		totals, err = simulate.Into(ctx, cfg, log, properties, deps)
		return err
	})
	return totals, err
}

func (c *simulateCmd) report(w io.Writer, t simulate.Totals, took time.Duration) error {
	if c.JSON {
		return printJSON(w, struct {
			simulate.Totals
			Seconds float64 `json:"seconds"`
		}{t, took.Seconds()})
	}
	_, err := fmt.Fprintf(w, "%d events sent in %v: %d of programs, %d copies, %d refused, %d tries repeated, %d lost\n",
		t.Sent, took.Round(time.Millisecond), t.Bots, t.Copies, t.Refused, t.Retries, t.Lost)
	return err
}

func (c *simulateCmd) config(ctx context.Context) (cfg simulate.Config, properties []property.Property, err error) {
	if c.Rate <= 0 || c.Events < 0 || c.Connections < 1 || c.Past < 0 {
		return cfg, nil, usagef("--rate and --connections must be more than 0, --events and --past not less")
	}
	if c.InProcess && (c.URL != "" || c.MeasurementID != "" || c.Events == 0) {
		return cfg, nil, usagef("--in-process goes with --data-dir and --events, without --url and --measurement-id")
	}
	url := ""
	if !c.InProcess {
		if url, err = (server{URL: c.URL, DataDir: c.DataDir}).address(); err != nil {
			return cfg, nil, err
		}
	}
	t := traffic.DefaultConfig()
	t.Seed, t.Rate, t.Events, t.IsFlat = c.Seed, c.Rate, c.Events, true
	if t.Properties, properties, err = c.receivers(ctx); err != nil {
		return cfg, nil, err
	}
	if c.APISecret == "" && !c.InProcess {
		t.Mix.MeasurementProt = 0
	}
	past := c.Past
	if c.Fast {
		if past, err = simulate.FastPast(c.Events, c.Rate); err != nil {
			return cfg, nil, usageError{err}
		}
	} else if c.InProcess && past == 0 { // so that it ends about now
		past = time.Duration(float64(c.Events) / c.Rate * float64(time.Second))
	}
	return simulate.Config{
		URL: url, Traffic: t, Past: past, Connections: c.Connections,
		Secrets: map[string]string{c.MeasurementID: c.APISecret},
	}, properties, nil
}

// receivers are the streams that get traffic: the named one, or all of the
// data directory, the first of which gets half (skew is normal).
func (c *simulateCmd) receivers(ctx context.Context) (out []traffic.Property, ps []property.Property, err error) {
	if c.MeasurementID != "" {
		return []traffic.Property{{
			ID: 1, MeasurementID: c.MeasurementID, Zone: c.TimeZone, Currency: c.Currency, Host: c.Host, Weight: 1,
		}}, nil, nil
	}
	if c.URL != "" {
		return nil, nil, usagef("--measurement-id is needed with --url")
	}
	r, err := sqlreg.Open(config.RegistryFile(dataDir{c.DataDir}.dir()))
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	ps, err = r.Properties(ctx)
	if err != nil {
		return nil, nil, err
	}
	weight := 1.0
	for _, p := range ps {
		weight /= 2
		out = append(out, receiver(p, weight, c.Host))
	}
	if len(out) == 0 {
		return nil, nil, errors.New("there is no property to send to: make one with tidemark property create")
	}
	return out, ps, nil
}

func receiver(p property.Property, weight float64, host string) traffic.Property {
	t := traffic.Property{ID: event.PropertyID(p.ID), Zone: p.TimeZone, Currency: p.Currency, Host: host, Weight: weight}
	if len(p.Streams) > 0 {
		t.MeasurementID = p.Streams[0].MeasurementID
	}
	return t
}

// progress is a line that redraws itself on a terminal (CL3).
type progress struct {
	w      io.Writer
	is     bool
	of     int
	began  time.Time
	drawn  time.Time
	filled bool
}

func newProgress(w io.Writer, of int) *progress {
	return &progress{w: w, is: terminalOf(w).is, of: of, began: time.Now()}
}

// show draws at most ten times a second.
func (p *progress) show(t simulate.Totals) {
	now := time.Now()
	if !p.is || now.Sub(p.drawn) < 100*time.Millisecond {
		return
	}
	p.drawn, p.filled = now, true
	fmt.Fprint(p.w, "\r\x1b[K"+progressLine(t, p.of, now.Sub(p.began)))
}

func progressLine(t simulate.Totals, of int, took time.Duration) string {
	rate := float64(t.Sent) / max(took.Seconds(), 0.001)
	text := fmt.Sprintf("%d events, %.0f a second", t.Sent, rate)
	if of > 0 {
		done := min(1, float64(t.Sent)/float64(of))
		text = pad(bar(done), barCells, false) + fmt.Sprintf(" %3.0f %%  ", done*100) + text
	}
	if t.Refused > 0 {
		text += fmt.Sprintf(", %d refused", t.Refused)
	}
	if t.Retries > 0 {
		text += fmt.Sprintf(", %d tries repeated", t.Retries)
	}
	return strings.TrimRight(text, " ")
}

func (p *progress) end() {
	if p.filled {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
