// The Registry contract and the values that cross it.
package property

import (
	"context"
	"errors"
	"time"

	"tidemark/internal/event"
)

// Errors that callers tell apart. Adapters wrap them.
var (
	ErrNotFound = errors.New("not found")
	ErrInvalid  = errors.New("invalid")
	ErrExists   = errors.New("already exists")
	ErrBadLogin = errors.New("wrong email address or password")
	// ErrAway: nobody can tell now, and the same question may be answered in a while.
	ErrAway         = errors.New("the registry does not answer")
	ErrTokenInvalid = errors.New("this link was used already or has expired")
)

// Property is the reporting scope of one site or app.
type Property struct {
	ID       event.PropertyID
	Name     string
	TimeZone string // IANA name
	Currency string // ISO 4217
	// SessionTimeout ends a session that has no tracker's session id (S12).
	SessionTimeout time.Duration
	KeyEvents      []string
	ObservedUsers  bool // S9
	// IgnoredReferrers are hosts whose referrals are not sources.
	IgnoredReferrers []string
	ChannelRules     string
	// Version grows with each change of the fields above.
	Version uint64
	// RowDays is for how many local days rows are kept after their day; 0: for ever
	// (S30). It changes nothing of how events count, so it has no part in Version.
	RowDays int
	Streams []DataStream
	Created time.Time
}

// DataStream is one source of events of a property.
type DataStream struct {
	MeasurementID string // "G-" and ten upper-case letters or digits
	Name          string
}

// NewProperty is what a person says to make one. Empty fields take defaults.
type NewProperty struct {
	Name      string
	TimeZone  string // default UTC
	Currency  string // default USD
	KeyEvents []string
	RowDays   int
}

// Credentials are shown once, when a property is made; only hashes are kept.
type Credentials struct {
	Property      event.PropertyID `json:"property,string"`
	MeasurementID string           `json:"measurementId"`
	APISecret     string           `json:"apiSecret"`
	ReadKey       string           `json:"readKey"`
}

// Member is a person who logs in to the dashboards.
type Member struct {
	ID    int64
	Email string
}

// Registry keeps them.
type Registry interface {
	// CreateProperty checks n (ErrInvalid says what is wrong with which field)
	// and makes a property with one data stream, one API secret, one read key.
	CreateProperty(ctx context.Context, n NewProperty) (Property, Credentials, error)
	// UpdateProperty replaces the settings of p.ID and returns it with its new Version.
	UpdateProperty(ctx context.Context, p Property) (Property, error)
	Property(ctx context.Context, id event.PropertyID) (Property, error)
	Properties(ctx context.Context) ([]Property, error)
	// PropertyOfStream finds the property by measurement id (ErrNotFound).
	PropertyOfStream(ctx context.Context, measurementID string) (Property, error)

	// CheckAPISecret tells whether secret belongs to the stream.
	CheckAPISecret(ctx context.Context, measurementID, secret string) (bool, error)
	// PropertiesOfReadKey returns what the key may read (ErrNotFound).
	PropertiesOfReadKey(ctx context.Context, readKey string) ([]event.PropertyID, error)

	// CreateSetupToken makes the one-time token for the first member. It
	// returns ErrExists once there is a member.
	CreateSetupToken(ctx context.Context) (token string, err error)
	// Setup uses the token and makes the first member (ErrTokenInvalid, ErrInvalid).
	Setup(ctx context.Context, token, email, password string) (Member, error)
	// Login checks a password in constant time and starts a login (ErrBadLogin).
	Login(ctx context.Context, email, password string) (Member, error)
	// StartLogin returns a random token for the member's cookie.
	StartLogin(ctx context.Context, member int64, lifetime time.Duration) (token string, err error)
	// MemberOfLogin returns whose token it is (ErrNotFound).
	MemberOfLogin(ctx context.Context, token string) (Member, error)
	EndLogin(ctx context.Context, token string) error
	// MemberProperties returns what a member may read: until there are roles, all.
	MemberProperties(ctx context.Context, member int64) ([]event.PropertyID, error)

	// Salt returns the salt of a property-independent calendar day ("2026-11-23"),
	// making it on first use. ErrNotFound if the day's salt is past its life (R4).
	Salt(ctx context.Context, day string, now time.Time) ([]byte, error)
	// DropSalts erases salts past their life.
	DropSalts(ctx context.Context, now time.Time) error

	// Changes returns a number that grows whenever any process changes a
	// property, stream or key. It is cheap enough to ask several times a second.
	Changes(ctx context.Context) (uint64, error)

	Close() error
}
