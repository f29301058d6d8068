package billing

import (
	"context"
	"math/big"
	"time"

	"foyer/internal/foyer"
)

// Retainer is a provider that can grant what keeps a customer. Its commands cost nothing now, and join a transaction that is open.
type Retainer interface {
	// ApplyDiscount lowers the next bills. Refusals: Conflict with the reason.
	ApplyDiscount(ctx context.Context, by foyer.Actor, id SubscriptionID, d SubscriptionDiscount) (Subscription, error)
	// ExtendTrial moves the end of a trial by days. Refusals: Conflict, Invalid.
	ExtendTrial(ctx context.Context, by foyer.Actor, id SubscriptionID, days int) (Subscription, error)
	// Downgrade is Change to something that costs nothing now; Conflict (subscription.not_a_downgrade) when it would.
	Downgrade(ctx context.Context, by foyer.Actor, id SubscriptionID, items []ItemInput) (Subscription, error)
}

// longestExtension is by how many days a trial can be made longer at once.
const longestExtension = 90

// Discounted returns the subscription with a discount that lowers its next bills.
//
// Refusals: Conflict with the reason; subscription.discounted where another discount is in effect: two would be a sum nobody was shown.
func (s Subscription) Discounted(d SubscriptionDiscount, now time.Time) (Subscription, error) {
	if why := s.refuseDiscount(now); why != "" {
		return s, foyer.Refuse(foyer.Conflict, why)
	}
	next := s.changed(now)
	if d.StartsAt == nil {
		at := foyer.Micro(now)
		d.StartsAt = &at
	}
	next.Discount = &d
	next.reprice()
	return next, nil
}

func (s Subscription) refuseDiscount(now time.Time) string {
	if why := s.inert(); why != "" {
		return why
	}
	switch {
	case s.Status == SubscriptionPaused:
		return "subscription.paused"
	case s.Status == SubscriptionPastDue:
		return "subscription.past_due"
	case s.OpenPayment != "":
		return "subscription.payment_in_progress"
	case s.scheduled(ScheduleCancel):
		return "subscription.cancel_scheduled"
	case s.scheduled(SchedulePause):
		return "subscription.change_scheduled"
	case s.Discount.inEffect(now):
		return "subscription.discounted"
	}
	return ""
}

// inEffect tells whether the discount lowers a bill still to come.
func (d *SubscriptionDiscount) inEffect(now time.Time) bool {
	return d != nil && (d.PeriodsLeft == nil || *d.PeriodsLeft > 0) && (d.EndsAt == nil || d.EndsAt.After(now))
}

// TrialExtended returns the subscription with a trial that ends days later.
//
// Refusals: Conflict with the reason; Invalid for more days than can be given.
func (s Subscription) TrialExtended(days int, now time.Time) (Subscription, error) {
	if why := s.inert(); why != "" {
		return s, foyer.Refuse(foyer.Conflict, why)
	}
	switch {
	case s.Status != SubscriptionTrialing || s.Trial == nil:
		return s, foyer.Refuse(foyer.Conflict, "subscription.not_trialing")
	case s.ScheduledChange != nil:
		return s, foyer.Refuse(foyer.Conflict, "subscription.change_scheduled")
	case days < 1 || days > longestExtension:
		return s, foyer.InvalidFields(foyer.FieldError{Pointer: "/days", Code: "input.invalid"})
	}
	next := s.changed(now)
	end := s.Trial.End.AddDate(0, 0, days)
	next.Trial = &foyer.Period{Start: s.Trial.Start, End: end}
	next.CurrentPeriod, next.NextBilledAt, next.AnchorAt = next.Trial, &end, &end
	if !now.Before(end.Add(-trialLead)) {
		next.tell(Notice{Kind: MailTrialEnding, Of: end}) // by the mail that says how long the trial is now
	}
	next.reprice()
	return next, nil
}

// BillAfter is when the n-th bill from now falls, counted from 1; nil when it will not be billed.
func (s Subscription) BillAfter(n int) *time.Time {
	if s.NextPayment() == nil || n < 1 {
		return nil
	}
	at, anchor, cycle := *s.NextBilledAt, *s.NextBilledAt, s.comingCycle()
	switch {
	case cycle != s.Cycle: // counted from the bill it begins with
	case s.AnchorAt != nil && s.Status != SubscriptionTrialing:
		anchor = *s.AnchorAt
	}
	for range n - 1 {
		at = cycle.Next(anchor, at)
	}
	if s.scheduled(ScheduleCancel) && s.endsBy(at) {
		return nil
	}
	return &at
}

// comingCycle is the one the next bill begins: a scheduled change brings its own.
func (s Subscription) comingCycle() foyer.Cycle {
	if s.Pending != nil {
		return s.Pending.Cycle
	}
	return s.Cycle
}

// MonthlyRevenue is what the subscription brings a month with the discount and the plan its next bill has, with tax, in minor units: a year's twelfth, 52
// weeks' and 365 days' too. What is paused or canceled brings nothing.
func (s Subscription) MonthlyRevenue() int64 {
	if s.Status == SubscriptionCanceled || s.Status == SubscriptionPaused || s.AmountsUnknown || s.Cycle.Frequency < 1 {
		return 0
	}
	cycle, total := s.comingCycle(), s.RecurringTotal
	if s.NextTotal != nil {
		total = *s.NextTotal
	}
	yearly := map[foyer.Interval]int64{foyer.Year: 1, foyer.Month: 12, foyer.Week: 52, foyer.Day: 365}[cycle.Interval]
	return round(big.NewRat(1, 1).Mul(big.NewRat(total, 1), big.NewRat(yearly, 12*int64(cycle.Frequency))))
}

// ApplyDiscount lowers the next bills of a subscription; see Retainer.
func (s *Service) ApplyDiscount(ctx context.Context, by foyer.Actor, id SubscriptionID, d SubscriptionDiscount) (Subscription, error) {
	r, err := s.retainer(ctx, by, id)
	if err != nil {
		return Subscription{}, err
	}
	return r.ApplyDiscount(ctx, by, id, d)
}

// ExtendTrial makes a trial longer; see Retainer.
func (s *Service) ExtendTrial(ctx context.Context, by foyer.Actor, id SubscriptionID, days int) (Subscription, error) {
	r, err := s.retainer(ctx, by, id)
	if err != nil {
		return Subscription{}, err
	}
	return r.ExtendTrial(ctx, by, id, days)
}

// Downgrade changes what is subscribed to where that costs nothing now; see Retainer.
func (s *Service) Downgrade(ctx context.Context, by foyer.Actor, id SubscriptionID, items []ItemInput) (Subscription, error) {
	r, err := s.retainer(ctx, by, id)
	if err != nil {
		return Subscription{}, err
	}
	return r.Downgrade(ctx, by, id, items)
}

func (s *Service) retainer(ctx context.Context, by foyer.Actor, id SubscriptionID) (Retainer, error) {
	p, err := s.providerOf(ctx, by, id)
	if err != nil {
		return nil, err
	}
	if r, can := p.(Retainer); can {
		return r, nil
	}
	return nil, foyer.Refuse(foyer.Conflict, "subscription.kept_elsewhere")
}
