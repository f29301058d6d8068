package retention_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/retention"
)

var (
	start = time.Date(2026, 4, 12, 15, 0, 0, 0, time.UTC)
	ends  = start.AddDate(0, 0, 20)
)

// active is a subscription of 20.00 EUR a month that has 20 days left.
func active() billing.Subscription {
	begun := start.AddDate(0, 0, -10)
	return billing.Subscription{
		ID: "sub_1", Merchant: "mer_1", Customer: "ctm_1", Status: billing.SubscriptionActive, Provider: billing.ProviderNative, Currency: "EUR",
		Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1}, CurrentPeriod: &foyer.Period{Start: begun, End: ends}, NextBilledAt: &ends, AnchorAt: &begun,
		StartedAt: &begun, CreatedAt: begun, RecurringTotal: 2000, PaymentMethod: "paymtd_1",
		Items: []billing.SubscriptionItem{{ProductID: "pro_1", PriceID: "pri_1", ProductName: "Plan", Quantity: 1, UnitPrice: 2000}},
	}
}

func ending() billing.Subscription {
	sub := active()
	sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: ends}
	return sub
}

func ended() billing.Subscription {
	sub := active()
	at := start
	sub.Status, sub.CanceledAt = billing.SubscriptionCanceled, &at
	return sub
}

// begun is a cancellation of active in a state, with an offer where the state has one.
func begun(state retention.State) retention.Cancellation {
	c := retention.NewCancellation{ID: "can_1", Subscription: active(), Effective: billing.AtPeriodEnd, Origin: retention.OriginPortal, Profile: retention.ProfileEU}.Begin(start)
	must := func(c retention.Cancellation, err error) retention.Cancellation {
		if err != nil {
			panic(err)
		}
		return c
	}
	rule := retention.Rule{Key: "contact", Type: retention.OfferContact}
	offered := c.Offer(rule.Offer("ofr_1", c, retention.Outcome{}, start), start)
	switch state {
	case retention.Offered:
		return offered
	case retention.Saved:
		return offered.Accepted("ofr_1", active(), start)
	case retention.Scheduled:
		return must(c.Confirmed(ending(), start))
	case retention.Canceled:
		return must(c.Confirmed(ended(), start))
	case retention.Undone:
		return must(must(c.Confirmed(ending(), start)).Undone(start))
	case retention.Abandoned:
		return must(c.Abandoned(start))
	case retention.Expired:
		return must(c.Lapsed(start))
	}
	return c
}

