// The report methods of the Data API.
package api

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"tidemark/internal/property"
	"tidemark/internal/report"
)

func (a *API) runReport(w http.ResponseWriter, r *http.Request) error {
	return a.runOne(w, r, "analyticsData#runReport", asking.readRunReport)
}

func (a *API) runRealtimeReport(w http.ResponseWriter, r *http.Request) error {
	return a.runOne(w, r, "analyticsData#runRealtimeReport", asking.readRealtime)
}

func (a *API) runOne(w http.ResponseWriter, r *http.Request, kind string, read func(asking, node) asked) error {
	about, body, err := a.readReportRequest(r)
	if err != nil {
		return err
	}
	question := read(about, body)
	if body.r.err != nil {
		return body.r.err
	}
	results, err := a.deps.Reports.Run(r.Context(), []*report.Query{question.query})
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, a.response(kind, question, results[0]))
	return nil
}

func (a *API) batchRunReports(w http.ResponseWriter, r *http.Request) error {
	about, body, err := a.readReportRequest(r)
	if err != nil {
		return err
	}
	questions := about.readBatch(body)
	if body.r.err != nil {
		return body.r.err
	}
	queries := make([]*report.Query, len(questions))
	for i, q := range questions {
		queries[i] = q.query
	}
	results, err := a.deps.Reports.Run(r.Context(), queries)
	if err != nil {
		return err
	}
	out := batchResponse{Kind: "analyticsData#batchRunReports"}
	for i, result := range results {
		out.Reports = append(out.Reports, a.response("analyticsData#runReport", questions[i], result))
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// readReportRequest finds the property and reads the body of a report method.
func (a *API) readReportRequest(r *http.Request) (asking, node, error) {
	p, err := a.readable(r)
	if err != nil {
		return asking{}, node{}, err
	}
	about, err := a.asking(p)
	if err != nil {
		return asking{}, node{}, err
	}
	body, err := readBody(r)
	return about, body, err
}

func (a *API) asking(p property.Property) (asking, error) {
	loc, err := time.LoadLocation(p.TimeZone)
	if err != nil {
		return asking{}, fmt.Errorf("load time zone of property %s: %w", p.ID, err)
	}
	return asking{property: p, now: a.deps.Now(), location: loc}, nil
}

func readBody(r *http.Request) (node, error) {
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return node{}, err
	}
	value, err := parseJSON(text)
	return node{r: &reader{}, value: value}, err
}
