package sandbox

import (
	"context"
	"encoding/json"
	"net/http"

	"foyer/internal/foyer"
)

// Public returns the routes of the customer's device, the only ones that may be reached from everywhere. Every origin may
// use them: what counts is the client secret, and no cookie is read.
func (l *Local) Public() http.Handler {
	mux := http.NewServeMux()
	l.addPublic(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { open(w); refuse(w, http.StatusNotFound, codeNotFound) })
	return mux
}

// confirmation is what a device sends. A charge has its card already: one that is sent with it is not read.
type confirmation struct {
	ClientSecret string        `json:"client_secret"`
	Card         cardInput     `json:"card"`
	SEPADebit    *accountInput `json:"sepa_debit"`
}

type chargeConfirmation struct {
	ClientSecret string          `json:"client_secret"`
	Card         json.RawMessage `json:"card"`
}

type authentication struct {
	ClientSecret string `json:"client_secret"`
	// Outcome is what the customer answers their bank: succeed or fail.
	Outcome string `json:"outcome"`
}

func (a authentication) succeeds() (bool, error) {
	if a.Outcome != "succeed" && a.Outcome != "fail" {
		return false, foyer.Refuse(foyer.Invalid, codeInvalid)
	}
	return a.Outcome == "succeed", nil
}

type progress struct {
	Status deviceStatus `json:"status"`
}

func (l *Local) addPublic(mux *http.ServeMux) {
	routes := map[string]http.HandlerFunc{
		"/setups/{id}/confirm": handle(l.log, func(ctx context.Context, r *http.Request, in confirmation) (any, error) {
			s, err := l.bank.confirmSetup(ctx, r.PathValue("id"), in.ClientSecret, in.Card, in.SEPADebit)
			return progress{s}, err
		}),
		"/setups/{id}/authenticate": handle(l.log, func(ctx context.Context, r *http.Request, in authentication) (any, error) {
			succeeds, err := in.succeeds()
			if err != nil {
				return nil, err
			}
			s, err := l.bank.authenticateSetup(ctx, r.PathValue("id"), in.ClientSecret, succeeds)
			return progress{s}, err
		}),
		"/charges/{id}/confirm": handle(l.log, func(ctx context.Context, r *http.Request, in chargeConfirmation) (any, error) {
			s, err := l.bank.confirmCharge(ctx, r.PathValue("id"), in.ClientSecret)
			return progress{s}, err
		}),
		"/charges/{id}/authenticate": handle(l.log, func(ctx context.Context, r *http.Request, in authentication) (any, error) {
			succeeds, err := in.succeeds()
			if err != nil {
				return nil, err
			}
			s, err := l.bank.authenticateCharge(ctx, r.PathValue("id"), in.ClientSecret, succeeds)
			return progress{s}, err
		}),
	}
	for path, h := range routes {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { open(w); h(w, r) })
		mux.HandleFunc("OPTIONS "+path, preflight)
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			open(w)
			w.Header().Set("Allow", "POST, OPTIONS")
			refuse(w, http.StatusMethodNotAllowed, "not_allowed")
		})
	}
}

// open lets every origin read an answer; credentials are not allowed with it.
func open(w http.ResponseWriter) { w.Header().Set("Access-Control-Allow-Origin", "*") }

func preflight(w http.ResponseWriter, _ *http.Request) {
	open(w)
	w.Header().Set("Access-Control-Allow-Methods", "POST, OPTIONS")
	w.Header().Set("Access-Control-Allow-Headers", "Content-Type")
	w.Header().Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
