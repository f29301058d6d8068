package notify

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// billingMail is what a billing mail tells of, and the letter while it is composed.
type billingMail struct {
	stationery
	order       billing.MailOrder
	customer    billing.Customer
	sub         *billing.Subscription
	payment     *billing.Payment
	links       links
	attachments []Attachment
	// params fill every text of the mail.
	params map[string]any
	letter letter
}

// compose says what each kind of mail tells.
var compose = map[billing.MailKind]func(*billingMail){
	billing.MailReceipt:               (*billingMail).receipt,
	billing.MailPaymentFailed:         (*billingMail).paymentFailed,
	billing.MailInvoiceDue:            (*billingMail).invoiceDue,
	billing.MailRefunded:              (*billingMail).refunded,
	billing.MailInvoiceCopy:           (*billingMail).invoiceCopy,
	billing.MailInvoiceRevised:        (*billingMail).invoiceRevised,
	billing.MailCardExpiring:          (*billingMail).cardExpiring,
	billing.MailMethodChanged:         (*billingMail).methodChanged,
	billing.MailTrialEnding:           (*billingMail).trialEnding,
	billing.MailRenewalComing:         (*billingMail).renewalComing,
	billing.MailWelcome:               (*billingMail).welcome,
	billing.MailDiscountEnding:        (*billingMail).discountEnding,
	billing.MailYearlyReminder:        (*billingMail).yearlyReminder,
	billing.MailCredited:              (*billingMail).credited,
	billing.MailInvoiceCanceled:       (*billingMail).invoiceCanceled,
	billing.MailMethodRemoved:         (*billingMail).methodRemoved,
	billing.MailCancellationScheduled: (*billingMail).cancellationScheduled,
	billing.MailKept:                  (*billingMail).kept,
	billing.MailCanceled:              (*billingMail).canceled,
	billing.MailPaused:                (*billingMail).paused,
	billing.MailPauseScheduled:        (*billingMail).pauseScheduled,
	billing.MailResumed:               (*billingMail).resumed,
	billing.MailPlanChanged:           (*billingMail).planChanged,
	billing.MailPlanChangeScheduled:   (*billingMail).planChangeScheduled,
	billing.MailDiscountApplied:       (*billingMail).discountApplied,
	billing.MailTrialExtended:         (*billingMail).trialExtended,
	billing.MailNoticeNoted:           (*billingMail).noticeNoted,
	billing.MailWithdrawalDeclared:    (*billingMail).withdrawalDeclared,
	billing.MailWithdrawalReceived:    (*billingMail).withdrawalReceived,
	billing.MailWithdrawalDismissed:   (*billingMail).withdrawalDismissed,
}

// mail composes and draws the mail.
func (b *billingMail) mail() (Mail, error) {
	kind, known := compose[b.order.Kind]
	if !known {
		return Mail{}, fmt.Errorf("notify: no mail of kind %q", b.order.Kind)
	}
	b.begin()
	kind(b)
	b.end()
	mail, err := b.seal(b.letter)
	mail.Attachments = b.attachments
	return mail, err
}

// begin sets what all mails have in common.
func (b *billingMail) begin() {
	name := b.merchantName()
	b.params = map[string]any{"Merchant": name, "Plan": name, "Name": oneLine(b.customer.Name, 80), "At": b.date(b.order.At)}
	if b.sub != nil {
		b.params["Plan"] = plan(b.locale, b.sub.Items, name)
	}
	b.letter = b.stationery.letter()
	b.letter.Greeting = b.shared("greeting")
	if b.params["Name"] != "" {
		b.letter.Greeting = b.shared("greeting_name")
	}
	b.set("Date", b.order.Facts.EffectiveAt)
	b.set("ResumeAt", b.order.Facts.ResumeAt)
	if amount := b.order.Facts.Amount; amount != nil {
		b.params["Amount"] = b.money(*amount)
	}
	if card := b.card(b.order.Facts.MethodName()); card != "" {
		b.params["Card"] = card
	}
}

// end sets what may depend on the rest.
func (b *billingMail) end() {
	l := &b.letter
	if b.links.paymentMethod != "" {
		l.Manage = append(l.Manage, hyperlink{b.shared("button.payment_method"), template.URL(b.links.paymentMethod)}) //nolint:gosec // see button
	}
	if b.links.cancel != "" {
		l.Manage = append(l.Manage, hyperlink{b.shared("button.cancel"), template.URL(b.links.cancel)}) //nolint:gosec // see button
	}
	if len(l.Manage) > 0 {
		l.Notes = append(l.Notes, b.shared("links_private"))
	}
	l.Footer = b.shared("footer")
	b.imprint(l)
}

// text is a text of the mail's kind.
func (b *billingMail) text(key string) string {
	return b.stationery.text("mail."+string(b.order.Kind)+"."+key, b.params)
}

