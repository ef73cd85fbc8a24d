// Channels beyond the examples of testdata: the rules' words against the
// expressions that GA4 states them in, and the reading of the file.
package enrich

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRuleWordsAreGA4sExpressions(t *testing.T) {
	paid := regexp.MustCompile(`(?i)^(.*cp.*|ppc|retargeting|paid.*)$`)
	shop := regexp.MustCompile(`(?i)^(.*(([^a-df-z]|^)shop|shopping).*)$`)
	word := rapid.StringOfN(rapid.RuneFrom([]rune("cpCPaidretgsho SHOPnE-_1")), 0, 12, -1)
	text := rapid.Map(rapid.SliceOfN(rapid.OneOf(word, rapid.SampledFrom([]string{
		"shop", "Shopping", "eshop", "bishop", "ppc", "paid", "retargeting", "cp", "\u212a",
	})), 0, 3), func(parts []string) string { return strings.Join(parts, "") })
	rapid.Check(t, func(t *rapid.T) {
		medium, campaign := text.Draw(t, "medium"), text.Draw(t, "campaign")
		if medium == "" || campaign == "" {
			return // a missing text is (not set)
		}
		got := Channel("ga4@2026", "nowhere", medium, campaign)
		isPaid, isShop := paid.MatchString(medium), shop.MatchString(campaign)
		switch {
		case isPaid && isShop && got != "Paid Shopping":
			t.Fatalf("%q, %q: %s, want Paid Shopping", medium, campaign, got)
		case isPaid && !isShop && got != "Paid Other" && got != "Display":
			t.Fatalf("%q, %q: %s, want Paid Other", medium, campaign, got)
		case !isPaid && isShop && got != "Organic Shopping":
			t.Fatalf("%q, %q: %s, want Organic Shopping", medium, campaign, got)
		case !isPaid && !isShop && (strings.HasPrefix(got, "Paid") || strings.HasSuffix(got, "Shopping")):
			t.Fatalf("%q, %q: %s", medium, campaign, got)
		}
	})
}

func TestGA4GroupHasTheEighteenChannelsInOrder(t *testing.T) {
	want := []string{
		"Direct", "Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video",
		"Display", "Paid Other", "Organic Shopping", "Organic Social", "Organic Video",
		"Organic Search", "Referral", "Email", "Affiliates", "Audio", "SMS",
		"Mobile Push Notifications",
	}
	var got []string
	for _, rule := range loadChannels().groups["ga4@2026"] {
		got = append(got, rule.name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("channels are %q, want %q", got, want)
	}
	if got := ChannelRules(); !slices.Equal(got, []string{"ga4@2026", "default@1"}) {
		t.Errorf("ChannelRules() = %q", got)
	}
}

func TestDefaultGroupLeavesNothingUnassigned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, m, c := rapid.String().Draw(t, "source"), rapid.String().Draw(t, "medium"), rapid.String().Draw(t, "campaign")
		if got := Channel("default@1", s, m, c); got == unassigned {
			t.Fatalf("%q / %q / %q is Unassigned", s, m, c)
		}
	})
}

func TestParseChannelsNamesTheBadLine(t *testing.T) {
	const head = "group ga4@2026\nchannel A\n"
	for text, want := range map[string]string{
		head + "source in nothing\n":    "line 3",
		head + "medium in search\n":     "line 3",
		head + "place is x\n":           "line 3",
		head + "source like x\n":        "line 3",
		head + "@unknown\n":             "line 3",
		head + "channel B before C\n":   "line 3",
		head + "group x\nlike y\n":      "line 4",
		"group ga4@2026\nsource is x\n": "line 2",
		"group other\nchannel A\nany\n": "no group",
	} {
		if _, err := parseChannels(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseChannels(%q) = %v, want an error that names %s", text, err, want)
		}
	}
}

func TestParseKnownSourcesNamesTheBadLine(t *testing.T) {
	for _, text := range []string{"search google google.com\n", "place x: y\n", "search: y\n"} {
		if _, err := parseKnown(text); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("parseKnown(%q) = %v, want an error that names line 1", text, err)
		}
	}
}
