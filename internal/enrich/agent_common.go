// Common browsers, read by hand: nine of ten user agents have one of a few
// shapes. Anything that is not exactly of such a shape is left to the
// patterns of agent_uap.go, so that this file never guesses.
package enrich

import "strings"

// product is what a word like "Chrome/126.0" tells about the browser.
type product struct {
	browser string // "" if the word only belongs to the shape
	rank    int    // the highest one in a user agent names the browser
}

// productOf knows every word that a common user agent may hold.
func productOf(name string) (product, bool) {
	switch name {
	case "AppleWebKit", "(KHTML,", "like", "Gecko", "Gecko)", "Mobile", "Version":
		return product{}, true
	case "Safari":
		return product{"Safari", 1}, true
	case "Chrome", "CriOS":
		return product{"Chrome", 2}, true
	case "Firefox", "FxiOS":
		return product{"Firefox", 2}, true
	case "SamsungBrowser":
		return product{"Samsung Internet", 3}, true
	case "Edg", "EdgA", "EdgiOS", "Edge":
		return product{"Edge", 3}, true
	case "OPR", "OPT", "OPiOS":
		return product{"Opera", 3}, true
	}
	return product{}, false
}

// commonAgent reads "Mozilla/5.0 (system) products" and tells whether it
// understood every word.
func commonAgent(agent string, a *agentFacts) bool {
	rest, ok := strings.CutPrefix(agent, "Mozilla/5.0 (")
	if !ok {
		return false
	}
	system, rest, ok := strings.Cut(rest, ") ")
	if !ok || !commonSystem(system, a) {
		return false
	}
	found := product{}
	for rest != "" {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		name, _, _ := strings.Cut(word, "/")
		p, known := productOf(name)
		if !known {
			return inAppBrowser(agent, a)
		}
		if p.rank > found.rank {
			found = p
		}
	}
	if found.browser == "" {
		return inAppBrowser(agent, a)
	}
	a.browser = found.browser
	if found.browser == "Safari" && a.os == "Android" {
		a.browser = "Android Browser"
	}
	return !isWebView(system) || inAppBrowser(agent, a)
}

// inAppBrowser names the two browsers inside apps as GA4 does: a web view
// of Android says so, one of iOS leaves "Safari/" out. Which app it is comes
// after, in words without end.
func inAppBrowser(agent string, a *agentFacts) bool {
	switch {
	case a.os == "Android" && strings.Contains(agent, "; wv) ") && strings.Contains(agent, "Chrome/"):
		a.browser = "Android Webview"
	case a.os == "iOS" && strings.Contains(agent, " AppleWebKit/") && !strings.Contains(agent, "Safari/"):
		a.browser = "Safari (in-app)"
	default:
		return false
	}
	return true
}

func isWebView(system string) bool { return strings.HasSuffix(system, "; wv") }

// commonSystem reads what stands between the first brackets. It leaves
// everything but Windows, macOS, Android, iOS, ChromeOS and plain Linux alone.
func commonSystem(system string, a *agentFacts) bool {
	switch {
	case strings.HasPrefix(system, "Windows NT "):
		version := firstField(system[len("Windows NT "):])
		a.os, a.osMajor = "Windows", windowsVersion(version)
		return a.osMajor != ""
	case strings.HasPrefix(system, "Macintosh; Intel Mac OS X "):
		version := firstField(system[len("Macintosh; Intel Mac OS X "):])
		a.os, a.osMajor = "Macintosh", majorVersion(version)
		return a.osMajor != notSet
	case strings.HasPrefix(system, "iPhone; CPU iPhone OS ") && isLikeMac(system):
		a.os, a.osMajor = "iOS", majorVersion(system[len("iPhone; CPU iPhone OS "):])
		return a.osMajor != notSet
	case strings.HasPrefix(system, "iPad; CPU OS ") && isLikeMac(system):
		a.os, a.osMajor = "iOS", majorVersion(system[len("iPad; CPU OS "):])
		return a.osMajor != notSet
	case strings.HasPrefix(system, "Linux; Android "):
		a.os, a.osMajor = "Android", majorVersion(system[len("Linux; Android "):])
		return a.osMajor != notSet
	case strings.HasPrefix(system, "Android "): // Firefox
		a.os, a.osMajor = "Android", majorVersion(system[len("Android "):])
		return a.osMajor != notSet
	case strings.HasPrefix(system, "X11; CrOS "):
		_, version, _ := strings.Cut(system[len("X11; CrOS "):], " ")
		a.os, a.osMajor = "Chrome OS", majorVersion(version)
		return a.osMajor != notSet
	case strings.HasPrefix(system, "X11; Linux "), strings.HasPrefix(system, "X11; Ubuntu; Linux "):
		a.os, a.osMajor = "Linux", notSet
		return true
	}
	return false
}

func isLikeMac(system string) bool { return strings.HasSuffix(system, " like Mac OS X") }

// windowsVersion names a version of the Windows kernel, "" if it is not known.
func windowsVersion(kernel string) string {
	switch kernel {
	case "10.0":
		return "10" // Windows 11 sends 10.0 too
	case "6.3":
		return "8.1"
	case "6.2":
		return "8"
	case "6.1":
		return "7"
	case "6.0":
		return "Vista"
	case "5.1", "5.2":
		return "XP"
	}
	return ""
}

// firstField returns s up to a semicolon.
func firstField(s string) string {
	field, _, _ := strings.Cut(s, ";")
	return field
}

// majorVersion returns the digits at the start of s, or "(not set)".
func majorVersion(s string) string {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	if n == 0 || n > 6 {
		return notSet
	}
	return s[:n]
}
