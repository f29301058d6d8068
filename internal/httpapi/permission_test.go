package httpapi_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
)

// ticket mints a link's ticket for a subscription of a customer.
func ticket(t *testing.T, a *foyertest.App, c billing.Customer, kind identity.TargetKind, sub billing.SubscriptionID, scopes ...string) string {
	t.Helper()
	minted, err := a.Identity.MintTicket(context.Background(), identity.MintInput{
		ID: identity.PortalSessionID(a.IDs(foyer.PrefixPortalSession)), Scope: foyertest.Scope(c.Merchant, c.ID), Scopes: scopes,
		Target: identity.Target{Kind: kind, ID: string(sub)}, ExpiresIn: time.Hour,
	})
	require.NoError(t, err)
	return minted
}

func TestATicketIsGoodForOneExchange(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		sub := a.Subscription(t, c).ID
		link := ticket(t, a, c, identity.TargetCancelSubscription, sub, identity.ScopeCancel(string(sub)))
		nobody := a.Client(t)
		exchange := func(text string) *foyertest.Answer {
			return nobody.Post("/v1/portal-sessions/exchange", map[string]any{"ticket": text})
		}
		first := exchange(link).Must(http.StatusOK)
		assert.Equal(t, "cancel_subscription", first.Text("target.kind"))
		assert.Equal(t, string(sub), first.Text("target.id"))
		used := exchange(link).Refused(http.StatusUnauthorized, "ticket.invalid")
		assert.Equal(t, string(m.Portal.ID), used.Text("portal_id"))
		assert.Equal(t, string(sub), used.Text("target.id"))
		unknown := exchange("nothing").Refused(http.StatusUnauthorized, "ticket.invalid")
		assert.Nil(t, unknown.At("portal_id"))
		assert.NotEmpty(t, unknown.Header.Get("WWW-Authenticate"))
		assert.NotContains(t, a.Log.String(), link)
	})
}

