// What a file of definitions may say.
package replay

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tidemark/internal/property"
)

func TestDefinitionsChangeWhatTheyName(t *testing.T) {
	was, err := property.NewProperty{Name: "Shop", KeyEvents: []string{"purchase"}}.Make()
	if err != nil {
		t.Fatal(err)
	}
	d, err := ParseDefinitions([]byte(`{"sessionTimeout": "1h", "keyEvents": ["sign_up", "a"], "timeZone": "Europe/Berlin"}`))
	if err != nil {
		t.Fatal(err)
	}
	now, err := d.Apply(was)
	if err != nil {
		t.Fatal(err)
	}
	if now.SessionTimeout != time.Hour || strings.Join(now.KeyEvents, " ") != "a sign_up" || now.TimeZone != "Europe/Berlin" {
		t.Errorf("changed settings are %+v", now)
	}
	if now.Currency != was.Currency || now.ChannelRules != was.ChannelRules || now.Name != was.Name {
		t.Errorf("settings that were not named changed: %+v, was %+v", now, was)
	}
}

func TestDefinitionsThatCannotStandAreRefused(t *testing.T) {
	was, err := property.NewProperty{Name: "Shop"}.Make()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"sessionTimeout": "soon"}`:      "sessionTimeout",
		`{"sessionTimeout": "1s"}`:        "sessionTimeout",
		`{"timeZone": "Mars/Olympus"}`:    "timeZone",
		`{"channelRules": "nobody@1"}`:    "channelRules",
		`{"currency": "EURO"}`:            "currency",
		`{"ignoredReferrers": ["a b c"]}`: "ignoredReferrers",
	} {
		d, err := ParseDefinitions([]byte(text))
		if err == nil {
			_, err = d.Apply(was)
		}
		if !errors.Is(err, property.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error about %s", text, err, want)
		}
	}
	for _, text := range []string{"", "[]", `{"timezone2": "UTC"}`, `{} {}`} {
		if _, err := ParseDefinitions([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}
