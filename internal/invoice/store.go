package invoice

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// File is a drawn document: the bytes that are given every time for this version and locale.
type File struct {
	Invoice Invoice
	// Locale is the tag the document was asked for in and the language of its texts, for example "fr/en".
	Locale  string
	Content []byte
	SHA256  []byte
}

// Lineage is what correcting documents asks of the store, besides reading.
type Lineage interface {
	Concluder
	// LockCustomer makes every other command of the customer wait until the transaction ends.
	LockCustomer(ctx context.Context, scope foyer.Scope) error
	// PaymentsForUpdate locks payments: none of them is charged or paid back meanwhile.
	PaymentsForUpdate(ctx context.Context, merchant foyer.MerchantID, ids ...billing.PaymentID) ([]billing.Payment, error)
	Payment(ctx context.Context, scope foyer.Scope, id billing.PaymentID) (billing.Payment, error)
	Invoice(ctx context.Context, scope foyer.Scope, id ID, withDocument bool) (Invoice, error)
	// NextNumbers reserves numbers of a series: see store.
	NextNumbers(ctx context.Context, merchant foyer.MerchantID, series string, n int) (int64, error)
	// Replace says that next took the place of old, on old and on its payment, if old still is at its version and nothing has replaced it;
	// it tells whether that was so.
	Replace(ctx context.Context, old, next Invoice, now time.Time) (bool, error)
	CreateInvoices(ctx context.Context, invoices ...Invoice) error
	RecordEvents(ctx context.Context, events ...foyer.Event) error
}

// Filter narrows a merchant's list of documents; empty fields do not.
type Filter struct {
	Customer foyer.CustomerID
	Payment  billing.PaymentID
	Number   string
}

// Store keeps documents. Every method takes the scope; what is outside it is foyer.NotFound.
type Store interface {
	// Invoices returns a page of documents, newest first, without their content.
	Invoices(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Invoice, error)
	// MerchantInvoices and MerchantInvoice are what a merchant reads of all its customers, without content, with the metadata of
	// their payments.
	MerchantInvoices(ctx context.Context, merchant foyer.MerchantID, filter Filter, page foyer.PageRequest) ([]Invoice, error)
	MerchantInvoice(ctx context.Context, merchant foyer.MerchantID, id ID) (Invoice, error)
	// Invoice returns one document; withDocument reads its content too.
	Invoice(ctx context.Context, scope foyer.Scope, id ID, withDocument bool) (Invoice, error)
	// File returns the bytes drawn for this version and locale before; foyer.NotFound when there are none.
	File(ctx context.Context, inv Invoice, locale string) (File, error)
	// KeepFile keeps the bytes, unless another process was first; it returns what is kept.
	KeepFile(ctx context.Context, f File, now time.Time) (File, error)
}

// Merchants is what invoice asks of merchant.
type Merchants interface {
	ByID(ctx context.Context, id foyer.MerchantID) (merchant.Merchant, error)
}
