package billing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
)

func TestWhatAMethodIsRecognisedBy(t *testing.T) {
	visa := &billing.Card{Brand: "visa", Last4: "4242", ExpiryMonth: 12, ExpiryYear: 2030}
	for name, c := range map[string]struct {
		method billing.PaymentMethod
		want   billing.MethodName
		ending string
	}{
		"a card":      {billing.PaymentMethod{Type: "card", Card: visa}, billing.MethodName{Type: "card", Brand: "visa", Last4: "4242"}, "4242"},
		"a wallet":    {billing.PaymentMethod{Type: "card", Card: visa, Wallet: "apple_pay"}, billing.MethodName{Type: "card", Brand: "visa", Last4: "4242", Wallet: "apple_pay"}, "4242"},
		"an account":  {billing.PaymentMethod{Type: "sepa_debit", Identifier: "•••• 3000"}, billing.MethodName{Type: "sepa_debit", Identifier: "•••• 3000"}, "3000"},
		"an address":  {billing.PaymentMethod{Type: "paypal", Identifier: "jane@example.com"}, billing.MethodName{Type: "paypal", Identifier: "jane@example.com"}, ""},
		"too long":    {billing.PaymentMethod{Type: "x", Identifier: "•••• 30001"}, billing.MethodName{Type: "x", Identifier: "•••• 30001"}, ""},
		"not known":   {billing.PaymentMethod{}, billing.MethodName{}, ""},
		"only a type": {billing.PaymentMethod{Type: "link"}, billing.MethodName{Type: "link"}, ""},
	} {
		assert.Equal(t, c.want, c.method.Name(), name)
		assert.Equal(t, c.ending, c.method.Name().Ending(), name)
		assert.Equal(t, c.want, billing.MailFacts{}.Named(c.method.Name()).MethodName(), name)
		attempt := billing.Attempt{MethodType: c.method.Type, Card: c.method.Card, Wallet: c.method.Wallet, Identifier: c.method.Identifier}
		assert.Equal(t, c.want, attempt.MethodName(), name)
	}
}

func TestWhatIsNoCardDoesNotExpireButMayBeGone(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	debit := billing.NewPaymentMethod(billing.Setup{}, billing.GatewayMethod{Type: "sepa_debit", Identifier: "•••• 3000"}, now)
	assert.Equal(t, "•••• 3000", debit.Identifier)
	assert.Nil(t, debit.NoticeAt)
	assert.Equal(t, billing.PaymentMethodValid, debit.Status(now.AddDate(50, 0, 0)))
	debit.GoneAt = &now
	assert.Equal(t, billing.PaymentMethodExpired, debit.Status(now))
}

func TestWhatAnAttemptWasTriedWithInstead(t *testing.T) {
	other := billing.GatewayMethod{Type: "card", Card: &billing.Card{Brand: "visa", Last4: "0069"}, Wallet: "apple_pay"}
	for status, stays := range map[billing.AttemptStatus]billing.PaymentMethodID{billing.AttemptCaptured: "m", billing.AttemptFailed: ""} {
		a := billing.Attempt{Status: status, PaymentMethod: "m", MethodType: "card", Card: &billing.Card{Brand: "visa", Last4: "4242"}}.TriedWith(other)
		assert.Equal(t, billing.MethodName{Type: "card", Brand: "visa", Last4: "0069", Wallet: "apple_pay"}, a.MethodName())
		assert.Equal(t, stays, a.PaymentMethod, "%s", status)
	}
}
