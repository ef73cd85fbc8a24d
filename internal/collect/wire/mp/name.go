// Names: which events the protocol keeps for itself.
package mp

import (
	"strings"
	"unicode"

	"tidemark/internal/event"
)

// checkName returns why the protocol would not take an event of this name.
func checkName(name string) (event.RefuseReason, Code) {
	switch {
	case name == "":
		return event.RefuseNoName, ValueRequired
	case len(name) > event.MaxName || !isName(name):
		return event.RefuseBadName, NameInvalid
	case isReserved(name):
		return event.RefuseReservedName, NameReserved
	}
	return "", ""
}

// isName tells whether name is a letter, then letters, digits and underscores.
func isName(name string) bool {
	for i, r := range name {
		if unicode.IsLetter(r) || i > 0 && (r == '_' || unicode.IsDigit(r)) {
			continue
		}
		return false
	}
	return name != ""
}

func hasReservedPrefix(name string) bool {
	for _, prefix := range []string{"_", "firebase_", "ga_", "google_", "gtag."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// isReserved tells whether only tags and apps may send the event: a copy of it
// from a server would count what was counted already.
func isReserved(name string) bool {
	switch name {
	case "ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure",
		"app_clear_data", "app_exception", "app_install", "app_remove", "app_store_refund",
		"app_store_subscription_cancel", "app_store_subscription_convert",
		"app_store_subscription_renew", "app_update", "app_upgrade", "app_background",
		"dynamic_link_app_open", "dynamic_link_app_update", "dynamic_link_first_open",
		"error", "first_open", "first_visit", "in_app_purchase", "notification_dismiss",
		"notification_foreground", "notification_open", "notification_receive", "os_update",
		"session_start", "session_start_with_rollout", "user_engagement":
		return true
	}
	return hasReservedPrefix(name)
}
