package notify

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Aftermath is what notify asks about charges after they were captured.
type Aftermath interface {
	// Dispute tells how a dispute stands; false when it is gone.
	Dispute(ctx context.Context, merchant foyer.MerchantID, id string) (Dispute, bool, error)
	// FailedRefund tells of a refund that came back; false when the customer is owed nothing any more.
	FailedRefund(ctx context.Context, merchant foyer.MerchantID, id string) (FailedRefund, bool, error)
}

// Dispute is what a mail tells of a dispute: nothing of the customer but the payment's id.
type Dispute struct {
	Payment string
	Status  billing.DisputeStatus
	// Reason is the gateway's word for why.
	Reason    string
	Amount    foyer.Money
	RespondBy *time.Time
	// Told is the version the last mail is about.
	Told int64
}

// FailedRefund is what a mail tells of a refund the customer's bank sent back.
type FailedRefund struct {
	ID      string
	Payment string
	Amount  foyer.Money
	// Owed is what the customer should have of the payment and has not: it was refunded, and came back.
	Owed   foyer.Money
	MadeAt time.Time
}

// SendDisputeMail tells the merchant, at the seller's address, that the customer's bank takes a payment back or asks about it or, when it
// has ended, what the bank decided. It says how things stand when it is sent, and nothing when they have gone on since told, the version it
// was ordered for, to what another mail tells: a mail that was held up must not ask for an answer that nobody takes any more, nor say the
// same as the next one. Running it again is the same mail.
func (s *Service) SendDisputeMail(ctx context.Context, id foyer.MerchantID, dispute string, told int64, mailID string) error {
	d, still, err := s.Aftermath.Dispute(ctx, id, dispute)
	if err != nil || !still || d.Told != told {
		return err
	}
	return s.sendToMerchant(ctx, id, mailID, d.letter)
}

// SendRefundFailedMail tells the merchant that a refund came back, so that it pays the customer another way; nothing when that was done
// while the mail was held up. Running it again is the same mail.
func (s *Service) SendRefundFailedMail(ctx context.Context, id foyer.MerchantID, refund, mailID string) error {
	r, still, err := s.Aftermath.FailedRefund(ctx, id, refund)
	if err != nil || !still {
		return err
	}
	return s.sendToMerchant(ctx, id, mailID, r.letter)
}

// unnamedReason stands for the reasons of gateways that say nothing.
const unnamedReason = "general"

func (d Dispute) letter(st stationery) letter {
	locale := st.locale
	params := map[string]any{"Merchant": st.merchantName(), "Payment": d.Payment, "Amount": locale.Money(d.Amount)}
	if d.RespondBy != nil {
		params["At"] = locale.DateTime(*d.RespondBy)
	}
	label := func(key string) string { return st.text("mail.payment_disputed.label."+key, nil) }
	kind, paragraphs := "payment_disputed", []string{"open"}
	switch {
	case d.Status.Ended():
		kind, paragraphs = "dispute_closed", []string{string(d.Status)}
	case d.Status == billing.DisputeInquiry:
		paragraphs = []string{"inquiry"}
	}
	l := st.merchantLetter(kind, params, paragraphs...)
	l.Rows = []fact{
		{Label: label("payment"), Value: d.Payment},
		{Label: label("amount"), Value: locale.Money(d.Amount), Strong: true},
		{Label: label("reason"), Value: d.why(st)},
	}
	if d.Status.Ended() {
		return l
	}
	if d.RespondBy != nil {
		l.Rows = append(l.Rows, fact{Label: label("respond_by"), Value: locale.DateTime(*d.RespondBy), Strong: true})
		l.Paragraphs = append(l.Paragraphs, st.text("mail.payment_disputed.respond_by", params))
	}
	l.Paragraphs = append(l.Paragraphs, st.text("mail.payment_disputed.then", params))
	return l
}

// why is the reason in words; the gateway's own word where we have none.
func (d Dispute) why(st stationery) string {
	reason := d.Reason
	if reason == "" {
		reason = unnamedReason
	}
	if key := "dispute_reason." + reason; st.locale.HasText(key) {
		return st.text(key, nil)
	}
	return oneLine(reason, 100)
}

func (r FailedRefund) letter(st stationery) letter {
	locale := st.locale
	params := map[string]any{"Merchant": st.merchantName(), "Payment": r.Payment, "Amount": locale.Money(r.Amount), "Owed": locale.Money(r.Owed), "At": locale.Date(r.MadeAt)}
	l := st.merchantLetter("refund_failed", params, "intro", "then")
	l.Rows = []fact{
		{Label: st.text("mail.payment_disputed.label.payment", nil), Value: r.Payment},
		{Label: st.text("mail.billing.label.refund", nil), Value: r.ID},
		{Label: st.text("mail.withdrawal_failed.label.amount", nil), Value: locale.Money(r.Amount), Strong: true},
	}
	return l
}

// merchantLetter is a letter to the merchant itself, with the paragraphs of its kind and what all of them have.
func (st stationery) merchantLetter(kind string, params map[string]any, paragraphs ...string) letter {
	l := st.letter()
	l.Subject = st.text("mail."+kind+".subject", params)
	for _, p := range paragraphs {
		l.Paragraphs = append(l.Paragraphs, st.text("mail."+kind+"."+p, params))
	}
	l.Greeting, l.Footer = st.text("mail.withdrawal_failed.greeting", params), st.text("mail.withdrawal_failed.footer", params)
	return l
}
