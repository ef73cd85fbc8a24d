// Parsing of scripts: rows, plans and filters in a form that a person can
// check by hand. The language is described in script.go.
package storetest

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/cockroachdb/datadriven"

	"tidemark/internal/event"
	"tidemark/internal/store"
)

// tokens splits a line at spaces that are not within double quotes; texts in
// quotes are Go strings. Characters of alone are tokens of their own.
func tokens(line, alone string) ([]string, error) {
	var out []string
	var cur strings.Builder
	started := false
	flush := func() {
		if started {
			out = append(out, cur.String())
		}
		cur.Reset()
		started = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ':
			flush()
		case strings.IndexByte(alone, c) >= 0:
			flush()
			out = append(out, string(c))
		case c == '"':
			quoted, err := strconv.QuotedPrefix(line[i:])
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", line, err)
			}
			text, err := strconv.Unquote(quoted)
			if err != nil {
				return nil, fmt.Errorf("line %q: %w", line, err)
			}
			cur.WriteString(text)
			started = true
			i += len(quoted) - 1
		default:
			cur.WriteByte(c)
			started = true
		}
	}
	flush()
	return out, nil
}

// parseTime reads 20@10:00 or 20@10:00:05.5, in November 2026, or 10-25@01:00 in
// that year, UTC.
func parseTime(s string) (event.Time, error) {
	day, clock, ok := strings.Cut(s, "@")
	if !ok {
		return 0, fmt.Errorf("time %q: want day@clock", s)
	}
	if !strings.Contains(day, "-") {
		day = "11-" + day
	}
	if strings.Count(clock, ":") == 1 {
		clock += ":00"
	}
	t, err := time.Parse("2006-01-02 15:04:05", "2026-"+day+" "+clock)
	return event.TimeOf(t), err
}

// parseBatch reads lines "event Field=value ...", "session ...", "alias ...".
func parseBatch(input string) (*store.Batch, error) {
	b := &store.Batch{}
	for _, line := range strings.Split(input, "\n") {
		words, err := tokens(line, "")
		if err != nil {
			return nil, err
		}
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "event":
			e := store.EventRow{Property: 1}
			err = setFields(&e, words[1:])
			b.Events = append(b.Events, e)
		case "session":
			s := store.SessionRow{Property: 1, Counted: true, Revision: 1}
			err = setFields(&s, words[1:])
			b.Sessions = append(b.Sessions, s)
		case "alias":
			a := store.AliasRow{Property: 1, Revision: 1}
			err = setFields(&a, words[1:])
			b.Aliases = append(b.Aliases, a)
		default:
			err = fmt.Errorf("there is no row %q", words[0])
		}
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// setFields sets fields of the struct that row points to.
func setFields(row any, words []string) error {
	v := reflect.ValueOf(row).Elem()
	for _, w := range words {
		name, value, hasValue := strings.Cut(w, "=")
		f := v.FieldByName(name)
		if !f.IsValid() {
			return fmt.Errorf("rows have no field %q", name)
		}
		if !hasValue {
			value = "true"
		}
		if err := setField(f, value); err != nil {
			return fmt.Errorf("field %s: %w", name, err)
		}
	}
	return nil
}

func setField(f reflect.Value, value string) error {
	switch {
	case f.Type() == reflect.TypeFor[event.Time]():
		t, err := parseTime(value)
		f.SetInt(int64(t))
		return err
	case f.Kind() == reflect.String:
		f.SetString(value)
	case f.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(value)
		f.SetBool(b)
		return err
	case f.CanUint():
		n, err := strconv.ParseUint(value, 10, 64)
		f.SetUint(n)
		return err
	default:
		n, err := strconv.ParseInt(value, 10, 64)
		f.SetInt(n)
		return err
	}
	return nil
}

// parsePlan reads the arguments and the filter of "run".
func parsePlan(d *datadriven.TestData) (*store.Plan, error) {
	p := &store.Plan{Property: 1}
	p.From, _ = parseTime("01@00:00")
	p.To, _ = parseTime("30@00:00")
	for _, arg := range d.CmdArgs {
		if err := setPlan(p, arg); err != nil {
			return nil, fmt.Errorf("%s: %w", arg.Key, err)
		}
	}
	if strings.TrimSpace(d.Input) == "" {
		return p, nil
	}
	words, err := tokens(strings.ReplaceAll(d.Input, "\n", " "), "()")
	if err != nil {
		return nil, err
	}
	var rest []string
	p.Filter, rest, err = parseFilter(words)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("after the filter: %q", rest)
	}
	return p, err
}

