// Package spec is the language of the report specification in test/spec: load
// events, ask for a report, compare with rows that a person worked out by hand.
// The same files run on every engine that answers reports, so that they agree
// with the rules and with each other.
//
// A file is a list of cases. Each starts from nothing:
//
//	case a pause equal to the timeout opens a new session [S12]
//	property zone=Europe/Berlin timeout=30m
//
//	load
//	2026-03-02 10:00 ann page_view /home
//	10:30            ann page_view /pricing
//
//	report dims=date metrics=sessions range=2026-03-02
//	----
//	20260302 | 2
//
// Lines that start with # are comments. A command and what belongs to it ends at
// an empty line. Behind the title stand, in brackets, the rules (S12) and promises
// (D3) that the case is about; [S7; fixed] keeps a case out of shuffled runs.
//
// Commands:
//
//	property [id=1] [zone=UTC] [currency=USD] [timeout=30m] [key_events=a,b]
//	    [ignore=host,host] [rules=ga4@2026] [observed]
//	    defines a property, changes it, or goes back to it; id=1 is there from the start
//	load
//	    events of the current property; see load.go for the line
//	age 10d
//	    lets time pass until 10 days after the latest IngestTime
//	report dims=a,b metrics=x,~y range=2026-03-01..2026-03-07 [range=name:DAY..DAY]
//	    [filter="..."] [having="..."] [order=-x,a,b:num,c:ci] [limit=n] [offset=n]
//	    [totals] [min] [max] [count] [empty] [verdicts]
//	    dims may be lower(a), upper(a), concat(a+b); ~y is asked for but not shown
//	realtime now="2026-03-02 10:30" [minutes=29..0] and what report takes
//	ledger accepted,stored,...
//
// The answer has one line per row, dimensions before metrics, then summary rows
// (total, min, max, count), then "also SEK" if revenue leaves money out, then "rows n" if a limit or offset was given. No line
// at all is written "none". "error" and a few words expect an error that says them.
//
// See filter.go for the filter language.
//
// Concurrency: Run runs cases one after the other.
//
// Start reading at run.go, then parse.go and load.go. gen.go makes random
// traffic and random questions for property tests.
package spec
