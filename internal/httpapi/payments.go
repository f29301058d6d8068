package httpapi

import (
	"context"
	"time"

	"github.com/oapi-codegen/nullable"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// ListPayments shows the customer's payments.
func (s *Server) ListPayments(ctx context.Context, in api.ListPaymentsRequestObject) (api.ListPaymentsResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := billing.PaymentFilter{Subscription: billing.SubscriptionID(value(q.SubscriptionId)), IncludeZero: q.IncludeZero != nil && *q.IncludeZero}
	if q.Status != nil {
		filter.Statuses = each(*q.Status, func(v api.PaymentStatus) billing.PaymentStatus { return billing.PaymentStatus(v) })
	}
	found, err := s.Billing.Payments(ctx, requestOf(ctx).scope(), filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.Payment) foyer.PageKey { return foyer.PageKey{At: v.ListedAt(), ID: string(v.ID)} })
	return api.ListPayments200JSONResponse{Body: api.PaymentList{Page: next, Data: each(found, presenterOf(ctx).payment)}}, nil
}

// GetPayment shows one payment, itemised.
func (s *Server) GetPayment(ctx context.Context, in api.GetPaymentRequestObject) (api.GetPaymentResponseObject, error) {
	payment, err := s.Billing.Payment(ctx, requestOf(ctx).scope(), billing.PaymentID(in.PaymentId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).itemised(payment)
	same, err := unchanged(ctx, payment.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetPayment304Response{}, nil
	}
	return api.GetPayment200JSONResponse{Body: shown}, nil
}

// PayPayment collects a payment now.
func (s *Server) PayPayment(ctx context.Context, in api.PayPaymentRequestObject) (api.PayPaymentResponseObject, error) {
	var method billing.PaymentMethodID
	if in.Body != nil {
		method = billing.PaymentMethodID(value(in.Body.PaymentMethodId))
	}
	payment, next, err := s.Billing.Pay(ctx, requestOf(ctx).actor(), billing.PaymentID(in.PaymentId), method)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).itemised(payment)
	if _, err := unchanged(ctx, payment.Version, shown); err != nil {
		return nil, err
	}
	shown.NextAction = nextAction(next)
	if next != nil {
		return api.PayPayment202JSONResponse{Body: shown}, nil
	}
	return api.PayPayment200JSONResponse{Body: shown}, nil
}

// nextAction shows what the customer must do with the gateway; nil when nothing.
func nextAction(next *billing.NextAction) *api.NextAction {
	if next == nil {
		return nil
	}
	return &api.NextAction{
		Type: api.NextActionType(next.Type), ChargeId: next.Charge, ClientSecret: next.ClientSecret, Gateway: next.Gateway, PublicKey: orNull(next.PublicKey),
	}
}

// payment shows what lists show.
func (p presenter) payment(v billing.Payment) api.Payment {
	shown := api.Payment{
		Id: string(v.ID), ExternalId: orNull(v.ExternalID), Status: api.PaymentStatus(v.Status),
		StatusText: p.locale.Text("payment.status."+string(v.Status), nil), Origin: api.Origin(v.Origin),
		CollectionMode: api.CollectionMode(v.CollectionMode), Currency: string(v.Currency), Description: v.Description,
		SubscriptionId: orNull(v.Subscription), CreatedAt: v.CreatedAt, BilledAt: v.BilledAt, DueAt: v.DueAt(), BillingPeriod: p.period(v.BillingPeriod),
		Totals:     p.totals(v.Totals, v.Currency),
		Refunds:    each(v.Refunds, func(r billing.Refund) api.Refund { return p.refund(r, v.Currency) }),
		CustomerId: p.of(v.Customer), Metadata: p.metadata(v.Metadata),
	}
	if v.BillingDetails != nil {
		shown.PurchaseOrderNumber = orNull(v.BillingDetails.PurchaseOrderNumber)
	}
	if v.InvoiceID != "" {
		shown.Invoice = &api.InvoiceRef{Id: v.InvoiceID, Number: v.InvoiceNumber}
	}
	return shown
}

