// freshness: how far reports have come, how late events are, and how far the
// estimate of completeness can be trusted (S27).
package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

type freshnessCmd struct {
	server
	output
}

// freshnessAnswer is what the ledger API says of time.
type freshnessAnswer struct {
	ProcessedThrough string `json:"processedThrough"`
	FinalThrough     string `json:"finalThrough"`
	CompleteThrough  string `json:"completeThrough"`
	Lag              int64  `json:"lag"`
	Pending          int64  `json:"pending"`
	Stored           int64  `json:"stored"`
	Duplicate        int64  `json:"duplicate"`
	TooLate          int64  `json:"tooLate"`
	Late             int64  `json:"late"`
	Clamped          int64  `json:"clamped"`
	Lateness         []struct {
		UnderSeconds int64 `json:"underSeconds"`
		Events       int64 `json:"events"`
	} `json:"lateness"`
	Completeness struct {
		Claimed      float64 `json:"claimed"`
		Contradicted int64   `json:"contradicted"`
		Of           int64   `json:"of"`
	} `json:"completeness"`
	TooLateEvents []struct {
		Name        string `json:"name"`
		Page        string `json:"page"`
		EventTime   string `json:"eventTime"`
		LateSeconds int64  `json:"lateSeconds"`
	} `json:"tooLateEvents"`
}

func (c *freshnessCmd) Run(ctx context.Context, env *Env) error {
	cl, err := c.client(ctx)
	if err != nil {
		return err
	}
	text, err := cl.ask(ctx, http.MethodGet, cl.path("/v1/properties/", "/ledger"), nil)
	if err != nil {
		return err
	}
	var f freshnessAnswer
	if err := json.Unmarshal(text, &f); err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	if c.JSON {
		out, err := json.MarshalIndent(f, "", "  ")
		if err != nil {
			return fmt.Errorf("write freshness: %w", err)
		}
		_, err = fmt.Fprintln(env.Stdout, string(out))
		return err
	}
	return drawFreshnessOf(env.Stdout, terminalOf(env.Stdout), f, time.Now())
}

// drawFreshnessOf shows the times, then the histogram, then how good the estimate
// was.
func drawFreshnessOf(w io.Writer, t terminal, f freshnessAnswer, now time.Time) error {
	for _, line := range []struct{ name, at, means string }{
		{"processed through", f.ProcessedThrough, "accepted before it: in every report"},
		{"complete through", f.CompleteThrough, "estimate: nearly all that happened before it is in"},
		{"final through", f.FinalThrough, "happened before it: can change no more"},
	} {
		fmt.Fprintln(w, pad(line.name, 17, false)+gap+pad(line.at, 24, false)+gap+
			pad(behind(line.at, now), 10, true)+gap+t.dim(line.means))
	}
	fmt.Fprintf(w, "\n%d records behind, %d events of this property pending\n", f.Lag, f.Pending)
	fmt.Fprintln(w, "\n"+t.bold("How late the stored events came"))
	drawLateness(w, t, f)
	fmt.Fprintf(w, "\n%d late by more than a minute, %d too late to count, %d copies, %d from a clock ahead\n",
		f.Late, f.TooLate, f.Duplicate, f.Clamped)
	_, err := fmt.Fprintln(w, calibration(f))
	drawTooLate(w, t, f)
	return err
}

// drawTooLate lists the latest events that came too late.
func drawTooLate(w io.Writer, t terminal, f freshnessAnswer) {
	if len(f.TooLateEvents) == 0 {
		return
	}
	fmt.Fprintln(w, "\n"+t.bold("Latest that came too late to count, since the server started"))
	for _, e := range f.TooLateEvents {
		fmt.Fprintln(w, gap+safe(e.EventTime)+gap+pad(spell(time.Duration(e.LateSeconds)*time.Second)+" late", 13, true)+gap+
			pad(safe(e.Name), 20, false)+gap+t.dim(safe(e.Page)))
	}
}

// behind says how long before now a time lies.
func behind(at string, now time.Time) string {
	when, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return ""
	}
	d := max(now.Sub(when), 0)
	if d < time.Minute {
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s ago"
	}
	return spell(d) + " ago"
}

// spell writes a duration in its largest unit.
func spell(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d <= 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// longestBar is the longest bar.
const longestBar = 40

func drawLateness(w io.Writer, t terminal, f freshnessAnswer) {
	most := int64(1)
	for _, b := range f.Lateness {
		most = max(most, b.Events)
	}
	for i, b := range f.Lateness {
		name := "under " + spell(time.Duration(b.UnderSeconds)*time.Second)
		if i == len(f.Lateness)-1 {
			name = "up to " + spell(time.Duration(b.UnderSeconds)*time.Second)
		}
		n := int((b.Events*longestBar + most - 1) / most)
		fmt.Fprintln(w, gap+pad(name, 12, false)+gap+pad(strconv.FormatInt(b.Events, 10), 12, true)+gap+
			t.blue(strings.Repeat("\u2588", n)))
	}
}

// calibration says in words how often the estimate was wrong.
func calibration(f freshnessAnswer) string {
	c := f.Completeness
	if c.Of == 0 {
		return "No event has put the estimate of completeness to the test yet."
	}
	return fmt.Sprintf("completeThrough claims %.0f %% of events; %d of %d came after it (%.2f %%).",
		100*c.Claimed, c.Contradicted, c.Of, 100*float64(c.Contradicted)/float64(c.Of))
}
