// A registry in SQLite that is taken over: what it knew, it knows under the same names.
package pgreg

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tidemark/internal/property"
	"tidemark/internal/property/sqlreg"
)

// filled is a registry in a file with something of everything.
func filled(t *testing.T, now time.Time) (*sqlreg.DB, property.Credentials, string, []byte) {
	t.Helper()
	from, err := sqlreg.OpenWith(filepath.Join(t.TempDir(), "registry.db"), sqlreg.Options{Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = from.Close() })
	_, keys, err := from.CreateProperty(t.Context(), property.NewProperty{Name: "Shop", TimeZone: "Europe/Berlin", KeyEvents: []string{"purchase", "x"}, RowDays: 30})
	if err != nil {
		t.Fatal(err)
	}
	token, err := from.CreateSetupToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	member, err := from.Setup(t.Context(), token, "a@example.org", "a long password indeed")
	if err != nil {
		t.Fatal(err)
	}
	login, err := from.StartLogin(t.Context(), member.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	salt, err := from.Salt(t.Context(), now.Format(time.DateOnly), now)
	if err != nil {
		t.Fatal(err)
	}
	return from, keys, login, salt
}

func TestARegistryInAFileIsTakenOver(t *testing.T) {
	now := time.Now().UTC()
	from, keys, login, salt := filled(t, now)
	to := closed(t, open(t, server.NewDatabase(t), func() time.Time { return now }, []byte("a key of sixteen or more")))
	if _, _, err := to.CreateProperty(t.Context(), property.NewProperty{Name: "goes"}); err != nil {
		t.Fatal(err)
	}
	before, err := to.Changes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, err := from.Export(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Properties) != 1 || len(want.Secrets) != 1 || len(want.ReadKeys) != 1 || len(want.Members) != 1 || len(want.Logins) != 1 || len(want.Salts) != 1 {
		t.Fatalf("exported: %+v", want)
	}
	for range 2 { // the second changes nothing
		if err := to.Import(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		got, err := to.Export(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("taken over (-was +is):\n%s", diff)
		}
	}
	if after, err := to.Changes(t.Context()); err != nil || after <= before {
		t.Errorf("changes went from %d to %d, %v: nobody would notice", before, after, err)
	}
	if ok, err := to.CheckAPISecret(t.Context(), keys.MeasurementID, keys.APISecret); err != nil || !ok {
		t.Errorf("the API secret: %v, %v", ok, err)
	}
	if ids, err := to.PropertiesOfReadKey(t.Context(), keys.ReadKey); err != nil || len(ids) != 1 || ids[0] != keys.Property {
		t.Errorf("the read key opens %v, %v", ids, err)
	}
	if m, err := to.MemberOfLogin(t.Context(), login); err != nil || m.Email != "a@example.org" {
		t.Errorf("the login is of %v, %v", m, err)
	}
	if _, err := to.Login(t.Context(), "a@example.org", "a long password indeed"); err != nil {
		t.Errorf("log in: %v", err)
	}
	if got, err := to.Salt(t.Context(), now.Format(time.DateOnly), now); err != nil || string(got) != string(salt) {
		t.Errorf("the salt is another one (%v): cookieless clients would count twice today", err)
	}
}
