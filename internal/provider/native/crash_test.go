package native_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/provider/native"
)

// errDied is what a worker that was killed would never return.
var errDied = errors.New("the worker died here")

// doomed is a store whose process dies at one moment: before a transaction, within it, or right after its commit. Afterwards
// nothing of it works any more.
type doomed struct {
	native.Store
	mu   sync.Mutex
	left int
	dead bool
}

// step counts down to the moment of death.
func (d *doomed) step() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return errDied
	}
	d.left--
	if d.left < 0 {
		d.dead = true
		return errDied
	}
	return nil
}

// InTx implements native.Store.
func (d *doomed) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return d.around(ctx, d.Store.InTx, fn)
}

// Conclude implements native.Store.
func (d *doomed) Conclude(ctx context.Context, fn func(ctx context.Context) error) error {
	return d.around(ctx, d.Store.Conclude, fn)
}

func (d *doomed) around(ctx context.Context, in func(context.Context, func(context.Context) error) error, fn func(ctx context.Context) error) error {
	if err := d.step(); err != nil {
		return err
	}
	err := in(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		return d.step() // all written, nothing committed
	})
	if err != nil {
		return err
	}
	return d.step()
}

// A worker is killed at every moment between two lines that matter, one after the other: before, within and after each
// transaction, before the gateway is asked and after it has charged. Whoever comes next finishes the work: one charge, one
// invoice, one period, however often it died. With attempts under another key after a crash, the ledger shows two (tried by
// hand; the rig's -random-key does it on a large scale).
func TestWorkerKilledBetweenAnyTwoLines(t *testing.T) {
	t.Parallel()
	for _, dialect := range foyertest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, dialect)
			price, method := r.price(t, "Basic", 1000), r.method(t, r.by, "good")
			sub := r.subscribe(t, price, method)
			deaths := 0
			for moment := 0; ; moment++ {
				r.clock.advance(r.subscription(t, sub.ID).CurrentPeriod.End.Sub(r.clock.now()))
				before := len(r.gateway.ledger())
				worker := r.engine(&doomed{Store: r.store, left: moment}, r.gateway)
				err := worker.RunDue(context.Background(), r.merchant.ID)
				died := errors.Is(err, errDied)
				if died {
					deaths++
				}
				r.clock.advance(time.Minute) // its lease runs out
				r.due(t)
				require.Len(t, r.gateway.ledger(), before+1, "died at moment %d", moment)
				after := r.subscription(t, sub.ID)
				require.Equal(t, billing.SubscriptionActive, after.Status)
				require.True(t, after.CurrentPeriod.Contains(r.clock.now()), "died at moment %d", moment)
				require.Len(t, r.numbers(t), before+1, "died at moment %d", moment)
				if !died {
					break
				}
			}
			assert.GreaterOrEqual(t, deaths, 6)
			r.audit(t)
			for _, fault := range []func(){
				func() { r.gateway.before = once(errLost) }, func() { r.gateway.after = once(errLost) },
			} {
				r.clock.advance(r.subscription(t, sub.ID).CurrentPeriod.End.Sub(r.clock.now()))
				fault()
				r.due(t)
				r.clock.advance(time.Minute)
				r.due(t)
			}
			r.audit(t)
		})
	}
}

func once(err error) func(string) error {
	done := false
	return func(string) error {
		if done {
			return nil
		}
		done = true
		return err
	}
}

