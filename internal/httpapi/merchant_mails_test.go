package httpapi_test

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

const (
	mailsPath   = "/v1/merchant/mails"
	germanTexts = mailsPath + "/texts/de"
)

// ownText is what a merchant has worded for a key.
func ownText(a *foyertest.Answer, key string) any {
	for _, text := range a.At("texts").([]any) {
		if text := text.(map[string]any); text["key"] == key {
			return text["own_text"]
		}
	}
	return "no such text"
}

// What a merchant words stands in the mails its customers get, in that language and in no other, and is gone again with null.
func TestMerchantsWordTheirMails(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Customer(t, m, "mia@mailbox.test")
		key := a.Key(t, m)
		before := key.Get(germanTexts).Must(http.StatusOK)
		require.Greater(t, before.Len("texts"), 50)
		assert.Equal(t, []any{"de", true, 0.0}, []any{before.At("language"), before.At("translated"), before.At("updated_version")})
		assert.Nil(t, ownText(before, "mail.sign_in.subject"))
		key.Get(germanTexts, "If-None-Match", before.Header.Get("ETag")).Must(http.StatusNotModified)

		const subject = "Servus! Dein Link für {{.Merchant}}"
		changed := key.Patch(germanTexts, map[string]any{"texts": map[string]any{"mail.sign_in.subject": subject, "mail.billing.greeting_name": "Servus {{.Name}}!"}},
			"If-Match", before.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, []any{1.0, subject, "Servus {{.Name}}!"}, []any{changed.At("updated_version"), ownText(changed, "mail.sign_in.subject"), ownText(changed, "mail.billing.greeting_name")})
		assert.Nil(t, ownText(key.Get(mailsPath+"/texts/en").Must(http.StatusOK), "mail.sign_in.subject"))
		key.Patch(germanTexts, map[string]any{"texts": map[string]any{"mail.sign_in.intro": "x {{.Merchant}}"}}, "If-Match", before.Header.Get("ETag")).
			Refused(http.StatusPreconditionFailed, "precondition.failed")
		same := key.Patch(germanTexts, map[string]any{"texts": map[string]any{"mail.sign_in.subject": subject}}).Must(http.StatusOK)
		assert.Equal(t, changed.Header.Get("ETag"), same.Header.Get("ETag"), "what changes nothing is no change")

		a.Client(t).RequestSignIn(m, "mia@mailbox.test", map[string]any{"locale": "de"}).Must(http.StatusAccepted)
		assert.Equal(t, "Servus! Dein Link für acme", a.AwaitMails(t, "mia@mailbox.test", 1)[0].Subject)

		back := key.Patch(germanTexts, map[string]any{"texts": map[string]any{"mail.sign_in.subject": nil}}).Must(http.StatusOK)
		assert.Nil(t, ownText(back, "mail.sign_in.subject"))
		assert.Equal(t, "Servus {{.Name}}!", ownText(back, "mail.billing.greeting_name"), "what is not named stays")
		other := a.Key(t, a.Merchant(t, "zenith"))
		assert.Nil(t, ownText(other.Get(germanTexts).Must(http.StatusOK), "mail.billing.greeting_name"), "another merchant's words are its own")
	})
}

// Threats: a text that leaves out a fact, a text with the program of another template engine, a text the law wants as it is.
func TestWordingsThatAreRefused(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	key := a.Key(t, m)
	for name, c := range map[string]struct {
		key, code string
		text      any
	}{
		"a fact left out":            {"mail.receipt.intro", "mail_text.placeholders", "Thank you!"},
		"a fact nobody knows":        {"mail.sign_in.subject", "mail_text.placeholders", "{{.Merchant}} {{.Password}}"},
		"a program":                  {"mail.sign_in.subject", "mail_text.placeholders", `{{.Merchant}} {{printf "%s" .}}`},
		"an unclosed action":         {"mail.sign_in.subject", "mail_text.placeholders", "{{.Merchant}} {{"},
		"a fact where there is none": {"mail.receipt.attached", "mail_text.none", "Attached, {{.Name}}"},
		"nothing":                    {"mail.receipt.attached", "input.required", "  "},
		"two lines":                  {"mail.receipt.attached", "input.text_characters", "a\nBcc: x@evil.test"},
		"an override":                {"mail.receipt.attached", "input.text_characters", "a\u202eb"},
		"a key of no mail":           {"problem.not_found", "mail_text.fixed", "x"},
		"a key there is none of":     {"mail.receipt.nothing", "mail_text.fixed", "x"},
		"a reminder of the law":      {"mail.trial_ending.intro", "mail_text.fixed", nil},
		"an acknowledgement":         {"mail.withdrawal_received.intro", "mail_text.fixed", "x"},
		"plural forms":               {"mail.sign_in.expires", "mail_text.fixed", "x"},
	} {
		body := map[string]any{"texts": map[string]any{c.key: c.text}}
		refused := key.Patch(germanTexts, body)
		refused.Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, []string{"/texts/" + c.key + " " + c.code}, toldFaults(refused), name)
		assert.NotContains(t, string(refused.Body), "Password", "what was sent is not repeated")
		preview := key.Post(mailsPath+"/preview", map[string]any{"kind": "receipt", "texts": body["texts"]})
		assert.Equal(t, http.StatusUnprocessableEntity, preview.Status, name)
	}
	key.Patch(germanTexts, map[string]any{"texts": map[string]any{"mail.receipt.attached": strings.Repeat("x", 1001)}}).Must(http.StatusUnprocessableEntity)
	key.Get(mailsPath+"/texts/tlh").Refused(http.StatusNotFound, "not_found")
	key.Patch(mailsPath+"/texts/x!", map[string]any{"texts": map[string]any{"mail.receipt.attached": "x"}}).Refused(http.StatusNotFound, "not_found")
	assert.Zero(t, key.Get(germanTexts).Must(http.StatusOK).At("updated_version"), "nothing has changed")
	a.Key(t, m, merchant.PermissionRead).Patch(germanTexts, map[string]any{"texts": map[string]any{"mail.receipt.attached": "x"}}).Refused(http.StatusForbidden, "auth.permission")
}

