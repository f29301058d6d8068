package notify

import (
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Sample ids: they belong to nothing.
const (
	sampleULID         = "01hzy7v8k9m0n1p2q3r4s5t6v7"
	sampleSubscription = "sub_" + sampleULID
	samplePayment      = "pay_" + sampleULID
	sampleOrder        = "eml_" + sampleULID
	sampleCustomerName = "Mia Lang"
)

// sampleMail is a billing mail of the kind about a customer, a subscription and a payment that don't exist, told at the moment: what a
// merchant looks at before it words something, and what the tests draw.
func sampleMail(st stationery, kind billing.MailKind, currency foyer.Currency, now time.Time) *billingMail {
	began, next, later := now, now.AddDate(0, 1, 0), now.AddDate(0, 2, 0)
	amount, lower := int64(3570), int64(2499)
	item := billing.SubscriptionItem{ProductName: "Analytics Pro", PriceName: "Team", Quantity: 3, UnitPrice: 1000}
	sub := &billing.Subscription{
		ID: sampleSubscription, Status: billing.SubscriptionActive, Currency: currency, Items: []billing.SubscriptionItem{item}, RecurringTotal: amount,
		Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1}, CollectionMode: billing.CollectAutomatic, StartedAt: &began,
		CurrentPeriod: &foyer.Period{Start: began, End: next}, NextBilledAt: &next,
	}
	payment := &billing.Payment{
		ID: samplePayment, Status: billing.PaymentCompleted, Currency: currency, Subscription: sampleSubscription, InvoiceNumber: "AC-10566",
		Lines:    []billing.Line{{Name: item.ProductName, Quantity: 3, UnitPrice: 1000, Totals: billing.LineTotals{Subtotal: 3000, Tax: 570, Total: 3570}}},
		Totals:   billing.Totals{Subtotal: 3000, Tax: 570, Total: 3570, GrandTotal: 3570},
		Attempts: []billing.Attempt{{Status: billing.AttemptCaptured, Card: &billing.Card{Brand: "visa", Last4: "4242"}}},
	}
	b := &billingMail{
		stationery: st, customer: billing.Customer{Name: sampleCustomerName, Locale: st.locale.Tag}, sub: sub, payment: payment,
		order: billing.MailOrder{ID: sampleOrder, Kind: kind, Subscription: sampleSubscription, Payment: samplePayment, At: now},
	}
	facts := &b.order.Facts
	*facts = billing.MailFacts{EffectiveAt: &next, Amount: &amount}
	switch kind {
	case billing.MailReceipt, billing.MailRefunded:
		b.order.Invoice = "inv_" + sampleULID
	case billing.MailInvoiceCopy:
		b.order.Invoice, facts.Number, facts.Document = "inv_"+sampleULID, payment.InvoiceNumber, "invoice"
	case billing.MailInvoiceRevised:
		b.order.Invoice, facts.Number, facts.Replaced = "inv_"+sampleULID, payment.InvoiceNumber, payment.InvoiceNumber
	case billing.MailPaymentFailed:
		payment.Status, payment.Totals.Balance = billing.PaymentPastDue, amount
		facts.Attempt, facts.ErrorCode, facts.Then, facts.Brand, facts.Last4 = 1, "not_enough_balance", "cancel", "visa", "4242"
	case billing.MailInvoiceDue:
		b.order.Invoice, payment.Status, payment.Totals.Balance = "inv_"+sampleULID, billing.PaymentBilled, amount
		sub.CollectionMode, payment.CollectionMode = billing.CollectManual, billing.CollectManual
	case billing.MailCardExpiring, billing.MailMethodChanged, billing.MailMethodRemoved:
		facts.Brand, facts.Last4 = "visa", "4242"
	case billing.MailYearlyReminder:
		began := began.AddDate(-1, 0, 0)
		sub.StartedAt = &began
	case billing.MailInvoiceCanceled:
		b.order.Invoice, facts.Number, payment.Status = "inv_"+sampleULID, payment.InvoiceNumber, billing.PaymentCanceled
		payment.CollectionMode, sub.CollectionMode = billing.CollectManual, billing.CollectManual
	case billing.MailTrialEnding, billing.MailTrialExtended:
		sub.Status, sub.Trial = billing.SubscriptionTrialing, &foyer.Period{Start: began, End: next}
	case billing.MailCancellationScheduled:
		sub.ScheduledChange, facts.Receipt = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: next}, "can_"+sampleULID
	case billing.MailCanceled:
		sub.Status, sub.CanceledAt, facts.EffectiveAt = billing.SubscriptionCanceled, &began, &began
	case billing.MailDiscountApplied:
		sub.NextTotal, facts.Periods, facts.EffectiveAt = &lower, 3, &later
	case billing.MailPauseScheduled:
		facts.ResumeAt = &later
	case billing.MailPaused:
		sub.Status, facts.ResumeAt = billing.SubscriptionPaused, &later
	case billing.MailPlanChangeScheduled:
		grown := item
		grown.ProductName, grown.UnitPrice = "Analytics Max", 2000
		sub.Pending = &billing.Plan{Items: []billing.SubscriptionItem{grown}, Cycle: sub.Cycle}
		sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleChange, EffectiveAt: next}
	case billing.MailWithdrawalReceived:
		sub.Status, facts.Receipt, facts.EffectiveAt = billing.SubscriptionCanceled, "wdr_"+sampleULID, nil
	case billing.MailWithdrawalDeclared:
		facts.InTime = true
	}
	if b.order.Invoice != "" || facts.Receipt != "" {
		b.attachments = []Attachment{{Name: "document.pdf", ContentType: "application/pdf"}}
	}
	return b
}
