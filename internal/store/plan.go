// Plan: a question to the store in logical terms. Adapters render it in their
// dialect; no SQL crosses this line.
package store

import "tidemark/internal/event"

// Plan asks for aggregates of one relation, grouped by dimensions.
type Plan struct {
	Property event.PropertyID
	Relation Relation
	// From and To bound EventTime (Events, EventSessions) or the session's start
	// (Sessions): From <= t < To.
	From, To event.Time
	// Zone gives the property's offset from UTC over [From, To).
	Zone Zone
	// Anchor is "now" for MinutesAgo.
	Anchor event.Time

	Dimensions []Dimension
	Aggregates []Aggregate
	Filter     *Predicate // nil: all
	// ObservedUsers counts users by user id where the session has one (S9).
	ObservedUsers bool
	// AllVerdicts also reads what a bot rule marked (S23).
	AllVerdicts bool
	// Users says how DistinctUsers may be counted.
	Users UserCount
	// ZoneName is the name of Zone. Cells of another zone are not used.
	ZoneName string
	// MaxRows bounds the answer; one row more is an ErrTooManyRows.
	MaxRows int
}

// UserCount is how exactly distinct users are counted.
type UserCount uint8

const (
	// ExactUsers are counted from rows.
	ExactUsers UserCount = iota
	// SketchedUsers may come from sketches, within sketch.UsersError. Rows.Exact says
	// whether they did.
	SketchedUsers
	// BoundUsers: any number that is not smaller than SketchedUsers would be, and 0
	// only if that is 0. It is cheap, and good enough to leave out rows that cannot
	// be among the first.
	BoundUsers
)

// Relation is what a plan aggregates.
type Relation uint8

const (
	// Events: one row per event. Session and user columns are those of its session.
	Events Relation = iota
	// Sessions: one row per counted session, in the bucket of its start (S20).
	Sessions
	// EventSessions: one row per distinct (dimension values, counted session) of
	// the matching events, in the events' buckets (S21). Aggregates read session columns.
	EventSessions
)

// Column is a column that plans can name. The same name may exist on events and
// on sessions (country); the relation says which is meant.
type Column string

// Columns. Text unless said otherwise.
const (
	ColName     Column = "event_name"
	ColHost     Column = "host"
	ColPath     Column = "path"
	ColQuery    Column = "query"
	ColTitle    Column = "title"
	ColReferrer Column = "referrer"
	ColParam    Column = "param" // with Dimension.Param
	ColUserID   Column = "user_id"
	ColVerdict  Column = "verdict"
	ColCurrency Column = "currency" // of the event's value

	ColLanguage Column = "language" // events and sessions, down to ColOSMajor
	ColScreen   Column = "screen"
	ColCountry  Column = "country"
	ColRegion   Column = "region"
	ColCity     Column = "city"
	ColCategory Column = "device_category"
	ColBrowser  Column = "browser"
	ColOS       Column = "operating_system"
	ColOSMajor  Column = "operating_system_version"

	ColEventSource   Column = "event_source"
	ColEventMedium   Column = "event_medium"
	ColEventCampaign Column = "event_campaign"

	ColSource            Column = "session_source" // sessions, and events through theirs
	ColMedium            Column = "session_medium"
	ColCampaign          Column = "session_campaign"
	ColChannel           Column = "session_channel"
	ColLandingHost       Column = "landing_host"
	ColLandingPath       Column = "landing_path"
	ColLandingQuery      Column = "landing_query"
	ColExitPath          Column = "exit_path"
	ColNewVsReturning    Column = "new_vs_returning"
	ColFirstUserSource   Column = "first_user_source"
	ColFirstUserMedium   Column = "first_user_medium"
	ColFirstUserCampaign Column = "first_user_campaign"
	ColFirstUserChannel  Column = "first_user_channel"

	ColTime Column = "time" // with Dimension.Bucket: EventTime, or the session's start

	// Booleans of events, for Aggregate.Where.
	ColActive     Column = "active"
	ColPageView   Column = "page_view"
	ColKeyEvent   Column = "key_event"
	ColFirstEvent Column = "first_event" // the client's first event (S18)
	// Numbers of events.
	ColEngagementMS Column = "engagement_ms"
	ColValueMicros  Column = "value_micros"
	// Booleans and numbers of sessions.
	ColEngaged         Column = "engaged"
	ColDurationMicros  Column = "duration_us"
	ColSessionEvents   Column = "session_events"
	ColSessionViews    Column = "session_views"
	ColSessionKeyEvent Column = "session_key_events"
	ColSessionRevenue  Column = "session_revenue_micros"
)

// Dimension is an expression to group or filter by. Its values are texts.
type Dimension struct {
	Column Column
	Param  string // for ColParam: the key; a missing param is NotSet
	Bucket Bucket // for ColTime
}

// Bucket is how a time reads as a text, in local time.
type Bucket uint8

// Buckets and their texts.
const (
	NoBucket   Bucket = iota
	Date              // 20261123
	DateHour          // 2026112314
	Hour              // 14
	DateMinute        // 202611231405
	MinutesAgo        // 00..; whole minutes from the row's time to Anchor
	Year              // 2026
	Month             // 202611
	Week              // 20261122: the Sunday that begins it
	ISOWeek           // 20261123: the Monday that begins it
)

// Zone is a property's offset from UTC, as a step function.
type Zone []ZoneStep

// ZoneStep says that from At on (the first step: from ever) local time is UTC + Offset.
type ZoneStep struct {
	At     event.Time
	Offset int64 // microseconds
}

// Op is an aggregate function. All results are int64.
type Op uint8

// Aggregate functions.
const (
	Count         Op = iota // rows, or rows where Where is true
	Sum                     // of Column
	DistinctUsers           // Events only; of rows where Where is true if it is set
)

// Aggregate is one number of an answer.
type Aggregate struct {
	Op     Op
	Column Column
	Where  Column // a boolean column, or ""
}

// Predicate is a filter over dimensions: exactly one field group is set.
type Predicate struct {
	And, Or []*Predicate
	Not     *Predicate
	Leaf    *Leaf
}

// Leaf compares one dimension.
type Leaf struct {
	Dimension Dimension
	Match     Match
	Values    []string // one, or several for In
	// CaseSensitive is false by default; then comparison is by Unicode simple folding (S36).
	CaseSensitive bool
}

// Match is how a leaf compares.
type Match uint8

// Comparisons. Regexp uses RE2 syntax. Numeric comparisons read the dimension as a
// decimal number, with a fraction and an exponent if it has them; what is no
// number does not match.
const (
	Exact Match = iota
	BeginsWith
	EndsWith
	Contains
	FullRegexp
	PartialRegexp
	In
	NumEqual
	NumLess
	NumLessOrEqual
	NumGreater
	NumGreaterOrEqual
	NumBetween // Values[0] <= x <= Values[1]
)

// Rows is an answer. Dimensions[i] and Aggregates[i] are of row i; the order of
// rows is not defined. A plan without dimensions has exactly one row, of zeros if
// nothing matches. Bytes that are no UTF-8 read as U+FFFD.
type Rows struct {
	Dimensions [][]string
	Aggregates [][]int64
	// Approximate tells that some DistinctUsers came from merged sketches.
	Approximate bool
	// Bound tells that DistinctUsers are bounds only, as the plan allowed.
	Bound bool
	// Rollup is the name of the rollup that answered for final days; "" if rows did.
	Rollup string
}
