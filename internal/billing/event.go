package billing

import (
	"time"

	"foyer/internal/foyer"
)

// The changes the engine writes down.
const (
	EventSubscriptionCreated  foyer.EventType = "subscription.created"
	EventSubscriptionUpdated  foyer.EventType = "subscription.updated"
	EventSubscriptionActive   foyer.EventType = "subscription.active"
	EventSubscriptionPastDue  foyer.EventType = "subscription.past_due"
	EventSubscriptionPaused   foyer.EventType = "subscription.paused"
	EventSubscriptionCanceled foyer.EventType = "subscription.canceled"
	EventPaymentCreated       foyer.EventType = "payment.created"
	EventPaymentBilled        foyer.EventType = "payment.billed"
	EventPaymentCompleted     foyer.EventType = "payment.completed"
	EventPaymentPastDue       foyer.EventType = "payment.past_due"
	EventPaymentCanceled      foyer.EventType = "payment.canceled"
	EventPaymentUpdated       foyer.EventType = "payment.updated"
	// EventPaymentDisputed: the customer's bank took the money back, or asks first. EventDisputeClosed: it has decided.
	EventPaymentDisputed foyer.EventType = "payment.disputed"
	EventDisputeUpdated  foyer.EventType = "payment.dispute_updated"
	EventDisputeClosed   foyer.EventType = "payment.dispute_closed"
	EventInvoiceCreated  foyer.EventType = "invoice.created"
	EventInvoicePaid     foyer.EventType = "invoice.paid"
	EventInvoiceCanceled foyer.EventType = "invoice.canceled"
	EventInvoiceReplaced foyer.EventType = "invoice.replaced"
	EventMethodCreated   foyer.EventType = "payment_method.created"
	EventMethodUpdated   foyer.EventType = "payment_method.updated"
	EventMethodDeleted   foyer.EventType = "payment_method.deleted"
)

// MailKind names a mail about billing; its texts are in i18n under "mail.<kind>.".
type MailKind string

// The mails the engine sends.
const (
	MailReceipt       MailKind = "receipt"
	MailPaymentFailed MailKind = "payment_failed"
	MailInvoiceDue    MailKind = "invoice_due"
	MailCardExpiring  MailKind = "card_expiring"
	MailTrialEnding   MailKind = "trial_ending"
	MailRenewalComing MailKind = "renewal_coming"
	// MailWelcome confirms a new subscription or trial, with its terms.
	MailWelcome MailKind = "welcome"
	// MailDiscountEnding tells before the first bill that a discount does not lower any more, MailYearlyReminder once a year what a
	// subscription is and costs.
	MailDiscountEnding MailKind = "discount_ending"
	MailYearlyReminder MailKind = "yearly_reminder"
	// MailCredited tells of credit that nothing else tells of, MailInvoiceCanceled of an invoice that is not owed any more.
	MailCredited        MailKind = "credited"
	MailInvoiceCanceled MailKind = "invoice_canceled"
	// MailMethodRemoved tells that a payment method was deleted that nothing was paid with any more.
	MailMethodRemoved         MailKind = "payment_method_removed"
	MailCancellationScheduled MailKind = "cancellation_scheduled"
	MailKept                  MailKind = "kept"
	MailCanceled              MailKind = "canceled"
	MailPaused                MailKind = "paused"
	MailPauseScheduled        MailKind = "pause_scheduled"
	MailResumed               MailKind = "resumed"
	MailPlanChanged           MailKind = "plan_changed"
	MailPlanChangeScheduled   MailKind = "plan_change_scheduled"
	MailRefunded              MailKind = "refunded"
	MailMethodChanged         MailKind = "payment_method_changed"
	MailInvoiceCopy           MailKind = "invoice_copy"
	MailInvoiceRevised        MailKind = "invoice_revised"
	MailDiscountApplied       MailKind = "discount_applied"
	MailTrialExtended         MailKind = "trial_extended"
	// MailWithdrawalDeclared asks the customer whether a withdrawal declared without signing in is theirs; MailWithdrawalReceived
	// acknowledges one on a durable medium.
	MailWithdrawalDeclared MailKind = "withdrawal_declared"
	MailWithdrawalReceived MailKind = "withdrawal_received"
	// MailNoticeNoted tells the customer when a subscription ends that somebody declared to end without signing in, and that ends anyway.
	MailNoticeNoted MailKind = "notice_noted"
	// MailWithdrawalDismissed tells the customer that the seller turned down a withdrawal declared without signing in.
	MailWithdrawalDismissed MailKind = "withdrawal_dismissed"
)

