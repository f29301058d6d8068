package notify

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
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
	st, err := s.stationeryOf(ctx, m, told.Locale)
	if err != nil {
		return err
	}
	mail, err := st.seal(told.receiptLetter(st))
	if err != nil {
		return err
	}
	mail.ID, mail.Merchant, mail.To, mail.At = derivedID(foyer.PrefixMail, notice, "receipt"), id, told.Email, foyer.Micro(s.Now())
	name, pdf, err := s.Receipts.ReceiptPDF(ctx, foyer.Scope{Merchant: id}, notice, st.locale)
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
	return s.sendToMerchant(ctx, id, derivedID(foyer.PrefixMail, notice, "merchant"), told.merchantLetter)
}

func (n Notice) params(st stationery) map[string]any {
	return map[string]any{"Merchant": st.merchantName(), "ReceivedAt": n.moment(st.locale), "Notice": n.ID}
}

// moment tells when it was received as the receipt does, in UTC.
func (n Notice) moment(locale i18n.Locale) string { return locale.DateTime(n.ReceivedAt) }

// rows are what was declared. The reason is in the receipt only: it is free text, and the mail goes to whoever was named.
func (n Notice) rows(st stationery) []fact {
	label := func(key string) string { return st.text("receipt.label."+key, nil) }
	rows := []fact{
		{Label: label("reference"), Value: n.ID},
		{Label: label("received_at"), Value: n.moment(st.locale), Strong: true},
		{Label: label("person"), Value: unlinked(oneLine(n.Name, 200))},
		{Label: label("contract"), Value: unlinked(oneLine(n.Contract, 300))},
	}
	if n.Grounds != "" {
		rows = append(rows, fact{Label: label("notice_kind"), Value: st.text("receipt.notice_kind."+n.Grounds, nil)})
	}
	if n.EndAt != nil {
		rows = append(rows, fact{Label: label("end_at"), Value: st.locale.Date(*n.EndAt)})
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

func (n Notice) receiptLetter(st stationery) letter {
	text := func(key string) string { return st.text("mail.notice."+key, n.params(st)) }
	l := st.letter()
	l.Subject, l.Greeting, l.Paragraphs = text(n.Kind+".subject"), text("greeting"), []string{text(n.Kind + ".intro"), text("attached")}
	if n.Grounds == "extraordinary" {
		l.Paragraphs = append(l.Paragraphs, text("extraordinary"))
	}
	l.Rows, l.Notes, l.Footer = n.rows(st), []string{text("not_you")}, text("footer")
	return l
}

// merchantProblems are the problems with a text of their own.
var merchantProblems = map[string]bool{"no_match": true, "several": true, "out_of_time": true, "too_many": true, "kept": true}

func (n Notice) merchantLetter(st stationery) letter {
	text := func(key string) string { return st.text("mail.notice_merchant."+key, n.params(st)) }
	why := "refused"
	switch {
	case n.Matched:
		why = "extraordinary"
	case n.Problem == "withdrawal.not_available":
		why = "not_available"
	case merchantProblems[n.Problem]:
		why = n.Problem
	}
	l := st.letter()
	l.Subject, l.Greeting, l.Paragraphs = text(n.Kind+".subject"), text("greeting"), []string{text(n.Kind + ".intro"), text(why)}
	if !n.Matched {
		l.Paragraphs = append(l.Paragraphs, text("then"))
	}
	email := fact{Label: text("label.email"), Value: oneLine(n.Email, 254)}
	l.Rows, l.Footer = append(n.rows(st), email), text("footer")
	return l
}