// Every mail can be looked at in every language, with words that are tried out; nothing is sent and nothing kept.
func TestMailsArePreviewed(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	key := a.Key(t, m)
	key.Patch("/v1/merchant/portal", map[string]any{
		"mail_sender": map[string]any{"name": "Acme Billing", "address": "billing@acme.test", "reply_to": "help@acme.test"},
		"branding":    map[string]any{"color": "#ffdd00", "logo_url": "https://acme.test/logo.png"},
	}).Must(http.StatusOK)
	kinds := key.Get(mailsPath).Must(http.StatusOK)
	require.Greater(t, kinds.Len("data"), 25)
	for _, kind := range kinds.At("data").([]any) {
		kind := kind.(map[string]any)
		assert.NotContains(t, kind["about"], "mail.kind.", "every mail has a name")
		for _, language := range []string{"en", "de", "ar", "ja"} {
			shown := key.Post(mailsPath+"/preview", map[string]any{"kind": kind["kind"], "language": language}).Must(http.StatusOK)
			locale, _ := i18n.Find(language)
			assert.Equal(t, locale.Language, shown.At("language"))
			assert.Equal(t, locale.RightToLeft(), shown.Text("direction") == "rtl")
			for _, part := range []string{"subject", "preheader", "text", "html"} {
				for _, never := range []string{"mail.", "{{", "}}", "…", "<no value>", "ZgotmplZ", "%!"} {
					assert.NotContains(t, strings.ReplaceAll(shown.Text(part), "mail.billing@", ""), never, "%s %s %s", kind["kind"], language, part)
				}
				assert.NotEmpty(t, shown.Text(part))
			}
			assert.Equal(t, []any{"Acme Billing", "billing@acme.test", "help@acme.test"}, []any{shown.At("from_name"), shown.At("from_address"), shown.At("reply_to")})
			assert.Contains(t, shown.Text("html"), `src="https://acme.test/logo.png" alt="acme"`)
			assert.Contains(t, shown.Text("html"), "color: #14171d", "dark letters on a light button")
		}
	}
	tried := key.Post(mailsPath+"/preview", map[string]any{"kind": "receipt", "texts": map[string]any{"mail.receipt.attached": "<b>Bill & Co</b>: see the file."}}, "Idempotency-Key", rand.Text()).Must(http.StatusOK)
	assert.Contains(t, tried.Text("text"), "<b>Bill & Co</b>: see the file.")
	assert.Contains(t, tried.Text("html"), "&lt;b&gt;Bill &amp; Co&lt;/b&gt;")
	assert.NotContains(t, key.Post(mailsPath+"/preview", map[string]any{"kind": "receipt"}).Must(http.StatusOK).Text("text"), "Bill & Co")
	assert.Zero(t, key.Get(mailsPath+"/texts/en").Must(http.StatusOK).At("updated_version"))
	for body, pointer := range map[string]string{"nothing": "/kind", "receipt": "/language"} {
		refused := key.Post(mailsPath+"/preview", map[string]any{"kind": body, "language": map[string]string{"nothing": "en", "receipt": "tlh"}[body]})
		refused.Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, pointer, refused.Text("errors.0.pointer"))
	}
	assert.Empty(t, a.Mails(t, ""), "nothing was sent")
}
