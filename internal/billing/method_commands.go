package billing

import (
	"context"
	"errors"
	"maps"
	"time"

	"foyer/internal/foyer"
)

// GatewayOf returns what moves a merchant's money; Conflict (gateway.not_configured) when there is nothing.
func (s *Service) GatewayOf(ctx context.Context, merchant foyer.MerchantID) (Gateway, error) {
	return s.gateways.GatewayOf(ctx, merchant)
}

// StartSetup begins storing a payment method: the customer goes on with the gateway's own form.
func (s *Service) StartSetup(ctx context.Context, by foyer.Actor) (SetupStart, error) {
	gateway, err := s.gateways.GatewayOf(ctx, by.Scope.Merchant)
	if err != nil {
		return SetupStart{}, err
	}
	now, err := s.now(ctx, by.Scope.Merchant)
	if err != nil {
		return SetupStart{}, err
	}
	setup := Setup{
		ID: SetupID(s.ids(foyer.PrefixPaymentMethodSetup)), Merchant: by.Scope.Merchant, Customer: by.Scope.Customer, Gateway: gateway.Name(),
		CreatedAt: foyer.Micro(now),
	}
	started, err := gateway.StartSetup(ctx, SetupRequest{ID: setup.ID, Merchant: setup.Merchant, Customer: setup.Customer})
	if err != nil {
		return SetupStart{}, err
	}
	setup.Reference = started.Reference
	err = s.store.Conclude(ctx, func(ctx context.Context) error { return s.store.CreateSetup(ctx, setup) })
	return SetupStart{Setup: setup, ClientSecret: started.ClientSecret, PublicKey: gateway.PublicKey()}, err
}

// AddMethodInput says which setup becomes a payment method and what it is for. Replaces names the method whose default,
// subscriptions and debts it takes over and which is then deleted; Subscription the one it will pay for.
type AddMethodInput struct {
	Setup        SetupID
	Replaces     PaymentMethodID
	Default      bool
	Subscription SubscriptionID
	// Alone is for a session that may touch no other subscription: the same card stored before keeps what it pays for.
	Alone bool
}

// AddedMethod is a stored payment method and what came of the debts that were collected with it.
type AddedMethod struct {
	StampedPaymentMethod
	Collections []Collection
	// NextAction is set when the customer must confirm a collection.
	NextAction *NextAction
}

// Collection is a debt that was tried to collect: its payment as it stands afterwards, and the reason when it was declined.
type Collection struct {
	Payment   PaymentID
	Status    PaymentStatus
	ErrorCode ErrorCode
}

// AddPaymentMethod stores what the customer entered with the gateway. The same card again takes the old one's place. A setup
// gives one payment method: asked again it answers with that one.
//
// Refusals: Invalid for an unknown setup, method or subscription; Conflict (payment_method_setup.unfinished); Declined.
func (s *Service) AddPaymentMethod(ctx context.Context, by foyer.Actor, in AddMethodInput) (AddedMethod, error) {
	setup, err := s.store.Setup(ctx, by.Scope, in.Setup)
	if err != nil {
		return AddedMethod{}, unknownReference(err, "/setup_id")
	}
	now, err := s.now(ctx, by.Scope.Merchant)
	if err != nil {
		return AddedMethod{}, err
	}
	now = foyer.Micro(now)
	id := setup.PaymentMethod
	if id == "" {
		if id, err = s.storeMethod(ctx, by, setup, in, now); err != nil {
			return AddedMethod{}, err
		}
	}
	return s.collectDebts(ctx, by, id)
}

// storeMethod makes the payment method of a finished setup and moves to it what it is for, in one transaction.
func (s *Service) storeMethod(ctx context.Context, by foyer.Actor, setup Setup, in AddMethodInput, now time.Time) (PaymentMethodID, error) {
	gateway, err := s.gateways.GatewayOf(ctx, by.Scope.Merchant)
	if err != nil {
		return "", err
	}
	result, err := gateway.Setup(ctx, setup.Reference)
	if err != nil {
		return "", err
	}
	switch result.Status {
	case SetupSucceeded:
	case SetupFailed:
		return "", DeclinedWith(result.ErrorCode)
	default:
		return "", foyer.Refuse(foyer.Conflict, "payment_method_setup.unfinished")
	}
	setup.PaymentMethod = PaymentMethodID(s.ids(foyer.PrefixPaymentMethod))
	method := NewPaymentMethod(setup, result.Method, now)
	var replaced []PaymentMethod
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		first, err := s.store.FinishSetup(ctx, setup)
		if err != nil {
			return err
		}
		if !first {
			return errSetupUsed
		}
		replaced, err = s.installMethod(ctx, by.Scope, method, in, now)
		return err
	})
	if errors.Is(err, errSetupUsed) {
		known, err := s.store.Setup(ctx, by.Scope, setup.ID)
		return known.PaymentMethod, err
	}
	if err != nil {
		return "", err
	}
	return method.ID, s.forgetReplaced(ctx, method, replaced)
}