// MailOrder is a mail that must be sent: committed with what it tells of, carried out by a job. The facts that may have
// changed by the time the job runs stand in it; everything else is read then.
type MailOrder struct {
	// ID is `eml_…`, the id of the mail too: sending it again is the same mail.
	ID           string
	Scope        foyer.Scope
	Kind         MailKind
	Subscription SubscriptionID
	Payment      PaymentID
	// Invoice is the document the mail tells of; the job attaches its PDF.
	Invoice string
	Facts   MailFacts
	At      time.Time
}

// MailFacts are what was so when the mail was ordered. Amounts are minor units of the subscription's or payment's currency.
type MailFacts struct {
	// EffectiveAt is when what was scheduled happens, the trial ends, the renewal comes, it is tried again.
	EffectiveAt *time.Time `json:"effective_at,omitempty"`
	ResumeAt    *time.Time `json:"resume_at,omitempty"`
	Amount      *int64     `json:"amount,omitempty"`
	// Credit is what goes back to the customer's credit.
	Credit int64 `json:"credit,omitempty"`
	// WithCharge says that a charge is under way whose outcome is waited for.
	WithCharge bool `json:"with_charge,omitempty"`
	// Declared says that it was declared without signing in, InTime that a withdrawal was received within its time.
	Declared bool `json:"declared,omitempty"`
	InTime   bool `json:"in_time,omitempty"`
	// ProRata says that what was used of a period until the withdrawal is not given back; Examined that the seller looks at whether it
	// ends sooner, for the cause given.
	ProRata  bool `json:"pro_rata,omitempty"`
	Examined bool `json:"examined,omitempty"`
	// Attempt counts the tries to collect a payment, from 1; Last says that there will be no other by itself.
	Attempt int  `json:"attempt,omitempty"`
	Last    bool `json:"last,omitempty"`
	// Final says that only one more try comes after this one.
	Final bool `json:"final,omitempty"`
	// Full says that with a refund all that was paid has gone back.
	Full      bool      `json:"full,omitempty"`
	ErrorCode ErrorCode `json:"error_code,omitempty"`
	// Then is what happens to the subscription when the last try fails: "cancel" or "pause".
	Then string `json:"then,omitempty"`
	// Method, Brand, Last4, Wallet, Identifier: what was charged, or is to be; see MethodName.
	Method     string `json:"method,omitempty"`
	Brand      string `json:"brand,omitempty"`
	Last4      string `json:"last4,omitempty"`
	Wallet     string `json:"wallet,omitempty"`
	Identifier string `json:"identifier,omitempty"`
	// Receipt is the receipt that goes with the mail.
	Receipt string `json:"receipt,omitempty"`
	// Periods is how many bills a discount lowers; 0 for all to come.
	Periods int `json:"periods,omitempty"`
	// Number and Document ("invoice" or "credit_note") name the document a mail is about.
	Number   string `json:"number,omitempty"`
	Document string `json:"document,omitempty"`
	// Replaced is the number of the document that one took the place of.
	Replaced string `json:"replaced,omitempty"`
	// CreditNote is the document that takes that one back; it goes with the mail.
	CreditNote string `json:"credit_note,omitempty"`
}
