package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
)

// PreviewSubscriptionChange tells what a change would do and cost.
func (s *Server) PreviewSubscriptionChange(ctx context.Context, in api.PreviewSubscriptionChangeRequestObject) (api.PreviewSubscriptionChangeResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	if err := featureOff(show.rules.ChangeOff); err != nil {
		return nil, err
	}
	preview, err := s.Billing.PreviewChange(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), changeItems(*in.Body))
	if err != nil {
		return nil, err
	}
	return api.PreviewSubscriptionChange200JSONResponse{Body: show.changePreview(preview)}, nil
}

// ChangeSubscription changes what is subscribed to.
func (s *Server) ChangeSubscription(ctx context.Context, in api.ChangeSubscriptionRequestObject) (api.ChangeSubscriptionResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	if err := featureOff(show.rules.ChangeOff); err != nil {
		return nil, err
	}
	changed, next, err := s.Billing.Change(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), changeItems(*in.Body))
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, next)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return api.ChangeSubscription202JSONResponse{Body: shown}, nil
	}
	return api.ChangeSubscription200JSONResponse{Body: shown}, nil
}

func changeItems(body api.ChangeSubscription) []billing.ItemInput {
	return each(body.Items, func(i api.ChangeItem) billing.ItemInput {
		return billing.ItemInput{Price: billing.PriceID(i.PriceId), Quantity: i.Quantity}
	})
}

func (p presenter) changePreview(v billing.ChangePreview) api.ChangePreview {
	shown := api.ChangePreview{
		EffectiveAt: v.EffectiveAt, Credit: p.money(v.Credit, v.Currency), RecurringTotal: p.money(v.RecurringTotal, v.Currency),
		NextPayment: p.nextPayment(v.NextPayment, v.Currency),
	}
	if bill := v.Immediate; bill != nil {
		shown.ImmediatePayment = &api.ImmediatePayment{
			Totals: p.totals(bill.Totals, bill.Currency),
			Lines:  each(bill.Lines, func(l billing.Line) api.PaymentLine { return p.line(l, bill.Currency) }),
		}
	}
	return shown
}