func setPlan(p *store.Plan, arg datadriven.CmdArg) error {
	var err error
	switch arg.Key {
	case "events":
		p.Relation = store.Events
	case "sessions":
		p.Relation = store.Sessions
	case "event_sessions":
		p.Relation = store.EventSessions
	case "property":
		p.Property, err = event.ParsePropertyID(arg.Vals[0])
	case "from":
		p.From, err = parseTime(arg.Vals[0])
	case "to":
		p.To, err = parseTime(arg.Vals[0])
	case "anchor":
		p.Anchor, err = parseTime(arg.Vals[0])
	case "zone":
		p.Zone, err = parseZone(arg.Vals)
	case "by":
		for _, v := range arg.Vals {
			p.Dimensions = append(p.Dimensions, parseDimension(v))
		}
	case "of":
		for _, v := range arg.Vals {
			p.Aggregates = append(p.Aggregates, parseAggregate(v))
		}
	case "observed":
		p.ObservedUsers = true
	case "all_verdicts":
		p.AllVerdicts = true
	case "max":
		p.MaxRows, err = strconv.Atoi(arg.Vals[0])
	default:
		err = fmt.Errorf("there is no such argument")
	}
	return err
}

// parseZone reads offsets in minutes: "+330", and from the second on "time/+60".
func parseZone(vals []string) (store.Zone, error) {
	var z store.Zone
	for i, v := range vals {
		var step store.ZoneStep
		if i > 0 {
			at, offset, _ := strings.Cut(v, "/")
			t, err := parseTime(at)
			if err != nil {
				return nil, err
			}
			step.At, v = t, offset
		}
		minutes, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil, err
		}
		step.Offset = minutes * 60_000_000
		z = append(z, step)
	}
	return z, nil
}

func parseDimension(s string) store.Dimension {
	column, rest, _ := strings.Cut(s, ":")
	d := store.Dimension{Column: store.Column(column)}
	switch d.Column {
	case store.ColParam:
		d.Param = rest
	case store.ColTime:
		d.Bucket = map[string]store.Bucket{"date": store.Date, "dateHour": store.DateHour,
			"hour": store.Hour, "dateMinute": store.DateMinute, "minutesAgo": store.MinutesAgo}[rest]
	}
	return d
}

// parseAggregate reads count, users, sum:column, each with an optional ?where.
func parseAggregate(s string) store.Aggregate {
	s, where, _ := strings.Cut(s, "?")
	op, column, _ := strings.Cut(s, ":")
	a := store.Aggregate{Column: store.Column(column), Where: store.Column(where)}
	switch op {
	case "sum":
		a.Op = store.Sum
	case "users":
		a.Op = store.DistinctUsers
	}
	return a
}

// parseFilter reads (and f...), (or f...), (not f), (match dimension value...).
func parseFilter(words []string) (*store.Predicate, []string, error) {
	if len(words) < 3 || words[0] != "(" {
		return nil, nil, fmt.Errorf("filter: want (, got %q", words)
	}
	op, rest := words[1], words[2:]
	if op == "and" || op == "or" || op == "not" {
		var subs []*store.Predicate
		for len(rest) > 0 && rest[0] != ")" {
			var sub *store.Predicate
			var err error
			if sub, rest, err = parseFilter(rest); err != nil {
				return nil, nil, err
			}
			subs = append(subs, sub)
		}
		if len(rest) == 0 || len(subs) == 0 {
			return nil, nil, fmt.Errorf("filter: %s is not closed or empty", op)
		}
		p := map[string]*store.Predicate{"and": {And: subs}, "or": {Or: subs}, "not": {Not: subs[0]}}[op]
		return p, rest[1:], nil
	}
	match, ok := matchNames()[strings.TrimSuffix(op, "!")]
	if !ok {
		return nil, nil, fmt.Errorf("filter: there is no match %q", op)
	}
	l := &store.Leaf{Match: match, CaseSensitive: strings.HasSuffix(op, "!"),
		Dimension: parseDimension(rest[0])}
	rest = rest[1:]
	for len(rest) > 0 && rest[0] != ")" {
		l.Values = append(l.Values, rest[0])
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return nil, nil, fmt.Errorf("filter: %s is not closed", op)
	}
	return &store.Predicate{Leaf: l}, rest[1:], nil
}

func matchNames() map[string]store.Match {
	return map[string]store.Match{"exact": store.Exact, "begins": store.BeginsWith,
		"ends": store.EndsWith, "contains": store.Contains, "full": store.FullRegexp,
		"partial": store.PartialRegexp, "in": store.In, "=": store.NumEqual, "<": store.NumLess,
		"<=": store.NumLessOrEqual, ">": store.NumGreater, ">=": store.NumGreaterOrEqual,
		"between": store.NumBetween}
}
