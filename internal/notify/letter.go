package notify

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	texttemplate "text/template"
)

// letter is what the template of every mail sees. Every word comes from i18n or from the merchant; names and links are escaped by
// html/template.
type letter struct {
	Language  string
	Direction string
	// Start and End are the sides a line begins and ends at: mail clients know no logical sides.
	Start, End string
	Merchant   string
	// Logo is the address of the merchant's picture; empty for its name.
	Logo string
	// Color is the button's, ButtonInk what is legible on it.
	Color, ButtonInk template.CSS
	Subject          string
	Preheader        string
	Greeting         string
	Paragraphs       []string
	Rows             []fact
	Button           *hyperlink
	// Code is typed where the link can't be opened.
	Code *typedCode
	// Notes stand below the button, quietly.
	Notes []string
	// Manage are the links every mail about a subscription has.
	Manage []hyperlink
	Footer string
	// Seller is who stands behind the merchant, on one line.
	Seller string
	Legal  []hyperlink
}

// fact is a row of the table: what, and how much.
type fact struct {
	Label, Value string
	Strong       bool
}

type hyperlink struct {
	Label string
	URL   template.URL
}

type typedCode struct{ Intro, Code string }

// Filler stands behind the preheader, so that the list of mails shows it alone and not the beginning of the mail too.
func (letter) Filler() []struct{} { return make([]struct{}, 40) }

//go:embed templates/*
var templates embed.FS

var (
	htmlTemplates = template.Must(template.New("letter").Funcs(template.FuncMap{"outlook": outlook}).ParseFS(templates, "templates/*.html"))
	textTemplates = texttemplate.Must(texttemplate.ParseFS(templates, "templates/*.txt"))
)

// outlook writes what only Outlook for Windows reads, which knows no max-width: a table of a fixed width around ours. It is a function
// because html/template takes comments out of its source. Its argument stands in the template, never in data.
func outlook(html string) template.HTML {
	return template.HTML("<!--[if mso]>" + html + "<![endif]-->") //nolint:gosec // see above
}

// render draws both parts of a mail.
func (l letter) render() (html, text string, err error) {
	var h, t bytes.Buffer
	if err := htmlTemplates.ExecuteTemplate(&h, "letter.html", l); err != nil {
		return "", "", fmt.Errorf("notify: %w", err)
	}
	if err := textTemplates.ExecuteTemplate(&t, "letter.txt", l); err != nil {
		return "", "", fmt.Errorf("notify: %w", err)
	}
	return h.String(), t.String(), nil
}
