package native

import (
	"context"
	"sync"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// AllMerchants lists the merchants of the instance.
type AllMerchants interface {
	All(ctx context.Context) ([]merchant.Merchant, error)
}

// turn is how long one merchant is worked for before the others have theirs (threat #86, a noisy tenant).
const turn = 5 * time.Second

// Run does what is due for every merchant, again and again with a rest in between, until ctx ends. Each merchant has a turn: one's flood delays the others by
// seconds. A failure of one is logged and tried again at the next round.
func (e *Engine) Run(ctx context.Context, merchants AllMerchants, every time.Duration) {
	for {
		all, err := merchants.All(ctx)
		if err != nil && ctx.Err() == nil {
			e.Log.ErrorContext(ctx, "merchants can't be read", "error", err)
		}
		var wait sync.WaitGroup
		turns := make(chan struct{}, 4)
		for _, m := range all {
			turns <- struct{}{}
			wait.Go(func() {
				defer func() { <-turns }()
				e.runOne(ctx, m.ID)
			})
		}
		wait.Wait()
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

func (e *Engine) runOne(ctx context.Context, id foyer.MerchantID) {
	if idle, err := e.idle(ctx, id); idle && err == nil {
		return
	}
	until := e.Real().Add(turn)
	if err := e.runDue(ctx, id, func() bool { return ctx.Err() != nil || e.Real().After(until) }); err != nil && ctx.Err() == nil {
		e.Log.ErrorContext(ctx, "due work failed", "merchant", id, "error", err)
	}
}

// idle tells, by reads only, that nothing of a merchant is due: most merchants, most of the time.
func (e *Engine) idle(ctx context.Context, id foyer.MerchantID) (bool, error) {
	now, err := e.now(ctx, id)
	if err != nil {
		return false, err
	}
	due, err := e.Store.NextDue(ctx, id)
	if err != nil || due != nil && !due.After(now) {
		return false, err
	}
	unanswered, err := e.unansweredUntil(ctx, id)
	if err != nil || unanswered != nil && !unanswered.After(now) {
		return false, err
	}
	abandoned, err := e.Store.Abandoned(ctx, id, foyer.Micro(e.Real()))
	return !abandoned, err
}
