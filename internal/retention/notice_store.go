package retention

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// NoticeStore keeps notices, and finds whose they are. Methods join the transaction in ctx when there is one.
type NoticeStore interface {
	// CreateNotice keeps a new one. Notice returns one; in a transaction it is kept from others until that ends.
	CreateNotice(ctx context.Context, n Notice) error
	Notice(ctx context.Context, merchant foyer.MerchantID, id NoticeID) (Notice, error)
	// SaveNotice saves a changed one that was read at version from, if nobody changed it since; Conflict (conflict) when somebody did.
	SaveNotice(ctx context.Context, n Notice, from int64) error
	// Notices returns a page of the merchant's, newest first; CustomerNotices of those that are about the customer.
	Notices(ctx context.Context, merchant foyer.MerchantID, filter NoticeFilter, page foyer.PageRequest) ([]Notice, error)
	CustomerNotices(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Notice, error)

	// CustomerByEmail returns the customer who can sign in with the address; foyer.NotFound when there is none.
	CustomerByEmail(ctx context.Context, merchant foyer.MerchantID, emailKey string) (foyer.CustomerID, error)
	Subscriptions(ctx context.Context, scope foyer.Scope, statuses []billing.SubscriptionStatus, page foyer.PageRequest) ([]billing.Subscription, error)
	// UnmatchedEmails returns the address of every notice received since then that matched nothing.
	UnmatchedEmails(ctx context.Context, merchant foyer.MerchantID, since time.Time) ([]string, error)
	// InvoicedSubscriptions returns what the customer's documents with one of the numbers are for, empty for one of no subscription.
	InvoicedSubscriptions(ctx context.Context, scope foyer.Scope, numbers []string) ([]billing.SubscriptionID, error)
}

// NoticeFilter narrows a merchant's list; empty fields do not.
type NoticeFilter struct {
	Kinds  []NoticeKind
	States []NoticeState
}

// NoticeStep is a part of what is done about a notice after it was received. Each can be run again.
type NoticeStep string

// The steps: the mail to the address given, finding out whose it is, and the mail to the merchant.
const (
	NoticeReceiptMail  NoticeStep = "receipt_mail"
	NoticeMatch        NoticeStep = "match"
	NoticeMerchantMail NoticeStep = "merchant_mail"
)

// NoticeJobs enqueues in the open transaction what is done after it.
type NoticeJobs interface {
	EnqueueNotice(ctx context.Context, merchant foyer.MerchantID, id NoticeID, steps ...NoticeStep) error
}
