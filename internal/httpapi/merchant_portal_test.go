package httpapi_test

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

const portal = "/v1/merchant/portal"

// Settings act at once, and within half a second in another process.
func TestSettingsActAtOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key, nobody, second := a.Key(t, m), a.Client(t), a.Second(t)
		elsewhere := second.Client(t)
		public := "/v1/portals/" + string(m.Portal.ID)
		allowed := func(c *foyertest.Client, origin string) bool {
			return c.Get(public, "Origin", origin).Must(http.StatusOK).Header.Get("Access-Control-Allow-Origin") == origin
		}
		require.False(t, allowed(nobody, "https://new.acme.test"))
		require.False(t, allowed(elsewhere, "https://new.acme.test"))
		before := key.Get(portal).Must(http.StatusOK)
		changed := key.Patch(portal, map[string]any{
			"allowed_origins": []string{"https://new.acme.test"},
			"features":        map[string]any{"pause": false, "quantity": false},
			"languages":       []string{"de", "en"},
			"default_locale":  "de",
			"sign_in":         map[string]any{"device_binding_required": true},
			"legal":           map[string]any{"terms_url": "https://acme.test/agb", "texts": map[string]any{"de": "Es gilt deutsches Recht.", "en": "German law applies."}},
			"mail_sender":     map[string]any{"name": "Acme Billing", "reply_to": "billing@acme.test"},
			"return_urls":     []string{"https://app.acme.test", "com.acme.app://billing"},
		}, "If-Match", before.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, "acme GmbH", changed.Text("seller.legal_name"), "what is not named stays")
		assert.True(t, allowed(nobody, "https://new.acme.test"))
		assert.False(t, allowed(nobody, "https://acme.test"))
		shown := nobody.Get(public).Must(http.StatusOK)
		assert.Equal(t, []any{false, true, false, "de", "Es gilt deutsches Recht.", true, 2}, []any{
			shown.At("features.pause"), shown.At("features.cancel"), shown.At("features.quantity"), shown.Text("default_locale"), shown.Text("legal.text"),
			shown.At("device_binding_required"), shown.Len("languages"),
		})
		assert.Equal(t, "German law applies.", nobody.Get(public+"?locale=en").Text("legal.text"))
		assert.Equal(t, "de", nobody.Get(public+"?locale=fr").Header.Get("Content-Language"), "the portal does not speak French")
		assert.Equal(t, "de", nobody.Get(public, "Accept-Language", "fr, ja;q=0.5").Header.Get("Content-Language"))
		require.Eventually(t, func() bool { return allowed(elsewhere, "https://new.acme.test") }, time.Second, 50*time.Millisecond)
		key.Patch(portal, map[string]any{"name": "Late"}, "If-Match", before.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")

		back := key.Patch(portal, map[string]any{"features": map[string]any{"pause": nil}, "languages": nil, "default_locale": nil, "legal": nil}).Must(http.StatusOK)
		assert.Equal(t, []any{true, false, nil, 0}, []any{back.At("features.pause"), back.At("features.quantity"), back.At("default_locale"), back.Len("languages")})
		assert.Nil(t, back.At("legal.terms_url"))
		same := key.Patch(portal, map[string]any{"features": map[string]any{"pause": true}}).Must(http.StatusOK)
		assert.Equal(t, back.Header.Get("ETag"), same.Header.Get("ETag"), "what changes nothing is no change")
		key.Get(portal, "If-None-Match", same.Header.Get("ETag")).Must(http.StatusNotModified)
	})
}

// What stands on invoices is set by language, patched by language, and shown as it is set.
func TestInvoiceSettings(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	key := a.Key(t, m)
	none := key.Get(portal).Must(http.StatusOK)
	assert.Equal(t, map[string]any{"footers": map[string]any{}, "notes": map[string]any{}, "bilingual": false, "revisions": 1.0, "refund_tax": false}, none.At("invoices"))
	changed := key.Patch(portal, map[string]any{"invoices": map[string]any{
		"footers": map[string]any{"default": "Acme Inc.", "pt-br": "Acme Ltda.\nCNPJ 1"}, "notes": map[string]any{"de": "Danke."}, "bilingual": true, "revisions": 3, "refund_tax": true,
	}}).Must(http.StatusOK)
	assert.Equal(t, map[string]any{
		"footers": map[string]any{"default": "Acme Inc.", "pt-BR": "Acme Ltda.\nCNPJ 1"}, "notes": map[string]any{"de": "Danke."}, "bilingual": true, "revisions": 3.0, "refund_tax": true,
	}, changed.At("invoices"))
	fewer := key.Patch(portal, map[string]any{"invoices": map[string]any{"footers": map[string]any{"default": nil}, "notes": nil, "revisions": 0}}).Must(http.StatusOK)
	assert.Equal(t, map[string]any{
		"footers": map[string]any{"pt-BR": "Acme Ltda.\nCNPJ 1"}, "notes": map[string]any{}, "bilingual": true, "revisions": 0.0, "refund_tax": true,
	}, fewer.At("invoices"))
	assert.Equal(t, none.At("invoices"), key.Patch(portal, map[string]any{"invoices": nil}).Must(http.StatusOK).At("invoices"))
}

