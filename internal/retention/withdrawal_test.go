package retention

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// withdrawals are one withdrawal in each state; noticed is an open one declared by a notice.
func withdrawals(t *testing.T, now time.Time) map[string]Withdrawal {
	t.Helper()
	ended := billing.Subscription{Status: billing.SubscriptionCanceled}
	open := NewWithdrawal{
		ID: "wdr_1", Subscription: billing.Subscription{ID: "sub_1", Merchant: "mer_1", Customer: "ctm_1", Currency: "EUR"}, Profile: ProfileDE, Country: "DE",
		EndsAt: now.AddDate(0, 0, 14), Policy: RefundFull,
	}.Begin(now)
	must := func(w Withdrawal, err error) Withdrawal {
		require.NoError(t, err)
		return w
	}
	noticed := must(open.Noticed("ntc_1", now.Add(-time.Hour), now))
	confirmed := must(open.Confirmed(ended, []Return{{Payment: "pay_1", Money: 1000, State: ReturnPlanned}}, "call", now))
	return map[string]Withdrawal{
		"open": open, "noticed": noticed, "confirmed": confirmed,
		"completed": confirmed.Returned(map[billing.PaymentID]RefundOutcome{"pay_1": {State: ReturnRefunded, Money: 1000}}, now),
		"failed":    confirmed.Returned(map[billing.PaymentID]RefundOutcome{"pay_1": {State: ReturnRefused, Reason: "blocked_card"}}, now),
		"expired":   must(open.Lapsed(now)), "dismissed": must(noticed.Dismissed(now)),
	}
}

// Every transition from every state: where it leads, or the code it is refused with.
func TestWithdrawalTransitions(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	const closed, undeclared = "withdrawal.closed", "withdrawal.not_declared"
	ended := billing.Subscription{Status: billing.SubscriptionCanceled}
	gone := map[billing.PaymentID]RefundOutcome{"pay_1": {State: ReturnRefunded, Money: 1000}}
	refused := map[billing.PaymentID]RefundOutcome{"pay_1": {State: ReturnRefused, Reason: "blocked_card"}}
	for name, c := range map[string]struct {
		act  func(w Withdrawal) (Withdrawal, error)
		want map[string]string
	}{
		"notice": {func(w Withdrawal) (Withdrawal, error) { return w.Noticed("ntc_2", now, now) }, map[string]string{
			"open": "open", "noticed": closed, "confirmed": closed, "completed": closed, "failed": closed, "expired": closed, "dismissed": closed,
		}},
		"confirm": {func(w Withdrawal) (Withdrawal, error) {
			return w.Confirmed(ended, []Return{{Payment: "pay_1", Money: 1, State: ReturnPlanned}}, "", now)
		}, map[string]string{
			"open": "confirmed", "noticed": "confirmed", "confirmed": closed, "completed": closed, "failed": closed, "expired": closed, "dismissed": closed,
		}},
		"lapse": {func(w Withdrawal) (Withdrawal, error) { return w.Lapsed(now) }, map[string]string{
			"open": "expired", "noticed": closed, "confirmed": closed, "completed": closed, "failed": closed, "expired": closed, "dismissed": closed,
		}},
		"dismiss": {func(w Withdrawal) (Withdrawal, error) { return w.Dismissed(now) }, map[string]string{
			"open": undeclared, "noticed": "dismissed", "confirmed": closed, "completed": closed, "failed": closed, "expired": closed, "dismissed": closed,
		}},
		"retry": {func(w Withdrawal) (Withdrawal, error) { return w.Retried("again", now) }, map[string]string{
			"open": undeclared, "noticed": closed, "confirmed": closed, "completed": closed, "failed": "confirmed", "expired": closed, "dismissed": closed,
		}},
		"refunded": {func(w Withdrawal) (Withdrawal, error) { return w.Returned(gone, now), nil }, map[string]string{
			"open": "open", "noticed": "open", "confirmed": "completed", "completed": "completed", "failed": "failed", "expired": "expired", "dismissed": "dismissed",
		}},
		"refused": {func(w Withdrawal) (Withdrawal, error) { return w.Returned(refused, now), nil }, map[string]string{
			"open": "open", "noticed": "open", "confirmed": "failed", "completed": "completed", "failed": "failed", "expired": "expired", "dismissed": "dismissed",
		}},
		"the gateway is away": {func(w Withdrawal) (Withdrawal, error) { return w.Returned(nil, now), nil }, map[string]string{
			"open": "open", "noticed": "open", "confirmed": "confirmed", "completed": "completed", "failed": "failed", "expired": "expired", "dismissed": "dismissed",
		}},
	} {
		for state, before := range withdrawals(t, now) {
			after, err := c.act(before)
			if refusal, refused := foyer.AsError(err); refused {
				assert.Equal(t, c.want[state], refusal.Code, "%s from %s", name, state)
				assert.Equal(t, before, after, "%s from %s changes nothing", name, state)
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, c.want[state], string(after.State), "%s from %s", name, state)
			if after.State != before.State {
				assert.Equal(t, before.Version+1, after.Version)
			}
		}
	}
}

func TestAWithdrawalIsLookedAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	all := withdrawals(t, now)
	assert.Equal(t, now.AddDate(0, 0, 14), *all["open"].DueAt(), "the window's end")
	assert.Equal(t, now.Add(-time.Hour).AddDate(0, 0, 10), *all["noticed"].DueAt(), "the merchant is told again")
	assert.Nil(t, all["noticed"].Reminded(now).DueAt(), "once")
	assert.False(t, all["noticed"].Over(now.AddDate(10, 0, 0)), "what was declared in time is not lost")
	assert.True(t, all["open"].Over(now.AddDate(0, 0, 14)))
	assert.Equal(t, now.Add(time.Minute), *all["confirmed"].DueAt(), "by others, when the call dies")
	for _, over := range []string{"completed", "failed", "expired", "dismissed"} {
		assert.Nil(t, all[over].DueAt(), over)
	}
	assert.Equal(t, now.Add(-time.Hour), *all["noticed"].DeclaredAt, "when it was received, not when it was confirmed")

	w, waits := all["confirmed"], []time.Duration{}
	for range 12 {
		w = w.Returned(nil, now)
		waits = append(waits, w.DueAt().Sub(now))
	}
	assert.Equal(t, []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute}, waits[:3])
	assert.Equal(t, 6*time.Hour, waits[11], "and not longer than that")

	again, err := all["failed"].Retried("again", now)
	require.NoError(t, err)
	assert.NotEqual(t, all["failed"].RefundCommand(all["failed"].Returns[0]), again.RefundCommand(again.Returns[0]), "a refund that was refused is asked for anew")
	assert.Equal(t, "again", again.Command)

	charging := billing.Subscription{Status: billing.SubscriptionActive, OpenPayment: "pay_2"}
	waiting, err := all["open"].Confirmed(charging, nil, "", now)
	require.NoError(t, err)
	assert.Equal(t, billing.PaymentID("pay_2"), waiting.Charge)
	assert.Equal(t, WithdrawalConfirmed, waiting.Returned(nil, now).State, "a charge under way is waited for")
	assert.Equal(t, WithdrawalCompleted, waiting.Charged(nil, now).Returned(nil, now).State)
}

func TestWithdrawable(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) // a Monday
	sub := billing.Subscription{StartedAt: &began, CreatedAt: began.AddDate(1, 0, 0)}
	thirty := 30
	for name, c := range map[string]struct {
		law   LegalProfile
		after int
		code  string
	}{
		"DE":                         {ProfileOf("DE", ""), 13, ""},
		"FR":                         {ProfileOf("FR", ""), 13, ""},
		"AT":                         {ProfileOf("AT", ""), 13, ""},
		"GB":                         {ProfileOf("GB", ""), 13, ""},
		"DE too late":                {ProfileOf("DE", ""), 17, "withdrawal.out_of_time"},
		"DE, merchant gives 30":      {ProfileOf("DE", "").Tightened(LegalWishes{WithdrawalDays: &thirty}), 29, ""},
		"California":                 {ProfileOf("US", "CA"), 0, "withdrawal.not_available"},
		"US":                         {ProfileOf("US", "NY"), 0, "withdrawal.not_available"},
		"elsewhere":                  {ProfileOf("JP", ""), 0, "withdrawal.not_available"},
		"elsewhere, merchant gives":  {ProfileOf("JP", "").Tightened(LegalWishes{WithdrawalDays: &thirty}), 29, ""},
		"nowhere":                    {ProfileOf("", ""), 0, "withdrawal.not_available"},
		"DE, merchant gives nothing": {ProfileOf("DE", "").Tightened(LegalWishes{WithdrawalDays: new(int)}), 13, ""},
	} {
		ends, err := c.law.Withdrawable(sub, began.AddDate(0, 0, c.after))
		if c.code != "" {
			refusal, refused := foyer.AsError(err)
			require.True(t, refused, name)
			assert.Equal(t, c.code, refusal.Code, name)
			continue
		}
		require.NoError(t, err, name)
		assert.True(t, ends.After(began.AddDate(0, 0, 14)), name)
	}
	assert.Equal(t, began.AddDate(1, 0, 0), Concluded(billing.Subscription{CreatedAt: sub.CreatedAt}))
}

