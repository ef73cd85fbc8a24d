// Lookups in small databases that the test builds in the layouts found in the
// wild.
package geo

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"google.golang.org/protobuf/testing/protocmp"

	"tidemark/internal/event"
)

// writeDatabase builds a database file of network -> record.
func writeDatabase(t testing.TB, path, kind string, version int, records map[string]mmdbtype.Map) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: kind, IPVersion: version, RecordSize: 24, BuildEpoch: 1767225600,
		DisableIPv4Aliasing: true, IncludeReservedNetworks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range records {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, record); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func cityRecord(country, region, city string) mmdbtype.Map {
	return mmdbtype.Map{
		"country_code": mmdbtype.String(country), "state1": mmdbtype.String(region),
		"state2": mmdbtype.String(""), "city": mmdbtype.String(city),
		"latitude": mmdbtype.Float32(1), "longitude": mmdbtype.Float32(2),
	}
}

func open(t testing.TB, path string) *DB {
	t.Helper()
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func writeCityPair(t testing.TB) string {
	dir := t.TempDir()
	writeDatabase(t, filepath.Join(dir, "some-city-ipv4.mmdb"), "city ipv4", 4, map[string]mmdbtype.Map{
		"203.0.113.0/25":  cityRecord("GB", "England", "London"),
		"198.51.100.0/24": cityRecord("de", "", ""),
	})
	writeDatabase(t, filepath.Join(dir, "some-city-ipv6.mmdb"), "city ipv6", 6, map[string]mmdbtype.Map{
		"2001:db8::/32": cityRecord("CA", "Quebec", "Montreal"),
	})
	writeDatabase(t, filepath.Join(dir, "a-country.mmdb"), "country ipvAll", 6, map[string]mmdbtype.Map{
		"203.0.113.0/24":  {"country_code": mmdbtype.String("FR")},
		"192.0.2.0/24":    {"country_code": mmdbtype.String("ZZZ")},
		"2001:db8:1::/48": {"country_code": mmdbtype.String("US")},
	})
	return dir
}

func TestLookupFindsThePlaceInBothLayouts(t *testing.T) {
	db := open(t, writeCityPair(t))
	for _, c := range []struct {
		addr string
		want *event.Geo
	}{
		{"203.0.113.7", &event.Geo{Country: "GB", Region: "England", City: "London", Source: "some-city-ipv4@20260101"}},
		{"::ffff:203.0.113.7", &event.Geo{Country: "GB", Region: "England", City: "London", Source: "some-city-ipv4@20260101"}},
		{"203.0.113.200", &event.Geo{Country: "FR", Source: "a-country@20260101"}},
		{"198.51.100.1", &event.Geo{Country: "DE", Source: "some-city-ipv4@20260101"}},
		{"2001:db8:1::5", &event.Geo{Country: "CA", Region: "Quebec", City: "Montreal", Source: "some-city-ipv6@20260101"}},
		{"fe80::1%eth0", nil},
		{"127.0.0.1", nil},
		{"192.0.2.1", nil}, // no country has three letters
	} {
		for range 2 { // the second time from memory
			got := db.Lookup(netip.MustParseAddr(c.addr))
			if diff := cmp.Diff(c.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("Lookup(%s) differs (-want +got):\n%s", c.addr, diff)
			}
		}
	}
	if got := db.Lookup(netip.Addr{}); got != nil {
		t.Errorf("Lookup(no address) = %v, want nil", got)
	}
}

func TestLookupReadsMaxMindsOwnLayout(t *testing.T) {
	names := func(s string) mmdbtype.Map {
		return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(s)}}
	}
	path := filepath.Join(t.TempDir(), "own.mmdb")
	writeDatabase(t, path, "Some-City", 6, map[string]mmdbtype.Map{
		"203.0.113.0/24": {
			"country":      mmdbtype.Map{"iso_code": mmdbtype.String("SE")},
			"subdivisions": mmdbtype.Slice{names("Uppsala County")},
			"city":         names("Uppsala"),
		},
	})
	want := &event.Geo{Country: "SE", Region: "Uppsala County", City: "Uppsala", Source: "own@20260101"}
	got := open(t, path).Lookup(netip.MustParseAddr("203.0.113.9"))
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("Lookup differs (-want +got):\n%s", diff)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNoDatabase) {
		t.Errorf("Open(empty folder) = %v, want ErrNoDatabase", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.mmdb")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open(missing file) = %v, want ErrNotExist", err)
	}
	bad := filepath.Join(t.TempDir(), "bad.mmdb")
	if err := os.WriteFile(bad, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(bad); err == nil || !strings.Contains(err.Error(), "bad.mmdb") {
		t.Errorf("Open(no database) = %v, want an error that names the file", err)
	}
}

func TestLookupAllocatesNothingForKnownPlaces(t *testing.T) {
	db := open(t, writeCityPair(t))
	addr := netip.MustParseAddr("203.0.113.7")
	if n := testing.AllocsPerRun(100, func() { db.Lookup(addr) }); n != 0 {
		t.Errorf("Lookup allocates %v times, want 0", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	db := open(b, writeCityPair(b))
	addr := netip.MustParseAddr("203.0.113.7")
	b.ReportAllocs()
	for b.Loop() {
		db.Lookup(addr)
	}
}
