package notify

import (
	"html"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

const changeLink = "https://acme.test/portal/email-change#token=pV0yJ3mQk0fT2s6r6bq0y1mO4m2v7H8m1kq9w3xYz5A"

func drawChange(t *testing.T, locale string, step identity.EmailChangeStep, merchantName, customer, link string, change ...func(*merchant.Settings)) Mail {
	t.Helper()
	l, ok := i18n.Parse(locale)
	require.True(t, ok)
	settings := merchant.Settings{Name: merchantName}
	for _, c := range change {
		c(&settings)
	}
	m, err := emailChangeMail{stationery: stationery{settings: settings, locale: l}, step: step, name: customer, email: "mia@new.test", link: link, life: 10 * time.Minute}.mail()
	require.NoError(t, err)
	return m
}

// Names stand in these mails as they are too, never as markup or as a template (#40), and stay on their line (#39).
func TestEmailChangeNamesAreNoMarkup(t *testing.T) {
	t.Parallel()
	for _, step := range []identity.EmailChangeStep{identity.EmailChangeLink, identity.EmailChangeNotice, identity.EmailChangeDone} {
		plain := drawChange(t, "en", step, "Acme", "Mia", changeLink)
		for _, hostile := range []string{"<img src=//evil.test>", `"><a href="https://evil.test">x</a>`, "{{.}}", "</title><script>", "javascript:alert(1)", "Acme\r\nBcc: v@x.test"} {
			m := drawChange(t, "en", step, hostile, hostile, changeLink)
			assert.Equal(t, tagsOf(plain.HTML), tagsOf(m.HTML), "%q makes no element", hostile)
			for _, href := range hrefs.FindAllStringSubmatch(m.HTML, -1) {
				assert.Equal(t, changeLink, html.UnescapeString(href[1]))
			}
			assert.NotContains(t, m.Subject+m.FromName, "\n")
			assert.Equal(t, strings.Count(plain.Text, "\n"), strings.Count(m.Text, "\n"))
		}
	}
}

func TestEmailChangeMailsSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	help := func(s *merchant.Settings) { s.Legal.SupportURL = "https://help.acme.test/" }
	for _, c := range []struct {
		step           identity.EmailChangeStep
		link           string
		locale, says   string
		linked, helped bool
	}{
		{identity.EmailChangeLink, changeLink, "en", "10 minutes", true, false},
		{identity.EmailChangeLink, changeLink, "de", "10 Minuten", true, false},
		{identity.EmailChangeLink, "", "en", "There already is an account", false, false},
		{identity.EmailChangeLink, "", "de", "Es gibt bereits ein Konto", false, false},
		{identity.EmailChangeNotice, "", "en", "asked to change your email address to mia@new.test", false, true},
		{identity.EmailChangeNotice, "", "de-AT", "in mia@new.test ändern", false, true},
		{identity.EmailChangeDone, "", "en", "From now on", false, true},
		{identity.EmailChangeDone, "", "de", "Ab jetzt", false, true},
	} {
		m := drawChange(t, c.locale, c.step, "Acme", "Mia", c.link, help)
		assert.Contains(t, m.Text, c.says)
		assert.Contains(t, html.UnescapeString(m.HTML), c.says)
		assert.Equal(t, c.linked, strings.Contains(m.Text, changeLink))
		assert.Equal(t, c.helped, strings.Contains(m.Text, "Mia"), "who may be a stranger learns no name")
		assert.Contains(t, m.Text, "https://help.acme.test/")
		assert.NotContains(t, m.Text+m.HTML+m.Subject, "mail.email")
		assert.NotContains(t, m.Text+m.Subject, "<no value>")
	}
	byMail := drawChange(t, "en", identity.EmailChangeNotice, "Acme", "Mia", "", func(s *merchant.Settings) { s.Seller.Email = "help@acme.test" })
	assert.Contains(t, byMail.Text, "mailto:help@acme.test", "without a page the mailbox helps")
	signed := drawChange(t, "en", identity.EmailChangeDone, "Acme", "Mia", "", func(s *merchant.Settings) {
		s.MailSender = merchant.MailSender{Name: "Acme Care", ReplyTo: "care@acme.test"}
	})
	assert.Equal(t, "Acme Care", signed.FromName)
	assert.Equal(t, "care@acme.test", signed.ReplyTo)
}
