// The Measurement Protocol's validation endpoint: reads as the real one does,
// keeps nothing, and says what is wrong.
package collect

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"tidemark/internal/collect/wire"
	"tidemark/internal/collect/wire/mp"
	"tidemark/internal/event"
	"tidemark/internal/property"
)

// debug serves POST /debug/mp/collect.
func (c *Collector) debug(w http.ResponseWriter, r *http.Request) {
	a := c.arrive(mpProtocol())
	defer a.leave()
	a.readQuery(r.URL.RawQuery)
	report := &mp.Report{Messages: []mp.Message{}}
	if err := a.validate(w, r, report); err != nil {
		c.unavailable(w, err)
		return
	}
	out, err := json.Marshal(map[string]any{"validationMessages": report.Messages})
	if err != nil {
		panic("BUG: validation messages cannot be marshalled: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(append(out, '\n')) // The client may be gone.
}

// validate reads the request and tells report what is wrong with it.
func (a *arrival) validate(w http.ResponseWriter, r *http.Request, report *mp.Report) error {
	if err := a.validateStream(r.Context(), report); err != nil {
		return err
	}
	body, err := a.readBody(w, r)
	switch {
	case errors.Is(err, errTooLarge):
		report.Add("", mp.ValueOutOfBounds, "The body is larger than %d bytes.", a.c.cfg.MaxBody)
		return nil
	case errors.Is(err, wire.ErrUnreadable):
		report.Add("", mp.ValueInvalid, "The body cannot be read: %v.", err)
		return nil
	case err != nil:
		return err
	}
	err = mp.Decode(body, &a.request, report)
	if errors.Is(err, wire.ErrUnreadable) {
		return nil // The report has it.
	}
	a.validateTimes(report)
	return err
}

// validateStream checks measurement id and secret.
func (a *arrival) validateStream(ctx context.Context, report *mp.Report) error {
	if a.measurementID == "" {
		report.Add("measurement_id", mp.ValueRequired, "The query needs a measurement_id.")
		return nil
	}
	s, err := a.stream(ctx, &wire.Draft{})
	switch {
	case err != nil && !errors.Is(err, property.ErrNotFound):
		return err
	case s.refused == event.RefuseUnknownProperty:
		report.Add("measurement_id", mp.ValueInvalid, "There is no data stream with this measurement_id.")
	case s.refused == event.RefuseBadSecret && a.secret == "":
		report.Add("api_secret", mp.ValueRequired, "The query needs an api_secret.")
	case s.refused == event.RefuseBadSecret:
		report.Add("api_secret", mp.ValueInvalid, "The api_secret is not one of this data stream.")
	}
	return nil
}

// validateTimes tells which events would be too late (S3).
func (a *arrival) validateTimes(report *mp.Report) {
	a.stamp()
	for i := range a.request.Drafts {
		at, _ := event.ResolveEventTime(a.request.Drafts[i].ClientTime, 0, a.ingest)
		if a.ingest.Sub(at) > event.AllowedLatenessTrusted {
			report.Add("timestamp_micros", mp.ValueOutOfBounds,
				"Event %d is older than 72 hours; it would be kept but be in no report.", i)
		}
	}
}
