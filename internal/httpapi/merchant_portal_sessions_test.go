package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
	"foyer/internal/notify"
)

const mintPath = "/v1/merchant/portal-sessions"

// mintRig is a merchant with its backend and a customer, and another one with the same.
type mintRig struct {
	*foyertest.App
	acme, zenith   merchant.Merchant
	backend, rival *foyertest.Client
	mia, twin      billing.Customer
}

func newMintRig(t *testing.T, a *foyertest.App) *mintRig {
	r := &mintRig{App: a}
	r.acme = a.Merchant(t, "acme", func(s *merchant.Settings) {
		s.ReturnURLs = []string{"https://app.acme.test/billing", "test.acme.app://back"}
	})
	r.zenith = a.Merchant(t, "zenith")
	r.backend, r.rival = a.Key(t, r.acme), a.Key(t, r.zenith)
	r.mia, r.twin = a.Customer(t, r.acme, "mia@mailbox.test"), a.Customer(t, r.zenith, "mia@mailbox.test")
	return r
}

// mint makes a link for Mia; extra are more fields.
func (r *mintRig) mint(extra map[string]any, headers ...string) *foyertest.Answer {
	body := map[string]any{"customer_id": r.mia.ID}
	for name, value := range extra {
		body[name] = value
	}
	return r.backend.Post(mintPath, body, headers...)
}

func (r *mintRig) exchange(t testing.TB, ticket string) *foyertest.Answer {
	t.Helper()
	return r.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": ticket})
}

// entered is a client with the session of a ticket.
func (r *mintRig) entered(t testing.TB, ticket string) *foyertest.Client {
	t.Helper()
	c := r.Client(t)
	c.Adopt(r.exchange(t, ticket).Must(http.StatusOK))
	return c
}

func TestMintALink(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		active, paused := a.Subscription(t, r.mia), a.Subscription(t, r.mia, func(s *billing.Subscription) { s.Status = billing.SubscriptionPaused })
		canceled := a.Subscription(t, r.mia, func(s *billing.Subscription) { s.Status = billing.SubscriptionCanceled })
		manual := a.Subscription(t, r.mia, func(s *billing.Subscription) { s.CollectionMode = billing.CollectManual })
		made := r.mint(map[string]any{
			"subscription_ids": []any{active.ID, paused.ID, canceled.ID, manual.ID}, "target": map[string]any{"kind": "subscription", "id": active.ID},
			"return_url": "https://app.acme.test/account?tab=billing#x",
		}).Must(http.StatusCreated)
		ticket := made.Text("ticket")
		require.NotEmpty(t, ticket)
		assert.Equal(t, "https://acme.test/portal/#ticket="+ticket, made.Text("urls.overview"))
		for i, sub := range []billing.Subscription{active, paused, canceled, manual} {
			at := fmt.Sprintf("urls.subscriptions.%d.", i)
			view := "https://acme.test/portal/subscriptions/" + string(sub.ID)
			fragment := "#ticket=" + ticket
			assert.Equal(t, string(sub.ID), made.Text(at+"id"))
			assert.Equal(t, view+fragment, made.Text(at+"view"))
			switch i {
			case 0, 3:
				assert.Equal(t, view+"/cancel"+fragment, made.Text(at+"cancel"))
			default:
				assert.Equal(t, view+fragment, made.Text(at+"cancel"), "nothing to cancel: the subscription's page")
				assert.Equal(t, view+fragment, made.At(at+"update_payment_method"))
			}
		}
		assert.Equal(t, "https://acme.test/portal/subscriptions/"+string(active.ID)+"/payment-method#ticket="+ticket, made.At("urls.subscriptions.0.update_payment_method"))
		assert.Nil(t, made.At("urls.subscriptions.3.update_payment_method"), "who pays by invoice has none")
		assert.Equal(t, "open", made.Text("status"))
		assert.Contains(t, made.Header.Get("Cache-Control"), "no-store")
		created, err := time.Parse(time.RFC3339Nano, made.Text("created_at"))
		require.NoError(t, err)
		expires, err := time.Parse(time.RFC3339Nano, made.Text("expires_at"))
		require.NoError(t, err)
		assert.Equal(t, 10*time.Minute, expires.Sub(created))

		id := made.Text("id")
		shown := r.backend.Get(mintPath + "/" + id).Must(http.StatusOK)
		assert.NotContains(t, string(shown.Body), ticket)
		assert.Equal(t, []any{"read", "write"}, shown.At("scopes"))
		tag := shown.Header.Get("ETag")
		assert.NotEmpty(t, tag)
		r.backend.Get(mintPath+"/"+id, "If-None-Match", tag).Must(http.StatusNotModified)

		tokens := r.exchange(t, ticket).Must(http.StatusOK)
		assert.Equal(t, "https://app.acme.test/account?tab=billing#x", tokens.Text("return_url"))
		assert.Equal(t, string(active.ID), tokens.Text("target.id"))
		assert.Equal(t, string(r.mia.ID), tokens.Text("customer_id"))
		used := r.backend.Get(mintPath + "/" + id).Must(http.StatusOK)
		assert.Equal(t, "used", used.Text("status"))
		assert.NotNil(t, used.At("used_at"))
		assert.Equal(t, tokens.Text("session_id"), used.Text("session_id"))
		assert.NotEqual(t, tag, used.Header.Get("ETag"))

		// The narrowed choice of links narrows nothing.
		other := a.Subscription(t, r.mia)
		client := a.Client(t)
		client.Adopt(tokens)
		client.Get("/v1/subscriptions/" + string(other.ID)).Must(http.StatusOK)
		client.Patch("/v1/me", map[string]any{"company": "x"}).Must(http.StatusOK)
		client.Get("/v1/sessions").Refused(http.StatusForbidden, "auth.scope")
	})
}

