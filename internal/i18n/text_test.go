package i18n

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// bundle is a bundle as its file has it: the forms of every text, "other" alone where there is one.
type bundle map[string]map[string]string

// readBundle reads a file strictly: strings, or objects of plural forms; every key once.
func readBundle(t *testing.T, name string) bundle {
	t.Helper()
	data, err := bundles.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	out := bundle{}
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		id := key.(string)
		if out[id] != nil {
			t.Errorf("%s: %s appears twice", name, id)
		}
		var text string
		if json.Unmarshal(value, &text) == nil {
			out[id] = map[string]string{"other": text}
			continue
		}
		forms := map[string]string{}
		if err := json.Unmarshal(value, &forms); err != nil {
			t.Errorf("%s: %s is neither a text nor plural forms", name, id)
		}
		out[id] = forms
	}
	return out
}

var placeholder = regexp.MustCompile(`{{[^}]*}}`)

// names returns the placeholders of a text.
func names(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func TestBundlesAgree(t *testing.T) {
	files, err := fs.Glob(bundles, "locales/*.json")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	english := readBundle(t, "locales/en.json")
	for _, file := range files {
		tag := strings.TrimSuffix(path.Base(file), ".json")
		if !slices.Contains(Locales, tag) {
			t.Errorf("%s is the file of no locale", file)
		}
		texts := readBundle(t, file)
		for key := range english {
			if texts[key] == nil {
				t.Errorf("%s: %s is missing", tag, key)
			}
		}
		for key, forms := range texts {
			if english[key] == nil {
				t.Errorf("%s: %s is not in English", tag, key)
				continue
			}
			if len(pluralForms(tag)) > 1 && (len(english[key]) > 1) != (len(forms) > 1) {
				t.Errorf("%s: %s has plural forms in one language only", tag, key)
			}
			for form, text := range forms {
				if strings.TrimSpace(text) == "" || text != strings.TrimSpace(text) {
					t.Errorf("%s: %s %s is empty or has space around it: %q", tag, key, form, text)
				}
				// "in one day" and the Arabic dual don't show the number; "other" shows all that English does.
				got, want := names(text), names(english[key]["other"])
				surplus := slices.ContainsFunc(got, func(name string) bool { return !slices.Contains(want, name) })
				if surplus || form == "other" && len(got) != len(want) {
					t.Errorf("%s: %s %s has placeholders %v, English has %v", tag, key, form, got, want)
				}
				if _, err := (placeholders{}).Parse(text, "", ""); err != nil {
					t.Errorf("%s: %s %s: %v", tag, key, form, err)
				}
			}
			for _, form := range pluralForms(tag) {
				if len(forms) > 1 && forms[form] == "" {
					t.Errorf("%s: %s lacks the plural form %q", tag, key, form)
				}
			}
		}
	}
}

// pluralForms returns the forms whole numbers need in a language.
func pluralForms(tag string) []string {
	byForm := map[plural.Form]string{
		plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other",
	}
	var out []string
	for n := range 200 {
		form := byForm[plural.Cardinal.MatchPlural(language.Make(tag), n, 0, 0, 0, 0)]
		if !slices.Contains(out, form) {
			out = append(out, form)
		}
	}
	return out
}

func TestText(t *testing.T) {
	german := Locale{Tag: "de", Language: "de"}
	for _, c := range []struct {
		locale Locale
		key    string
		params map[string]any
		want   string
	}{
		{English, "title.not_found", nil, "Not found"},
		{german, "title.not_found", nil, "Nicht gefunden"},
		{Locale{Tag: "fr", Language: "xx"}, "title.not_found", nil, "Not found"},
		{Locale{Tag: "fr", Language: "fr"}, "title.not_found", nil, "Introuvable"},
		{Locale{}, "title.not_found", nil, "Not found"},
		{german, "no.such.text", map[string]any{"Count": 1}, "no.such.text"},
		{german, "", nil, ""},
		{English, "pdf.page", map[string]any{"Page": 2, "Pages": 3}, "Page 2 of 3"},
		{german, "pdf.card_ending", map[string]any{"Brand": "Visa", "Last4": "0042"}, "Visa mit den Endziffern 0042"},
		{English, "pdf.paid_on", nil, "Paid on …"},
		{English, "pdf.revision", map[string]any{"Revision": int64(2), "Count": 1}, "Revision 2"},
		{English, "pdf.copy_note_issuer", map[string]any{"Issuer": "{{.Issuer}} & <b>"}, "This is a copy. The original was issued by {{.Issuer}} & <b>."},
		{English, "pdf.payment_terms.day", map[string]any{"Count": 1}, "Due within 1 day"},
		{English, "pdf.payment_terms.day", map[string]any{"Count": 30}, "Due within 30 days"},
		{german, "pdf.payment_terms.day", map[string]any{"Count": 1}, "Zahlbar innerhalb von 1 Tag"},
		{german, "pdf.payment_terms.day", map[string]any{"Count": 0}, "Zahlbar innerhalb von 0 Tagen"},
		{English, "problem.rate_limited", map[string]any{"Seconds": 1, "Count": 1}, "Too many requests. Please try again in 1 second."},
		{English, "problem.rate_limited", map[string]any{"Seconds": 1}, "Too many requests. Please try again in 1 seconds."},
		{English, "problem.rate_limited", map[string]any{"Seconds": 1, "Count": "many"}, "Too many requests. Please try again in 1 seconds."},
	} {
		if got := c.locale.Text(c.key, c.params); got != c.want {
			t.Errorf("%v %s %v: %q, want %q", c.locale, c.key, c.params, got, c.want)
		}
	}
}

func TestNamed(t *testing.T) {
	german := Locale{Tag: "de", Language: "de"}
	for code, want := range map[string]string{
		"sepa_debit": "SEPA-Lastschrift", "paypal": "PayPal", "a_new_way": "A New Way", "": "", "_": "", "ärmel_kanal": "Ärmel Kanal",
	} {
		if got := german.Named("payment_method.type.", code); got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
	}
}

func TestHasText(t *testing.T) {
	for _, l := range []Locale{English, {Tag: "de", Language: "de"}, {Tag: "ja", Language: "en"}, {}} {
		if !l.HasText("problem.not_found") || !l.HasText("problem.rate_limited") || l.HasText("problem") || l.HasText("") {
			t.Errorf("%v: HasText is wrong", l)
		}
	}
}

func TestPlaceholdersRefuseEverythingElse(t *testing.T) {
	for _, text := range []string{"{{", "{{.}}", "{{Name}}", "{{ .Name }}", "{{.Name", "{{.A.B}}", "{{printf .A}}", "{{if .A}}", "{{.1}}", "{{.A-B}}", "a {{.B}} {{"} {
		if _, err := (placeholders{}).Parse(text, "", ""); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// TestAnotherLanguageIsAnotherFile adds a file and expects its language to be spoken.
func TestAnotherLanguageIsAnotherFile(t *testing.T) {
	catalogs, err := load(fstest.MapFS{
		"locales/en.json":      {Data: []byte(`{"a": "English"}`)},
		"locales/fr.json":      {Data: []byte(`{"a": "Français", "b": {"one": "{{.Count}} jour", "other": "{{.Count}} jours"}}`)},
		"locales/pt.json":      {Data: []byte(`{"a": "Português"}`)},
		"locales/no.json":      {Data: []byte(`{"a": "Norsk"}`)},
		"locales/ar.json":      {Data: []byte(`{"a": "عربي"}`)},
		"locales/zh-Hant.json": {Data: []byte(`{"a": "繁體中文"}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	table := languages(catalogs)
	for tag, want := range map[string]string{
		"en": "en", "fr": "fr", "pt": "pt", "pt-BR": "pt", "no": "no", "zh-Hant": "zh-Hant", "zh-Hans": "en", "ja": "en",
	} {
		if got := table[tag]; got.Language != want || got.Tag != tag {
			t.Errorf("%s: %v, want language %s", tag, got, want)
		}
	}
	if !table["ar"].RightToLeft() || (Locale{Tag: "ar", Language: "en"}).RightToLeft() || table["fr"].RightToLeft() {
		t.Error("right to left is what has Arabic texts, nothing else")
	}
	french := catalogs["fr"]
	for count, want := range map[int]string{0: "0 jour", 1: "1 jour", 2: "2 jours", 1000000: "1000000 jours"} {
		if got := french.fill("b", map[string]any{"Count": count}); got != want { // a million is "many", which the file lacks
			t.Errorf("%d: %q, want %q", count, got, want)
		}
	}
}

func TestLoadRefusesABrokenFile(t *testing.T) {
	if _, err := load(fstest.MapFS{"locales/en.json": {Data: []byte(`{"a": `)}}); err == nil {
		t.Error("a broken file was accepted")
	}
}

func BenchmarkText(b *testing.B) {
	german := Locale{Tag: "de", Language: "de"}
	for _, c := range []struct {
		name, key string
		params    map[string]any
	}{
		{"plain", "payment.status.completed", nil},
		{"placeholder", "pdf.page", map[string]any{"Page": 1, "Pages": 2}},
		{"plural", "problem.rate_limited", map[string]any{"Seconds": 30, "Count": 30}},
		{"missing", "no.such.text", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				german.Text(c.key, c.params)
			}
		})
	}
}
