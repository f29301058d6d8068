package invoice

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// ID is `inv_…`.
type ID string

// Kind says what a document is.
type Kind string

// The kinds of document.
const (
	KindInvoice    Kind = "invoice"
	KindCreditNote Kind = "credit_note"
)

// Status says where a document stands.
type Status string

// The states of a document.
const (
	StatusOpen     Status = "open"     // billed, not paid yet
	StatusPaid     Status = "paid"     // paid in full
	StatusOverdue  Status = "overdue"  // billed and past due
	StatusCanceled Status = "canceled" // withdrawn by its issuer
	StatusReplaced Status = "replaced" // a later revision took its place
)

// Party is the seller or the buyer as a document names them.
type Party struct {
	// Name is a person's name; Company, when there is one, stands above it.
	Name               string          `json:"name,omitempty"`
	Company            string          `json:"company,omitempty"`
	TaxID              string          `json:"tax_id,omitempty"`
	RegistrationNumber string          `json:"registration_number,omitempty"`
	Email              string          `json:"email,omitempty"`
	Address            billing.Address `json:"address"`
}

// inLanguage returns the text for a language: its own, else the one for every other.
func inLanguage(texts map[string]string, tag string) string {
	return first(texts[tag], texts[merchant.AnyLanguage])
}

// Empty tells whether nothing of the party is known.
func (p Party) Empty() bool { return p == Party{} }

// Document is the snapshot a PDF is drawn from: everything it shows, in no language.
type Document struct {
	// Seller is empty when the issuer of a copy is not known.
	Seller         Party                   `json:"seller"`
	Buyer          Party                   `json:"buyer"`
	BillingPeriod  *foyer.Period           `json:"billing_period,omitempty"`
	Details        *billing.Terms          `json:"details,omitempty"`
	CollectionMode billing.CollectionMode  `json:"collection_mode"`
	Lines          []billing.Line          `json:"lines"`
	TaxRates       []billing.TaxRateTotals `json:"tax_rates"`
	Totals         billing.Totals          `json:"totals"`
	// PaidWith says what paid it; nil while it is not paid or when it is not known.
	PaidWith *PaidWith  `json:"paid_with,omitempty"`
	PaidAt   *time.Time `json:"paid_at,omitempty"`
	// Footers and Notes are what the seller adds, by language (a tag of i18n.Locales); merchant.AnyLanguage has the
	// one for every other.
	Footers map[string]string `json:"footers,omitempty"`
	Notes   map[string]string `json:"notes,omitempty"`
	// Bilingual says that the labels stand in English too, beside the reader's language.
	Bilingual bool `json:"bilingual,omitempty"`
	// InvoiceNumber names the invoice a credit note belongs to.
	InvoiceNumber string `json:"invoice_number,omitempty"`
	// Replaces names the document this one takes the place of.
	Replaces *Reference `json:"replaces,omitempty"`
	// Reissued says of a credit note that the invoice is issued anew: no money goes back.
	Reissued bool `json:"reissued,omitempty"`
	// CorrectedAt is when a revision was made.
	CorrectedAt *time.Time `json:"corrected_at,omitempty"`
}

// Reference names another document as one that refers to it must: by its number and day (Directive 2006/112/EC, art. 219).
type Reference struct {
	Number   string    `json:"number"`
	IssuedAt time.Time `json:"issued_at"`
}

// PaidWith is what a customer recognises a payment method by.
type PaidWith struct {
	Type  string `json:"type"`
	Brand string `json:"brand,omitempty"`
	Last4 string `json:"last4,omitempty"`
	// Wallet is what a card came with, Identifier what a method is recognised by that is no card.
	Wallet     string `json:"wallet,omitempty"`
	Identifier string `json:"identifier,omitempty"`
}

func paidWith(a billing.Attempt) *PaidWith {
	paid := PaidWith(a.MethodName())
	return &paid
}

// Invoice is one document of a merchant: an invoice, a revision of one, or a credit note.
type Invoice struct {
	ID         ID
	Merchant   foyer.MerchantID
	Customer   foyer.CustomerID
	ExternalID string
	Number     string
	Kind       Kind
	// Revision counts the documents under one number from 1; Replaces names the document this one takes the place of, ReplacedBy the one
	// that took its place.
	Revision   int
	Replaces   ID
	ReplacedBy ID
	// Credits names the invoice a credit note takes back, or a part of.
	Credits ID
	// Corrections counts how often the buyer's details were corrected until this document.
	Corrections int
	Status      Status
	Payment     billing.PaymentID
	Currency    foyer.Currency
	IssuedAt    time.Time
	DueAt       *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
	// ContentVersion is the version its content is of: what is drawn for it stays. Where a document stands is not drawn on it.
	ContentVersion int64
	// Hash is the SHA-256 of the content in hexadecimal, as it was when it was kept; empty for documents from before there were any.
	Hash string
	// Total is the grand total in minor units, what the list shows.
	Total int64
	// Copy says that another system issued the document.
	Copy bool
	// Metadata is what the merchant keeps beside its payment; read for the merchant only.
	Metadata foyer.Metadata
	// Buyer is repeated outside Document, so that lists need not read the document.
	Buyer    Party
	Document Document
}

// Fingerprint returns the SHA-256, in hexadecimal, of everything a document shows. It changes with the smallest change of any of it.
func (in Invoice) Fingerprint() string {
	var due *time.Time
	if in.DueAt != nil {
		at := foyer.Micro(*in.DueAt)
		due = &at
	}
	content, err := json.Marshal(struct {
		Number   string         `json:"number"`
		Kind     Kind           `json:"kind"`
		Revision int            `json:"revision"`
		Currency foyer.Currency `json:"currency"`
		IssuedAt time.Time      `json:"issued_at"`
		DueAt    *time.Time     `json:"due_at"`
		Copy     bool           `json:"copy"`
		Document Document       `json:"document"`
	}{in.Number, in.Kind, in.Revision, in.Currency, foyer.Micro(in.IssuedAt), due, in.Copy, in.Document})
	if err != nil {
		return "" // there is nothing in it that can't be written
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// SellerParty is a merchant's seller as a document names it.
func SellerParty(s merchant.Seller) Party {
	return Party{
		Company: s.LegalName, TaxID: s.TaxID, RegistrationNumber: s.RegistrationNumber, Email: s.Email, Address: billing.Address(s.Address),
	}
}
