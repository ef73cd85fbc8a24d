// The suite's part on properties, streams, keys and changes.
package propertytest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/property"
)

func createReturnsWhatItKeeps(t *testing.T, h *harness) {
	p, c, err := h.CreateProperty(t.Context(), property.NewProperty{
		Name: "  Shop  ", TimeZone: "Asia/Kolkata", Currency: "inr", KeyEvents: []string{"sign_up", "purchase", "sign_up"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := property.Property{
		ID: p.ID, Name: "Shop", TimeZone: "Asia/Kolkata", Currency: "INR",
		SessionTimeout: 30 * time.Minute, KeyEvents: []string{"purchase", "sign_up"},
		ChannelRules: property.DefaultChannelRules, Version: 1,
		Streams: []property.DataStream{{MeasurementID: c.MeasurementID, Name: "Shop"}},
		Created: h.clock.Now(),
	}
	if diff := cmp.Diff(want, p); diff != "" {
		t.Errorf("created property (-want +got):\n%s", diff)
	}
	if c.Property != p.ID {
		t.Errorf("credentials are of property %v, want %v", c.Property, p.ID)
	}
	for how, got := range map[string]property.Property{
		"by id":     must(h.Property(t.Context(), p.ID))(t),
		"by stream": must(h.PropertyOfStream(t.Context(), c.MeasurementID))(t),
		"in list":   must(h.Properties(t.Context()))(t)[0],
	} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", how, diff)
		}
	}
}

func createTakesDefaults(t *testing.T, h *harness) {
	p, _ := create(t, h, "Shop")
	if p.TimeZone != "UTC" || p.Currency != "USD" {
		t.Errorf("got zone %q and currency %q, want UTC and USD", p.TimeZone, p.Currency)
	}
	if diff := cmp.Diff([]string{"purchase"}, p.KeyEvents); diff != "" {
		t.Errorf("key events (-want +got):\n%s", diff)
	}
}

func createRefuses(t *testing.T, h *harness) {
	before := must(h.Changes(t.Context()))(t)
	cases := []struct {
		field string
		n     property.NewProperty
	}{
		{"name", property.NewProperty{}},
		{"name", property.NewProperty{Name: " \t "}},
		{"name", property.NewProperty{Name: "a\x00b"}},
		{"name", property.NewProperty{Name: "a\xff"}},
		{"name", property.NewProperty{Name: strings.Repeat("ä", 101)}},
		{"timeZone", property.NewProperty{Name: "x", TimeZone: "Local"}},
		{"timeZone", property.NewProperty{Name: "x", TimeZone: "Mars/Olympus"}},
		{"timeZone", property.NewProperty{Name: "x", TimeZone: "../../etc/passwd"}},
		{"currency", property.NewProperty{Name: "x", Currency: "DEM"}},
		{"currency", property.NewProperty{Name: "x", Currency: "EURO"}},
		{"currency", property.NewProperty{Name: "x", Currency: "D E"}},
		{"keyEvents", property.NewProperty{Name: "x", KeyEvents: []string{""}}},
		{"keyEvents", property.NewProperty{Name: "x", KeyEvents: []string{strings.Repeat("e", 65)}}},
		{"keyEvents", property.NewProperty{Name: "x", KeyEvents: manyNames(101)}},
		{"rowDays", property.NewProperty{Name: "x", RowDays: -1}},
		{"rowDays", property.NewProperty{Name: "x", RowDays: property.MinRowDays - 1}},
		{"rowDays", property.NewProperty{Name: "x", RowDays: property.MaxRowDays + 1}},
	}
	for _, c := range cases {
		_, _, err := h.CreateProperty(t.Context(), c.n)
		wantErr(t, fmt.Sprintf("%+v", c.n), err, property.ErrInvalid)
		var field *property.FieldError
		if errors.As(err, &field) && field.Field != c.field {
			t.Errorf("%+v: error names field %q, want %q", c.n, field.Field, c.field)
		}
	}
	if got := must(h.Properties(t.Context()))(t); len(got) != 0 {
		t.Errorf("%d properties were made", len(got))
	}
	if after := must(h.Changes(t.Context()))(t); after != before {
		t.Errorf("refusals moved Changes from %d to %d", before, after)
	}
}

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("event_%d", i)
	}
	return names
}

func identifiersHaveTheirForm(t *testing.T, h *harness) {
	property := regexp.MustCompile(`^[1-9][0-9]{8,9}$`)
	stream := regexp.MustCompile(`^G-[0-9A-Z]{10}$`)
	secret := regexp.MustCompile(`^[0-9A-Za-z]{22,64}$`)
	seen := map[string]bool{}
	for range 20 {
		_, c := create(t, h, "Shop")
		for text, form := range map[string]*regexp.Regexp{
			c.Property.String(): property, c.MeasurementID: stream, c.APISecret: secret, c.ReadKey: secret,
		} {
			if !form.MatchString(text) {
				t.Errorf("%q does not match %v", text, form)
			}
			if seen[text] {
				t.Errorf("%q was given twice", text)
			}
			seen[text] = true
		}
	}
}

