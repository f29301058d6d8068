package httpapi_test

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/i18n"
)

// The two links of a mail about a subscription lead, in every language, to canceling and to the payment method, and sign in for that alone.
func TestTheTwoLinksOfAMailWorkInEveryLanguage(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	key := a.Key(t, m)
	product := key.Post("/v1/merchant/products", map[string]any{"name": "Plan"}, idempotencyKey, rand.Text()).Must(http.StatusCreated).Text("id")
	price := key.Post("/v1/merchant/prices", map[string]any{
		"product_id": product, "unit_price": map[string]any{"amount": 1999, "currency": "EUR"}, "billing_cycle": map[string]any{"interval": "month", "frequency": 1},
	}, idempotencyKey, rand.Text()).Must(http.StatusCreated).Text("id")
	for _, tag := range i18n.Locales {
		t.Run(tag, func(t *testing.T) {
			locale, _ := i18n.Find(tag)
			email := "mia." + strings.ToLower(tag) + "@mailbox.test"
			customer := key.Post("/v1/merchant/customers", map[string]any{"email": email, "name": "Mia", "locale": tag}, idempotencyKey, rand.Text()).Must(http.StatusCreated).Text("id")
			method := key.Post("/v1/merchant/customers/"+customer+"/payment-methods", map[string]any{"gateway_token": "tok_4242"}, idempotencyKey, rand.Text()).Must(http.StatusCreated).Text("id")
			sub := key.Post("/v1/merchant/subscriptions", map[string]any{
				"customer_id": customer, "payment_method_id": method, "items": []any{map[string]any{"price_id": price, "quantity": 1}},
			}, idempotencyKey, rand.Text()).Must(http.StatusCreated).Text("id")
			mail := a.AwaitMails(t, email, 1)[0]
			assert.Equal(t, locale.Language, mail.Language)
			for label, target := range map[string]string{"cancel": "cancel_subscription", "payment_method": "update_payment_method"} {
				found := regexp.MustCompile(regexp.QuoteMeta(locale.Text("mail.billing.button."+label, nil)) + `: \S+#ticket=(\S+)`).FindStringSubmatch(mail.Text)
				require.Len(t, found, 2, "%s in %s", label, mail.Text)
				client := a.Client(t)
				tokens := client.Post("/v1/portal-sessions/exchange", map[string]any{"ticket": found[1]}).Must(http.StatusOK)
				assert.Equal(t, []string{target, sub}, []string{tokens.Text("target.kind"), tokens.Text("target.id")})
				client.Adopt(tokens)
				client.Get("/v1/subscriptions/" + sub).Must(http.StatusOK)
				client.Get("/v1/payments").Refused(http.StatusForbidden, "auth.scope")
			}
		})
	}
}
