package billing

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Provider owns subscriptions: Foyer's own engine, or a billing system elsewhere. The required methods are what every
// customer must be able to do; other powers are asked by assertion (Pauser, Changer, Retainer, Unwinder).
//
// Commands that move no money join a transaction that is open in ctx, and nothing in them is remote: what a customer decided and what
// the subscription is afterwards are one fact. A provider whose subscriptions live elsewhere writes down here what is wanted, in that
// transaction, and carries it there afterwards.
//
// Every method takes who acts, whose scope it never leaves (foyer.NotFound), and returns the subscription or payment
// afterwards. A refusal changes nothing but, for foyer.Declined, the attempt it made.
type Provider interface {
	// Name is what rows call the provider: "native".
	Name() string
	// Cancel ends a subscription at the end of what is paid, or now. It is accepted in every state but canceled. While a
	// charge is under way it takes effect at the end of the period being paid, whatever was asked.
	Cancel(ctx context.Context, by foyer.Actor, id SubscriptionID, in CancelInput) (Subscription, error)
	// Keep undoes what is scheduled. Refusal: Conflict (subscription.nothing_scheduled).
	Keep(ctx context.Context, by foyer.Actor, id SubscriptionID) (Subscription, error)
	// SetPaymentMethod says what is charged from now on, and collects a debt at once.
	SetPaymentMethod(ctx context.Context, by foyer.Actor, id SubscriptionID, method PaymentMethodID) (Subscription, *NextAction, error)
	// Pay collects a payment now, with the method given or the one it has.
	Pay(ctx context.Context, by foyer.Actor, id PaymentID, method PaymentMethodID) (Payment, *NextAction, error)
}

// Pauser is a provider that can pause subscriptions.
type Pauser interface {
	Pause(ctx context.Context, by foyer.Actor, id SubscriptionID, p PauseInput) (Subscription, error)
	Resume(ctx context.Context, by foyer.Actor, id SubscriptionID, billing ResumeBilling) (Subscription, *NextAction, error)
}

// Changer is a provider that can change what is subscribed to.
type Changer interface {
	// PreviewChange is Change without the last step: the same code, nothing saved.
	PreviewChange(ctx context.Context, by foyer.Actor, id SubscriptionID, items []ItemInput) (ChangePreview, error)
	Change(ctx context.Context, by foyer.Actor, id SubscriptionID, items []ItemInput) (Subscription, *NextAction, error)
}

// NextAction says that the bank asks for the customer: they confirm the charge with the gateway, then the resource is
// read again.
type NextAction struct {
	// Type is always "confirm_with_gateway".
	Type string
	// Charge is the gateway's id of the charge; ClientSecret lets the customer's device confirm it.
	Charge       string
	ClientSecret string
	// Gateway and PublicKey say whose form that is, and what it needs besides.
	Gateway   string
	PublicKey string
}

// NextActionConfirm is the one type of next action.
const NextActionConfirm = "confirm_with_gateway"

// Effective says when a command takes effect.
type Effective string

// The two moments.
const (
	AtPeriodEnd Effective = "period_end"
	Immediately Effective = "immediately"
)

// CancelInput is how to cancel.
type CancelInput struct {
	Effective Effective
	// NotBefore is a later date that was named: it ends with the first period that ends then or after; nil for the next end.
	NotBefore *time.Time
	// Deferred says that it must not end at once, whatever its state: it was declared by somebody who was not signed in.
	Deferred bool
	// Examined says that a cause for an earlier end was given, which the seller looks at.
	Examined bool
	// Receipt is the document the customer's mail carries; empty for none.
	Receipt string
	// Quiet says that whoever cancels tells the customer: no mail of its own is sent.
	Quiet bool
}

// PauseInput is how to pause. ResumeAt is nil for a pause without end.
type PauseInput struct {
	Effective Effective
	ResumeAt  *time.Time
}

// ResumeBilling says what a resumed subscription is charged.
type ResumeBilling string

// The two ways to resume.
const (
	// ResumeNewPeriod begins and charges a new period now.
	ResumeNewPeriod ResumeBilling = "new_period"
	// ResumeContinue goes on with the period that was paid before the pause, without a charge, while it lasts.
	ResumeContinue ResumeBilling = "continue_period"
)

// ItemInput is one price and how many of it.
type ItemInput struct {
	Price    PriceID
	Quantity int64
}

// ChangePreview is what a change would do.
type ChangePreview struct {
	EffectiveAt time.Time
	// Immediate is what would be charged now; nil when nothing is.
	Immediate *Payment
	// Credit is what would be put on the customer's credit, in minor units.
	Credit         int64
	Currency       foyer.Currency
	RecurringTotal int64
	NextPayment    *NextPayment
}
