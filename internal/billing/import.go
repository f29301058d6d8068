package billing

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// ImportKind names a kind of record that can be imported.
type ImportKind string

// The kinds of record, in the order they are stored: whatever a record refers to comes before it.
const (
	ImportCustomer     ImportKind = "customer"
	ImportAddress      ImportKind = "address"
	ImportBusiness     ImportKind = "business"
	ImportProduct      ImportKind = "product"
	ImportPrice        ImportKind = "price"
	ImportDiscount     ImportKind = "discount"
	ImportSubscription ImportKind = "subscription"
	ImportPayment      ImportKind = "payment"
	ImportRefund       ImportKind = "refund"
)

// ImportKinds lists every kind in the order they are stored.
var ImportKinds = []ImportKind{
	ImportCustomer, ImportAddress, ImportBusiness, ImportProduct, ImportPrice, ImportDiscount, ImportSubscription,
	ImportPayment, ImportRefund,
}

// ImportBatch holds records of another billing system in domain types: what one file held (ids of Foyer are empty,
// ExternalIDs are the other system's), or what the store has or is given (ids are set). UpdatedAt is the other system's.
type ImportBatch struct {
	// Source names the file, for messages.
	Source    string
	Customers []ImportedCustomer
	// Addresses and Businesses are filled by readers of files only; the store keeps them within their customer.
	Addresses     []ImportedAddress
	Businesses    []ImportedBusiness
	Products      []Product
	Prices        []Price
	Discounts     []Discount
	Subscriptions []ImportedSubscription
	Payments      []ImportedPayment
	Refunds       []ImportedRefund
	// Ignored counts what the file held beside these, by the other system's name for it.
	Ignored map[string]int
}

// ImportedCustomer is a customer with the addresses and businesses the other system knows of it. The customer's own
// Address, Company and TaxID are those of the latest active ones.
type ImportedCustomer struct {
	Customer Customer
	// EditedAt is when the customer was last changed in Foyer itself, zero when never: older imports don't undo it.
	EditedAt   time.Time
	Addresses  []ImportedAddress
	Businesses []ImportedBusiness
}

// ImportedAddress is an address that is a record of its own in the other system.
type ImportedAddress struct {
	ExternalID         string
	ExternalCustomerID string
	Address            Address
	Archived           bool
	UpdatedAt          time.Time
}

// ImportedBusiness is a company a customer buys for.
type ImportedBusiness struct {
	ExternalID         string
	ExternalCustomerID string
	Name               string
	TaxID              string
	RegistrationNumber string
	Archived           bool
	UpdatedAt          time.Time
}

// ImportedSubscription is a subscription and whose it is in the other system.
type ImportedSubscription struct {
	// ExternalCustomerID is set by readers of files only.
	ExternalCustomerID string
	Subscription       Subscription
}

// ImportedPayment is a payment and what its invoice is made of. Payment.Refunds is filled by the store when it loads and
// not read when it saves: refunds are records of their own.
type ImportedPayment struct {
	// ExternalCustomerID is set by readers of files only.
	ExternalCustomerID string
	Payment            Payment
	// InvoiceExternalID and InvoiceNumber are what the other system issued; HasInvoice tells whether that is a document.
	InvoiceExternalID string
	InvoiceNumber     string
	// RevisedAt is when the invoice's buyer was corrected after it was issued; nil when never.
	RevisedAt *time.Time
	// Buyer is whom the invoice names.
	Buyer Buyer
	// ExternalAddressID and ExternalBusinessID name what Buyer still waits for; until it arrives the customer's own stands in.
	ExternalAddressID  string
	ExternalBusinessID string
	// Adjusted is how much less the payment came to after adjustments, by its own totals: refunds, chargebacks and credits
	// in one sum.
	Adjusted int64
}

// HasInvoice tells whether the other system's invoice is a document a customer may have: never one of zero value, even
// when it carries a number.
func (p ImportedPayment) HasInvoice() bool { return p.Payment.HasInvoice() && p.InvoiceNumber != "" }