// Threats #42, #43, #48: what would lead customers, or us, somewhere else is refused, and nothing of the change is kept.
func TestSettingsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	key := a.Key(t, m)
	before := key.Get(portal).Must(http.StatusOK)
	var huge bytes.Buffer
	require.NoError(t, png.Encode(&huge, image.NewGray(image.Rect(0, 0, 5000, 10))))
	for name, change := range map[string]any{
		"origin with a pattern":      map[string]any{"allowed_origins": []string{"https://*.acme.test"}},
		"origin in another script":   map[string]any{"allowed_origins": []string{"https://münchen.test"}},
		"default not spoken":         map[string]any{"languages": []string{"de"}, "default_locale": "fr"},
		"path from no price":         map[string]any{"plan_paths": map[string]any{"pri_00000000000000000000000000": []string{}}},
		"origin with a path":         map[string]any{"allowed_origins": []string{"https://acme.test/app"}},
		"origin of plain http":       map[string]any{"allowed_origins": []string{"http://acme.test"}},
		"origin null":                map[string]any{"allowed_origins": []string{"null"}},
		"origin with a wildcard":     map[string]any{"allowed_origins": []string{"https://*.acme.test", "*"}},
		"origin in capitals":         map[string]any{"allowed_origins": []string{"https://ACME.test"}},
		"frontend with a query":      map[string]any{"frontend_url": "https://acme.test/?x=1"},
		"frontend of plain http":     map[string]any{"frontend_url": "http://acme.test"},
		"frontend with credentials":  map[string]any{"frontend_url": "https://user:pass@acme.test"},
		"frontend javascript":        map[string]any{"frontend_url": "javascript:alert(1)"},
		"return URL with userinfo":   map[string]any{"return_urls": []string{"https://u:p@acme.test/"}},
		"logo of plain http":         map[string]any{"branding": map[string]any{"logo_url": "http://acme.test/logo.png"}},
		"terms javascript":           map[string]any{"legal": map[string]any{"terms_url": "javascript:alert(1)"}},
		"terms with a quote":         map[string]any{"legal": map[string]any{"terms_url": `https://acme.test/"><script>`}},
		"colour with CSS":            map[string]any{"branding": map[string]any{"color": "#fff;background:url(x)"}},
		"an unknown language":        map[string]any{"languages": []string{"tlh"}},
		"a reply to two":             map[string]any{"mail_sender": map[string]any{"reply_to": "a@acme.test,b@evil.test"}},
		"a sender with a line break": map[string]any{"mail_sender": map[string]any{"name": "Acme\r\nBcc: x@evil.test"}},
		"a sender of two":            map[string]any{"mail_sender": map[string]any{"address": "a@acme.test,b@evil.test"}},
		"a footer in no language":    map[string]any{"invoices": map[string]any{"footers": map[string]any{"tlh": "x"}}},
		"a footer with an override":  map[string]any{"invoices": map[string]any{"footers": map[string]any{"de": "x\u202ey"}}},
		"an empty note":              map[string]any{"invoices": map[string]any{"notes": map[string]any{"de": ""}}},
		"a language twice":           map[string]any{"invoices": map[string]any{"footers": map[string]any{"de": "a", "DE": "b"}}},
		"a note of spaces":           map[string]any{"invoices": map[string]any{"notes": map[string]any{"de": "  "}}},
		"endless revisions":          map[string]any{"invoices": map[string]any{"revisions": 11}},
		"a name with an override":    map[string]any{"name": "Acme\u202emoc"},
		"an empty name":              map[string]any{"name": "  "},
		"dunning backwards":          map[string]any{"dunning": map[string]any{"days": []int{5, 3}}},
		"dunning for ever":           map[string]any{"dunning": map[string]any{"days": []int{0, 91}}},
		"a path from no price":       map[string]any{"plan_paths": map[string]any{"basic": []string{}}},
		"a country that is none":     map[string]any{"seller": map[string]any{"address": map[string]any{"country": "XX"}}},
		"a logo that is none":        map[string]any{"seller": map[string]any{"logo": base64.StdEncoding.EncodeToString([]byte("<svg onload=alert(1)>"))}},
		"a logo too large to draw":   map[string]any{"seller": map[string]any{"logo": base64.StdEncoding.EncodeToString(huge.Bytes())}},
		"a logo that is no base64":   map[string]any{"seller": map[string]any{"logo": "%%%"}},
		"a card number":              map[string]any{"legal": map[string]any{"texts": map[string]any{"en": "4242 4242 4242 4242"}}},
	} {
		answer := key.Patch(portal, change)
		assert.Equal(t, http.StatusUnprocessableEntity, answer.Status, "%s: %s", name, answer.Body)
	}
	for name, body := range map[string]any{
		"mode":      map[string]any{"mode": "live"},
		"id":        map[string]any{"id": "cpl_x"},
		"cancel":    map[string]any{"features": map[string]any{"cancel": false}},
		"version":   map[string]any{"updated_version": 7},
		"folded":    map[string]any{"Name": "x"},
		"below":     map[string]any{"seller": map[string]any{"missing": []string{}}},
		"merchants": map[string]any{"merchant_id": "mer_x"},
	} {
		answer := key.Patch(portal, body)
		assert.Equal(t, http.StatusBadRequest, answer.Status, "%s: %s", name, answer.Body)
	}
	assert.Equal(t, string(before.Body), string(key.Get(portal).Must(http.StatusOK).Body), "nothing has changed")
	a.Key(t, m, merchant.PermissionRead, merchant.PermissionWrite).Patch(portal, map[string]any{"name": "x"}).Refused(http.StatusForbidden, "auth.permission")
	var small bytes.Buffer
	require.NoError(t, png.Encode(&small, image.NewGray(image.Rect(0, 0, 20, 10))))
	logo := base64.StdEncoding.EncodeToString(small.Bytes())
	assert.Equal(t, true, key.Patch(portal, map[string]any{"seller": map[string]any{"logo": logo}}).Must(http.StatusOK).At("seller.has_logo"))
	assert.Equal(t, true, key.Patch(portal, map[string]any{"seller": map[string]any{"email": "x@acme.test"}}).Must(http.StatusOK).At("seller.has_logo"), "it stays")
	assert.Equal(t, false, key.Patch(portal, map[string]any{"seller": map[string]any{"logo": nil}}).Must(http.StatusOK).At("seller.has_logo"))
}

