package notify

import (
	"context"
	"strings"
	"time"
	"unicode"

	"foyer/internal/foyer"
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
	// Preheader is what a list of mails shows behind the subject.
	Preheader string
	Text      string
	HTML      string
	At        time.Time
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

// oneLine makes a name fit for a header and a line of text: no control characters, no line breaks (header injection), nothing that only
// steers the direction of what follows (Trojan source, CVE-2021-42574), not endless.
func oneLine(s string, limit int) string {
	return short(s, limit, func(r rune) bool { return unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' }) // joiners spell words
}

// headline makes a subject fit for its header: names in it were made fit before, and the marks that keep an Arabic amount together stay.
func headline(s string) string { return short(s, 150, func(rune) bool { return false }) }

// short is at most limit characters of s on one line, without those dropped.
func short(s string, limit int, dropped func(rune) bool) string {
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n == limit {
			break
		}
		if dropped(r) {
			continue
		}
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			r = ' '
		}
		b.WriteRune(r)
		n++
	}
	return strings.TrimSpace(b.String())
}
