package stripetest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
)

// maxDeviceBody is the largest body of a device.
const maxDeviceBody = 64 << 10

type deviceConfirmation struct {
	ClientSecret string `json:"client_secret"`
	Instrument
}

// chargeConfirmation has a payment's secret; a card that is sent with it is not read.
type chargeConfirmation struct {
	ClientSecret string          `json:"client_secret"`
	Card         json.RawMessage `json:"card"`
}

type authentication struct {
	ClientSecret string `json:"client_secret"`
	// Outcome is what the customer answers their bank: succeed or fail.
	Outcome string `json:"outcome"`
}

// addDevice adds the routes of the customer's device, which are our sandbox gateway's.
func (f *Fake) addDevice() {
	f.device("/sandbox-gateway/setups/{id}/confirm", func(id string, r *http.Request) (Progress, Refusal) {
		var in deviceConfirmation
		if refusal := decode(r, &in); refusal != "" {
			return "", refusal
		}
		return f.confirmSetup(f.named(id, in.ClientSecret), in.Instrument)
	})
	f.device("/sandbox-gateway/setups/{id}/authenticate", func(id string, r *http.Request) (Progress, Refusal) {
		in, succeed, refusal := decodeAnswer(r)
		if refusal != "" {
			return "", refusal
		}
		return f.authenticateSetup(f.named(id, in.ClientSecret), succeed)
	})
	f.device("/sandbox-gateway/charges/{id}/confirm", func(id string, r *http.Request) (Progress, Refusal) {
		var in chargeConfirmation
		if refusal := decode(r, &in); refusal != "" {
			return "", refusal
		}
		i := f.intentOf(in.ClientSecret)
		if i == nil || i.metadata[metaAttempt] != id {
			return "", codeNotFound
		}
		return i.progress(), ""
	})
	f.device("/sandbox-gateway/charges/{id}/authenticate", func(id string, r *http.Request) (Progress, Refusal) {
		in, succeed, refusal := decodeAnswer(r)
		if refusal != "" {
			return "", refusal
		}
		i := f.intentOf(in.ClientSecret)
		if i == nil || i.metadata[metaAttempt] != id {
			return "", codeNotFound
		}
		if i.status == "requires_action" {
			f.authenticate(i, succeed)
		}
		return i.progress(), ""
	})
}

// named finds the setup of our id, when the secret is its.
func (f *Fake) named(id, secret string) *setup {
	if s := f.setupOf(secret); s != nil && s.metadata[metaSetup] == id {
		return s
	}
	return nil
}

// device adds a route every origin may use. The body is read before the lock is taken: a slow device holds up nobody.
func (f *Fake) device(path string, do func(id string, r *http.Request) (Progress, Refusal)) {
	f.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		open(w)
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxDeviceBody))
		if err != nil {
			problem(w, http.StatusRequestEntityTooLarge, "too_large")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		p, refusal := f.locked(r, do)
		if refusal != "" {
			problem(w, statusOf(refusal), refusal)
			return
		}
		writeJSON(w, object{"status": p})
	})
	f.mux.HandleFunc("OPTIONS "+path, func(w http.ResponseWriter, _ *http.Request) {
		open(w)
		w.Header().Set("Access-Control-Allow-Methods", "POST, OPTIONS")
		w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
		w.Header().Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
	f.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		open(w)
		w.Header().Set("Allow", "POST, OPTIONS")
		problem(w, http.StatusMethodNotAllowed, "not_allowed")
	})
}

func (f *Fake) locked(r *http.Request, do func(id string, r *http.Request) (Progress, Refusal)) (Progress, Refusal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return do(r.PathValue("id"), r)
}

func statusOf(r Refusal) int {
	switch r {
	case "malformed":
		return http.StatusBadRequest
	case "unsupported_media_type":
		return http.StatusUnsupportedMediaType
	case codeNotFound:
		return http.StatusNotFound
	case codeNotConfirmed, codeOtherCard:
		return http.StatusConflict
	}
	return http.StatusUnprocessableEntity
}

// open lets every origin read an answer; credentials are not allowed with it.
func open(w http.ResponseWriter) { w.Header().Set("Access-Control-Allow-Origin", "*") }

// problem writes a refusal as our sandbox gateway does, without what was sent.
func problem(w http.ResponseWriter, status int, code Refusal) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(object{
		"type": "about:blank", "title": http.StatusText(status), "status": status, "code": code, "detail": details[code],
	})
}

var details = map[Refusal]string{
	codeNotFound:             "There is no such thing, or the client secret is not its.",
	codeUnknownCard:          "This is not one of Stripe's test cards the fake knows.",
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
}

// decode reads one JSON object, strictly.
func decode(r *http.Request, into any) Refusal {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		return "unsupported_media_type"
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if d.Decode(into) != nil {
		return "malformed"
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return "malformed"
	}
	return ""
}

func decodeAnswer(r *http.Request) (authentication, bool, Refusal) {
	var in authentication
	if refusal := decode(r, &in); refusal != "" {
		return in, false, refusal
	}
	if in.Outcome != "succeed" && in.Outcome != "fail" {
		return in, false, codeInvalid
	}
	return in, in.Outcome == "succeed", ""
}
