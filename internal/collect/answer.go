// Answers: CORS, success, and the ways of saying no.
package collect

import (
	"errors"
	"net/http"
	"strconv"

	"tidemark/internal/collect/wire"
	"tidemark/internal/eventlog"
)

// allowAnyOrigin lets pages of every site read the answer. Beacons and tags send
// with credentials, for which a browser wants the origin by name; no route here
// reads a cookie, so there is nothing to protect.
func allowAnyOrigin(h http.Header, r *http.Request) {
	origin := r.Header["Origin"]
	if len(origin) != 1 {
		h["Access-Control-Allow-Origin"] = []string{"*"}
	} else {
		h["Access-Control-Allow-Origin"] = origin
		h["Access-Control-Allow-Credentials"] = []string{"true"}
		h["Vary"] = []string{"Origin"}
	}
	h["Cache-Control"] = []string{"no-store"}
}

// preflight answers what a browser asks before it sends what no form could.
func preflight(h http.Header, r *http.Request, methods string) {
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Content-Type, Content-Encoding")
	h.Set("Access-Control-Max-Age", "86400")
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
}

// answerNothing is how protocols answer that tell their senders nothing.
func answerNothing(_ *arrival, w http.ResponseWriter, _ error) {
	w.WriteHeader(http.StatusNoContent)
}

// maxListed bounds the refusals in an answer.
const maxListed = 1000

// answerNative tells what was accepted and what not, and why (S37).
func answerNative(a *arrival, w http.ResponseWriter, whole error) {
	switch {
	case errors.Is(whole, errTooLarge):
		answerError(w, http.StatusRequestEntityTooLarge, "INVALID_ARGUMENT", "The body is too large.")
		return
	case whole != nil:
		answerError(w, http.StatusBadRequest, "INVALID_ARGUMENT",
			"The body cannot be read. It must be a JSON object, an array of objects, or one object a line, plain or with gzip or zstd.")
		return
	}
	out := append(a.body[:0], `{"accepted":`...)
	out = strconv.AppendInt(out, int64(len(a.accepted)), 10)
	out = append(out, `,"refused":[`...)
	for i, r := range a.refusals {
		if i == maxListed {
			break
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"index":`...)
		out = strconv.AppendInt(out, int64(r.index), 10)
		out = append(out, `,"reason":"`...)
		out = append(out, r.why...)
		out = append(out, `"}`...)
	}
	out = append(out, ']')
	if total := len(a.request.Drafts) + a.request.Surplus - len(a.accepted); total > maxListed {
		out = append(out, `,"refusedTotal":`...)
		out = strconv.AppendInt(out, int64(total), 10)
	}
	out = append(out, '}', '\n')
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(out) // The client may be gone; the events are safe all the same.
	a.body = out
}

// answerError answers in the shape of all errors of /v1.
func answerError(w http.ResponseWriter, code int, status, message string) {
	out := append([]byte(nil), `{"error":{"code":`...)
	out = strconv.AppendInt(out, int64(code), 10)
	out = append(out, `,"message":`...)
	out = strconv.AppendQuote(out, message)
	out = append(out, `,"status":"`...)
	out = append(out, status...)
	out = append(out, `"}}`+"\n"...)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(out) // The client may be gone.
}

// What a sender is told that must send again.
const (
	keptNothing = "Nothing of the request was kept. Send it again."
	keptPerhaps = "The request may have been kept. Send it again with the same event keys: what was kept is not counted twice."
)

// unavailable answers a request that is not known to be durable. A retry with
// the same event keys is safe (S7).
func (c *Collector) unavailable(w http.ResponseWriter, err error) {
	var lookup lookupError
	message := keptNothing
	var partial *eventlog.PartialError
	if errors.Is(err, eventlog.ErrUnknown) || errors.As(err, &partial) {
		message = keptPerhaps
	}
	switch {
	case errors.Is(err, errNotSent):
		c.telemetry.failures[failBody].Inc()
		w.Header().Set("Connection", "close")
		answerError(w, http.StatusRequestTimeout, "DEADLINE_EXCEEDED", "The body did not arrive in time.")
		return
	case errors.Is(err, wire.ErrOverBudget):
		c.telemetry.failures[failMemory].Inc()
	case errors.As(err, &lookup):
		c.telemetry.failures[failLookup].Inc()
		c.complainAbout("registry does not answer", err)
	default:
		c.telemetry.failures[failLog].Inc()
		c.complainAbout("events were not appended", err)
	}
	w.Header().Set("Retry-After", "1")
	w.Header().Set("Access-Control-Expose-Headers", "Retry-After")
	answerError(w, http.StatusServiceUnavailable, "UNAVAILABLE", message)
}

func (c *Collector) complainAbout(what string, err error) {
	if c.complain.now(c.deps.Clock()) {
		c.deps.Logger.Warn(what, "error", err)
	}
}