// errSetupUsed says that another call made the method of this setup a moment ago.
var errSetupUsed = errors.New("billing: setup used")

// collectDebts tries to collect what is past due of the subscriptions the method pays for. A decline is told, not
// returned: the method is stored all the same.
func (s *Service) collectDebts(ctx context.Context, by foyer.Actor, id PaymentMethodID) (AddedMethod, error) {
	stamped, err := s.PaymentMethod(ctx, by.Scope, id)
	if err != nil {
		return AddedMethod{}, err
	}
	added := AddedMethod{StampedPaymentMethod: stamped}
	for _, used := range stamped.UsedBy {
		// The debt before is decided; what is read next must not wait for it.
		if err := s.store.Proceed(ctx); err != nil {
			return AddedMethod{}, err
		}
		sub, err := s.store.Subscription(ctx, by.Scope, used)
		if err != nil {
			return AddedMethod{}, err
		}
		provider, known := s.providers[sub.Provider]
		if sub.Debt == "" || !known {
			continue
		}
		payment, next, err := provider.Pay(ctx, by, sub.Debt, id)
		collection := Collection{Payment: sub.Debt, Status: payment.Status}
		if refusal, refused := foyer.AsError(err); refused && (refusal.Kind == foyer.Declined || refusal.Kind == foyer.Conflict) {
			collection.Status = PaymentPastDue
			if code, told := refusal.Extra["error_code"].(string); told {
				collection.ErrorCode = ErrorCode(code)
			}
		} else if err != nil {
			return AddedMethod{}, err
		}
		added.Collections = append(added.Collections, collection)
		if added.NextAction == nil {
			added.NextAction = next
		}
	}
	return added, nil
}

// UpdateMethodInput changes what may be changed of a payment method; nil stays as it is.
type UpdateMethodInput struct {
	Default     *bool
	BillingName *string
	// What only the merchant changes. Metadata replace all that were there; an empty ExternalID takes it away.
	ExternalID *string
	Metadata   *foyer.Metadata
}

// Change returns the method with the change applied, or a refusal that names every field at fault; the same one when nothing is
// different.
func (m PaymentMethod) Change(in UpdateMethodInput, now time.Time) (PaymentMethod, error) {
	next := m
	if in.Default != nil {
		next.Default = *in.Default
	}
	var check checks
	check.text("/billing_name", &next.BillingName, in.BillingName, maxNameLength)
	check.text("/external_id", &next.ExternalID, in.ExternalID, maxExternalIDLength)
	check.metadata(&next.Metadata, in.Metadata)
	if err := check.refusal(); err != nil {
		return m, err
	}
	if next.Default == m.Default && next.BillingName == m.BillingName && next.ExternalID == m.ExternalID && maps.Equal(next.Metadata, m.Metadata) {
		return m, nil
	}
	next.UpdatedAt, next.Version = now, m.Version+1
	return next, nil
}

// UpdatePaymentMethod changes a payment method. ifVersion is the version the caller read, 0 when it does not care.
//
// Refusals: Invalid, PreconditionFailed, Conflict (external_id.taken).
func (s *Service) UpdatePaymentMethod(ctx context.Context, by foyer.Actor, id PaymentMethodID, in UpdateMethodInput, ifVersion int64) (StampedPaymentMethod, error) {
	now, err := s.now(ctx, by.Scope.Merchant)
	if err != nil {
		return StampedPaymentMethod{}, err
	}
	now = foyer.Micro(now)
	var changed PaymentMethod
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		current, err := s.store.PaymentMethod(ctx, by.Scope, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != current.Version {
			return errChanged()
		}
		if changed, err = current.Change(in, now); err != nil || changed.Version == current.Version {
			return err
		}
		var events []foyer.Event
		if changed.Default && !current.Default {
			if events, err = s.clearDefault(ctx, by.Scope, now); err != nil {
				return err
			}
		}
		saved, err := s.store.SavePaymentMethod(ctx, changed)
		if err != nil {
			return err
		}
		if !saved {
			return errChanged()
		}
		return s.store.RecordEvents(ctx, append(events, s.event(by.Scope, EventMethodUpdated, string(id), now))...)
	})
	return StampedPaymentMethod{changed, changed.Status(now)}, s.methodTaken(ctx, changed, err)
}

