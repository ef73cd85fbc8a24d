// archive: what is archived, whether it is whole, and putting it back.
package cli

import (
	"context"
	"fmt"
	"time"

	"tidemark/internal/archive"
	"tidemark/internal/event"
)

type archiveCmd struct {
	List    archiveListCmd    `cmd:"" help:"List archived days."`
	Verify  archiveVerifyCmd  `cmd:"" help:"Read every archived byte and compare it with its checksum."`
	Restore archiveRestoreCmd `cmd:"" help:"Put archived days back, while no server runs: state and store are made anew from them and the log. In a cluster, into its store, while no processor runs."`
}

// archivePlace is where the archive is.
type archivePlace struct {
	Config   string `help:"Configuration file that names the archive." type:"existingfile" env:"TIDEMARK_CONFIG" placeholder:"FILE"`
	DataDir  string `help:"Data directory." env:"TIDEMARK_DATA_DIR" placeholder:"DIR"`
	Property string `help:"Property id; all if left out." placeholder:"ID"`
	output
}

func (c *archivePlace) open(env *Env) (*archive.Reader, error) {
	cfg, err := choices{Config: c.Config, DataDir: c.DataDir}.load()
	if err != nil {
		return nil, err
	}
	return env.Programs.Archive(cfg)
}

func (c *archivePlace) properties(ctx context.Context, r *archive.Reader) ([]event.PropertyID, error) {
	if c.Property == "" {
		return r.Properties(ctx)
	}
	id, err := event.ParsePropertyID(c.Property)
	if err != nil {
		return nil, usagef("--property: %q is no property id", c.Property)
	}
	return []event.PropertyID{id}, nil
}

