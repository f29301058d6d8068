package webhook

import (
	"context"
	"fmt"
	"math/rand/v2"

	"foyer/internal/foyer"
)

// deliver sends one message and writes down what came of it.
func (p *post) deliver(ctx context.Context, e Endpoint, d Delivery, message []byte) {
	s := p.service
	places := s.posts.regular
	if p.suspect() {
		places = s.posts.suspect
	}
	select {
	case places <- struct{}{}:
		defer func() { <-places }()
		if err := p.try(ctx, e, d, message); err != nil {
			s.Log.ErrorContext(ctx, "delivery failed on our side", "merchant", e.Merchant, "delivery", d.ID, "error", err)
		}
		s.posts.drop(d.ID)
	case <-ctx.Done():
		if err := p.giveBack(ctx, d); err != nil {
			s.Log.ErrorContext(ctx, "delivery can't be given back", "merchant", e.Merchant, "delivery", d.ID, "error", err)
		}
	}
}

// try sends one message. An error is ours; the lease runs out then, and it is tried again.
func (p *post) try(ctx context.Context, e Endpoint, d Delivery, message []byte) (err error) {
	defer func() {
		if v := recover(); v != nil { // one answer nobody thought of must not end the worker, and the next one, and the next
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	s, booking := p.service, context.WithoutCancel(ctx)
	if message == nil {
		_, err := s.Store.FinishDelivery(booking, d.given(OutcomeEventDeleted, s.now()), s.posts.lease)
		return err
	}
	now := s.Now()
	signature, err := e.Secrets.sign(d.Event, now, message)
	if err != nil {
		return err
	}
	a := s.courier.send(ctx, parcel{url: e.URL, id: d.Event, body: message, signature: signature, at: now})
	if ctx.Err() != nil && a.Status == 0 { // we stopped; the receiver is not to blame
		return p.giveBack(ctx, d)
	}
	p.heard(a.Outcome)
	s.Observe(a.Outcome)
	spread := 2*rand.Float64() - 1 //nolint:gosec // spreads load, guards nothing
	return s.book(booking, e, d.tried(a, s.Options.Schedule, spread, s.now()), a)
}

// heard counts the failures in a row, and remembers a success.
func (p *post) heard(o Outcome) {
	p.service.posts.mu.Lock()
	defer p.service.posts.mu.Unlock()
	if o == OutcomeSucceeded {
		p.streak, p.proven = 0, true
		return
	}
	p.streak++
}

// book writes down what came of a try and what it says of the endpoint. Most tries change nothing about the endpoint: then it is
// one statement.
func (s *Service) book(ctx context.Context, e Endpoint, d Delivery, a answer) error {
	health := !d.test() || a.Outcome == OutcomeSucceeded
	if _, changed := e.heard(a.Outcome, d.Attempts[len(d.Attempts)-1].At, s.Options.Patience); !changed || !health {
		_, err := s.Store.FinishDelivery(ctx, d, s.posts.lease)
		return err
	}
	return s.Store.InTx(ctx, func(ctx context.Context) error {
		// Whoever lost the lease has still heard from the endpoint.
		if _, err := s.Store.FinishDelivery(ctx, d, s.posts.lease); err != nil {
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
