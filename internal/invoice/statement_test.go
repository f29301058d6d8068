package invoice

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// receipt returns the receipt of a cancellation.
func receipt() Statement {
	document := sample(0).Document
	return Statement{
		Title: "Confirmation of your cancellation", Reference: "CN-2025-118", ReferenceLabel: "Reference",
		Seller: document.Seller, SellerLabel: "Provider", Person: document.Buyer, PersonLabel: "Declared by",
		Facts: []Fact{{"Received on", "November 3, 2025 at 10:21:07 UTC"}, {"Takes effect on", "November 30, 2025"}},
		Lines: []Fact{
			{"Subscription", "AeroEdit Enterprise, 3 seats"},
			{"Kind of cancellation", "To the end of the billing period"},
			{"Your words", "We move our studio to another tool.\nThank you."},
		},
		Paragraphs: []string{"We have received your cancellation and confirm it.", "No further payment will be taken."},
		Footer:     document.Footers[merchant.AnyLanguage], IssuedAt: *document.PaidAt,
	}
}

// kuendigung returns the same in German.
func kuendigung() Statement {
	st := receipt()
	st.Title, st.ReferenceLabel, st.SellerLabel, st.PersonLabel = "Bestätigung Ihrer Kündigung", "Vorgangsnummer", "Anbieter", "Erklärt von"
	st.Facts = []Fact{{"Eingegangen am", "3. November 2025 um 10:21:07 UTC"}, {"Wirksam zum", "30. November 2025"}}
	st.Lines = []Fact{{"Vertrag", "AeroEdit Enterprise, 3 Plätze"}, {"Ihre Erklärung", "Wir ziehen auf ein anderes Werkzeug um."}}
	st.Paragraphs = []string{"Ihre Kündigung ist bei uns eingegangen, wir bestätigen sie hiermit.", "Es wird kein weiterer Betrag abgebucht."}
	return st
}

// renderStatement draws with a renderer of its own and no logo.
func renderStatement(t testing.TB, st Statement, locale i18n.Locale) []byte {
	t.Helper()
	r, err := NewRenderer(1)
	require.NoError(t, err)
	pdf, err := r.RenderStatement(t.Context(), st, locale, nil)
	require.NoError(t, err)
	requireValid(t, pdf)
	return pdf
}

func TestAStatementReadsInOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		st     Statement
		locale i18n.Locale
		want   []string
	}{
		{receipt(), english, []string{
			"Confirmation of your cancellation", "Provider Declared by", "Aeroedit Software GmbH Skyline Photography Ltd", "Torstraße 123 Sam Müller",
			"London E14 9GE", "Reference Received on Takes effect on", "CN-2025-118 November 3, 2025 at 10:21:07 UTC November 30, 2025",
			"Subscription AeroEdit Enterprise, 3 seats", "Kind of cancellation To the end of the billing period",
			"Your words We move our studio to another tool. Thank you.", "We have received your cancellation and confirm it.",
			"No further payment will be taken.", "Managing director", "Page 1 of 1",
		}},
		{kuendigung(), german, []string{
			"Bestätigung Ihrer Kündigung", "Anbieter Erklärt von", "Deutschland", "USt-IdNr. / Steuernummer: DE123456789", "Registernummer: HRB 12345 B",
			"Vorgangsnummer Eingegangen am Wirksam zum", "CN-2025-118 3. November 2025 um 10:21:07 UTC 30. November 2025",
			"Vertrag AeroEdit Enterprise, 3 Plätze", "Ihre Erklärung Wir ziehen", "Ihre Kündigung ist bei uns eingegangen, wir bestätigen sie hiermit.",
			"Es wird kein weiterer Betrag abgebucht.", "Seite 1 von 1",
		}},
	} {
		pages := pagesOf(t, renderStatement(t, tt.st, tt.locale))
		require.Len(t, pages, 1)
		rest := squeezed(pages[0])
		for _, want := range tt.want {
			_, after, found := strings.Cut(rest, want)
			require.True(t, found, "%q in what is left: %s", want, rest)
			rest = after
		}
	}
}