// Every transition from every state: where it leads, or the code it is refused with.
func TestTransitions(t *testing.T) {
	t.Parallel()
	const closed, not, none, unknown, used = "cancellation.closed", "cancellation.not_scheduled", "offer.none", "input.invalid", "offer.closed"
	moves := map[string]func(c retention.Cancellation) (retention.Cancellation, error){
		"answer": func(c retention.Cancellation) (retention.Cancellation, error) {
			return c.Answer(retention.Answers{Reason: "other"}, start)
		},
		"accept": func(c retention.Cancellation) (retention.Cancellation, error) {
			o, err := c.Acceptable("ofr_1", start)
			if err != nil {
				return c, err
			}
			return c.Accepted(o.ID, active(), start), nil
		},
		"decline": func(c retention.Cancellation) (retention.Cancellation, error) {
			return c.Declined(retention.OfferDeclined, start)
		},
		"confirm":       func(c retention.Cancellation) (retention.Cancellation, error) { return c.Confirmed(ending(), start) },
		"confirm, over": func(c retention.Cancellation) (retention.Cancellation, error) { return c.Confirmed(ended(), start) },
		"abandon":       func(c retention.Cancellation) (retention.Cancellation, error) { return c.Abandoned(start) },
		"lapse":         func(c retention.Cancellation) (retention.Cancellation, error) { return c.Lapsed(start) },
		"undo":          func(c retention.Cancellation) (retention.Cancellation, error) { return c.Undone(start) },
		"end":           func(c retention.Cancellation) (retention.Cancellation, error) { return c.Ended(ended(), start) },
	}
	// In the order of States: open, offered, saved, scheduled, canceled, undone, abandoned, expired.
	want := map[string][]string{
		"answer":        {"→open", "→offered", closed, closed, closed, closed, closed, closed},
		"accept":        {unknown, "→saved", closed, unknown, unknown, unknown, unknown, unknown},
		"decline":       {none, "→open", closed, closed, closed, closed, closed, closed},
		"confirm":       {"→scheduled", "→scheduled", closed, closed, closed, closed, closed, "→scheduled"},
		"confirm, over": {"→canceled", "→canceled", closed, closed, closed, closed, closed, "→canceled"},
		"abandon":       {"→abandoned", "→abandoned", closed, closed, closed, closed, closed, closed},
		"lapse":         {"→expired", "→expired", closed, closed, closed, closed, closed, closed},
		"undo":          {not, not, not, "→undone", not, not, not, not},
		"end":           {"→canceled", "→canceled", not, "→canceled", not, not, not, not},
	}
	require.Len(t, want, len(moves))
	for move, ways := range want {
		require.Len(t, ways, len(retention.States), move)
		for i, state := range retention.States {
			before := begun(state)
			require.Equal(t, state, before.State)
			after, err := moves[move](before)
			got := "→" + string(after.State)
			if refusal, refused := foyer.AsError(err); refused {
				got = refusal.Code
				assert.Equal(t, before, after, "%s of %s: a refusal changes nothing", move, state)
			} else {
				assert.NoError(t, err)
				assert.Greater(t, after.Version, before.Version, "%s of %s", move, state)
				assert.Equal(t, after.Finished(), after.Step == retention.StepDone, "%s of %s", move, state)
				assert.Equal(t, after.Finished(), after.ExpiresAt == nil, "%s of %s", move, state)
				for _, o := range after.Offers {
					assert.Equal(t, after.State == retention.Offered, o.State == retention.OfferOpen, "%s of %s leaves the offer %s", move, state, o.State)
				}
			}
			assert.Equal(t, ways[i], got, "%s of %s", move, state)
		}
	}
	// An offer is answered once, also within one cancellation.
	declined, err := begun(retention.Offered).Declined(retention.OfferDeclined, start)
	require.NoError(t, err)
	_, err = declined.Acceptable("ofr_1", start)
	assert.Equal(t, used, code(err))
	_, err = begun(retention.Offered).Acceptable("ofr_1", start.Add(time.Hour))
	assert.Equal(t, "offer.expired", code(err))
	_, err = begun(retention.Offered).Acceptable("ofr_2", start)
	assert.Equal(t, unknown, code(err))
}

func code(err error) string {
	if refusal, ok := foyer.AsError(err); ok {
		return refusal.Code
	}
	return ""
}

// A trial and a free subscription go straight to the confirmation; so does everybody where nothing is asked, and a notice.
func TestWhatACancellationBeginsWith(t *testing.T) {
	t.Parallel()
	trial, free := active(), active()
	trial.Status, trial.Trial = billing.SubscriptionTrialing, trial.CurrentPeriod
	free.RecurringTotal = 0
	for name, c := range map[string]struct {
		sub    billing.Subscription
		origin retention.Origin
		set    retention.Settings
		step   retention.Step
	}{
		"paid":          {active(), retention.OriginPortal, retention.Settings{}, retention.StepSurvey},
		"trial":         {trial, retention.OriginPortal, retention.Settings{}, retention.StepConfirm},
		"free":          {free, retention.OriginPortal, retention.Settings{}, retention.StepConfirm},
		"no survey":     {active(), retention.OriginPortal, retention.Settings{Survey: retention.Survey{Off: true}}, retention.StepConfirm},
		"not signed in": {active(), retention.OriginNotice, retention.Settings{}, retention.StepConfirm},
	} {
		begun := retention.NewCancellation{ID: "can_1", Subscription: c.sub, Effective: billing.AtPeriodEnd, Origin: c.origin, Settings: c.set}.Begin(start)
		assert.Equal(t, retention.Open, begun.State, name)
		assert.Equal(t, c.step, begun.Step, name)
		assert.Equal(t, c.step == retention.StepSurvey, begun.Survey != nil, name)
		assert.Equal(t, billing.ProductID("pro_1"), begun.Product, name)
	}
}

