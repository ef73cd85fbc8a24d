// Names: what ua-parser and client hints call things, in GA4's words, and
// which kind of device a user agent speaks for.
package enrich

import "strings"

// browserName returns GA4's name of a browser family.
func browserName(family string) string {
	switch family {
	case "", "Other":
		return notSet
	case "Mobile Safari":
		return "Safari"
	case "Mobile Safari UI/WKWebView":
		return "Safari (in-app)"
	case "Chrome Mobile", "Chrome Mobile iOS", "Google Chrome":
		return "Chrome"
	case "Chrome Mobile WebView":
		return "Android Webview"
	case "Android":
		return "Android Browser"
	case "Firefox Mobile", "Firefox iOS", "Mozilla Firefox", "Firefox Beta", "Firefox Alpha":
		return "Firefox"
	case "Edge Mobile", "Microsoft Edge":
		return "Edge"
	case "Opera Mobile", "Opera Tablet", "Opera Touch":
		return "Opera"
	case "IE", "IE Mobile":
		return "Internet Explorer"
	case "Samsung Browser":
		return "Samsung Internet"
	case "Amazon Silk":
		return "Amazon Silk"
	case "UC Browser", "UCBrowser":
		return "UC Browser"
	case "Yandex Browser":
		return "YaBrowser"
	}
	return family
}

// systemName returns GA4's name of an operating system.
func systemName(family string) string {
	switch family {
	case "", "Other", "ATV OS X", "Unknown":
		return notSet
	case "Mac OS X", "Mac OS", "macOS", "OS X", "MacOS":
		return "Macintosh"
	case "Windows NT", "Windows 95", "Windows 98", "Windows ME", "Windows 2000":
		return "Windows"
	case "ChromeOS", "Chromium OS", "CrOS":
		return "Chrome OS"
	case "iPadOS", "iPhone OS":
		return "iOS"
	case "Ubuntu", "Debian", "Fedora", "Red Hat", "CentOS", "SUSE", "openSUSE", "Linux Mint",
		"Mint", "Arch Linux", "Gentoo", "Mageia", "Mandriva", "Slackware", "Kubuntu",
		"Lubuntu", "Xubuntu", "PCLinuxOS", "Puppy", "VectorLinux", "Raspbian":
		return "Linux"
	}
	return family
}

// systemVersion returns the part of a version that reports show.
func systemVersion(name, major, minor string) string {
	switch {
	case major == "":
		return notSet
	case name == "Windows" && major == "8" && minor == "1":
		return "8.1"
	case name == "Linux":
		return notSet // of the distribution or of the kernel: nothing to compare
	}
	return major
}

// tvMarks are parts of lower-case user agents of television sets, boxes and
// game consoles.
var tvMarks = [...]string{
	"smart-tv", "smarttv", "smart tv", "googletv", "google tv", "android tv", "androidtv",
	"apple tv", "appletv", "hbbtv", "netcast", "web0s", "webos.tv", "bravia", "; aft",
	"roku", "crkey", "viera", "dtv", "philipstv", "chromecast", "mibox", "mitv", "shield android",
	"tvos", "tv safari", "playstation", "xbox", "nintendo",
}

// tabletMarks are parts of lower-case user agents of tablets.
var tabletMarks = [...]string{"ipad", "tablet", "playbook", "kindle", "; kf", "silk/"}

// mobileMarks are parts of lower-case user agents of telephones.
var mobileMarks = [...]string{
	"mobile", "iphone", "ipod", "phone", "opera mini", "opera mobi", "blackberry", "bb10",
	"symbian", "symbos", "series60", "series40", "midp", "kaios", "webos", "maemo",
}

// deviceCategory tells the kind of device. system is GA4's name.
func deviceCategory(lower, system string) string {
	isMobile := strings.Contains(lower, "mobile")
	switch {
	case containsAny(lower, tvMarks[:]):
		return "smart tv"
	case strings.HasPrefix(lower, "mozilla/5.0 (windows nt ") && !isMobile:
		return "desktop" // "Tablet PC" in it is no tablet
	case containsAny(lower, tabletMarks[:]) && !(isMobile && strings.Contains(lower, "silk/")):
		return "tablet"
	case containsAny(lower, mobileMarks[:]):
		return "mobile"
	case system == "Android" && strings.HasPrefix(lower, "mozilla/"):
		return "tablet" // browsers of telephones say "Mobile"
	}
	switch system {
	case "iOS", "Android":
		return "mobile"
	case notSet:
		return notSet
	}
	return "desktop"
}

func containsAny(s string, marks []string) bool {
	for _, m := range marks {
		if strings.Contains(s, m) {
			return true
		}
	}
	return false
}
