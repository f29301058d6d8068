package invoice

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Renderer draws documents as PDF. It is safe for concurrent use; at most as many documents as it was made for are drawn
// at once, so that drawing never starves the rest of the process.
type Renderer struct {
	slots chan struct{}
	faces []*face
	logos logos
	// Log is told, once a document, which characters no font has; nil for nobody. Set it before the first document.
	Log *slog.Logger
}

// NewRenderer loads the fonts.
func NewRenderer(concurrency int) (*Renderer, error) {
	if concurrency < 1 {
		return nil, fmt.Errorf("renderer: concurrency %d, at least 1 is needed", concurrency)
	}
	faces, err := loadFaces()
	if err != nil {
		return nil, err
	}
	return &Renderer{slots: make(chan struct{}, concurrency), faces: faces}, nil
}

// Render returns the document as PDF in the locale; logo is a PNG or JPEG, nil for none, and a bad one is left out. It
// waits for its turn and returns Unavailable (render.busy) when ctx ends first. The bytes differ from one call to the
// next: keep them to keep a hash of them.
func (r *Renderer) Render(ctx context.Context, inv Invoice, locale i18n.Locale, logo []byte) ([]byte, error) {
	return r.draw(ctx, string(inv.ID), func() (*sheet, metadata) {
		locale := r.readable(locale, formats(inv, locale)...)
		return lay(r.faces, inv, locale, r.logos.prepare(logo)), about(inv, locale)
	})
}

// RenderStatement returns the statement as PDF; locale is the language its texts are in. All else is as with Render.
func (r *Renderer) RenderStatement(ctx context.Context, st Statement, locale i18n.Locale, logo []byte) ([]byte, error) {
	return r.draw(ctx, "statement "+st.Reference, func() (*sheet, metadata) {
		locale := r.readable(locale, st.formats(locale)...)
		return layStatement(r.faces, st, locale, r.logos.prepare(logo)), st.about(locale)
	})
}

// draw waits for its turn and paints what lay lays out; name is for errors.
func (r *Renderer) draw(ctx context.Context, name string, lay func() (*sheet, metadata)) (pdf []byte, err error) {
	if err := r.acquire(ctx); err != nil {
		return nil, err
	}
	defer func() { <-r.slots }()
	// The writer below panics rather than return an error (a character it has no width for, a broken font).
	defer func() {
		if p := recover(); p != nil {
			pdf, err = nil, fmt.Errorf("draw %s: panic: %v\n%s", name, p, debug.Stack())
		}
	}()
	sheet, about := lay()
	r.tellMissing(ctx, name, sheet.missing)
	pdf, err = paint(sheet, about)
	if err != nil {
		return nil, fmt.Errorf("draw %s: %w", name, err)
	}
	return pdf, nil
}

// maxTold is how many missing characters are named: one text in a script without a font has hundreds.
const maxTold = 32

// tellMissing logs the characters that were drawn as a replacement: their code points, never the text they stand in.
func (r *Renderer) tellMissing(ctx context.Context, name string, missing map[rune]bool) {
	if r.Log == nil || len(missing) == 0 {
		return
	}
	points := slices.Sorted(maps.Keys(missing))
	told := make([]string, 0, maxTold)
	for _, p := range points[:min(len(points), maxTold)] {
		told = append(told, fmt.Sprintf("%U", p))
	}
	r.Log.WarnContext(ctx, "no font has characters of a document", "document", name, "characters", told, "count", len(points))
}

// acquire takes a slot, or refuses when ctx ends first.
func (r *Renderer) acquire(ctx context.Context) error {
	if ctx.Err() == nil {
		select {
		case r.slots <- struct{}{}:
			return nil
		case <-ctx.Done():
		}
	}
	return &foyer.Error{Kind: foyer.Unavailable, Code: "render.busy", Err: context.Cause(ctx)}
}

// readable returns the locale, or English when the fonts lack letters of the sample, which is what the locale writes on
// the document: an amount in boxes is worse than an amount in another notation. A language becomes readable by its font,
// with no change here.
func (r *Renderer) readable(locale i18n.Locale, sample ...string) i18n.Locale {
	if covers(r.faces, sample...) {
		return locale
	}
	return i18n.English
}

// formats is a sample of what the locale writes on an invoice.
func formats(inv Invoice, locale i18n.Locale) []string {
	return []string{
		locale.Date(inv.IssuedAt), locale.Date(inv.IssuedAt.Add(6 * 30 * 24 * time.Hour)),
		locale.Money(foyer.Money{Amount: -1234567890, Currency: inv.Currency}), locale.Number(1234567890), locale.Percent("0.19"),
		title(inv, locale), locale.Text("pdf.grand_total", nil), locale.Text("pdf.amount_due", nil),
	}
}

// about is what the PDF of an invoice says of itself.
func about(inv Invoice, locale i18n.Locale) metadata {
	return described(joined(" ", title(inv, locale), inv.Number), inv.Document.Seller, inv.IssuedAt, locale)
}

// described is what a PDF says of itself. Its texts are cleaned too: the writer mixes up characters above U+FFFF.
func described(title string, author Party, created time.Time, locale i18n.Locale) metadata {
	basic := func(s string) string {
		out := []rune(clean(s, nameLimit, false))
		for i, c := range out {
			if c >= planeSize {
				out[i] = '\uFFFD'
			}
		}
		return string(out)
	}
	return metadata{
		title: basic(title), author: basic(first(author.Company, author.Name)), created: created,
		language: locale.Language, rtl: locale.RightToLeft(),
	}
}
