package billing

import (
	"context"

	"foyer/internal/foyer"
)

// ActivityEmailChanged is what a customer sees of their new address.
const ActivityEmailChanged foyer.ActivityType = "email_change.completed"

// ChangeEmail gives the customer another address, in the open transaction if there is one, and returns the one before. That it is
// theirs is the caller's to know.
//
// Refusals: NotFound for an archived customer; Conflict when another customer has the address, or somebody changed this one in
// the same moment.
func (s *Service) ChangeEmail(ctx context.Context, actor foyer.Actor, email string, place foyer.Place) (string, error) {
	now, err := s.now(ctx, actor.Scope.Merchant)
	if err != nil {
		return "", err
	}
	now = foyer.Micro(now)
	previous := ""
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, actor.Scope); err != nil {
			return err
		}
		customer, err := s.store.Customer(ctx, actor.Scope)
		if err != nil {
			return err
		}
		if customer.Archived {
			return foyer.ErrNotFound()
		}
		previous = customer.Email
		customer.Email, customer.UpdatedAt = email, now
		customer.Version++
		saved, err := s.store.SaveEmail(ctx, customer)
		if err != nil {
			return err
		}
		if !saved {
			return foyer.Refuse(foyer.Conflict, "conflict")
		}
		if err := s.store.RecordActivity(ctx, foyer.Activity{
			ID: s.ids(foyer.PrefixActivity), Scope: actor.Scope, Session: actor.Session, Type: ActivityEmailChanged, Place: place, At: now,
		}); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, foyer.Event{
			ID: s.ids(foyer.PrefixEvent), Scope: actor.Scope, Type: EventCustomerUpdated, Subject: string(actor.Scope.Customer),
			At: now,
		})
	})
	return previous, err
}
