package providertest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Harness is a provider with two customers of one merchant.
type Harness struct {
	Provider billing.Provider
	// Owner has the subscriptions, Stranger has none.
	Owner, Stranger foyer.Actor
	// Subscribe makes an active subscription of the owner's, paid with a good payment method.
	Subscribe func(t testing.TB) billing.Subscription
	// Indebt makes a renewal of a subscription fail and returns it, past due.
	Indebt func(t testing.TB, s billing.Subscription) billing.Subscription
	// Method stores another payment method of the owner's: one that pays, or one that is always declined.
	Method func(t testing.TB, good bool) billing.PaymentMethodID
	// Dearer and Cheaper are prices the subscription can be changed to. Optional, with billing.Changer.
	Dearer, Cheaper billing.PriceID
}

// Suite runs every test on a harness of its own.
func Suite(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, h Harness){
		"cancel at the end of the period, and keep": cancelAndKeep,
		"cancel at once":          cancelAtOnce,
		"cancel what is past due": cancelPastDue,
		"a stranger's call":       strangers,
		"the payment method":      paymentMethod,
		"a debt":                  debt,
		"pause and resume":        pauseAndResume,
		"change":                  change,
		"end at a later date":     cancelLater,
		"cancel unseen":           cancelDeferred,
		"what keeps a customer":   retain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func cancelAndKeep(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Subscribe(t)
	_, err := h.Provider.Keep(ctx, h.Owner, s.ID)
	require.ErrorIs(t, err, foyer.Conflict, "there is nothing to keep")
	after, err := h.Provider.Cancel(ctx, h.Owner, s.ID, billing.CancelInput{Effective: billing.AtPeriodEnd})
	require.NoError(t, err)
	assert.Equal(t, billing.SubscriptionActive, after.Status, "it runs to the end of what was paid")
	require.NotNil(t, after.ScheduledChange)
	assert.Equal(t, s.CurrentPeriod.End, after.ScheduledChange.EffectiveAt)
	assert.Nil(t, after.NextPayment())
	_, err = h.Provider.Cancel(ctx, h.Owner, s.ID, billing.CancelInput{Effective: billing.AtPeriodEnd})
	require.ErrorIs(t, err, foyer.Conflict, "it is scheduled already")
	kept, err := h.Provider.Keep(ctx, h.Owner, s.ID)
	require.NoError(t, err)
	assert.Nil(t, kept.ScheduledChange)
	assert.NotNil(t, kept.NextPayment())
}

func cancelAtOnce(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Subscribe(t)
	after, err := h.Provider.Cancel(ctx, h.Owner, s.ID, billing.CancelInput{Effective: billing.Immediately})
	require.NoError(t, err)
	assert.Equal(t, billing.SubscriptionCanceled, after.Status)
	for name, again := range map[string]func() error{
		"cancel": func() error {
			_, err := h.Provider.Cancel(ctx, h.Owner, s.ID, billing.CancelInput{Effective: billing.Immediately})
			return err
		},
		"keep": func() error { _, err := h.Provider.Keep(ctx, h.Owner, s.ID); return err },
		"method": func() error {
			_, _, err := h.Provider.SetPaymentMethod(ctx, h.Owner, s.ID, h.Method(t, true))
			return err
		},
	} {
		require.ErrorIs(t, again(), foyer.Conflict, "%s of what is over", name)
	}
}

func cancelPastDue(t *testing.T, h Harness) {
	s := h.Indebt(t, h.Subscribe(t))
	after, err := h.Provider.Cancel(context.Background(), h.Owner, s.ID, billing.CancelInput{Effective: billing.AtPeriodEnd})
	require.NoError(t, err, "whoever wants to leave can")
	assert.Equal(t, billing.SubscriptionCanceled, after.Status, "nothing was paid that could be kept to its end")
	_, _, err = h.Provider.Pay(context.Background(), h.Owner, s.Debt, "")
	require.ErrorIs(t, err, foyer.Conflict, "the debt is not collected any more")
}

func strangers(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Indebt(t, h.Subscribe(t))
	calls := map[string]func() error{
		"cancel": func() error {
			_, err := h.Provider.Cancel(ctx, h.Stranger, s.ID, billing.CancelInput{Effective: billing.Immediately})
			return err
		},
		"keep": func() error { _, err := h.Provider.Keep(ctx, h.Stranger, s.ID); return err },
		"method": func() error {
			_, _, err := h.Provider.SetPaymentMethod(ctx, h.Stranger, s.ID, s.PaymentMethod)
			return err
		},
		"pay": func() error { _, _, err := h.Provider.Pay(ctx, h.Stranger, s.Debt, s.PaymentMethod); return err },
	}
	if p, can := h.Provider.(billing.Pauser); can {
		calls["pause"] = func() error { _, err := p.Pause(ctx, h.Stranger, s.ID, billing.PauseInput{}); return err }
		calls["resume"] = func() error {
			_, _, err := p.Resume(ctx, h.Stranger, s.ID, billing.ResumeNewPeriod)
			return err
		}
	}
	if c, can := h.Provider.(billing.Changer); can {
		items := []billing.ItemInput{{Price: h.Dearer, Quantity: 1}}
		calls["preview"] = func() error { _, err := c.PreviewChange(ctx, h.Stranger, s.ID, items); return err }
		calls["change"] = func() error { _, _, err := c.Change(ctx, h.Stranger, s.ID, items); return err }
	}
	if r, can := h.Provider.(billing.Retainer); can {
		calls["discount"] = func() error {
			_, err := r.ApplyDiscount(ctx, h.Stranger, s.ID, billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "10"})
			return err
		}
		calls["trial"] = func() error { _, err := r.ExtendTrial(ctx, h.Stranger, s.ID, 7); return err }
		calls["downgrade"] = func() error {
			_, err := r.Downgrade(ctx, h.Stranger, s.ID, []billing.ItemInput{{Price: h.Cheaper, Quantity: 1}})
			return err
		}
	}
	for name, call := range calls {
		require.ErrorIs(t, call(), foyer.NotFound, name)
	}
}

