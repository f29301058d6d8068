package retention

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Store keeps what retention owns. Every method takes the merchant or the scope, or a thing that has one; what is outside it is
// foyer.NotFound. Methods join the transaction in ctx when there is one.
type Store interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// Conclude is InTx for the last transaction of a command: the answer to the call is committed with it.
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error
	// Proceed commits what Conclude holds open, because the command goes on with what is remote.
	Proceed(ctx context.Context) error
	// LockCustomer makes commands about one customer wait for each other until the transaction ends.
	LockCustomer(ctx context.Context, scope foyer.Scope) error

	// Cancellation returns one with its offers.
	Cancellation(ctx context.Context, scope foyer.Scope, id CancellationID) (Cancellation, error)
	// AllCancellations returns a page of the customer's, newest first.
	AllCancellations(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Cancellation, error)
	// OpenCancellation returns the one unfinished cancellation of the subscription; foyer.NotFound when there is none.
	OpenCancellation(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) (Cancellation, error)
	// ScheduledCancellations returns those of the subscription that wait for its end.
	ScheduledCancellations(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) ([]Cancellation, error)
	// DueCancellations returns what time alone changes by now, first due first, and keeps it for this transaction: another worker at
	// the same time gets others.
	DueCancellations(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]Cancellation, error)
	// CreateCancellation stores a new one; false when the subscription has an unfinished one already.
	CreateCancellation(ctx context.Context, c Cancellation) (bool, error)
	// SaveCancellation saves a changed one that was read at version from, if nobody changed it since; Conflict (conflict) when somebody
	// did. Offers are saved by themselves.
	SaveCancellation(ctx context.Context, c Cancellation, from int64) error

	// MerchantCancellations returns a page of the merchant's, newest first; MerchantCancellation one.
	MerchantCancellations(ctx context.Context, merchant foyer.MerchantID, filter CancellationFilter, page foyer.PageRequest) ([]Cancellation, error)
	MerchantCancellation(ctx context.Context, merchant foyer.MerchantID, id CancellationID) (Cancellation, error)

	// Withdrawal returns one; AllWithdrawals a page of the customer's, newest first.
	Withdrawal(ctx context.Context, scope foyer.Scope, id WithdrawalID) (Withdrawal, error)
	AllWithdrawals(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Withdrawal, error)
	// CurrentWithdrawal returns the subscription's that is open or declared; foyer.NotFound when there is none.
	CurrentWithdrawal(ctx context.Context, scope foyer.Scope, sub billing.SubscriptionID) (Withdrawal, error)
	// DueWithdrawals takes over, until the moment given, what is to be looked after by now, first due first: other workers get others.
	DueWithdrawals(ctx context.Context, merchant foyer.MerchantID, now, until time.Time, limit int) ([]Withdrawal, error)
	// CreateWithdrawal stores a new one; false when the subscription has one that is open or declared already.
	CreateWithdrawal(ctx context.Context, w Withdrawal) (bool, error)
	// SaveWithdrawal saves a changed one that was read at version from; Conflict (conflict) when somebody changed it since.
	SaveWithdrawal(ctx context.Context, w Withdrawal, from int64) error
	// MerchantWithdrawals returns a page of the merchant's, newest first; MerchantWithdrawal one.
	MerchantWithdrawals(ctx context.Context, merchant foyer.MerchantID, filter WithdrawalFilter, page foyer.PageRequest) ([]Withdrawal, error)
	MerchantWithdrawal(ctx context.Context, merchant foyer.MerchantID, id WithdrawalID) (Withdrawal, error)

	CreateOffer(ctx context.Context, o Offer) error
	// DecideOffer writes what became of an open offer; Conflict (conflict) when something else has. It is what makes an offer good once.
	DecideOffer(ctx context.Context, o Offer) error
	// TakenOffers returns what the customer ever accepted and what is on the table, oldest first: few, however often they only looked.
	TakenOffers(ctx context.Context, scope foyer.Scope) ([]Offer, error)
	// LockBudgets keeps others from using the rules' budgets until the transaction ends: in one order, so that nobody waits in a circle.
	LockBudgets(ctx context.Context, merchant foyer.MerchantID, rules []string) error
	// TakeBudget counts one more offer of a rule, with its cost, if the budget allows it.
	TakeBudget(ctx context.Context, merchant foyer.MerchantID, rule string, cost int64, b Budget) (bool, error)
	// GiveBackBudget takes back what an offer counted that came to nothing.
	GiveBackBudget(ctx context.Context, merchant foyer.MerchantID, rule string, cost int64) error
	// BudgetUsage returns what is used of the rules' budgets, by key.
	BudgetUsage(ctx context.Context, merchant foyer.MerchantID, rules []string) (map[string]Usage, error)

	// RetentionSettings returns the merchant's settings; the zero ones when it has none.
	RetentionSettings(ctx context.Context, merchant foyer.MerchantID) (Settings, error)
	// SaveRetentionSettings saves settings if nobody changed them since; false when somebody did.
	SaveRetentionSettings(ctx context.Context, merchant foyer.MerchantID, s Settings, now time.Time) (bool, error)
	LockMerchant(ctx context.Context, id foyer.MerchantID) error
	// Prices and Products return those of the ids that are the merchant's; PricesOf the products' prices that are not archived, at most
	// so many of each.
	Prices(ctx context.Context, merchant foyer.MerchantID, ids []billing.PriceID) (map[billing.PriceID]billing.CatalogPrice, error)
	Products(ctx context.Context, merchant foyer.MerchantID, ids []billing.ProductID) (map[billing.ProductID]billing.Product, error)
	PricesOf(ctx context.Context, merchant foyer.MerchantID, products []billing.ProductID, most int) ([]billing.Price, error)

	// CreateReceipt keeps a receipt for ever. Receipt returns that of a cancellation, notice or withdrawal by its id.
	CreateReceipt(ctx context.Context, r Receipt) error
	Receipt(ctx context.Context, merchant foyer.MerchantID, id string) (Receipt, error)
	// RecordEvidence appends; what is written is never changed. Evidence returns what there is about some things, oldest first.
	RecordEvidence(ctx context.Context, entries ...Evidence) error
	Evidence(ctx context.Context, merchant foyer.MerchantID, subjects []string) ([]Evidence, error)
	// Tally adds to the numbers the insights are read from. The entries are merged and in one order.
	Tally(ctx context.Context, merchant foyer.MerchantID, entries []TallyEntry) error
	// Tallies returns the sums of the rows the query asks for, divided by what it divides by, by currency and by group; the other parts of
	// their keys are empty. Periods are divided by day.
	Tallies(ctx context.Context, merchant foyer.MerchantID, q InsightsQuery) ([]TallyEntry, error)
	// RecordEvents writes down what changed.
	RecordEvents(ctx context.Context, events ...foyer.Event) error
}

