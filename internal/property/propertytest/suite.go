// The suite's entry and its small helpers.
package propertytest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"tidemark/internal/property"
)

// Clock is the time of the registries under test. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts a clock in the middle of a day.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Storage is one place where a registry is kept. Open opens a further handle
// on it, as another process would; the suite closes it.
type Storage interface {
	Open(t *testing.T, clock func() time.Time) property.Registry
}

// Run holds an adapter to the contract. newStorage returns empty storage.
func Run(t *testing.T, newStorage func(t *testing.T) Storage) {
	cases := []struct {
		name string
		run  func(t *testing.T, h *harness)
	}{
		{"CreatePropertyReturnsWhatItKeeps", createReturnsWhatItKeeps},
		{"CreatePropertyTakesDefaults", createTakesDefaults},
		{"CreatePropertyRefusesBadSettings", createRefuses},
		{"IdentifiersHaveTheirForm", identifiersHaveTheirForm},
		{"PropertiesAreListedByName", listedByName},
		{"UpdatePropertyMovesVersionOnlyOnChange", updateMovesVersion},
		{"UpdatePropertyRefusesBadSettings", updateRefuses},
		{"S30_RowDaysAreKeptWithoutAVersion", rowDays},
		{"UnknownPropertyIsNotFound", unknownIsNotFound},
		{"D9_SecretsOpenOnlyTheirOwnProperty", secretsAreIsolated},
		{"R1_OtherHandleSeesAtOnce", otherHandleSees},
		{"R1_ChangesMoveWithEachWrite", changesMove},
		{"R1_ConcurrentWritersLoseNothing", concurrentWriters},
		{"R1_ConcurrentUpdatesEachTakeAVersion", concurrentUpdates},
		{"SettingsSurviveReopen", surviveReopen},
		{"R3_SetupTokenMakesOneMember", setupMakesOneMember},
		{"R3_SetupTokenRacedMakesOneMember", setupRaced},
		{"R3_NewSetupTokenReplacesFormer", setupTokenReplaces},
		{"SetupTokenExpires", setupTokenExpires},
		{"SetupRefusesBadEmailAndPasswordAndKeepsToken", setupRefuses},
		{"LoginTellsNothingButYesOrNo", loginYesOrNo},
		{"LoginTokenWorksUntilItEnds", loginTokenEnds},
		{"LoginTokenExpires", loginTokenExpires},
		{"LoginsOfOneMemberAreBounded", loginsBounded},
		{"MemberReadsAllProperties", memberReadsAll},
		{"S10_SaltIsOnePerDay", saltPerDay},
		{"S10_SaltRacedIsOne", saltRaced},
		{"R4_SaltEndsAfterItsLife", saltEnds},
		{"SaltRefusesDaysThatAreNone", saltRefuses},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := &harness{storage: newStorage(t), clock: NewClock()}
			h.Registry = h.open(t)
			c.run(t, h)
		})
	}
}

// harness is the registry under test and the means to open it again.
type harness struct {
	property.Registry
	storage Storage
	clock   *Clock
}

func (h *harness) open(t *testing.T) property.Registry {
	t.Helper()
	r := h.storage.Open(t, h.clock.Now)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("close registry: %v", err)
		}
	})
	return r
}

// member makes the first member and returns it.
func (h *harness) member(t *testing.T) property.Member {
	t.Helper()
	token := must(h.CreateSetupToken(t.Context()))(t)
	return must(h.Setup(t.Context(), token, email, password))(t)
}

const (
	email    = "ada@example.com"
	password = "a long password"
)

// must takes what a call returned and stops the test on an error.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func create(t *testing.T, r property.Registry, name string) (property.Property, property.Credentials) {
	t.Helper()
	p, c, err := r.CreateProperty(t.Context(), property.NewProperty{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return p, c
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

// race runs f in n goroutines that start together and returns their errors.
func race(ctx context.Context, n int, f func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(ctx, i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}