func paymentMethod(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Subscribe(t)
	other := h.Method(t, true)
	after, next, err := h.Provider.SetPaymentMethod(ctx, h.Owner, s.ID, other)
	require.NoError(t, err)
	require.Nil(t, next)
	assert.Equal(t, other, after.PaymentMethod)
	_, _, err = h.Provider.SetPaymentMethod(ctx, h.Owner, s.ID, "paymtd_01hv8x29kz0t586xy6zn1a62ny")
	require.ErrorIs(t, err, foyer.Invalid, "an unknown method")
}

func debt(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Indebt(t, h.Subscribe(t))
	require.Equal(t, billing.SubscriptionPastDue, s.Status)
	bad := h.Method(t, false)
	_, _, err := h.Provider.SetPaymentMethod(ctx, h.Owner, s.ID, bad)
	require.ErrorIs(t, err, foyer.Declined)
	refusal, _ := foyer.AsError(err)
	assert.NotEmpty(t, refusal.Extra["error_code"], "a decline says why")
	after, next, err := h.Provider.SetPaymentMethod(ctx, h.Owner, s.ID, h.Method(t, true))
	require.NoError(t, err)
	require.Nil(t, next)
	assert.Equal(t, billing.SubscriptionActive, after.Status, "a new method pays the debt")
	_, _, err = h.Provider.Pay(ctx, h.Owner, s.Debt, "")
	require.ErrorIs(t, err, foyer.Conflict, "it is paid")
}

func pauseAndResume(t *testing.T, h Harness) {
	p, can := h.Provider.(billing.Pauser)
	if !can {
		return // an optional power
	}
	ctx, s := context.Background(), h.Subscribe(t)
	_, _, err := p.Resume(ctx, h.Owner, s.ID, billing.ResumeNewPeriod)
	require.ErrorIs(t, err, foyer.Conflict, "it is not paused")
	paused, err := p.Pause(ctx, h.Owner, s.ID, billing.PauseInput{Effective: billing.Immediately})
	require.NoError(t, err)
	assert.Equal(t, billing.SubscriptionPaused, paused.Status)
	assert.Nil(t, paused.NextPayment())
	_, err = p.Pause(ctx, h.Owner, s.ID, billing.PauseInput{})
	require.ErrorIs(t, err, foyer.Conflict)
	resumed, next, err := p.Resume(ctx, h.Owner, s.ID, billing.ResumeContinue)
	require.NoError(t, err)
	require.Nil(t, next)
	assert.Equal(t, billing.SubscriptionActive, resumed.Status)
	assert.Equal(t, s.CurrentPeriod.End, resumed.CurrentPeriod.End, "within what was paid")
}

