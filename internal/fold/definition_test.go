// Definitions: what properties share.
package fold

import (
	"testing"

	"tidemark/internal/enrich"
	"tidemark/internal/event"
)

func TestPropertiesInOneZoneShareIt(t *testing.T) {
	f := New(0, nothingSaved{}, enrich.NewDeriver(enrich.DefaultConfig()))
	for id, zone := range map[uint64]string{1: "Europe/Berlin", 2: "Europe/Berlin", 3: "Asia/Kolkata"} {
		if err := f.Define(&event.Definition{Property: id, TimeZone: zone, Version: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Define(&event.Definition{Property: 4, TimeZone: "Nowhere/Special", Version: 1}); err == nil {
		t.Error("a zone that there is not is taken")
	}
	frozen, err := f.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	restored := New(0, nothingSaved{}, enrich.NewDeriver(enrich.DefaultConfig()))
	if err := restored.Restore(&frozen.Snapshot); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]*Fold{"defined": f, "restored": restored} {
		if f.definitions[1].zone != f.definitions[2].zone {
			t.Errorf("%s: two properties in Berlin have a zone each", name)
		}
		if len(f.definitions) != 3 || len(f.zones) != 2 {
			t.Errorf("%s: %d definitions, %d zones, want 3 and 2", name, len(f.definitions), len(f.zones))
		}
		if got := f.definitions[3].zone.Location().String(); got != "Asia/Kolkata" {
			t.Errorf("%s: the third is in %s", name, got)
		}
	}
}