func TestSeenTellsACancellationAsItsSubscriptionStands(t *testing.T) {
	t.Parallel()
	open := begun(retention.Open)
	atOnce := open.Asking(billing.Immediately, start)
	scheduled, offered := begun(retention.Scheduled), begun(retention.Offered)
	later, muchLater := start.Add(2*time.Hour), start.Add(25*time.Hour)
	for name, c := range map[string]struct {
		is    retention.Cancellation
		with  billing.Subscription
		now   time.Time
		state retention.State
		when  billing.Effective
		at    *time.Time
	}{
		"open":                                  {open, active(), start, retention.Open, billing.AtPeriodEnd, &ends},
		"open, at once":                         {atOnce, active(), start, retention.Open, billing.Immediately, &start},
		"open, ended by somebody else":          {open, ended(), start, retention.Canceled, billing.Immediately, &start},
		"open, scheduled by somebody else":      {open, ending(), start, retention.Scheduled, billing.AtPeriodEnd, &ends},
		"open, to end sooner than is scheduled": {atOnce, ending(), start, retention.Open, billing.Immediately, &start},
		"open for too long":                     {open, active(), muchLater, retention.Expired, billing.AtPeriodEnd, nil},
		"offered":                               {offered, active(), start, retention.Offered, billing.AtPeriodEnd, &ends},
		"offered, and the offer has expired":    {offered, active(), later, retention.Open, billing.AtPeriodEnd, &ends},
		"scheduled":                             {scheduled, ending(), start, retention.Scheduled, billing.AtPeriodEnd, &ends},
		"scheduled and ended":                   {scheduled, ended(), start, retention.Canceled, billing.AtPeriodEnd, &start},
		"scheduled, kept by somebody else":      {scheduled, active(), start, retention.Undone, billing.AtPeriodEnd, &ends},
		"undone":                                {begun(retention.Undone), active(), start, retention.Undone, billing.AtPeriodEnd, &ends},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			seen := c.is.Seen(c.with, c.now)
			assert.Equal(t, c.state, seen.State)
			assert.Equal(t, c.when, seen.Effective)
			assert.Equal(t, c.at, seen.EffectiveAt)
			assert.Equal(t, seen.Finished(), seen.Step == retention.StepDone)
			assert.Equal(t, c.is.Version, seen.Version, "nothing was written down")
		})
	}
}

// What time alone does: an unfinished one is given up, a scheduled one ends with its subscription, and everyone is looked at after 30, 60
// and 90 days.
func TestPass(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return start.AddDate(0, 0, n) }
	goneAt := func(at time.Time) billing.Subscription {
		sub := ended()
		sub.CanceledAt = &at
		return sub
	}
	for name, c := range map[string]struct {
		is      retention.Cancellation
		sub     billing.Subscription
		now     time.Time
		state   retention.State
		changed bool
		there   []bool
		next    *time.Time
	}{
		"nothing yet":                 {begun(retention.Saved), active(), day(29), retention.Saved, false, nil, at(day(30))},
		"given up":                    {begun(retention.Open), active(), day(1), retention.Expired, true, nil, at(day(30))},
		"with an offer on the table":  {begun(retention.Offered), active(), day(1), retention.Expired, true, nil, at(day(30))},
		"saved, still there":          {begun(retention.Saved), active(), day(30), retention.Saved, false, []bool{true}, at(day(60))},
		"saved, gone":                 {begun(retention.Saved), goneAt(day(20)), day(30), retention.Saved, false, []bool{false}, at(day(60))},
		"saved, gone after the day":   {begun(retention.Saved), goneAt(day(40)), day(61), retention.Saved, false, []bool{true, false}, at(day(90))},
		"all at once":                 {begun(retention.Abandoned), active(), day(400), retention.Abandoned, false, []bool{true, true, true}, nil},
		"ended":                       {begun(retention.Scheduled), goneAt(ends), ends, retention.Canceled, true, nil, at(day(30))},
		"kept by somebody else":       {begun(retention.Scheduled), active(), ends, retention.Undone, true, nil, at(day(30))},
		"the engine is a little late": {begun(retention.Scheduled), ending(), ends, retention.Scheduled, false, nil, at(ends.Add(time.Minute))},
		"a charge takes long":         {begun(retention.Scheduled), ending(), ends.Add(20 * time.Minute), retention.Scheduled, false, nil, at(ends.Add(40 * time.Minute))},
		"a charge takes days":         {begun(retention.Scheduled), ending(), ends.Add(20 * time.Hour), retention.Scheduled, false, nil, at(ends.Add(21 * time.Hour))},
		"its end is due all the same": {begun(retention.Saved), ending(), day(30), retention.Saved, false, []bool{ends.After(day(30))}, at(day(60))},
		"canceled by the merchant":    {begun(retention.Open), goneAt(day(0)), day(1), retention.Canceled, true, nil, at(day(30))},
	} {
		next, changed := c.is.Pass(c.sub, c.now)
		assert.Equal(t, c.state, next.State, name)
		assert.Equal(t, c.changed, changed, name)
		assert.Equal(t, c.there, next.There, name)
		assert.Equal(t, c.next, next.DueAt(), name)
		assert.Greater(t, next.Version, c.is.Version, name)
	}
}

