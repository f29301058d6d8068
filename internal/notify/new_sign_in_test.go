package notify

import (
	"html"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

func drawNewSignIn(t *testing.T, locale, merchantName, customer, device string) Mail {
	t.Helper()
	l, ok := i18n.Parse(locale)
	require.True(t, ok)
	settings := merchant.Settings{Name: merchantName, FrontendURL: "https://acme.test/portal", Legal: merchant.LegalLinks{SupportURL: "https://help.acme.test/"}}
	m, err := newSignInMail(stationery{settings: settings, locale: l}, customer, identity.Session{
		Place: foyer.Place{Device: device, IP: "203.0.113.0/24"}, CreatedAt: time.Date(2026, 3, 14, 15, 9, 0, 0, time.UTC),
	}, "https://billing.test")
	require.NoError(t, err)
	return m
}

func TestNewSignInMail(t *testing.T) {
	t.Parallel()
	for locale, says := range map[string][]string{
		"en": {"New sign-in", "Hello Mia", "Device: Firefox on Windows", "Network address: 203.0.113.0/24", "March 14, 2026", "sign out everywhere", "https://acme.test/portal/", "https://help.acme.test/", "Acme"},
		"de": {"Neue Anmeldung", "Guten Tag Mia", "Gerät: Firefox on Windows", "14. März 2026", "überall ab", "https://acme.test/portal/"},
	} {
		m := drawNewSignIn(t, locale, "Acme", "Mia", "Firefox on Windows")
		for _, want := range says {
			assert.Contains(t, plain(m.Subject+"\n"+m.Text), want, locale)
		}
		for _, href := range hrefs.FindAllStringSubmatch(m.HTML, -1) {
			assert.Contains(t, m.Text, html.UnescapeString(href[1]), "the text part has every link")
		}
		assert.NotContains(t, m.Text+m.HTML, "{{")
		assert.NotContains(t, m.Text, "#ticket=", "whoever reads the mailbox gets no link that signs in")
	}
	assert.Contains(t, drawNewSignIn(t, "en", "Acme", "", "").Text, "Device: not known")
}

func TestNewSignInNamesAreNoMarkup(t *testing.T) {
	t.Parallel()
	decent := drawNewSignIn(t, "en", "Acme", "Mia", "Firefox")
	for _, hostile := range []string{"<img src=//evil.test>", "{{.}}", "</title><script>", "Acme\r\nBcc: v@x.test"} {
		m := drawNewSignIn(t, "en", hostile, hostile, hostile)
		assert.Equal(t, tagsOf(decent.HTML), tagsOf(m.HTML), "%q makes no element", hostile)
		assert.NotContains(t, m.Subject+m.FromName, "\n")
	}
}
