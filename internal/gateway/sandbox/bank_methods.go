package sandbox

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// methodByToken returns a stored method, or for tok_… stores a new one: two customers never share a method, because one
// of them may remove it. A stored one of another customer is not found.
func (b *bank) methodByToken(ctx context.Context, owner foyer.Scope, token string) (billing.GatewayMethod, error) {
	if owner.Customer != "" && (!validName(string(owner.Customer)) || !validName(string(owner.Merchant))) {
		return billing.GatewayMethod{}, foyer.Refuse(foyer.Invalid, codeInvalid)
	}
	if number, ok := numberOf(token); ok {
		now := b.now()
		m, err := b.books.newMethod(ctx, typeCard, number, cards[number], 12, now.Year()+3)
		if err == nil {
			err = b.books.inTx(ctx, func(tx *sql.Tx) error {
				if err := b.books.insertMethod(ctx, tx, m, now); err != nil || owner.Customer == "" {
					return err
				}
				return b.books.keepOwner(ctx, tx, m, owner, now)
			})
		}
		if err != nil {
			return billing.GatewayMethod{}, err
		}
		return b.books.shown(ctx, m)
	}
	m, err := b.stored(ctx, token)
	if err != nil {
		return billing.GatewayMethod{}, err
	}
	was, err := b.books.ownerOf(ctx, m.id)
	if err == nil && owner.Customer != "" && was != owner {
		err = foyer.ErrNotFound()
	} else if errors.Is(err, foyer.NotFound) {
		err = nil // whose it is was never said
	}
	if err != nil {
		return billing.GatewayMethod{}, err
	}
	return b.books.shown(ctx, m)
}

// stored returns the method of a token, unless it was removed.
func (b *bank) stored(ctx context.Context, token string) (method, error) {
	m, err := b.books.methodOf(ctx, token)
	if err == nil && m.removed {
		err = foyer.ErrNotFound()
	}
	return m, err
}

// storedMethod returns a stored method as it is now.
func (b *bank) storedMethod(ctx context.Context, token string) (billing.GatewayMethod, error) {
	m, err := b.stored(ctx, token)
	if err != nil {
		return billing.GatewayMethod{}, err
	}
	return b.books.shown(ctx, m)
}

// Replacement is the number and date a card's network gives it.
type Replacement struct {
	Last4       string `json:"last4"`
	ExpiryMonth int    `json:"expiry_month"`
	ExpiryYear  int    `json:"expiry_year"`
}

func (r Replacement) check() error {
	switch {
	case len(r.Last4) != 4 || strings.Trim(r.Last4, "0123456789") != "":
		return foyer.Refuse(foyer.Invalid, codeInvalid)
	case r.ExpiryMonth < 1 || r.ExpiryMonth > 12 || r.ExpiryYear < 2000 || r.ExpiryYear > 2999:
		return foyer.Refuse(foyer.Invalid, codeInvalidExpiry)
	}
	return nil
}

// replaceCard replaces a stored card, as its network does, and tells so when it is known whose it is.
func (b *bank) replaceCard(ctx context.Context, token string, r Replacement) error {
	if err := r.check(); err != nil {
		return err
	}
	m, err := b.stored(ctx, token)
	if err != nil {
		return err
	}
	if m.kind != typeCard {
		return foyer.Refuse(foyer.Conflict, codeNoCard)
	}
	if r.Last4 != m.last4 { // only its number makes a card another one
		if m.fingerprint, err = b.books.derive(ctx, "fingerprint", m.id+":"+r.Last4); err != nil {
			return err
		}
	}
	m.last4, m.month, m.year = r.Last4, r.ExpiryMonth, r.ExpiryYear
	if err := b.books.replaceCard(ctx, m); err != nil {
		return err
	}
	owner, err := b.books.ownerOf(ctx, m.id)
	if errors.Is(err, foyer.NotFound) {
		return nil
	}
	if err == nil {
		b.notices.tell(billing.GatewayNotice{ID: newMessageID(), Merchant: owner.Merchant, Customer: owner.Customer}, 0)
	}
	return err
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
