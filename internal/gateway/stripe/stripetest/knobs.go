package stripetest

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Knobs break Stripe on purpose. Shares are from 0 to 1; what is left out is off. Names are those of our sandbox gateway's knobs.
type Knobs struct {
	// DelayMS is how many milliseconds every answer takes longer.
	DelayMS int `json:"delay_ms"`
	// ErrorBefore is the share of calls answered 500 at the door: nothing happened and no key remembers it.
	ErrorBefore float64 `json:"error_before"`
	// ErrorStuck is the share of calls that do nothing and are answered 500, which their key remembers.
	ErrorStuck float64 `json:"error_stuck"`
	// ErrorAfter is the share of calls that happen and are answered 500, which their key remembers.
	ErrorAfter float64 `json:"error_after"`
	// ResetAfter is the share of calls that happen and whose connection is then cut.
	ResetAfter float64 `json:"reset_after"`
	// Hang is the share of calls that happen and are answered after half a minute.
	Hang float64 `json:"hang"`
	// RateLimit is the share of calls answered 429.
	RateLimit float64 `json:"rate_limit"`
	// Calls are the beginnings of the patterns of the calls that go wrong, as in "POST /v1/payment_intents/{id}/confirm"; empty for all
	// that change a payment intent.
	Calls []string `json:"calls"`
	// DuplicateWebhooks is the share of events posted twice, LateWebhooks of those posted late and so after later ones, DropWebhooks
	// of those never posted.
	DuplicateWebhooks float64 `json:"duplicate_webhooks"`
	LateWebhooks      float64 `json:"late_webhooks"`
	DropWebhooks      float64 `json:"drop_webhooks"`
}

func (k Knobs) check() error {
	for _, share := range []float64{
		k.ErrorBefore, k.ErrorStuck, k.ErrorAfter, k.ResetAfter, k.Hang, k.RateLimit, k.DuplicateWebhooks, k.LateWebhooks, k.DropWebhooks,
	} {
		if share < 0 || share > 1 {
			return errors.New("a share is from 0 to 1")
		}
	}
	if k.DelayMS < 0 || k.DelayMS > 60_000 {
		return errors.New("delay_ms is from 0 to 60000")
	}
	return nil
}

// SetKnobs breaks Stripe, or mends it with the zero value.
func (f *Fake) SetKnobs(k Knobs) error {
	if err := k.check(); err != nil {
		return err
	}
	f.knobs.mu.Lock()
	defer f.knobs.mu.Unlock()
	f.knobs.k = k
	return nil
}

// dial holds the knobs as they are set now.
type dial struct {
	mu sync.Mutex
	k  Knobs
}

func (d *dial) get() Knobs {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.k
}

// fault is what goes wrong with one call.
type fault string

const (
	faultNone   fault = ""
	faultRate   fault = "rate_limit"
	faultBefore fault = "error_before"
	faultStuck  fault = "error_stuck"
	faultAfter  fault = "error_after"
	faultReset  fault = "reset_after"
	faultHang   fault = "hang"
)

func (k Knobs) fault(pattern string) fault {
	calls := k.Calls
	if len(calls) == 0 {
		calls = []string{"POST /v1/payment_intents"}
	}
	if !slices.ContainsFunc(calls, func(c string) bool { return strings.HasPrefix(pattern, c) }) {
		return faultNone
	}
	switch {
	case chance(k.RateLimit):
		return faultRate
	case chance(k.ErrorBefore):
		return faultBefore
	case chance(k.ErrorStuck):
		return faultStuck
	case chance(k.ErrorAfter):
		return faultAfter
	case chance(k.ResetAfter):
		return faultReset
	case chance(k.Hang):
		return faultHang
	}
	return faultNone
}

func (k Knobs) pause(ctx context.Context) { wait(ctx, time.Duration(k.DelayMS)*time.Millisecond) }

// chance is true in a share of all cases.
func chance(share float64) bool {
	return share > 0 && rand.Float64() < share
}

// wait sleeps, but not longer than anybody listens.
func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// addOperator adds the routes of whoever runs the fake.
func (f *Fake) addOperator() {
	f.mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, object{"status": "ok"}) })
	f.mux.HandleFunc("GET /knobs", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, f.knobs.get()) })
	f.mux.HandleFunc("POST /knobs", func(w http.ResponseWriter, r *http.Request) {
		var k Knobs
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
		d.DisallowUnknownFields()
		if d.Decode(&k) != nil {
			problem(w, http.StatusBadRequest, "malformed")
			return
		}
		if f.SetKnobs(k) != nil {
			problem(w, http.StatusUnprocessableEntity, "invalid")
			return
		}
		writeJSON(w, k)
	})
	f.mux.HandleFunc("GET /ledger", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, object{"data": f.Ledger()})
	})
}
