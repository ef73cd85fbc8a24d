// The Catalog and the shapes of its entries.
package catalog

import (
	"fmt"
	"strings"

	"tidemark/internal/event"
)

// Scope is the entity that a dimension or metric describes. It decides which
// rows a report reads (S20, S21).
type Scope uint8

// Scopes.
const (
	// Event: a fact of one event. It makes session metrics count the sessions
	// of the matching events (S21).
	Event Scope = iota
	// Session: a fact of the session.
	Session
	// User: a fact of the client's history.
	User
	// EventOrSession: the event's own fact for event and user metrics, the fact of
	// the session's first event for session metrics.
	EventOrSession
	// Time: EventTime for event and user metrics, the session's start for
	// session metrics (S20).
	Time
	// Query: not a fact of any row but of the question.
	Query
)

// String returns the scope as the reference text shows it.
func (s Scope) String() string {
	return [...]string{"event", "session", "user", "event or session", "time", "query"}[s]
}

// Fact is one stored fact that dimensions are made of.
type Fact string

// Form says how a dimension's text is made of its facts.
type Form uint8

// Forms.
const (
	// Plain: the one fact as it is.
	Plain Form = iota
	// PathAndQuery: path, and "?" and query if there is a query.
	PathAndQuery
	// HostPathAndQuery: host, if known, before a PathAndQuery.
	HostPathAndQuery
	// SlashPair: "a / b".
	SlashPair
	// SpacePair: "a b".
	SpacePair
	// NameOfCountry, NameOfContinent, IDOfContinent: what stands for the code of a country.
	NameOfCountry
	NameOfContinent
	IDOfContinent
	// NameOfLanguage: what stands for the code of a language.
	NameOfLanguage
	// Parts of a local day, hour, month or of the week that begins on a day.
	MonthOfYear
	DayOfMonth
	DayOfWeek
	DayOfWeekName
	ISOWeekOfYear
	ISOYear
	ISOYearAndWeek
	// WeekOfYear, YearAndWeek: of a year, and the Sunday that begins a week.
	WeekOfYear
	YearAndWeek
	// How many began since the range's first one.
	NthHour
	NthDay
	NthWeek
	NthMonth
	NthYear
)

// Dimension is something to group and filter by. Its values are texts.
type Dimension struct {
	Name        string // as the API calls it
	UIName      string
	Description string
	Category    string
	Scope       Scope
	Facts       []Fact
	Form        Form
	// Param is the key of the event parameter, for customEvent:<key>.
	Param string
	// RealtimeOnly: it has no meaning in a report over days.
	RealtimeOnly bool
}

// Type is how a metric's value is to be read. Names are GA4's.
type Type string

// Types.
const (
	Integer Type = "TYPE_INTEGER"
	Float   Type = "TYPE_FLOAT"
	Seconds Type = "TYPE_SECONDS"
	// Currency: an amount in the property's currency (S35).
	Currency Type = "TYPE_CURRENCY"
)

// Part is a whole number that the store counts.
type Part uint8

// Parts. NoPart stands for nothing.
const (
	NoPart Part = iota
	Events
	Views
	KeyEvents
	EngagementMillis
	ValueMicros
	Users
	ActiveUsers
	NewUsers
	// Money: sums of the property's currency, and how many events they come from (S35).
	PurchaseMicros
	AdMicros
	RefundMicros
	Transactions
	Purchases
	Sessions
	EngagedSessions
	SessionMicros
	// NumParts is one more than the last part.
	NumParts
)

// OfSessions tells whether the part is counted over sessions.
func (p Part) OfSessions() bool { return p >= Sessions && p < NumParts }

// Distinct tells whether the part counts distinct things, so that its values
// of two groups do not add up to that of both together.
func (p Part) Distinct() bool { return p == Users || p == ActiveUsers }

// OfMoney tells whether the part is counted over events that carry money, by
// their names and currencies.
func (p Part) OfMoney() bool { return p >= PurchaseMicros && p <= Purchases }

// Revenue tells whether the part leaves out what is in other currencies.
func (p Part) Revenue() bool { return p >= PurchaseMicros && p <= RefundMicros }