// itemised shows everything of a payment.
func (p presenter) itemised(v billing.Payment) api.Payment {
	shown := p.payment(v)
	rates := each(v.TaxRates, func(t billing.TaxRateTotals) api.TaxRate {
		return api.TaxRate{Rate: string(t.Rate), Totals: p.lineTotals(t.Totals, v.Currency)}
	})
	lines := each(v.Lines, func(l billing.Line) api.PaymentLine { return p.line(l, v.Currency) })
	attempts := each(v.Attempts, func(a billing.Attempt) api.Attempt { return p.attempt(a, v.Currency) })
	disputes := each(v.Disputes, func(d billing.Dispute) api.Dispute { return p.dispute(d, v.Currency) })
	shown.TaxRates, shown.Lines, shown.Attempts, shown.Disputes = &rates, &lines, &attempts, &disputes
	return shown
}

// dispute shows what a bank takes back. A customer sees that it is so; what the bank wants of the seller is the merchant's.
func (p presenter) dispute(d billing.Dispute, c foyer.Currency) api.Dispute {
	shown := api.Dispute{
		Id: string(d.ID), Status: api.DisputeStatus(d.Status), Amount: p.money(d.Amount, c), OpenedAt: d.OpenedAt, ClosedAt: d.ClosedAt,
	}
	if p.merchant {
		shown.Reason, shown.RespondBy = &d.Reason, nullable.NewNullNullable[time.Time]()
		if d.RespondBy != nil {
			shown.RespondBy.Set(*d.RespondBy)
		}
	}
	return shown
}

func (p presenter) refund(r billing.Refund, c foyer.Currency) api.Refund {
	shown := api.Refund{
		Id: string(r.ID), Action: api.RefundAction(r.Action), Status: api.RefundStatus(r.Status), Total: p.money(r.Total, c), Tax: p.money(r.Tax, c),
		Reason: orNull(r.Reason), CreatedAt: r.CreatedAt,
	}
	if p.merchant {
		lines := each(r.Lines, func(l billing.RefundLine) api.RefundLine {
			return api.RefundLine{LineId: l.LineID, Amount: p.money(l.Amount, c)}
		})
		shown.Lines = &lines
	}
	return shown
}

func (p presenter) totals(t billing.Totals, c foyer.Currency) api.PaymentTotals {
	return api.PaymentTotals{
		Subtotal: p.money(t.Subtotal, c), Discount: p.money(t.Discount, c), Tax: p.money(t.Tax, c), Total: p.money(t.Total, c),
		Credit: p.money(t.Credit, c), GrandTotal: p.money(t.GrandTotal, c), Balance: p.money(t.Balance, c), Refunded: p.money(t.Refunded, c),
	}
}

func (p presenter) lineTotals(t billing.LineTotals, c foyer.Currency) api.LineTotals {
	return api.LineTotals{Subtotal: p.money(t.Subtotal, c), Discount: p.money(t.Discount, c), Tax: p.money(t.Tax, c), Total: p.money(t.Total, c)}
}

func (p presenter) line(l billing.Line, c foyer.Currency) api.PaymentLine {
	shown := api.PaymentLine{
		Id: string(l.ID), Name: l.Name, Description: orNull(l.Description), Quantity: l.Quantity, UnitPrice: p.money(l.UnitPrice, c),
		TaxRate: string(l.TaxRate), Totals: p.lineTotals(l.Totals, c),
	}
	if l.Proration != nil {
		shown.Proration = &api.Proration{Rate: string(l.Proration.Rate), BillingPeriod: *p.period(&l.Proration.Period)}
	}
	return shown
}

func (p presenter) attempt(a billing.Attempt, c foyer.Currency) api.Attempt {
	shown := api.Attempt{
		Id: string(a.ID), Status: api.AttemptStatus(a.Status), Amount: p.money(a.Amount, c), CreatedAt: a.CreatedAt, CapturedAt: a.CapturedAt,
	}
	if a.ErrorCode != "" {
		text := p.locale.Text("attempt_error."+string(a.ErrorCode), nil)
		shown.ErrorCode, shown.ErrorText = orNull(a.ErrorCode), &text
	}
	if a.MethodType != "" {
		name := a.MethodName()
		shown.PaymentMethod = &api.AttemptMethod{
			Type: name.Type, Brand: orNull(name.Brand), Last4: orNull(name.Ending()), Wallet: orNull(name.Wallet), Identifier: orNull(name.Identifier),
		}
	}
	return shown
}
