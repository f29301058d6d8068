package retention_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// chance leads one cancellation on, whichever way comes; it changes nothing where that way is closed. sub is what it is about.
func chance(r *rand.Rand, c retention.Cancellation, sub *billing.Subscription, n int, now time.Time) retention.Cancellation {
	next, err := c, error(nil)
	switch r.IntN(11) {
	case 0:
		next = c.Asking([]billing.Effective{billing.AtPeriodEnd, billing.Immediately}[r.IntN(2)], now)
	case 1:
		next, err = c.Answer(retention.Answers{Reason: retention.DefaultReasons[r.IntN(3)]}, now)
	case 2:
		if c.State == retention.Open {
			rule := retention.Rule{Key: fmt.Sprint("rule-", r.IntN(3)), Type: []retention.OfferType{retention.OfferDiscount, retention.OfferPause}[r.IntN(2)]}
			next = c.Offer(rule.Offer(retention.OfferID(fmt.Sprint("ofr_", n)), c, retention.Outcome{}, now), now)
		}
	case 3:
		if o := c.OpenOffer(now); o != nil {
			cheaper := *sub
			total := sub.RecurringTotal - int64(r.IntN(500))
			cheaper.NextTotal = &total
			next = c.Accepted(o.ID, cheaper, now)
		}
	case 4:
		next, err = c.Declined([]retention.OfferState{retention.OfferDeclined, retention.OfferExpired, retention.OfferFailed}[r.IntN(3)], now)
	case 5:
		if sub.Status == billing.SubscriptionActive {
			sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: now.AddDate(0, 0, 10)}
		}
		next, err = c.Confirmed(*sub, now)
	case 6:
		next, err = c.Abandoned(now)
	case 7:
		next, err = c.Lapsed(now)
	case 8:
		if c.State == retention.Scheduled && sub.Status == billing.SubscriptionActive {
			sub.ScheduledChange = nil
			next, err = c.Undone(now)
		}
	case 9:
		sub.Status, sub.CanceledAt, sub.ScheduledChange = billing.SubscriptionCanceled, &now, nil
		next, err = c.Ended(*sub, now)
	default:
		next, _ = c.Pass(*sub, now)
	}
	if err != nil {
		return c
	}
	return next
}

// Whatever happens to cancellations, in whatever order: what their changes added comes to the same as adding them all up as they stand.
func TestTheSumsAreThoseOfAllCancellations(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 7))
		now := start
		var all []retention.Cancellation
		var subs []billing.Subscription
		var changes []retention.TallyEntry
		reached := map[retention.State]bool{}
		for n := range 400 {
			now = now.Add(time.Duration(r.IntN(12)) * time.Hour)
			if len(all) == 0 || r.IntN(8) == 0 {
				sub := active()
				sub.ID, sub.Customer = billing.SubscriptionID(fmt.Sprint("sub_", n)), foyer.CustomerID(fmt.Sprint("ctm_", n))
				sub.Currency = []foyer.Currency{"EUR", "USD"}[r.IntN(2)]
				sub.RecurringTotal = 1000 + int64(r.IntN(3000))
				c := retention.NewCancellation{
					ID: retention.CancellationID(fmt.Sprint("can_", n)), Subscription: sub, Effective: billing.AtPeriodEnd, Origin: retention.OriginPortal,
					Country: []foyer.Country{"DE", "FR", ""}[r.IntN(3)], Settings: retention.Settings{Holdout: retention.Holdout{Percent: 30}},
				}.Begin(now)
				all, subs = append(all, c), append(subs, sub)
				changes = append(changes, retention.Changed(retention.Cancellation{}, c)...)
				continue
			}
			i := r.IntN(len(all))
			next := chance(r, all[i], &subs[i], n, now)
			changes = append(changes, retention.Changed(all[i], next)...)
			all[i] = next
			reached[next.State] = true
			if r.IntN(20) == 0 { // a transaction ends: what it added is merged by itself
				changes = retention.Merged(changes)
			}
		}
		require.Equal(t, retention.AddUp(nil, all...), retention.Merged(changes), "seed %d", seed)
		assert.GreaterOrEqual(t, len(reached), 6, "seed %d", seed)
	}
}

// What began before there were insights has no group, and counts nothing.
func TestCancellationsFromBeforeCountNothing(t *testing.T) {
	t.Parallel()
	old := begun(retention.Saved)
	old.Group = ""
	assert.Empty(t, retention.AddUp(nil, old))
	one := retention.AddUp(nil, begun(retention.Saved), old)
	require.Len(t, one, 1)
	assert.Equal(t, int64(1), one[0].Add.Started)
	assert.Equal(t, int64(2), retention.AddUp(one, begun(retention.Saved))[0].Add.Started)
}
