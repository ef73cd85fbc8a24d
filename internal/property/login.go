// Checks of what a person types to become a member or to log in.
package property

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a member's login. A password is hashed slowly, so its length is
// capped before the work starts.
const (
	MinPassword = 10 // characters
	MaxPassword = 1024
	MaxEmail    = 254

	// SetupLife is how long a setup link works. Starting the server again
	// prints a new one as long as nobody is a member.
	SetupLife = 7 * 24 * time.Hour
	// MaxLogins bounds what one member's browsers can pile up (D8); the oldest
	// login ends for a new one.
	MaxLogins = 100
)

// NormalEmail returns the form in which an address is kept and compared:
// trimmed and in lower case. ErrInvalid if it is no bare address.
func NormalEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" || len(s) > MaxEmail {
		return "", invalid("email", "must be an email address")
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return "", invalid("email", "must be an email address")
	}
	return s, nil
}

// CheckPassword says whether a new password may be taken.
func CheckPassword(s string) error {
	switch {
	case !utf8.ValidString(s):
		return invalid("password", "must be UTF-8 text")
	case utf8.RuneCountInString(s) < MinPassword:
		return invalid("password", "must have at least %d characters", MinPassword)
	case len(s) > MaxPassword:
		return invalid("password", "must not be longer than %d bytes", MaxPassword)
	}
	return nil
}
