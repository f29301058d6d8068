package billing

import (
	"time"

	"foyer/internal/foyer"
)

// EffectKind says what a payment is for.
type EffectKind string

// What a payment may be for.
const (
	// EffectStart: the subscription exists once it is paid.
	EffectStart EffectKind = "start"
	// EffectPeriod: the period has begun; unpaid, the subscription is past due.
	EffectPeriod EffectKind = "period"
	// EffectChange: another plan, once it is paid.
	EffectChange EffectKind = "change"
	// EffectResume: a paused subscription goes on, once it is paid.
	EffectResume EffectKind = "resume"
	// EffectOnce: something is bought once, without a subscription. Declined at once, it is not bought.
	EffectOnce EffectKind = "once"
)

// Effect is what a payment does to its subscription when it is paid. It is decided with the bill, so that what was shown
// and paid is what happens.
type Effect struct {
	Kind EffectKind `json:"kind"`
	// After is the subscription to make (EffectStart), or to take items, cycle, period and discount from.
	After *Subscription `json:"after,omitempty"`
}

// Provider names who collects the payment; empty for one another system billed.
func (p Payment) Provider() string {
	if p.Imported {
		return ""
	}
	return ProviderNative
}

// Payable tells whether a customer may pay it now.
func (p Payment) Payable() bool {
	return p.Provider() != "" && p.Totals.Balance > 0 &&
		(p.Status == PaymentPastDue || p.Status == PaymentReady || p.Status == PaymentBilled && p.CollectionMode == CollectManual)
}

// Paid returns the payment captured. The subscription is Settled's.
func (p Payment) Paid(now time.Time) Payment {
	p.Status, p.Totals.Balance, p.RetryAt = PaymentCompleted, 0, nil
	if p.BilledAt == nil {
		at := foyer.Micro(now)
		p.BilledAt = &at
	}
	return p.changed(now)
}

// StartsExternalID is the external id of the subscription that exists once the payment is paid; empty when it starts none.
func (p Payment) StartsExternalID() string {
	if p.Effect == nil || p.Effect.Kind != EffectStart {
		return ""
	}
	return p.Effect.After.ExternalID
}

// Void returns the payment canceled: it will not be collected. Its credit is the customer's again, and its external id another
// payment's to have: what was declined is tried once more under the same one.
func (p Payment) Void(now time.Time) Payment {
	p.Status, p.RetryAt, p.Totals.Balance, p.ExternalID = PaymentCanceled, nil, 0, ""
	return p.changed(now)
}

// Declined returns the payment past due after a try failed, with the next try as the schedule has it: days counted from the
// first. last says that the schedule has no other.
func (p Payment) Declined(schedule []int, now time.Time) (payment Payment, last bool) {
	at := foyer.Micro(now)
	if p.FailedAt == nil {
		p.FailedAt = &at
	}
	p.Status, p.RetryAt = PaymentPastDue, nil
	for _, day := range schedule {
		if next := p.FailedAt.AddDate(0, 0, day); next.After(at) {
			p.RetryAt = &next
			break
		}
	}
	return p.changed(now), p.RetryAt == nil
}

// FinalNotice tells whether the try there will be is the last one of the schedule.
func (p Payment) FinalNotice(schedule []int) bool {
	if p.RetryAt == nil {
		return false
	}
	for _, day := range schedule {
		if p.FailedAt.AddDate(0, 0, day).After(*p.RetryAt) {
			return false
		}
	}
	return true
}

func (p Payment) changed(now time.Time) Payment {
	p.UpdatedAt = foyer.Micro(now)
	p.Version++
	return p
}

// begins tells whether a subscription begins with a payment, or has begun with it.
func (p Payment) begins() bool {
	return p.Effect != nil && p.Effect.Kind == EffectStart && p.Status != PaymentCanceled
}