// A portal without a frontend leads to Foyer itself; Host headers lead nowhere (threat #42).
func TestMintedLinksLeadWhereTheSettingsSay(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "bare", func(s *merchant.Settings) { s.FrontendURL = "" })
		c := a.Customer(t, m, "mia@mailbox.test")
		made := a.Key(t, m).Post(mintPath, map[string]any{"customer_id": c.ID}, "Host", "evil.test", "X-Forwarded-Host", "evil.test", "Forwarded", "host=evil.test").Must(http.StatusCreated)
		assert.Equal(t, "https://billing.test/#ticket="+made.Text("ticket"), made.Text("urls.overview"))
		assert.NotContains(t, string(made.Body), "evil.test")
	})
}

// Threat #43: sixty ways to lead somebody elsewhere. None is accepted, and none stands in any answer.
func TestReturnURLsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	attacks := []string{
		"//evil.test", "///evil.test", "////evil.test", `/\evil.test`, `\/evil.test`, `\\evil.test`, "https:evil.test", "https:/evil.test", `https:/\evil.test`,
		`https:\\evil.test`, "https:///evil.test", "https://evil.test", "http://evil.test", "https://evil.test/https://app.acme.test", "https://evil.test?https://app.acme.test",
		"https://evil.test#https://app.acme.test", "https://app.acme.test.evil.test", "https://app.acme.testevil.test", "https://evilapp.acme.test", "https://evil.test/app.acme.test",
		"https://app.acme.test@evil.test", "https://app.acme.test:x@evil.test", "https://app.acme.test%40evil.test", "https://evil.test@app.acme.test", "https://user:pass@app.acme.test/",
		"https://@app.acme.test", `https://evil.test\@app.acme.test`, `https://app.acme.test\@evil.test`, `https://app.acme.test\.evil.test`, "https://app.acme.test%2eevil.test",
		"https://app.acme.test%2fevil.test", "https://app.acme.test%5cevil.test", "https://app%2eacme%2etest/", "https://app.acme.test:444/", "https://app.acme.test:443/",
		"https://app.acme.test:80", "https://app.acme.test:", "http://app.acme.test/billing", "HTTPS://app.acme.test/", "https://APP.acme.test/", "https://app.acme.test./",
		"https://аpp.acme.test/", "https://app。acme。test/", "https://app.acme.test\uff0eevil.test", "https://xn--pp-7cd.acme.test/", "https://app.acme.test\u200b.evil.test",
		" https://app.acme.test", "https://app.acme.test ", "https://app.acme.test/\tx", "https://app.acme.test/\r\nLocation: https://evil.test", "https://app.acme.test/%0d%0aLocation:%20x",
		"java\tscript:alert(1)", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "javascript://app.acme.test/%0aalert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:msgbox(1)",
		"file:///etc/passwd", "blob:https://app.acme.test/x", "ftp://app.acme.test/", "ws://app.acme.test/", "view-source:https://app.acme.test", "app.acme.test", "/billing", "?x", "#x", ".",
		"https://", "https", "https://[::1]/", "https://127.0.0.1/", "http://localhost/", "http://127.1/", "https://2130706433/", "https://0x7f.1/", "https://[app.acme.test]/",
		"test.acme.app://back/further", "test.acme.app://other", "test.acme.app:back", "evil.app://back", "test.acme.app.evil://back", "intent://app.acme.test#Intent;scheme=https;end",
		"https://*.acme.test/", "*", "https://app.acme.test/\\..\\evil", "https://app.acme.test/<script>",
	}
	require.GreaterOrEqual(t, len(attacks), 60)
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		for _, attack := range attacks {
			for _, exchange := range []bool{false, true} {
				answer := r.mint(map[string]any{"return_url": attack, "exchange": exchange}).Refused(http.StatusUnprocessableEntity, "input.invalid")
				require.Equal(t, 1, answer.Len("errors"), attack)
				assert.Equal(t, "/return_url", answer.Text("errors.0.pointer"), attack)
				if code := answer.Text("errors.0.code"); code != "input.text_characters" { // line breaks and the like
					assert.Equal(t, "input.return_url", code, attack)
				}
				if len(attack) > 8 {
					assert.NotContains(t, string(answer.Body), attack)
				}
				assert.Empty(t, answer.Header.Get("Location"))
			}
		}
		assert.Empty(t, r.backend.Get(mintPath).Must(http.StatusOK).IDs(), "nothing was made")
		for _, good := range []string{"https://app.acme.test", "https://app.acme.test/", "https://app.acme.test/a?b=c", "test.acme.app://back"} {
			r.mint(map[string]any{"return_url": good}).Must(http.StatusCreated)
		}
		// Nothing is allowed that is not listed, the portal's own origin neither.
		a.Key(t, r.zenith).Post(mintPath, map[string]any{"customer_id": r.twin.ID, "return_url": "https://zenith.test/portal"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
	})
}

