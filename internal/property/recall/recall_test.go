// The suite of the contract over a registry that answers, and what is said when it does not.
package recall

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/event"
	"tidemark/internal/property"
	"tidemark/internal/property/propertytest"
	"tidemark/internal/property/sqlreg"
)

// file is storage whose handles remember.
type file string

func (f file) Open(t *testing.T, clock func() time.Time) property.Registry {
	t.Helper()
	behind, err := sqlreg.OpenWith(string(f), sqlreg.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	c := DefaultConfig()
	c.Fresh = 0 // other handles see everything at once
	r, err := New(c, Deps{Registry: behind, Logger: slog.New(slog.DiscardHandler), Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConformance(t *testing.T) {
	propertytest.Run(t, func(t *testing.T) propertytest.Storage { return file(filepath.Join(t.TempDir(), "registry.db")) })
}

var errAway = errors.New("nobody answers")

// fragile knows property 7, its read key "key", and the login "login" of member 3. All else is not found.
type fragile struct {
	property.Registry // methods that these tests do not use

	asked atomic.Int64

	mu     sync.Mutex
	away   bool
	stands bool // calls end with their context
	name   string
	logins map[string]property.Member
	keys   map[string][]event.PropertyID
	inCall func() // runs once, within the next question, when the answer is known
}

func newFragile() *fragile {
	return &fragile{name: "Shop", logins: map[string]property.Member{"login": {ID: 3}}, keys: map[string][]event.PropertyID{"key": {7}}}
}

func (f *fragile) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func answer[V any](ctx context.Context, f *fragile, look func() (V, bool)) (V, error) {
	f.asked.Add(1)
	f.mu.Lock()
	v, ok := look()
	away, stands, inCall := f.away, f.stands, f.inCall
	f.inCall = nil
	f.mu.Unlock()
	var none V
	switch {
	case stands:
		<-ctx.Done()
		return none, fmt.Errorf("wait: %w", ctx.Err())
	case away:
		return none, errAway
	}
	if inCall != nil {
		inCall()
	}
	if !ok {
		return none, property.ErrNotFound
	}
	return v, nil
}

func (f *fragile) Property(ctx context.Context, id event.PropertyID) (property.Property, error) {
	return answer(ctx, f, func() (property.Property, bool) { return property.Property{ID: 7, Name: f.name}, id == 7 })
}

func (f *fragile) UpdateProperty(ctx context.Context, p property.Property) (property.Property, error) {
	return answer(ctx, f, func() (property.Property, bool) { f.name = p.Name; return p, true })
}

func (f *fragile) PropertiesOfReadKey(ctx context.Context, key string) ([]event.PropertyID, error) {
	return answer(ctx, f, func() ([]event.PropertyID, bool) { ids, ok := f.keys[key]; return ids, ok })
}

func (f *fragile) MemberOfLogin(ctx context.Context, token string) (property.Member, error) {
	return answer(ctx, f, func() (property.Member, bool) { m, ok := f.logins[token]; return m, ok })
}

func (f *fragile) Login(ctx context.Context, _, password string) (property.Member, error) {
	m, err := answer(ctx, f, func() (property.Member, bool) { return property.Member{ID: 3}, password == "right" })
	if errors.Is(err, property.ErrNotFound) {
		err = property.ErrBadLogin
	}
	return m, err
}

func (f *fragile) EndLogin(ctx context.Context, token string) error {
	_, err := answer(ctx, f, func() (int, bool) { delete(f.logins, token); return 0, true })
	return err
}

func (f *fragile) MemberProperties(ctx context.Context, member int64) ([]event.PropertyID, error) {
	return answer(ctx, f, func() ([]event.PropertyID, bool) { return []event.PropertyID{7}, member == 3 })
}

func open(t *testing.T, f *fragile, c Config) *Registry {
	t.Helper()
	r, err := New(c, Deps{Registry: f, Logger: slog.New(slog.DiscardHandler), Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// all asks everything that is recalled, and returns the answers as text.
func all(ctx context.Context, r *Registry) []string {
	say := func(v any, err error) string { return fmt.Sprint(v, " ", err) }
	p, err := r.Property(ctx, 7)
	out := []string{say(p.Name, err)}
	ids, err := r.PropertiesOfReadKey(ctx, "key")
	out = append(out, say(ids, err))
	m, err := r.MemberOfLogin(ctx, "login")
	out = append(out, say(m.ID, err))
	ids, err = r.MemberProperties(ctx, 3)
	return append(out, say(ids, err))
}

// errUnknown is what somebody hears who is not known.
var errUnknown = fmt.Errorf("%w: %w", property.ErrAway, errAway)

// Nobody can log in, and hears that it is not the password.
func TestRC2_NobodyLogsInMeanwhile(t *testing.T) {
	f := newFragile()
	r := open(t, f, DefaultConfig())
	if _, err := r.Login(t.Context(), "ann@shop.example", "wrong"); !errors.Is(err, property.ErrBadLogin) || errors.Is(err, property.ErrAway) {
		t.Errorf("a wrong password: got error %v, want %v", err, property.ErrBadLogin)
	}
	f.set(func() { f.away = true })
	if _, err := r.Login(t.Context(), "ann@shop.example", "right"); !errors.Is(err, property.ErrAway) {
		t.Errorf("while the registry is away: got error %v, want %v", err, property.ErrAway)
	}
}

// pass lets time pass in a bubble of synctest.
func pass(d time.Duration) { <-time.After(d) }

var known = []string{"Shop <nil>", "[7] <nil>", "3 <nil>", "[7] <nil>"}

func expect(t *testing.T, when string, want, got []string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (- want, + got):\n%s", when, diff)
	}
}

func TestRC2_WhatWasSaidIsSaidAgainForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFragile()
		r := open(t, f, DefaultConfig())
		expect(t, "asked", known, all(t.Context(), r))
		f.set(func() { f.away = true })
		pass(59 * time.Minute)
		expect(t, "away", known, all(t.Context(), r))
		if _, err := r.PropertiesOfReadKey(t.Context(), "another"); !errors.Is(err, errAway) || !errors.Is(err, property.ErrAway) {
			t.Errorf("a key that was never asked for: got error %v, want %v", err, errAway)
		}
		if _, err := r.UpdateProperty(t.Context(), property.Property{ID: 8, Name: "Shop"}); !errors.Is(err, errAway) {
			t.Errorf("update: got error %v, want %v", err, errAway)
		}
		pass(time.Minute)
		gone := fmt.Sprint(" ", errUnknown)
		expect(t, "away for longer than answers are kept", []string{gone, "[]" + gone, "0" + gone, "[]" + gone}, all(t.Context(), r))
		f.set(func() { f.away = false })
		pass(2 * time.Second)
		expect(t, "back", known, all(t.Context(), r))
	})
}

func TestRC1_WhatARegistrySaysCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFragile()
		r := open(t, f, DefaultConfig())
		expect(t, "asked", known, all(t.Context(), r))
		f.set(func() { f.name = "Store"; delete(f.keys, "key"); delete(f.logins, "login") })
		none := property.ErrNotFound.Error()
		expect(t, "at once", []string{"Shop <nil>", "[7] <nil>", "0 " + none, "[7] <nil>"}, all(t.Context(), r))
		pass(DefaultConfig().Fresh)
		after := []string{"Store <nil>", "[] " + none, "0 " + none, "[7] <nil>"}
		expect(t, "not fresh any more", after, all(t.Context(), r))
		// A key that was taken away does not come back when the registry goes.
		f.set(func() { f.away = true })
		pass(time.Second)
		gone := errUnknown.Error()
		expect(t, "away", []string{"Store <nil>", "[] " + gone, "0 " + gone, "[7] <nil>"}, all(t.Context(), r))
	})
}