func TestPlanReturns(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	period := &foyer.Period{Start: start, End: start.AddDate(0, 0, 30)}
	paid := func(id billing.PaymentID, money, credit int64, refunds ...billing.Refund) billing.Payment {
		p := billing.Payment{ID: id, Status: billing.PaymentCompleted, BillingPeriod: period, Totals: billing.Totals{GrandTotal: money, Credit: credit, Total: money + credit}, Refunds: refunds}
		p.Totals.Refunded = billing.Refunded(refunds)
		return p
	}
	back := func(action billing.RefundAction, status billing.RefundStatus, total int64) billing.Refund {
		return billing.Refund{Action: action, Status: status, Total: total}
	}
	imported := paid("pay_1", 1000, 0)
	imported.Imported = true
	for name, c := range map[string]struct {
		payments []billing.Payment
		policy   RefundPolicy
		days     int
		owed     int64
		want     []Return
	}{
		"full":                       {[]billing.Payment{paid("pay_1", 1190, 0)}, RefundFull, 10, 0, []Return{{Payment: "pay_1", Money: 1190, State: ReturnPlanned}}},
		"the rest, rounded up":       {[]billing.Payment{paid("pay_1", 1000, 0)}, RefundProRata, 10, 0, []Return{{Payment: "pay_1", Money: 667, State: ReturnPlanned}}},
		"credit goes back as credit": {[]billing.Payment{paid("pay_1", 690, 500)}, RefundFull, 1, 0, []Return{{Payment: "pay_1", Money: 690, Credit: 500, State: ReturnPlanned}}},
		"nothing twice": {[]billing.Payment{
			paid("pay_1", 1000, 300, back(billing.ActionRefund, billing.RefundApproved, 400), back(billing.ActionRefund, billing.RefundPending, 100), back(billing.ActionCredit, billing.RefundApproved, 200), back(billing.ActionRefund, billing.RefundRejected, 50)),
			paid("pay_2", 100, 0, back(billing.ActionRefund, billing.RefundApproved, 100)),
		}, RefundFull, 1, 0, []Return{{Payment: "pay_1", Money: 500, Credit: 100, State: ReturnPlanned}}},
		"what was given as credit":    {[]billing.Payment{paid("pay_1", 1000, 0), paid("pay_2", 200, 0)}, RefundFull, 1, 300, []Return{{Payment: "pay_1", Money: 900, State: ReturnPlanned}}},
		"another system's payments":   {[]billing.Payment{imported}, RefundFull, 1, 0, nil},
		"nothing left of the period":  {[]billing.Payment{paid("pay_1", 1000, 0)}, RefundProRata, 30, 0, nil},
		"before the period begins":    {[]billing.Payment{paid("pay_1", 1000, 0)}, RefundProRata, -1, 0, []Return{{Payment: "pay_1", Money: 1000, State: ReturnPlanned}}},
		"nothing was paid (a trial)":  {nil, RefundFull, 1, 0, nil},
		"more credit owed than money": {[]billing.Payment{paid("pay_1", 100, 0)}, RefundFull, 1, 500, nil},
	} {
		got := PlanReturns(c.payments, c.policy, start.AddDate(0, 0, c.days), c.owed)
		assert.ElementsMatch(t, c.want, got, name)
	}
}