// Threat #87, and contract §2: another's things and things that are not are one answer, and every fault is named.
func TestMintRefusesWhatIsNotTheCustomers(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		noah := a.Customer(t, r.acme, "noah@mailbox.test")
		mine, noahs, twins := a.Subscription(t, r.mia).ID, a.Subscription(t, noah).ID, a.Subscription(t, r.twin).ID
		payment := a.Payment(t, noah, a.Clock.Now(), 500, "EUR", "").ID
		gone := a.Customer(t, r.acme, "gone@mailbox.test")
		archive(t, a, r.acme, gone)
		unknownSub, unknownCustomer := a.IDs(foyer.PrefixSubscription), a.IDs(foyer.PrefixCustomer)

		var want map[string]any
		for _, id := range []any{unknownCustomer, r.twin.ID, gone.ID, "ctm_x", "", string(mine), r.acme.ID} {
			got := withoutID(t, r.backend.Post(mintPath, map[string]any{"customer_id": id}).Refused(http.StatusUnprocessableEntity, "input.invalid"))
			if want == nil {
				want = got
			}
			assert.Equal(t, want, got, id)
		}
		for name, c := range map[string]struct {
			extra   map[string]any
			pointer string
			code    string
		}{
			"another's subscription":            {map[string]any{"subscription_ids": []any{mine, noahs}}, "/subscription_ids/1", "input.unknown_reference"},
			"another merchant's subscription":   {map[string]any{"subscription_ids": []any{twins}}, "/subscription_ids/0", "input.unknown_reference"},
			"an unknown subscription":           {map[string]any{"subscription_ids": []any{unknownSub}}, "/subscription_ids/0", "input.unknown_reference"},
			"no id":                             {map[string]any{"subscription_ids": []any{"x"}}, "/subscription_ids/0", "input.unknown_reference"},
			"another's target":                  {map[string]any{"target": map[string]any{"kind": "cancel_subscription", "id": noahs}}, "/target/id", "input.unknown_reference"},
			"another's payment":                 {map[string]any{"target": map[string]any{"kind": "payment", "id": payment}}, "/target/id", "input.unknown_reference"},
			"a target without an id":            {map[string]any{"target": map[string]any{"kind": "subscription"}}, "/target", "input.invalid"},
			"a target with an id too many":      {map[string]any{"target": map[string]any{"kind": "overview", "id": mine}}, "/target", "input.invalid"},
			"a target of another kind":          {map[string]any{"target": map[string]any{"kind": "payment", "id": mine}}, "/target", "input.invalid"},
			"a kind there is not":               {map[string]any{"target": map[string]any{"kind": "admin"}}, "/target/kind", "input.enum"},
			"another's scope":                   {map[string]any{"scopes": []any{"read", identity.ScopeCancel(string(noahs))}}, "/scopes/1", "input.unknown_reference"},
			"another merchant's scope":          {map[string]any{"scopes": []any{identity.ScopePaymentMethod(string(twins))}}, "/scopes/0", "input.unknown_reference"},
			"a scope there is not":              {map[string]any{"scopes": []any{"admin"}}, "/scopes/0", "input.invalid"},
			"two scopes in one":                 {map[string]any{"scopes": []any{"read write"}}, "/scopes/0", "input.invalid"},
			"a scope twice":                     {map[string]any{"scopes": []any{"read", "read"}}, "/scopes/1", "input.duplicate"},
			"a scope for all":                   {map[string]any{"scopes": []any{"subscription:*:cancel"}}, "/scopes/0", "input.invalid"},
			"no scope":                          {map[string]any{"scopes": []any{}}, "/scopes", "input.too_short"},
			"no language":                       {map[string]any{"locale": "no such"}, "/locale", "input.locale"},
			"too short":                         {map[string]any{"expires_in": 59}, "/expires_in", "input.minimum"},
			"too long":                          {map[string]any{"expires_in": 86401}, "/expires_in", "input.maximum"},
			"more subscriptions than there may": {map[string]any{"subscription_ids": repeated(mine, 26)}, "/subscription_ids", "input.too_many"},
		} {
			answer := r.mint(c.extra).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, 1, answer.Len("errors"), name)
			assert.Equal(t, c.pointer, answer.Text("errors.0.pointer"), name)
			assert.Equal(t, c.code, answer.Text("errors.0.code"), name)
		}
		both := r.mint(map[string]any{"subscription_ids": []any{noahs}, "return_url": "https://evil.test", "scopes": []any{"x"}}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, 3, both.Len("errors"), "all at once")
		for _, field := range []string{"id", "ticket", "status", "session_id", "merchant_id", "used_at", "Customer_id", "origin", "urls"} {
			r.mint(map[string]any{field: "x"}).Refused(http.StatusBadRequest, "json.unknown_field")
		}
		assert.Empty(t, r.backend.Get(mintPath).Must(http.StatusOK).IDs(), "nothing was made")
		r.mint(map[string]any{"subscription_ids": repeated(mine, 25), "expires_in": 60}).Must(http.StatusCreated)
		r.mint(map[string]any{"expires_in": 86400, "locale": nil, "return_url": nil}).Must(http.StatusCreated)
	})
}

