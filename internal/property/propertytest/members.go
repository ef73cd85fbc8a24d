// The suite's part on members, their logins, and salts.
package propertytest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/property"
)

func setupMakesOneMember(t *testing.T, h *harness) {
	token := must(h.CreateSetupToken(t.Context()))(t)
	if len(token) < 22 {
		t.Errorf("token %q is short", token)
	}
	_, err := h.Setup(t.Context(), token+"x", email, password)
	wantErr(t, "wrong token", err, property.ErrTokenInvalid)
	m := must(h.Setup(t.Context(), token, "  Ada@Example.COM ", password))(t)
	if m.ID == 0 || m.Email != email {
		t.Errorf("got member %+v, want %s with an id", m, email)
	}
	_, err = h.Setup(t.Context(), token, "eve@example.com", password)
	wantErr(t, "second use", err, property.ErrTokenInvalid)
	_, err = h.CreateSetupToken(t.Context())
	wantErr(t, "token after the first member", err, property.ErrExists)
}

func setupRaced(t *testing.T, h *harness) {
	handles := []property.Registry{h, h.open(t)}
	token := must(h.CreateSetupToken(t.Context()))(t)
	made := 0
	for i, err := range race(t.Context(), 20, func(ctx context.Context, i int) error {
		_, err := handles[i%2].Setup(ctx, token, string(rune('a'+i))+"@example.com", password)
		return err
	}) {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, property.ErrTokenInvalid):
			t.Errorf("goroutine %d: got error %v, want %v", i, err, property.ErrTokenInvalid)
		}
	}
	if made != 1 {
		t.Errorf("%d members were made, want 1", made)
	}
}

func setupTokenReplaces(t *testing.T, h *harness) {
	former := must(h.CreateSetupToken(t.Context()))(t)
	latter := must(h.CreateSetupToken(t.Context()))(t)
	_, err := h.Setup(t.Context(), former, email, password)
	wantErr(t, "former token", err, property.ErrTokenInvalid)
	must(h.Setup(t.Context(), latter, email, password))(t)
}

func setupTokenExpires(t *testing.T, h *harness) {
	token := must(h.CreateSetupToken(t.Context()))(t)
	h.clock.Advance(30 * 24 * time.Hour)
	_, err := h.Setup(t.Context(), token, email, password)
	wantErr(t, "old token", err, property.ErrTokenInvalid)
}

func setupRefuses(t *testing.T, h *harness) {
	token := must(h.CreateSetupToken(t.Context()))(t)
	for _, c := range []struct{ email, password string }{
		{"", password}, {"ada", password}, {"Ada <ada@example.com>", password},
		{"ada@example.com, eve@example.com", password}, {strings.Repeat("a", 250) + "@b.de", password},
		{email, ""}, {email, "short"}, {email, strings.Repeat("x", 1025)}, {email, "0123456789\xff"},
	} {
		_, err := h.Setup(t.Context(), token, c.email, c.password)
		wantErr(t, c.email+" "+c.password, err, property.ErrInvalid)
	}
	must(h.Setup(t.Context(), token, email, password))(t)
}

func loginYesOrNo(t *testing.T, h *harness) {
	m := h.member(t)
	for _, c := range []struct {
		email, password string
		want            error
	}{
		{email, password, nil}, {" ADA@example.com", password, nil},
		{email, password + " ", property.ErrBadLogin}, {email, "", property.ErrBadLogin},
		{"eve@example.com", password, property.ErrBadLogin}, {"", password, property.ErrBadLogin},
		{"eve@example.com", "", property.ErrBadLogin},
		{email, strings.Repeat("x", 5000), property.ErrBadLogin},
	} {
		got, err := h.Login(t.Context(), c.email, c.password)
		wantErr(t, c.email, err, c.want)
		if c.want == nil && got != m {
			t.Errorf("%s: got member %+v, want %+v", c.email, got, m)
		}
	}
}

func loginTokenEnds(t *testing.T, h *harness) {
	m := h.member(t)
	one := must(h.StartLogin(t.Context(), m.ID, time.Hour))(t)
	two := must(h.StartLogin(t.Context(), m.ID, time.Hour))(t)
	if got := must(h.MemberOfLogin(t.Context(), one))(t); got != m {
		t.Errorf("got member %+v, want %+v", got, m)
	}
	for range 2 { // ending twice is no error
		if err := h.EndLogin(t.Context(), one); err != nil {
			t.Errorf("end login: %v", err)
		}
	}
	_, err := h.MemberOfLogin(t.Context(), one)
	wantErr(t, "ended login", err, property.ErrNotFound)
	must(h.MemberOfLogin(t.Context(), two))(t)
	_, err = h.MemberOfLogin(t.Context(), "")
	wantErr(t, "no token", err, property.ErrNotFound)
	_, err = h.StartLogin(t.Context(), m.ID+1, time.Hour)
	wantErr(t, "login of nobody", err, property.ErrNotFound)
}

