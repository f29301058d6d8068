package sandbox

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Knobs break the gateway on purpose, so that it can be seen that nobody pays twice. All but the webhooks' apply to
// charges only. Shares are from 0 to 1; what is left out is off.
type Knobs struct {
	// DelayMS is how many milliseconds every answer takes longer.
	DelayMS int `json:"delay_ms"`
	// ErrorBefore is the share of charges answered 500 without anything having happened.
	ErrorBefore float64 `json:"error_before"`
	// ErrorAfter is the share of charges that happen and are answered 500.
	ErrorAfter float64 `json:"error_after"`
	// Hang is the share of charges that happen and are answered after half a minute.
	Hang float64 `json:"hang"`
	// ResetAfter is the share of charges that happen and whose connection is then cut.
	ResetAfter float64 `json:"reset_after"`
	// DuplicateWebhooks is the share of messages sent twice, LateWebhooks of those sent some seconds late.
	DuplicateWebhooks float64 `json:"duplicate_webhooks"`
	LateWebhooks      float64 `json:"late_webhooks"`
}

func (k Knobs) check() error {
	for _, share := range []float64{k.ErrorBefore, k.ErrorAfter, k.Hang, k.ResetAfter, k.DuplicateWebhooks, k.LateWebhooks} {
		if share < 0 || share > 1 {
			return foyer.Refuse(foyer.Invalid, codeInvalid)
		}
	}
	if k.DelayMS < 0 || k.DelayMS > 60_000 {
		return foyer.Refuse(foyer.Invalid, codeInvalid)
	}
	return nil
}

// dial holds the knobs as they are set now.
type dial struct {
	mu sync.Mutex
	k  Knobs
}

func (d *dial) set(k Knobs) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.k = k
}

func (d *dial) get() Knobs {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.k
}

// fault is what goes wrong with one charge.
type fault string

const (
	faultNone   fault = ""
	faultBefore fault = "error_before"
	faultAfter  fault = "error_after"
	faultHang   fault = "hang"
	faultReset  fault = "reset_after"
)

func (k Knobs) fault() fault {
	switch {
	case chance(k.ErrorBefore):
		return faultBefore
	case chance(k.ErrorAfter):
		return faultAfter
	case chance(k.ResetAfter):
		return faultReset
	case chance(k.Hang):
		return faultHang
	default:
		return faultNone
	}
}

// chance is true in a share of all cases.
func chance(share float64) bool {
	return share > 0 && rand.Float64() < share //nolint:gosec // dice, not a secret
}

// troubled is charge with whatever the knobs add to it; the fault says how the answer must go wrong.
func (b *bank) troubled(ctx context.Context, r billing.ChargeRequest) (billing.ChargeResult, fault, error) {
	k := b.knobs.get()
	f := k.fault()
	var result billing.ChargeResult
	var err error
	if f != faultBefore {
		result, err = b.charge(ctx, r)
	}
	wait(ctx, time.Duration(k.DelayMS)*time.Millisecond)
	if f == faultHang {
		wait(ctx, b.hangFor)
	}
	return result, f, err
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
