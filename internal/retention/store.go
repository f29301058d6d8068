package retention

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Store keeps cancellations. Every method takes the scope, or a cancellation that has one; what is outside it is
// foyer.NotFound. Methods join the transaction in ctx when there is one.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Conclude is InTx for the last transaction of a command: the answer to the call is committed with it.
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error
	// LockCustomer makes commands about one customer wait for each other until the transaction ends.
	LockCustomer(ctx context.Context, scope foyer.Scope) error

	Cancellation(ctx context.Context, scope foyer.Scope, id CancellationID) (Cancellation, error)
	// AllCancellations returns a page of the customer's, newest first.
	AllCancellations(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Cancellation, error)
	// OpenCancellation returns the one open cancellation of the subscription; foyer.NotFound when there is none.
	OpenCancellation(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) (Cancellation, error)
	// ScheduledCancellations returns those of the subscription that wait for its end.
	ScheduledCancellations(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) ([]Cancellation, error)
	// CreateCancellation stores a new one; false when the subscription has an open one already.
	CreateCancellation(ctx context.Context, c Cancellation) (bool, error)
	// SaveCancellation saves a changed one if nobody changed it since; Conflict (conflict) when somebody did.
	SaveCancellation(ctx context.Context, c Cancellation) error
	// RecordEvents writes down what changed.
	RecordEvents(ctx context.Context, events ...foyer.Event) error
}

// Subscriptions is what of billing a cancellation needs; billing.Service is one.
type Subscriptions interface {
	Subscription(ctx context.Context, scope foyer.Scope, id billing.SubscriptionID) (billing.Subscription, error)
	Cancel(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, effective billing.Effective) (billing.Subscription, error)
	Keep(ctx context.Context, by foyer.Actor, id billing.SubscriptionID) (billing.Subscription, error)
}