// methodTaken gives a clash its name: the external id is another method's.
func (s *Service) methodTaken(ctx context.Context, m PaymentMethod, clash error) error {
	return ExternalTaken(ctx, s.store, m.Merchant, foyer.PrefixPaymentMethod, string(m.ID), m.ExternalID, clash)
}

// DeletePaymentMethod forgets a payment method, here and at the gateway.
//
// Refusals: NotFound; Conflict (payment_method.in_use) while subscriptions are charged with it, Conflict (payment_method.charge_pending)
// while a payment with it is not decided: what it buys may be charged with it from then on. Each names what it is.
func (s *Service) DeletePaymentMethod(ctx context.Context, by foyer.Actor, id PaymentMethodID) error {
	now, err := s.now(ctx, by.Scope.Merchant)
	if err != nil {
		return err
	}
	var method PaymentMethod
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		// First: a subscription that begins meanwhile is found by what is read next.
		underWay, err := s.store.PaymentsUnderWay(ctx, by.Scope, id)
		if err != nil {
			return err
		}
		if method, err = s.store.PaymentMethod(ctx, by.Scope, id); err != nil {
			return err
		}
		if err := method.removable(underWay); err != nil {
			return err
		}
		charged, err := s.store.ChargeableMethods(ctx, by.Scope.Merchant, []PaymentMethodID{id})
		if err != nil {
			return err
		}
		method.Token = charged[id].Token
		method.Version++
		return s.deleteMethod(ctx, by.Scope, method, now)
	})
	if err != nil {
		return err
	}
	return s.forget(ctx, method)
}

// removable refuses to delete a method that is charged, or may be.
func (m PaymentMethod) removable(underWay []Payment) error {
	if len(m.UsedBy) > 0 {
		refusal := foyer.Refuse(foyer.Conflict, "payment_method.in_use")
		refusal.Extra = map[string]any{"used_by": m.UsedBy}
		return refusal
	}
	if len(underWay) > 0 {
		ids := make([]PaymentID, len(underWay))
		for i, p := range underWay {
			ids[i] = p.ID
		}
		refusal := foyer.Refuse(foyer.Conflict, "payment_method.charge_pending")
		refusal.Extra = map[string]any{"payment_ids": ids}
		return refusal
	}
	return nil
}

// forget makes the gateway forget a deleted method, if it can. The method is gone here whatever it answers.
func (s *Service) forget(ctx context.Context, method PaymentMethod) error {
	gateway, err := s.gateways.GatewayOf(ctx, method.Merchant)
	if err != nil {
		return nil //nolint:nilerr // imported methods have no gateway here
	}
	remover, can := gateway.(MethodRemover)
	if !can || method.Token == "" {
		return nil
	}
	if err := s.store.Proceed(ctx); err != nil {
		return err
	}
	_ = remover.RemoveMethod(ctx, method.Token) // the token that would charge it is deleted: nobody can any more
	return nil
}

func (s *Service) event(scope foyer.Scope, kind foyer.EventType, subject string, at time.Time) foyer.Event {
	return foyer.Event{ID: s.ids(foyer.PrefixEvent), Scope: scope, Type: kind, Subject: subject, At: foyer.Micro(at)}
}

func (s *Service) order(ctx context.Context, scope foyer.Scope, kind MailKind, sub SubscriptionID, facts MailFacts, at time.Time) error {
	return s.mails.EnqueueMails(ctx, []MailOrder{{
		ID: s.ids(foyer.PrefixMail), Scope: scope, Kind: kind, Subscription: sub, Facts: facts, At: foyer.Micro(at),
	}})
}

// unknownReference makes NotFound of something named inside a body the one refusal for unknown and foreign ids.
func unknownReference(err error, pointer string) error {
	if errors.Is(err, foyer.NotFound) {
		return foyer.InvalidFields(foyer.FieldError{Pointer: pointer, Code: "input.unknown_reference"})
	}
	return err
}

// DeclinedWith is the refusal of a charge, with the gateway's reason.
func DeclinedWith(code ErrorCode) error {
	if code == "" {
		code = ErrorUnknown
	}
	refusal := foyer.Refuse(foyer.Declined, "payment.declined")
	refusal.Extra = map[string]any{"error_code": string(code)}
	return refusal
}
