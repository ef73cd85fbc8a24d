// What the first release wrote stays readable (docs/format/registry.md): testdata/v2.db was written once,
// by migration 2, and golden.json beside it says what is in it, secrets included.
package sqlreg

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidemark/internal/property"
)

var rewriteGolden = flag.Bool("rewrite-golden", false, "write the golden registry of the current format version")

// golden is what golden.json says.
type golden struct {
	Properties  []property.Property
	Credentials property.Credentials
	Email       string
	Password    string
	Login       string
	Day         string
	Salt        string // hexadecimal
}

// goldenNow is when the golden registry was written.
func goldenNow() time.Time { return time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC) }

func TestRegistryOfVersion2StaysReadable(t *testing.T) {
	file, text := filepath.Join("testdata", "v2.db"), filepath.Join("testdata", "golden.json")
	if *rewriteGolden {
		writeGolden(t, file, text)
	}
	b, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	var want golden
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	if len(want.Properties) != 2 {
		t.Fatalf("golden.json has %d properties", len(want.Properties))
	}
	if b, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "registry.db") // opening a registry may upgrade it
	if err := os.WriteFile(copied, b, 0o600); err != nil {
		t.Fatal(err)
	}
	d := closed(t, open(t, copied, goldenNow))
	ctx := t.Context()
	got, err := d.Properties(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Properties, got); diff != "" {
		t.Errorf("properties (-written +read):\n%s", diff)
	}
	c := want.Credentials
	if ok, err := d.CheckAPISecret(ctx, c.MeasurementID, c.APISecret); err != nil || !ok {
		t.Errorf("API secret: %v, %v", ok, err)
	}
	if ids, err := d.PropertiesOfReadKey(ctx, c.ReadKey); err != nil || len(ids) != 1 || ids[0] != c.Property {
		t.Errorf("read key opens %v, %v", ids, err)
	}
	if m, err := d.MemberOfLogin(ctx, want.Login); err != nil || m.Email != want.Email {
		t.Errorf("login is of %+v, %v", m, err)
	}
	if m, err := d.Login(ctx, want.Email, want.Password); err != nil || m.Email != want.Email {
		t.Errorf("password is of %+v, %v", m, err)
	}
	if salt, err := d.Salt(ctx, want.Day, goldenNow()); err != nil || hex.EncodeToString(salt) != want.Salt {
		t.Errorf("salt is %x, %v; want %s", salt, err, want.Salt)
	}
}

func writeGolden(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	d, ctx := open(t, file, goldenNow), t.Context()
	g := golden{Email: "ada@example.com", Password: "correct horse battery", Day: "2026-11-28"}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p, c, err := d.CreateProperty(ctx, property.NewProperty{Name: "Shop \u00e9", TimeZone: "Europe/Berlin", Currency: "EUR",
		KeyEvents: []string{"purchase", "sign_up"}, RowDays: 90})
	check(err)
	g.Credentials = c
	p.SessionTimeout, p.ObservedUsers, p.IgnoredReferrers = 45*time.Minute, true, []string{"pay.example"}
	_, err = d.UpdateProperty(ctx, p)
	check(err)
	_, _, err = d.CreateProperty(ctx, property.NewProperty{Name: "Blog"})
	check(err)
	token, err := d.CreateSetupToken(ctx)
	check(err)
	m, err := d.Setup(ctx, token, g.Email, g.Password)
	check(err)
	g.Login, err = d.StartLogin(ctx, m.ID, 100*365*24*time.Hour)
	check(err)
	salt, err := d.Salt(ctx, g.Day, goldenNow())
	check(err)
	g.Salt = hex.EncodeToString(salt)
	g.Properties, err = d.Properties(ctx)
	check(err)
	check(d.Close())
	b, err := json.MarshalIndent(g, "", "  ")
	check(err)
	check(os.WriteFile(text, append(b, '\n'), 0o600))
}
