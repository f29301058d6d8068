package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

// Threats #9, #57, #58: whatever a change names that can't be subscribed to, it is refused with a stable code, nothing is charged
// and nothing has changed.
func TestChangesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, zenith := a.Merchant(t, "acme"), a.Merchant(t, "zenith")
		c := a.Customer(t, m, "mia@mailbox.test")
		basic := a.Price(t, m, "Basic", 1000)
		sub := a.Subscribe(t, c, basic, "tok_4242")
		mia := a.SignIn(t, m, c.Email)
		pro := a.Price(t, m, "Pro", 3000)
		dollars := a.Price(t, m, "Dollars", 3000, func(p *billing.Price) { p.UnitPrice.Currency = "USD" })
		yearly := a.Price(t, m, "Yearly", 30000, func(p *billing.Price) { p.Cycle = &foyer.Cycle{Interval: foyer.Year, Frequency: 1} })
		once := a.Price(t, m, "Once", 3000, func(p *billing.Price) { p.Cycle = nil })
		few := a.Price(t, m, "Few", 3000, func(p *billing.Price) { p.QuantityMin, p.QuantityMax = 2, 5 })
		dear := a.Price(t, m, "Dear", billing.MaxAmount)
		theirs := a.Price(t, zenith, "Theirs", 3000)
		path := "/v1/subscriptions/" + string(sub.ID)
		before := mia.Get(path).Must(http.StatusOK).Body
		item := func(id billing.PriceID, quantity string) string {
			return fmt.Sprintf(`{"price_id": %q, "quantity": %s}`, id, quantity)
		}
		for name, body := range map[string]string{
			"another merchant's price": item(theirs.ID, "1"),
			"no price at all":          item("pri_01hv8x29kz0t586xy6zn1a62ny", "1"),
			"another kind of id":       item(billing.PriceID(sub.ID), "1"),
			"another currency":         item(dollars.ID, "1"),
			"mixed currencies":         item(pro.ID, "1") + "," + item(dollars.ID, "1"),
			"mixed cycles":             item(pro.ID, "1") + "," + item(yearly.ID, "1"),
			"paid once":                item(once.ID, "1"),
			"twice the same":           item(pro.ID, "1") + "," + item(pro.ID, "2"),
			"too few":                  item(few.ID, "1"),
			"too many":                 item(few.ID, "6"),
			"none":                     item(pro.ID, "0"),
			"less than none":           item(pro.ID, "-1"),
			"2^31":                     item(pro.ID, "2147483648"),
			"2^53+1":                   item(pro.ID, "9007199254740993"),
			"2^63-1":                   item(pro.ID, "9223372036854775807"),
			"2^63":                     item(pro.ID, "9223372036854775808"),
			"1e400":                    item(pro.ID, "1e400"),
			"1.5":                      item(pro.ID, "1.5"),
			"a text":                   item(pro.ID, `"5"`),
			"null":                     item(pro.ID, "null"),
			"too dear":                 item(dear.ID, "2"),
			"nothing":                  "",
			"what it is already":       item(basic.ID, "1"),
			"a price of one's own":     `{"price_id": "` + string(pro.ID) + `", "quantity": 1, "unit_price": 1}`,
		} {
			for _, operation := range []string{"/change/preview", "/change"} {
				answer := mia.Raw(http.MethodPost, path+operation, []byte(`{"items": [`+body+`]}`), "Content-Type", "application/json", "Idempotency-Key", name+operation)
				assert.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, answer.Status, "%s: %s", name, answer.Body)
			}
		}
		assert.Equal(t, string(before), string(mia.Get(path).Body), "nothing has changed")
		assert.Len(t, a.Ledger(t), 1)
	})
}

// What the merchant switched off or does not allow is refused, and actions says so before.
func TestChangesAlongTheMerchantsPaths(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		basic, pro, team := a.Price(t, m, "Basic", 1000), a.Price(t, m, "Pro", 3000), a.Price(t, m, "Team", 9000)
		settings := m.Portal.Settings
		settings.PlanPaths = map[string][]string{string(basic.ID): {string(pro.ID)}}
		set := func(s merchant.Settings) {
			changed, err := a.Merchants.UpdatePortal(context.Background(), m.ID, 0, func(merchant.Settings) (merchant.Settings, error) { return s, nil })
			require.NoError(t, err)
			a.Merchants.Forget(changed)
		}
		set(settings)
		c := a.Customer(t, m, "mia@mailbox.test")
		sub := a.Subscribe(t, c, basic, "tok_4242")
		mia := a.SignIn(t, m, c.Email)
		path := "/v1/subscriptions/" + string(sub.ID)
		to := func(p billing.Price, key string) *foyertest.Answer {
			return mia.Post(path+"/change", map[string]any{"items": []any{map[string]any{"price_id": p.ID, "quantity": 1}}}, foyertest.Keyed(key)...)
		}
		refused := to(team, "1").Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "price.not_allowed", refused.Text("errors.0.code"))
		to(pro, "2").Must(http.StatusOK)

		settings.Features.QuantityOff = true
		set(settings)
		two := map[string]any{"items": []any{map[string]any{"price_id": pro.ID, "quantity": 2}}}
		mia.Post(path+"/change", two, foyertest.Keyed("more")...).Refused(http.StatusForbidden, "feature.off")
		mia.Post(path+"/change/preview", two).Refused(http.StatusForbidden, "feature.off")
		a.Key(t, m).Post("/v1/merchant"+strings.TrimPrefix(path, "/v1")+"/change", two, foyertest.Keyed("merchant")...).Must(http.StatusOK)

		settings.Features.ChangeOff, settings.Features.QuantityOff = true, false
		set(settings)
		assert.Equal(t, true, mia.Get(path).At("actions.change.allowed"), "how many can still be changed")
		three := map[string]any{"items": []any{map[string]any{"price_id": pro.ID, "quantity": 3}}}
		mia.Post(path+"/change/preview", three).Must(http.StatusOK)
		to(basic, "plan").Refused(http.StatusForbidden, "feature.off")

		settings.Features.QuantityOff, settings.Features.PauseOff = true, true
		set(settings)
		shown := mia.Get(path).Must(http.StatusOK)
		assert.Equal(t, false, shown.At("actions.change.allowed"))
		assert.Equal(t, "feature.off", shown.Text("actions.pause.reason"))
		assert.Equal(t, true, shown.At("actions.cancel.allowed"), "cancelling can't be switched off")
		to(basic, "3").Refused(http.StatusForbidden, "feature.off")
		mia.Post(path+"/pause", map[string]any{}).Refused(http.StatusForbidden, "feature.off")
	})
}
