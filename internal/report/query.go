// Query and Result: the one question type, and its answer. Every API and every
// test speaks these.
package report

import (
	"time"

	"tidemark/internal/ledger"
	"tidemark/internal/property"
	"tidemark/internal/store"
)

// Query asks for metrics of one property, grouped by dimensions. Names are the
// catalog's (GA4 Data API).
type Query struct {
	Property   property.Property
	Dimensions []DimensionRef
	Metrics    []MetricRef
	// Ranges are in the property's time zone. Exactly one of Ranges and Realtime
	// is set.
	Ranges   []DateRange
	Realtime []MinuteRange

	DimensionFilter *Filter
	MetricFilter    *Filter
	Order           []OrderBy
	Offset, Limit   int // Limit 0: the API's default
	// Aggregations asks for summary rows over all rows, not only those within Limit.
	Aggregations []Aggregation
	// KeepEmptyRows keeps rows whose metrics are all zero.
	KeepEmptyRows bool
	// AllVerdicts also counts what a bot rule marked (S23).
	AllVerdicts bool
	// Now is the moment of asking, for Realtime.
	Now time.Time
}

// DimensionRef names a dimension, or an expression over some.
type DimensionRef struct {
	Name string // as it is called in the answer
	// At most one of these is set; none: Name is the catalog name.
	LowerCase, UpperCase string
	Concatenate          []string
	Delimiter            string
}

// MetricRef names a metric.
type MetricRef struct {
	Name      string
	Invisible bool // may be used to filter and order, is not in the answer
}

// DateRange is a range of local days, both included.
type DateRange struct {
	Name       string // in the dateRange column; "" takes date_range_0...
	Start, End Day
}

// Day is a calendar day.
type Day struct {
	Year  int
	Month time.Month
	Day   int
}

// MinuteRange is a range of whole minutes before Now, both included: {29, 0} is
// the last 30 minutes.
type MinuteRange struct {
	Name                     string
	StartMinutesAgo, EndMins int
}

// Filter is a filter expression: exactly one field is set.
type Filter struct {
	And, Or []*Filter
	Not     *Filter
	Field   *FieldFilter
}

// FieldFilter compares one dimension or metric.
type FieldFilter struct {
	Name          string
	Match         store.Match
	Values        []string  // text comparisons
	Numbers       []float64 // numeric comparisons: one, or two for NumBetween
	CaseSensitive bool
}

// Match is how a FieldFilter compares; the names here save APIs from importing store.
type Match = store.Match

// Comparisons. Dimensions take all of them, metrics the numeric ones.
const (
	MatchExact             = store.Exact
	MatchBeginsWith        = store.BeginsWith
	MatchEndsWith          = store.EndsWith
	MatchContains          = store.Contains
	MatchFullRegexp        = store.FullRegexp
	MatchPartialRegexp     = store.PartialRegexp
	MatchIn                = store.In
	MatchNumEqual          = store.NumEqual
	MatchNumLess           = store.NumLess
	MatchNumLessOrEqual    = store.NumLessOrEqual
	MatchNumGreater        = store.NumGreater
	MatchNumGreaterOrEqual = store.NumGreaterOrEqual
	MatchNumBetween        = store.NumBetween
)

// OrderBy is one sort key: a metric or a dimension.
type OrderBy struct {
	Metric    string
	Dimension string
	Type      OrderType
	Desc      bool
}

// OrderType is how dimension values compare.
type OrderType uint8

// Orders of dimension values.
const (
	Alphanumeric OrderType = iota // by bytes (S36)
	CaseInsensitiveAlphanumeric
	Numeric
)

// Aggregation is a summary row.
type Aggregation uint8

// Summary rows.
const (
	Total Aggregation = iota
	Minimum
	Maximum
	CountRows
)

// Result is the answer to a Query. Numbers are exact sums and ratios; APIs print them.
type Result struct {
	Dimensions []string // column names; with several ranges, dateRange is last
	Metrics    []string
	Rows       []Row
	// Summary rows by aggregation, one per date range; Dimensions are empty.
	Totals, Minimums, Maximums, Counts []Row
	RowCount                           int // of all rows, whatever Limit
	Meta                               Meta
}

// Row is one line of an answer.
type Row struct {
	Dimensions []string
	Metrics    []float64
}

// Meta says how far the answer can be trusted (D5, S27).
type Meta struct {
	TimeZone string
	Currency string
	// OtherCurrencies are those of money that revenue metrics of this answer leave
	// out (S35), in order.
	OtherCurrencies []string
	Freshness
	// Exact is false if any number is approximate; Bound then states the error.
	Exact bool
	Bound string
	// Rollups are the names of the prepared sums that answered for final days; empty
	// if everything was counted from rows.
	Rollups      []string
	Restatements []Restatement
	// KeptZones are other zones in which days of this answer were counted whose rows are
	// gone (S30), oldest first.
	KeptZones []KeptZone
}

// KeptZone says that days up to To are those of another zone: after a change of zone they
// cannot be grouped anew.
type KeptZone struct {
	TimeZone string
	To       Day
}

// Freshness is how far the store has come (S27).
type Freshness = ledger.Freshness

// Ledger is the account of a property's events (S33).
type Ledger = ledger.Ledger

// Restatement says that final days were changed, when and why (S29).
type Restatement struct {
	At       time.Time
	Why      string
	From, To Day
}