func loginTokenExpires(t *testing.T, h *harness) {
	m := h.member(t)
	token := must(h.StartLogin(t.Context(), m.ID, time.Hour))(t)
	h.clock.Advance(time.Hour - time.Second)
	must(h.MemberOfLogin(t.Context(), token))(t)
	h.clock.Advance(time.Second)
	_, err := h.MemberOfLogin(t.Context(), token)
	wantErr(t, "expired login", err, property.ErrNotFound)
}

func loginsBounded(t *testing.T, h *harness) {
	m := h.member(t)
	var tokens []string
	for range 120 {
		h.clock.Advance(time.Second)
		tokens = append(tokens, must(h.StartLogin(t.Context(), m.ID, 24*time.Hour))(t))
	}
	_, err := h.MemberOfLogin(t.Context(), tokens[0])
	wantErr(t, "the oldest of 120 logins", err, property.ErrNotFound)
	for _, token := range tokens[len(tokens)-100:] {
		must(h.MemberOfLogin(t.Context(), token))(t)
	}
}

func memberReadsAll(t *testing.T, h *harness) {
	b, _ := create(t, h, "B")
	a, _ := create(t, h, "A")
	m := h.member(t)
	got := must(h.MemberProperties(t.Context(), m.ID))(t)
	if diff := cmp.Diff([]event.PropertyID{a.ID, b.ID}, got); diff != "" {
		t.Errorf("properties of member (-want +got):\n%s", diff)
	}
	if got := must(h.MemberProperties(t.Context(), m.ID+1))(t); len(got) != 0 {
		t.Errorf("nobody reads %v", got)
	}
}

func saltPerDay(t *testing.T, h *harness) {
	now := h.clock.Now()
	one := must(h.Salt(t.Context(), "2026-11-23", now))(t)
	two := must(h.Salt(t.Context(), "2026-11-22", now))(t)
	again := must(h.open(t).Salt(t.Context(), "2026-11-23", now))(t)
	if len(one) < 16 {
		t.Errorf("salt has %d bytes, want at least 16", len(one))
	}
	if bytes.Equal(one, two) {
		t.Error("two days have one salt")
	}
	if !bytes.Equal(one, again) {
		t.Error("one day has two salts")
	}
}

func saltRaced(t *testing.T, h *harness) {
	handles := []property.Registry{h, h.open(t)}
	salts := make([][]byte, 20)
	for i, err := range race(t.Context(), len(salts), func(ctx context.Context, i int) (err error) {
		salts[i], err = handles[i%2].Salt(ctx, "2026-11-23", h.clock.Now())
		return err
	}) {
		if err != nil {
			t.Errorf("goroutine %d: %v", i, err)
		}
		if !bytes.Equal(salts[i], salts[0]) {
			t.Errorf("goroutine %d has another salt", i)
		}
	}
}

func saltEnds(t *testing.T, h *harness) {
	day := "2026-11-23"
	end := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC).Add(96 * time.Hour)
	salt := must(h.Salt(t.Context(), day, h.clock.Now()))(t)
	drop := func(now time.Time) {
		t.Helper()
		if err := h.DropSalts(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	last := end.Add(-time.Second)
	drop(last)
	if got := must(h.Salt(t.Context(), day, last))(t); !bytes.Equal(got, salt) {
		t.Error("salt changed within its life")
	}
	_, err := h.Salt(t.Context(), day, end)
	wantErr(t, "at the end of its life", err, property.ErrNotFound)
	drop(end)
	if got := must(h.Salt(t.Context(), day, last))(t); bytes.Equal(got, salt) {
		t.Error("a dropped salt came back")
	}
}

func saltRefuses(t *testing.T, h *harness) {
	now := h.clock.Now() // noon of the 23rd in UTC: the 24th has begun at UTC+14
	for _, day := range []string{"", "2026-11-31", "23.11.2026", "2026-11-25"} {
		_, err := h.Salt(t.Context(), day, now)
		wantErr(t, day, err, property.ErrInvalid)
	}
	must(h.Salt(t.Context(), "2026-11-24", now))(t)
	_, err := h.Salt(t.Context(), "2026-11-01", now)
	wantErr(t, "long ago", err, property.ErrNotFound)
}
