package billing

import (
	"context"

	"foyer/internal/foyer"
)

// PaymentFilter narrows a list of payments; empty fields do not.
type PaymentFilter struct {
	Statuses     []PaymentStatus
	Subscription SubscriptionID
	// IncludeZero shows payments of zero value too.
	IncludeZero bool
}

// Store keeps what billing owns. Every method takes the scope; what is outside it is foyer.NotFound. Methods join the
// transaction in ctx when there is one.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error

	Customer(ctx context.Context, scope foyer.Scope) (Customer, error)
	// SaveCustomer saves a changed customer if nobody changed it since (its version is one more than the row's); false
	// when somebody did.
	SaveCustomer(ctx context.Context, c Customer) (bool, error)

	// Payments returns a page, newest first, without lines, tax rates and attempts; never drafts.
	Payments(ctx context.Context, scope foyer.Scope, filter PaymentFilter, page foyer.PageRequest) ([]Payment, error)
	// Payment returns everything of one payment; a draft is not found.
	Payment(ctx context.Context, scope foyer.Scope, id PaymentID) (Payment, error)

	PaymentMethods(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]PaymentMethod, error)
	PaymentMethod(ctx context.Context, scope foyer.Scope, id PaymentMethodID) (PaymentMethod, error)

	Subscriptions(ctx context.Context, scope foyer.Scope, statuses []SubscriptionStatus, page foyer.PageRequest) ([]Subscription, error)
	Subscription(ctx context.Context, scope foyer.Scope, id SubscriptionID) (Subscription, error)

	RecordActivity(ctx context.Context, a foyer.Activity) error
}