func repeated[T any](v T, n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// Threats #7, #8, #75: nobody mints but a key of the merchant with the permission.
func TestWhoMayMint(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		id := r.mint(nil).Must(http.StatusCreated).Text("id")
		calls := []struct {
			method, path string
			body         any
		}{
			{http.MethodPost, mintPath, map[string]any{"customer_id": r.mia.ID}},
			{http.MethodGet, mintPath, nil},
			{http.MethodGet, mintPath + "/" + id, nil},
			{http.MethodDelete, mintPath + "/" + id, nil},
		}
		customer := a.SignIn(t, r.acme, r.mia.Email)
		narrow := a.Key(t, r.acme, merchant.PermissionRead, merchant.PermissionWrite, merchant.PermissionAdmin)
		for _, c := range calls {
			a.Client(t).Call(c.method, c.path, c.body).Refused(http.StatusUnauthorized, "auth.required")
			customer.Call(c.method, c.path, c.body).Refused(http.StatusUnauthorized, "auth.invalid")
			narrow.Call(c.method, c.path, c.body).Refused(http.StatusForbidden, "auth.permission")
			fromBrowser := r.backend.Call(c.method, c.path, c.body, "Origin", "https://acme.test")
			assert.Equal(t, http.StatusForbidden, fromBrowser.Status)
			assert.Empty(t, fromBrowser.Header.Get("Access-Control-Allow-Origin"))
		}
		enough := a.Key(t, r.acme, merchant.PermissionPortalSessions)
		enough.Get(mintPath + "/" + id).Must(http.StatusOK)
		enough.Get("/v1/merchant/portal").Refused(http.StatusForbidden, "auth.permission")

		unknown := withoutID(t, r.rival.Get(mintPath+"/"+a.IDs(foyer.PrefixPortalSession)).Refused(http.StatusNotFound, "not_found"))
		for _, other := range []string{id, "cpls_x", strings.ToUpper(id), string(r.mia.ID), "%00"} {
			assert.Equal(t, unknown, withoutID(t, r.rival.Get(mintPath+"/"+other).Refused(http.StatusNotFound, "not_found")), other)
			assert.Equal(t, unknown, withoutID(t, r.rival.Delete(mintPath+"/"+other).Refused(http.StatusNotFound, "not_found")), other)
		}
		assert.Empty(t, r.rival.Get(mintPath).Must(http.StatusOK).IDs())
		assert.Empty(t, r.rival.Get(mintPath+"?customer_id="+string(r.mia.ID)).Must(http.StatusOK).IDs())
		r.rival.Post(mintPath, map[string]any{"customer_id": r.mia.ID}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "open", r.backend.Get(mintPath+"/"+id).Text("status"))
		// A key is no session.
		r.backend.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
	})
}

// Threat #87: however many click at once, in two processes, one is let in.
func TestTicketIsExchangedOnceOverTwoProcesses(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		second := a.Second(t)
		r := newMintRig(t, a)
		for range 5 {
			ticket := r.mint(nil).Must(http.StatusCreated).Text("ticket")
			before := openSessions(t, a, r.acme, r.mia.ID)
			statuses := together(50, func(i int) int {
				by := a
				if i%2 == 1 {
					by = second
				}
				return by.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": ticket}).Status
			})
			assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusUnauthorized: 49}, statuses)
			assert.Equal(t, before+1, openSessions(t, a, r.acme, r.mia.ID))
		}
	})
}

