package billing

import (
	"context"
	"math/big"
	"strconv"
	"time"
	"unicode/utf8"

	"foyer/internal/foyer"
)

// Seller is a provider a merchant can sell with: it starts subscriptions, bills once, and gives money back. Every method takes
// the customer's scope. A refusal changes nothing but, for foyer.Declined, the attempt it made.
type Seller interface {
	// CreateSubscription starts a subscription. With a trial nothing is charged now. Otherwise the first period is: the
	// subscription exists once it is paid, and with a next action once the customer has confirmed.
	CreateSubscription(ctx context.Context, by foyer.Actor, in SubscribeInput) (Subscription, *NextAction, error)
	// CreatePayment bills something once and collects it.
	CreatePayment(ctx context.Context, by foyer.Actor, in BillInput) (Payment, *NextAction, error)
	// Refund gives money back and issues the credit note; it returns the payment afterwards and what was made.
	Refund(ctx context.Context, by foyer.Actor, id PaymentID, in RefundInput) (Payment, Refund, error)
}

// SubscribeInput is a new subscription as a merchant asks for it. Without CollectionMode it is collected automatically, and needs a
// payment method; the customer's default is not guessed.
type SubscribeInput struct {
	Items          []ItemInput
	PaymentMethod  PaymentMethodID
	CollectionMode CollectionMode
	Discount       DiscountID
	// TrialEnd is when the trial ends; nil for the trial of the prices, if they have one.
	TrialEnd *time.Time
	// BillingDetails are the terms of one collected by invoice; without terms of payment it is DefaultTerms.
	BillingDetails *Terms
	ExternalID     string
	Metadata       foyer.Metadata
}

// BillInput is something bought once. Without CollectionMode it is charged at once, and needs a payment method.
type BillInput struct {
	Items          []BillItemInput
	PaymentMethod  PaymentMethodID
	CollectionMode CollectionMode
	BillingDetails *Terms
	ExternalID     string
	Metadata       foyer.Metadata
}

// BillItemInput is a price that is paid once, or, without Price, something that is in no catalog.
type BillItemInput struct {
	Price     PriceID
	Name      string
	UnitPrice foyer.Money
	Quantity  int64
	TaxRate   foyer.Rate
}

// DefaultTerms is within how long an invoice is to be paid when nothing else was agreed.
var DefaultTerms = foyer.Cycle{Interval: foyer.Day, Frequency: 14}

// TermsOf completes the terms of something collected by invoice; nil for everything else.
func TermsOf(mode CollectionMode, given *Terms) *Terms {
	if mode != CollectManual {
		return nil
	}
	terms := Terms{}
	if given != nil {
		terms = *given
	}
	if terms.PaymentTerms == nil {
		days := DefaultTerms
		terms.PaymentTerms = &days
	}
	return &terms
}

// longestTrial is how far away the end of a trial may be.
const longestTrial = 731 * 24 * time.Hour

// Faults names what can be seen to be wrong with the input without asking anybody.
func (in SubscribeInput) Faults(now time.Time) []foyer.FieldError {
	faults := collectionFaults(in.CollectionMode, in.PaymentMethod, in.BillingDetails)
	if in.TrialEnd != nil && (!in.TrialEnd.After(now) || in.TrialEnd.After(now.Add(longestTrial))) {
		faults = append(faults, foyer.FieldError{Pointer: "/trial_end", Code: "input.trial_end"})
	}
	faults = append(faults, in.Metadata.Faults("/metadata")...)
	return append(faults, externalIDFaults(in.ExternalID)...)
}

// Faults names what can be seen to be wrong with the input without asking anybody.
func (in BillInput) Faults() []foyer.FieldError {
	faults := append(collectionFaults(in.CollectionMode, in.PaymentMethod, in.BillingDetails), in.Metadata.Faults("/metadata")...)
	return append(faults, externalIDFaults(in.ExternalID)...)
}

