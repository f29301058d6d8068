package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

// Threat #78: the acts by which somebody becomes known have their line too, found by the customer; a preview, which changes nothing,
// has none.
func TestSigningInIsAudited(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, oldAddress)
		pro := a.Price(t, m, "Pro", 2000)
		sub := a.Subscribe(t, c, a.Price(t, m, "Basic", 1000), "tok_4242")
		mia := a.SignIn(t, m, c.Email)
		link := key.Post("/v1/merchant/portal-sessions", map[string]any{"customer_id": c.ID}).Must(http.StatusCreated)
		for _, status := range []int{http.StatusOK, http.StatusUnauthorized} {
			a.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": link.Text("ticket")}).Must(status)
		}
		mia.Post("/v1/subscriptions/"+string(sub.ID)+"/change/preview", map[string]any{"items": []any{map[string]any{"price_id": pro.ID, "quantity": 1}}}).Must(http.StatusOK)
		changeEmail(mia, newAddress).Must(http.StatusAccepted)
		token := changeToken(t, a, newAddress)
		verifyChange(t, a, token).Must(http.StatusOK)
		verifyChange(t, a, token).Must(http.StatusUnauthorized)
		log := key.Get("/v1/merchant/audit-log?limit=100&subject_id=" + string(c.ID)).Must(http.StatusOK)
		var told []string
		for i := range log.Len("data") {
			at := "data." + itoa(i) + "."
			assert.Equal(t, "customer", log.Text(at+"actor.kind"))
			told = append(told, log.Text(at+"action"))
		}
		assert.Equal(t, []string{"verifyEmailChange", "requestEmailChange", "exchangePortalSession", "verifySignIn"}, told)
		assert.Empty(t, key.Get("/v1/merchant/audit-log?action=previewSubscriptionChange").Must(http.StatusOK).IDs())
	})
}

// What a merchant switches off or takes off a list ends at once, for links on their way too.
func TestLinksOnTheirWayFollowTheSettings(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme", func(s *merchant.Settings) { s.ReturnURLs = []string{"https://app.acme.test"} })
	key := a.Key(t, m)
	c := a.Customer(t, m, oldAddress)
	mia := a.SignIn(t, m, c.Email)
	changeEmail(mia, newAddress).Must(http.StatusAccepted)
	token := changeToken(t, a, newAddress)
	back := "https://app.acme.test/account"
	first := key.Post("/v1/merchant/portal-sessions", map[string]any{"customer_id": c.ID, "return_url": back}).Must(http.StatusCreated)
	second := key.Post("/v1/merchant/portal-sessions", map[string]any{"customer_id": c.ID, "return_url": back}).Must(http.StatusCreated)
	in := a.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": first.Text("ticket")}).Must(http.StatusOK)
	assert.Equal(t, back, in.Text("return_url"))

	key.Patch(portal, map[string]any{"features": map[string]any{"email_change": false}, "return_urls": nil}).Must(http.StatusOK)
	verifyChange(t, a, token).Refused(http.StatusForbidden, "feature.off")
	assert.Equal(t, oldAddress, mia.Get("/v1/me").Text("email"))
	assert.Nil(t, a.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": second.Text("ticket")}).Must(http.StatusOK).At("return_url"))
	refreshed := a.Client(t).Post("/v1/sessions/refresh", map[string]any{"refresh_token": in.Text("refresh_token")}).Must(http.StatusOK)
	assert.Nil(t, refreshed.At("return_url"))

	key.Patch(portal, map[string]any{"features": map[string]any{"email_change": true}}).Must(http.StatusOK)
	verifyChange(t, a, token).Must(http.StatusOK)
}

// A link's target leads where something can be done (reference: deep links fall back).
func TestTargetsFallBack(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, oldAddress)
		basic := a.Price(t, m, "Basic", 1000)
		paused, active := a.Subscribe(t, c, basic, "tok_4242"), a.Subscribe(t, c, basic, "tok_4242")
		manual := key.Post("/v1/merchant/subscriptions", map[string]any{
			"customer_id": c.ID, "collection_mode": "manual", "items": []any{map[string]any{"price_id": basic.ID, "quantity": 1}},
		}, idempotencyKey, "manual").Must(http.StatusCreated)
		key.Post("/v1/merchant/subscriptions/"+string(paused.ID)+"/pause", map[string]any{"effective": "immediately"}).Must(http.StatusOK)
		for _, row := range []struct{ kind, id, leads string }{
			{"cancel_subscription", string(active.ID), "cancel_subscription"},
			{"update_payment_method", string(active.ID), "update_payment_method"},
			{"cancel_subscription", string(paused.ID), "subscription"},
			{"update_payment_method", string(paused.ID), "subscription"},
			{"cancel_subscription", manual.Text("id"), "cancel_subscription"},
			{"update_payment_method", manual.Text("id"), "subscription"},
		} {
			made := key.Post("/v1/merchant/portal-sessions", map[string]any{"customer_id": c.ID, "target": map[string]any{"kind": row.kind, "id": row.id}}).Must(http.StatusCreated)
			assert.Equal(t, row.leads, made.Text("target.kind"), row)
			in := a.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": made.Text("ticket")}).Must(http.StatusOK)
			assert.Equal(t, []string{row.leads, row.id}, []string{in.Text("target.kind"), in.Text("target.id")}, row)
		}
	})
}