func TestLinksExpire(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		short, usual, long := r.mint(map[string]any{"expires_in": 60}), r.mint(nil), r.mint(map[string]any{"expires_in": 86400})
		a.Clock.Advance(time.Minute)
		expired := r.exchange(t, short.Text("ticket")).Refused(http.StatusUnauthorized, "ticket.invalid")
		assert.Equal(t, string(r.acme.Portal.ID), expired.Text("portal_id"))
		assert.Equal(t, "expired", r.backend.Get(mintPath+"/"+short.Text("id")).Text("status"))
		a.Clock.Advance(9 * time.Minute)
		r.exchange(t, usual.Text("ticket")).Refused(http.StatusUnauthorized, "ticket.invalid")
		a.Clock.Advance(23 * time.Hour)
		client := r.entered(t, long.Text("ticket"))
		// Twelve hours later it ends whatever is refreshed.
		a.Clock.Advance(11 * time.Hour)
		client.Adopt(refresh(t, a, client.Refresh).Must(http.StatusOK))
		a.Clock.Advance(time.Hour)
		refresh(t, a, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
	})
}

// A revoked link is dead at once, and so is what came of it: here at once, elsewhere within a minute.
func TestRevokeALink(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		second := a.Second(t)
		r := newMintRig(t, a)
		open, used, other := r.mint(nil), r.mint(nil), r.mint(nil)
		client, untouched := r.entered(t, used.Text("ticket")), r.entered(t, other.Text("ticket"))
		own := a.SignIn(t, r.acme, r.mia.Email)
		for range 2 { // again is not an error
			r.backend.Delete(mintPath + "/" + open.Text("id")).Must(http.StatusNoContent)
			r.backend.Delete(mintPath + "/" + used.Text("id")).Must(http.StatusNoContent)
		}
		r.exchange(t, open.Text("ticket")).Refused(http.StatusUnauthorized, "ticket.invalid")
		assert.False(t, works(t, a, client.Token))
		refresh(t, second, client.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
		require.Eventually(t, func() bool { return !works(t, second, client.Token) }, 20*time.Second, 100*time.Millisecond)
		assert.True(t, works(t, a, untouched.Token))
		assert.True(t, works(t, a, own.Token))
		for _, made := range []*foyertest.Answer{open, used} {
			shown := r.backend.Get(mintPath + "/" + made.Text("id")).Must(http.StatusOK)
			assert.Equal(t, "revoked", shown.Text("status"))
			assert.NotNil(t, shown.At("revoked_at"))
		}
		// Mails' links are portal sessions too, and can be revoked, but stand in a list of their own.
		sub := a.Subscription(t, r.mia).ID
		mailed := ticket(t, a, r.mia, identity.TargetCancelSubscription, sub, identity.ScopeCancel(string(sub)))
		assert.Equal(t, []string{other.Text("id"), used.Text("id"), open.Text("id")}, r.backend.Get(mintPath).Must(http.StatusOK).IDs())
		mails := r.backend.Get(mintPath + "?origin=mail&customer_id=" + string(r.mia.ID)).Must(http.StatusOK)
		require.Len(t, mails.IDs(), 1)
		r.backend.Delete(mintPath + "/" + mails.IDs()[0]).Must(http.StatusNoContent)
		r.exchange(t, mailed).Refused(http.StatusUnauthorized, "ticket.invalid")
	})
}

// Revoking and exchanging at the same moment leaves no session that lives.
func TestRevokeAgainstExchange(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		for range 10 {
			made := r.mint(nil)
			together(8, func(i int) int {
				if i == 3 {
					return r.backend.Delete(mintPath + "/" + made.Text("id")).Status
				}
				return r.exchange(t, made.Text("ticket")).Status
			})
			assert.Zero(t, openSessions(t, a, r.acme, r.mia.ID))
		}
	})
}

func TestMintWithTokensAtOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		sub := a.Subscription(t, r.mia).ID
		body := map[string]any{"exchange": true, "scopes": []any{identity.ScopeCancel(string(sub))}, "target": map[string]any{"kind": "cancel_subscription", "id": sub}, "return_url": "test.acme.app://back"}
		made := r.mint(body, idempotencyKey, "once").Must(http.StatusCreated)
		assert.Nil(t, made.At("ticket"))
		assert.Nil(t, made.At("urls"))
		assert.Equal(t, "Bearer", made.Text("token_type"))
		assert.Equal(t, "used", made.Text("status"))
		assert.Equal(t, "test.acme.app://back", made.Text("return_url"))
		assert.InDelta(t, 43200, made.At("refresh_expires_in"), 1)
		client := a.Client(t)
		client.Adopt(made)
		client.Get("/v1/subscriptions/" + string(sub)).Must(http.StatusOK)
		client.Get("/v1/me").Refused(http.StatusForbidden, "auth.scope")
		client.Adopt(refresh(t, a, client.Refresh).Must(http.StatusOK))
		client.Get("/v1/me").Refused(http.StatusForbidden, "auth.scope")

		repeated := r.mint(body, idempotencyKey, "once").Must(http.StatusCreated)
		assert.Equal(t, "true", repeated.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, made.Text("id"), repeated.Text("id"))
		for _, secret := range []string{"access_token", "refresh_token"} {
			value, told := repeated.JSON.(map[string]any)[secret]
			assert.True(t, told, secret)
			assert.Nil(t, value, secret)
		}
		assert.Equal(t, 1, openSessions(t, a, r.acme, r.mia.ID), "one call, one session")

		link := r.mint(nil, idempotencyKey, "link").Must(http.StatusCreated)
		again := r.mint(nil, idempotencyKey, "link").Must(http.StatusCreated)
		assert.Equal(t, link.Text("id"), again.Text("id"))
		assert.Nil(t, again.At("ticket"))
		assert.Nil(t, again.At("urls"))
		r.mint(map[string]any{"expires_in": 61}, idempotencyKey, "link").Refused(http.StatusUnprocessableEntity, "idempotency.key_reused")
		r.exchange(t, link.Text("ticket")).Must(http.StatusOK)
	})
}

// The language of a link is its session's, until the customer has chosen one.
func TestLinkSpeaksItsLanguage(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		made := r.mint(map[string]any{"locale": "de-AT"}).Must(http.StatusCreated)
		assert.Equal(t, "de-AT", made.Text("locale"))
		client := a.Client(t)
		tokens := r.exchange(t, made.Text("ticket")).Must(http.StatusOK)
		assert.Equal(t, "de", tokens.Header.Get("Content-Language"))
		client.Adopt(tokens)
		assert.Equal(t, "de", client.Get("/v1/me", "Accept-Language", "en").Must(http.StatusOK).Header.Get("Content-Language"))
		client.Adopt(refresh(t, a, client.Refresh).Must(http.StatusOK))
		assert.Equal(t, "de", client.Get("/v1/me").Must(http.StatusOK).Header.Get("Content-Language"), "after a refresh too")
		assert.Equal(t, "en", client.Get("/v1/me?locale=en").Must(http.StatusOK).Header.Get("Content-Language"))
		client.Patch("/v1/me", map[string]any{"locale": "en"}).Must(http.StatusOK)
		assert.Equal(t, "en", client.Get("/v1/me").Must(http.StatusOK).Header.Get("Content-Language"))
		assert.Equal(t, "en", r.exchange(t, r.mint(map[string]any{"locale": "de"}).Text("ticket")).Must(http.StatusOK).Header.Get("Content-Language"))
	})
}

func TestLinksAreListed(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		noah := a.Customer(t, r.acme, "noah@mailbox.test")
		var all, mias []string
		for i := range 7 {
			c := r.mia
			if i%2 == 1 {
				c = noah
			}
			id := r.backend.Post(mintPath, map[string]any{"customer_id": c.ID}).Must(http.StatusCreated).Text("id")
			all = append([]string{id}, all...)
			if i%2 == 0 {
				mias = append([]string{id}, mias...)
			}
		}
		assert.Equal(t, all, r.backend.Get(mintPath).Must(http.StatusOK).IDs())
		var byTwo []string
		for _, page := range pages(t, r.backend, mintPath+"?limit=2") {
			byTwo = append(byTwo, page...)
		}
		assert.Equal(t, all, byTwo)
		assert.Equal(t, mias, r.backend.Get(mintPath+"?customer_id="+string(r.mia.ID)).Must(http.StatusOK).IDs())
		assert.Empty(t, r.backend.Get(mintPath+"?customer_id="+a.IDs(foyer.PrefixCustomer)).Must(http.StatusOK).IDs())
		for _, wrong := range []string{"?customer_id=x", "?origin=x", "?merchant_id=" + string(r.zenith.ID), "?limit=0"} {
			r.backend.Get(mintPath+wrong).Refused(http.StatusBadRequest, "query.invalid")
		}
		next := r.backend.Get(mintPath + "?limit=2").Text("page.next")
		a.Key(t, r.acme).Get(mintPath+"?limit=2&after="+next).Refused(http.StatusBadRequest, "cursor.invalid")
		r.rival.Get(mintPath+"?limit=2&after="+next).Refused(http.StatusBadRequest, "cursor.invalid")
	})
}