func collectionFaults(mode CollectionMode, method PaymentMethodID, terms *Terms) (faults []foyer.FieldError) {
	if mode != CollectManual && method == "" {
		faults = append(faults, foyer.FieldError{Pointer: "/payment_method_id", Code: "input.required"})
	}
	if terms == nil {
		return faults
	}
	if mode != CollectManual {
		faults = append(faults, foyer.FieldError{Pointer: "/billing_details", Code: "input.not_manual"})
	}
	if terms.PaymentTerms != nil && !terms.PaymentTerms.Valid() {
		faults = append(faults, foyer.FieldError{Pointer: "/billing_details/payment_terms", Code: "input.invalid"})
	}
	if !foyer.CleanText(terms.PurchaseOrderNumber, false) {
		faults = append(faults, foyer.FieldError{Pointer: "/billing_details/purchase_order_number", Code: "input.text_characters"})
	}
	if !foyer.CleanText(terms.AdditionalInformation, true) {
		faults = append(faults, foyer.FieldError{Pointer: "/billing_details/additional_information", Code: "input.text_characters"})
	}
	return faults
}

func externalIDFaults(id string) []foyer.FieldError {
	switch {
	case !foyer.CleanText(id, false):
		return []foyer.FieldError{{Pointer: "/external_id", Code: "input.text_characters"}}
	case utf8.RuneCountInString(id) > maxExternalIDLength:
		return []foyer.FieldError{{Pointer: "/external_id", Code: "input.too_long", Params: map[string]any{"Max": maxExternalIDLength}}}
	}
	return nil
}

// ErrExternalIDTaken says that the merchant has another thing of this name.
func ErrExternalIDTaken() error { return foyer.Refuse(foyer.Conflict, "external_id.taken") }

// Item is something that is in no catalog, as a bill keeps it.
func (in BillItemInput) Item() SubscriptionItem {
	return SubscriptionItem{
		ProductName: in.Name, Quantity: in.Quantity, UnitPrice: in.UnitPrice.Amount, TaxRate: rateOr0(in.TaxRate), TaxBehavior: string(TaxExclusive),
	}
}

// Faults names what is wrong with item i of a bill that is in no catalog.
func (in BillItemInput) Faults(i int) (faults []foyer.FieldError) {
	fault := func(field, code string) {
		faults = append(faults, foyer.FieldError{Pointer: "/items/" + strconv.Itoa(i) + field, Code: code})
	}
	var named checks
	named.required("/items/"+strconv.Itoa(i)+"/name", new(string), &in.Name, maxNameLength)
	faults = named.faults
	if !in.UnitPrice.Currency.Valid() {
		fault("/unit_price/currency", "input.currency")
	}
	if in.UnitPrice.Amount < 1 || in.UnitPrice.Amount > MaxAmount {
		fault("/unit_price/amount", "input.invalid")
	}
	if in.Quantity < 1 || in.Quantity > MaxQuantity {
		fault("/quantity", "input.quantity")
	}
	if rate, ok := in.TaxRate.Rat(); in.TaxRate != "" && (!ok || rate.Sign() < 0 || rate.Cmp(big.NewRat(1, 1)) > 0) {
		fault("/tax_rate", "input.invalid")
	}
	return faults
}

// seller returns what sells here: Foyer's own engine.
func (s *Service) seller() (Seller, error) {
	if seller, can := s.providers[ProviderNative].(Seller); can {
		return seller, nil
	}
	return nil, foyer.Refuse(foyer.Conflict, "subscription.kept_elsewhere")
}

// Subscribe starts a subscription for the customer of the scope; see Seller.
//
// Refusals: Invalid for a customer, prices, quantities, discount or method that can't be used; Conflict (external_id.taken);
// Declined.
func (s *Service) Subscribe(ctx context.Context, by foyer.Actor, in SubscribeInput) (Subscription, *NextAction, error) {
	seller, err := s.seller()
	if err != nil {
		return Subscription{}, nil, err
	}
	return seller.CreateSubscription(ctx, by, in)
}

// Bill bills something once; see Seller. Refusals as Subscribe.
func (s *Service) Bill(ctx context.Context, by foyer.Actor, in BillInput) (Payment, *NextAction, error) {
	seller, err := s.seller()
	if err != nil {
		return Payment{}, nil, err
	}
	return seller.CreatePayment(ctx, by, in)
}

// Refund gives money of a payment back; see Seller.
//
// Refusals: NotFound; Conflict (refund.not_refundable); Invalid (refund.too_large); Declined.
func (s *Service) Refund(ctx context.Context, by foyer.Actor, id PaymentID, in RefundInput) (Payment, Refund, error) {
	seller, err := s.seller()
	if err != nil {
		return Payment{}, Refund{}, err
	}
	return seller.Refund(ctx, by, id, in)
}
