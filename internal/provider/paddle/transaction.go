package paddle

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

var paymentStatuses = map[string]billing.PaymentStatus{
	"draft": billing.PaymentDraft, "ready": billing.PaymentReady, "billed": billing.PaymentBilled, "paid": billing.PaymentPaid,
	"completed": billing.PaymentCompleted, "canceled": billing.PaymentCanceled, "past_due": billing.PaymentPastDue,
}

var origins = map[string]billing.Origin{
	"api": billing.OriginAPI, "web": billing.OriginWeb, "subscription_recurring": billing.OriginRenewal,
	"subscription_charge": billing.OriginCharge, "subscription_update": billing.OriginUpdate,
	"subscription_payment_method_change": billing.OriginPaymentMethodChange,
}

var collectionModes = map[string]billing.CollectionMode{
	"automatic": billing.CollectAutomatic, "manual": billing.CollectManual,
}

// transaction reads a transaction (txn_) and what it was asked to include.
func (r *reader) transaction(n *node, occurred time.Time) {
	created, updated := stamps(n, occurred)
	currency := n.at("currency_code").currency()
	details := n.object("details")
	p := billing.ImportedPayment{
		ExternalCustomerID: n.at("customer_id").optionalReference("ctm"),
		ExternalAddressID:  n.at("address_id").optionalReference("add"),
		ExternalBusinessID: n.at("business_id").optionalReference("biz"),
		InvoiceExternalID:  n.at("invoice_id").optionalReference("inv"),
		InvoiceNumber:      n.at("invoice_number").optionalLine(),
		RevisedAt:          n.at("revised_at").optionalTime(),
		Payment: billing.Payment{
			ExternalID:             n.at("id").reference("txn"),
			Status:                 oneOf(n.at("status"), paymentStatuses),
			Origin:                 oneOf(n.at("origin"), origins),
			CollectionMode:         oneOf(n.at("collection_mode"), collectionModes),
			Currency:               currency,
			ExternalSubscriptionID: n.at("subscription_id").optionalReference("sub"),
			BillingPeriod:          n.at("billing_period").period(),
			BillingDetails:         billingDetails(n.at("billing_details")),
			Totals:                 paymentTotals(details, currency),
			TaxRates:               taxRates(details),
			Lines:                  lines(n, details),
			Attempts:               attempts(n),
			BilledAt:               n.at("billed_at").optionalTime(),
			CreatedAt:              created,
			UpdatedAt:              updated,
		},
	}
	p.Payment.Description = describe(p.Payment.Lines)
	p.Adjusted = adjusted(details, p.Payment, currency)
	r.buyer(n, &p)
	r.batch.Payments = append(r.batch.Payments, p)

	for _, item := range n.items("items") {
		r.catalog(item.at("price"))
	}
	for _, line := range details.items("line_items") {
		r.catalog(line.at("product"))
	}
	if d, ok := n.optionalObject("discount"); ok && dated(d) {
		r.batch.Discounts = append(r.batch.Discounts, readDiscount(d, time.Time{}))
	}
	before := len(r.batch.Refunds)
	for _, a := range n.items("adjustments") {
		r.adjustment(a, time.Time{})
	}
	for i := range r.batch.Refunds[before:] {
		if a := &r.batch.Refunds[before+i]; a.ExternalCustomerID == "" {
			a.ExternalCustomerID = p.ExternalCustomerID
		}
	}
}

// paymentTotals takes the sums as they are. Fee and earnings stand beside them and are left there.
func paymentTotals(details *node, currency foyer.Currency) billing.Totals {
	t := details.object("totals")
	t.at("currency_code").sameCurrency(currency)
	return billing.Totals{
		Subtotal:        t.at("subtotal").amount(),
		Discount:        t.at("discount").optionalAmount(),
		Tax:             t.at("tax").amount(),
		Total:           t.at("total").amount(),
		Credit:          t.at("credit").optionalAmount(),
		CreditToBalance: t.at("credit_to_balance").optionalAmount(),
		GrandTotal:      t.at("grand_total").amount(),
		Balance:         t.at("balance").amount(),
	}
}