func TestMintingIsLimited(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		for range 3 {
			r.mint(nil).Must(http.StatusCreated)
		}
		answer := r.mint(nil).Refused(http.StatusTooManyRequests, "rate_limited")
		assert.NotEmpty(t, answer.Header.Get("Retry-After"))
		r.rival.Post(mintPath, map[string]any{"customer_id": r.twin.ID}).Must(http.StatusCreated)
	}, foyertest.WithLimits(identity.Limits{identity.LimitPortalSession: {{Count: 3, Per: time.Minute}}}))
}

// Threats #44, #73, #74: neither ticket nor tokens stand in a log or can be read in the database.
func TestMintedSecretsStandNowhere(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		open, used := r.mint(nil, idempotencyKey, "a").Text("ticket"), r.mint(nil).Text("ticket")
		client := r.entered(t, used)
		direct := r.mint(map[string]any{"exchange": true}, idempotencyKey, "b").Must(http.StatusCreated)
		own := a.SignIn(t, r.acme, r.mia.Email)
		changeEmail(own, newAddress, idempotencyKey, "c").Must(http.StatusAccepted)
		change := changeToken(t, a, newAddress)
		settleMails(t, a)
		secrets := []string{open, used, client.Token, client.Refresh, direct.Text("access_token"), direct.Text("refresh_token"), change, r.backend.Token}
		tables := []string{"portal_sessions", "sessions", "refresh_tokens", "events", "idempotency_keys", "audit_log", "activity", "email_changes", "mails", "river_job", "sign_ins"}
		for _, table := range tables {
			content := dumped(t, a, table)
			for _, secret := range secrets {
				assert.NotContains(t, content, secret, table)
				if raw, err := base64.RawURLEncoding.DecodeString(secret); err == nil {
					assert.False(t, bytes.Contains([]byte(content), raw), table)
				}
			}
		}
		for _, secret := range secrets {
			assert.NotContains(t, a.Log.String(), secret)
		}
	})
}

// Threats #24, #89: whoever is archived or blocked loses every way in.
func TestEndCustomerEndsEveryWayIn(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		noah := a.Customer(t, r.acme, "noah@mailbox.test")
		asNoah := a.SignIn(t, r.acme, noah.Email)
		own := a.SignIn(t, r.acme, r.mia.Email)
		_, open := mailed(t, a, r.acme, r.mia.Email)
		changeEmail(own, newAddress).Must(http.StatusAccepted)
		change := changeToken(t, a, newAddress)
		link, minted := r.mint(nil).Text("ticket"), r.entered(t, r.mint(nil).Text("ticket"))
		sub := a.Subscription(t, r.mia).ID
		mail := ticket(t, a, r.mia, identity.TargetCancelSubscription, sub, identity.ScopeCancel(string(sub)))
		require.NoError(t, a.Store.InTx(context.Background(), func(ctx context.Context) error {
			return a.Identity.EndCustomer(ctx, foyertest.Scope(r.acme.ID, r.mia.ID))
		}))
		require.NoError(t, a.Identity.Refreshed(context.Background()))
		for _, c := range []*foyertest.Client{own, minted} {
			assert.False(t, works(t, a, c.Token))
			refresh(t, a, c.Refresh).Refused(http.StatusUnauthorized, "session.invalid")
		}
		r.exchange(t, link).Refused(http.StatusUnauthorized, "ticket.invalid")
		r.exchange(t, mail).Refused(http.StatusUnauthorized, "ticket.invalid")
		verify(t, a, map[string]any{"token": foyertest.LinkToken(open)}).Refused(http.StatusUnauthorized, "sign_in.invalid")
		verifyChange(t, a, change).Refused(http.StatusUnauthorized, "email_change.invalid")
		assert.True(t, works(t, a, asNoah.Token), "nobody else's")
	})
}

// Whoever comes in while the customer is archived is out again, by whatever way; and nobody waits for anybody for ever.
func TestArchivingAgainstEveryWayIn(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		for i := range 8 {
			c := a.Customer(t, r.acme, foyertest.Email(i))
			own := a.SignIn(t, r.acme, c.Email)
			next := foyertest.Email(100 + i)
			changeEmail(own, next).Must(http.StatusAccepted)
			_, mail := mailed(t, a, r.acme, c.Email)
			link := r.backend.Post(mintPath, map[string]any{"customer_id": c.ID}).Must(http.StatusCreated).Text("ticket")
			change := changeToken(t, a, next)
			statuses := together(8, func(n int) int {
				switch n % 4 {
				case 0:
					return r.backend.Post("/v1/merchant/customers/"+string(c.ID)+"/archive", nil).Status
				case 1:
					return r.exchange(t, link).Status
				case 2:
					return verify(t, a, map[string]any{"token": foyertest.LinkToken(mail)}).Status
				default:
					return verifyChange(t, a, change).Status
				}
			})
			for status := range statuses {
				assert.Less(t, status, 500)
			}
			assert.Zero(t, openSessions(t, a, r.acme, c.ID))
		}
	})
}

