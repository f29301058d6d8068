package invoice

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		in        string
		limit     int
		multiline bool
		want      string
	}{
		{name: "plain", in: "Skyline Photography Ltd", want: "Skyline Photography Ltd"},
		{name: "empty", in: "", want: ""},
		{name: "spaces", in: "  a \t b\u2003c  ", want: "a b c"},
		{name: "spaces that join stay", in: "1\u202f234\u00a0€", want: "1\u00a0234\u00a0€"},
		{name: "decomposed", in: "e\u0301", want: "é"},
		{name: "control characters", in: "a\x00b\x1b[31mc\x7f", want: "ab[31mc"},
		{name: "overrides and marks", in: "\u202Ea\u202C\u200E\u2066b\u2069\uFEFF\u200D", want: "ab"},
		{name: "joiners that are spelling", in: "می\u200cخوا a\u200cb क्\u200d", want: "می\u200cخوا ab क्"},
		{name: "soft hyphen", in: "co\u00adoperate", want: "cooperate"},
		{name: "invalid UTF-8", in: "a\xffb", want: "a\uFFFDb"},
		{name: "lines become spaces", in: "a\r\nb\u2028c", want: "a b c"},
		{name: "lines stay", in: " a \r\n\r\n b\u2029c\n", multiline: true, want: "a\n\nb\nc"},
		{name: "cut", in: "abcdef", limit: 3, want: "abc…"},
		{name: "cut between characters", in: "äöüß", limit: 2, want: "äö…"},
		{name: "as long as allowed", in: "äöü", limit: 3, want: "äöü"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.limit == 0 {
				tt.limit = 100
			}
			assert.Equal(t, tt.want, clean(tt.in, tt.limit, tt.multiline))
		})
	}
}

func TestSubstitute(t *testing.T) {
	t.Parallel()
	for in, want := range map[rune]string{'٣': "3", '९': "9", '７': "7", '𝔘': "U", '①': "1", 'ﷲ': "الله", '−': "-", '‑': "‐", 'ש': "", '🎉': ""} {
		assert.Equal(t, want, substitute(in), "%U", in)
	}
}

// setter returns a typesetter with the real fonts.
func setter(t testing.TB) *typesetter {
	t.Helper()
	faces, err := loadFaces()
	require.NoError(t, err)
	return &typesetter{faces: faces, missing: map[rune]bool{}}
}

// plainText returns the characters of lines, one line of the result for each.
func plainText(lines [][]glyph) string {
	var out []string
	for _, line := range lines {
		var b strings.Builder
		for _, r := range runs(line) {
			b.WriteString(r.text())
		}
		out = append(out, b.String())
	}
	return strings.Join(out, "\n")
}