// adjusted returns how much less the transaction comes to after its adjustments than it did before. Before it was paid an
// adjustment can only be a credit that lowers what is due, which is nothing that went back.
func adjusted(details *node, p billing.Payment, currency foyer.Currency) int64 {
	t, ok := details.optionalObject("adjusted_totals")
	if !ok {
		return 0
	}
	t.at("currency_code").sameCurrency(currency)
	before, after := p.Totals.Total, t.at("total").amount()
	if grand := t.at("grand_total"); !grand.absent() {
		before, after = p.Totals.GrandTotal, grand.amount()
	}
	if p.Status != billing.PaymentPaid && p.Status != billing.PaymentCompleted {
		return 0
	}
	diff, err := foyer.Money{Amount: before}.Minus(foyer.Money{Amount: after})
	if err != nil {
		t.fail("is too far from the totals to be counted")
	}
	return max(0, diff.Amount)
}

func lineTotals(t *node) billing.LineTotals {
	return billing.LineTotals{
		Subtotal: t.at("subtotal").amount(),
		Discount: t.at("discount").optionalAmount(),
		Tax:      t.at("tax").amount(),
		Total:    t.at("total").amount(),
	}
}

func taxRates(details *node) []billing.TaxRateTotals {
	var out []billing.TaxRateTotals
	for _, used := range details.items("tax_rates_used") {
		out = append(out, billing.TaxRateTotals{Rate: used.at("tax_rate").rate(), Totals: lineTotals(used.object("totals"))})
	}
	return out
}

// lines reads what was sold from details.line_items, Paddle's source of truth for amounts, and takes from items what only
// they know: the price's name. The unit price is what one unit was charged at in the payment's currency; the price
// itself may be in another (a price of 3000 USD was charged at 2400 GBP).
func lines(transaction, details *node) []billing.Line {
	items := transaction.items("items")
	lineItems := details.items("line_items")
	out := make([]billing.Line, 0, len(lineItems))
	for i, l := range lineItems {
		product := l.at("product")
		line := billing.Line{
			ExternalID: l.at("id").optionalReference("txnitm"),
			PriceID:    l.at("price_id").optionalReference("pri"),
			ProductID:  product.at("id").optionalReference("pro"),
			Name:       product.at("name").optionalLine(),
			Quantity:   l.at("quantity").integer(0, math.MaxInt64),
			UnitPrice:  l.object("unit_totals").at("subtotal").amount(),
			TaxRate:    l.at("tax_rate").rate(),
			Proration:  proration(l.at("proration")),
			Totals:     lineTotals(l.object("totals")),
		}
		if item := itemOf(items, line, i, len(lineItems)); item != nil {
			price := item.at("price")
			// Not the price's description: Paddle calls it internal and never shows it to customers.
			line.Description = price.at("name").optionalLine()
			if line.Name == "" {
				line.Name = price.at("product").at("name").optionalLine()
			}
			if line.Proration == nil {
				line.Proration = proration(item.at("proration"))
			}
		}
		if line.Name == "" {
			line.Name, line.Description = line.Description, ""
		}
		out = append(out, line)
	}
	return out
}

// itemOf returns the item a line was made from: the one with its price, else the one of its product, else, when there are
// as many items as lines, the one at its place. (In Paddle's own example a line names another price than its item.)
func itemOf(items []*node, line billing.Line, place, lines int) *node {
	for _, item := range items {
		if id := item.at("price").at("id"); line.PriceID != "" && id.text == line.PriceID {
			return item
		}
	}
	for _, item := range items {
		if id := item.at("price").at("product_id"); line.ProductID != "" && id.text == line.ProductID {
			return item
		}
	}
	if len(items) == lines {
		return items[place]
	}
	return nil
}

func proration(n *node) *billing.Proration {
	if n.absent() || !n.must(objectNode) {
		return nil
	}
	p := &billing.Proration{Rate: n.at("rate").rate()}
	if period := n.at("billing_period").period(); period != nil {
		p.Period = *period
	}
	return p
}

