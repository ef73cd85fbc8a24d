// User agents beyond the examples of testdata: overrides, and that the short
// cuts never change an answer.
package enrich

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/ua-parser/uap-go/uaparser"

	"tidemark/internal/event"
)

const chromeOnWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"

func TestS39DeviceGivenByTheSenderWins(t *testing.T) {
	d := NewDeriver(DefaultConfig())
	for _, c := range []struct {
		dev  *event.Device
		want Facts
	}{
		{&event.Device{Category: "Smart TV"}, Facts{Category: "smart tv", Browser: "Chrome", OS: "Windows", OSMajor: "10"}},
		{&event.Device{Browser: "Google Chrome"}, Facts{Category: "desktop", Browser: "Chrome", OS: "Windows", OSMajor: "10"}},
		{&event.Device{OperatingSystem: "Windows", OperatingSystemVersion: "11.0"}, Facts{Category: "desktop", Browser: "Chrome", OS: "Windows", OSMajor: "11"}},
		{&event.Device{OperatingSystem: "macOS"}, Facts{Category: "desktop", Browser: "Chrome", OS: "Macintosh", OSMajor: notSet}},
		{&event.Device{OperatingSystem: "Fuchsia", OperatingSystemVersion: "beta"}, Facts{Category: "desktop", Browser: "Chrome", OS: "Fuchsia", OSMajor: "beta"}},
	} {
		var f Facts
		d.Derive(&event.Event{UserAgent: chromeOnWindows, Device: c.dev}, nil, &f)
		got := Facts{Category: f.Category, Browser: f.Browser, OS: f.OS, OSMajor: f.OSMajor}
		if got != c.want {
			t.Errorf("device %v: got %+v, want %+v", c.dev, got, c.want)
		}
	}
}

func TestS23AddressVerdictWins(t *testing.T) {
	d := NewDeriver(DefaultConfig())
	for _, agent := range []string{"", chromeOnWindows, "Googlebot/2.1"} {
		var f Facts
		d.Derive(&event.Event{UserAgent: agent, AddressVerdict: "address_datacenter@1"}, nil, &f)
		if f.Verdict != "address_datacenter@1" {
			t.Errorf("verdict on %q from a data centre is %q", agent, f.Verdict)
		}
	}
}

