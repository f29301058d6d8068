package sandbox

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func (b *bank) startSetup(ctx context.Context, r billing.SetupRequest) (billing.StartedSetup, error) {
	asked := setup{id: string(r.ID), merchant: string(r.Merchant), customer: string(r.Customer), status: billing.SetupOpen}
	if !validName(asked.id) || !validName(asked.merchant) || !validName(asked.customer) {
		return billing.StartedSetup{}, foyer.Refuse(foyer.Invalid, codeInvalid)
	}
	s, err := b.books.insertSetup(ctx, asked, b.now())
	if err != nil {
		return billing.StartedSetup{}, err
	}
	if s.merchant != asked.merchant || s.customer != asked.customer {
		return billing.StartedSetup{}, foyer.Refuse(foyer.Conflict, codeKeyReused)
	}
	secret, err := b.secret(ctx, "setup", s.id)
	return billing.StartedSetup{Reference: s.id, ClientSecret: secret}, err
}

func (b *bank) setup(ctx context.Context, reference string) (billing.SetupResult, error) {
	if !validName(reference) {
		return billing.SetupResult{}, foyer.ErrNotFound()
	}
	s, err := b.books.setup(ctx, reference)
	if err != nil {
		return billing.SetupResult{}, err
	}
	result := billing.SetupResult{Status: s.status}
	switch s.status {
	case billing.SetupSucceeded:
		m, err := b.books.method(ctx, s.methodID)
		if err != nil {
			return billing.SetupResult{}, err
		}
		result.Method, err = b.books.shown(ctx, m)
		return result, err
	case billing.SetupFailed:
		result.ErrorCode = "authentication_failed"
	case billing.SetupOpen, billing.SetupRequiresAction:
	}
	return result, nil
}

// confirmSetup takes the customer's card. A device that lost the answer may send the same card again.
func (b *bank) confirmSetup(ctx context.Context, id, secret string, card cardInput) (deviceStatus, error) {
	if err := b.prove(ctx, "setup", id, secret); err != nil {
		return "", err
	}
	s, err := b.books.setup(ctx, id)
	if err != nil {
		return "", err
	}
	now := b.now()
	number, behaves, err := card.check(now)
	if err != nil {
		return "", err
	}
	m, err := b.books.newMethod(ctx, number, behaves, card.ExpiryMonth, card.ExpiryYear)
	if err != nil {
		return "", err
	}
	if s.status == billing.SetupOpen {
		to := billing.SetupSucceeded
		if behaves == behavesAuthenticate {
			to = billing.SetupRequiresAction
		}
		moved, err := b.books.giveCard(ctx, id, to, m, now)
		if err != nil {
			return "", err
		}
		if moved {
			return shownSetup(to), nil
		}
		if s, err = b.books.setup(ctx, id); err != nil {
			return "", err
		}
	}
	was, err := b.books.method(ctx, s.methodID)
	if err != nil {
		return "", err
	}
	if was.fingerprint != m.fingerprint || was.month != m.month || was.year != m.year {
		return "", foyer.Refuse(foyer.Conflict, codeOtherCard)
	}
	return shownSetup(s.status), nil
}

// authenticateSetup takes the customer's answer to the bank's question.
func (b *bank) authenticateSetup(ctx context.Context, id, secret string, succeed bool) (deviceStatus, error) {
	if err := b.prove(ctx, "setup", id, secret); err != nil {
		return "", err
	}
	s, err := b.books.setup(ctx, id)
	if err != nil {
		return "", err
	}
	if s.status == billing.SetupOpen {
		return "", foyer.Refuse(foyer.Conflict, codeNotConfirmed)
	}
	to := billing.SetupFailed
	if succeed {
		to = billing.SetupSucceeded
	}
	moved, err := b.books.authenticateSetup(ctx, s, to)
	if err != nil || moved {
		return shownSetup(to), err
	}
	s, err = b.books.setup(ctx, id) // it had ended before
	return shownSetup(s.status), err
}

func shownSetup(s billing.SetupStatus) deviceStatus {
	switch s {
	case billing.SetupSucceeded:
		return deviceSucceeded
	case billing.SetupRequiresAction:
		return deviceRequiresAction
	case billing.SetupFailed, billing.SetupOpen:
	}
	return deviceFailed
}

// methodByToken returns a stored method, or for tok_… stores a new one: two customers never share a method, because one
// of them may remove it.
func (b *bank) methodByToken(ctx context.Context, token string) (billing.GatewayMethod, error) {
	m, err := b.books.methodOf(ctx, token)
	if number, ok := numberOf(token); ok {
		now := b.now()
		m, err = b.books.newMethod(ctx, number, cards[number], 12, now.Year()+3)
		if err == nil {
			err = b.books.insertMethod(ctx, b.books.db, m, now)
		}
	}
	if err == nil && m.removed {
		err = foyer.ErrNotFound()
	}
	if err != nil {
		return billing.GatewayMethod{}, err
	}
	return b.books.shown(ctx, m)
}

// removeMethod forgets a method; one that is not there is forgotten already.
func (b *bank) removeMethod(ctx context.Context, token string) error {
	m, err := b.books.methodOf(ctx, token)
	if errors.Is(err, foyer.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return b.books.removeMethod(ctx, m.id)
}
