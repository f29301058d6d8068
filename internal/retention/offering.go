package retention

import (
	"context"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// offer puts the next offer on the table, if one fits; else the cancellation stays at its confirmation. What a budget has left is
// decided by its row: another customer may just have taken the last.
func (s *Service) offer(ctx context.Context, c Cancellation, sub billing.Subscription, settings Settings, now time.Time) (Cancellation, error) {
	if c.Finished() || c.Step != StepConfirm || len(settings.Offers) == 0 {
		return c, nil
	}
	if err := s.store.LockBudgets(ctx, c.Merchant, settings.budgets()); err != nil {
		return c, err
	}
	f, err := s.facts(ctx, c, sub, settings, now)
	if err != nil {
		return c, err
	}
	for range settings.Offers {
		d := settings.Decide(f)
		if d.Chosen == "" {
			return c, nil
		}
		rule, _ := settings.rule(d.Chosen)
		outcome := d.outcome()
		if b := rule.Limits.Budget; b != nil {
			taken, err := s.store.TakeBudget(ctx, c.Merchant, rule.Key, outcome.Cost, *b)
			if err != nil {
				return c, err
			}
			if !taken {
				f.Usage[rule.Key] = exhausted(*b)
				continue
			}
		}
		return c.Offer(rule.Offer(OfferID(s.ids(foyer.PrefixOffer)), c, outcome, now), now), nil
	}
	return c, nil
}

// exhausted is the usage of a budget that is used up.
func exhausted(b Budget) Usage {
	var u Usage
	if b.Offers != nil {
		u.Offers = *b.Offers
	}
	if b.Amount != nil {
		u.Amount = b.Amount.Amount + 1
	}
	return u
}

// outcome is what the chosen rule gives.
func (d Decision) outcome() Outcome {
	for _, v := range d.Rules {
		if v.Chosen {
			return v.Outcome
		}
	}
	return Outcome{}
}

// facts gathers what decides: the same for the real flow and for the merchant who wants it explained.
func (s *Service) facts(ctx context.Context, c Cancellation, sub billing.Subscription, settings Settings, now time.Time) (Facts, error) {
	f := Facts{
		Now: now, Subscription: sub, Country: c.Country, Profile: c.LegalProfile(), Answers: c.Answers, Group: c.Group, Shown: c.Offers,
		Switches: map[string]Switch{}, Usage: map[string]Usage{},
	}
	offers, err := s.store.TakenOffers(ctx, c.Scope())
	if err != nil {
		return f, err
	}
	for _, o := range offers {
		if o.Cancellation != c.ID {
			f.Earlier = append(f.Earlier, o)
		}
	}
	for _, r := range settings.Offers {
		if r.PlanChange == nil || r.Off {
			continue
		}
		plan, err := s.preview(ctx, *r.PlanChange, sub)
		if err != nil {
			return f, err
		}
		f.Switches[r.Key] = plan
	}
	f.Usage, err = s.store.BudgetUsage(ctx, c.Merchant, settings.budgets())
	return f, err
}

// preview asks billing what a plan change would come to. One that would cost something now is none that keeps anybody.
func (s *Service) preview(ctx context.Context, p PlanTerms, sub billing.Subscription) (Switch, error) {
	items, fits := p.items(sub)
	if !fits {
		return Switch{Refusal: "offer.other_plan"}, nil
	}
	change, err := s.subscriptions.PreviewChange(ctx, forCustomer(sub), sub.ID, items)
	if refusal, refused := foyer.AsError(err); refused {
		return Switch{Refusal: refusal.Code}, nil
	}
	if err != nil {
		return Switch{}, err
	}
	if change.Immediate != nil || change.Credit > 0 || change.RecurringTotal >= sub.RecurringTotal {
		return Switch{Refusal: "subscription.not_a_downgrade"}, nil
	}
	prices, err := s.store.Prices(ctx, sub.Merchant, []billing.PriceID{p.Price})
	price, known := prices[p.Price]
	if err != nil || !known || price.Cycle == nil {
		return Switch{Refusal: "offer.unknown_plan"}, err
	}
	return switchTo(sub, *price.Cycle, change, p.name(sub, price)), nil
}

// forCustomer is Foyer acting for a customer by the merchant's own rules: the paths a customer may take by themselves don't bind it.
func forCustomer(sub billing.Subscription) foyer.Actor {
	return foyer.Actor{Kind: foyer.ActorSystem, Scope: foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer}}
}

// errStale and errFailed end the transaction of an offer that can't be given as it was shown; what it began is undone with it.
var (
	errStale  = errors.New("retention: the terms are not what was shown")
	errFailed = errors.New("retention: the offer could not be applied")
)

