package stripetest

import (
	"crypto/subtle"
	"slices"
	"strings"
)

// Progress is what the customer's device is told.
type Progress string

// The states a device sees.
const (
	Succeeded      Progress = "succeeded"
	RequiresAction Progress = "requires_action"
	Processing     Progress = "processing"
	Failed         Progress = "failed"
)

// Refusal is the stable code of what a device is refused with; empty when it is not.
type Refusal string

// Error implements error.
func (r Refusal) Error() string { return "stripetest: " + string(r) }

// Instrument is what a customer pays with: one of its members.
type Instrument struct {
	Card          Card         `json:"card"`
	SEPADebit     *SEPADebit   `json:"sepa_debit"`
	USBankAccount *BankAccount `json:"us_bank_account"`
	PayPal        *PayPal      `json:"paypal"`
	Link          *Link        `json:"link"`
	// BillingName is the name in the form.
	BillingName string `json:"billing_name"`
}

// SEPADebit is a bank account of a customer in Europe.
type SEPADebit struct {
	IBAN string `json:"iban"`
}

// BankAccount is a bank account of a customer in the United States.
type BankAccount struct {
	RoutingNumber string `json:"routing_number"`
	AccountNumber string `json:"account_number"`
}

// PayPal is a customer's account there.
type PayPal struct {
	PayerEmail string `json:"payer_email"`
}

// Link is a customer's account at Stripe's own wallet.
type Link struct {
	Email string `json:"email"`
}

// Number is an Instrument that is a typed card, good for years.
func (f *Fake) Number(number string) Instrument {
	return Instrument{Card: Card{Number: number, ExpiryMonth: 12, ExpiryYear: f.o.Now().Year() + 3, CVC: "123"}}
}

// IBAN is an Instrument that is debited.
func IBAN(iban string) Instrument { return Instrument{SEPADebit: &SEPADebit{IBAN: iban}} }

// draft checks what the customer gave and returns the method it makes, which is not stored yet.
func (f *Fake) draft(with Instrument) (*method, Refusal) {
	m := &method{name: with.BillingName}
	switch {
	case with.SEPADebit != nil:
		iban := strings.ReplaceAll(with.SEPADebit.IBAN, " ", "")
		if len(iban) < 15 || len(iban) > 34 {
			return nil, codeInvalid
		}
		m.kind, m.last4, m.country, m.bankCode, m.fingerprint = "sepa_debit", iban[len(iban)-4:], iban[:2], iban[4:12], fingerprint(iban)
	case with.USBankAccount != nil:
		account, routing := with.USBankAccount.AccountNumber, with.USBankAccount.RoutingNumber
		if len(account) < 4 || len(routing) != 9 {
			return nil, codeInvalid
		}
		m.kind, m.last4, m.bankCode, m.fingerprint = "us_bank_account", account[len(account)-4:], routing, fingerprint(routing+account)
	case with.PayPal != nil:
		m.kind, m.email = "paypal", with.PayPal.PayerEmail
	case with.Link != nil:
		m.kind, m.email = "link", with.Link.Email
	default:
		number, refusal := with.Card.check(f.o.Now())
		if refusal != "" {
			return nil, refusal
		}
		c := cards[number]
		m.kind, m.does, m.brand, m.country, m.last4, m.fingerprint = "card", c.does, c.brand, c.country, number[len(number)-4:], fingerprint(number)
		m.month, m.year, m.wallet = with.Card.ExpiryMonth, with.Card.ExpiryYear, with.Card.Wallet
		if m.wallet != "" && m.wallet != "apple_pay" && m.wallet != "google_pay" {
			return nil, codeInvalid
		}
	}
	return m, ""
}

// NewMethod makes a method nobody has attached, as a merchant's backend may hand over, and returns its id.
func (f *Fake) NewMethod(with Instrument) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m, refusal := f.draft(with)
	if refusal != "" {
		return "", refusal
	}
	return f.newMethod(m).id, nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// setupOf finds a setup by what a device proves itself with.
