package billing

import (
	"slices"
	"time"

	"foyer/internal/foyer"
)

// Ids of payments and their parts.
type (
	PaymentID string
	LineID    string
	AttemptID string
	RefundID  string
)

// PaymentStatus is the state of a payment.
type PaymentStatus string

// The states of a payment; doc.go draws them.
const (
	PaymentDraft     PaymentStatus = "draft"
	PaymentReady     PaymentStatus = "ready"
	PaymentBilled    PaymentStatus = "billed"
	PaymentPaid      PaymentStatus = "paid"
	PaymentCompleted PaymentStatus = "completed"
	PaymentCanceled  PaymentStatus = "canceled"
	PaymentPastDue   PaymentStatus = "past_due"
)

// PaymentStatuses lists every state a customer can see.
var PaymentStatuses = []PaymentStatus{PaymentReady, PaymentBilled, PaymentPaid, PaymentCompleted, PaymentCanceled, PaymentPastDue}

// Origin says what made the payment.
type Origin string

// The origins of a payment.
const (
	OriginAPI                 Origin = "api"
	OriginWeb                 Origin = "web"
	OriginRenewal             Origin = "subscription_recurring"
	OriginCharge              Origin = "subscription_charge"
	OriginUpdate              Origin = "subscription_update"
	OriginPaymentMethodChange Origin = "subscription_payment_method_change"
)

// CollectionMode says whether Foyer charges a payment method or the customer pays an invoice.
type CollectionMode string

// The collection modes.
const (
	CollectAutomatic CollectionMode = "automatic"
	CollectManual    CollectionMode = "manual"
)

// Totals are the sums of a payment, in minor units of its currency. Subtotal is before discount and tax; Total =
// Subtotal − Discount + Tax; GrandTotal = Total − Credit, at least 0; Balance is what is left to pay of GrandTotal.
// CreditToBalance is what a negative total put on the customer's credit. Imported amounts are taken as they are.
type Totals struct {
	Subtotal        int64
	Discount        int64
	Tax             int64
	Total           int64
	Credit          int64
	CreditToBalance int64
	GrandTotal      int64
	Balance         int64
	Refunded        int64
}

// LineTotals are the sums of one line or one tax rate, in minor units.
type LineTotals struct {
	Subtotal int64 `json:"subtotal"`
	Discount int64 `json:"discount"`
	Tax      int64 `json:"tax"`
	Total    int64 `json:"total"`
}

// TaxRateTotals are the sums of all lines with one tax rate.
type TaxRateTotals struct {
	Rate   foyer.Rate `json:"rate"`
	Totals LineTotals `json:"totals"`
}

// Proration says that a line was charged for a part of its period.
type Proration struct {
	// Rate is the share charged: "1" is all of it.
	Rate   foyer.Rate   `json:"rate"`
	Period foyer.Period `json:"period"`
}

// Line is one thing bought, as it was named and priced when it was billed.
type Line struct {
	ID          LineID     `json:"id"`
	ExternalID  string     `json:"external_id,omitempty"`
	PriceID     string     `json:"price_id,omitempty"`
	ProductID   string     `json:"product_id,omitempty"`
	Name        string     `json:"name"`
	Description string     `json:"description,omitempty"`
	Quantity    int64      `json:"quantity"`
	UnitPrice   int64      `json:"unit_price"`
	TaxRate     foyer.Rate `json:"tax_rate"`
	Proration   *Proration `json:"proration,omitempty"`
	Totals      LineTotals `json:"totals"`
}

// Terms are the terms of a payment collected by invoice.
type Terms struct {
	PurchaseOrderNumber   string       `json:"purchase_order_number,omitempty"`
	AdditionalInformation string       `json:"additional_information,omitempty"`
	PaymentTerms          *foyer.Cycle `json:"payment_terms,omitempty"`
}

// Payment is one bill: what was bought, what it came to, and how it was paid.
type Payment struct {
	ID                     PaymentID
	Merchant               foyer.MerchantID
	Customer               foyer.CustomerID
	ExternalID             string
	Status                 PaymentStatus
	Origin                 Origin
	CollectionMode         CollectionMode
	Currency               foyer.Currency
	Description            string
	Subscription           SubscriptionID
	ExternalSubscriptionID string
	BillingPeriod          *foyer.Period
	BillingDetails         *Terms
	Totals                 Totals
	// InvoiceID and InvoiceNumber name its invoice; empty when it has none.
	InvoiceID     string
	InvoiceNumber string
	CreatedAt     time.Time
	UpdatedAt     time.Time
	// BilledAt is nil until it is billed.
	BilledAt *time.Time
	Version  int64
	// Metadata is the merchant's own.
	Metadata foyer.Metadata
	// Imported says that another system billed it; its external id is that system's.
	Imported bool

	// PaymentMethod is what it is collected with.
	PaymentMethod PaymentMethodID
	// Effect is what happens to the subscription when it is paid; nil when nothing but that it is paid.
	Effect *Effect
	// FailedAt is when it was first not collected; Tries counts the attempts since it was billed.
	FailedAt *time.Time
	Tries    int
	// RetryAt is when it is tried again by itself or, collected by invoice, becomes past due.
	RetryAt *time.Time

	// Refunds are newest first.
	Refunds []Refund

	// Lists leave these out.
	TaxRates []TaxRateTotals
	Lines    []Line
	Attempts []Attempt
	// Disputes are oldest first. Lists of one customer have those that took money.
	Disputes []Dispute
}

