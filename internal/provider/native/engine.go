package native

import (
	"context"
	"log/slog"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
)

// Config holds what an Engine depends on.
type Config struct {
	Store     Store
	Merchants Merchants
	Gateways  billing.Gateways
	Mails     billing.Mails
	// MerchantMails tells the merchant itself, of disputes and of refunds that came back.
	MerchantMails MerchantMails
	// Methods has stored methods looked at that the gateway says it has not got.
	Methods MethodFollower
	IDs     foyer.IDs
	// Now is the merchant's clock: all billing time. Real is the machine's: leases.
	Now  billing.Clock
	Real func() time.Time
	Log  *slog.Logger
	// Also is more that falls due by the merchant's clock, of other features, after what is due of subscriptions; more tells whether
	// there was anything. May be nil.
	Also func(ctx context.Context, merchant foyer.MerchantID) (more bool, err error)
	// Lease is how long a worker may take to ask the gateway before others look the attempt up; 0 is the default.
	Lease time.Duration
}

// Engine bills subscriptions and collects the bills. Safe for concurrent use, by many processes on one database.
type Engine struct{ Config }

var (
	_ billing.Provider = (*Engine)(nil)
	_ billing.Pauser   = (*Engine)(nil)
	_ billing.Changer  = (*Engine)(nil)
	_ billing.Seller   = (*Engine)(nil)
	_ billing.Retainer = (*Engine)(nil)
	_ billing.Unwinder = (*Engine)(nil)
)

// How long things may take. A lease is longer than a gateway may take to answer, so that two workers don't ask about the same
// attempt at once; if they do, the key keeps it one charge.
const (
	defaultLease = 30 * time.Second
	// pendingLife is how long a charge is left alone that the gateway itself does not know the outcome of: a bank debit takes days, and
	// the gateway tells when it knows.
	pendingLife = time.Hour
	// batch is how many subscriptions are planned, charged and booked together: one number row lock, one commit.
	batch = 64
	// chargesAtOnce bounds the calls to the gateway of one batch.
	chargesAtOnce = 32
	// lanes is how many batches of one merchant a process has on their way at once.
	lanes = 3
)

// NewEngine returns an Engine.
func NewEngine(c Config) *Engine {
	if c.Lease == 0 {
		c.Lease = defaultLease
	}
	return &Engine{c}
}

// Name implements billing.Provider.
func (e *Engine) Name() string { return billing.ProviderNative }

// MethodFollower enqueues a look at what the gateway has stored of a customer, in the open transaction.
type MethodFollower interface {
	EnqueueFollowMethods(ctx context.Context, scope foyer.Scope) error
}

// Merchants is what the engine asks of merchant.
type Merchants interface {
	ByID(ctx context.Context, id foyer.MerchantID) (merchant.Merchant, error)
}

