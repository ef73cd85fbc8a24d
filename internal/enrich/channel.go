// Channels: the default channel group of a source.
package enrich

import "strings"

// Channel returns the channel of a session source under the named rules.
func Channel(rules, source, medium, campaign string) string {
	switch {
	case source == "(direct)":
		return "Direct"
	case strings.Contains(medium, "cp") && source == "google":
		return "Paid Search"
	case medium == "organic":
		return "Organic Search"
	case medium == "referral":
		return "Referral"
	case medium == "email":
		return "Email"
	}
	return "Unassigned"
}