// VisibleTo customers are all payments but drafts.
func (p Payment) VisibleTo() bool { return p.Status != PaymentDraft }

// ZeroValue payments (trials, a changed payment method) are hidden from lists and have no invoice.
func (p Payment) ZeroValue() bool { return p.Totals.Total == 0 }

// HasInvoice tells whether a document belongs to the payment: an automatic one when it is completed, one collected by
// invoice from the moment it is billed; never one of zero value (reference: paddle.md §1.4).
func (p Payment) HasInvoice() bool {
	if p.ZeroValue() {
		return false
	}
	if p.CollectionMode == CollectManual {
		return slices.Contains([]PaymentStatus{PaymentBilled, PaymentPaid, PaymentCompleted, PaymentPastDue}, p.Status)
	}
	return p.Status == PaymentCompleted
}

// DueAt returns when a payment collected by invoice is due: the day it was billed plus its terms; nil for others.
func (p Payment) DueAt() *time.Time {
	if p.BilledAt == nil || p.BillingDetails == nil || p.BillingDetails.PaymentTerms == nil {
		return nil
	}
	due := p.BillingDetails.PaymentTerms.After(*p.BilledAt)
	return &due
}

// LinesMismatch names the sums of lines that do not add up to the payment's totals, empty when all do. Imported amounts
// are facts and are kept all the same; the import says so.
func (p Payment) LinesMismatch() []string {
	var sum LineTotals
	for _, l := range p.Lines {
		sum.Subtotal += l.Totals.Subtotal
		sum.Discount += l.Totals.Discount
		sum.Tax += l.Totals.Tax
		sum.Total += l.Totals.Total
	}
	var out []string
	for _, c := range []struct {
		name      string
		line, all int64
	}{
		{"subtotal", sum.Subtotal, p.Totals.Subtotal},
		{"discount", sum.Discount, p.Totals.Discount},
		{"tax", sum.Tax, p.Totals.Tax},
		{"total", sum.Total, p.Totals.Total},
	} {
		if c.line != c.all {
			out = append(out, c.name)
		}
	}
	return out
}

// AttemptStatus is the state of one try to collect a payment.
type AttemptStatus string

// The states of an attempt.
const (
	AttemptPending        AttemptStatus = "pending"
	AttemptRequiresAction AttemptStatus = "requires_action"
	AttemptAuthorized     AttemptStatus = "authorized"
	AttemptCaptured       AttemptStatus = "captured"
	AttemptFailed         AttemptStatus = "failed"
	AttemptCanceled       AttemptStatus = "canceled"
)

// ErrorCode says why an attempt failed; i18n has a plain text for each under "attempt_error.<code>".
type ErrorCode string

// ErrorCodes lists every reason an attempt can fail for. ErrorUnknown stands for any we do not know.
var ErrorCodes = []ErrorCode{
	"already_canceled", "already_refunded", "authentication_failed", "blocked_card", "canceled", "declined",
	"declined_not_retryable", "expired_card", "fraud", "invalid_amount", "invalid_payment_details", "issuer_unavailable",
	"not_enough_balance", "preferred_network_not_supported", "psp_error", ErrorRedacted, "system_error",
	"transaction_not_permitted", ErrorUnknown,
}

const (
	// ErrorUnknown is the reason nobody gave.
	ErrorUnknown ErrorCode = "unknown"
	// ErrorRedacted says that the payment method is not there any more, or not at the gateway.
	ErrorRedacted ErrorCode = "redacted_payment_method"
)

// finalCodes are the reasons that stay: the same method is declined again, and asking costs. Visa calls the answers behind them "issuer will
// never approve" (category 1: lost, stolen, picked up, closed, no such account, not permitted; each repeat costs the merchant a fee) and
// "revalidate payment information" (category 3: expired, wrong details); Mastercard says "do not try again" (merchant advice code 03).
// Visa's "suspected fraud" may be repeated; what reaches us as fraud is mostly the gateway's own verdict on the card, which stays.
// Not among them: what needs the customer (authentication_failed), money (not_enough_balance), or time.
var finalCodes = []ErrorCode{
	"blocked_card", "declined_not_retryable", "expired_card", "fraud", "invalid_payment_details", ErrorRedacted, "transaction_not_permitted",
}

