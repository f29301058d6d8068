package notify

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

const link = "https://acme.test/portal/sign-in#token=pV0yJ3mQk0fT2s6r6bq0y1mO4m2v7H8m1kq9w3xYz5A"

func draw(t *testing.T, locale, merchantName, customer, color string) Mail {
	t.Helper()
	l, ok := i18n.Parse(locale)
	require.True(t, ok)
	settings := merchant.Settings{Name: merchantName, Branding: merchant.Branding{Color: color}}
	m, err := signInMail(stationery{settings: settings, locale: l}, customer, identity.Letter{Code: "ABCDEFGH"}, link, 10*time.Minute)
	require.NoError(t, err)
	return m
}

var (
	hrefs = regexp.MustCompile(`(?i)(?:href|src|action|background)\s*=\s*"([^"]*)"`)
	tags  = regexp.MustCompile(`<(/?[a-zA-Z][a-zA-Z0-9]*)`)
)

func tagsOf(page string) string {
	var names []string
	for _, m := range tags.FindAllStringSubmatch(page, -1) {
		names = append(names, m[1])
	}
	return strings.Join(names, " ")
}

// Names stand in a mail as they are, never as markup or as a template (#40, CVE-2022-31127).
func TestNamesAreNoMarkupAndNoTemplate(t *testing.T) {
	t.Parallel()
	plain := draw(t, "en", "Acme", "Mia", "")
	for _, hostile := range []string{
		"<img src=//evil.test>", "<script>alert(1)</script>", `"><a href="https://evil.test">x</a>`, "{{.}}", `{{printf "%s" .Link}}`, "{{.Code}}", "${7*7}", "#{7*7}", "%s%n", "javascript:alert(1)", "</title><script>", "<!--", "-->",
		"&lt;b&gt;", "' onmouseover='alert(1)", "</style><style>*{display:none}",
	} {
		m := draw(t, "en", hostile, hostile, hostile)
		assert.Equal(t, tagsOf(plain.HTML), tagsOf(m.HTML), "%q makes no element", hostile)
		for _, href := range hrefs.FindAllStringSubmatch(m.HTML, -1) {
			assert.Equal(t, link, html.UnescapeString(href[1]), "%q", hostile)
		}
		assert.Contains(t, html.UnescapeString(m.HTML), hostile)
		assert.Contains(t, m.Text, hostile, "the text part says it literally")
		assert.Contains(t, m.Subject, hostile)
		assert.Equal(t, 1, strings.Count(m.Text, "#token="))
		assert.NotContains(t, m.Text, "49")
		assert.Contains(t, m.HTML, "#2f5bea", "a color that is none is not used")
	}
	assert.Contains(t, draw(t, "en", "Acme", "Mia", "#aabbcc").HTML, "#aabbcc")
}

func TestNamesStayOnTheirLine(t *testing.T) {
	t.Parallel()
	lines := strings.Count(draw(t, "en", "Acme", "Mia", "").Text, "\n")
	for _, hostile := range []string{"Acme\r\n\r\nhttps://evil.test", "A\u2028B", "A\u2029B", "A\u0085B", "A\x00B", "A\vB\fC"} {
		m := draw(t, "en", hostile, hostile, "")
		assert.Equal(t, lines, strings.Count(m.Text, "\n"), "%q", hostile)
		assert.NotContains(t, m.Subject+m.FromName, "\n")
		for _, r := range m.Subject + m.FromName + m.Text {
			assert.True(t, r == '\n' || r >= ' ' && r != 0x7f && (r < 0x80 || r >= 0xa0) && r != 0x2028 && r != 0x2029, "%q", r)
		}
	}
	long := draw(t, "en", strings.Repeat("ä", 10_000), strings.Repeat("ä", 10_000), "")
	assert.LessOrEqual(t, len([]rune(long.Subject)), 150)
	assert.Less(t, len(long.Text), 4000)
}

func TestSignInMailSpeaksTheLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ asked, language, says string }{
		{"de", "de", "10 Minuten"}, {"de-AT", "de", "10 Minuten"}, {"en", "en", "10 minutes"}, {"fr-CA", "fr", "10 minutes"}, {"ar", "ar", "10 دقائق"}, {"tlh", "en", "10 minutes"},
	} {
		m := draw(t, c.asked, "Acme", "Mia", "")
		assert.Equal(t, c.language, m.Language, c.asked)
		assert.Contains(t, m.Text, c.says, c.asked)
		direction := "ltr"
		if c.language == "ar" {
			direction = "rtl"
		}
		assert.Contains(t, m.HTML, `<html lang="`+c.language+`" dir="`+direction+`">`)
		assert.Contains(t, m.Text, "ABCD-EFGH")
		assert.Contains(t, m.Text, link)
		assert.Contains(t, html.UnescapeString(m.HTML), `href="`+link+`"`)
		assert.NotContains(t, m.Text+m.HTML+m.Subject, "mail.sign_in.", "every text is there")
		assert.NotContains(t, m.Text+m.Subject, "<no value>")
	}
	assert.Equal(t, "de", mailLocale(merchant.Settings{DefaultLocale: "en"}, "", "de").Language)
	assert.Equal(t, "en", mailLocale(merchant.Settings{}, "", "").Language)
	assert.Equal(t, "de", mailLocale(merchant.Settings{DefaultLocale: "de"}, "x!", "").Language)
	assert.Equal(t, "en", mailLocale(merchant.Settings{Languages: []string{"fr", "en"}}, "de").Tag, "the portal does not speak it")
	assert.Equal(t, "fr", mailLocale(merchant.Settings{Languages: []string{"fr", "it"}}, "de").Tag, "nor English")
}
