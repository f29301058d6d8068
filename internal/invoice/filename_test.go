package invoice

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/i18n"
)

func TestFileName(t *testing.T) {
	t.Parallel()
	const id = "inv_01k8zq3v7m0000000000000001"
	tests := []struct {
		name   string
		number string
		kind   Kind
		locale i18n.Locale
		want   string
	}{
		{name: "number", number: "325-10566", want: "invoice-325-10566.pdf"},
		{name: "language", number: "325-10566", locale: german, want: "rechnung-325-10566.pdf"},
		{name: "credit note", number: "CN-7", kind: KindCreditNote, want: "credit-note-CN-7.pdf"},
		{name: "separators", number: "2025/0001 A_b", want: "invoice-2025-0001-A-b.pdf"},
		{name: "header and path", number: "\";\r\n/..", want: "invoice-inv-01k8zq3v7m0000000000000001.pdf"},
		{name: "header inside", number: "1\"; filename=\"x.exe", want: "invoice-1-filename-x-exe.pdf"},
		{name: "path", number: "../../etc/passwd\x00", want: "invoice-etc-passwd.pdf"},
		{name: "Arabic digits", number: "\u200F٣٢٥-١٠٥٦٦", want: "invoice-325-10566.pdf"},
		{name: "override", number: "\u202Efdp.1", want: "invoice-fdp-1.pdf"},
		{name: "Hebrew", number: "חשבונית", want: "invoice-inv-01k8zq3v7m0000000000000001.pdf"},
		{name: "accents", number: "Façade-Ž1", want: "invoice-Facade-Z1.pdf"},
		{name: "full width", number: "１２３", want: "invoice-123.pdf"},
		{name: "none", number: "", want: "invoice-inv-01k8zq3v7m0000000000000001.pdf"},
		{name: "invalid", number: "\xff\xfe7", want: "invoice-7.pdf"},
		{name: "long", number: strings.Repeat("9", 500), want: "invoice-" + strings.Repeat("9", 60) + ".pdf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.locale == (i18n.Locale{}) {
				tt.locale = english
			}
			got := FileName(Invoice{ID: id, Number: tt.number, Kind: tt.kind}, tt.locale)
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestFileNameIsAlwaysSafe(t *testing.T) {
	t.Parallel()
	safe := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*\.pdf$`)
	for name, s := range hostile {
		inv := poisoned(s)
		assert.Regexp(t, safe, FileName(inv, english), name)
		assert.Regexp(t, safe, FileName(inv, i18n.Locale{Tag: s, Language: s}), name)
		assert.Regexp(t, safe, StatementFileName(s, s), name)
	}
	assert.Equal(t, "invoice.pdf", FileName(Invoice{}, english))
}

func TestStatementFileName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ word, reference, want string }{
		{"Receipt", "cnl_01k8zq3v7m", "receipt-cnl-01k8zq3v7m.pdf"},
		{"Kündigungsbestätigung", "CN-2025/118", "kundigungsbestatigung-CN-2025-118.pdf"},
		{"ביטול", "CN-7", "document-CN-7.pdf"},
		{"../Receipt\r\nX: y", "\";\x00", "receipt-x-y.pdf"},
		{"", "", "document.pdf"},
	} {
		assert.Equal(t, tt.want, StatementFileName(tt.word, tt.reference))
	}
}
