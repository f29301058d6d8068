package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"

	"foyer/internal/foyer"
)

// maxBody is the largest request body there is.
const maxBody = 64 << 10

// problem is a refusal as RFC 9457 writes it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Code   string `json:"code"`
}

// details are the sentences of the codes. None holds what was sent: a card number must not come back either.
var details = map[string]string{
	codeNotFound:             "There is no such thing, or the client secret is not its.",
	codeKeyReused:            "This key was used for something else.",
	codeUnknownCard:          "This is not one of the sandbox's test cards.",
	codeUnknownAccount:       "This is not one of the sandbox's test accounts.",
	codeNoCard:               "Only a card can be replaced.",
	codeInvalidExpiry:        "The expiry date needs a month from 1 to 12 and a year of four digits.",
	codeExpiredCard:          "The card has expired.",
	codeInvalidCVC:           "The security code has three or four digits.",
	codeInvalid:              "A value breaks a rule.",
	codeNotConfirmed:         "There is nothing to authenticate yet: confirm it with a card first.",
	codeOtherCard:            "This was confirmed with another card before.",
	"malformed":              "The body must be one JSON object with known members only.",
	"unsupported_media_type": "The body must be application/json.",
	"too_large":              "The body is larger than 64 KiB.",
	"not_allowed":            "This path does not take this method.",
	"unavailable":            "The gateway can't answer now. Ask again with the same key.",
}

var statuses = map[foyer.Kind]int{
	foyer.Malformed: http.StatusBadRequest, foyer.NotFound: http.StatusNotFound, foyer.Conflict: http.StatusConflict,
	foyer.Invalid: http.StatusUnprocessableEntity, foyer.Unsupported: http.StatusUnsupportedMediaType,
	foyer.TooLarge: http.StatusRequestEntityTooLarge, foyer.Unavailable: http.StatusServiceUnavailable,
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: details[code], Code: code})
}

func answer(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "unavailable")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// handle makes a handler of what reads one body and answers one value. No content is the answer nil.
func handle[In any](log *slog.Logger, f func(ctx context.Context, r *http.Request, in In) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		var out any
		err := decode(w, r, &in)
		if err == nil {
			out, err = f(r.Context(), r, in)
		}
		respond(w, r, log, out, err)
	}
}

func respond(w http.ResponseWriter, r *http.Request, log *slog.Logger, out any, err error) {
	if err == nil {
		if out == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, http.StatusOK, out)
		return
	}
	if e, ok := foyer.AsError(err); ok && statuses[e.Kind] != 0 {
		if e.Kind == foyer.Unavailable {
			logFailure(r, log, err)
		}
		refuse(w, statuses[e.Kind], e.Code)
		return
	}
	logFailure(r, log, err)
	refuse(w, http.StatusInternalServerError, "unavailable")
}

// logFailure names the route and not the path, which may be anything.
func logFailure(r *http.Request, log *slog.Logger, err error) {
	if r.Context().Err() == nil { // who hung up is no failure of ours
		log.Error("sandbox gateway", "route", r.Pattern, "error", err)
	}
}

// nothing is the body of requests that need none. Its type is asked for all the same: a page of another origin can send
// JSON only after a preflight, which the private routes never grant.
type nothing struct{}

// decode reads one JSON object, strictly. The reader's own errors may repeat what was sent and are dropped.
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	if r.Method == http.MethodGet || r.Method == http.MethodDelete {
		return nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return foyer.Refuse(foyer.Unsupported, "unsupported_media_type")
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return foyer.Refuse(foyer.TooLarge, "too_large")
	}
	return foyer.Refuse(foyer.Malformed, "malformed")
}
