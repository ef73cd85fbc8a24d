// Countries, continents and languages: rows keep codes, answers and filters names.
package report

import (
	"testing"
	"time"

	"tidemark/internal/store"
)

// ports is one user's way through countries, and another user at home.
func ports() *fakeStore {
	s := &fakeStore{}
	for i, at := range [][2]string{{"ann", "DE"}, {"ann", "FR"}, {"ann", "US"}, {"ben", "DE"}, {"cleo", "QQ"}, {"dan", store.NotSet}} {
		s.events = append(s.events, fakeEvent{client: at[0], at: time.Date(2026, time.March, 2, 10, i, 0, 0, time.UTC),
			text: map[store.Column]string{store.ColCountry: at[1], store.ColLanguage: "de-" + at[1]}})
	}
	return s
}

func TestS36CountriesAreNamedAndUsersOfNamesThatMeetCountOnce(t *testing.T) {
	wantLines(t, run(t, ports(), ask("country", "totalUsers", march(2, 2))).Rows,
		"(not set) 2", "Germany 2", "France 1", "United States 1")
	got := run(t, ports(), ask("continent", "totalUsers eventCount", march(2, 2)))
	wantLines(t, got.Rows, "(not set) 2 2", "Europe 2 3", "Americas 1 1")
	wantLines(t, run(t, ports(), ask("language", "totalUsers", march(2, 2))).Rows, "German 4")
}

func TestFiltersOnCountriesBecomeListsOfCodesWithoutLookingUpRows(t *testing.T) {
	for _, c := range []struct {
		field FieldFilter
		want  []string
	}{
		{FieldFilter{Name: "country", Match: MatchExact, Values: []string{"germany"}}, []string{"DE 2"}},
		{FieldFilter{Name: "country", Match: MatchExact, Values: []string{"DE"}}, nil},
		{FieldFilter{Name: "country", Match: MatchContains, Values: []string{"n"}, CaseSensitive: true},
			[]string{"DE 2", "(not set) 1", "FR 1", "QQ 1", "US 1"}},
		{FieldFilter{Name: "continentId", Match: MatchNumLess, Numbers: []float64{100}}, []string{"US 1"}},
		{FieldFilter{Name: "lands", Match: MatchBeginsWith, Values: []string{"f"}, CaseSensitive: true}, []string{"FR 1"}},
	} {
		s, q := ports(), ask("countryId", "totalUsers", march(2, 2))
		if c.field.Name == "lands" {
			q.Dimensions = append(q.Dimensions, DimensionRef{Name: "lands", LowerCase: "country"})
			c.want = []string{"FR france 1"}
		}
		q.DimensionFilter = field(c.field)
		wantLines(t, run(t, s, q).Rows, c.want...)
		if len(s.plans) > 1 {
			t.Errorf("%s took %d plans", c.field.Name, len(s.plans))
		}
	}
}
