package invoice

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// A German invoice to somebody in any script reads right, and says in the log what it could not draw.
func TestNamesInAnyScript(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, buyer string
		want        []string // in what pdftotext gives back
		logged      string
	}{
		{name: "Hebrew", buyer: "דוד בן־גוריון", want: []string{"דוד בן־גוריון"}},
		{name: "Arabic", buyer: "محمّد الأحمد", want: []string{"محمّد الأحمد"}},
		{name: "Persian", buyer: "فروشگاه می\u200cخواهم", want: []string{"فروشگاه", "خواهم"}},
		{name: "Thai", buyer: "สมชาย น้ำใจ กี่", want: []string{"สมชาย น้ำใจ กี่"}},
		{name: "Hindi", buyer: "श्री हिन्दी क्षत्रिय कि", want: []string{"हिन्दी", "कि"}},
		{name: "mixed", buyer: "Müller & 株式会社 שלום", want: []string{"Müller & 株式会社 שלום"}},
		{name: "Korean and Japanese", buyer: "김서연 / 髙橋 𠮷", want: []string{"김서연 / 髙橋 𠮷"}},
		{name: "emoji", buyer: "Ada 🎉 & 🎉", want: []string{"Ada \uFFFD & \uFFFD"}, logged: "characters=[U+1F389] count=1"},
		{name: "runes and emoji", buyer: "ᚠ💥", want: []string{"\uFFFD\uFFFD"}, logged: `characters="[U+16A0 U+1F4A5]" count=2`},
		{name: "override", buyer: "evil\u202efdp.exe", want: []string{"evilfdp.exe"}},
		{name: "isolate", buyer: "\u2067Sam\u2069 \u200fMüller", want: []string{"Sam Müller"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := NewRenderer(1)
			require.NoError(t, err)
			var log bytes.Buffer
			r.Log = slog.New(slog.NewTextHandler(&log, nil))
			inv := sample(1)
			inv.Document.Buyer = Party{Company: c.buyer, Name: c.buyer + "!", Address: inv.Document.Buyer.Address}
			pdf, err := r.Render(t.Context(), inv, german, nil)
			require.NoError(t, err)
			requireValid(t, pdf)
			requireGlyphs(t, pdf)
			got := squeezed(strings.Join(pagesOf(t, pdf), ""))
			for _, want := range c.want {
				assert.Contains(t, got, want)
			}
			if c.logged == "" {
				assert.Empty(t, log.String())
				return
			}
			assert.Equal(t, 1, strings.Count(log.String(), "\n"), "once a document")
			assert.Contains(t, log.String(), "level=WARN")
			assert.Contains(t, log.String(), "document="+string(inv.ID))
			assert.Contains(t, log.String(), c.logged)
			assert.NotContains(t, log.String(), "Ada", "the text is nobody's business")
		})
	}
}

// A text in a script without a font names its first characters, and how many there are.
func TestALongListOfMissingCharactersIsCut(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer(1)
	require.NoError(t, err)
	var log bytes.Buffer
	r.Log = slog.New(slog.NewTextHandler(&log, nil))
	st := receipt()
	for c := rune(0x12000); c < 0x12200; c++ { // cuneiform
		st.Paragraphs[0] += string(c)
	}
	_, err = r.RenderStatement(t.Context(), st, english, nil)
	require.NoError(t, err)
	assert.Contains(t, log.String(), "count=512")
	assert.Equal(t, 32, strings.Count(log.String(), "U+1"))
	assert.Contains(t, log.String(), `document="statement CN-2025-118"`)
}

func TestWhatADocumentSaysOfItself(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		locale    i18n.Locale
		language  string
		direction string
	}{
		{german, "de", ""},
		{i18n.Locale{Tag: "pt-BR", Language: "pt"}, "pt", ""},
		{i18n.Locale{Tag: "ar", Language: "ar"}, "ar", "R2L"},
		{i18n.Locale{Tag: "x", Language: ") /OpenAction <<"}, "en", ""},
	} {
		ctx, err := api.ReadContext(bytes.NewReader(render(t, sample(1), c.locale)), model.NewDefaultConfiguration())
		require.NoError(t, err)
		root, err := ctx.Catalog()
		require.NoError(t, err)
		assert.Equal(t, types.StringLiteral(c.language), root["Lang"])
		preferences, err := ctx.DereferenceDict(root["ViewerPreferences"])
		require.NoError(t, err)
		assert.Equal(t, types.Boolean(true), preferences["DisplayDocTitle"])
		if c.direction != "" {
			assert.Equal(t, types.Name(c.direction), preferences["Direction"])
		} else {
			assert.NotContains(t, preferences, "Direction")
		}
		info, err := ctx.DereferenceDict(*ctx.Info)
		require.NoError(t, err)
		text := func(key string) string {
			literal, ok := info[key].(types.StringLiteral)
			require.True(t, ok, key)
			s, err := types.StringLiteralToString(literal)
			require.NoError(t, err)
			return s
		}
		assert.Equal(t, title(sample(1), c.locale)+" 325-10566", text("Title"))
		assert.Equal(t, "Aeroedit Software GmbH", text("Author"))
		assert.Equal(t, "Foyer", text("Creator"))
	}
}

// What is not as the PDF writer writes it is refused, not guessed at.
func TestSealRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	const head, tail = "%PDF-1.3\n", "startxref\n1\n%%EOF\n"
	for _, pdf := range []string{
		"", "%PDF-1.3\n", "%PDF-1.7\n\nxref\n0 1\n", head + "\nxref\n", head + "\nxref\n0 9\n" + tail, head + "\nxref\n0 x\n" + tail,
		head + "1 0 obj\n<<>>\nendobj\n\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n" + tail,
		head + "2 0 obj\n<<>>\nendobj\n\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n" + tail,
		head + "1 0 obj\n<<>>\nendobj\n\nxref\n0 2\n0000000000 65535 f \n0000009999 00000 n \ntrailer\n" + tail,
		head + "1 0 obj\n<<\n/Type /Catalog\n>>\nendobj\n\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \n",
		head + "1 0 obj\n<</Type /Font\n/Subtype /Type0\n/BaseFont /utf8other\n/ToUnicode 1 0 R>>\nendobj\n\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \n" + tail,
	} {
		_, err := seal([]byte(pdf), []*subset{{cut: setter(t).faces[0].regular}}, metadata{language: "en"})
		assert.ErrorIs(t, err, errSeal, "%q", pdf)
	}
}

// A document embeds what it uses: few glyphs of few fonts.
func TestDocumentsStaySmall(t *testing.T) {
	t.Parallel()
	for _, tag := range i18n.Locales {
		locale, _ := i18n.Find(tag)
		inv := sample(3)
		inv.Currency = foyer.Currency("JPY")
		inv.Document.Buyer.Name, inv.Document.Lines[0].Name = everyday[tag].name, everyday[tag].product
		assert.Less(t, len(render(t, inv, locale)), 64<<10, tag)
	}
}
