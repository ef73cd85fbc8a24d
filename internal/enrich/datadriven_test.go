// The data-driven tests: what is derived from texts, in files that a person
// can read. Every line of input gives one line of output; lines that begin
// with # are for the reader.
//
//	agent [trusted] [screen]   user agents -> category | browser | system | verdict
//	url                        URLs -> host path ?query
//	source [page=URL] [ignored=HOST,HOST] [ignore_referrer]
//	                           referrers -> source / medium / campaign
//	landing [referrer=URL] [source= medium= name=] [direct]
//	                           landing pages -> source / medium / campaign
//	channel rules=NAME         source / medium / campaign -> channel
//
// Run "go test ./internal/enrich -rewrite" to write the outputs anew, and
// read what changed.
package enrich

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/event"
)

func TestDerivedFacts(t *testing.T) {
	d := NewDeriver(DefaultConfig())
	datadriven.Walk(t, "testdata/facts", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, td *datadriven.TestData) string {
			var out strings.Builder
			for _, line := range strings.Split(td.Input, "\n") {
				if line == "" || strings.HasPrefix(line, "#") {
					continue
				}
				if line == `""` {
					line = ""
				}
				fmt.Fprintln(&out, answer(t, d, td, line))
			}
			return out.String()
		})
	})
}

func answer(t *testing.T, d *Deriver, td *datadriven.TestData, line string) string {
	var f Facts
	switch td.Cmd {
	case "agent":
		e := &event.Event{UserAgent: line, Trusted: td.HasArg("trusted")}
		if td.HasArg("screen") {
			e.Screen = "800x600"
		}
		d.Derive(e, nil, &f)
		system := f.OS
		if f.OSMajor != notSet {
			system += " " + f.OSMajor
		}
		verdict := f.Verdict
		if verdict == "" {
			verdict = "clean"
		}
		return strings.Join([]string{f.Category, f.Browser, system, verdict}, " | ")
	case "url":
		d.Derive(&event.Event{Url: line}, nil, &f)
		return strings.TrimSpace(f.Host + " " + f.Path + queryText(f.Query))
	case "source":
		e := &event.Event{Url: "https://www.shop.example/", Referrer: line}
		def := &event.Definition{IgnoredReferrers: strings.Split(argument(td, "ignored"), ",")}
		if page := argument(td, "page"); page != "" {
			e.Url = page
		}
		e.IgnoreReferrer = td.HasArg("ignore_referrer")
		d.Derive(e, def, &f)
		return sourceText(&f)
	case "landing":
		e := &event.Event{Url: line, Referrer: argument(td, "referrer")}
		if c := (&event.Campaign{
			Source: argument(td, "source"), Medium: argument(td, "medium"), Name: argument(td, "name"),
		}); c.Source+c.Medium+c.Name != "" {
			e.Campaign = c
		}
		if td.HasArg("direct") {
			e.Campaign = &event.Campaign{Source: "(direct)", Medium: "(none)"}
		}
		d.Derive(e, nil, &f)
		return sourceText(&f)
	case "channel":
		parts := strings.Split(line, " / ")
		if len(parts) != 3 {
			t.Fatalf("want source / medium / campaign: %q", line)
		}
		return Channel(argument(td, "rules"), parts[0], parts[1], parts[2])
	}
	t.Fatalf("unknown command %q", td.Cmd)
	return ""
}

func argument(td *datadriven.TestData, key string) string {
	for _, a := range td.CmdArgs {
		if a.Key == key {
			return strings.Join(a.Vals, ",")
		}
	}
	return ""
}

func queryText(query string) string {
	if query == "" {
		return ""
	}
	return " ?" + query
}

func sourceText(f *Facts) string {
	if !f.HasSource {
		return "none"
	}
	return f.Source + " / " + f.Medium + " / " + f.Campaign
}
