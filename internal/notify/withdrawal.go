package notify

import (
	"context"
	"time"

	"foyer/internal/foyer"
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
	return s.sendToMerchant(ctx, id, mailID, pending.letter)
}

func (w PendingWithdrawal) letter(st stationery) letter {
	locale := st.locale
	params := map[string]any{
		"Merchant": st.merchantName(), "Withdrawal": w.ID, "Amount": locale.Money(w.Amount), "At": locale.Date(w.Declared), "Customer": oneLine(w.Customer, 200),
	}
	text := func(key string) string { return st.text("mail.withdrawal_"+string(w.Need)+"."+key, params) }
	shared := func(key string) string { return st.text("mail.withdrawal_failed."+key, params) }
	l := st.letter()
	l.Subject, l.Greeting, l.Paragraphs, l.Footer = text("subject"), shared("greeting"), []string{text("intro")}, shared("footer")
	l.Rows = []fact{
		{Label: shared("label.customer"), Value: oneLine(w.Customer, 200)},
		{Label: shared("label.subscription"), Value: w.Subscription},
		{Label: shared("label.withdrawal"), Value: w.ID},
	}
	if w.Need == WithdrawalFailed {
		why := "attempt_error." + w.Reason
		if !locale.HasText(why) {
			why = "attempt_error.unknown"
		}
		l.Paragraphs = append(l.Paragraphs, st.text(why, nil))
		l.Rows = append(l.Rows, fact{Label: shared("label.amount"), Value: locale.Money(w.Amount), Strong: true})
	}
	l.Paragraphs = append(l.Paragraphs, text("then"))
	return l
}
