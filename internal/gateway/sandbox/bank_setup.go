package sandbox

import (
	"context"
	"time"

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

// confirmSetup takes the customer's card or, when one is given, account. A device that lost the answer may send the same again.
func (b *bank) confirmSetup(ctx context.Context, id, secret string, card cardInput, account *accountInput) (deviceStatus, error) {
	if err := b.prove(ctx, "setup", id, secret); err != nil {
		return "", err
	}
	s, err := b.books.setup(ctx, id)
	if err != nil {
		return "", err
	}
	now := b.now()
	m, err := b.entered(ctx, card, account, now)
	if err != nil {
		return "", err
	}
	if s.status == billing.SetupOpen {
		to := billing.SetupSucceeded
		if m.behavior == behavesAuthenticate {
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

// entered makes the method of what the customer typed.
func (b *bank) entered(ctx context.Context, card cardInput, account *accountInput, now time.Time) (method, error) {
	if account != nil {
		number, behaves, err := account.check()
		if err != nil {
			return method{}, err
		}
		return b.books.newMethod(ctx, typeSEPA, number, behaves, 0, 0)
	}
	number, behaves, err := card.check(now)
	if err != nil {
		return method{}, err
	}
	return b.books.newMethod(ctx, typeCard, number, behaves, card.ExpiryMonth, card.ExpiryYear)
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