// shared is a text all kinds use.
func (b *billingMail) shared(key string) string {
	return b.stationery.text("mail.billing."+key, b.params)
}

// subject sets the subject.
func (b *billingMail) subject(key string) { b.letter.Subject = b.text(key) }

// say adds a paragraph.
func (b *billingMail) say(key string) { b.letter.Paragraphs = append(b.letter.Paragraphs, b.text(key)) }

// sayShared adds a paragraph all kinds use.
func (b *billingMail) sayShared(key string) {
	b.letter.Paragraphs = append(b.letter.Paragraphs, b.shared(key))
}

// sayIf adds a paragraph if every param named is known.
func (b *billingMail) sayIf(key string, needs ...string) {
	if b.has(needs...) {
		b.say(key)
	}
}

// button sets the main button, unless its link makes no sense. Links are made of the portal's checked URL, ids and
// base64url tickets; template.URL keeps an app's own scheme, which html/template would take for an attack.
func (b *billingMail) button(key, link string) {
	if link != "" {
		b.letter.Button = &hyperlink{b.shared("button." + key), template.URL(link)} //nolint:gosec // see above
	}
}

// row adds a fact under a label all kinds share.
func (b *billingMail) row(label, value string) {
	if value != "" {
		b.letter.Rows = append(b.letter.Rows, fact{Label: b.shared("label." + label), Value: value})
	}
}

// rowOf adds a param as a fact, if it is known.
func (b *billingMail) rowOf(label, param string) {
	if value, ok := b.params[param].(string); ok {
		b.row(label, value)
	}
}

func (b *billingMail) has(params ...string) bool {
	for _, name := range params {
		if b.params[name] == nil {
			return false
		}
	}
	return true
}

// set makes a time known to the texts.
func (b *billingMail) set(param string, at *time.Time) {
	if at != nil {
		b.params[param] = b.date(*at)
	}
}

func (b *billingMail) date(t time.Time) string { return b.locale.Date(t) }

// money writes an amount of the payment's or subscription's currency.
func (b *billingMail) money(amount int64) string {
	var currency foyer.Currency
	switch {
	case b.payment != nil:
		currency = b.payment.Currency
	case b.sub != nil:
		currency = b.sub.Currency
	}
	return b.locale.Money(foyer.Money{Amount: amount, Currency: currency})
}

// price writes what a period costs: "€19.99 a month".
func (b *billingMail) price(amount int64, cycle foyer.Cycle) string {
	key := "mail.billing.price." + string(cycle.Interval)
	if !b.locale.HasText(key) {
		return b.money(amount)
	}
	return b.locale.Text(key, map[string]any{"Amount": b.money(amount), "Count": cycle.Frequency})
}

// card writes what a card is recognised by, empty when that is not known.
func (b *billingMail) card(n billing.MethodName) string {
	if n.Last4 == "" {
		return ""
	}
	key := "payment_method.brand." + n.Brand
	if n.Brand == "" || !b.locale.HasText(key) {
		key = "payment_method.brand.unknown"
	}
	brand, last4 := b.locale.Text(key, nil), oneLine(n.Last4, 4)
	if n.Wallet != "" {
		return b.typeName(n.Wallet) + " (" + brand + " " + billing.AccountMask + last4 + ")"
	}
	return b.locale.Text("mail.billing.card", map[string]any{"Brand": brand, "Last4": last4})
}

// method writes what a payment method is recognised by, a card or not; empty when that is not known.
func (b *billingMail) method(n billing.MethodName) string {
	if card := b.card(n); card != "" {
		return card
	}
	return strings.TrimSpace(b.typeName(n.Type) + " " + oneLine(n.Identifier, 80))
}

// typeName names a type of payment method, or a wallet; empty for none.
func (b *billingMail) typeName(code string) string {
	return b.locale.Named("payment_method.type.", oneLine(code, 40))
}

// charged adds what is charged as a fact: a card, or what else is known to be.
func (b *billingMail) charged() {
	name := b.order.Facts.MethodName()
	switch {
	case b.has("Card"):
		b.rowOf("card", "Card")
	case name.Identifier != "" || name.Type != "card":
		b.row("payment_method", b.method(name))
	}
}

// plan names what is subscribed to, or says otherwise when that has no name.
func plan(locale i18n.Locale, items []billing.SubscriptionItem, otherwise string) string {
	var names []string
	for _, item := range items {
		if name := oneLine(item.ProductName, 60); name != "" {
			names = append(names, name)
		}
	}
	switch {
	case len(names) == 0:
		return otherwise
	case len(names) > 3:
		return locale.Enumerate(names[:3])
	}
	return locale.List(names)
}

// times writes a name and how many: "Seat × 3".
func times(name string, quantity int64) string {
	name = oneLine(name, 100)
	if quantity > 1 {
		name += "\u00a0×\u00a0" + strconv.FormatInt(quantity, 10)
	}
	return name
}
