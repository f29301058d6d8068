package httpapi

import (
	"context"
	"strconv"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantListPayments shows payments of all customers.
func (s *Server) MerchantListPayments(ctx context.Context, in api.MerchantListPaymentsRequestObject) (api.MerchantListPaymentsResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := billing.MerchantPaymentFilter{
		Customer: foyer.CustomerID(value(q.CustomerId)), ExternalID: value(q.ExternalId),
		PaymentFilter: billing.PaymentFilter{Subscription: billing.SubscriptionID(value(q.SubscriptionId)), IncludeZero: orZero(q.IncludeZero)},
	}
	if q.Status != nil {
		filter.Statuses = each(*q.Status, func(v api.PaymentStatus) billing.PaymentStatus { return billing.PaymentStatus(v) })
	}
	found, err := s.Billing.MerchantPayments(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.Payment) foyer.PageKey { return foyer.PageKey{At: v.ListedAt(), ID: string(v.ID)} })
	return api.MerchantListPayments200JSONResponse{Body: api.PaymentList{Page: next, Data: each(found, presenterOf(ctx).payment)}}, nil
}

// MerchantGetPayment shows one payment, itemised.
func (s *Server) MerchantGetPayment(ctx context.Context, in api.MerchantGetPaymentRequestObject) (api.MerchantGetPaymentResponseObject, error) {
	found, err := s.Billing.MerchantPayment(ctx, requestOf(ctx).merchant, billing.PaymentID(in.PaymentId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).itemised(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetPayment304Response{}, nil
	}
	return api.MerchantGetPayment200JSONResponse{Body: shown}, nil
}

// MerchantCreatePayment bills something once.
func (s *Server) MerchantCreatePayment(ctx context.Context, in api.MerchantCreatePaymentRequestObject) (api.MerchantCreatePaymentResponseObject, error) {
	body := in.Body
	items, err := billItems(body.Items)
	if err != nil {
		return nil, err
	}
	input := billing.BillInput{
		Items: items, PaymentMethod: billing.PaymentMethodID(value(body.PaymentMethodId)), BillingDetails: terms(body.BillingDetails),
		ExternalID: value(body.ExternalId), Metadata: orZero(metadata(body.Metadata)),
	}
	if body.CollectionMode != nil {
		input.CollectionMode = billing.CollectionMode(*body.CollectionMode)
	}
	made, next, err := s.Billing.Bill(ctx, actingFor(ctx, foyer.CustomerID(body.CustomerId)), input)
	if err != nil {
		return nil, err
	}
	shown, err := showPaid(ctx, made, next)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return api.MerchantCreatePayment202JSONResponse{Body: shown}, nil
	}
	return api.MerchantCreatePayment201JSONResponse{Body: shown}, nil
}

// billItems reads what is bought: a price, or what has a name and a price of its own, never a bit of both.
func billItems(items []api.BilledItem) ([]billing.BillItemInput, error) {
	out := make([]billing.BillItemInput, len(items))
	var faults []foyer.FieldError
	for i, item := range items {
		own := item.Name != nil && item.UnitPrice != nil
		some := item.Name != nil || item.UnitPrice != nil || item.TaxRate != nil
		if item.PriceId == nil && !own || item.PriceId != nil && some {
			faults = append(faults, foyer.FieldError{Pointer: "/items/" + strconv.Itoa(i), Code: "input.item"})
			continue
		}
		out[i] = billing.BillItemInput{
			Price: billing.PriceID(value(item.PriceId)), Name: value(item.Name), Quantity: item.Quantity, TaxRate: foyer.Rate(value(item.TaxRate)),
		}
		if item.UnitPrice != nil {
			out[i].UnitPrice = foyer.Money{Amount: item.UnitPrice.Amount, Currency: foyer.Currency(item.UnitPrice.Currency)}
		}
	}
	return out, foyer.InvalidFields(faults...)
}

// showPaid shows a payment after a command, with its ETag.
func showPaid(ctx context.Context, v billing.Payment, next *billing.NextAction) (api.Payment, error) {
	shown := presenterOf(ctx).itemised(v)
	_, err := unchanged(ctx, v.Version, shown) // the tag is that of reading it again, which has no next action
	shown.NextAction = nextAction(next)
	return shown, err
}

// MerchantUpdatePayment changes what is kept beside a payment.
func (s *Server) MerchantUpdatePayment(ctx context.Context, in api.MerchantUpdatePaymentRequestObject) (api.MerchantUpdatePaymentResponseObject, error) {
	by, err := s.forPayment(ctx, in.PaymentId)
	if err != nil {
		return nil, err
	}
	changed, err := s.Billing.UpdatePayment(ctx, by, billing.PaymentID(in.PaymentId), orZero(givenMetadata(in.Body.Metadata)), versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown, err := showPaid(ctx, changed, nil)
	return api.MerchantUpdatePayment200JSONResponse{Body: shown}, err
}

// MerchantCollectPayment collects a payment now.
func (s *Server) MerchantCollectPayment(ctx context.Context, in api.MerchantCollectPaymentRequestObject) (api.MerchantCollectPaymentResponseObject, error) {
	by, err := s.forPayment(ctx, in.PaymentId)
	if err != nil {
		return nil, err
	}
	var method billing.PaymentMethodID
	if in.Body != nil {
		method = billing.PaymentMethodID(value(in.Body.PaymentMethodId))
	}
	collected, next, err := s.Billing.Pay(ctx, by, billing.PaymentID(in.PaymentId), method)
	if err != nil {
		return nil, err
	}
	shown, err := showPaid(ctx, collected, next)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return api.MerchantCollectPayment202JSONResponse{Body: shown}, nil
	}
	return api.MerchantCollectPayment200JSONResponse{Body: shown}, nil
}

// MerchantCreateRefund gives money back.
func (s *Server) MerchantCreateRefund(ctx context.Context, in api.MerchantCreateRefundRequestObject) (api.MerchantCreateRefundResponseObject, error) {
	by, err := s.forPayment(ctx, in.PaymentId)
	if err != nil {
		return nil, err
	}
	var input billing.RefundInput
	if body := in.Body; body != nil {
		if body.Amount != nil && body.Lines != nil {
			return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/lines", Code: "input.amount_or_lines"})
		}
		input.Amount, input.Reason = orZero(body.Amount), value(body.Reason)
		for _, l := range orZero(body.Lines) {
			input.Lines = append(input.Lines, billing.RefundLine{LineID: l.LineId, Amount: orZero(l.Amount)})
		}
	}
	after, made, err := s.Billing.Refund(ctx, by, billing.PaymentID(in.PaymentId), input)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).refund(made, after.Currency)
	id := string(after.ID)
	shown.PaymentId = &id
	return api.MerchantCreateRefund201JSONResponse{Body: shown}, nil
}

// forPayment reads whose payment it is before a command runs, and returns who acts for them.
func (s *Server) forPayment(ctx context.Context, id string) (foyer.Actor, error) {
	found, err := s.Billing.MerchantPayment(ctx, requestOf(ctx).merchant, billing.PaymentID(id))
	return actingFor(ctx, found.Customer), err
}
