package invoice

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
)

// archive is a store with documents whose PDFs are drawn already.
type archive struct {
	Store
	all  []Invoice
	size int
}

func (a *archive) Invoices(_ context.Context, _ foyer.Scope, page foyer.PageRequest) ([]Invoice, error) {
	var found []Invoice
	for _, in := range a.all {
		if (page.From == nil || !in.CreatedAt.Before(*page.From)) && (page.To == nil || in.CreatedAt.Before(*page.To)) {
			found = append(found, in)
		}
	}
	return found[:min(page.Limit, len(found))], nil
}

func (a *archive) Invoice(_ context.Context, _ foyer.Scope, id ID, _ bool) (Invoice, error) {
	return a.all[slices.IndexFunc(a.all, func(in Invoice) bool { return in.ID == id })], nil
}

func (a *archive) File(_ context.Context, in Invoice, locale string) (File, error) {
	return File{Invoice: in, Locale: locale, Content: bytes.Repeat([]byte{in.Number[len(in.Number)-1]}, a.size)}, nil
}

// open never limits anybody.
type open struct{}

func (open) Take(context.Context, identity.LimitName, []byte, []identity.LimitRule, time.Time) (time.Duration, error) {
	return 0, nil
}

func newArchive(t *testing.T, n, size int) (*archive, Exporter) {
	t.Helper()
	a := &archive{size: size}
	for i := range n {
		at := day(2026, 3, 31).Add(-time.Duration(i) * time.Hour)
		a.all = append(a.all, Invoice{
			ID: ID(fmt.Sprintf("inv_%026d", i)), Number: fmt.Sprintf("AC-%d", n-i), Kind: KindInvoice, Revision: 1, Status: StatusPaid, Currency: "EUR", Total: 1999,
			CreatedAt: at, IssuedAt: at,
		})
	}
	keyring, err := foyer.NewKeyring(strings.Repeat("k", 32))
	require.NoError(t, err)
	now := func() time.Time { return day(2026, 4, 1) }
	return a, Exporter{Documents: NewService(a, nil, nil, now), Gate: identity.Gate{Limiter: open{}, Keyring: keyring}, Real: now}
}

// flat is a reader of an archive that looks at the memory in use now and then.
type flat struct {
	t       *testing.T
	written int64
	looked  int64
	base    uint64
	peak    uint64
}

func inUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (f *flat) Write(p []byte) (int, error) {
	if f.written += int64(len(p)); f.written-f.looked > 50<<20 {
		f.looked = f.written
		f.peak = max(f.peak, inUse())
	}
	return len(p), nil
}

// However much an archive holds, a document of it is in memory.
func TestAnExportOf500DocumentsTakesNoMoreMemoryThanOne(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	_, e := newArchive(t, MaxExport, 1<<20)
	prepared, err := e.Prepare(t.Context(), foyer.Scope{}, nil, nil, i18n.English)
	require.NoError(t, err)
	out := &flat{t: t, base: inUse()}
	require.NoError(t, prepared.Write(t.Context(), out))
	assert.Greater(t, out.written, int64(MaxExport)<<20)
	assert.Positive(t, out.looked)
	assert.Less(t, int64(out.peak)-int64(out.base), int64(16<<20), "bytes in use while 500 MiB go by")
}

func readArchive(t *testing.T, data []byte) (names []string, list [][]string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	for _, f := range z.File {
		names = append(names, f.Name)
		if f.Name != "invoices.csv" {
			continue
		}
		r, err := f.Open()
		require.NoError(t, err)
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		text, marked := strings.CutPrefix(string(content), "\ufeff")
		require.True(t, marked, "spreadsheets know it is UTF-8")
		require.Equal(t, strings.Count(text, "\n"), strings.Count(text, "\r\n"))
		list, err = csv.NewReader(strings.NewReader(text)).ReadAll()
		require.NoError(t, err)
	}
	return names, list
}

