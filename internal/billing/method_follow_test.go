package billing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
)

func TestAMethodIsFollowed(t *testing.T) {
	made := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	now := made.AddDate(0, 1, 0)
	told := billing.GatewayMethod{
		Token: "t", Type: "card", Card: &billing.Card{Brand: "visa", Last4: "4242", ExpiryMonth: 12, ExpiryYear: 2030}, Wallet: "apple_pay",
		BillingName: "Mia", Fingerprint: "f",
	}
	method := billing.NewPaymentMethod(billing.Setup{PaymentMethod: "paymtd_1"}, told, made)
	method.BillingName = "Mia Lang" // worded here: nobody takes it away
	gone := method.Gone(made)
	for name, c := range map[string]struct {
		was     billing.PaymentMethod
		change  func(*billing.GatewayMethod)
		same    bool
		changed bool
		renewed bool
	}{
		"nothing":           {method, func(*billing.GatewayMethod) {}, true, false, false},
		"a number":          {method, func(m *billing.GatewayMethod) { m.Card.Last4 = "0077" }, false, true, false},
		"a hidden number":   {method, func(*billing.GatewayMethod) {}, false, true, false},
		"a year":            {method, func(m *billing.GatewayMethod) { m.Card.ExpiryYear = 2034 }, true, true, true},
		"a month":           {method, func(m *billing.GatewayMethod) { m.Card.ExpiryMonth = 1 }, true, true, true},
		"a brand":           {method, func(m *billing.GatewayMethod) { m.Card.Brand = "mastercard" }, true, true, false},
		"a wallet":          {method, func(m *billing.GatewayMethod) { m.Wallet = "" }, true, true, false},
		"an address":        {method, func(m *billing.GatewayMethod) { m.Identifier = "mia@mailbox.test" }, true, true, false},
		"a name":            {method, func(m *billing.GatewayMethod) { m.BillingName = "MIA" }, true, false, false},
		"no card told":      {method, func(m *billing.GatewayMethod) { m.Card = nil }, true, false, false},
		"back, as it was":   {gone, func(*billing.GatewayMethod) {}, true, true, true},
		"back, and renewed": {gone, func(m *billing.GatewayMethod) { m.Card.ExpiryYear = 2034 }, false, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			found, card := told, *told.Card
			found.Card = &card
			c.change(&found)
			before := c.was
			next, renewed := c.was.Follow(found, c.same, now)
			assert.Equal(t, before, c.was)
			assert.Equal(t, c.renewed, renewed)
			if !c.changed {
				assert.Equal(t, c.was, next)
				return
			}
			want := billing.NewPaymentMethod(billing.Setup{PaymentMethod: "paymtd_1"}, found, made)
			want.BillingName, want.UpdatedAt, want.Version = "Mia Lang", now, c.was.Version+1
			assert.Equal(t, want, next)
		})
	}
}

func TestAMethodIsGoneOnce(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	method := billing.NewPaymentMethod(billing.Setup{}, billing.GatewayMethod{Card: &billing.Card{ExpiryMonth: 12, ExpiryYear: 2030}}, now)
	gone := method.Gone(now)
	assert.Equal(t, billing.PaymentMethodExpired, gone.Status(now))
	assert.Nil(t, gone.NoticeAt, "nobody is told in years that it expires")
	assert.Equal(t, int64(2), gone.Version)
	assert.Equal(t, gone, gone.Gone(now.AddDate(0, 0, 1)))
	assert.Nil(t, method.GoneAt)
}