// Final tells whether trying the same payment method again is in vain until its card is replaced.
func (c ErrorCode) Final() bool { return slices.Contains(finalCodes, c) }

// RetriesInVain tells whether the payment method, as it is now, was declined for good by this attempt. That it is gone is a change of it,
// too, but none that helps.
func (a Attempt) RetriesInVain(m PaymentMethod) bool {
	return a.Status == AttemptFailed && a.ErrorCode.Final() && a.PaymentMethod == m.ID && (m.GoneAt != nil || !m.UpdatedAt.After(a.CreatedAt))
}

// Attempt is one try to collect a payment.
type Attempt struct {
	ID         AttemptID
	ExternalID string
	Status     AttemptStatus
	// ErrorCode is empty unless the attempt failed.
	ErrorCode ErrorCode
	Amount    int64
	// MethodType, Card, Wallet, Identifier: what it was paid with, as far as it may be known; it stays when the method does not.
	MethodType string
	Card       *Card
	Wallet     string
	Identifier string
	CreatedAt  time.Time
	CapturedAt *time.Time

	// Payment, Merchant, Gateway, PaymentMethod: what is charged where. The ID is the key of the charge at the gateway.
	Payment       PaymentID
	Merchant      foyer.MerchantID
	Gateway       string
	PaymentMethod PaymentMethodID
	// Command is the call that made it, empty when none did or the call had no key.
	Command string
	// OnSession says that the customer is there and can confirm: not at renewals and scheduled tries.
	OnSession bool
	// LeasedUntil is set while nobody knows the outcome: until then one worker asks the gateway, afterwards anybody looks
	// it up. Real time, not the merchant's.
	LeasedUntil *time.Time
	// LookAt is when the gateway is asked whether the customer has confirmed it, should nobody tell; nil unless it requires action. Real time.
	LookAt *time.Time
	// ClientSecret lets the customer confirm it with the gateway, while it requires action.
	ClientSecret string
}

// How long a charge waits for its customer, and when it is first looked at should nobody tell that they answered.
const (
	ActionLife = time.Hour
	FirstLook  = time.Minute
)

// NextLook is when an attempt that waits for its customer is looked at again: when as much time has passed again as since it was asked
// for, which are looks after 1, 2, 4, 8, 16 and 32 minutes. now is real time.
func (a Attempt) NextLook(now time.Time) time.Time {
	waited := FirstLook
	if a.LeasedUntil != nil {
		waited = max(waited, now.Sub(a.LeasedUntil.Add(-ActionLife)))
	}
	return now.Add(waited)
}

// Unfinished tells whether money may still move by it.
func (a Attempt) Unfinished() bool {
	return a.Status == AttemptPending || a.Status == AttemptRequiresAction
}

// RefundStatus is the state of a refund.
type RefundStatus string

// The states of a refund.
const (
	RefundPending  RefundStatus = "pending"
	RefundApproved RefundStatus = "approved"
	RefundRejected RefundStatus = "rejected"
	RefundReversed RefundStatus = "reversed"
)

// RefundAction says why money or a claim went back.
type RefundAction string

// The kinds of refund. A credit moves no money: it lowers what is due or, of a payment that credit paid, goes back to the
// customer's credit.
const (
	ActionRefund     RefundAction = "refund"
	ActionCredit     RefundAction = "credit"
	ActionChargeback RefundAction = "chargeback"
)

// Refund is money (or a claim on it) that went back to the customer after a payment.
type Refund struct {
	ID         RefundID
	ExternalID string
	Action     RefundAction
	Status     RefundStatus
	// Total includes Tax, both in minor units of the payment's currency.
	Total  int64
	Tax    int64
	Reason string
	Lines  []RefundLine
	// Noted is what its credit note takes back: all of Lines; less, and perhaps of other lines, where earlier notes stand for a part; nothing
	// for a chargeback, which has no note.
	Noted     []RefundLine
	CreatedAt time.Time
	UpdatedAt time.Time
}

// RefundLine is the part of a refund that belongs to one line of the payment.
type RefundLine struct {
	LineID string `json:"line_id"`
	Amount int64  `json:"amount"`
	// Tax is how much of the amount is tax; nil for as much as was charged in proportion.
	Tax *int64 `json:"tax,omitempty"`
}

// Refunded returns the sum of the approved refunds and chargebacks: credits lower what is due, they pay nothing back.
func Refunded(refunds []Refund) int64 {
	var sum int64
	for _, r := range refunds {
		if r.Status == RefundApproved && r.Action != ActionCredit {
			sum += r.Total
		}
	}
	return sum
}

// ListedAt is the time lists are sorted by: when it was billed, or made while it is not billed.
func (p Payment) ListedAt() time.Time {
	if p.BilledAt != nil {
		return *p.BilledAt
	}
	return p.CreatedAt
}