func TestRC1_FreshAnswersAreNotAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFragile()
		r := open(t, f, DefaultConfig())
		for range 100 {
			if _, err := r.Property(t.Context(), 7); err != nil {
				t.Fatal(err)
			}
		}
		if n := f.asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
	})
}

func TestRC3_WhatWasChangedHereIsNotRecalled(t *testing.T) {
	for _, inDoubt := range []bool{false, true} { // whether the outcome of the change is known
		t.Run(fmt.Sprint(inDoubt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFragile()
				r := open(t, f, DefaultConfig())
				all(t.Context(), r)
				f.set(func() { f.away = inDoubt })
				errUpdate, errEnd := ignoreValue(r.UpdateProperty(t.Context(), property.Property{ID: 7, Name: "New"})), r.EndLogin(t.Context(), "login")
				if (errUpdate != nil) != inDoubt || (errEnd != nil) != inDoubt {
					t.Fatalf("changes: %v, %v", errUpdate, errEnd)
				}
				f.set(func() { f.away = true })
				pass(time.Minute)
				gone := errUnknown.Error()
				expect(t, "changed, then away", []string{" " + gone, "[7] <nil>", "0 " + gone, "[7] <nil>"}, all(t.Context(), r))
			})
		})
	}
}

func ignoreValue[V any](_ V, err error) error { return err }

