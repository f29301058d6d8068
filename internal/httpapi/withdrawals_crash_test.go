package httpapi_test

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
	"foyer/internal/i18n"
	"foyer/internal/retention"
	"foyer/internal/store"
)

var errDied = errors.New("the process died here")

// death is when a process dies: at one of the lines that matter, counted. Afterwards nothing of it works any more.
type death struct {
	mu   sync.Mutex
	left int
	dead bool
}

func (d *death) step() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.left--; d.left < 0 {
		d.dead = true
	}
	if d.dead {
		return errDied
	}
	return nil
}

// dyingStore dies before a transaction, within it, or right after its commit.
type dyingStore struct {
	*store.Store
	*death
}

func (d dyingStore) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return d.around(ctx, d.Store.InTx, fn)
}

func (d dyingStore) Conclude(ctx context.Context, fn func(ctx context.Context) error) error {
	return d.around(ctx, d.Store.Conclude, fn)
}

func (d dyingStore) around(ctx context.Context, in func(context.Context, func(context.Context) error) error, fn func(ctx context.Context) error) error {
	if err := d.step(); err != nil {
		return err
	}
	err := in(ctx, func(ctx context.Context) error {
		if err := fn(ctx); err != nil {
			return err
		}
		return d.step()
	})
	if err != nil {
		return err
	}
	return d.step()
}

// dyingRefunds dies before a refund is asked for, or after it was made.
type dyingRefunds struct {
	*billing.Service
	*death
}

func (d dyingRefunds) Refund(ctx context.Context, by foyer.Actor, id billing.PaymentID, in billing.RefundInput) (p billing.Payment, made billing.Refund, err error) {
	if err = d.step(); err != nil {
		return p, made, err
	}
	if p, made, err = d.Service.Refund(ctx, by, id, in); err != nil {
		return p, made, err
	}
	return p, made, d.step()
}

type orderedMails struct{ *foyertest.App }

func (m orderedMails) EnqueueMails(ctx context.Context, orders []billing.MailOrder) error {
	return m.Store.CreateMailOrders(ctx, orders...)
}

func (m orderedMails) EnqueueWithdrawalMail(context.Context, foyer.MerchantID, retention.WithdrawalID, string) error {
	return nil
}

// A process that withdraws is killed at every moment between two lines that matter. What was declared is finished by whoever comes next,
// the same call or the engine; what wasn't is not half declared. The money goes back once, with one credit note and one mail.
func TestAWithdrawalIsFinishedAfterACrash(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		for who, finish := range map[string]func(l *leaver, ctx context.Context, by foyer.Actor) error{
			"the same call": func(l *leaver, ctx context.Context, by foyer.Actor) error {
				view, err := a.Retention.Withdraw(ctx, by, l.sub.ID, true, retention.Reader{Locale: i18n.English})
				if err == nil && view.State != retention.WithdrawalCompleted {
					err = errors.New("left " + string(view.State))
				}
				return err
			},
			"the engine": func(l *leaver, _ context.Context, _ foyer.Actor) error {
				now, err := a.Merchants.Clock(context.Background(), l.merchant.ID)
				if err != nil {
					return err
				}
				_, _, err = a.Engine.Advance(context.Background(), a.Merchants, l.merchant.ID, now.Add(10*time.Minute))
				return err
			},
		} {
			deaths := 0
			for moment := 0; ; moment++ {
				n := l.another(t)
				before, by := len(l.refunds(t)), foyertest.As(l.customer)
				dying := &death{left: moment}
				doomed := retention.NewService(dyingStore{a.Store, dying}, dyingRefunds{a.Billing, dying}, orderedMails{a}, a.IDs, a.Merchants.Clock)
				ctx := foyer.WithCommand(t.Context(), "withdraw "+string(n.sub.ID))
				_, err := doomed.Withdraw(ctx, by, n.sub.ID, true, retention.Reader{Locale: i18n.English})
				if dying.dead {
					deaths++
				}
				require.NoError(t, finish(n, ctx, by), "%s, died at moment %d: %v", who, moment, err)
				declared := n.now(t).Status == billing.SubscriptionCanceled
				if !declared {
					require.Equal(t, "the engine", who)
					require.Len(t, l.refunds(t), before, "nothing was declared, died at moment %d", moment)
				} else {
					require.Len(t, l.refunds(t), before+1, "%s, died at moment %d", who, moment)
					w, err := a.Store.CurrentWithdrawal(t.Context(), by.Scope, n.sub.ID)
					require.NoError(t, err)
					require.Equal(t, retention.WithdrawalCompleted, w.State, "%s, died at moment %d", who, moment)
				}
				if !dying.dead {
					break
				}
			}
			assert.Equal(t, 8, deaths, who)
		}
		orders, err := a.Store.MailOrders(t.Context(), foyertest.As(l.customer).Scope)
		require.NoError(t, err)
		sent := map[billing.MailKind]int{}
		for _, o := range orders {
			sent[o.Kind]++
		}
		assert.Equal(t, len(l.refunds(t)), sent[billing.MailWithdrawalReceived])
		assert.Equal(t, len(l.refunds(t)), sent[billing.MailRefunded])
		assert.Zero(t, sent[billing.MailCanceled])
		l.sound(t)
	})
}

// Many workers and the call that declared it ask for the same refund at the same time: it is made once.
func TestManyWorkersGiveBackOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.decides(t, object{"withdrawal": object{"refund": "pro_rata"}})
		now, err := a.Merchants.Clock(t.Context(), l.merchant.ID)
		require.NoError(t, err)
		a.Until(t, l.merchant, now.AddDate(0, 0, 13)) // more is left of the payment than is given back: nothing but the key keeps it once
		dying := &death{left: 3}
		doomed := retention.NewService(dyingStore{a.Store, dying}, dyingRefunds{a.Billing, dying}, orderedMails{a}, a.IDs, a.Merchants.Clock)
		ctx := foyer.WithCommand(t.Context(), "call")
		_, err = doomed.Withdraw(ctx, foyertest.As(l.customer), l.sub.ID, true, retention.Reader{Locale: i18n.English})
		require.Error(t, err)
		require.Empty(t, l.refunds(t))
		failed := together(8, func(int) string {
			_, err := a.Retention.Withdraw(ctx, foyertest.As(l.customer), l.sub.ID, true, retention.Reader{Locale: i18n.English})
			return errorText(err)
		})
		assert.Equal(t, map[string]int{"": 8}, failed)
		assert.Len(t, l.refunds(t), 1)
		l.sound(t)
	})
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
