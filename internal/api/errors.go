// Errors in Google's shape.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"tidemark/internal/property"
	"tidemark/internal/report"
)

// httpError is an error that says how it is to be answered.
type httpError struct {
	code       int
	status     string // of google.rpc.Code
	message    string
	retryAfter int // seconds; 0: none
	violation  *fieldViolation
	failure    *preconditionFailure
}

// Error implements error.
func (e *httpError) Error() string { return e.message }

type fieldViolation struct {
	Field       string `json:"field"`
	Description string `json:"description"`
}

// preconditionFailure is a violation of google.rpc.PreconditionFailure.
type preconditionFailure struct {
	Type        string `json:"type"`
	Subject     string `json:"subject"`
	Description string `json:"description"`
}

func notFound(message string) error {
	return &httpError{code: http.StatusNotFound, status: "NOT_FOUND", message: message}
}

func unauthenticated(message string) error {
	return &httpError{code: http.StatusUnauthorized, status: "UNAUTHENTICATED", message: message}
}

func denied(message string) error {
	return &httpError{code: http.StatusForbidden, status: "PERMISSION_DENIED", message: message}
}

func tooMany(message string, retryAfter int) error {
	return &httpError{code: http.StatusTooManyRequests, status: "RESOURCE_EXHAUSTED", message: message, retryAfter: retryAfter}
}

// answerOf says how err is answered; what is not the asker's to know is "internal".
func answerOf(err error) *httpError {
	var known *httpError
	var invalid *report.InvalidError
	var gone *report.GoneError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &invalid):
		out := &httpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", message: invalid.Error()}
		if invalid.Field != "" {
			out.violation = &fieldViolation{Field: invalid.Field, Description: invalid.Message}
		}
		return out
	case errors.As(err, &gone): // nothing is wrong with the request, but with when it comes
		return &httpError{code: http.StatusBadRequest, status: "FAILED_PRECONDITION", message: gone.Error(),
			failure: &preconditionFailure{Type: "ROWS_NOT_KEPT", Subject: gone.Field, Description: "rows begin on " + gone.RowsFrom.String()}}
	case errors.As(err, &large):
		return &httpError{code: http.StatusRequestEntityTooLarge, status: "INVALID_ARGUMENT",
			message: "the request is larger than " + strconv.FormatInt(large.Limit, 10) + " bytes"}
	case errors.Is(err, property.ErrInvalid):
		return &httpError{code: http.StatusBadRequest, status: "INVALID_ARGUMENT", message: err.Error()}
	case errors.Is(err, property.ErrAway):
		return &httpError{code: http.StatusServiceUnavailable, status: "UNAVAILABLE", retryAfter: 1,
			message: "who may read what cannot be looked up now: try again in a moment"}
	case errors.Is(err, report.ErrResources):
		return &httpError{code: http.StatusTooManyRequests, status: "RESOURCE_EXHAUSTED", retryAfter: 1,
			message: "the report needs more memory or time than one report may use: ask for fewer days or dimensions, or try again"}
	case errors.Is(err, context.DeadlineExceeded):
		return &httpError{code: http.StatusGatewayTimeout, status: "DEADLINE_EXCEEDED", message: "the answer took too long"}
	}
	return &httpError{code: http.StatusInternalServerError, status: "INTERNAL", message: "internal error"}
}

// writeError answers err. Nothing is written if the asker has gone or the answer has begun.
func (a *API) writeError(w *recorder, r *http.Request, rt route, err error) {
	answer := answerOf(err)
	if r.Context().Err() != nil || w.status != 0 {
		w.status = max(w.status, 499)
		return
	}
	if answer.code == http.StatusInternalServerError {
		a.log.Error("api request failed", "route", rt.path, "error", err)
	}
	body := map[string]any{"code": answer.code, "message": answer.message, "status": answer.status}
	if answer.violation != nil {
		body["details"] = []any{map[string]any{"@type": "type.googleapis.com/google.rpc.BadRequest",
			"fieldViolations": []any{answer.violation}}}
	}
	if answer.failure != nil {
		body["details"] = []any{map[string]any{"@type": "type.googleapis.com/google.rpc.PreconditionFailure",
			"violations": []any{answer.failure}}}
	}
	if answer.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(answer.retryAfter))
	}
	if answer.code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, answer.code, map[string]any{"error": body})
}

// writeJSON answers v. A write that fails means that the asker has gone.
func writeJSON(w http.ResponseWriter, code int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic("BUG: encode answer: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n'))
}
