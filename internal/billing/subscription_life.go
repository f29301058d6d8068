package billing

import (
	"time"

	"foyer/internal/foyer"
)

// ProviderNative is the name of Foyer's own engine.
const ProviderNative = "native"

// Step is one thing that fell due: the subscription after it, the event and mail it gives, and the period to bill.
type Step struct {
	Subscription Subscription
	// Event is empty when nothing anybody can see has changed.
	Event foyer.EventType
	Mail  MailKind
	Facts MailFacts
	// Period is to be billed, with Discount; nil when nothing is.
	Period   *foyer.Period
	Discount *SubscriptionDiscount
	// Forgiven is a debt that is not collected any more, unless it is to be paid by invoice.
	Forgiven PaymentID
}

// DueAt is when time alone will do something to the subscription; nil when it will not. While a charge is under way its
// outcome comes first.
func (s Subscription) DueAt() *time.Time {
	if s.inert() != "" || s.OpenPayment != "" {
		return nil
	}
	due := s.changesAt()
	if n := firstNotice(s.Notices()); n != nil && (due == nil || n.At.Before(*due)) {
		due = &n.At
	}
	return due
}

// changesAt is when time alone will change the subscription; nil when it will not.
func (s Subscription) changesAt() *time.Time {
	var due *time.Time
	earlier := func(t *time.Time) {
		if t != nil && (due == nil || t.Before(*due)) {
			due = t
		}
	}
	switch s.Status {
	case SubscriptionTrialing:
		earlier(&s.Trial.End)
	case SubscriptionActive:
		earlier(&s.CurrentPeriod.End)
	case SubscriptionPaused:
		if s.scheduled(ScheduleResume) {
			earlier(&s.ScheduledChange.EffectiveAt)
		}
	}
	if s.firmEnd() {
		earlier(&s.ScheduledChange.EffectiveAt)
	}
	return due
}

// Step returns the next thing that is due at the moment; false when nothing is. What fell due first happens first, one
// period at a time, however late the engine comes.
func (s Subscription) Step(now time.Time) (Step, bool) {
	due := s.DueAt()
	if due == nil || due.After(now) {
		return Step{}, false
	}
	at := *due
	if changes := s.changesAt(); changes == nil || at.Before(*changes) {
		return s.remind(*firstNotice(s.Notices()), now), true
	}
	switch {
	case s.scheduled(ScheduleCancel) && s.endsBy(at):
		next := s.changed(now)
		next.end(at)
		return Step{Subscription: next, Event: EventSubscriptionCanceled, Mail: MailCanceled, Forgiven: s.Debt}, true
	case s.scheduled(SchedulePause):
		next := s.changed(now)
		resume := s.ScheduledChange.ResumeAt
		next.pause(at, resume)
		return Step{Subscription: next, Event: EventSubscriptionPaused, Mail: MailPaused, Facts: MailFacts{ResumeAt: resume}}, true
	}
	next, step := s.changed(now), Step{Event: EventSubscriptionUpdated}
	switch {
	case s.scheduled(ScheduleResume):
		next.AnchorAt, next.PausedAt, next.ScheduledChange = &at, nil, nil
		step.Event, step.Mail = EventSubscriptionActive, MailResumed
	case s.scheduled(ScheduleChange):
		next.Items, next.Cycle, next.Pending, next.ScheduledChange = s.Pending.Items, s.Pending.Cycle, nil, nil
		if next.Cycle != s.Cycle {
			next.AnchorAt = &at
		}
		step.Mail = MailPlanChanged
	}
	if s.Status == SubscriptionTrialing {
		next.AnchorAt = &at
		step.Event = EventSubscriptionActive
	}
	step.Period, step.Discount = next.begin(at)
	step.Subscription = next
	return step, true
}

// remind tells of what comes, once; what has come already is not told any more.
func (s Subscription) remind(n Notice, now time.Time) Step {
	next := s
	next.tell(n)
	next.Version++
	step := Step{Subscription: next}
	if !now.Before(n.Of) {
		return step
	}
	step.Mail = n.Kind
	switch n.Kind {
	case MailYearlyReminder:
		if pays := s.NextPayment(); pays.At.After(now) {
			step.Facts.EffectiveAt, step.Facts.Amount = &pays.At, pays.Total
		}
	case MailDiscountEnding:
		full := s.PendingTotal()
		step.Facts.EffectiveAt, step.Facts.Amount = &n.Of, &full
	default:
		step.Facts.EffectiveAt, step.Facts.Amount = &n.Of, s.NextPayment().Total
	}
	return step
}