// Store keeps what the engine works on. Every method takes the merchant or the scope; what is outside it is foyer.NotFound
// or left out. Methods join the transaction in ctx. ForUpdate and the methods that look for what is due keep others from
// changing what they return until the transaction ends.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Conclude is InTx for the transaction that may be a command's last; Proceed commits it when more is to come.
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error
	Proceed(ctx context.Context) error
	billing.ExternalOwners
	LockCustomer(ctx context.Context, scope foyer.Scope) error

	Customers(ctx context.Context, merchant foyer.MerchantID, ids []foyer.CustomerID) (map[foyer.CustomerID]billing.Customer, error)
	Prices(ctx context.Context, merchant foyer.MerchantID, ids []billing.PriceID) (map[billing.PriceID]billing.CatalogPrice, error)
	Discount(ctx context.Context, merchant foyer.MerchantID, id billing.DiscountID) (billing.Discount, error)

	DueSubscriptions(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]billing.Subscription, error)
	SubscriptionsForUpdate(ctx context.Context, merchant foyer.MerchantID, ids ...billing.SubscriptionID) ([]billing.Subscription, error)
	CreateSubscriptions(ctx context.Context, subs ...billing.Subscription) error
	SaveSubscriptions(ctx context.Context, subs ...billing.Subscription) error
	Subscription(ctx context.Context, scope foyer.Scope, id billing.SubscriptionID) (billing.Subscription, error)
	// SubscriptionNamed tells whether a subscription but except has the external id, or will have it once it is paid.
	SubscriptionNamed(ctx context.Context, merchant foyer.MerchantID, externalID string, except billing.SubscriptionID) (bool, error)

	// DuePayments returns id and subscription of payments that are to be tried or become past due by now.
	DuePayments(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]billing.Payment, error)
	PaymentsForUpdate(ctx context.Context, merchant foyer.MerchantID, ids ...billing.PaymentID) ([]billing.Payment, error)
	CreatePayments(ctx context.Context, payments ...billing.Payment) error
	SavePayments(ctx context.Context, payments ...billing.Payment) error
	Payment(ctx context.Context, scope foyer.Scope, id billing.PaymentID) (billing.Payment, error)
	PaymentOfAttempt(ctx context.Context, merchant foyer.MerchantID, ids []billing.PaymentID) (map[billing.PaymentID]billing.Payment, error)

	CreateAttempts(ctx context.Context, attempts ...billing.Attempt) error
	// SaveAttemptMethod writes down what an attempt was tried with, when it is not what was asked for.
	SaveAttemptMethod(ctx context.Context, a billing.Attempt) error
	CaptureAttempts(ctx context.Context, merchant foyer.MerchantID, ids []billing.AttemptID, at time.Time) ([]billing.AttemptID, error)
	FinishAttempt(ctx context.Context, a billing.Attempt) (bool, error)
	// AttemptsToLookAt takes over attempts that wait for their customer and are to be looked at by now, real time, until their next look.
	AttemptsToLookAt(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]billing.Attempt, error)
	AbandonedAttempts(ctx context.Context, merchant foyer.MerchantID, now, until time.Time, limit int) ([]billing.Attempt, error)
	// UnansweredAttempts takes over attempts that wait for their customer, made by asked, the merchant's time; OldestUnanswered is
	// when the first of them was made, nil when none waits.
	UnansweredAttempts(ctx context.Context, merchant foyer.MerchantID, asked, until time.Time, limit int) ([]billing.Attempt, error)
	OldestUnanswered(ctx context.Context, merchant foyer.MerchantID, leasedAfter time.Time) (*time.Time, error)
	Attempt(ctx context.Context, merchant foyer.MerchantID, id billing.AttemptID) (billing.Attempt, error)
	AttemptByCommand(ctx context.Context, merchant foyer.MerchantID, command string) (billing.Attempt, error)
	OpenAttempt(ctx context.Context, merchant foyer.MerchantID, payment billing.PaymentID) (billing.Attempt, error)
	// LastAttempts returns the latest attempt of each of the payments.
	LastAttempts(ctx context.Context, merchant foyer.MerchantID, payments []billing.PaymentID) (map[billing.PaymentID]billing.Attempt, error)

	PaymentMethod(ctx context.Context, scope foyer.Scope, id billing.PaymentMethodID) (billing.PaymentMethod, error)
	ChargeableMethods(ctx context.Context, merchant foyer.MerchantID, ids []billing.PaymentMethodID) (map[billing.PaymentMethodID]billing.PaymentMethod, error)
	ExpiringMethods(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]billing.PaymentMethod, error)

	CreditsForUpdate(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID) ([]billing.Credit, error)
	AddCredit(ctx context.Context, c billing.Credit) error
	Invoice(ctx context.Context, scope foyer.Scope, id invoice.ID, withDocument bool) (invoice.Invoice, error)
	NextNumbers(ctx context.Context, merchant foyer.MerchantID, series string, n int) (int64, error)
	CreateInvoices(ctx context.Context, invoices ...invoice.Invoice) error
	SettleInvoice(ctx context.Context, merchant foyer.MerchantID, id invoice.ID, status invoice.Status, now time.Time) (version int64, err error)
	RecordEvents(ctx context.Context, events ...foyer.Event) error

	CreateRefund(ctx context.Context, r billing.PendingRefund) error
	// RefundByCommand returns the refund a call made; foyer.NotFound when it made none.
	RefundByCommand(ctx context.Context, merchant foyer.MerchantID, command string) (billing.PendingRefund, error)
	FinishRefund(ctx context.Context, r billing.PendingRefund) (bool, error)
	AbandonedRefunds(ctx context.Context, merchant foyer.MerchantID, now, until time.Time, limit int) ([]billing.PendingRefund, error)

	// RefundsOfCharge returns refunds of a charge that went through and were made since.
	RefundsOfCharge(ctx context.Context, merchant foyer.MerchantID, charge string, since time.Time) ([]billing.PendingRefund, error)
	// ReverseRefund writes down that a refund came back; false when that was written before.
	ReverseRefund(ctx context.Context, merchant foyer.MerchantID, id billing.RefundID, now time.Time) (bool, error)
	Disputes(ctx context.Context, merchant foyer.MerchantID, payment billing.PaymentID) ([]billing.Dispute, error)
	SaveDispute(ctx context.Context, scope foyer.Scope, c billing.DisputeChange) error

	// AttemptsUnderWay counts the merchant's pending attempts whose lease runs out between the moments: those begun lately.
	AttemptsUnderWay(ctx context.Context, merchant foyer.MerchantID, after, by time.Time) (int64, error)
	// Abandoned tells whether an attempt's or refund's lease has run out by now, or an attempt is to be looked at.
	Abandoned(ctx context.Context, merchant foyer.MerchantID, now time.Time) (bool, error)
	// NextDue is the earliest moment anything of the merchant falls due; nil when nothing will.
	NextDue(ctx context.Context, merchant foyer.MerchantID) (*time.Time, error)
}

// now is the merchant's time, as rows keep it.
func (e *Engine) now(ctx context.Context, merchant foyer.MerchantID) (time.Time, error) {
	now, err := e.Now(ctx, merchant)
	return foyer.Micro(now), err
}

func (e *Engine) leased() *time.Time {
	until := foyer.Micro(e.Real().Add(e.Lease))
	return &until
}

// dunning is how the merchant collects what was declined.
func dunning(m merchant.Merchant) billing.Dunning {
	d, set := billing.DefaultDunning, m.Portal.Settings.Dunning
	if len(set.Days) > 0 {
		d.Days = set.Days
	}
	if set.Then != "" {
		d.Then = billing.DunningEnd(set.Then)
	}
	return d
}