// What a customer declared comes back in full, whatever its length.
func TestALongStatementFlowsOverPages(t *testing.T) {
	t.Parallel()
	st := receipt()
	var reason, more strings.Builder
	for i := range 115 {
		fmt.Fprintf(&reason, "Reason %d is that it was good while it lasted. ", i)
		fmt.Fprintf(&more, "Remark %d has been noted by us as well. ", i)
	}
	st.Lines[2].Value = reason.String()
	st.Lines = append(st.Lines, Fact{"Answered by", "Ada Example"})
	st.Paragraphs = append(st.Paragraphs, more.String(), "The end.")
	pages := pagesOf(t, renderStatement(t, st, english))
	require.Len(t, pages, 3)
	all := squeezed(strings.Join(pages, "\n"))
	for i := range 115 {
		assert.Contains(t, all, fmt.Sprintf("Reason %d ", i))
		assert.Contains(t, all, fmt.Sprintf("Remark %d ", i))
	}
	assert.Contains(t, all, "Answered by Ada Example")
	for i, page := range pages {
		assert.Contains(t, page, fmt.Sprintf("Page %d of 3", i+1))
		assert.Contains(t, page, "CN-2025-118", "page %d says what it belongs to", i+1)
		assert.Contains(t, page, "Managing director")
	}
	assert.Contains(t, pages[1], "Your words", "the value that goes on is named again")
	assert.Contains(t, pages[2], "The end.")
}

func TestEmptyPartsOfAStatementLeaveNoGap(t *testing.T) {
	t.Parallel()
	faces := setter(t).faces
	end := func(st Statement) float64 { return layStatement(faces, st, english, nil).y }
	bare := Statement{Title: "Receipt"}
	hollow := Statement{
		Title: "Receipt", ReferenceLabel: "Reference", SellerLabel: "Provider", PersonLabel: "Declared by", Facts: []Fact{{"Reason", ""}, {"x", " \u202e\n"}},
		Lines: []Fact{{}, {"", "\u200b"}}, Paragraphs: []string{"", "\n \x00"}, Footer: " ",
	}
	assert.InDelta(t, end(bare), end(hollow), 1e-9)

	full := receipt()
	sparse := receipt()
	sparse.Facts = append(sparse.Facts, Fact{"Ended by", ""})
	sparse.Lines = append([]Fact{{}}, sparse.Lines...)
	sparse.Paragraphs = append([]string{""}, sparse.Paragraphs...)
	assert.InDelta(t, end(full), end(sparse), 1e-9)

	assert.Contains(t, pagesOf(t, renderStatement(t, Statement{}, i18n.Locale{}))[0], "Page 1 of 1")
	alone := receipt()
	alone.Seller = Party{}
	assert.Regexp(t, `(?m)^ ?Declared by`, pagesOf(t, renderStatement(t, alone, english))[0], "one party alone stands at the left")
}

func TestAStatementSurvivesHostileText(t *testing.T) {
	t.Parallel()
	texts := maps.Clone(hostile)
	texts["Thai and Hebrew"] = "บริษัท ทดสอบ จำกัด חברה לדוגמה" + strings.Repeat("ก็", 400)
	texts["breaks"] = strings.Repeat("a\n", 20_000)
	for name, s := range texts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			party := poisoned(s).Document.Seller
			facts := []Fact{{s, s}, {"", s}, {s, ""}}
			st := Statement{
				Title: s, Reference: s, ReferenceLabel: s, Seller: party, SellerLabel: s, Person: party, PersonLabel: s, Facts: facts, Lines: facts,
				Paragraphs: []string{s, s}, Footer: s, IssuedAt: day(9999, 12, 31),
			}
			for _, locale := range []i18n.Locale{german, {Tag: "ar", Language: "ar"}, {Tag: s, Language: s}} {
				pdf := renderStatement(t, st, locale)
				assert.Less(t, len(pdf), 1<<20, "bytes")
				objects := withoutMetadata(pdf)
				for _, name := range forbidden {
					assert.NotContains(t, objects, name)
				}
				assert.Less(t, len(pagesOf(t, pdf)), 120) // five texts of breaks and a footer
			}
		})
	}
}

func TestAStatementShowsWhatNoFontHas(t *testing.T) {
	t.Parallel()
	st := receipt()
	st.Person = Party{Name: "Zed\u00ad 🎉 שלום \u202E١٢٣ e\u0301 \u00a0𝔘"}
	st.Lines = []Fact{{"Your words", "陈美 says\x00 ไทย ᚠ"}}
	got := squeezed(strings.Join(pagesOf(t, renderStatement(t, st, english)), ""))
	for _, want := range []string{"Zed \uFFFD ١٢٣", "שלום", "é U"} { // pdftotext has its own mind about the space behind Hebrew
		assert.Contains(t, got, want)
	}
	assert.Contains(t, got, "陈美 says ไทย \uFFFD")
}

