package webhook

import (
	"context"
	"math/rand/v2"
	"time"

	"foyer/internal/foyer"
)

// deliver sends one message and writes down what came of it.
func (p *post) deliver(ctx context.Context, e Endpoint, d Delivery, message []byte, lease string, until time.Time) {
	s := p.service
	places := s.posts.regular
	if p.suspect() {
		places = s.posts.suspect
	}
	select {
	case places <- struct{}{}:
	case <-ctx.Done():
		return // its lease runs out
	}
	defer func() { <-places }()
	if s.late(until) {
		if err := p.giveBack(ctx, []Delivery{d}, lease); err != nil {
			s.Log.ErrorContext(ctx, "delivery can't be given back", "delivery", d.ID, "error", err)
		}
		return
	}
	if message == nil {
		if _, err := s.Store.FinishDelivery(context.WithoutCancel(ctx), d.given(OutcomeEventDeleted, s.now()), lease); err != nil {
			s.Log.ErrorContext(ctx, "delivery can't be written down", "delivery", d.ID, "error", err)
		}
		return
	}
	now := s.Now()
	signature, err := e.Secrets.sign(d.Event, now, message)
	if err != nil {
		s.Log.ErrorContext(ctx, "delivery can't be signed", "delivery", d.ID, "error", err)
		return
	}
	a := s.courier.send(ctx, parcel{url: e.URL, id: d.Event, body: message, signature: signature, at: now})
	if ctx.Err() != nil && a.Status == 0 { // we stopped; the receiver is not to blame
		if err := p.giveBack(ctx, []Delivery{d}, lease); err != nil {
			s.Log.ErrorContext(ctx, "delivery can't be given back", "delivery", d.ID, "error", err)
		}
		return
	}
	p.heard(a.Outcome)
	s.Observe(a.Outcome)
	if err := s.book(context.WithoutCancel(ctx), e, d.tried(a, s.Options.Schedule, 2*rand.Float64()-1, s.now()), lease, a); err != nil { //nolint:gosec // spreads load, guards nothing
		s.Log.ErrorContext(ctx, "delivery can't be written down", "delivery", d.ID, "error", err)
	}
}

// heard counts the failures in a row.
func (p *post) heard(o Outcome) {
	p.service.posts.mu.Lock()
	defer p.service.posts.mu.Unlock()
	if o == OutcomeSucceeded {
		p.streak = 0
		return
	}
	p.streak++
}

// book writes down what came of a try and what it says of the endpoint. Most tries change nothing about the endpoint: then it is
// one statement.
func (s *Service) book(ctx context.Context, e Endpoint, d Delivery, lease string, a answer) error {
	health := !d.test() || a.Outcome == OutcomeSucceeded
	if _, changed := e.heard(a.Outcome, d.Attempts[len(d.Attempts)-1].At, s.Options.Patience); !changed || !health {
		_, err := s.Store.FinishDelivery(ctx, d, lease)
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		// Whoever lost the lease has still heard from the endpoint.
		if _, err := s.Store.FinishDelivery(ctx, d, lease); err != nil {
			return err
		}
		fresh, err := s.Store.WebhookEndpointForUpdate(ctx, e.Merchant, e.ID)
		if err != nil {
			return err
		}
		after, changed := fresh.heard(a.Outcome, s.now(), s.Options.Patience)
		if !changed {
			return nil
		}
		if err := s.Store.SaveWebhookEndpoint(ctx, after); err != nil {
			return err
		}
		if after.Status == fresh.Status {
			return nil
		}
		s.Log.WarnContext(ctx, "webhook endpoint disabled", "merchant", e.Merchant, "endpoint", e.ID, "reason", after.DisabledReason)
		return s.Mails.EnqueueEndpointMail(ctx, e.Merchant, e.ID, s.IDs(foyer.PrefixMail))
	})
}
