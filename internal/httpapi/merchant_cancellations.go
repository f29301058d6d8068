package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// MerchantListCancellations shows how customers leave.
func (s *Server) MerchantListCancellations(ctx context.Context, in api.MerchantListCancellationsRequestObject) (api.MerchantListCancellationsResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := retention.CancellationFilter{Customer: foyer.CustomerID(value(q.CustomerId)), Subscription: billing.SubscriptionID(value(q.SubscriptionId))}
	for _, state := range orZero(q.State) {
		filter.States = append(filter.States, retention.State(state))
	}
	found, err := s.Retention.MerchantCancellations(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v retention.Cancellation) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.MerchantListCancellations200JSONResponse{Body: api.CancellationList{Page: next, Data: each(found, presenterOf(ctx).wayOut)}}, nil
}

// MerchantGetCancellation shows one cancellation with its evidence.
func (s *Server) MerchantGetCancellation(ctx context.Context, in api.MerchantGetCancellationRequestObject) (api.MerchantGetCancellationResponseObject, error) {
	found, err := s.Retention.MerchantCancellation(ctx, requestOf(ctx).merchant, retention.CancellationID(in.CancellationId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).history(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetCancellation304Response{}, nil
	}
	return api.MerchantGetCancellation200JSONResponse{Body: shown}, nil
}

// wayOut shows a cancellation as it was written down: what its merchant and its events tell, and its customer's export.
func (p presenter) wayOut(c retention.Cancellation) api.MerchantCancellation {
	shown := api.MerchantCancellation{
		Id: string(c.ID), CustomerId: string(c.Customer), SubscriptionId: string(c.Subscription), State: api.CancellationState(c.State), Step: api.CancellationStep(c.Step),
		Answers: showAnswers(c.Answers), Profile: orNull(c.Profile), Country: orNull(c.Country), Offers: each(c.Offers, p.offer),
		Effective: api.Effective(c.Effective), EffectiveAt: c.EffectiveAt, ReceivedAt: c.ReceivedAt, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	if c.Origin != "" {
		origin, group := api.MerchantCancellationOrigin(c.Origin), api.MerchantCancellationGroup(c.Group)
		shown.Origin, shown.Group = &origin, &group
	}
	if by := api.MerchantCancellationOvertakenBy(c.Overtaken); by != "" {
		shown.OvertakenBy = &by
	}
	return shown
}

// history shows a cancellation with its evidence.
func (p presenter) history(h retention.History) api.MerchantCancellation {
	shown := p.wayOut(h.Cancellation)
	evidence := each(h.Evidence, showEvidence)
	shown.Evidence = &evidence
	return shown
}

func showEvidence(e retention.Evidence) api.Evidence {
	what, _ := asObject(e.Shown) // it was read from JSON
	return api.Evidence{
		Id: e.ID, Kind: string(e.Kind), Actor: api.EvidenceActor(e.Actor), At: e.At, Locale: e.Shown.Locale, Shown: what, Answers: showAnswers(e.Answers),
	}
}

func (p presenter) offer(o retention.Offer) api.Offer {
	return api.Offer{
		Id: string(o.ID), CancellationId: string(o.Cancellation), SubscriptionId: string(o.Subscription), CustomerId: p.of(o.Customer), Rule: o.Rule,
		Type: api.OfferType(o.Type), State: api.OfferState(o.State), Terms: p.terms(o.Terms), CreatedAt: o.CreatedAt, ExpiresAt: o.ExpiresAt, DecidedAt: o.DecidedAt,
	}
}
