// Responses of the Data API: numbers as strings, unset fields left out.
package api

import (
	"strconv"
	"time"

	"tidemark/internal/catalog"
	"tidemark/internal/event"
	"tidemark/internal/report"
)

type reportResponse struct {
	DimensionHeaders []dimensionHeader `json:"dimensionHeaders,omitempty"`
	MetricHeaders    []metricHeader    `json:"metricHeaders,omitempty"`
	Rows             []rowJSON         `json:"rows,omitempty"`
	Totals           []rowJSON         `json:"totals,omitempty"`
	Maximums         []rowJSON         `json:"maximums,omitempty"`
	Minimums         []rowJSON         `json:"minimums,omitempty"`
	RowCount         int               `json:"rowCount,omitempty"`
	Metadata         metadataJSON      `json:"metadata"`
	PropertyQuota    *quotaJSON        `json:"propertyQuota,omitempty"`
	Kind             string            `json:"kind"`
}

type batchResponse struct {
	Reports []reportResponse `json:"reports,omitempty"`
	Kind    string           `json:"kind"`
}

type dimensionHeader struct {
	Name string `json:"name"`
}

type metricHeader struct {
	Name string       `json:"name"`
	Type catalog.Type `json:"type"`
}

type rowJSON struct {
	DimensionValues []valueJSON `json:"dimensionValues,omitempty"`
	MetricValues    []valueJSON `json:"metricValues,omitempty"`
}

type valueJSON struct {
	Value string `json:"value"`
}

type metadataJSON struct {
	DataLossFromOtherRow bool         `json:"dataLossFromOtherRow"` // never, and said so
	CurrencyCode         string       `json:"currencyCode,omitempty"`
	TimeZone             string       `json:"timeZone,omitempty"`
	Tidemark             tidemarkJSON `json:"tidemark"`
}

// tidemarkJSON says how far the answer can be trusted (D5). GA4 has nothing like it.
type tidemarkJSON struct {
	ProcessedThrough string                       `json:"processedThrough"`
	FinalThrough     string                       `json:"finalThrough"`
	CompleteThrough  string                       `json:"completeThrough"`
	Exact            bool                         `json:"exact"`
	Bound            string                       `json:"bound,omitempty"`
	Rollups          []string                     `json:"rollups,omitempty"` // that answered for final days
	Late             int64                        `json:"late"`
	Duplicates       int64                        `json:"duplicates"`
	TooLate          int64                        `json:"tooLate"`
	Refused          map[event.RefuseReason]int64 `json:"refused"`
	OtherCurrencies  []string                     `json:"otherCurrencies,omitempty"`
	Restatements     []restatementJSON            `json:"restatements"`
	KeptZones        []keptZoneJSON               `json:"keptZones,omitempty"`
}

type restatementJSON struct {
	At   string `json:"at"`
	Why  string `json:"why"`
	From string `json:"from"`
	To   string `json:"to"`
}

// keptZoneJSON: days up to to, whose rows are gone, are those of another zone.
type keptZoneJSON struct {
	TimeZone string `json:"timeZone"`
	To       string `json:"to"`
}

type quotaJSON struct {
	TokensPerDay              quotaStatus `json:"tokensPerDay"`
	TokensPerHour             quotaStatus `json:"tokensPerHour"`
	ConcurrentRequests        quotaStatus `json:"concurrentRequests"`
	ServerErrorsPerHour       quotaStatus `json:"serverErrorsPerProjectPerHour"`
	ThresholdedPerHour        quotaStatus `json:"potentiallyThresholdedRequestsPerHour"`
	TokensPerProjectAndByHour quotaStatus `json:"tokensPerProjectPerHour"`
}

type quotaStatus struct {
	Remaining int32 `json:"remaining"`
}

// unlimited is what remains of every quota: there are none.
var unlimited = quotaStatus{Remaining: 1_000_000_000}

func (a *API) response(kind string, q asked, result *report.Result) reportResponse {
	out := reportResponse{Kind: kind, RowCount: result.RowCount, Metadata: metaJSON(result.Meta)}
	for _, name := range result.Dimensions {
		out.DimensionHeaders = append(out.DimensionHeaders, dimensionHeader{name})
	}
	types := make([]catalog.Type, len(result.Metrics))
	for i, name := range result.Metrics {
		m, err := a.deps.Reports.Catalog().Metric(name)
		if err != nil {
			panic("BUG: an answer has a metric that the catalog has not: " + name)
		}
		types[i] = m.Type
		out.MetricHeaders = append(out.MetricHeaders, metricHeader{name, m.Type})
	}
	for _, row := range result.Rows {
		out.Rows = append(out.Rows, rowOf(row.Dimensions, row.Metrics))
	}
	out.Totals = summaryRows(q, result, result.Totals, "RESERVED_TOTAL")
	out.Maximums = summaryRows(q, result, result.Maximums, "RESERVED_MAX")
	out.Minimums = summaryRows(q, result, result.Minimums, "RESERVED_MIN")
	if q.quota {
		out.PropertyQuota = &quotaJSON{unlimited, unlimited, unlimited, unlimited, unlimited, unlimited}
	}
	return out
}

// summaryRows marks every dimension of a summary row; only its date range is a real value.
func summaryRows(q asked, result *report.Result, rows []report.Row, mark string) []rowJSON {
	var out []rowJSON
	for i, row := range rows {
		texts := make([]string, len(result.Dimensions))
		for k, name := range result.Dimensions {
			texts[k] = mark
			if name == "dateRange" {
				texts[k] = rangeName(q.query, i)
			}
		}
		out = append(out, rowOf(texts, row.Metrics))
	}
	return out
}

func rangeName(q *report.Query, i int) string {
	name := ""
	if len(q.Ranges) > 0 {
		name = q.Ranges[i].Name
	} else {
		name = q.Realtime[i].Name
	}
	if name == "" {
		name = "date_range_" + strconv.Itoa(i)
	}
	return name
}

func rowOf(texts []string, numbers []float64) rowJSON {
	row := rowJSON{}
	for _, text := range texts {
		row.DimensionValues = append(row.DimensionValues, valueJSON{text})
	}
	for _, x := range numbers {
		row.MetricValues = append(row.MetricValues, valueJSON{strconv.FormatFloat(x, 'f', -1, 64)})
	}
	return row
}

func metaJSON(m report.Meta) metadataJSON {
	t := tidemarkJSON{
		ProcessedThrough: timeText(m.ProcessedThrough), FinalThrough: timeText(m.FinalThrough),
		CompleteThrough: timeText(m.CompleteThrough), Exact: m.Exact, Bound: m.Bound, Rollups: m.Rollups,
		Late: m.Ledger.Late, Duplicates: m.Ledger.Duplicate, TooLate: m.Ledger.TooLate,
		Refused: m.Ledger.Refused, OtherCurrencies: m.OtherCurrencies, Restatements: []restatementJSON{},
	}
	if t.Refused == nil {
		t.Refused = map[event.RefuseReason]int64{}
	}
	for _, r := range m.Restatements {
		t.Restatements = append(t.Restatements, restatementJSON{At: r.At.UTC().Format(time.RFC3339), Why: r.Why,
			From: r.From.String(), To: r.To.String()})
	}
	for _, k := range m.KeptZones {
		t.KeptZones = append(t.KeptZones, keptZoneJSON{TimeZone: k.TimeZone, To: k.To.String()})
	}
	return metadataJSON{CurrencyCode: m.Currency, TimeZone: m.TimeZone, Tidemark: t}
}

func timeText(t event.Time) string { return t.Std().Format("2006-01-02T15:04:05.000Z07:00") }