// CancellationFilter narrows a merchant's list; empty fields do not.
type CancellationFilter struct {
	Customer     foyer.CustomerID
	Subscription billing.SubscriptionID
	States       []State
}

// WithdrawalFilter narrows a merchant's list; empty fields do not.
type WithdrawalFilter struct {
	Customer     foyer.CustomerID
	Subscription billing.SubscriptionID
	States       []WithdrawalState
}

// Mails orders what customers and merchants are told of withdrawals; it joins the open transaction.
type Mails interface {
	billing.Mails
	// EnqueueWithdrawalMail tells the merchant that a withdrawal needs them. mail is the mail's id.
	EnqueueWithdrawalMail(ctx context.Context, merchant foyer.MerchantID, id WithdrawalID, mail string) error
}

// Subscriptions is what of billing leaving needs; billing.Service is one. Its commands join the transaction in ctx: what a cancellation
// says and what the subscription is are one fact.
type Subscriptions interface {
	Customer(ctx context.Context, scope foyer.Scope) (billing.Customer, error)
	Subscription(ctx context.Context, scope foyer.Scope, id billing.SubscriptionID) (billing.Subscription, error)
	MerchantSubscription(ctx context.Context, merchant foyer.MerchantID, id billing.SubscriptionID) (billing.Subscription, error)
	Cancel(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in billing.CancelInput) (billing.Subscription, error)
	Keep(ctx context.Context, by foyer.Actor, id billing.SubscriptionID) (billing.Subscription, error)
	Pause(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, in billing.PauseInput) (billing.Subscription, error)
	ApplyDiscount(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, d billing.SubscriptionDiscount) (billing.Subscription, error)
	ExtendTrial(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, days int) (billing.Subscription, error)
	Downgrade(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, items []billing.ItemInput) (billing.Subscription, error)
	PreviewChange(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, items []billing.ItemInput) (billing.ChangePreview, error)

	// What a withdrawal undoes. All but Refund join the transaction; Refund must be called outside of one.
	Payments(ctx context.Context, scope foyer.Scope, filter billing.PaymentFilter, page foyer.PageRequest) ([]billing.Payment, error)
	Payment(ctx context.Context, scope foyer.Scope, id billing.PaymentID) (billing.Payment, error)
	Refund(ctx context.Context, by foyer.Actor, id billing.PaymentID, in billing.RefundInput) (billing.Payment, billing.Refund, error)
	VoidBills(ctx context.Context, by foyer.Actor, sub billing.Subscription) error
	ReturnCredit(ctx context.Context, by foyer.Actor, id billing.PaymentID, amount int64, reason string) error
	TakeBackCredit(ctx context.Context, by foyer.Actor, amount foyer.Money) (int64, error)
	CreditOf(ctx context.Context, scope foyer.Scope, currency foyer.Currency) (int64, error)
}