// An archive lists what it holds; revisions of one number don't overwrite each other.
func TestAnExportListsWhatItHolds(t *testing.T) {
	t.Parallel()
	a, e := newArchive(t, 3, 10)
	a.all[1].Number, a.all[1].Revision, a.all[1].Kind, a.all[1].Currency, a.all[1].Total = a.all[0].Number, 2, KindInvoice, "JPY", -5
	a.all[2].Kind, a.all[2].Currency = KindCreditNote, "BHD"
	prepared, err := e.Prepare(t.Context(), foyer.Scope{}, nil, nil, i18n.English)
	require.NoError(t, err)
	assert.Equal(t, "invoices-2026-03-30-2026-03-31.zip", prepared.FileName())
	var out bytes.Buffer
	require.NoError(t, prepared.Write(t.Context(), &out))
	names, list := readArchive(t, out.Bytes())
	assert.Equal(t, []string{"invoice-AC-3.pdf", "invoice-AC-3-r2.pdf", "credit-note-AC-1.pdf", "invoices.csv"}, names)
	require.Len(t, list, 4)
	for i, row := range list[1:] {
		assert.Equal(t, names[i], row[0])
		assert.Equal(t, string(a.all[i].ID), row[1])
	}
	assert.Equal(t, []string{"19.99", "-5", "1.999"}, []string{list[1][11], list[2][11], list[3][11]})
}

func TestAnEmptyExport(t *testing.T) {
	t.Parallel()
	_, e := newArchive(t, 0, 0)
	prepared, err := e.Prepare(t.Context(), foyer.Scope{}, nil, nil, i18n.English)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, prepared.Write(t.Context(), &out))
	names, list := readArchive(t, out.Bytes())
	assert.Equal(t, []string{"invoices.csv"}, names)
	assert.Len(t, list, 1)
	assert.Equal(t, "invoices.zip", prepared.FileName())
}

// What is too much is refused with the range that is not: asked for in two parts, every document comes once.
func TestAnExportThatIsTooLargeNamesASmallerRange(t *testing.T) {
	t.Parallel()
	a, e := newArchive(t, MaxExport+100, 1)
	a.all[MaxExport-1].CreatedAt, a.all[MaxExport-2].CreatedAt = a.all[MaxExport].CreatedAt, a.all[MaxExport].CreatedAt // at the border, at one moment
	_, err := e.Prepare(t.Context(), foyer.Scope{}, nil, nil, i18n.English)
	refusal, ok := foyer.AsError(err)
	require.True(t, ok)
	require.ErrorIs(t, err, foyer.Invalid)
	assert.Equal(t, "invoice.export_too_many", refusal.Code)
	from, err := time.Parse(time.RFC3339Nano, refusal.Params["From"].(string))
	require.NoError(t, err)
	newest, err := e.Prepare(t.Context(), foyer.Scope{}, &from, nil, i18n.English)
	require.NoError(t, err)
	rest, err := e.Prepare(t.Context(), foyer.Scope{}, nil, &from, i18n.English)
	require.NoError(t, err)
	assert.Len(t, newest.Invoices, MaxExport-2)
	assert.Len(t, append(newest.Invoices, rest.Invoices...), len(a.all))
}

// Threat: CSV injection. A name that a spreadsheet would run is a text.
func TestFormulasInAListAreTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"=HYPERLINK(\"http://evil.test\")": "'=HYPERLINK(\"http://evil.test\")",
		"+1+cmd|' /C calc'!A0":             "'+1+cmd|' /C calc'!A0",
		"-2+3":                             "'-2+3",
		"@SUM(A1)":                         "'@SUM(A1)",
		"\t=1":                             "' =1",
		"\r\n=1":                           "'  =1",
		" =1":                              "' =1",
		"\u200b=1":                         "'\u200b=1",
		"＝1":                               "'＝1",
		"Müller & Söhne":                   "Müller & Söhne",
		"a=b":                              "a=b",
		"":                                 "",
	} {
		assert.Equal(t, want, inert(text), "%q", text)
	}
	a, e := newArchive(t, 1, 1)
	a.all[0].Buyer.Name, a.all[0].Buyer.Company = "=1+1", "a,\"b\"\r\n=2"
	prepared, err := e.Prepare(t.Context(), foyer.Scope{}, nil, nil, i18n.English)
	require.NoError(t, err)
	var out bytes.Buffer
	require.NoError(t, prepared.Write(t.Context(), &out))
	_, list := readArchive(t, out.Bytes())
	assert.Equal(t, []string{"'=1+1", "a,\"b\"  =2"}, list[1][13:15])
}