// begin makes the subscription active in the period that starts at the moment and returns what is to be billed.
func (s *Subscription) begin(at time.Time) (*foyer.Period, *SubscriptionDiscount) {
	period := foyer.Period{Start: at, End: s.Cycle.Next(*s.AnchorAt, at)}
	s.Status, s.CurrentPeriod, s.NextBilledAt = SubscriptionActive, &period, &period.End
	discount := s.Discount
	if discount == nil || discount.PeriodsLeft == nil {
		s.LoweredFrom = nil
	} else {
		if s.LoweredFrom == nil {
			s.LoweredFrom = &at
		}
		left := *discount.PeriodsLeft - 1
		after := *discount
		after.PeriodsLeft = &left
		s.Discount = &after
		if left <= 0 {
			s.Discount = nil
		}
	}
	s.reprice()
	return &period, discount
}

// reprice reckons what a period costs from now on and, where that differs, what the next one will cost.
func (s *Subscription) reprice() {
	price := func(items []SubscriptionItem, d *SubscriptionDiscount) int64 {
		bill, err := PriceBill(wholeItems(items), d, func(foyer.Prefix) string { return "" })
		if err != nil {
			return 0 // can't be: the items were priced when they were taken in
		}
		return bill.Totals.Total
	}
	standing := s.Discount
	if standing != nil && standing.PeriodsLeft != nil {
		standing = nil
	}
	s.RecurringTotal = price(s.Items, standing)
	items := s.Items
	if s.Pending != nil {
		items = s.Pending.Items
	}
	s.NextTotal = nil
	if next := price(items, s.Discount); next != s.RecurringTotal {
		s.NextTotal = &next
	}
}

// wholeItems are items billed for all of their period.
func wholeItems(items []SubscriptionItem) []BillItem {
	out := make([]BillItem, len(items))
	for i, item := range items {
		out[i] = BillItem{SubscriptionItem: item}
	}
	return out
}

// changed is the subscription about to be changed.
func (s Subscription) changed(now time.Time) Subscription {
	s.UpdatedAt = foyer.Micro(now)
	s.Version++
	return s
}

func (s *Subscription) end(at time.Time) {
	s.Status, s.CanceledAt = SubscriptionCanceled, &at
	s.CurrentPeriod, s.NextBilledAt, s.ScheduledChange, s.Pending, s.NextTotal = nil, nil, nil, nil, nil
	s.PausedAt, s.LoweredFrom, s.Debt = nil, nil, ""
}

// pause keeps the period: who resumes while it lasts may go on with it.
func (s *Subscription) pause(at time.Time, resume *time.Time) {
	s.Status, s.PausedAt, s.NextBilledAt, s.Debt, s.ScheduledChange = SubscriptionPaused, &at, nil, "", nil
	if resume != nil {
		s.ScheduledChange = &ScheduledChange{Action: ScheduleResume, EffectiveAt: *resume}
	}
}

// NewSubscription is what a new subscription is made of; items, currency and cycle are those of its prices.
type NewSubscription struct {
	ID             SubscriptionID
	Scope          foyer.Scope
	Items          []SubscriptionItem
	Currency       foyer.Currency
	Cycle          foyer.Cycle
	CollectionMode CollectionMode
	PaymentMethod  PaymentMethodID
	Discount       *SubscriptionDiscount
	TrialEnd       *time.Time
	BillingDetails *Terms
	ExternalID     string
	Metadata       foyer.Metadata
	// Territory is where the customer lives.
	Territory Territory
}

// Begin returns the new subscription and the period to bill at once; nil for one that starts with a trial.
func (n NewSubscription) Begin(now time.Time) (Subscription, *foyer.Period, *SubscriptionDiscount) {
	now = foyer.Micro(now)
	s := Subscription{
		ID: n.ID, Merchant: n.Scope.Merchant, Customer: n.Scope.Customer, ExternalID: n.ExternalID, Provider: ProviderNative, Currency: n.Currency,
		Items: n.Items, Cycle: n.Cycle, CollectionMode: n.CollectionMode, PaymentMethod: n.PaymentMethod, Discount: n.Discount,
		StartedAt: &now, CreatedAt: now, UpdatedAt: now, Version: 1, AnchorAt: &now, BillingDetails: n.BillingDetails,
		Metadata: n.Metadata.Kept(), Territory: n.Territory,
	}
	if n.TrialEnd != nil && n.TrialEnd.After(now) {
		end := foyer.Micro(*n.TrialEnd)
		s.Status, s.Trial, s.NextBilledAt, s.AnchorAt = SubscriptionTrialing, &foyer.Period{Start: now, End: end}, &end, &end
		s.CurrentPeriod = s.Trial
		s.reprice()
		return s, nil, nil
	}
	period, discount := s.begin(now)
	return s, period, discount
}

// PendingTotal is what a period will cost once the scheduled change has taken effect.
func (s Subscription) PendingTotal() int64 {
	if s.Pending == nil {
		return s.RecurringTotal
	}
	after := s
	after.Items, after.Pending = s.Pending.Items, nil
	after.reprice()
	return after.RecurringTotal
}