func listedByName(t *testing.T, h *harness) {
	for _, name := range []string{"Pear", "Apple", "Quince"} {
		create(t, h, name)
	}
	var got []string
	for _, p := range must(h.Properties(t.Context()))(t) {
		got = append(got, p.Name)
	}
	if diff := cmp.Diff([]string{"Apple", "Pear", "Quince"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func updateMovesVersion(t *testing.T, h *harness) {
	p, _ := create(t, h, "Shop")
	same := must(h.UpdateProperty(t.Context(), p))(t)
	if diff := cmp.Diff(p, same); diff != "" {
		t.Errorf("update without a change (-want +got):\n%s", diff)
	}
	want := p
	want.Name, want.TimeZone, want.Currency = "Store", "Europe/Berlin", "EUR"
	want.SessionTimeout, want.ObservedUsers, want.ChannelRules = time.Hour, true, "default@1"
	want.KeyEvents, want.IgnoredReferrers = []string{"a", "b"}, []string{"pay.example.com"}
	given := want
	given.Version, given.Streams = 99, nil // what a caller says here is ignored
	want.Version = 2
	if diff := cmp.Diff(want, must(h.UpdateProperty(t.Context(), given))(t)); diff != "" {
		t.Errorf("update (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, must(h.Property(t.Context(), p.ID))(t)); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}

func updateRefuses(t *testing.T, h *harness) {
	p, _ := create(t, h, "Shop")
	for name, change := range map[string]func(*property.Property){
		"no zone":          func(p *property.Property) { p.TimeZone = "" },
		"no currency":      func(p *property.Property) { p.Currency = "" },
		"no timeout":       func(p *property.Property) { p.SessionTimeout = 0 },
		"timeout of a day": func(p *property.Property) { p.SessionTimeout = 24 * time.Hour },
		"part of a ms":     func(p *property.Property) { p.SessionTimeout += time.Microsecond },
		"url as host":      func(p *property.Property) { p.IgnoredReferrers = []string{"https://a.example"} },
		"unversioned rule": func(p *property.Property) { p.ChannelRules = "ga4" },
		"rule of no text":  func(p *property.Property) { p.ChannelRules = "ga4@\xff" },
		"rule with zero":   func(p *property.Property) { p.ChannelRules = "ga4@\x00" },
	} {
		bad := p
		change(&bad)
		_, err := h.UpdateProperty(t.Context(), bad)
		wantErr(t, name, err, property.ErrInvalid)
	}
	if diff := cmp.Diff(p, must(h.Property(t.Context(), p.ID))(t)); diff != "" {
		t.Errorf("after refusals (-want +got):\n%s", diff)
	}
}

func unknownIsNotFound(t *testing.T, h *harness) {
	p, c := create(t, h, "Shop")
	for _, id := range []event.PropertyID{0, 1, p.ID + 1, math.MaxInt64, math.MaxUint64} {
		_, err := h.Property(t.Context(), id)
		wantErr(t, id.String(), err, property.ErrNotFound)
		gone := p
		gone.ID = id
		_, err = h.UpdateProperty(t.Context(), gone)
		wantErr(t, "update "+id.String(), err, property.ErrNotFound)
	}
	for _, id := range []string{"", "G-", "G-0000000000", strings.ToLower(c.MeasurementID), c.MeasurementID + " ", "%",
		c.MeasurementID + "\x00", "G-\xff\xfe"} {
		_, err := h.PropertyOfStream(t.Context(), id)
		wantErr(t, id, err, property.ErrNotFound)
		if ok, err := h.CheckAPISecret(t.Context(), id, c.APISecret); ok || err != nil {
			t.Errorf("secret of stream %q: got %v, %v", id, ok, err)
		}
	}
}

func secretsAreIsolated(t *testing.T, h *harness) {
	_, a := create(t, h, "A")
	_, b := create(t, h, "B")
	for _, c := range []struct {
		stream, secret string
		want           bool
	}{
		{a.MeasurementID, a.APISecret, true}, {b.MeasurementID, b.APISecret, true},
		{a.MeasurementID, b.APISecret, false}, {a.MeasurementID, a.ReadKey, false},
		{a.MeasurementID, "", false}, {"", a.APISecret, false}, {a.MeasurementID, a.APISecret + "x", false},
	} {
		if got := must(h.CheckAPISecret(t.Context(), c.stream, c.secret))(t); got != c.want {
			t.Errorf("stream %q with secret %q: got %v, want %v", c.stream, c.secret, got, c.want)
		}
	}
	got := must(h.PropertiesOfReadKey(t.Context(), a.ReadKey))(t)
	if diff := cmp.Diff([]event.PropertyID{a.Property}, got); diff != "" {
		t.Errorf("read key of A (-want +got):\n%s", diff)
	}
	for _, key := range []string{"", a.APISecret, a.ReadKey[1:], "' OR 1=1 --"} {
		_, err := h.PropertiesOfReadKey(t.Context(), key)
		wantErr(t, key, err, property.ErrNotFound)
	}
}

func otherHandleSees(t *testing.T, h *harness) {
	other := h.open(t)
	p, c := create(t, h, "Shop")
	if got := must(other.PropertyOfStream(t.Context(), c.MeasurementID))(t); got.ID != p.ID {
		t.Errorf("other handle finds property %v, want %v", got.ID, p.ID)
	}
	if !must(other.CheckAPISecret(t.Context(), c.MeasurementID, c.APISecret))(t) {
		t.Error("other handle refuses the new api secret")
	}
	if got := must(other.PropertiesOfReadKey(t.Context(), c.ReadKey))(t); len(got) != 1 {
		t.Errorf("other handle knows %d properties of the new read key, want 1", len(got))
	}
}

func changesMove(t *testing.T, h *harness) {
	other := h.open(t)
	var last uint64
	moved := func(what string, want bool) {
		t.Helper()
		for _, r := range []property.Registry{h, other} {
			now := must(r.Changes(t.Context()))(t)
			if (now > last) != want {
				t.Errorf("%s: Changes went from %d to %d", what, last, now)
			}
		}
		last = must(h.Changes(t.Context()))(t)
	}
	moved("at first", true)
	moved("nothing done", false)
	p, _ := create(t, h, "Shop")
	moved("create", true)
	p.Name = "Store"
	p = must(other.UpdateProperty(t.Context(), p))(t)
	moved("update by the other handle", true)
	must(h.UpdateProperty(t.Context(), p))(t)
	moved("update without a change", false)
	must(h.Salt(t.Context(), "2026-11-23", h.clock.Now()))(t)
	moved("salt", false)
}

func concurrentUpdates(t *testing.T, h *harness) {
	handles := []property.Registry{h, h.open(t)}
	p, _ := create(t, h, "Shop")
	const writers = 16
	for i, err := range race(t.Context(), writers, func(ctx context.Context, i int) error {
		mine := p
		mine.Name = fmt.Sprintf("Shop %d", i)
		_, err := handles[i%2].UpdateProperty(ctx, mine)
		return err
	}) {
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if got := must(h.Property(t.Context(), p.ID))(t); got.Version != 1+writers {
		t.Errorf("version is %d after %d changes, want %d", got.Version, writers, 1+writers)
	}
}

func concurrentWriters(t *testing.T, h *harness) {
	handles := []property.Registry{h, h.open(t)}
	const writers, each = 8, 5
	for i, err := range race(t.Context(), writers, func(ctx context.Context, i int) error {
		for range each {
			if _, _, err := handles[i%2].CreateProperty(ctx, property.NewProperty{Name: "Shop"}); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("writer %d: %v", i, err)
		}
	}
	if got := must(h.Properties(t.Context()))(t); len(got) != writers*each {
		t.Errorf("%d properties are kept, want %d", len(got), writers*each)
	}
}

func surviveReopen(t *testing.T, h *harness) {
	first := h.storage.Open(t, h.clock.Now)
	p, c := create(t, first, "Shop")
	number := must(first.Changes(t.Context()))(t)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := h.open(t)
	if diff := cmp.Diff(p, must(again.PropertyOfStream(t.Context(), c.MeasurementID))(t)); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
	if got := must(again.Changes(t.Context()))(t); got < number {
		t.Errorf("Changes fell from %d to %d", number, got)
	}
}

// rowDays: how long rows are kept is a setting, and says nothing about how events count.
func rowDays(t *testing.T, h *harness) {
	forever, _ := create(t, h, "Shop")
	if forever.RowDays != 0 {
		t.Errorf("a new property keeps rows %d days, want for ever", forever.RowDays)
	}
	p, _, err := h.CreateProperty(t.Context(), property.NewProperty{Name: "Short", RowDays: property.MinRowDays})
	if err != nil || p.RowDays != property.MinRowDays {
		t.Fatalf("made with %d days, %v", p.RowDays, err)
	}
	before := must(h.Changes(t.Context()))(t)
	p.RowDays = 90
	given := must(h.UpdateProperty(t.Context(), p))(t)
	got := must(h.open(t).Property(t.Context(), p.ID))(t)
	if given.RowDays != 90 || got.RowDays != 90 || got.Version != p.Version {
		t.Errorf("updated to %+v, read as %+v, want 90 days and version %d", given, got, p.Version)
	}
	if after := must(h.Changes(t.Context()))(t); after == before {
		t.Error("Changes did not move")
	}
	p.RowDays = property.MinRowDays - 1
	_, err = h.UpdateProperty(t.Context(), p)
	wantErr(t, "too few days", err, property.ErrInvalid)
}
