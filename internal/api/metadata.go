// Metadata and compatibility: what a report may ask for.
package api

import (
	"net/http"

	"tidemark/internal/catalog"
	"tidemark/internal/report"
)

type dimensionMetadata struct {
	APIName     string `json:"apiName"`
	UIName      string `json:"uiName"`
	Description string `json:"description"`
	Category    string `json:"category"`
}

type metricMetadata struct {
	APIName     string       `json:"apiName"`
	UIName      string       `json:"uiName"`
	Description string       `json:"description"`
	Type        catalog.Type `json:"type"`
	Category    string       `json:"category"`
}

func (a *API) metadata(w http.ResponseWriter, r *http.Request) error {
	name := "properties/0/metadata"
	if r.PathValue("property") == "0" { // what every property has
		if _, err := a.identify(r); err != nil {
			return err
		}
	} else {
		p, err := a.readable(r)
		if err != nil {
			return err
		}
		name = "properties/" + p.ID.String() + "/metadata"
	}
	out := struct {
		Name       string              `json:"name"`
		Dimensions []dimensionMetadata `json:"dimensions"`
		Metrics    []metricMetadata    `json:"metrics"`
	}{Name: name}
	for _, d := range a.deps.Reports.Catalog().Dimensions() {
		out.Dimensions = append(out.Dimensions, dimensionOf(d))
	}
	for _, m := range a.deps.Reports.Catalog().Metrics() {
		out.Metrics = append(out.Metrics, metricOf(m))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

func dimensionOf(d catalog.Dimension) dimensionMetadata {
	return dimensionMetadata{APIName: d.Name, UIName: d.UIName, Description: d.Description, Category: d.Category}
}

func metricOf(m catalog.Metric) metricMetadata {
	return metricMetadata{APIName: m.Name, UIName: m.UIName, Description: m.Description, Type: m.Type, Category: m.Category}
}

type dimensionCompatibility struct {
	Dimension     dimensionMetadata `json:"dimensionMetadata"`
	Compatibility string            `json:"compatibility"`
}

type metricCompatibility struct {
	Metric        metricMetadata `json:"metricMetadata"`
	Compatibility string         `json:"compatibility"`
}

const (
	compatible   = "COMPATIBLE"
	incompatible = "INCOMPATIBLE"
)

// checkCompatibility tells what can be added to a report. Here nearly
// everything combines: session metrics by event dimensions count the sessions
// of the matching events (S21).
func (a *API) checkCompatibility(w http.ResponseWriter, r *http.Request) error {
	about, body, err := a.readReportRequest(r)
	if err != nil {
		return err
	}
	f := body.fields()
	about.readProperty(f.get("property"))
	q := &report.Query{Property: about.property, Now: about.now}
	f.get("dimensions").list(func(item node) { q.Dimensions = append(q.Dimensions, readDimension(item)) })
	f.get("metrics").list(func(item node) { q.Metrics = append(q.Metrics, readMetric(item)) })
	q.DimensionFilter = readFilter(f.get("dimensionFilter"), 1)
	q.MetricFilter = readFilter(f.get("metricFilter"), 1)
	only := [...]string{"", compatible, incompatible}[f.get("compatibilityFilter").enum(
		"COMPATIBILITY_UNSPECIFIED", compatible, incompatible)]
	f.done()
	if body.r.err != nil {
		return body.r.err
	}
	today := about.today()
	q.Ranges = []report.DateRange{{Start: today, End: today}}
	if len(q.Dimensions)+len(q.Metrics) > 0 {
		if err := a.deps.Reports.Check(q); err != nil {
			return err
		}
	}
	writeJSON(w, http.StatusOK, a.compatibilities(only))
	return nil
}

func (a *API) compatibilities(only string) any {
	out := struct {
		Dimensions []dimensionCompatibility `json:"dimensionCompatibilities,omitempty"`
		Metrics    []metricCompatibility    `json:"metricCompatibilities,omitempty"`
	}{}
	for _, d := range a.deps.Reports.Catalog().Dimensions() {
		is := compatible
		if d.RealtimeOnly {
			is = incompatible
		}
		if only == "" || only == is {
			out.Dimensions = append(out.Dimensions, dimensionCompatibility{dimensionOf(d), is})
		}
	}
	if only == incompatible {
		return out
	}
	for _, m := range a.deps.Reports.Catalog().Metrics() {
		out.Metrics = append(out.Metrics, metricCompatibility{metricOf(m), compatible})
	}
	return out
}
