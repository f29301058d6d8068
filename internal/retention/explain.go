package retention

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Explanation is which offer a customer would be made, and why.
type Explanation struct {
	Group     Group
	Profile   LegalProfile
	MaxOffers int
	Decision
	// Grant is what the chosen offer gives; nil when there is none.
	Grant *Grant
}

// Explain tells what would be offered next if the customer of the subscription gave the answers: by the same function, on the same facts.
// It changes nothing.
//
// Refusals: Invalid for a subscription that is not the merchant's, or answers there are none of.
func (s *Service) Explain(ctx context.Context, merchant foyer.MerchantID, id billing.SubscriptionID, a Answers) (Explanation, error) {
	sub, err := s.subscriptions.MerchantSubscription(ctx, merchant, id)
	if errors.Is(err, foyer.NotFound) {
		err = foyer.InvalidFields(foyer.FieldError{Pointer: "/subscription_id", Code: "input.unknown_reference"})
	}
	if err != nil {
		return Explanation{}, err
	}
	now, err := s.clock(ctx, merchant)
	if err != nil {
		return Explanation{}, err
	}
	settings, err := s.store.RetentionSettings(ctx, merchant)
	if err != nil {
		return Explanation{}, err
	}
	scope := foyer.Scope{Merchant: merchant, Customer: sub.Customer}
	c, err := s.store.OpenCancellation(ctx, scope, id)
	begun := err == nil && !c.Seen(sub, now).Finished()
	if !begun && (err == nil || errors.Is(err, foyer.NotFound)) {
		c, err = s.begin(ctx, sub, settings, billing.AtPeriodEnd, OriginPortal, now)
	}
	if err != nil {
		return Explanation{}, err
	}
	if err := c.survey().check(a); err != nil {
		return Explanation{}, err
	}
	if begun || c.Step == StepSurvey { // who is asked nothing gets the offer before any answer
		c.Answers = c.Answers.with(a)
	}
	f, err := s.facts(ctx, c, sub, settings, now)
	if err != nil {
		return Explanation{}, err
	}
	d := settings.Decide(f)
	e := Explanation{Group: c.Group, Profile: f.Profile, MaxOffers: settings.MaxOffers(f.Profile), Decision: d}
	if rule, chosen := settings.rule(d.Chosen); chosen {
		grant := rule.Grant(d.outcome())
		e.Grant = &grant
	}
	return e, nil
}

// Settings returns what the merchant has decided.
func (s *Service) Settings(ctx context.Context, merchant foyer.MerchantID) (Settings, error) {
	return s.store.RetentionSettings(ctx, merchant)
}

// SaveSettings replaces what the merchant has decided, all of it or nothing. ifVersion is the version the caller read, 0 when it does
// not care; version is what is kept afterwards.
//
// Refusals: Invalid with every fault, PreconditionFailed.
func (s *Service) SaveSettings(ctx context.Context, merchant foyer.MerchantID, ifVersion *int64, wanted Settings) (Settings, error) {
	err := s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockMerchant(ctx, merchant); err != nil {
			return err
		}
		now, err := s.clock(ctx, merchant)
		if err != nil {
			return err
		}
		current, err := s.store.RetentionSettings(ctx, merchant)
		if err != nil {
			return err
		}
		if ifVersion != nil && *ifVersion != current.Version {
			return foyer.Refuse(foyer.PreconditionFailed, "precondition.failed")
		}
		catalog, err := s.catalog(ctx, merchant, wanted)
		if err != nil {
			return err
		}
		if err := wanted.Validate(catalog); err != nil {
			return err
		}
		wanted.Version = current.Version + 1
		saved, err := s.store.SaveRetentionSettings(ctx, merchant, wanted, now)
		if err == nil && !saved {
			err = foyer.Refuse(foyer.PreconditionFailed, "precondition.failed")
		}
		return err
	})
	return wanted, err
}

// mostPrices is how many prices of one product are looked at.
const mostPrices = 1000

// catalog reads what the rules name.
func (s *Service) catalog(ctx context.Context, merchant foyer.MerchantID, wanted Settings) (Catalog, error) {
	prices, products := wanted.Named()
	catalog := Catalog{Products: map[billing.ProductID][]billing.Price{}}
	var err error
	if catalog.Prices, err = s.store.Prices(ctx, merchant, prices); err != nil {
		return catalog, err
	}
	known, err := s.store.Products(ctx, merchant, products)
	if err != nil {
		return catalog, err
	}
	for id := range known {
		catalog.Products[id] = nil
	}
	found, err := s.store.PricesOf(ctx, merchant, products, mostPrices)
	for _, p := range found {
		if p.Cycle != nil {
			catalog.Products[p.Product] = append(catalog.Products[p.Product], p)
		}
	}
	return catalog, err
}
