package retention

import (
	"cmp"
	"context"
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// save writes a changed cancellation and, as evidence, how it is shown from now on and what the customer did.
func (s *Service) save(ctx context.Context, before, after Cancellation, sub billing.Subscription, kind EvidenceKind, by foyer.Actor, r Reader, now time.Time) error {
	if after.Version == before.Version && after.ID == before.ID {
		return nil // begun again, as it was
	}
	if err := s.write(ctx, before, after, now); err != nil {
		return err
	}
	return s.store.RecordEvidence(ctx, Evidence{
		ID: s.ids(foyer.PrefixEvidence), Merchant: after.Merchant, Subject: string(after.ID), Kind: kind, Actor: by.Kind, At: now,
		Shown: after.Show(sub, r.Locale, r.Portal, now), Answers: after.Answers,
	})
}

// write writes a cancellation, the offers that changed with it, what the insights count of it, and events. before is the zero value for
// a new one.
func (s *Service) write(ctx context.Context, before, after Cancellation, now time.Time) error {
	if before.ID == "" {
		created, err := s.store.CreateCancellation(ctx, after)
		if err == nil && !created {
			err = foyer.Refuse(foyer.Conflict, "conflict") // can't be: the customer's other commands wait for this one
		}
		if err != nil {
			return err
		}
	} else if err := s.store.SaveCancellation(ctx, after, before.Version); err != nil {
		return err
	}
	events := []foyer.Event{s.event(after.Scope(), foyer.EventType("cancellation."+whatHappened(before, after)), string(after.ID), now)}
	for i, o := range after.Offers {
		switch {
		case i >= len(before.Offers):
			if err := s.store.CreateOffer(ctx, o); err != nil {
				return err
			}
			events = append(events, s.event(o.Scope(), "offer.created", string(o.ID), now))
		case o.Version != before.Offers[i].Version:
			if err := s.store.DecideOffer(ctx, o); err != nil {
				return err
			}
			if o.State != OfferAccepted && o.Budgeted {
				sumsOf(ctx).unused = append(sumsOf(ctx).unused, o)
			}
			events = append(events, s.event(o.Scope(), foyer.EventType("offer."+string(o.State)), string(o.ID), now))
		}
	}
	sumsOf(ctx).tallies = append(sumsOf(ctx).tallies, difference(before, after)...)
	return s.store.RecordEvents(ctx, events...)
}

// whatHappened names a change: the state it led to, or that something else of it changed.
func whatHappened(before, after Cancellation) string {
	switch {
	case before.ID == "" && !after.Finished():
		return "created"
	case before.State == after.State:
		return "updated"
	}
	return string(after.State)
}

func (s *Service) event(scope foyer.Scope, kind foyer.EventType, subject string, now time.Time) foyer.Event {
	return foyer.Event{ID: s.ids(foyer.PrefixEvent), Scope: scope, Type: kind, Subject: subject, At: now}
}

// sums gathers what one transaction adds to rows many customers share. They are written at its end and in one order, so that two
// transactions never wait for each other in a circle.
type sums struct {
	tallies []TallyEntry
	unused  []Offer
}

type sumsKey struct{}

func sumsOf(ctx context.Context) *sums {
	found, _ := ctx.Value(sumsKey{}).(*sums)
	return found
}

// summing runs fn in a transaction that begin opens, InTx or Conclude, and writes the sums at its end.
func (s *Service) summing(ctx context.Context, merchant foyer.MerchantID, begin func(context.Context, func(context.Context) error) error, fn func(ctx context.Context) error) error {
	return begin(ctx, func(ctx context.Context) error {
		gathered := &sums{}
		if err := fn(context.WithValue(ctx, sumsKey{}, gathered)); err != nil {
			return err
		}
		slices.SortStableFunc(gathered.unused, func(a, b Offer) int { return cmp.Compare(a.Rule, b.Rule) })
		for _, o := range gathered.unused {
			if err := s.store.GiveBackBudget(ctx, merchant, o.Rule, o.Cost); err != nil {
				return err
			}
		}
		return s.store.Tally(ctx, merchant, merged(gathered.tallies))
	})
}
