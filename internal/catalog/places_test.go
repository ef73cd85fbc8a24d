// Names of places and languages: complete, distinct, and as GA4 spells them.
package catalog

import "testing"

func TestEveryCountryHasItsOwnNameAndAContinent(t *testing.T) {
	codes, seen := CountryCodes(), map[string]string{}
	if len(codes) != 250 { // 249 of ISO 3166-1, and Kosovo.
		t.Errorf("there are %d countries, want 250", len(codes))
	}
	continents := map[string]string{"Africa": "002", "Americas": "019", "Asia": "142", "Europe": "150", "Oceania": "009"}
	for _, code := range codes {
		name := CountryName(code)
		if other := seen[name]; name == "" || other != "" {
			t.Errorf("%s is named %q, as is %q", code, name, other)
		}
		seen[name] = code
		if id := continents[ContinentName(code)]; id != ContinentID(code) && code != "AQ" {
			t.Errorf("%s lies on %s with number %s", code, ContinentName(code), ContinentID(code))
		}
	}
}

func TestS36NamesStandForCodes(t *testing.T) {
	for code, want := range map[string][3]string{
		"DE": {"Germany", "Europe", "150"}, "US": {"United States", "Americas", "019"},
		"TR": {"Türkiye", "Asia", "142"}, "MM": {"Myanmar (Burma)", "Asia", "142"},
		"AQ": {"Antarctica", notSet, notSet}, "de": {notSet, notSet, notSet}, notSet: {notSet, notSet, notSet},
	} {
		if got := [3]string{CountryName(code), ContinentName(code), ContinentID(code)}; got != want {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
	}
	for code, want := range map[string]string{
		"de": "German", "de-AT": "German", "EN-us": "English", "zh_Hant": "Chinese", "xx-yy": "xx-yy", notSet: notSet,
	} {
		if got := LanguageName(code); got != want {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
	}
}
