package billing

import (
	"context"
	"errors"
	"maps"
	"time"

	"foyer/internal/foyer"
)

// SubscriptionChange changes what a merchant keeps beside a subscription and how it is collected; nil stays as it is.
type SubscriptionChange struct {
	// ExternalID is the merchant's name of it; empty takes it away.
	ExternalID *string
	Metadata   *foyer.Metadata
	// PaymentMethod is what is charged from now on. A debt is not collected by it.
	PaymentMethod *PaymentMethodID
}

// Describe returns the subscription with the change; the same one when nothing is different.
//
// Refusals: Invalid; Conflict (subscription.kept_elsewhere) for the name or the method of one another system keeps, or why it
// has no method to change.
func (s Subscription) Describe(c SubscriptionChange, now time.Time) (Subscription, error) {
	next := s.changed(now)
	if c.Metadata != nil {
		if err := foyer.InvalidFields(c.Metadata.Faults("/metadata")...); err != nil {
			return s, err
		}
		next.Metadata = c.Metadata.Kept()
	}
	if c.ExternalID != nil && *c.ExternalID != s.ExternalID {
		if s.Provider == "" {
			return s, foyer.Refuse(foyer.Conflict, "subscription.kept_elsewhere") // an import finds it by this name
		}
		if err := foyer.InvalidFields(externalIDFaults(*c.ExternalID)...); err != nil {
			return s, err
		}
		next.ExternalID = *c.ExternalID
	}
	if c.PaymentMethod != nil && *c.PaymentMethod != s.PaymentMethod {
		if err := s.Actions(ActionRules{})[ActionUpdatePaymentMethod].Refusal(); err != nil {
			return s, err
		}
		next.PaymentMethod = *c.PaymentMethod
	}
	if next.ExternalID == s.ExternalID && next.PaymentMethod == s.PaymentMethod && maps.Equal(next.Metadata, s.Metadata) {
		return s, nil
	}
	return next, nil
}

// UpdateSubscription changes what a merchant keeps beside a subscription and how it is collected. ifVersion is the version the
// caller read, 0 when it does not care.
//
// Refusals: NotFound, PreconditionFailed, those of Describe, Conflict (external_id.taken).
func (s *Service) UpdateSubscription(ctx context.Context, by foyer.Actor, id SubscriptionID, change SubscriptionChange, ifVersion int64) (after Subscription, err error) {
	now, err := s.now(ctx, by.Scope.Merchant)
	if err != nil {
		return after, err
	}
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		found, err := s.store.SubscriptionsForUpdate(ctx, by.Scope.Merchant, id)
		if err != nil {
			return err
		}
		if len(found) == 0 || found[0].Customer != by.Scope.Customer {
			return foyer.ErrNotFound()
		}
		before := found[0]
		if ifVersion != 0 && ifVersion != before.Version {
			return errChanged()
		}
		if after, err = before.Describe(change, now); err != nil || after.Version == before.Version {
			return err
		}
		return s.saveDescribed(ctx, by.Scope, before, after, now)
	})
	return after, err
}

// saveDescribed writes a changed subscription down.
func (s *Service) saveDescribed(ctx context.Context, scope foyer.Scope, before, after Subscription, now time.Time) error {
	renamed := after.ExternalID != before.ExternalID && after.ExternalID != ""
	if renamed {
		taken, err := s.store.SubscriptionNamed(ctx, scope.Merchant, after.ExternalID, after.ID)
		if err != nil {
			return err
		}
		if taken {
			return ErrExternalIDTaken()
		}
	}
	var method PaymentMethod
	if after.PaymentMethod != before.PaymentMethod {
		var err error
		if method, err = s.store.PaymentMethod(ctx, scope, after.PaymentMethod); err != nil {
			return unknownReference(err, "/payment_method_id")
		}
	}
	if err := s.store.SaveSubscriptions(ctx, after); err != nil {
		if renamed && errors.Is(err, foyer.Conflict) {
			return ErrExternalIDTaken() // another was named so a moment ago; the row itself is kept from others
		}
		return err
	}
	if method.ID != "" {
		if err := s.order(ctx, scope, MailMethodChanged, after.ID, MailFacts{}.Named(method.Name()), now); err != nil {
			return err
		}
	}
	return s.store.RecordEvents(ctx, s.event(scope, EventSubscriptionUpdated, string(after.ID), now))
}

// UpdatePayment changes what a merchant keeps beside a payment. ifVersion is the version the caller read, 0 when it does not care.
//
// Refusals: NotFound, Invalid, PreconditionFailed.
func (s *Service) UpdatePayment(ctx context.Context, by foyer.Actor, id PaymentID, metadata foyer.Metadata, ifVersion int64) (after Payment, err error) {
	if err := foyer.InvalidFields(metadata.Faults("/metadata")...); err != nil {
		return after, err
	}
	now, err := s.now(ctx, by.Scope.Merchant)
	if err != nil {
		return after, err
	}
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		if _, err := s.store.PaymentsForUpdate(ctx, by.Scope.Merchant, id); err != nil {
			return err
		}
		if after, err = s.store.Payment(ctx, by.Scope, id); err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != after.Version {
			return errChanged()
		}
		if maps.Equal(metadata, after.Metadata) {
			return nil
		}
		after = after.changed(now)
		after.Metadata = metadata.Kept()
		if err := s.store.SavePayments(ctx, after); err != nil {
			return err
		}
		return s.store.RecordEvents(ctx, s.event(by.Scope, EventPaymentUpdated, string(id), now))
	})
	return after, err
}
