// Limits of a query (D8).
package report

// The first five are GA4's.
const (
	MaxDimensions   = 9
	MaxMetrics      = 10
	MaxRanges       = 4
	MaxLimit        = 250_000
	DefaultLimit    = 10_000
	MaxMinuteRanges = 2
	MaxMinutesAgo   = 29

	// MaxFilterDepth bounds how deep filter groups nest; deeper ones would
	// overflow the stack of whatever reads the SQL.
	MaxFilterDepth = 16
	// MaxFilterLeaves bounds the comparisons of one filter.
	MaxFilterLeaves = 200
	// MaxListValues bounds one inListFilter.
	MaxListValues = 10_000
	// MaxPattern bounds a regular expression; RE2 takes time linear in it.
	MaxPattern = 1024
	// MaxFilterValue bounds any other text to compare with.
	MaxFilterValue = 8192
	// MaxConcatenated bounds the dimensions of one concatenate expression.
	MaxConcatenated = 9
	// MaxRangeDays bounds one date range: ten years of whole days.
	MaxRangeDays = 3660

	// maxMerges bounds the extra plans that a dimension expression may need.
	maxMerges = 100
	// maxTuples bounds the value combinations that are sent back to the store
	// as a filter. Beyond it, statements take longer to parse than to run.
	maxTuples = 10_000
)