// The merchant's sender stands in its mails, and its sign-in policy is kept.
func TestMailsAreSignedAsTheMerchantSays(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	a.Customer(t, m, "mia@mailbox.test")
	key := a.Key(t, m)
	key.Patch(portal, map[string]any{"mail_sender": map[string]any{"name": "Acme Rechnungen", "reply_to": "billing@acme.test"}, "languages": []string{"de"}}).Must(http.StatusOK)
	a.Client(t).RequestSignIn(m, "mia@mailbox.test", map[string]any{"locale": "ja"}).Must(http.StatusAccepted)
	mail := a.AwaitMails(t, "mia@mailbox.test", 1)[0]
	assert.Equal(t, []string{"Acme Rechnungen", "billing@acme.test", "de"}, []string{mail.FromName, mail.ReplyTo, mail.Language})
	key.Patch(portal, map[string]any{"sign_in": map[string]any{"device_binding_required": true}}).Must(http.StatusOK)
	refused := a.Client(t).RequestSignIn(m, "mia@mailbox.test").Refused(http.StatusUnprocessableEntity, "input.invalid")
	assert.Equal(t, "/code_challenge", refused.Text("errors.0.pointer"))
	assert.NotContains(t, a.Log.String(), "billing@acme.test")
}

// Threat: a merchant that sends as somebody else the mail server is believed about. Mails come from the instance's domain and those it allows.
func TestTheSendersDomainIsOneOfTheInstance(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite", foyertest.WithMailServer("smtp://127.0.0.1:1?from=billing@host.test&tls=none", "acme.test"))
	key := a.Key(t, a.Merchant(t, "acme"))
	for address, allowed := range map[string]bool{
		"shop@acme.test": true, "shop@ACME.test": true, "any@host.test": true, "ceo@bank.test": false, "x@sub.acme.test": false, "x@acme.test.evil.test": false,
	} {
		answer := key.Patch(portal, map[string]any{"mail_sender": map[string]any{"address": address}})
		if allowed {
			assert.Equal(t, address, answer.Must(http.StatusOK).Text("mail_sender.address"))
			continue
		}
		answer.Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, []string{"/mail_sender/address input.mail_domain"}, toldFaults(answer), address)
	}
	assert.Nil(t, key.Patch(portal, map[string]any{"mail_sender": map[string]any{"address": nil}}).Must(http.StatusOK).At("mail_sender.address"))
}