// sampleAgents returns the user agents of testdata and n mutations of them.
func sampleAgents(t testing.TB, n int) []string {
	t.Helper()
	var agents []string
	for _, name := range []string{"agents", "bots"} {
		text, err := os.ReadFile("testdata/facts/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if strings.Contains(line, "/") && !strings.Contains(line, " | ") && !strings.HasPrefix(line, "#") {
				agents = append(agents, line)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range n { // the beginning of one, the end of another, a changed letter
		a, b := agents[rnd.IntN(len(agents))], agents[rnd.IntN(len(agents))]
		m := []byte(a[:rnd.IntN(len(a)+1)] + b[rnd.IntN(len(b)+1):])
		if len(m) > 0 {
			m[rnd.IntN(len(m))] = byte(' ' + rnd.IntN(95))
		}
		agents = append(agents, cutAgent(string(m)))
	}
	return agents
}

// everyPattern is the simple way: try all of them, in turn.
func everyPattern[T any](l *patternList[T], agent string, isSet func(*T) bool) T {
	var v T
	for _, p := range l.patterns {
		if p.match(agent, &v); isSet(&v) {
			break
		}
	}
	return v
}

func TestN1LeavingPatternsOutChangesNoAnswer(t *testing.T) {
	tail := loadTail()
	for _, agent := range sampleAgents(t, 300) {
		lower := lowerASCII(agent)
		if loadBotRules().find(lower) != nil {
			continue // never asked
		}
		want := everyPattern(&tail.browsers, agent, func(ua *uaparser.UserAgent) bool { return ua.Family != "" })
		if got := tail.browser(agent, lower); got != want.Family {
			t.Errorf("browser of %q is %q, want %q", agent, got, want.Family)
		}
		system := everyPattern(&tail.systems, agent, func(os *uaparser.Os) bool { return os.Family != "" })
		family, major, minor := tail.system(agent, lower)
		if family != system.Family || major != system.Major || minor != system.Minor {
			t.Errorf("system of %q is %q %q %q, want %v", agent, family, major, minor, system)
		}
	}
}

// What is read by hand must be what the patterns say.
func TestN1ReadingByHandAgreesWithPatterns(t *testing.T) {
	read := 0
	for _, agent := range sampleAgents(t, 2000) {
		var byHand, byPatterns agentFacts
		if !commonAgent(agent, &byHand) {
			continue
		}
		read++
		rareAgent(agent, lowerASCII(agent), &byPatterns)
		if byHand.browser != byPatterns.browser {
			t.Errorf("%q is %+v by hand, %+v by patterns", agent, byHand, byPatterns)
		}
		if byHand.os != byPatterns.os || byHand.osMajor != byPatterns.osMajor && byHand.os != "Linux" &&
			byHand.os != "Chrome OS" {
			t.Errorf("%q is on %+v by hand, on %+v by patterns", agent, byHand, byPatterns)
		}
	}
	if read < 40 {
		t.Errorf("only %d user agents were read by hand", read)
	}
}

func TestN2HostileAgentsCostABoundedNumberOfTrials(t *testing.T) {
	tail := loadTail()
	for _, agent := range []string{
		strings.Repeat("Mozilla/5.0 ", 22), strings.Repeat("Chrome/", 36), strings.Repeat("a", 256),
		strings.Repeat("bot/Bot ", 32), strings.Repeat("Version/Safari/Mobile ", 12),
	} {
		agent = cutAgent(agent)
		var trials int
		counting := patternList[uaparser.UserAgent]{texts: tail.browsers.texts, needs: tail.browsers.needs}
		for _, p := range tail.browsers.patterns {
			counting.patterns = append(counting.patterns, pattern[uaparser.UserAgent]{
				match: func(string, *uaparser.UserAgent) { trials++ }, needs: p.needs,
			})
		}
		var ua uaparser.UserAgent
		counting.find(agent, lowerASCII(agent), &ua, func(*uaparser.UserAgent) bool { return false })
		if trials > maxTrials {
			t.Errorf("%q costs %d trials, want at most %d", agent, trials, maxTrials)
		}
	}
}

func TestRealAgentsStayFarFromTheBoundOnTrials(t *testing.T) {
	tail, most := loadTail(), 0
	for _, agent := range sampleAgents(t, 0) {
		trials := 0
		list := patternList[uaparser.UserAgent]{texts: tail.browsers.texts}
		for _, p := range tail.browsers.patterns {
			list.patterns = append(list.patterns, pattern[uaparser.UserAgent]{
				match: func(s string, ua *uaparser.UserAgent) { trials++; p.match(s, ua) }, needs: p.needs,
			})
		}
		var ua uaparser.UserAgent
		list.find(agent, lowerASCII(agent), &ua, func(u *uaparser.UserAgent) bool { return u.Family != "" })
		most = max(most, trials)
	}
	if most == 0 || most > maxTrials/2 {
		t.Errorf("a real user agent costs %d trials, want at most %d", most, maxTrials/2)
	}
}

func TestRequiredTextsHoldForWhatMatches(t *testing.T) {
	for expr, want := range map[string]string{
		`(Foo|Bars)/(\d+)`:       "[[foo/ bars/]]",
		`Foo(bar)?baz`:           "[[foobaz foobarbaz]]",
		`a+bcd`:                  "[[bcd]]",
		`[A-z]+Spider/`:          "[[spider/]]",
		`\d+`:                    "[]",
		`(?:iPod|iPad).*Version`: "[[ipod ipad] [version]]",
		`x(?:abc|)`:              "[]",
		`(?i)ChRome/`:            "[[chrome/]]",
		`(`:                      "[]",
	} {
		if got := fmt.Sprint(requiredTexts(expr)); got != want {
			t.Errorf("requiredTexts(%q) = %s, want %s", expr, got, want)
		}
	}
}

func TestParseBotRulesNamesTheBadLine(t *testing.T) {
	for text, want := range map[string]string{
		"rule x\n":                      "line 1", // no version
		"version one\n":                 "line 1",
		"version 1\nrule\n":             "line 2",
		"version 1\nrule a b\n":         "line 2",
		"version 1\nrule a\nhas ab\n":   "line 3",
		"version 1\nrule a\nlike abc\n": "line 3",
	} {
		if _, err := parseBotRules(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("parseBotRules(%q) = %v, want an error that names %s", text, err, want)
		}
	}
}