func TestFontsCoverWhatWePromise(t *testing.T) {
	t.Parallel()
	faces := setter(t).faces
	for name, text := range map[string]string{
		"Western":     "äöüßÄÖÜẞéèêëàâçñóúíáãõœæøåÅÆØ¿¡«»„“”‚‘’",
		"Central":     "ąćęłńóśźżĄĆĘŁŃÓŚŹŻčďěňřšťůžČĎĚŇŘŠŤŮŽőűŐŰășțĂȘȚ",
		"Turkish":     "ğışİĞŞ",
		"Greek":       "Ελληνικά άέήίόύώϊΐ",
		"Cyrillic":    "Съешь ещё этих французских булок, Ґґ Єє Її Іі Ўў",
		"Vietnamese":  "Việt Nam ắằẳẵặấầẩẫậếềểễệốồổỗộớờởỡợứừửữự",
		"currencies":  "€$£¥₹₺₽₴₩₪₫₦₱₡₲₸₼₾₿¢",
		"punctuation": "–—‐‑…•·†‡‰′″‹›⁄№™©®℠ªº¹²³½¼¾×÷±−≤≥≠≈∞",
		"Chinese":     "陈美国际有限公司，北京市。（）；：！？《》「」、年月日￥",
		"Japanese":    "カタカナ ひらがな 髙﨑𠮷塚",
		"Korean":      "가뷁똠힣 金",
		"traditional": "繁體中文發票，統一編號：國際「貨」",
		"Arabic":      "فاتورة رقم پچگ ١٢٣ ۴۵۶ ،؛؟",
		"Hebrew":      "חשבונית מס׳ שָׁלוֹם",
		"Thai":        "ใบแจ้งหนี้ น้ำ ฿",
		"Hindi":       "चालान हिन्दी क्षत्रिय ₹",
		"replacement": "\uFFFD",
	} {
		for _, r := range text {
			assert.NotNil(t, fontFor(faces, r, true), "%s: %c %U", name, r, r)
		}
	}
	for _, r := range "AZaz09äąğЖΩ€₺" {
		assert.True(t, faces[0].bold.has(r), "bold %c", r)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	ts := setter(t)
	digit := ts.faces[0].regular.advance(ts.faces[0].regular.glyph('0')) // all digits are as wide
	tests := []struct {
		name  string
		text  string
		limit int // in digits
		most  int
		want  string
	}{
		{"fits", "123 456", 10, 9, "123 456"},
		{"at spaces", "1234 5678 90", 6, 9, "1234\n5678\n90"},
		{"inside a long word", "1234567890", 4, 9, "1234\n5678\n90"},
		{"not at a joining space", "12 34\u00a056", 6, 9, "12\n34 56"},
		{"after a hyphen between words", "multi-user", 6, 9, "multi-\nuser"},
		{"not after the hyphen of a number", "12 325-10", 5, 9, "12\n325-1\n0"},
		{"ellipsis", "1234 5678 90", 6, 2, "1234\n5678…"},
		{"ellipsis replaces what does not fit", "1234 567890 90", 6, 2, "1234\n5678…"},
		{"lines of the text", "1\n\n2", 6, 9, "1\n\n2"},
		{"Chinese breaks anywhere", "陈美国际", 4, 9, "陈美\n国际"},
		{"but not before a full stop", "陈美国。", 5, 9, "陈美\n国。"},
		{"but after it", "陈美。abcd", 6, 9, "陈美。\nabcd"},
		{"no line begins with a closing bracket", "陈美国」际", 6, 9, "陈美\n国」际"},
		{"no line ends with an opening one", "陈美「国际", 6, 9, "陈美\n「国际"},
		{"no line begins with a small kana", "キキキャキ", 6, 9, "キキ\nキャキ"},
		{"or with a mark that lengthens", "キキキーキ", 6, 9, "キキ\nキーキ"},
		{"or with one that repeats", "陈美人々国", 6, 9, "陈美\n人々国"},
		{"even where nothing but marks fits", "。。。。", 4, 9, "。。\n。。"},
		{"Korean breaks at spaces", "가나 다라마 바", 6, 9, "가나\n다라마\n바"},
		{"and inside a long word", "가나다라마", 4, 9, "가나\n다라\n마"},
		{"not before a comma there", "가나다,라", 5, 9, "가나\n다,라"},
		{"Thai stays together where it fits", "ab กกก", 5, 9, "ab\nกกก"},
		{"and parts between clusters where it does not", "กี่กี่กี่กี่", 3, 9, "กี่กี่\nกี่กี่"},
		{"a Thai vowel stays before its consonant", "กกเก", 3, 9, "กก\nเก"},
		{"a single character wider than the line", "W", 1, 9, "W"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ts := setter(t)
			lines := ts.wrap(ts.glyphs(tt.text, manner{}), tt.limit*digit, tt.most, false)
			assert.Equal(t, tt.want, plainText(lines))
		})
	}
}

// FuzzSet drives a text through cleaning, font choice and wrapping: none may panic, everything drawn must be a character
// the chosen font has, and no line may be wider than asked unless it is a single character.
func FuzzSet(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, 20_000, 3, true)
	}
	f.Add("陈美 שלום 12 cd-ef\u00a0g\nh", 2_000, 5, false)
	f.Fuzz(func(t *testing.T, s string, limit, most int, multiline bool) {
		limit, most = 1+abs(limit)%50_000, 1+abs(most)%100
		cleaned := clean(s, 500, multiline)
		assert.True(t, utf8.ValidString(cleaned))
		assert.Equal(t, cleaned, clean(cleaned, 2_000, multiline), "cleaning twice changes nothing")
		ts := setter(t)
		lines := ts.wrap(ts.glyphs(cleaned, manner{bold: true, base: base(most % 3)}), limit, most, true)
		assert.LessOrEqual(t, len(lines), most)
		for _, line := range lines {
			if visible := trimmed(line, len(line)); visible > 2 { // a character with its mark may stand alone
				base := 0
				for _, g := range line {
					if !g.mark {
						base++
					}
				}
				assert.True(t, width(line) <= limit || base <= 2, "%d > %d: %q", width(line), limit, plainText([][]glyph{line}))
			}
			for _, r := range runs(line) {
				for _, d := range r.glyphs {
					assert.NotZero(t, d.glyph, "%q", d.text)
				}
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}
