package notify

import (
	"context"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// Withdrawals is what notify asks of retention.
type Withdrawals interface {
	// FailedWithdrawal tells of a withdrawal whose refund was refused; false when that is over.
	FailedWithdrawal(ctx context.Context, merchant foyer.MerchantID, id string) (FailedWithdrawal, bool, error)
}

// FailedWithdrawal is what a mail tells of a withdrawal that needs the merchant.
type FailedWithdrawal struct {
	ID           string
	Customer     string
	Subscription string
	// Amount is what could not be given back, Reason why.
	Amount   foyer.Money
	Reason   string
	Declared time.Time
}

// SendWithdrawalMail tells the merchant, at the seller's address, that a refund of a withdrawal was refused: the law gives it 14 days to
// give the money back. Running it again is the same mail.
func (s *Service) SendWithdrawalMail(ctx context.Context, id foyer.MerchantID, withdrawal, mailID string) error {
	failed, still, err := s.Withdrawals.FailedWithdrawal(ctx, id, withdrawal)
	if err != nil || !still {
		return err
	}
	m, err := s.Merchants.ByID(ctx, id)
	if err != nil {
		return err
	}
	settings := m.Portal.Settings
	if settings.Seller.Email == "" {
		return nil // nobody to tell; the API and the event do
	}
	mail, err := withdrawalMail(settings, mailLocale(settings), failed)
	if err != nil {
		return err
	}
	mail.ID, mail.Merchant, mail.To, mail.At = mailID, id, settings.Seller.Email, foyer.Micro(s.Now())
	return s.Sender.Send(ctx, mail)
}

func withdrawalMail(settings merchant.Settings, locale i18n.Locale, w FailedWithdrawal) (Mail, error) {
	name := oneLine(settings.Name, 100)
	params := map[string]any{
		"Merchant": name, "Withdrawal": w.ID, "Amount": locale.Money(w.Amount), "At": locale.Date(w.Declared), "Customer": oneLine(w.Customer, 200),
	}
	text := func(key string) string { return locale.Text("mail.withdrawal_failed."+key, params) }
	why := "attempt_error." + w.Reason
	if !locale.HasText(why) {
		why = "attempt_error.unknown"
	}
	l := billingLetter{
		Language: locale.Language, Direction: direction(locale), Start: "left", End: "right", Merchant: name, Color: color(settings.Branding),
		Subject: oneLine(text("subject"), 150), Preheader: text("intro"), Greeting: text("greeting"),
		Paragraphs: []string{text("intro"), locale.Text(why, nil), text("then")},
		Rows: []fact{
			{Label: text("label.customer"), Value: oneLine(w.Customer, 200)},
			{Label: text("label.subscription"), Value: w.Subscription},
			{Label: text("label.amount"), Value: locale.Money(w.Amount), Strong: true},
			{Label: text("label.withdrawal"), Value: w.ID},
		},
		Footer: text("footer"),
	}
	if l.Direction == "rtl" {
		l.Start, l.End = "right", "left"
	}
	html, plain, err := render("billing", l)
	return Mail{FromName: senderName(settings), Language: locale.Language, Subject: l.Subject, Text: plain, HTML: html}, err
}