// Every change of a sign-in, a session and a link is one event, in order, with the thing as the API shows it and no secret.
func TestIdentityTellsWhatHappened(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		a.Client(t).RequestSignIn(r.acme, "stranger@mailbox.test").Must(http.StatusAccepted)
		own := a.SignIn(t, r.acme, r.mia.Email)
		made := r.mint(nil)
		minted := r.entered(t, made.Text("ticket"))
		direct := r.mint(map[string]any{"exchange": true})
		r.backend.Delete(mintPath + "/" + made.Text("id")).Must(http.StatusNoContent)
		unused := r.mint(nil).Text("id")
		r.backend.Delete(mintPath + "/" + unused).Must(http.StatusNoContent)
		own.Delete("/v1/sessions/" + direct.Text("session_id")).Must(http.StatusNoContent)
		own.Delete("/v1/sessions").Must(http.StatusNoContent)
		own.Delete("/v1/sessions/current")
		changeAfter := a.SignIn(t, r.acme, r.mia.Email)
		changeEmail(changeAfter, newAddress).Must(http.StatusAccepted)
		verifyChange(t, a, changeToken(t, a, newAddress)).Must(http.StatusOK)
		settleMails(t, a)

		events, err := a.Notify.Events(context.Background(), r.acme.ID, notify.EventFilter{}, foyer.PageRequest{Limit: 1000})
		require.NoError(t, err)
		told := map[string][]string{}
		for i := len(events) - 1; i >= 0; i-- {
			e := events[i]
			told[e.Subject] = append(told[e.Subject], fmt.Sprint(e.Sequence, " ", e.Type))
			require.NotEmpty(t, e.Object, e.Type)
			assert.Equal(t, r.mia.ID, e.Scope.Customer, e.Type)
			assert.Contains(t, string(e.Object), string(r.mia.ID), e.Type)
			for _, secret := range []string{"stranger", made.Text("ticket"), minted.Token, minted.Refresh, "nonce", "hash", "token", `"code`} {
				assert.NotContains(t, string(e.Object), secret, e.Type)
			}
			if e.Sequence > 1 && strings.HasPrefix(string(e.Type), "s") {
				assert.NotEmpty(t, e.Previous, e.Type)
			}
		}
		for _, all := range told {
			slices.Sort(all) // events of one moment come in any order: the sequence tells
		}
		assert.Equal(t, []string{"1 portal_session.created", "2 portal_session.used", "3 portal_session.revoked"}, told[made.Text("id")])
		assert.Equal(t, []string{"1 portal_session.created", "2 portal_session.revoked"}, told[unused])
		assert.Equal(t, []string{"1 portal_session.created", "2 portal_session.used"}, told[direct.Text("id")])
		for _, session := range []string{own.Session, minted.Session, direct.Text("session_id")} {
			assert.Equal(t, []string{"1 session.created", "2 session.revoked"}, told[session])
		}
		assert.Equal(t, []string{"1 customer.updated"}, told[string(r.mia.ID)])
		signIns := 0
		for subject, all := range told {
			if strings.HasPrefix(subject, "sgn_") {
				signIns++
				assert.Equal(t, []string{"1 sign_in.created", "2 sign_in.completed"}, all)
			}
		}
		assert.Equal(t, 2, signIns, "of customers only")
		log := a.Key(t, r.acme).Get("/v1/merchant/events?limit=100").Must(http.StatusOK)
		assert.Equal(t, len(events), log.Len("data"))
	})
}

// Each write leaves one line of the audit log.
func TestMintingIsAudited(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		r := newMintRig(t, a)
		made := r.mint(nil, idempotencyKey, "k")
		r.mint(nil, idempotencyKey, "k").Must(http.StatusCreated)
		r.mint(map[string]any{"return_url": "https://evil.test"}).Must(http.StatusUnprocessableEntity)
		r.backend.Delete(mintPath + "/" + made.Text("id")).Must(http.StatusNoContent)
		log := a.Key(t, r.acme).Get("/v1/merchant/audit-log?limit=100").Must(http.StatusOK)
		var actions []string
		for i := range log.Len("data") {
			if log.Text(fmt.Sprintf("data.%d.subject_id", i)) == made.Text("id") {
				actions = append(actions, log.Text(fmt.Sprintf("data.%d.action", i)))
			}
		}
		assert.Equal(t, []string{"merchantRevokePortalSession", "merchantCreatePortalSession"}, actions)
	})
}