// ArchivedDay is what --json prints of one.
type ArchivedDay struct {
	Property string    `json:"property"`
	Day      string    `json:"day"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Zone     string    `json:"zone"`
	Edition  uint64    `json:"edition"`
	Events   int64     `json:"events"`
	Sessions int64     `json:"sessions"`
	Bytes    int64     `json:"bytes"`
	Made     time.Time `json:"made"`
	Gone     string    `json:"gone,omitempty"`
	Partial  bool      `json:"partial,omitempty"`
	Files    []string  `json:"files"`
	Damage   string    `json:"damage,omitempty"`
}

func archivedDay(e *archive.Entry) ArchivedDay {
	d := ArchivedDay{Property: e.Property.String(), Day: e.Day, From: e.From.Std(), To: e.To.Std(), Zone: e.Zone, Edition: e.Edition,
		Events: e.Events(), Sessions: e.Sessions(), Bytes: e.Bytes(), Made: e.Made, Gone: e.Gone,
		Partial: e.Partial, Files: []string{}}
	for _, f := range e.Files {
		d.Files = append(d.Files, f.Key)
	}
	return d
}

type archiveListCmd struct {
	archivePlace
	Days bool `help:"List each day, not only the sums of each property."`
}

func (c *archiveListCmd) Run(ctx context.Context, env *Env) error {
	reader, err := c.open(env)
	if err != nil {
		return err
	}
	ids, err := c.properties(ctx, reader)
	if err != nil {
		return err
	}
	days := []ArchivedDay{}
	for _, id := range ids {
		entries, err := reader.Entries(ctx, id)
		if err != nil {
			return err
		}
		for i := range entries {
			days = append(days, archivedDay(&entries[i]))
		}
	}
	if c.JSON {
		return printJSON(env.Stdout, days)
	}
	if len(days) == 0 {
		_, err := fmt.Fprintln(env.Stdout, "Nothing is archived.")
		return err
	}
	if c.Days || c.Property != "" {
		drawArchivedDays(env.Stdout, terminalOf(env.Stdout), days)
	} else {
		drawArchivedProperties(env.Stdout, terminalOf(env.Stdout), days)
	}
	return nil
}

type archiveVerifyCmd struct{ archivePlace }

// archiveVerdict is what --json prints.
type archiveVerdict struct {
	OK      bool          `json:"ok"`
	Days    int           `json:"days"`
	Bytes   int64         `json:"bytes"`
	Damaged []ArchivedDay `json:"damaged"`
	Gaps    []string      `json:"gaps"`
	Unnamed []string      `json:"unnamed"`
}

func (c *archiveVerifyCmd) Run(ctx context.Context, env *Env) error {
	reader, err := c.open(env)
	if err != nil {
		return err
	}
	ids, err := c.properties(ctx, reader)
	if err != nil {
		return err
	}
	bar := progressBar{w: env.Stderr, t: terminalOf(env.Stderr)}
	v, err := verifyArchive(ctx, reader, ids, bar.show)
	bar.clear()
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(env.Stdout, v)
	} else {
		drawVerdict(env.Stdout, terminalOf(env.Stdout), v)
	}
	if err == nil && !v.OK {
		err = fmt.Errorf("%d archived days are damaged, %d gaps: see docs/operate/archive.md", len(v.Damaged), len(v.Gaps))
	}
	return err
}

func verifyArchive(ctx context.Context, reader *archive.Reader, ids []event.PropertyID, show func(string, float64)) (*archiveVerdict, error) {
	out := &archiveVerdict{Damaged: []ArchivedDay{}, Gaps: []string{}, Unnamed: []string{}}
	var all int64
	for _, id := range ids {
		entries, err := reader.Entries(ctx, id)
		if err != nil {
			return nil, err
		}
		for i := range entries {
			all += entries[i].Bytes()
		}
	}
	for _, id := range ids {
		v, err := reader.Verify(ctx, id, func(n int64) {
			out.Bytes += n
			show("verifying", float64(out.Bytes)/float64(max(all, 1)))
		})
		if err != nil {
			return nil, err
		}
		for i := range v.Entries {
			if len(v.Entries[i].Files) > 0 {
				out.Days++
			}
			if err := v.Damaged[i]; err != nil {
				d := archivedDay(&v.Entries[i])
				d.Damage = err.Error()
				out.Damaged = append(out.Damaged, d)
			}
		}
		for _, g := range v.Gaps {
			out.Gaps = append(out.Gaps, fmt.Sprintf("property %s from %s to %s", id, g.From.Std().Format(time.RFC3339), g.To.Std().Format(time.RFC3339)))
		}
		for _, info := range v.Unnamed {
			out.Unnamed = append(out.Unnamed, info.Key)
		}
	}
	out.OK = len(out.Damaged) == 0 && len(out.Gaps) == 0
	return out, nil
}

// RestoreOrder says what is put back. Days are as 2026-03-01; empty: all there are.
type RestoreOrder struct {
	Property, From, To string
	// Anyway: also where there is no archive. The log alone is folded again then.
	Anyway bool
}

type archiveRestoreCmd struct {
	archivePlace
	From string `help:"First day, such as 2026-03-01; the first there is if left out." placeholder:"DATE"`
	To   string `help:"Last day; the last there is if left out." placeholder:"DATE"`
}

func (c *archiveRestoreCmd) Run(ctx context.Context, env *Env) error {
	for _, day := range []struct{ flag, text string }{{"--from", c.From}, {"--to", c.To}} {
		if _, err := time.Parse(time.DateOnly, day.text); day.text != "" && err != nil {
			return usagef("%s: %q is no day such as 2026-03-01", day.flag, day.text)
		}
	}
	serving, err := choices{Config: c.Config, DataDir: c.DataDir}.serving(env, c.JSON)
	if err != nil {
		return err
	}
	order := RestoreOrder{Property: c.Property, From: c.From, To: c.To}
	if isShared(serving, c.DataDir) {
		return restoreShared(ctx, env, serving, order, c.JSON)
	}
	bar := progressBar{w: env.Stderr, t: terminalOf(env.Stderr)}
	done, err := env.Programs.Restore(ctx, serving, order, bar.show)
	bar.clear()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, done)
	}
	_, err = fmt.Fprintf(env.Stdout, "%d days were restored from the archive, and %d records of the log were folded behind them.\n",
		done.RestoredDays, done.Records)
	return err
}