// The name of a country is the locale's; the base direction is the texts'.
func TestTheLocaleOfAStatement(t *testing.T) {
	t.Parallel()
	arabic := i18n.Locale{Tag: "ar", Language: "ar"}
	got := squeezed(pagesOf(t, renderStatement(t, receipt(), arabic))[0])
	assert.Contains(t, got, "ألمانيا")
	assert.NotContains(t, got, "\uFFFD")

	faces := setter(t).faces
	assert.True(t, layStatement(faces, receipt(), arabic, nil).rtl)
	assert.False(t, layStatement(faces, receipt(), german, nil).rtl)
}

func TestAStatementSaysWhatItIs(t *testing.T) {
	t.Parallel()
	st := receipt()
	st.Title += " 🎉"
	info, err := api.PDFInfo(bytes.NewReader(renderStatement(t, st, english)), "", nil, false, model.NewDefaultConfiguration())
	require.NoError(t, err)
	assert.Equal(t, "Confirmation of your cancellation \uFFFD CN-2025-118", info.Title)
	assert.Equal(t, "Aeroedit Software GmbH", info.Author)
}

func TestStatementsAndInvoicesShareTheSlots(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer(3)
	require.NoError(t, err)
	logo := logoPNG(t, 300, 100)
	documents := make([][]byte, 16)
	var group sync.WaitGroup
	for i := range documents {
		group.Go(func() {
			inv, st := sample(5), receipt()
			inv.Number, st.Reference = fmt.Sprintf("325-%05d", i), fmt.Sprintf("325-%05d", i)
			var err error
			if i%2 == 0 {
				documents[i], err = r.RenderStatement(t.Context(), st, english, logo)
			} else {
				documents[i], err = r.Render(t.Context(), inv, german, logo)
			}
			assert.NoError(t, err)
		})
	}
	group.Wait()
	for i, pdf := range documents {
		requireValid(t, pdf)
		assert.Contains(t, strings.Join(pagesOf(t, pdf), ""), fmt.Sprintf("325-%05d", i))
	}
	assert.Empty(t, r.slots, "the slots are given back")

	for range cap(r.slots) { // others draw
		r.slots <- struct{}{}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = r.RenderStatement(ctx, receipt(), english, nil)
	require.ErrorIs(t, err, foyer.Unavailable)
	refusal, ok := foyer.AsError(err)
	require.True(t, ok)
	assert.Equal(t, "render.busy", refusal.Code)

	broken := &Renderer{slots: make(chan struct{}, 1), faces: []*face{{}}}
	_, err = broken.RenderStatement(t.Context(), receipt(), english, nil)
	require.ErrorContains(t, err, "statement CN-2025-118: panic")
	assert.Empty(t, broken.slots, "the slot is given back")
}

// oneMerchant is a store of one merchant.
type oneMerchant merchant.Merchant

func (m oneMerchant) ByID(_ context.Context, id foyer.MerchantID) (merchant.Merchant, error) {
	if id != m.ID {
		return merchant.Merchant{}, foyer.NotFound
	}
	return merchant.Merchant(m), nil
}

func TestTheServiceDrawsForTheMerchant(t *testing.T) {
	t.Parallel()
	r, err := NewRenderer(1)
	require.NoError(t, err)
	m := merchant.Merchant{ID: "mer_1"}
	m.Portal.Settings.Seller = merchant.Seller{LegalName: "Acme GmbH", Logo: logoPNG(t, 30, 10)}
	s := NewService(nil, oneMerchant(m), r, time.Now)

	st := receipt()
	st.Seller = Party{}
	pdf, err := s.RenderStatement(t.Context(), m.ID, st, english)
	require.NoError(t, err)
	assert.Contains(t, pagesOf(t, pdf)[0], "Acme GmbH")
	assert.Contains(t, structure(pdf), "/Subtype /Image", "the logo")

	pdf, err = s.RenderStatement(t.Context(), m.ID, receipt(), english)
	require.NoError(t, err)
	assert.NotContains(t, pagesOf(t, pdf)[0], "Acme GmbH", "a statement that names its seller keeps it")

	_, err = s.RenderStatement(t.Context(), "mer_2", st, english)
	assert.ErrorIs(t, err, foyer.NotFound)
}