func (f *Fake) setupOf(secret string) *setup {
	id, _, _ := strings.Cut(secret, "_secret_")
	if s := f.setups[id]; s != nil && same(s.secret, secret) {
		return s
	}
	return nil
}

func (f *Fake) intentOf(secret string) *intent {
	id, _, _ := strings.Cut(secret, "_secret_")
	if i := f.intents[id]; i != nil && same(i.secret, secret) {
		return i
	}
	return nil
}

// ConfirmSetup is the customer who enters what they pay with, as stripe.confirmSetup does. The same again is the same.
func (f *Fake) ConfirmSetup(secret string, with Instrument) (Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, refusal := f.confirmSetup(f.setupOf(secret), with)
	return p, asError(refusal)
}

func asError(r Refusal) error {
	if r == "" {
		return nil
	}
	return r
}

func (f *Fake) confirmSetup(s *setup, with Instrument) (Progress, Refusal) {
	if s == nil {
		return "", codeNotFound
	}
	m, refusal := f.draft(with)
	if refusal != "" {
		return "", refusal
	}
	if !slices.Contains(typesOf(s.types), m.kind) {
		return "", codeInvalid
	}
	if s.status == "requires_payment_method" {
		s.confirm(f, f.newMethod(m))
		return s.progress(), ""
	}
	if was := f.methods[s.method]; was != nil && (was.fingerprint != m.fingerprint || was.month != m.month || was.year != m.year) {
		return "", codeOtherCard
	}
	return s.progress(), ""
}

// AuthenticateSetup is the customer who answers their bank about storing.
func (f *Fake) AuthenticateSetup(secret string, succeed bool) (Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, refusal := f.authenticateSetup(f.setupOf(secret), succeed)
	return p, asError(refusal)
}

func (f *Fake) authenticateSetup(s *setup, succeed bool) (Progress, Refusal) {
	switch {
	case s == nil:
		return "", codeNotFound
	case s.status == "requires_payment_method" && s.failed == nil:
		return "", codeNotConfirmed
	case s.status == "requires_action":
		s.authenticate(f, succeed)
	}
	return s.progress(), ""
}

func (s *setup) progress() Progress {
	switch s.status {
	case "succeeded":
		return Succeeded
	case "requires_action":
		return RequiresAction
	case "processing":
		return Processing
	}
	return Failed
}

// ConfirmCharge is the device that goes on with a payment (stripe.handleNextAction). One that still waits for a confirmation is confirmed,
// as a device can that has its secret.
func (f *Fake) ConfirmCharge(secret string) (Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.intentOf(secret)
	if i == nil {
		return "", Refusal(codeNotFound)
	}
	if i.status == "requires_confirmation" {
		_, _ = f.pay(i, f.methods[i.method], false)
	}
	return i.progress(), nil
}

// PayCharge is the device that tries a payment with another method (stripe.confirmPayment), as it can as long as it is not over.
func (f *Fake) PayCharge(secret string, with Instrument) (Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.intentOf(secret)
	if i == nil {
		return "", Refusal(codeNotFound)
	}
	m, refusal := f.draft(with)
	if refusal != "" {
		return "", refusal
	}
	switch i.status {
	case "requires_payment_method", "requires_confirmation", "requires_action":
		if i.takes(m) != nil {
			return Failed, nil
		}
		_, _ = f.pay(i, f.newMethod(m), false)
	}
	return i.progress(), nil
}

// AuthenticateCharge is the customer who answers their bank about a payment.
func (f *Fake) AuthenticateCharge(secret string, succeed bool) (Progress, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.intentOf(secret)
	if i == nil {
		return "", Refusal(codeNotFound)
	}
	if i.status == "requires_action" {
		f.authenticate(i, succeed)
	}
	return i.progress(), nil
}

func (i *intent) progress() Progress {
	switch i.status {
	case "succeeded":
		return Succeeded
	case "requires_action":
		return RequiresAction
	case "processing":
		return Processing
	}
	return Failed
}
