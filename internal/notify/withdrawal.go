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
	// PendingWithdrawal tells of a withdrawal that needs its merchant; false when it doesn't any more.
	PendingWithdrawal(ctx context.Context, merchant foyer.MerchantID, id string) (PendingWithdrawal, bool, error)
}

// WithdrawalNeed is what a withdrawal needs its merchant for.
type WithdrawalNeed string

// The needs: it was declared by notice and nobody has confirmed it, now or since some days; or a refund was refused.
const (
	WithdrawalNoticed   WithdrawalNeed = "noticed"
	WithdrawalUndecided WithdrawalNeed = "undecided"
	WithdrawalFailed    WithdrawalNeed = "failed"
)

// PendingWithdrawal is what a mail tells of a withdrawal that needs the merchant.
type PendingWithdrawal struct {
	ID           string
	Need         WithdrawalNeed
	Customer     string
	Subscription string
	// Amount is what could not be given back, Reason why; zero and empty unless a refund was refused.
	Amount   foyer.Money
	Reason   string
	Declared time.Time
}

// SendWithdrawalMail tells the merchant, at the seller's address, that a withdrawal was declared without signing in, that nobody has
// decided about it, or that a refund was refused: the law gives it 14 days to give the money back. Running it again is the same mail.
func (s *Service) SendWithdrawalMail(ctx context.Context, id foyer.MerchantID, withdrawal, mailID string) error {
	pending, still, err := s.Withdrawals.PendingWithdrawal(ctx, id, withdrawal)
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
	mail, err := withdrawalMail(settings, mailLocale(settings), pending)
	if err != nil {
		return err
	}
	mail.ID, mail.Merchant, mail.To, mail.At = mailID, id, settings.Seller.Email, foyer.Micro(s.Now())
	return s.Sender.Send(ctx, mail)
}

func withdrawalMail(settings merchant.Settings, locale i18n.Locale, w PendingWithdrawal) (Mail, error) {
	name := oneLine(settings.Name, 100)
	params := map[string]any{
		"Merchant": name, "Withdrawal": w.ID, "Amount": locale.Money(w.Amount), "At": locale.Date(w.Declared), "Customer": oneLine(w.Customer, 200),
	}
	text := func(key string) string { return locale.Text("mail.withdrawal_"+string(w.Need)+"."+key, params) }
	shared := func(key string) string { return locale.Text("mail.withdrawal_failed."+key, params) }
	l := billingLetter{
		Language: locale.Language, Direction: direction(locale), Start: "left", End: "right", Merchant: name, Color: color(settings.Branding),
		Subject: oneLine(text("subject"), 150), Preheader: text("intro"), Greeting: shared("greeting"),
		Paragraphs: []string{text("intro")},
		Rows: []fact{
			{Label: shared("label.customer"), Value: oneLine(w.Customer, 200)},
			{Label: shared("label.subscription"), Value: w.Subscription},
			{Label: shared("label.withdrawal"), Value: w.ID},
		},
		Footer: shared("footer"),
	}
	if w.Need == WithdrawalFailed {
		why := "attempt_error." + w.Reason
		if !locale.HasText(why) {
			why = "attempt_error.unknown"
		}
		l.Paragraphs = append(l.Paragraphs, locale.Text(why, nil))
		l.Rows = append(l.Rows, fact{Label: shared("label.amount"), Value: locale.Money(w.Amount), Strong: true})
	}
	l.Paragraphs = append(l.Paragraphs, text("then"))
	if l.Direction == "rtl" {
		l.Start, l.End = "right", "left"
	}
	html, plain, err := render("billing", l)
	return Mail{FromName: senderName(settings), Language: locale.Language, Subject: l.Subject, Text: plain, HTML: html}, err
}