// Contract §3: a link's session does what the link is for, with the one subscription it is for, and nothing else.
func TestALinksSessionIsHeldToItsSubscription(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		theirs := a.Subscription(t, a.Customer(t, s.acme, "else@mailbox.test")).ID
		mine, other := billing.SubscriptionID(s.own["subscription_id"]), a.Subscription(t, s.mia).ID
		otherCancellation := openCancellation(t, a, s.mia, string(other))
		debt := a.Payment(t, s.mia, a.Clock.Now(), 900, "EUR", "", func(p *billing.Payment) { p.Subscription = mine })
		session := func(scope string) *foyertest.Client {
			client := a.Client(t)
			client.Adopt(client.Post("/v1/portal-sessions/exchange", map[string]any{
				"ticket": ticket(t, a, s.mia, identity.TargetSubscription, mine, scope),
			}).Must(http.StatusOK))
			return client
		}
		cancel, method := session(identity.ScopeCancel(string(mine))), session(identity.ScopePaymentMethod(string(mine)))
		path := func(id billing.SubscriptionID, end string) string { return "/v1/subscriptions/" + string(id) + end }
		pay := map[string]any{"payment_method_id": s.own["payment_method_id"]}
		add := func(more map[string]any) map[string]any {
			more["setup_id"] = "pms_01kb3v5q8r9s0t1v2w3x4y5z6a"
			return more
		}
		for _, c := range []struct {
			who          *foyertest.Client
			method, path string
			body         any
			status       int
		}{
			{cancel, http.MethodGet, path(mine, ""), nil, http.StatusOK},
			{cancel, http.MethodGet, "/v1/cancellations/" + s.own["cancellation_id"], nil, http.StatusOK},
			{cancel, http.MethodPost, path(mine, "/cancellations"), nil, http.StatusConflict}, // kept elsewhere: the door was open
			{cancel, http.MethodDelete, path(mine, "/scheduled-change"), nil, http.StatusConflict},
			{cancel, http.MethodPost, "/v1/cancellations/" + s.own["cancellation_id"] + "/abandon", nil, http.StatusOK},
			{method, http.MethodGet, path(mine, ""), nil, http.StatusOK},
			{method, http.MethodPut, path(mine, "/payment-method"), pay, http.StatusConflict},
			{method, http.MethodPost, "/v1/payments/" + string(debt.ID) + "/pay", nil, http.StatusConflict},
			{method, http.MethodPost, "/v1/payment-methods", add(map[string]any{"subscription_id": mine}), http.StatusUnprocessableEntity},

			{cancel, http.MethodGet, path(other, ""), nil, http.StatusForbidden},
			{cancel, http.MethodPost, path(other, "/cancellations"), nil, http.StatusForbidden},
			{cancel, http.MethodGet, "/v1/cancellations/" + otherCancellation, nil, http.StatusForbidden},
			{cancel, http.MethodPost, "/v1/cancellations/" + otherCancellation + "/confirm", nil, http.StatusForbidden},
			{cancel, http.MethodPut, path(mine, "/payment-method"), pay, http.StatusForbidden},
			{cancel, http.MethodPost, path(mine, "/pause"), nil, http.StatusForbidden},
			{cancel, http.MethodGet, path(theirs, ""), nil, http.StatusNotFound},
			{cancel, http.MethodPost, path(theirs, "/cancellations"), nil, http.StatusNotFound},
			{method, http.MethodPost, path(mine, "/cancellations"), nil, http.StatusForbidden},
			{method, http.MethodPut, path(other, "/payment-method"), pay, http.StatusForbidden},
			{method, http.MethodPut, path(theirs, "/payment-method"), pay, http.StatusNotFound},
			{method, http.MethodPost, "/v1/payments/" + s.own["payment_id"] + "/pay", nil, http.StatusForbidden},
			{method, http.MethodPost, "/v1/payment-methods", add(map[string]any{}), http.StatusForbidden},
			{method, http.MethodPost, "/v1/payment-methods", add(map[string]any{"subscription_id": other}), http.StatusForbidden},
			{method, http.MethodPost, "/v1/payment-methods", add(map[string]any{"subscription_id": mine, "default": true}), http.StatusForbidden},
			{method, http.MethodPost, "/v1/payment-methods", add(map[string]any{"subscription_id": mine, "replaces": s.own["payment_method_id"]}), http.StatusForbidden},
			{method, http.MethodGet, "/v1/payment-methods", nil, http.StatusForbidden},
			{method, http.MethodDelete, "/v1/payment-methods/" + s.own["payment_method_id"], nil, http.StatusForbidden},
			{method, http.MethodGet, "/v1/me", nil, http.StatusForbidden},
			{cancel, http.MethodGet, "/v1/payments", nil, http.StatusForbidden},
		} {
			answer := c.who.Call(c.method, c.path, c.body, idempotencyKey, rand.Text())
			assert.Equal(t, c.status, answer.Status, "%s %s %v: %s", c.method, c.path, c.body, answer.Body)
			if c.status == http.StatusForbidden {
				assert.Equal(t, "auth.scope", answer.Text("code"))
			}
		}
		cancel.Delete("/v1/sessions/current").Must(http.StatusNoContent)
	})
}

// The same card entered again through a link pays for the link's subscription only: the others keep what they had.
func TestACardAddedThroughALinkMovesNothingElse(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		price := a.Price(t, m, "Basic", 1000)
		one, other := a.Subscribe(t, c, price, "tok_4242"), a.Subscribe(t, c, price, "tok_4242")
		mia := a.SignIn(t, m, c.Email)
		again := func(client *foyertest.Client, key string) *foyertest.Answer {
			return client.Post("/v1/payment-methods", map[string]any{"setup_id": client.Setup(foyertest.CardGood), "subscription_id": one.ID}, foyertest.Keyed(key)...).
				Must(http.StatusCreated)
		}
		link := a.Client(t)
		link.Adopt(link.Post("/v1/portal-sessions/exchange", map[string]any{
			"ticket": ticket(t, a, c, identity.TargetUpdatePaymentMethod, one.ID, identity.ScopePaymentMethod(string(one.ID))),
		}).Must(http.StatusOK))
		before := mia.Get("/v1/subscriptions/" + string(other.ID)).Text("payment_method_id")
		assert.Equal(t, []any{string(one.ID)}, again(link, "link").At("used_by"))
		assert.Equal(t, before, mia.Get("/v1/subscriptions/"+string(other.ID)).Text("payment_method_id"))
		assert.Len(t, again(mia, "herself").At("used_by"), 1)
	})
}