// An answer that was on its way when the login was ended must not outlive that.
func TestRC3_AnswersUnderWayAreNotRecalled(t *testing.T) {
	f := newFragile()
	r := open(t, f, DefaultConfig())
	f.inCall = func() {
		if err := r.EndLogin(t.Context(), "login"); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.MemberOfLogin(t.Context(), "login"); err != nil {
		t.Fatal(err)
	}
	f.set(func() { f.away = true })
	if m, err := r.MemberOfLogin(t.Context(), "login"); !errors.Is(err, errAway) {
		t.Errorf("got %+v and error %v, want error %v", m, err, errAway)
	}
}

func TestRC4_ARegistryThatStandsStillHoldsUpOneCallerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFragile()
		c := DefaultConfig()
		r := open(t, f, c)
		all(t.Context(), r)
		pass(c.Fresh)
		f.set(func() { f.stands = true })
		began := time.Now()
		expect(t, "stands still", known, all(t.Context(), r))
		if took := time.Since(began); took != c.Patience {
			t.Errorf("four questions took %v, want the patience for one, %v", took, c.Patience)
		}
		before := f.asked.Load()
		var slow atomic.Int64
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for range 100 { // every 100 ms, for ten seconds
					began := time.Now()
					if _, err := r.PropertiesOfReadKey(t.Context(), "key"); err != nil {
						t.Error(err)
					}
					if time.Since(began) > 0 {
						slow.Add(1)
					}
					pass(100 * time.Millisecond)
				}
			})
		}
		wg.Wait()
		// One question every Patience + AskAgain.
		if asked := f.asked.Load() - before; asked < 4 || asked > 6 || slow.Load() != asked {
			t.Errorf("5000 calls in ten seconds: %d questions, %d calls waited; want 4 to 6 of both", asked, slow.Load())
		}
	})
}

func TestRC4_TheCallersOwnImpatienceSaysNothingOfTheRegistry(t *testing.T) {
	f := newFragile()
	r := open(t, f, DefaultConfig())
	f.set(func() { f.stands = true })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Property(ctx, 7); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	if until := r.quietUntil.Load(); until != 0 {
		t.Error("the registry counts as away")
	}
}

func TestRC5_MemoryIsBounded(t *testing.T) {
	f := newFragile()
	c := DefaultConfig()
	c.Entries = 10
	r := open(t, f, c)
	for i := range 1000 {
		key := fmt.Sprint("key ", i)
		f.set(func() { f.keys[key] = []event.PropertyID{7} })
		if _, err := r.PropertiesOfReadKey(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	r.readKeys.cache.CleanUp()
	if n := r.readKeys.cache.EstimatedSize(); n > c.Entries {
		t.Errorf("%d entries are remembered, want at most %d", n, c.Entries)
	}
}

// What is in memory lets nobody in (R2).
func TestRC5D9_KeysAndTokensAreHeldAsDigests(t *testing.T) {
	r := open(t, newFragile(), DefaultConfig())
	all(t.Context(), r)
	for what, is := range map[string]*struct{ keys, want []string }{
		"read keys": {slices.Collect(r.readKeys.cache.Keys()), []string{digest("key")}},
		"logins":    {slices.Collect(r.logins.cache.Keys()), []string{digest("login")}},
	} {
		if !slices.Equal(is.keys, is.want) || len(is.want[0]) != sha256.Size {
			t.Errorf("%s are held as %q, want %q", what, is.keys, is.want)
		}
	}
}

func TestNewRefusesBadBounds(t *testing.T) {
	good := Deps{Registry: newFragile(), Logger: slog.New(slog.DiscardHandler), Clock: time.Now}
	bad := DefaultConfig()
	bad.Keep = bad.Fresh - 1
	if _, err := New(bad, good); err == nil {
		t.Error("keep below fresh is taken")
	}
	if _, err := New(DefaultConfig(), Deps{}); err == nil {
		t.Error("no registry is taken")
	}
}
