package notify

import (
	"html/template"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// Names in an Arabic sentence keep their letters together and leave the words around them where they are.
func TestRightToLeftIsolatesWhatIsFilledIn(t *testing.T) {
	t.Parallel()
	arabic := stationery{settings: merchant.Settings{Name: "Acme"}, locale: i18n.Locale{Tag: "ar", Language: "ar"}, own: map[string]string{"x": "من {{.Merchant}} إلى {{.Name}}: {{.Count}}"}}
	params := map[string]any{"Merchant": "Acme (1)", "Name": "", "Count": 3}
	assert.Equal(t, "من \u2068Acme (1)\u2069 إلى : 3", arabic.text("x", params))
	assert.Equal(t, "Acme (1)", params["Merchant"], "what was given stays as it is")
	english := stationery{locale: i18n.English, own: map[string]string{"x": "{{.Merchant}}"}}
	assert.Equal(t, "Acme (1)", english.text("x", params))
	l := arabic.letter()
	assert.Equal(t, []string{"rtl", "right", "left"}, []string{l.Direction, l.Start, l.End})
}

func TestOwnWordsComeBeforeOurs(t *testing.T) {
	t.Parallel()
	st := stationery{locale: i18n.English, own: map[string]string{"mail.receipt.attached": "See {{.File}} and {{.Nobody}}"}}
	assert.Equal(t, "See a.pdf and …", st.text("mail.receipt.attached", map[string]any{"File": "a.pdf"}))
	assert.Equal(t, i18n.English.Text("mail.receipt.subject", nil), st.text("mail.receipt.subject", nil))
}

func TestTheButtonIsLegible(t *testing.T) {
	t.Parallel()
	for on, want := range map[template.CSS]template.CSS{
		"#2f5bea": "#ffffff", "#000000": "#ffffff", "#ffffff": "#14171d", "#ffdd00": "#14171d", "#0f766e": "#ffffff", "#ff0000": "#14171d", "red": "#ffffff",
	} {
		assert.Equal(t, want, inkOn(on), on)
	}
}

// What mail clients need: Outlook's table of a fixed width, a preheader that stands alone, the direction on the tables too, since some
// take the document's away.
func TestLettersSurviveMailClients(t *testing.T) {
	t.Parallel()
	st := stationery{settings: merchant.Settings{Name: "Acme", Branding: merchant.Branding{LogoURL: "https://acme.test/l.png?a=1&b=\"x"}}, locale: i18n.Locale{Tag: "ar", Language: "ar"}}
	l := st.letter()
	l.Paragraphs, l.Rows = []string{"first", "second"}, []fact{{Label: "a", Value: "b"}}
	m, err := st.seal(l)
	require.NoError(t, err)
	assert.Equal(t, "first", m.Preheader)
	assert.Equal(t, 1, strings.Count(m.HTML, `<!--[if mso]><table role="presentation" width="520"`))
	assert.Equal(t, strings.Count(m.HTML, "<!--[if mso]>"), strings.Count(m.HTML, "<![endif]-->"))
	assert.Contains(t, m.HTML, "mso-hide:all")
	assert.GreaterOrEqual(t, strings.Count(m.HTML, `dir="rtl"`), 4)
	assert.Contains(t, m.HTML, `alt="Acme"`)
	assert.NotContains(t, m.HTML, `b="x`, "an address can't leave its attribute")
	assert.NotContains(t, m.HTML, "<script")
	for _, unsupported := range []string{"display:flex", "display:grid", "position:", "float:", "<svg", "url(", "var(--"} {
		assert.NotContains(t, m.HTML, unsupported)
	}
	st.settings.Branding.LogoURL = "http://acme.test/l.png"
	assert.Empty(t, st.letter().Logo, "a picture that is not https")
}

// Threats #42: names with line breaks, directions and endless ones, in headers and texts.
func TestNamesAreHarmless(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Acme\r\nBcc: x@evil.test":             "Acme  Bcc: x@evil.test",
		"invoice\u202Efdp.exe\u202C":           "invoicefdp.exe",
		"\u2067a\u2069\u200e\u200f\u061cb":     "ab",
		"\u200bzero\ufeff":                     "zero",
		"नमस्\u200dते می\u200cخواهم":           "नमस्\u200dते می\u200cخواهم", // joiners spell words
		"{{.Merchant}} <b>%s</b>":              "{{.Merchant}} <b>%s</b>",
		"a\u0000b\u0085c\u2028d\u2029e\u007ff": "a b c d e f",
		strings.Repeat("x", 10_000):            strings.Repeat("x", 100),
	} {
		assert.Equal(t, want, oneLine(name, 100))
	}
}
