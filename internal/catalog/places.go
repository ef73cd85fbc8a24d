// Places and languages: the names that stand for stored codes. Rows keep codes,
// which do not change; names are a matter of the answer.
package catalog

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
)

// notSet stands where a fact is missing (S36).
const notSet = "(not set)"

//go:embed countries.txt
var countriesText string

//go:embed languages.txt
var languagesText string

// place is what is known of a country.
type place struct{ name, continent, continentID string }

// names are the tables of texts, made once and never changed.
type names struct {
	countries map[string]place
	languages map[string]string
}

var loadNames = sync.OnceValue(func() *names {
	n := &names{countries: map[string]place{}, languages: map[string]string{}}
	within := place{}
	for _, line := range tableLines(countriesText) {
		code, name, _ := strings.Cut(line, " ")
		if id, ok := strings.CutPrefix(code, "@"); ok {
			within = place{continent: name, continentID: id}
			if id == "" {
				within = place{continent: notSet, continentID: notSet}
			}
			continue
		}
		n.countries[code] = place{name, within.continent, within.continentID}
	}
	for _, line := range tableLines(languagesText) {
		code, name, _ := strings.Cut(line, " ")
		n.languages[code] = name
	}
	return n
})

func tableLines(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool {
		return line == "" || line[0] == '#'
	})
}

// CountryCodes lists the codes of countries that have a name.
func CountryCodes() []string {
	var codes []string
	for code := range loadNames().countries {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// CountryName returns the English name of a country by its ISO 3166-1 code, or
// "(not set)" if there is no such country.
func CountryName(code string) string { return countryOf(code).name }

// ContinentName returns the continent on which a country lies, or "(not set)".
func ContinentName(code string) string { return countryOf(code).continent }

// ContinentID returns the UN M49 number of that continent, or "(not set)".
func ContinentID(code string) string { return countryOf(code).continentID }

func countryOf(code string) place {
	if p, ok := loadNames().countries[code]; ok {
		return p
	}
	return place{notSet, notSet, notSet}
}

// LanguageName returns the English name of a language from what a browser asks
// for, such as de, de-AT or zh_Hant. A code without a name is its own name.
func LanguageName(code string) string {
	base := code
	if end := strings.IndexAny(code, "-_"); end >= 0 {
		base = code[:end]
	}
	if name, ok := loadNames().languages[strings.ToLower(base)]; ok {
		return name
	}
	return code
}
