package billing

import (
	"maps"
	"time"

	"foyer/internal/foyer"
)

// A Notice is something the customer must be told ahead of time. Notices are planned from what is so now: whatever moves what they
// tell of moves them, and whatever keeps it from happening takes them away.
type Notice struct {
	Kind MailKind
	// At is when it is due, Of the moment it tells of: from then on it would not be true any more, and is not sent.
	At, Of time.Time
}

const aDay = 24 * time.Hour

// How long ahead. What has to be told at least a week before is told a day earlier, so that a mail that was late is still in time.
const (
	trialLead    = 8 * aDay
	discountLead = 8 * aDay
	// shortSpan is how long a trial or a lower price lasts at most that ends without a notice: whoever began it was told of its end.
	shortSpan = 7 * aDay
)

// Notices are what the customer is still to be told ahead of time as things stand, in no order. There is at most one of a kind.
// Nobody is told of what will not happen or costs nothing, and whoever owes is not told of the next bill.
func (s Subscription) Notices() []Notice {
	next := s.NextPayment()
	if s.inert() != "" || next == nil || next.Total != nil && *next.Total == 0 && s.RecurringTotal == 0 {
		return nil
	}
	var planned []Notice
	plan := func(kind MailKind, at, of time.Time) {
		if told, ever := s.Told[kind]; !ever || !told.Equal(of) {
			planned = append(planned, Notice{Kind: kind, At: at, Of: of})
		}
	}
	discountEnds := s.fullPriceAt()
	switch s.Status {
	case SubscriptionTrialing:
		if at := s.Trial.End.Add(-trialLead); s.Trial.End.Sub(s.Trial.Start) > shortSpan && at.After(s.Trial.Start) {
			plan(MailTrialEnding, at, s.Trial.End)
		}
	case SubscriptionActive:
		of := s.CurrentPeriod.End
		// The end of a discount tells of the same bill, and not later.
		same := discountEnds != nil && discountEnds.Equal(of)
		if lead := renewalLead(s.Territory, s.Cycle); lead > 0 && (!same || lead > discountLead) && next.At.Equal(of) {
			plan(MailRenewalComing, of.Add(-lead), of)
		}
		if at := s.yearlyAt(); at != nil {
			plan(MailYearlyReminder, *at, foyer.Cycle{Interval: foyer.Year, Frequency: 1}.Next(*s.StartedAt, *at))
		}
	default:
		return nil
	}
	if discountEnds != nil {
		plan(MailDiscountEnding, discountEnds.Add(-discountLead), *discountEnds)
	}
	return planned
}

// fullPriceAt is when the first bill comes that a discount with an end does not lower any more; nil when none does, or when it lowered
// for no more than a week.
func (s Subscription) fullPriceAt() *time.Time {
	next := s.NextPayment()
	if next == nil {
		return nil
	}
	from, at := next.At, &next.At
	switch d := s.Discount; {
	case d != nil && (d.PeriodsLeft == nil || *d.PeriodsLeft < 1):
		return nil
	case d != nil:
		at = s.BillAfter(*d.PeriodsLeft + 1)
	case s.LoweredFrom == nil:
		return nil
	}
	if s.LoweredFrom != nil {
		from = *s.LoweredFrom
	}
	if at == nil || at.Sub(from) <= shortSpan {
		return nil
	}
	return at
}

// yearlyAt is the next anniversary of the subscription on which a place wants its customers reminded of it, the first of those not yet
// told; nil where none does.
func (s Subscription) yearlyAt() *time.Time {
	if !remindsYearly(s.Territory) || s.StartedAt == nil {
		return nil
	}
	from := *s.StartedAt
	if told, ever := s.Told[MailYearlyReminder]; ever {
		// What was told of is the year that ended then: the mark is the anniversary after it.
		return &told
	}
	at := foyer.Cycle{Interval: foyer.Year, Frequency: 1}.Next(from, from)
	return &at
}

// firstNotice is the one that is due first; nil when there is none to come.
func firstNotice(planned []Notice) *Notice {
	var first *Notice
	for i, n := range planned {
		if first == nil || n.At.Before(first.At) {
			first = &planned[i]
		}
	}
	return first
}

// tell marks a notice as told.
func (s *Subscription) tell(n Notice) {
	told := maps.Clone(s.Told)
	if told == nil {
		told = map[MailKind]time.Time{}
	}
	told[n.Kind] = n.Of
	s.Told = told
}

// LivesIn returns the subscription with another place whose law counts for its notices. A year that began somewhere else is not
// told of.
func (s Subscription) LivesIn(place Territory, now time.Time) Subscription {
	if remindsYearly(place) && !remindsYearly(s.Territory) && s.StartedAt != nil {
		s.tell(Notice{Kind: MailYearlyReminder, Of: foyer.Cycle{Interval: foyer.Year, Frequency: 1}.Next(*s.StartedAt, foyer.Micro(now))})
	}
	s.Territory = place
	s.Version++
	return s
}
