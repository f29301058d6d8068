package billing

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// PaymentFilter narrows a list of payments; empty fields do not.
type PaymentFilter struct {
	Statuses     []PaymentStatus
	Subscription SubscriptionID
	// IncludeZero shows payments of zero value too.
	IncludeZero bool
}

// MerchantSubscriptionFilter narrows a merchant's list of subscriptions; empty fields do not.
type MerchantSubscriptionFilter struct {
	Customer   foyer.CustomerID
	Statuses   []SubscriptionStatus
	ExternalID string
}

// MerchantPaymentFilter narrows a merchant's list of payments; empty fields do not.
type MerchantPaymentFilter struct {
	PaymentFilter
	Customer   foyer.CustomerID
	ExternalID string
}

// MethodFilter narrows a list of payment methods; empty fields do not.
type MethodFilter struct {
	ExternalID string
}

// Store keeps what billing owns. Every method takes the scope; what is outside it is foyer.NotFound. Methods join the
// transaction in ctx when there is one.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	ExternalOwners

	Customer(ctx context.Context, scope foyer.Scope) (Customer, error)
	// SaveEmail is SaveCustomer for the address alone; Conflict when another customer has it.
	SaveEmail(ctx context.Context, c Customer) (bool, error)

	// Payments returns a page, newest first, without lines, tax rates and attempts; never drafts.
	Payments(ctx context.Context, scope foyer.Scope, filter PaymentFilter, page foyer.PageRequest) ([]Payment, error)
	// PaymentsInFull returns a page, newest first, each with everything of it; never drafts.
	PaymentsInFull(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Payment, error)
	// Payment returns everything of one payment; a draft is not found.
	Payment(ctx context.Context, scope foyer.Scope, id PaymentID) (Payment, error)

	PaymentMethods(ctx context.Context, scope foyer.Scope, filter MethodFilter, page foyer.PageRequest) ([]PaymentMethod, error)
	PaymentMethod(ctx context.Context, scope foyer.Scope, id PaymentMethodID) (PaymentMethod, error)

	Subscriptions(ctx context.Context, scope foyer.Scope, statuses []SubscriptionStatus, page foyer.PageRequest) ([]Subscription, error)
	Subscription(ctx context.Context, scope foyer.Scope, id SubscriptionID) (Subscription, error)
	// SubscriptionsNamed returns those of the ids that are the customer's.
	SubscriptionsNamed(ctx context.Context, scope foyer.Scope, ids []SubscriptionID) (map[SubscriptionID]Subscription, error)

	// What a merchant reads of all its customers; what is another merchant's is foyer.NotFound or left out.

	// MerchantSubscriptions returns a page, newest first.
	MerchantSubscriptions(ctx context.Context, merchant foyer.MerchantID, filter MerchantSubscriptionFilter, page foyer.PageRequest) ([]Subscription, error)
	MerchantSubscription(ctx context.Context, merchant foyer.MerchantID, id SubscriptionID) (Subscription, error)
	// SubscriptionNamed tells whether a subscription but except has the external id, or will have it once it is paid.
	SubscriptionNamed(ctx context.Context, merchant foyer.MerchantID, externalID string, except SubscriptionID) (bool, error)
	// MerchantPayments returns a page as Payments does.
	MerchantPayments(ctx context.Context, merchant foyer.MerchantID, filter MerchantPaymentFilter, page foyer.PageRequest) ([]Payment, error)
	MerchantPayment(ctx context.Context, merchant foyer.MerchantID, id PaymentID) (Payment, error)
	// MerchantPaymentMethods returns what is found of the ids, by id.
	MerchantPaymentMethods(ctx context.Context, merchant foyer.MerchantID, ids []PaymentMethodID) (map[PaymentMethodID]PaymentMethod, error)
	// SubscriptionsForUpdate and PaymentsForUpdate keep others from changing what they return until the transaction ends.
	SubscriptionsForUpdate(ctx context.Context, merchant foyer.MerchantID, ids ...SubscriptionID) ([]Subscription, error)
	PaymentsForUpdate(ctx context.Context, merchant foyer.MerchantID, ids ...PaymentID) ([]Payment, error)
	SavePayments(ctx context.Context, payments ...Payment) error
	// PaymentsUnderWay returns the customer's payments that methods may yet be charged for, without attempts and refunds.
	PaymentsUnderWay(ctx context.Context, scope foyer.Scope, methods ...PaymentMethodID) ([]Payment, error)

	// Credits returns what the customers have to their credit, in any currency.
	Credits(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID) ([]Credit, error)

	RecordActivity(ctx context.Context, a foyer.Activity) error

	// Conclude is InTx for the last transaction of a command: the answer to the call, if it is kept for a repeat, is
	// committed with it.
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error
	// Proceed commits what Conclude holds, because the command goes on.
	Proceed(ctx context.Context) error
	// LockCustomer makes commands about one customer wait for each other until the transaction ends: what two of them
	// read stays true until they write, and neither deadlocks with the other.
	LockCustomer(ctx context.Context, scope foyer.Scope) error

	CreateSetup(ctx context.Context, s Setup) error
	Setup(ctx context.Context, scope foyer.Scope, id SetupID) (Setup, error)
	// FinishSetup binds the payment method to the setup; false when another one was first.
	FinishSetup(ctx context.Context, s Setup) (bool, error)

	CreatePaymentMethod(ctx context.Context, m PaymentMethod) error
	// SavePaymentMethod saves a changed method if nobody changed it since; false when somebody did.
	SavePaymentMethod(ctx context.Context, m PaymentMethod) (bool, error)
	// ClearDefault makes none of the customer's methods the default one and returns the one that was, as it is now.
	ClearDefault(ctx context.Context, scope foyer.Scope, now time.Time) ([]PaymentMethod, error)
	// DeletePaymentMethod forgets the method and its token.
	DeletePaymentMethod(ctx context.Context, m PaymentMethod, now time.Time) error
	// ChargeableMethods returns payment methods with the tokens that charge them, by id.
	ChargeableMethods(ctx context.Context, merchant foyer.MerchantID, ids []PaymentMethodID) (map[PaymentMethodID]PaymentMethod, error)
	// StoredMethods returns all of the customer's payment methods with the tokens that charge them.
	StoredMethods(ctx context.Context, scope foyer.Scope) ([]PaymentMethod, error)
	// HasFingerprint tells whether it is the method's.
	HasFingerprint(ctx context.Context, scope foyer.Scope, id PaymentMethodID, fingerprint string) (bool, error)
	// SaveFollowedMethod saves what a gateway told of a method if nobody changed it since; false when somebody did. NoticeAt is saved
	// when it was renewed: else the customer was told of this date already, or will be.
	SaveFollowedMethod(ctx context.Context, m PaymentMethod, renewed bool) (bool, error)
	// SameCard returns the customer's method with the fingerprint; foyer.NotFound when there is none.
	SameCard(ctx context.Context, scope foyer.Scope, fingerprint string) (PaymentMethod, error)

	// SaveSubscriptions saves changed subscriptions, each if nobody changed it since; Conflict (conflict) when somebody did.
	SaveSubscriptions(ctx context.Context, subs ...Subscription) error
	RecordEvents(ctx context.Context, events ...foyer.Event) error
}