// Accept takes the offer on the table: it is applied, and the cancellation is over. What was shown is what is given; if that is
// not possible any more, nothing is, and the way out is open again.
//
// Refusals: NotFound; Invalid (input.unknown_reference) for an offer never shown in this cancellation; Conflict: cancellation.closed,
// offer.closed, offer.expired; offer.changed when its terms are no longer true, and a new one may be on the table; offer.failed when it
// could not be applied.
func (s *Service) Accept(ctx context.Context, by foyer.Actor, id CancellationID, offer OfferID, r Reader) (View, error) {
	view, err := s.on(ctx, by, id, r, func(ctx context.Context, before Cancellation, sub billing.Subscription, now time.Time) (Cancellation, billing.Subscription, error) {
		if _, err := before.Acceptable(offer, now); err == nil && before.Seen(sub, now).Finished() {
			return before, sub, errClosed()
		}
		o, err := before.Acceptable(offer, now)
		if err != nil {
			return before, sub, err
		}
		if err := s.stillTrue(ctx, o, sub, now); err != nil {
			return before, sub, err
		}
		after, err := s.apply(ctx, by, o, sub, now)
		if err != nil {
			return before, sub, err
		}
		c := before.Accepted(o.ID, after, now)
		return c, after, s.save(ctx, before, c, after, EvidenceAccepted, by, r, now)
	})
	switch {
	case errors.Is(err, errStale):
		return s.reopen(ctx, by, id, OfferExpired, "offer.changed", r)
	case errors.Is(err, errFailed):
		return s.reopen(ctx, by, id, OfferFailed, "offer.failed", r)
	}
	return view, err
}

// stillTrue compares what an offer would give now with what was shown.
func (s *Service) stillTrue(ctx context.Context, o Offer, sub billing.Subscription, now time.Time) error {
	var plan *Switch
	if o.PlanChange != nil {
		found, err := s.preview(ctx, *o.PlanChange, sub)
		if err != nil {
			return err
		}
		plan = &found
	}
	outcome := o.rule().Outcome(sub, plan, now)
	if o.Type == OfferContact || o.Type == OfferCustom {
		return nil // they promise nothing about money
	}
	if outcome.Refusal != "" || !outcome.Terms.Same(o.Terms) {
		return errStale
	}
	return nil
}

// withoutStaleOffer takes the offer from the table whose terms are no longer what was shown: nobody shall read a price that is not to be had.
func (s *Service) withoutStaleOffer(ctx context.Context, c Cancellation, sub billing.Subscription, now time.Time) (Cancellation, error) {
	o := c.OpenOffer(now)
	if o == nil || c.Seen(sub, now).Finished() {
		return c, nil
	}
	if err := s.stillTrue(ctx, *o, sub, now); !errors.Is(err, errStale) {
		return c, err
	}
	return c.Declined(OfferExpired, now)
}

// rule is the offer as a rule that would give it.
func (o Offer) rule() Rule {
	return Rule{Key: o.Rule, Type: o.Type, Discount: o.Discount, Pause: o.Pause, PlanChange: o.PlanChange, TrialExtension: o.TrialExtension, Contact: o.Contact}
}

// apply does what the offer says.
func (s *Service) apply(ctx context.Context, by foyer.Actor, o Offer, sub billing.Subscription, now time.Time) (after billing.Subscription, err error) {
	switch {
	case o.Discount != nil:
		after, err = s.subscriptions.ApplyDiscount(ctx, by, sub.ID, o.Discount.discount(now))
	case o.Pause != nil:
		in, _ := o.Pause.input(sub)
		after, err = s.subscriptions.Pause(ctx, by, sub.ID, in)
	case o.PlanChange != nil:
		after, err = s.subscriptions.Downgrade(ctx, forCustomer(sub), sub.ID, o.Items)
	case o.TrialExtension != nil:
		after, err = s.subscriptions.ExtendTrial(ctx, by, sub.ID, o.TrialExtension.Days)
	default:
		return sub, nil
	}
	if _, refused := foyer.AsError(err); refused {
		return sub, errors.Join(errFailed, err)
	}
	return after, err
}

// reopen takes an offer from the table that can't be given, and says so. Where its terms only were no longer true, the rules are asked
// again: the customer shall not lose an offer because a renewal came in between.
func (s *Service) reopen(ctx context.Context, by foyer.Actor, id CancellationID, outcome OfferState, code string, r Reader) (View, error) {
	view, err := s.on(ctx, by, id, r, func(ctx context.Context, before Cancellation, sub billing.Subscription, now time.Time) (Cancellation, billing.Subscription, error) {
		c, err := before.Declined(outcome, now)
		if err != nil {
			return c, sub, err
		}
		if outcome == OfferExpired {
			settings, err := s.store.RetentionSettings(ctx, c.Merchant)
			if err != nil {
				return c, sub, err
			}
			if c, err = s.offer(ctx, c, sub, settings, now); err != nil {
				return c, sub, err
			}
		}
		return c, sub, s.save(ctx, before, c, sub, EvidenceReopened, by, r, now)
	})
	if err != nil {
		return view, err
	}
	return view, foyer.Refuse(foyer.Conflict, code)
}

// Decline takes the offer from the table; another one may follow, as many as the law at the customer's place allows.
//
// Refusals: NotFound, Conflict (cancellation.closed, offer.none).
func (s *Service) Decline(ctx context.Context, by foyer.Actor, id CancellationID, r Reader) (View, error) {
	return s.on(ctx, by, id, r, func(ctx context.Context, before Cancellation, sub billing.Subscription, now time.Time) (Cancellation, billing.Subscription, error) {
		if before.Seen(sub, now).Finished() {
			return before, sub, errClosed()
		}
		c, err := before.Declined(OfferDeclined, now)
		if err != nil {
			return c, sub, err
		}
		settings, err := s.store.RetentionSettings(ctx, c.Merchant)
		if err != nil {
			return c, sub, err
		}
		if c, err = s.offer(ctx, c, sub, settings, now); err != nil {
			return c, sub, err
		}
		return c, sub, s.save(ctx, before, c, sub, EvidenceDeclined, by, r, now)
	})
}
