// Drawing an archive: tables of properties and days, and what a check found.
package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"tidemark/internal/config"
)

// drawTable draws columns whose cells are filled in, with a bold head.
func drawTable(w io.Writer, t terminal, cols []column) {
	rows := 0
	for i := range cols {
		cols[i].width, rows = cells(cols[i].head), len(cols[i].cells)
		for _, s := range cols[i].cells {
			cols[i].width = max(cols[i].width, cells(s))
		}
	}
	squeeze(cols, t.width)
	for r := -1; r < rows; r++ {
		line := make([]string, len(cols))
		for i, c := range cols {
			text := c.head
			if r >= 0 {
				text = c.cells[r]
			}
			line[i] = pad(fit(text, c.width), c.width, c.right)
		}
		text := strings.TrimRight(strings.Join(line, gap), " ")
		if r < 0 {
			text = t.bold(text)
		}
		fmt.Fprintln(w, text)
	}
}

func addCells(cols []column, texts ...string) {
	for i, text := range texts {
		cols[i].cells = append(cols[i].cells, safe(text))
	}
}

func sizeText(bytes int64) string {
	switch {
	case bytes >= 10<<30:
		return strconv.FormatInt(bytes>>30, 10) + " GiB"
	case bytes >= 10<<20:
		return strconv.FormatInt(bytes>>20, 10) + " MiB"
	case bytes >= 10<<10:
		return strconv.FormatInt(bytes>>10, 10) + " KiB"
	}
	return config.Size(bytes).String()
}

func drawArchivedProperties(w io.Writer, t terminal, days []ArchivedDay) {
	cols := []column{{head: "PROPERTY"}, {head: "FIRST"}, {head: "LAST"}, {head: "DAYS", right: true}, {head: "EVENTS", right: true},
		{head: "SESSIONS", right: true}, {head: "SIZE", right: true}}
	for len(days) > 0 {
		id, n := days[0].Property, 0
		var sum ArchivedDay
		first, last := "", ""
		for len(days) > 0 && days[0].Property == id {
			if d := days[0]; len(d.Files) > 0 {
				n++
				sum.Events, sum.Sessions, sum.Bytes = sum.Events+d.Events, sum.Sessions+d.Sessions, sum.Bytes+d.Bytes
				if last = d.Day; first == "" {
					first = d.Day
				}
			}
			days = days[1:]
		}
		addCells(cols, id, first, last, strconv.Itoa(n), strconv.FormatInt(sum.Events, 10), strconv.FormatInt(sum.Sessions, 10), sizeText(sum.Bytes))
	}
	drawTable(w, t, cols)
}

func drawArchivedDays(w io.Writer, t terminal, days []ArchivedDay) {
	cols := []column{{head: "PROPERTY"}, {head: "DAY"}, {head: "EDITION", right: true}, {head: "EVENTS", right: true},
		{head: "SESSIONS", right: true}, {head: "SIZE", right: true}, {head: "ARCHIVED"}, {head: "NOTE"}}
	for _, d := range days {
		note := d.Gone
		if d.Partial {
			note = "sessions that reach into later days"
		}
		addCells(cols, d.Property, d.Day, strconv.FormatUint(d.Edition, 10), strconv.FormatInt(d.Events, 10), strconv.FormatInt(d.Sessions, 10),
			sizeText(d.Bytes), d.Made.UTC().Format("2006-01-02 15:04"), note)
	}
	drawTable(w, t, cols)
}

func drawVerdict(w io.Writer, t terminal, v *archiveVerdict) {
	for _, d := range v.Damaged {
		fmt.Fprintf(w, "%s property %s, %s: %s\n", t.red("damaged"), d.Property, d.Day, safe(d.Damage))
	}
	for _, g := range v.Gaps {
		fmt.Fprintf(w, "%s %s\n", t.red("missing"), safe(g))
	}
	for _, key := range v.Unnamed {
		fmt.Fprintf(w, "%s %s\n", t.dim("unnamed"), safe(key))
	}
	if len(v.Unnamed) > 0 {
		fmt.Fprintln(w, t.dim("Unnamed objects are of archivers that ended early, or at work. The next one that starts removes the former."))
	}
	if v.OK {
		fmt.Fprintf(w, "%s %d days, %s: every byte is as it was written.\n", t.blue("ok"), v.Days, sizeText(v.Bytes))
	}
}