// Settled returns the subscription after the payment that was under way, or a debt, was paid with the method.
func (s Subscription) Settled(p Payment, method PaymentMethodID, now time.Time) (Subscription, foyer.EventType) {
	next := s.changed(now)
	if next.OpenPayment == p.ID {
		next.OpenPayment = ""
	}
	event := EventSubscriptionUpdated
	if method != "" && s.Debt == p.ID && s.CollectionMode == CollectAutomatic {
		next.PaymentMethod = method // what paid the debt is what is charged from now on
	}
	if p.Effect == nil {
		return next, event
	}
	switch p.Effect.Kind {
	case EffectPeriod:
		if s.Debt == p.ID {
			next.Debt = ""
			if s.Status == SubscriptionPastDue {
				next.Status = SubscriptionActive
				event = EventSubscriptionActive
			}
		}
	case EffectResume, EffectChange:
		after := p.Effect.After
		scheduled := s.ScheduledChange
		next.Items, next.Cycle, next.Discount, next.AnchorAt = after.Items, after.Cycle, after.Discount, after.AnchorAt
		next.CurrentPeriod, next.NextBilledAt, next.LoweredFrom = after.CurrentPeriod, after.NextBilledAt, after.LoweredFrom
		next.Status, next.PausedAt, next.Pending = after.Status, nil, nil
		if p.Effect.Kind == EffectResume {
			event = EventSubscriptionActive
		}
		next.ScheduledChange = nil
		if s.scheduled(ScheduleCancel) {
			// Canceled while the charge was under way: at the end of what was just paid, or of the period the named date falls in.
			until := next.CurrentPeriod.End
			if scheduled.Firm {
				until = next.periodEnd(scheduled.EffectiveAt)
			}
			next.ScheduledChange = &ScheduledChange{Action: ScheduleCancel, EffectiveAt: until, Firm: scheduled.Firm}
		}
		next.reprice()
	}
	return next, event
}

// Unsettled returns the subscription after the payment that was under way failed; forgiven says that the payment is not
// collected any more.
func (s Subscription) Unsettled(p Payment, now time.Time) (next Subscription, event foyer.EventType, forgiven bool) {
	next = s.changed(now)
	if next.OpenPayment == p.ID {
		next.OpenPayment = ""
	}
	renewal := p.Effect != nil && p.Effect.Kind == EffectPeriod
	switch {
	case s.Status == SubscriptionCanceled:
		return next, EventSubscriptionUpdated, false // what was billed by invoice is still owed, and brings nothing back to life
	case (renewal || s.Status == SubscriptionPaused) && s.scheduled(ScheduleCancel) && !s.firmEnd():
		// Canceled while the charge was under way, and nothing was paid to keep: it ends now.
		next.end(foyer.Micro(now))
		return next, EventSubscriptionCanceled, true
	case !renewal:
		return next, EventSubscriptionUpdated, true
	}
	next.Debt = p.ID
	if s.Status == SubscriptionPastDue {
		return next, EventSubscriptionUpdated, false
	}
	next.Status = SubscriptionPastDue
	return next, EventSubscriptionPastDue, false
}

// GivenUp returns the subscription after the last try to collect a debt failed: canceled or paused, as the merchant chose.
func (s Subscription) GivenUp(then DunningEnd, now time.Time) (Subscription, foyer.EventType, MailKind) {
	next := s.changed(now)
	next.OpenPayment = ""
	if then == DunningPause {
		next.pause(foyer.Micro(now), nil)
		next.CurrentPeriod = nil // it was not paid
		if s.firmEnd() {
			next.ScheduledChange = s.ScheduledChange
		}
		return next, EventSubscriptionPaused, MailPaused
	}
	next.end(foyer.Micro(now))
	return next, EventSubscriptionCanceled, MailCanceled
}

// DunningEnd says what happens when the last try fails.
type DunningEnd string

// The ends of dunning.
const (
	DunningCancel DunningEnd = "cancel"
	DunningPause  DunningEnd = "pause"
)

// Dunning is how a merchant collects what was declined: on which days, counted from the first try, and what then.
type Dunning struct {
	Days []int
	Then DunningEnd
}

// DefaultDunning is used where the portal says nothing else.
var DefaultDunning = Dunning{Days: []int{0, 3, 5, 7, 14, 21, 30}, Then: DunningCancel}
