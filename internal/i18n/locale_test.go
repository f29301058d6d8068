package i18n_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"foyer/internal/i18n"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		tag, want         string
		known, wellFormed bool
	}{
		{"en", "en", true, true},
		{"EN_us", "en", true, true},
		{"en-GB", "en", true, true},
		{"de-AT", "de", true, true},
		{"de-DE-1996", "de", true, true},
		{"de-CH-x-shop", "de", true, true},
		{"de-QX", "de", true, true}, // a region nobody has registered
		{"pt", "pt", true, true},
		{"pt-PT", "pt", true, true},
		{"pt-AO", "pt", true, true},
		{"pt-br", "pt-BR", true, true},
		{"no", "no", true, true},
		{"nb", "no", true, true},
		{"nn-NO", "no", true, true},
		{"zh", "zh-Hans", true, true},
		{"zh-CN", "zh-Hans", true, true},
		{"zh-SG", "zh-Hans", true, true},
		{"zh-TW", "zh-Hant", true, true},
		{"zh-HK", "zh-Hant", true, true},
		{"zh-Hans-HK", "zh-Hans", true, true},
		{"ZH_HANT_MO", "zh-Hant", true, true},
		{"cmn-TW", "zh-Hant", true, true},
		{"ar-EG-u-nu-arab", "ar", true, true},
		{"ca", "en", false, true}, // not Spanish
		{"tlh", "en", false, true},
		{"xx", "en", false, true},
		{"und", "en", false, true},
		{"x-private", "en", false, true},
		{"", "en", false, false},
		{"e", "en", false, false},
		{"*", "en", false, false},
		{"en--US", "en", false, false},
		{"en US", "en", false, false},
		{"en;q=1", "en", false, false},
		{"en\x00", "en", false, false},
		{"de-" + strings.Repeat("abcde-", 6), "en", false, false},
		{"de-AT-u-co-phonebk-ka-shifted-kb-true", "en", false, false}, // longer than 35 characters
	} {
		got, ok := i18n.Parse(c.tag)
		if got.Tag != c.want || ok != c.wellFormed || i18n.Known(c.tag) != c.known {
			t.Errorf("Parse(%q) = %v, %v, known %v; want %s, %v, known %v", c.tag, got, ok, i18n.Known(c.tag), c.want, c.wellFormed, c.known)
		}
	}
}

func TestParseGivesEveryLocale(t *testing.T) {
	for _, tag := range i18n.Locales {
		if l, ok := i18n.Parse(tag); !ok || l.Tag != tag || !i18n.Known(tag) {
			t.Errorf("Parse(%q) = %v, %v", tag, l, ok)
		}
	}
}

func TestParseGivesLanguageAndFormats(t *testing.T) {
	for tag, want := range map[string]i18n.Locale{
		"de-AT": {Tag: "de", Language: "de"},
		"fr-CA": {Tag: "fr", Language: "fr"},
		"ar":    {Tag: "ar", Language: "ar"},
		"tlh":   i18n.English,
	} {
		if got, _ := i18n.Parse(tag); got != want {
			t.Errorf("Parse(%q) = %v, want %v", tag, got, want)
		}
	}
}

func TestMatchAccept(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"de", "de"},
		{"de-CH, fr;q=0.9", "de"},
		{"fr;q=0.5, de;q=0.8, en;q=0.1", "de"},
		{"ca, es;q=0.9, en;q=0.8", "es"}, // the best of those we know
		{"it, fr", "it"},
		{"fr;q=0, en;q=0.1", "en"},
		{" de ; q=0.7 , nl ; Q=0.71 ", "nl"},
		{"zh-TW,zh;q=0.9,en-US;q=0.8", "zh-Hant"},
		{"pt-BR,pt;q=0.9", "pt-BR"},
		{"de;q=1.000, fr;q=1", "de"},
		{"de;q=0.001", "de"},
		{"de;q=2, fr;q=0.1", "fr"},
		{"de;q=, fr;q=0.1", "fr"},
		{"de;q=1.5, de;q=-1, de;q=0.1234, de;q=.9, de;level=1, fr;q=0.", ""},
		{"ru,", "ru"},
		{",,,;;;,ru", "ru"},
		{"*", ""},
		{"tlh, xx, *;q=0.1", ""},
		{"", ""},
		{"\x00\xff", ""},
		{strings.Repeat("tlh,", 31) + "de", "de"},
		{strings.Repeat("tlh,", 32) + "de", ""}, // beyond the number looked at
	} {
		got, ok := i18n.MatchAccept(c.header)
		if ok != (c.want != "") || ok && got.Tag != c.want || !ok && got != i18n.English {
			t.Errorf("MatchAccept(%.60q) = %v, %v; want %q", c.header, got, ok, c.want)
		}
	}
}

// hostile headers are as long as the server lets a header be.
func hostile() map[string]string {
	fill := func(s string) string { return strings.Repeat(s, 16<<10/len(s)) }
	return map[string]string{
		"commas":         fill(","),
		"unknown":        fill("xx,"),
		"rising weights": fill("tlh-a-bb-cc-dd-ee-ff-gg;q=0.123,"),
		"one long tag":   "en" + fill("-aaaaaaaa"),
		"hyphens":        fill("-"),
		"semicolons":     fill(";q=0.1"),
		"spaces":         fill(" "),
		"underscores":    fill("a_b_c_"),
		"not UTF-8":      fill("\xff\xfe"),
		"private use":    fill("x-a-b-c-d-e-f-g,"),
		"transforms":     fill("de-t-it-m0-true,"),
	}
}

func TestMatchAcceptIsBounded(t *testing.T) {
	for name, header := range hostile() {
		start := time.Now()
		for range 20 {
			i18n.MatchAccept(header)
		}
		if each := time.Since(start) / 20; each > 10*time.Millisecond {
			t.Errorf("%s: %v for one header", name, each)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"de-AT", "zh_tw", "i-klingon", "de-t-it-m0-true", "en;q=0.5", "a-DE"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, ok := i18n.Parse(s)
		if !slices.Contains(i18n.Locales, l.Tag) || i18n.Known(s) && !ok {
			t.Errorf("Parse(%q) = %v, %v", s, l, ok)
		}
		if m, ok := i18n.MatchAccept(s); !slices.Contains(i18n.Locales, m.Tag) || !ok && m != i18n.English {
			t.Errorf("MatchAccept(%q) = %v, %v", s, m, ok)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, tag := range []string{"de", "de-AT"} {
		b.Run(tag, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				i18n.Parse(tag)
			}
		})
	}
}

func BenchmarkMatchAccept(b *testing.B) {
	headers := hostile()
	headers["browser"] = "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7"
	for name, header := range headers {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				i18n.MatchAccept(header)
			}
		})
	}
}
