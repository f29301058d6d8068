package retention

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// ReceiptKind says of what something is the receipt.
type ReceiptKind string

// The kinds of receipts.
const (
	ReceiptCancellation       ReceiptKind = "cancellation"
	ReceiptCancellationNotice ReceiptKind = "cancellation_notice"
	ReceiptWithdrawalNotice   ReceiptKind = "withdrawal_notice"
	ReceiptWithdrawal         ReceiptKind = "withdrawal"
)

// Receipt is what somebody who declared to leave can keep: what they declared, when it was received and what comes of it (§ 312k (4)
// BGB; Art. 11a (4) of Directive 2011/83/EU). It is written once and never changed; Hash is that of its content.
type Receipt struct {
	// ID is that of the cancellation, notice or withdrawal; it is the reference printed on it.
	ID       string
	Merchant foyer.MerchantID
	// Customer is empty for a notice of somebody nobody knows.
	Customer  foyer.CustomerID
	Kind      ReceiptKind
	Locale    string
	Content   ReceiptContent
	Hash      string
	CreatedAt time.Time
}

// ReceiptContent is what the receipt says, in no language yet.
type ReceiptContent struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email"`
	// Company and Address are the customer's, where they are known.
	Company string          `json:"company,omitempty"`
	Address billing.Address `json:"address,omitzero"`
	// Subscription and Items are what ends; Contract is what somebody called it who was not signed in.
	Subscription string    `json:"subscription,omitempty"`
	Items        []Item    `json:"items,omitempty"`
	Contract     string    `json:"contract,omitempty"`
	ReceivedAt   time.Time `json:"received_at"`
	// EffectiveAt is when it ends; nil where that isn't known yet.
	Effective   billing.Effective `json:"effective,omitempty"`
	EffectiveAt *time.Time        `json:"effective_at,omitempty"`
	// WithCharge says that a charge is under way: should it fail, it ends at once.
	WithCharge bool `json:"with_charge,omitempty"`
	// Manual says that it was paid by invoice: there is nothing that could be charged.
	Manual bool `json:"manual,omitempty"`
	// NoticeKind and Reason are a notice's, EndAt the end it names.
	NoticeKind string     `json:"notice_kind,omitempty"`
	Reason     string     `json:"reason,omitempty"`
	EndAt      *time.Time `json:"end_at,omitempty"`
	// Refund is what a withdrawal gives back, Credit what of it goes back to the customer's credit.
	Refund *foyer.Money `json:"refund,omitempty"`
	Credit *foyer.Money `json:"credit,omitempty"`
	// ProRata says that what was used until the withdrawal is not given back.
	ProRata bool `json:"pro_rata,omitempty"`
}

// Item is a line of what ends.
type Item struct {
	Name     string `json:"name"`
	Quantity int64  `json:"quantity"`
}

// NewReceipt seals the content.
func NewReceipt(id string, scope foyer.Scope, kind ReceiptKind, locale i18n.Locale, content ReceiptContent, now time.Time) Receipt {
	r := Receipt{ID: id, Merchant: scope.Merchant, Customer: scope.Customer, Kind: kind, Locale: locale.Tag, Content: content, CreatedAt: foyer.Micro(now)}
	r.Hash = r.hash()
	return r
}

// Intact tells whether the content is the one that was sealed.
func (r Receipt) Intact() bool { return r.Hash == r.hash() }

func (r Receipt) hash() string {
	text, err := json.Marshal(struct {
		ID      string
		Kind    ReceiptKind
		Content ReceiptContent
	}{r.ID, r.Kind, r.Content})
	if err != nil {
		return "" // can't be: texts, numbers and times only
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Receipt is the receipt of a confirmed cancellation.
func (c Cancellation) Receipt(sub billing.Subscription, customer billing.Customer, locale i18n.Locale, now time.Time) Receipt {
	return NewReceipt(string(c.ID), c.Scope(), ReceiptCancellation, locale, ReceiptContent{
		Name: customer.Name, Email: customer.Email, Company: customer.Company, Address: customer.Address, Subscription: string(c.Subscription),
		Items: itemsOf(sub), ReceivedAt: *c.ReceivedAt, Effective: c.Effective, EffectiveAt: c.EffectiveAt, WithCharge: c.WithCharge,
		Manual: sub.CollectionMode == billing.CollectManual,
	}, now)
}

// Receipt is the acknowledgement of a declared withdrawal; nothing that was paid gives no refund.
func (w Withdrawal) Receipt(sub billing.Subscription, customer billing.Customer, locale i18n.Locale, now time.Time) Receipt {
	content := ReceiptContent{
		Name: customer.Name, Email: customer.Email, Company: customer.Company, Address: customer.Address, Subscription: string(w.Subscription),
		Items: itemsOf(sub), ReceivedAt: *w.DeclaredAt, EffectiveAt: sub.CanceledAt, WithCharge: w.Charge != "", ProRata: w.KeepsUsed(),
	}
	money, credit := w.Refund()
	if money > 0 {
		content.Refund = &foyer.Money{Amount: money, Currency: w.Currency}
	}
	if credit > 0 {
		content.Credit = &foyer.Money{Amount: credit, Currency: w.Currency}
	}
	return NewReceipt(string(w.ID), w.Scope(), ReceiptWithdrawal, locale, content, now)
}

func itemsOf(sub billing.Subscription) []Item {
	out := make([]Item, len(sub.Items))
	for i, item := range sub.Items {
		out[i] = Item{item.ProductName, item.Quantity}
	}
	return out
}

// Receipt returns the receipt of one of the customer's cancellations or withdrawals; NotFound when it has none.
func (s *Service) Receipt(ctx context.Context, scope foyer.Scope, id string) (Receipt, error) {
	r, err := s.store.Receipt(ctx, scope.Merchant, id)
	if err == nil && r.Customer != scope.Customer {
		err = foyer.ErrNotFound()
	}
	return r, err
}
