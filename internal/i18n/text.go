package i18n

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// bundles holds one file per language we have texts in, named by its tag. Adding a file is all it takes to speak
// another one.
//
//go:embed locales/*.json
var bundles embed.FS

// catalog holds the texts of one language.
type catalog struct {
	// keys holds every key that has a text.
	keys map[string]bool
	// plain holds the texts of one form without placeholders: most of them, and all that lists need.
	plain map[string]string
	// source holds every text without plural forms as its file has it.
	source map[string]string
	// localizer has all of them, with plural forms.
	localizer *goi18n.Localizer
}

var (
	catalogs = mustLoad(bundles)
	byTag    = languages(catalogs)
)

// Text returns the text of the key in l.Language, in English where that has none, and the key itself where neither has:
// a missing text is ugly, never fatal. params fill the placeholders; params["Count"], an int, chooses the plural form,
// and a text that shows the number under another name needs it under both.
func (l Locale) Text(key string, params map[string]any) string {
	c := l.catalog()
	if !c.keys[key] {
		c = catalogs[English.Language]
	}
	if text, ok := c.plain[key]; ok {
		return text
	}
	if !c.keys[key] {
		return key
	}
	return c.fill(key, params)
}

// Fill fills the placeholders of a text that is in no bundle, such as one a merchant worded itself.
func Fill(text string, params map[string]any) string {
	parsed, err := placeholders{}.Parse(text, "", "")
	if err != nil {
		return text
	}
	filled, _ := parsed.Execute(params)
	return filled
}

// Placeholders returns the names of a text's placeholders, each once, in order; false when it has another action than {{.Name}}.
func Placeholders(text string) ([]string, bool) {
	parsed, err := placeholders{}.Parse(text, "", "")
	if err != nil {
		return nil, false
	}
	var names []string
	for _, seg := range parsed.(segments) {
		if seg.name != "" {
			names = append(names, seg.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), true
}

// Keys returns the keys of all texts that begin with the prefix, sorted.
func Keys(prefix string) []string {
	var keys []string
	for key := range catalogs[English.Language].keys {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Source returns the text of the key as its bundle has it, placeholders unfilled; false when there is none, or when it has plural forms.
func (l Locale) Source(key string) (string, bool) {
	c := l.catalog()
	if !c.keys[key] {
		c = catalogs[English.Language]
	}
	text := c.source[key]
	return text, text != ""
}

// HasText tells whether Text has a text for the key rather than the key itself.
func (l Locale) HasText(key string) bool {
	return l.catalog().keys[key] || catalogs[English.Language].keys[key]
}

// RightToLeft tells whether the texts of l run from right to left.
func (l Locale) RightToLeft() bool { return l.Language == "ar" }

// catalog returns the texts of l.Language, English ones for a language without.
func (l Locale) catalog() *catalog {
	if c, ok := catalogs[l.Language]; ok {
		return c
	}
	return catalogs[English.Language]
}

// fill writes a text that has placeholders or plural forms.
func (c *catalog) fill(key string, params map[string]any) string {
	config := goi18n.LocalizeConfig{MessageID: key, TemplateData: params, TemplateParser: placeholders{}}
	if n, ok := params["Count"].(int); ok {
		config.PluralCount = n
	}
	text, err := c.localizer.Localize(&config)
	if err != nil && text == "" { // with an error and a text, a plural form is missing and the general one stands in
		return key
	}
	return text
}

// mustLoad reads the bundles. They are part of the program, so one that can't be read is a fault of the program.
func mustLoad(files fs.FS) map[string]*catalog {
	all, err := load(files)
	if err != nil {
		panic(err)
	}
	return all
}

// load reads every bundle of the folder "locales", by language.
func load(files fs.FS) (map[string]*catalog, error) {
	names, err := fs.Glob(files, "locales/*.json")
	if err != nil {
		return nil, err
	}
	all := map[string]*catalog{}
	for _, name := range names {
		tag := strings.TrimSuffix(path.Base(name), ".json")
		bundle := goi18n.NewBundle(language.Make(tag))
		file, err := bundle.LoadMessageFileFS(files, name)
		if err != nil {
			return nil, fmt.Errorf("texts in %s: %w", name, err)
		}
		c := &catalog{keys: map[string]bool{}, plain: map[string]string{}, source: map[string]string{}, localizer: goi18n.NewLocalizer(bundle, tag)}
		for _, m := range file.Messages {
			c.keys[m.ID] = true
			if forms := m.Zero + m.One + m.Two + m.Few + m.Many; forms != "" {
				continue
			}
			c.source[m.ID] = m.Other
			if !strings.Contains(m.Other, "{{") {
				c.plain[m.ID] = m.Other
			}
		}
		all[tag] = c
	}
	return all, nil
}

// languages gives every tag of Locales the language of its texts: its own bundle, else that of the language without
// script and region (pt-BR → pt), else English.
func languages(catalogs map[string]*catalog) map[string]Locale {
	all := map[string]Locale{}
	for _, tag := range Locales {
		base, _, _ := strings.Cut(tag, "-")
		l := Locale{Tag: tag, Language: English.Language}
		for _, name := range []string{base, tag} {
			if catalogs[name] != nil {
				l.Language = name
			}
		}
		all[tag] = l
	}
	return all
}
