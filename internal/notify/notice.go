package notify

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// Notices is what notify asks of the declarations made without signing in.
type Notices interface {
	// Notice returns what the mails about one tell; false when there is none.
	Notice(ctx context.Context, merchant foyer.MerchantID, id string) (Notice, bool, error)
}

// Notice is what mails tell of a declaration.
type Notice struct {
	ID string
	// Kind is "cancellation" or "withdrawal".
	Kind     string
	Name     string
	Email    string
	Contract string
	// Grounds are "ordinary" or "extraordinary"; empty for a withdrawal.
	Grounds    string
	EndAt      *time.Time
	ReceivedAt time.Time
	Locale     string
	// Silent says that no mail goes to the address.
	Silent bool
	// ForMerchant says that there is something the merchant must know or decide; Matched that the subscription ends with its period.
	ForMerchant bool
	Matched     bool
	// Problem is why it waits for the merchant.
	Problem string
}

// SendNoticeReceipt sends the receipt of a declaration to the address it gives. Nobody knows whose that is, so it says what was received
// and when, and never whether a contract was found. Running it again is the same mail.
func (s *Service) SendNoticeReceipt(ctx context.Context, id foyer.MerchantID, notice string) error {
	told, found, err := s.Notices.Notice(ctx, id, notice)
	if err != nil || !found || told.Silent {
		return err
	}
	m, err := s.Merchants.ByID(ctx, id)
	if err != nil {
		return err
	}
	settings := m.Portal.Settings
	locale := mailLocale(settings, told.Locale)
	l := told.receiptLetter(settings, locale)
	html, plain, err := render("billing", l)
	if err != nil {
		return err
	}
	mail := Mail{
		ID: derivedID(foyer.PrefixMail, notice, "receipt"), Merchant: id, To: told.Email, FromName: senderName(settings), ReplyTo: settings.MailSender.ReplyTo,
		Language: locale.Language, Subject: l.Subject, Text: plain, HTML: html, At: foyer.Micro(s.Now()),
	}
	name, pdf, err := s.Receipts.ReceiptPDF(ctx, foyer.Scope{Merchant: id}, notice, locale)
	if err != nil && !errors.Is(err, foyer.NotFound) {
		return err
	}
	if err == nil {
		mail.Attachments = []Attachment{{Name: name, ContentType: "application/pdf", Content: pdf}}
	}
	return s.Sender.Send(ctx, mail)
}

// SendNoticeToMerchant tells the merchant of a declaration it has to decide about, or could do more about, at the seller's address.
// Running it again is the same mail.
func (s *Service) SendNoticeToMerchant(ctx context.Context, id foyer.MerchantID, notice string) error {
	told, found, err := s.Notices.Notice(ctx, id, notice)
	if err != nil || !found || !told.ForMerchant {
		return err // nobody's, or decided meanwhile
	}
	m, err := s.Merchants.ByID(ctx, id)
	if err != nil {
		return err
	}
	settings := m.Portal.Settings
	if settings.Seller.Email == "" {
		return nil // nobody to tell; the API and the events do
	}
	locale := mailLocale(settings)
	l := told.merchantLetter(settings, locale)
	html, plain, err := render("billing", l)
	if err != nil {
		return err
	}
	return s.Sender.Send(ctx, Mail{
		ID: derivedID(foyer.PrefixMail, notice, "merchant"), Merchant: id, To: settings.Seller.Email, FromName: senderName(settings),
		Language: locale.Language, Subject: l.Subject, Text: plain, HTML: html, At: foyer.Micro(s.Now()),
	})
}

// begin is what both letters have in common.
func (n Notice) begin(settings merchant.Settings, locale i18n.Locale) billingLetter {
	l := billingLetter{
		Language: locale.Language, Direction: direction(locale), Start: "left", End: "right", Merchant: oneLine(settings.Name, 100), Color: color(settings.Branding),
	}
	if l.Direction == "rtl" {
		l.Start, l.End = "right", "left"
	}
	return l
}

func (n Notice) params(settings merchant.Settings, locale i18n.Locale) map[string]any {
	return map[string]any{"Merchant": oneLine(settings.Name, 100), "ReceivedAt": n.moment(locale), "Notice": n.ID}
}

// moment tells when it was received as the receipt does, in UTC.
func (n Notice) moment(locale i18n.Locale) string { return locale.DateTime(n.ReceivedAt) }

// rows are what was declared. The reason is in the receipt only: it is free text, and the mail goes to whoever was named.
func (n Notice) rows(locale i18n.Locale) []fact {
	label := func(key string) string { return locale.Text("receipt.label."+key, nil) }
	rows := []fact{
		{Label: label("reference"), Value: n.ID},
		{Label: label("received_at"), Value: n.moment(locale), Strong: true},
		{Label: label("person"), Value: unlinked(oneLine(n.Name, 200))},
		{Label: label("contract"), Value: unlinked(oneLine(n.Contract, 300))},
	}
	if n.Grounds != "" {
		rows = append(rows, fact{Label: label("notice_kind"), Value: locale.Text("receipt.notice_kind."+n.Grounds, nil)})
	}
	if n.EndAt != nil {
		rows = append(rows, fact{Label: label("end_at"), Value: locale.Date(*n.EndAt)})
	}
	return rows
}

// unlinked puts a space of no width behind a dot between two letters, so that no mail program makes a link of what looks like a domain:
// the text is a stranger's, and the mail the merchant's.
func unlinked(s string) string {
	runes := []rune(s)
	var b strings.Builder
	for i, r := range runes {
		b.WriteRune(r)
		if r == '.' && i > 0 && i+1 < len(runes) && unicode.IsLetter(runes[i-1]) && unicode.IsLetter(runes[i+1]) {
			b.WriteRune('\u200b')
		}
	}
	return b.String()
}

func (n Notice) receiptLetter(settings merchant.Settings, locale i18n.Locale) billingLetter {
	text := func(key string) string { return locale.Text("mail.notice."+key, n.params(settings, locale)) }
	l := n.begin(settings, locale)
	l.Subject, l.Greeting, l.Paragraphs = oneLine(text(n.Kind+".subject"), 150), text("greeting"), []string{text(n.Kind + ".intro"), text("attached")}
	if n.Grounds == "extraordinary" {
		l.Paragraphs = append(l.Paragraphs, text("extraordinary"))
	}
	l.Preheader, l.Rows, l.Notes, l.Footer = l.Paragraphs[0], n.rows(locale), []string{text("not_you")}, text("footer")
	return l
}

// merchantProblems are the problems with a text of their own.
var merchantProblems = map[string]bool{"no_match": true, "several": true, "out_of_time": true, "too_many": true, "kept": true}

func (n Notice) merchantLetter(settings merchant.Settings, locale i18n.Locale) billingLetter {
	text := func(key string) string { return locale.Text("mail.notice_merchant."+key, n.params(settings, locale)) }
	why := "refused"
	switch {
	case n.Matched:
		why = "extraordinary"
	case n.Problem == "withdrawal.not_available":
		why = "not_available"
	case merchantProblems[n.Problem]:
		why = n.Problem
	}
	l := n.begin(settings, locale)
	l.Subject, l.Greeting, l.Paragraphs = oneLine(text(n.Kind+".subject"), 150), text("greeting"), []string{text(n.Kind + ".intro"), text(why)}
	if !n.Matched {
		l.Paragraphs = append(l.Paragraphs, text("then"))
	}
	email := fact{Label: text("label.email"), Value: oneLine(n.Email, 254)}
	l.Preheader, l.Rows, l.Footer = l.Paragraphs[0], append(n.rows(locale), email), text("footer")
	return l
}
