// Drawing a replay: its progress, and the difference it makes.
package cli

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"tidemark/internal/replay"
)

// progressBar is one line of a terminal, drawn over itself; a file gets none.
type progressBar struct {
	w     io.Writer
	t     terminal
	shown bool
}

func (b *progressBar) show(stage string, share float64) {
	if !b.t.is {
		return
	}
	b.shown = true
	full := int(math.Round(min(max(share, 0), 1) * barCells))
	fmt.Fprintf(b.w, "\r\x1b[K%s %s%s %3.0f %%", pad(safe(stage), 10, false), b.t.blue(strings.Repeat("\u2588", full)),
		b.t.dim(strings.Repeat("\u2591", barCells-full)), 100*share)
}

func (b *progressBar) clear() {
	if b.shown {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

func drawReplay(w io.Writer, t terminal, r *ReplayResult) error {
	fmt.Fprintln(w, t.bold(fmt.Sprintf("Property %s, %s to %s: %d events folded again", safe(r.Property), r.From, r.To, r.Derived+r.Kept)))
	if r.Kept > 0 {
		fmt.Fprintln(w, t.dim(fmt.Sprintf("Of %d the log no longer holds the record: their device, browser, bot verdict and own source are as they were.", r.Kept)))
	}
	if len(r.Difference.Days)+len(r.Difference.Groups) == 0 {
		fmt.Fprintln(w, "\nNo number differs.")
	}
	drawChanges(w, t, r.Difference.Days, "date")
	drawChanges(w, t, r.Difference.Groups, "")
	end := "Nothing was changed. With --apply these numbers take the place of the old ones."
	if r.Applied {
		end = "The replayed days are in place. Days that are not final yet keep the definition under which their events came until they are replayed, too."
	}
	_, err := fmt.Fprintln(w, "\n"+end)
	return err
}

// drawChanges draws one table; its first column is headed by the dimension, or names it
// in each row.
func drawChanges(w io.Writer, t terminal, changes []replay.Change, dimension string) {
	if len(changes) == 0 {
		return
	}
	cols := []column{{head: dimension}, {head: "metric"}, {head: "before", right: true}, {head: "after", right: true},
		{head: "difference", right: true}}
	if dimension == "" {
		cols[0].head, cols[1].head, cols[2].head, cols[3].head = "dimension", "value", "sessions before", "after"
	}
	for _, c := range changes {
		first, second := dimensionText(c.Dimension, c.Value), c.Metric
		if dimension == "" {
			first, second = c.Dimension, c.Value
		}
		for i, text := range []string{safe(first), safe(second), numberText(c.Before), numberText(c.After), signedText(c.After - c.Before)} {
			cols[i].cells = append(cols[i].cells, text)
		}
	}
	fmt.Fprintln(w)
	drawTable(w, t, cols)
}

func numberText(x float64) string { return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64) }

func signedText(x float64) string {
	if x > 0 {
		return "+" + numberText(x)
	}
	return numberText(x)
}