// An end that is late stays the one that was told: the receipt says so, too.
func TestALateEndIsNotMoved(t *testing.T) {
	t.Parallel()
	c := begun(retention.Scheduled)
	next, _ := c.Pass(ending(), ends.Add(time.Hour))
	assert.Equal(t, c.EffectiveAt, next.EffectiveAt)

	paid := ending()
	paid.ScheduledChange.EffectiveAt = ends.AddDate(0, 1, 0)
	next, _ = next.Pass(paid, ends.Add(2*time.Hour))
	assert.Equal(t, ends.AddDate(0, 1, 0), *next.EffectiveAt, "a charge has paid for another period")
	assert.Nil(t, next.PollAt)
}

// What somebody else's cancel overtook is no decision of the customer's: it counts nothing, and says whose it was.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	for _, by := range []retention.Overtaker{retention.OvertakenByCancellation, retention.OvertakenByMerchant, retention.OvertakenByEnd} {
		c := begun(retention.Open)
		c.Group = retention.GroupEverybody
		assert.Len(t, retention.AddUp(nil, c), 1)
		next, err := c.OvertakenBy(by, ending(), start)
		require.NoError(t, err)
		assert.Equal(t, retention.Scheduled, next.State)
		assert.Empty(t, retention.AddUp(nil, next), by)
		shown := next.Show(ending(), i18n.English, "en", start)
		assert.Equal(t, by == retention.OvertakenByMerchant, strings.Contains(shown.Body, "The seller has canceled"), shown.Body)
	}
	kept, err := begun(retention.Scheduled).OvertakenBy("", ended(), start)
	require.NoError(t, err)
	assert.Empty(t, kept.Overtaken, "the customer wanted it before")
}

// Who pays by invoice isn't charged: no text may say that nothing more will be.
func TestTextsOfSubscriptionsPaidByInvoice(t *testing.T) {
	t.Parallel()
	sub := ended()
	sub.CollectionMode = billing.CollectManual
	c := begun(retention.Canceled)
	c.ReceivedAt = &start
	assert.NotContains(t, c.Show(sub, i18n.English, "en", start).Body, "charged")
	for _, effective := range []billing.Effective{billing.Immediately, billing.AtPeriodEnd} {
		c.Effective = effective
		text := strings.Join(c.Receipt(sub, billing.Customer{}, i18n.English, start).Document(i18n.English).Paragraphs, " ")
		assert.NotContains(t, text, "charged")
		assert.Contains(t, text, "stays payable")
	}
}

// The evidence keeps what the buttons said and which there were, and money in the words of the API.
func TestTheEvidenceKeepsTheButtons(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(begun(retention.Open).Show(active(), i18n.English, "en", start))
	require.NoError(t, err)
	assert.Contains(t, string(text), `"actions":["cancel_now"`)
	assert.Contains(t, string(text), `"confirm":"Cancel now"`)
	assert.NotContains(t, string(text), `"Amount"`)
}

func at(t time.Time) *time.Time { return &t }

func TestEveryStateHasItsTexts(t *testing.T) {
	t.Parallel()
	for _, state := range retention.States {
		assert.True(t, i18n.English.HasText("cancellation.state."+string(state)), state)
		shown := begun(state).Show(active(), i18n.English, "en", start)
		assert.NotContains(t, shown.Headline+shown.Body, "cancellation.", state)
		assert.NotContains(t, shown.Headline+shown.Body, "{{", state)
	}
}