func billingDetails(n *node) *billing.Terms {
	if n.absent() || !n.must(objectNode) {
		return nil
	}
	return &billing.Terms{
		PurchaseOrderNumber:   n.at("purchase_order_number").optionalLine(),
		AdditionalInformation: n.at("additional_information").optionalProse(),
		PaymentTerms:          n.at("payment_terms").cycle(0),
	}
}

// maxDescription is the longest description of a payment, in characters.
const maxDescription = 200

// describe names what was bought, each name once. It needs no words of its own, so it suits every language.
func describe(lines []billing.Line) string {
	var names []string
	for _, l := range lines {
		if l.Name != "" && !slices.Contains(names, l.Name) {
			names = append(names, l.Name)
		}
	}
	text := strings.Join(names, ", ")
	if utf8.RuneCountInString(text) > maxDescription {
		text = strings.TrimRight(string([]rune(text)[:maxDescription-1]), " ,") + "…"
	}
	return text
}

var attemptStatuses = map[string]billing.AttemptStatus{
	"captured": billing.AttemptCaptured, "error": billing.AttemptFailed, "action_required": billing.AttemptRequiresAction,
	"authorized": billing.AttemptAuthorized, "authorized_flagged": billing.AttemptAuthorized,
	"canceled": billing.AttemptCanceled, "dropped": billing.AttemptCanceled,
	"created": billing.AttemptPending, "pending_no_action_required": billing.AttemptPending, "pending": billing.AttemptPending,
	"unknown": billing.AttemptPending,
}

// attempts reads the tries to collect, newest first. The name on the card is not read.
func attempts(transaction *node) []billing.Attempt {
	var out []billing.Attempt
	for _, n := range transaction.items("payments") {
		a := billing.Attempt{
			ExternalID: n.at("payment_attempt_id").line(),
			Status:     oneOf(n.at("status"), attemptStatuses),
			Amount:     n.at("amount").amount(),
			CreatedAt:  n.at("created_at").time(),
			CapturedAt: n.at("captured_at").optionalTime(),
		}
		if a.Status == billing.AttemptFailed {
			a.ErrorCode = errorCode(n.at("error_code"))
		}
		if method, ok := n.optionalObject("method_details"); ok {
			a.MethodType = methodType(method.at("type"))
			a.Card = card(method)
		}
		out = append(out, a)
	}
	slices.SortStableFunc(out, func(a, b billing.Attempt) int { return cmp.Compare(b.CreatedAt.UnixMicro(), a.CreatedAt.UnixMicro()) })
	return out
}

// errorCode returns why an attempt failed. A reason we have no text for is unknown to the customer as well.
func errorCode(n *node) billing.ErrorCode {
	if n.absent() {
		return billing.ErrorUnknown
	}
	if code := billing.ErrorCode(n.word()); slices.Contains(billing.ErrorCodes, code) {
		return code
	}
	return billing.ErrorUnknown
}

// methodType returns the kind of payment method. New kinds come without notice, so it is any plain word.
func methodType(n *node) string {
	if n.absent() {
		return "unknown"
	}
	if s := n.word(); s != "" && len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == "" {
		return s
	}
	return "unknown"
}

var cardBrands = []string{
	"american_express", "diners_club", "discover", "jcb", "mada", "maestro", "mastercard", "union_pay", "visa",
}

func card(method *node) *billing.Card {
	n, ok := method.optionalObject("card")
	if !ok {
		return nil
	}
	c := &billing.Card{Brand: "unknown"}
	if brand := n.at("type"); !brand.absent() && slices.Contains(cardBrands, brand.word()) {
		c.Brand = brand.text
	}
	if last4 := n.at("last4"); !last4.absent() {
		c.Last4 = last4.word()
		// More digits would be a card number, which must not get in here by any way.
		if c.Last4 != "" && len(c.Last4) != 4 || strings.Trim(c.Last4, "0123456789") != "" {
			last4.fail("must be four digits")
		}
	}
	c.ExpiryMonth = int(n.at("expiry_month").optionalInteger(12))
	c.ExpiryYear = int(n.at("expiry_year").optionalInteger(9999))
	return c
}
