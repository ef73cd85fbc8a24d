// Rows: what the fold hands to the store.
package store

import "tidemark/internal/event"

// NotSet stands where a fact is missing (S36).
const NotSet = "(not set)"

// Batch is the outcome of folding a run of records. It becomes visible as one.
type Batch struct {
	Events   []EventRow
	Sessions []SessionRow
	Aliases  []AliasRow
}

// Reset empties b and keeps its memory.
func (b *Batch) Reset() {
	b.Events, b.Sessions, b.Aliases = b.Events[:0], b.Sessions[:0], b.Aliases[:0]
}

// EventRow is one counted event, or a synthetic row beside it.
type EventRow struct {
	Property event.PropertyID
	Row      event.RowID // the log record
	Sub      uint8       // 0 the event itself, 1 session_start, 2 first_visit (S15)
	Part     event.RowID // the part of a session in which it lies
	Client   event.RowID // number of the client
	UserID   string      // "" if none
	Verdict  string      // "" clean, else rule id @ version (S23)

	EventTime  event.Time
	IngestTime event.Time
	Index      uint32 // in its request (S4)
	Key        string // event key (S4, S5); dropped when final

	Name     string
	Host     string
	Path     string // without query
	Query    string // without "?"; "" if none
	Title    string
	Referrer string
	Language string
	Screen   string

	Country  string // ISO 3166-1 alpha-2 or NotSet
	Region   string
	City     string
	Category string // desktop, mobile, tablet, smart tv
	Browser  string
	OS       string
	OSMajor  string // version of the operating system

	Source   string // the event's own source; NotSet if it brings none
	Medium   string
	Campaign string

	EngagementMS int64
	Active       bool // S11
	PageView     bool // page_view or screen_view
	KeyEvent     bool
	ValueMicros  int64
	Currency     string // NotSet if the event has no value, or one of no currency
	// MarkedKey: the sender itself marked it as a key event, whatever the property's
	// definition says. CountedBefore: the tracker says that it belongs to a later than the
	// client's first session (S18). Both are there for a replay.
	MarkedKey     bool
	CountedBefore bool
	// Params is a JSON object of the params, "" if there are none: keys sorted, no
	// white space, numbers and booleans as event.Param.AppendText prints them,
	// quotes, backslashes and control characters in texts as \u00XX.
	Params string
}

// SessionRow is a revision of a session (S14). A revision of a session is
// written once. Of a Tombstone only Property, Session and Revision are read.
type SessionRow struct {
	Property  event.PropertyID
	Session   event.RowID // id: Part of its first part
	Revision  uint64      // higher wins
	Tombstone bool        // absorbed: the session is no more
	Counted   bool        // false: a holder of events outside sessions (S13, S38)
	Client    event.RowID
	ClientID  string
	UserID    string // first user id in it; "" if none (S9)
	Verdict   string

	Start  event.Time // first event's EventTime
	End    event.Time // last event's EventTime
	Closes event.Time // from here on no event can join it

	LandingHost  string // first page_view
	LandingPath  string
	LandingQuery string
	ExitHost     string // last page_view
	ExitPath     string

	Country  string // first event
	Region   string
	City     string
	Language string
	Screen   string
	Category string
	Browser  string
	OS       string
	OSMajor  string

	Source   string // S17
	Medium   string
	Campaign string
	Channel  string

	FirstUserSource   string // S17
	FirstUserMedium   string
	FirstUserCampaign string
	FirstUserChannel  string

	NewVsReturning string      // new, returning, NotSet (S18)
	FirstEvent     event.RowID // the client's first event, if HasFirst
	HasFirst       bool        // the client's first event lies in this session

	SessionID string // the tracker's own id of it, "" if it gave none (S12)
	OwnSource bool   // its source was brought by one of its own events (S17)

	Events        int64
	Views         int64
	KeyEvents     int64
	EngagementMS  int64
	RevenueMicros int64 // in the property's currency (S35)
	Engaged       bool  // S15
}

// AliasRow says to which session a part belongs.
type AliasRow struct {
	Property event.PropertyID
	Part     event.RowID
	Session  event.RowID
	Revision uint64     // higher wins
	Time     event.Time // latest EventTime in the part
}