// Buyer is whom a document names as the buyer, as it was when the document was made.
type Buyer struct {
	Name               string
	Company            string
	TaxID              string
	RegistrationNumber string
	Email              string
	Address            Address
}

// ImportedRefund is a refund and what it belongs to. Totals of one that takes back an earlier one are negative.
type ImportedRefund struct {
	// ExternalCustomerID is set by readers of files only.
	ExternalCustomerID string
	Customer           foyer.CustomerID
	// Payment is empty while the payment is not known; ExternalPaymentID then joins them later. The LineIDs of
	// Refund.Lines are external ones until then.
	Payment           PaymentID
	ExternalPaymentID string
	Refund            Refund
}

// ImportRef names a record by its id in the other system.
type ImportRef struct {
	Kind       ImportKind
	ExternalID string
}

// Waits names what the price refers to and doesn't know yet.
func (p Price) Waits() []ImportRef {
	if p.Product == "" && p.ExternalProductID != "" {
		return []ImportRef{{ImportProduct, p.ExternalProductID}}
	}
	return nil
}

// Waits names what the subscription refers to and doesn't know yet.
func (s Subscription) Waits() []ImportRef {
	var out []ImportRef
	for _, item := range s.Items {
		if item.PriceID == "" && item.ExternalPriceID != "" {
			out = append(out, ImportRef{ImportPrice, item.ExternalPriceID})
		}
		if item.ProductID == "" && item.ExternalProductID != "" {
			out = append(out, ImportRef{ImportProduct, item.ExternalProductID})
		}
	}
	if d := s.Discount; d != nil && d.ID == "" && d.ExternalID != "" {
		out = append(out, ImportRef{ImportDiscount, d.ExternalID})
	}
	return out
}

// Waits names what the payment refers to and doesn't know yet.
func (p ImportedPayment) Waits() []ImportRef {
	var out []ImportRef
	if p.Payment.Subscription == "" && p.Payment.ExternalSubscriptionID != "" {
		out = append(out, ImportRef{ImportSubscription, p.Payment.ExternalSubscriptionID})
	}
	if p.ExternalAddressID != "" {
		out = append(out, ImportRef{ImportAddress, p.ExternalAddressID})
	}
	if p.ExternalBusinessID != "" {
		out = append(out, ImportRef{ImportBusiness, p.ExternalBusinessID})
	}
	return out
}

// Waits names what the refund refers to and doesn't know yet.
func (r ImportedRefund) Waits() []ImportRef {
	if r.Payment == "" && r.ExternalPaymentID != "" {
		return []ImportRef{{ImportPayment, r.ExternalPaymentID}}
	}
	return nil
}

// ImportStore is what an import needs of persistence. What Save was given, Load and Waiting return unchanged, except for
// the fields marked as set by readers of files only.
type ImportStore interface {
	// InTx runs f in a transaction, joining an open one. f may run again when the transaction was aborted for a reason that
	// passes.
	InTx(ctx context.Context, f func(ctx context.Context) error) error

	// Load returns the merchant's records of the kind that have one of the external ids, in any order, with nothing left
	// out: customers with their addresses and businesses, payments with lines, attempts and refunds. Unknown ids are
	// simply not there. Asked for within InTx, the records stay as they are until it ends. Kinds: all but ImportAddress
	// and ImportBusiness.
	Load(ctx context.Context, merchant foyer.MerchantID, kind ImportKind, externalIDs []string) (ImportBatch, error)

	// Waiting returns the merchant's records, of whichever kind, whose Waits name a record of the kind with one of the
	// external ids, as Load would.
	Waiting(ctx context.Context, merchant foyer.MerchantID, kind ImportKind, externalIDs []string) (ImportBatch, error)

	// EmailOwners returns which customers of the merchant have an address with one of the keys (EmailKey), by key.
	EmailOwners(ctx context.Context, merchant foyer.MerchantID, keys []string) (map[string]foyer.CustomerID, error)

	// Save writes the records, whole, replacing those with the same id; a kind after the other as ImportKinds has them and
	// the records of a kind in the order given (a customer's address may be free only because the one before gave it up).
	// A payment that HasInvoice gets its document, made anew from what is given, or has it brought up to date; the
	// payment's InvoiceID and InvoiceNumber are the store's to set. Save sets no times and no versions.
	Save(ctx context.Context, merchant foyer.MerchantID, batch ImportBatch) error
}