// R6, threat #55: a customer's call dies at every moment; the same call made again, with the same key, goes on instead of
// charging again, and says what happened.
func TestTheSameCallAfterACrashGoesOn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		sub := r.subscribe(t, r.price(t, "Basic", 1000), r.method(t, r.by, "good"))
		for moment := 0; ; moment++ {
			r.gateway.behavior["good"] = "declined"
			r.clock.advance(r.subscription(t, sub.ID).CurrentPeriod.End.Sub(r.clock.now()))
			r.due(t)
			delete(r.gateway.behavior, "good")
			debt := r.subscription(t, sub.ID).Debt
			require.NotEmpty(t, debt)
			before := len(r.gateway.ledger())
			ctx := foyer.WithCommand(context.Background(), "pay-"+string(debt))
			process := r.engine(&doomed{Store: r.store, left: moment}, r.gateway)
			_, _, err := process.Pay(ctx, r.by, debt, "")
			died := errors.Is(err, errDied)
			paid, next, err := r.Pay(ctx, r.by, debt, "")
			require.NoError(t, err, "died at moment %d", moment)
			require.Nil(t, next)
			require.Equal(t, billing.PaymentCompleted, paid.Status)
			require.Len(t, r.gateway.ledger(), before+1, "died at moment %d", moment)
			if !died {
				break
			}
		}
		r.audit(t)
	})
}

// R17: the same due work is given to several workers at once, and the leases of all are forced to run out: effects as if once.
func TestManyWorkersOnTheSameWork(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		price, method := r.price(t, "Basic", 1000), r.method(t, r.by, "good")
		for range 20 {
			r.subscribe(t, price, method)
		}
		for range 3 {
			r.clock.advance(31 * 24 * time.Hour)
			r.gateway.after = func(string) error { return nil }
			fail := 0
			r.gateway.after = func(string) error {
				if fail++; fail%3 == 0 {
					return errLost
				}
				return nil
			}
			failed := make(chan error, 8)
			for range 8 {
				worker := r.engine(r.store, r.gateway)
				go func() { failed <- worker.RunDue(context.Background(), r.merchant.ID) }()
			}
			for range 8 {
				require.NoError(t, <-failed)
			}
			r.gateway.after = nil
			r.clock.advance(time.Minute)
			r.due(t)
		}
		require.Len(t, r.gateway.ledger(), 80)
		r.audit(t)
	})
}

// R3, threat #56: cancel, keep, pause, change and the renewal of the same second, all at once: the state is legal, what won
// has one event for each version, and money moved once.
func TestContradictingCommandsAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, r *rig) {
		ctx := context.Background()
		basic, pro, method := r.price(t, "Basic", 1000), r.price(t, "Pro", 3000), r.method(t, r.by, "good")
		for range 8 {
			sub := r.subscribe(t, basic, method)
			r.clock.advance(sub.CurrentPeriod.End.Sub(r.clock.now()))
			commands := []func() error{
				func() error {
					_, err := r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{Effective: billing.AtPeriodEnd})
					return err
				},
				func() error { _, err := r.billing.Keep(ctx, r.by, sub.ID); return err },
				func() error {
					_, err := r.billing.Pause(ctx, r.by, sub.ID, billing.PauseInput{Effective: billing.AtPeriodEnd})
					return err
				},
				func() error {
					_, _, err := r.billing.Change(ctx, r.by, sub.ID, []billing.ItemInput{{Price: pro.ID, Quantity: 1}})
					return err
				},
				func() error { return r.RunDue(ctx, r.merchant.ID) },
			}
			failed := make(chan error, 4*len(commands))
			for i := range cap(failed) {
				go func() { failed <- commands[i%len(commands)]() }()
			}
			for range cap(failed) {
				if err := <-failed; err != nil {
					refusal, refused := foyer.AsError(err)
					require.True(t, refused, "%v", err)
					require.Contains(t, []foyer.Kind{foyer.Conflict, foyer.Invalid}, refusal.Kind, "%v", refusal) // Invalid: changed to this already
				}
			}
			r.due(t)
			after := r.subscription(t, sub.ID)
			require.Empty(t, after.OpenPayment)
			_, err := r.billing.Cancel(ctx, r.by, sub.ID, billing.CancelInput{Effective: billing.Immediately})
			if after.Status != billing.SubscriptionCanceled {
				require.NoError(t, err)
			}
		}
		r.audit(t)
	})
}