// A merge patch takes one entry out of a map and leaves the others, and a customer's language nobody has formats for is no wish.
func TestMapsAreMergedAndUnknownLanguagesPassedOver(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	key := a.Key(t, m)
	basic, pro := a.Price(t, m, "Basic", 1000), a.Price(t, m, "Pro", 2000)
	paths := map[string]any{string(basic.ID): []any{string(pro.ID)}, string(pro.ID): []any{}}
	set := key.Patch(portal, map[string]any{
		"plan_paths": paths, "default_locale": "de", "languages": []string{"pt-br", "DE", "de"},
		"legal": map[string]any{"texts": map[string]any{"de": "Recht", "en": "Law"}},
	}).Must(http.StatusOK)
	assert.Equal(t, paths, set.At("plan_paths"))
	assert.Equal(t, []any{"pt-BR", "de"}, set.At("languages"))
	less := key.Patch(portal, map[string]any{"plan_paths": map[string]any{string(pro.ID): nil}, "legal": map[string]any{"texts": map[string]any{"en": nil}}}).Must(http.StatusOK)
	assert.Equal(t, map[string]any{string(basic.ID): []any{string(pro.ID)}}, less.At("plan_paths"))
	assert.Equal(t, map[string]any{"de": "Recht"}, less.At("legal.texts"))
	foreign := a.Price(t, a.Merchant(t, "zenith"), "Theirs", 1)
	refused := key.Patch(portal, map[string]any{"plan_paths": map[string]any{string(basic.ID): []any{string(foreign.ID)}}}).Refused(http.StatusUnprocessableEntity, "input.invalid")
	assert.Equal(t, []string{"input.unknown_reference", "/plan_paths/" + string(basic.ID) + "/0"}, []string{refused.Text("errors.0.code"), refused.Text("errors.0.pointer")})

	a.Customer(t, m, oldAddress, func(c *billing.Customer) { c.Locale = "tlh" })
	mia := a.SignIn(t, m, oldAddress)
	assert.Equal(t, "de", mia.Get("/v1/me").Must(http.StatusOK).Header.Get("Content-Language"))
}

// A whole number written as 100.0 is named with its place, and not called broken JSON.
func TestNumbersAreRefusedWhereTheyStand(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	price := a.Price(t, m, "Basic", 1000)
	body := `{"product_id": "` + string(price.Product) + `", "unit_price": {"amount": 100.0, "currency": "EUR"}, "billing_cycle": null}`
	refused := a.Key(t, m).Raw(http.MethodPost, "/v1/merchant/prices", []byte(body), "Content-Type", "application/json").Refused(http.StatusUnprocessableEntity, "input.invalid")
	assert.Equal(t, []string{"input.type", "/unit_price/amount"}, []string{refused.Text("errors.0.code"), refused.Text("errors.0.pointer")})
}
