package notify

import (
	"flag"
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// update writes the golden files anew: go test ./internal/notify -run Golden -update. Read what changed before it is committed.
var update = flag.Bool("update", false, "write golden files")

// sampler draws mails of a merchant with everything set, on a day of March.
func sampler() (*Service, merchant.Settings) {
	w := newWorld("", "en")
	s := w.service()
	s.LinkLife = 10 * time.Minute
	s.Now = func() time.Time { return march }
	return s, w.merchant.Portal.Settings
}

func drawn(t *testing.T, kind, tag string) Mail {
	t.Helper()
	s, settings := sampler()
	locale, known := i18n.Find(tag)
	require.True(t, known)
	m, err := s.sampled(stationery{settings: settings, locale: locale}, kind)
	require.NoError(t, err)
	return m
}

// Golden files hold what people read in four languages, among them one from right to left and one without spaces: a change of a text is
// seen in them. Of the HTML, which is the same sheet for all, they hold one mail each.
func TestGoldenMails(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"en", "de", "ar", "ja"} {
		for _, kind := range PreviewKinds {
			t.Run(tag+"/"+kind, func(t *testing.T) {
				t.Parallel()
				m := drawn(t, kind, tag)
				golden(t, filepath.Join(tag, kind+".txt"), fmt.Sprintf("%s\n%s\n\n%s", m.Subject, m.Preheader, m.Text))
				if kind == "receipt" || kind == mailSignIn {
					golden(t, filepath.Join(tag, kind+".html"), m.HTML)
				}
			})
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", "mails", name)
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o750))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

var marked = regexp.MustCompile(`\b(mail|receipt|payment_method|attempt_error)\.[a-z_]+`)

// Every mail in every language: nothing is missing, nothing is left of a placeholder, it runs in the language's direction, its links are in
// both parts, and a list of mails can show its subject.
func TestEveryMailInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, tag := range i18n.Locales {
		locale, _ := i18n.Find(tag)
		for _, kind := range PreviewKinds {
			t.Run(tag+"/"+kind, func(t *testing.T) {
				t.Parallel()
				m := drawn(t, kind, tag)
				for _, part := range []string{m.Subject, m.Preheader, m.Text, html.UnescapeString(m.HTML)} {
					assert.Empty(t, marked.FindAllString(part, -1), "a key stands where a text should")
					for _, never := range []string{"{{", "}}", "…", "<no value>", "ZgotmplZ", "%!"} {
						assert.NotContains(t, part, never)
					}
				}
				direction := "ltr"
				if locale.RightToLeft() {
					direction = "rtl"
				}
				assert.Contains(t, m.HTML, `<html lang="`+locale.Language+`" dir="`+direction+`">`)
				assert.Equal(t, locale.RightToLeft(), strings.Contains(m.HTML, `text-align:right;">`+"\n"), "texts begin on the right side")
				for _, href := range hrefs.FindAllStringSubmatch(m.HTML, -1) {
					assert.Contains(t, m.Text, html.UnescapeString(href[1]), "the text part has every link")
				}
				assert.LessOrEqual(t, len([]rune(m.Subject)), 110, "%s", m.Subject)
				assert.Less(t, len(m.HTML), 100_000, "Gmail cuts longer ones")
				assert.NotContains(t, m.Text, "\n\n\n", "no holes")
				assert.Contains(t, m.Text, "Acme")
				if locale.Language == tag && tag != "en" {
					assert.NotEqual(t, drawn(t, kind, "en").Subject, m.Subject, "it is translated")
				}
			})
		}
	}
}

// The two links of a subscription's mails stand in each language, with names of their own.
func TestManageLinksInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, tag := range i18n.Locales {
		locale, _ := i18n.Find(tag)
		m := drawn(t, "kept", tag)
		text := map[string]any{}
		for key, path := range map[string]string{"button.payment_method": "/payment-method#ticket=", "button.cancel": "/cancel#ticket="} {
			label := locale.Text("mail.billing."+key, text)
			assert.Contains(t, m.Text, label+": https://acme.test/billing/subscriptions/"+sampleSubscription+path, tag)
			assert.Contains(t, html.UnescapeString(m.HTML), `/subscriptions/`+sampleSubscription+path+sampleTicket+`" style="color:#5b6472;text-decoration:underline;">`+label+"</a>", tag)
		}
	}
}