// Metric is a number to compute: (Plus + Also - Minus) / Unit / Over.
type Metric struct {
	Name        string
	UIName      string
	Description string
	Category    string
	Scope       Scope
	Type        Type

	Plus  Part
	Also  Part    // NoPart: 0
	Minus Part    // NoPart: 0
	Unit  float64 // 0: 1
	Over  Part    // NoPart: not a ratio
}

// Parts returns the parts of which m is made.
func (m Metric) Parts() []Part {
	parts := make([]Part, 0, 4)
	for _, p := range []Part{m.Plus, m.Also, m.Minus, m.Over} {
		if p != NoPart {
			parts = append(parts, p)
		}
	}
	return parts
}

// Value computes m from its parts. A ratio over nothing is 0.
func (m Metric) Value(parts *[NumParts]int64) float64 {
	n := parts[m.Plus]
	if m.Also != NoPart {
		n += parts[m.Also]
	}
	if m.Minus != NoPart {
		n -= parts[m.Minus]
	}
	v := float64(n)
	if m.Unit != 0 {
		v /= m.Unit
	}
	if m.Over == NoPart {
		return v
	}
	if parts[m.Over] == 0 {
		return 0
	}
	return v / float64(parts[m.Over])
}

// CustomEventPrefix begins the names of dimensions that read an event parameter.
const CustomEventPrefix = "customEvent:"

// Catalog finds dimensions and metrics by name.
type Catalog struct {
	dimensions []Dimension
	metrics    []Metric
	dimension  map[string]int
	metric     map[string]int
}

// New returns the catalog.
func New() *Catalog {
	c := &Catalog{
		dimensions: dimensions(), metrics: metrics(),
		dimension: map[string]int{}, metric: map[string]int{},
	}
	for i, d := range c.dimensions {
		c.dimension[d.Name] = i
	}
	for i, m := range c.metrics {
		c.metric[m.Name] = i
	}
	return c
}

// Dimensions lists all dimensions, without those of single event parameters.
func (c *Catalog) Dimensions() []Dimension { return append([]Dimension(nil), c.dimensions...) }

// Metrics lists all metrics.
func (c *Catalog) Metrics() []Metric { return append([]Metric(nil), c.metrics...) }

// Dimension finds a dimension, or makes the one of an event parameter.
func (c *Catalog) Dimension(name string) (Dimension, error) {
	if i, ok := c.dimension[name]; ok {
		return c.dimensions[i], nil
	}
	if key, ok := strings.CutPrefix(name, CustomEventPrefix); ok {
		return customEvent(key)
	}
	if _, ok := c.metric[name]; ok {
		return Dimension{}, &UnknownError{Kind: "dimension", Name: name,
			Hint: fmt.Sprintf("%s is a metric", name)}
	}
	return Dimension{}, &UnknownError{Kind: "dimension", Name: name, Hint: didYouMean(name, c.dimensionNames())}
}

// Metric finds a metric.
func (c *Catalog) Metric(name string) (Metric, error) {
	if i, ok := c.metric[name]; ok {
		return c.metrics[i], nil
	}
	if _, ok := c.dimension[name]; ok {
		return Metric{}, &UnknownError{Kind: "metric", Name: name,
			Hint: fmt.Sprintf("%s is a dimension", name)}
	}
	return Metric{}, &UnknownError{Kind: "metric", Name: name, Hint: didYouMean(name, c.metricNames())}
}

func customEvent(key string) (Dimension, error) {
	if key == "" || len(key) > event.MaxParamKey {
		return Dimension{}, &UnknownError{Kind: "dimension", Name: CustomEventPrefix + key,
			Hint: fmt.Sprintf("after %s stands the key of an event parameter, 1 to %d bytes",
				CustomEventPrefix, event.MaxParamKey)}
	}
	return Dimension{
		Name: CustomEventPrefix + key, UIName: key, Category: "Custom",
		Description: "The value of the event parameter " + key + ", as text.",
		Scope:       Event, Facts: []Fact{Param}, Param: key,
	}, nil
}

func (c *Catalog) dimensionNames() []string {
	names := make([]string, len(c.dimensions))
	for i, d := range c.dimensions {
		names[i] = d.Name
	}
	return names
}

func (c *Catalog) metricNames() []string {
	names := make([]string, len(c.metrics))
	for i, m := range c.metrics {
		names[i] = m.Name
	}
	return names
}