func change(t *testing.T, h Harness) {
	c, can := h.Provider.(billing.Changer)
	if !can {
		return // an optional power
	}
	ctx, s := context.Background(), h.Subscribe(t)
	up := []billing.ItemInput{{Price: h.Dearer, Quantity: 1}}
	preview, err := c.PreviewChange(ctx, h.Owner, s.ID, up)
	require.NoError(t, err)
	require.NotNil(t, preview.Immediate, "an upgrade is paid now")
	after, next, err := c.Change(ctx, h.Owner, s.ID, up)
	require.NoError(t, err)
	require.Nil(t, next)
	assert.Equal(t, h.Dearer, after.Items[0].PriceID)
	assert.Equal(t, preview.RecurringTotal, after.RecurringTotal)
	down, _, err := c.Change(ctx, h.Owner, s.ID, []billing.ItemInput{{Price: h.Cheaper, Quantity: 1}})
	require.NoError(t, err)
	assert.Equal(t, h.Dearer, down.Items[0].PriceID, "a downgrade waits for the end of the period")
	assert.Equal(t, billing.ScheduleChange, down.ScheduledChange.Action)
	for name, items := range map[string][]billing.ItemInput{
		"nothing":          {},
		"an unknown price": {{Price: "pri_01hv8x29kz0t586xy6zn1a62ny", Quantity: 1}},
		"none of it":       {{Price: h.Dearer, Quantity: 0}},
		"less than none":   {{Price: h.Dearer, Quantity: -1}},
		"far too many":     {{Price: h.Dearer, Quantity: 1 << 62}},
		"one price twice":  {{Price: h.Dearer, Quantity: 1}, {Price: h.Dearer, Quantity: 1}},
	} {
		_, _, err := c.Change(ctx, h.Owner, s.ID, items)
		require.ErrorIs(t, err, foyer.Invalid, name)
	}
}

func cancelLater(t *testing.T, h Harness) {
	ctx, s := context.Background(), h.Subscribe(t)
	named := s.CurrentPeriod.End.AddDate(0, 0, 1)
	after, err := h.Provider.Cancel(ctx, h.Owner, s.ID, billing.CancelInput{NotBefore: &named})
	require.NoError(t, err)
	assert.Equal(t, billing.SubscriptionActive, after.Status)
	assert.False(t, after.ScheduledChange.EffectiveAt.Before(named), "not before the date that was named")
	assert.NotNil(t, after.NextPayment(), "it renews until then")
	_, err = h.Provider.Cancel(ctx, h.Owner, s.ID, billing.CancelInput{NotBefore: &named})
	require.ErrorIs(t, err, foyer.Conflict, "the same again")
	sooner, err := h.Provider.Cancel(ctx, h.Owner, s.ID, billing.CancelInput{Effective: billing.AtPeriodEnd})
	require.NoError(t, err, "an end can be brought forward")
	assert.Equal(t, s.CurrentPeriod.End, sooner.ScheduledChange.EffectiveAt)
	tooFar := s.CurrentPeriod.End.AddDate(3, 0, 0)
	_, err = h.Provider.Cancel(ctx, h.Owner, s.ID, billing.CancelInput{NotBefore: &tooFar})
	require.ErrorIs(t, err, foyer.Invalid)
}

func cancelDeferred(t *testing.T, h Harness) {
	s := h.Indebt(t, h.Subscribe(t))
	after, err := h.Provider.Cancel(context.Background(), h.Owner, s.ID, billing.CancelInput{Effective: billing.Immediately, Deferred: true})
	require.NoError(t, err)
	assert.Equal(t, billing.SubscriptionPastDue, after.Status, "nobody who isn't signed in ends anything at once")
	require.NotNil(t, after.ScheduledChange)
	kept, err := h.Provider.Keep(context.Background(), h.Owner, s.ID)
	require.NoError(t, err)
	assert.Nil(t, kept.ScheduledChange)
}

func retain(t *testing.T, h Harness) {
	r, can := h.Provider.(billing.Retainer)
	if !can {
		return // an optional power
	}
	ctx, s := context.Background(), h.Subscribe(t)
	periods := 3
	d := billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "30", PeriodsLeft: &periods}
	given, err := r.ApplyDiscount(ctx, h.Owner, s.ID, d)
	require.NoError(t, err)
	assert.Less(t, *given.NextPayment().Total, *s.NextPayment().Total)
	_, err = r.ApplyDiscount(ctx, h.Owner, s.ID, d)
	require.ErrorIs(t, err, foyer.Conflict, "there is one already")
	_, err = r.ExtendTrial(ctx, h.Owner, s.ID, 7)
	require.ErrorIs(t, err, foyer.Conflict, "there is no trial")
	_, err = r.Downgrade(ctx, h.Owner, s.ID, []billing.ItemInput{{Price: h.Dearer, Quantity: 1}})
	require.ErrorIs(t, err, foyer.Conflict, "that costs something now")
	down, err := r.Downgrade(ctx, h.Owner, s.ID, []billing.ItemInput{{Price: h.Cheaper, Quantity: 1}})
	require.NoError(t, err)
	assert.Equal(t, billing.ScheduleChange, down.ScheduledChange.Action)
	_, err = r.ApplyDiscount(ctx, h.Owner, h.Indebt(t, h.Subscribe(t)).ID, d)
	require.ErrorIs(t, err, foyer.Conflict, "not on what is past due")
}
