package notify

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"strings"
	texttemplate "text/template"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Mail is one message to one person, ready to send.
type Mail struct {
	// ID is the same for every try to send the mail; the Message-ID is made of it.
	ID       string
	Merchant foyer.MerchantID
	To       string
	// FromName is the merchant's name, From its mailbox; empty, or of a domain the sender may not send for, it is the sender's own.
	// ReplyTo is where answers go, empty for there.
	FromName string
	From     string
	ReplyTo  string
	Language string
	Subject  string
	Text     string
	HTML     string
	At       time.Time
	// Attachments are the files that come with it.
	Attachments []Attachment
}

// Attachment is a file that comes with a mail.
type Attachment struct {
	// Name has nothing in it that a header or a file system reads as anything else.
	Name        string
	ContentType string
	Content     []byte
}

// Sender carries mails. Sending the same id again may deliver it again, never a different mail.
type Sender interface {
	Send(ctx context.Context, m Mail) error
}

//go:embed templates/*
var templates embed.FS

var (
	htmlTemplates = template.Must(template.ParseFS(templates, "templates/*.html"))
	textTemplates = texttemplate.Must(texttemplate.ParseFS(templates, "templates/*.txt"))
)

// letter is what a template sees. Every word comes from i18n; names and links are escaped by html/template.
type letter struct {
	Language  string
	Direction string
	Merchant  string
	Color     template.CSS
	Subject   string
	Preheader string
	Greeting  string
	Intro     string
	Button    string
	Link      template.URL
	CodeIntro string
	Code      string
	Expires   string
	Ignore    string
	Footer    string
}

// render draws both parts of a mail from its template; l is what the template sees.
func render(name string, l any) (html, text string, err error) {
	var h, t bytes.Buffer
	if err := htmlTemplates.ExecuteTemplate(&h, name+".html", l); err != nil {
		return "", "", fmt.Errorf("notify: %w", err)
	}
	if err := textTemplates.ExecuteTemplate(&t, name+".txt", l); err != nil {
		return "", "", fmt.Errorf("notify: %w", err)
	}
	return h.String(), t.String(), nil
}

// oneLine makes a name fit for a header and a line of text: no control characters, no line breaks (header injection),
// not endless.
func oneLine(s string, limit int) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == limit {
			break
		}
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}

func direction(l i18n.Locale) string {
	if l.Language == l.Tag && l.RightToLeft() {
		return "rtl"
	}
	return "ltr"
}
