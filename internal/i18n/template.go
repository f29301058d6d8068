package i18n

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nicksnyder/go-i18n/v2/i18n/template"
)

// placeholders is the grammar of our texts: {{.Name}} stands for params["Name"], everything else for itself. It takes the
// place of text/template in go-i18n: a translator's file can hold no program then, and a param nobody gave reads "…"
// instead of "<no value>".
type placeholders struct{}

// segments is a text cut at its placeholders.
type segments []segment

// segment is a literal text and the name of the param that follows it; the last one has no name.
type segment struct{ literal, name string }

// missing is written for a param nobody gave.
const missing = "…"

// Cacheable tells go-i18n that it may keep what Parse returns.
func (placeholders) Cacheable() bool { return true }

// Parse cuts a text at its placeholders and refuses one with any other action. We use no other delimiters.
func (placeholders) Parse(text, _, _ string) (template.ParsedTemplate, error) {
	var out segments
	for {
		literal, rest, found := strings.Cut(text, "{{")
		if !found {
			return append(out, segment{literal: literal}), nil
		}
		action, after, closed := strings.Cut(rest, "}}")
		name, dotted := strings.CutPrefix(action, ".")
		if !closed || !dotted || !identifier(name) {
			return nil, fmt.Errorf("placeholder %q is not of the form {{.Name}}", action)
		}
		out, text = append(out, segment{literal, name}), after
	}
}

// identifier tells whether s is a capital letter followed by letters and figures.
func identifier(s string) bool {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	}) < 0
}

// Execute fills the placeholders from a map[string]any.
func (s segments) Execute(data any) (string, error) {
	params, _ := data.(map[string]any)
	out := make([]byte, 0, 128)
	for _, seg := range s {
		out = append(out, seg.literal...)
		if seg.name == "" {
			continue
		}
		switch v := params[seg.name].(type) {
		case nil:
			out = append(out, missing...)
		case string:
			out = append(out, v...)
		case int:
			out = strconv.AppendInt(out, int64(v), 10)
		default:
			out = fmt.Append(out, v)
		}
	}
	return string(out), nil
}
