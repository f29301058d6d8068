package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// featureOff refuses what the merchant does not let customers do by themselves.
func featureOff(off bool) error {
	if off {
		return foyer.Refuse(foyer.Forbidden, "feature.off")
	}
	return nil
}

// afterwards shows a subscription after a command, with its ETag.
func (p subscriptionPresenter) afterwards(ctx context.Context, v billing.Subscription, next *billing.NextAction) (api.Subscription, error) {
	shown := p.subscription(v)
	_, err := unchanged(ctx, v.Version, shown) // the tag is that of reading it again, which has no next action
	shown.NextAction = nextAction(next)
	return shown, err
}

// SetSubscriptionPaymentMethod chooses what a subscription is charged with.
func (s *Server) SetSubscriptionPaymentMethod(ctx context.Context, in api.SetSubscriptionPaymentMethodRequestObject) (api.SetSubscriptionPaymentMethodResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	changed, next, err := s.Billing.SetSubscriptionPaymentMethod(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), billing.PaymentMethodID(in.Body.PaymentMethodId))
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, next)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return api.SetSubscriptionPaymentMethod202JSONResponse{Body: shown}, nil
	}
	return api.SetSubscriptionPaymentMethod200JSONResponse{Body: shown}, nil
}

// PauseSubscription stops billing a subscription.
func (s *Server) PauseSubscription(ctx context.Context, in api.PauseSubscriptionRequestObject) (api.PauseSubscriptionResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	if err := featureOff(show.rules.PauseOff); err != nil {
		return nil, err
	}
	changed, err := s.Billing.Pause(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), pauseInput(in.Body))
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, nil)
	if err != nil {
		return nil, err
	}
	return api.PauseSubscription200JSONResponse{Body: shown}, nil
}

func pauseInput(body *api.PauseSubscription) billing.PauseInput {
	input := billing.PauseInput{Effective: billing.AtPeriodEnd}
	if body != nil {
		input.ResumeAt = body.ResumeAt
		if body.Effective != nil {
			input.Effective = billing.Effective(*body.Effective)
		}
	}
	return input
}

func resumeBilling(body *api.ResumeSubscription) billing.ResumeBilling {
	if body == nil || body.Billing == nil {
		return billing.ResumeNewPeriod
	}
	return billing.ResumeBilling(*body.Billing)
}

// ResumeSubscription goes on with a paused subscription. It can't be switched off: who pays again is not turned away.
func (s *Server) ResumeSubscription(ctx context.Context, in api.ResumeSubscriptionRequestObject) (api.ResumeSubscriptionResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	changed, next, err := s.Billing.Resume(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), resumeBilling(in.Body))
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, next)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return api.ResumeSubscription202JSONResponse{Body: shown}, nil
	}
	return api.ResumeSubscription200JSONResponse{Body: shown}, nil
}

// KeepSubscription undoes what is scheduled.
func (s *Server) KeepSubscription(ctx context.Context, in api.KeepSubscriptionRequestObject) (api.KeepSubscriptionResponseObject, error) {
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	reader, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := s.Retention.Keep(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), reader)
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, nil)
	if err != nil {
		return nil, err
	}
	return api.KeepSubscription200JSONResponse{Body: shown}, nil
}
