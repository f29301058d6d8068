package native

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Clocks moves a merchant's clock.
type Clocks interface {
	// MoveClock moves a sandbox merchant's clock forward to a moment; Conflict (clock.live) for a live merchant.
	MoveClock(ctx context.Context, merchant foyer.MerchantID, to time.Time) error
	// AimClock writes down where the clock is to go, ClockAimed tells whether it was last told to go there.
	AimClock(ctx context.Context, merchant foyer.MerchantID, to time.Time) error
	ClockAimed(ctx context.Context, merchant foyer.MerchantID, to time.Time) (bool, error)
}

// waitForCharge is a little longer than a gateway may take to answer.
const waitForCharge = 11 * time.Second

// underWay tells whether another worker is charging something of the merchant, after a moment's wait: the clock must not run past
// it. What nobody knows the outcome of is not waited for, and neither is what a bank takes days for: that takes real time.
func (e *Engine) underWay(ctx context.Context, merchant foyer.MerchantID) (bool, error) {
	n, err := e.Store.AttemptsUnderWay(ctx, merchant, foyer.Micro(e.Real().Add(e.Lease-waitForCharge)), *e.leased())
	if err != nil || n == 0 {
		return false, err
	}
	select {
	case <-ctx.Done():
	case <-time.After(10 * time.Millisecond):
	}
	return ctx.Err() == nil, nil
}

// longestAdvance is how far one call may move a clock.
const longestAdvance = 366 * 24 * time.Hour

// Advance moves a sandbox merchant's clock forward to a moment, and runs everything that falls due on the way, in order: the
// clock stops at each due moment, what is due then is done, and it goes on. It returns when all has run or ctx ends; done
// tells which, and now is where the clock stands. Called again with the same moment it goes on.
//
// Refusals: Conflict (clock.live), Invalid for a moment in the past or more than 366 days ahead.
func (e *Engine) Advance(ctx context.Context, clocks Clocks, merchant foyer.MerchantID, to time.Time) (now time.Time, done bool, err error) {
	return e.AdvanceUntil(ctx, clocks, merchant, to, func() bool { return ctx.Err() != nil })
}

// AdvanceUntil is Advance until enough, asked from several goroutines, says so: the batch under way is finished, no other begins, and the clock stands where
// all before it has run.
func (e *Engine) AdvanceUntil(ctx context.Context, clocks Clocks, merchant foyer.MerchantID, to time.Time, enough func() bool) (now time.Time, done bool, err error) {
	to = foyer.Micro(to)
	if now, err = e.now(ctx, merchant); err != nil {
		return now, false, err
	}
	if to, err = e.aim(ctx, clocks, merchant, now, to); err != nil {
		return now, false, err
	}
	for {
		if err := e.runDue(ctx, merchant, enough); err != nil {
			return now, false, err
		}
		if enough() {
			now, err = e.now(context.WithoutCancel(ctx), merchant)
			return now, false, err
		}
		if waits, err := e.underWay(ctx, merchant); err != nil || waits {
			if err != nil {
				return now, false, err
			}
			continue
		}
		if now, err = e.now(ctx, merchant); err != nil {
			return now, false, err
		}
		due, err := e.nextStop(ctx, merchant, now)
		if err != nil {
			return now, false, err
		}
		next := to
		if due != nil && due.Before(to) {
			next = *due
		}
		if !next.After(now) && (due == nil || due.After(now) || !to.After(now)) {
			return now, true, nil
		}
		if err := clocks.MoveClock(ctx, merchant, next); err != nil {
			return now, false, err
		}
	}
}

// nextStop is the next moment something of the merchant falls due, or a question its customer has not answered is given up: what waits
// for the answer is then done in its time. One that could not be given up when it was time stops no clock.
func (e *Engine) nextStop(ctx context.Context, merchant foyer.MerchantID, now time.Time) (*time.Time, error) {
	due, err := e.Store.NextDue(ctx, merchant)
	if err != nil {
		return nil, err
	}
	until, err := e.unansweredUntil(ctx, merchant)
	if until != nil && until.After(now) && (due == nil || until.Before(*due)) {
		return until, err
	}
	return due, err
}

// aim checks where the clock is to go and writes it down. Who asks again for where it was told to go before goes on, although the
// moment has passed since.
func (e *Engine) aim(ctx context.Context, clocks Clocks, merchant foyer.MerchantID, now, to time.Time) (time.Time, error) {
	refusal := foyer.InvalidFields(foyer.FieldError{Pointer: "/to", Code: "input.clock"})
	if !to.Before(now) {
		if to.Sub(now) > longestAdvance {
			return to, refusal
		}
		return to, clocks.AimClock(ctx, merchant, to)
	}
	aimed, err := clocks.ClockAimed(ctx, merchant, to)
	if err == nil && !aimed {
		err = refusal
	}
	return now, err
}