// ImportOptions are the choices of an import.
type ImportOptions struct {
	// Progress is told after every step how many of the records are done; nil when nobody wants to know.
	Progress func(done, total int)
}

// SkipReason says why a record was left out. It ends a sentence that begins with the record's id.
type SkipReason string

// The reasons a record is left out for.
const (
	SkipNoCustomer      SkipReason = "has no customer"
	SkipUnknownCustomer SkipReason = "belongs to a customer that is not known"
	SkipEmailTaken      SkipReason = "has the e-mail address of another customer"
	SkipNameTaken       SkipReason = "has the external id of one that was made here"
)

// ImportSkip names a record that was left out.
type ImportSkip struct {
	ImportRef
	Reason SkipReason
}

// ImportMismatch names a payment whose lines do not add up to its totals. It is kept as it is.
type ImportMismatch struct {
	ExternalID string
	// Sums names the totals that differ (Payment.LinesMismatch).
	Sums []string
}

// ImportCounts says what became of the records of one kind, each external id counted once.
type ImportCounts struct {
	Created   int
	Updated   int
	Unchanged int
	Skipped   int
}

// ImportSummary says what an import did.
type ImportSummary struct {
	Counts map[ImportKind]ImportCounts
	// Joined counts records stored earlier that got to know something they had waited for.
	Joined     int
	Skipped    []ImportSkip
	Mismatches []ImportMismatch
	// AmountsUnknown names the subscriptions whose amounts could not be told (Subscription.AmountsUnknown).
	AmountsUnknown []string
	// Ignored counts what was not imported because Foyer has no such thing, by the other system's name for it.
	Ignored map[string]int
}

// Changed tells whether anything was written.
func (s ImportSummary) Changed() bool {
	for _, c := range s.Counts {
		if c.Created+c.Updated > 0 {
			return true
		}
	}
	return s.Joined > 0
}

// count adds one record to the counts of a kind.
func (s *ImportSummary) count(kind ImportKind, known, newer bool) {
	if s.Counts == nil {
		s.Counts = map[ImportKind]ImportCounts{}
	}
	c := s.Counts[kind]
	switch {
	case !known:
		c.Created++
	case newer:
		c.Updated++
	default:
		c.Unchanged++
	}
	s.Counts[kind] = c
}

// skip names a record that is left out.
func (s *ImportSummary) skip(kind ImportKind, externalID string, reason SkipReason) {
	if s.Counts == nil {
		s.Counts = map[ImportKind]ImportCounts{}
	}
	c := s.Counts[kind]
	c.Skipped++
	s.Counts[kind] = c
	s.Skipped = append(s.Skipped, ImportSkip{ImportRef{kind, externalID}, reason})
}

// add adds what a step did.
func (s *ImportSummary) add(step ImportSummary) {
	if s.Counts == nil {
		s.Counts = map[ImportKind]ImportCounts{}
	}
	for kind, c := range step.Counts {
		sum := s.Counts[kind]
		s.Counts[kind] = ImportCounts{
			sum.Created + c.Created, sum.Updated + c.Updated, sum.Unchanged + c.Unchanged, sum.Skipped + c.Skipped,
		}
	}
	s.Joined += step.Joined
	s.Skipped = append(s.Skipped, step.Skipped...)
	s.Mismatches = append(s.Mismatches, step.Mismatches...)
	s.AmountsUnknown = append(s.AmountsUnknown, step.AmountsUnknown...)
}
