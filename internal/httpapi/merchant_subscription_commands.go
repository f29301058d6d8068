package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
)

// MerchantPreviewSubscriptionChange tells what a change would do and cost.
func (s *Server) MerchantPreviewSubscriptionChange(ctx context.Context, in api.MerchantPreviewSubscriptionChangeRequestObject) (api.MerchantPreviewSubscriptionChangeResponseObject, error) {
	show, by, err := s.forSubscription(ctx, in.SubscriptionId)
	if err != nil {
		return nil, err
	}
	preview, err := s.Billing.PreviewChange(ctx, by, billing.SubscriptionID(in.SubscriptionId), changeItems(*in.Body))
	if err != nil {
		return nil, err
	}
	return api.MerchantPreviewSubscriptionChange200JSONResponse{Body: show.changePreview(preview)}, nil
}

// MerchantChangeSubscription changes what is subscribed to.
func (s *Server) MerchantChangeSubscription(ctx context.Context, in api.MerchantChangeSubscriptionRequestObject) (api.MerchantChangeSubscriptionResponseObject, error) {
	show, by, err := s.forSubscription(ctx, in.SubscriptionId)
	if err != nil {
		return nil, err
	}
	changed, next, err := s.Billing.Change(ctx, by, billing.SubscriptionID(in.SubscriptionId), changeItems(*in.Body))
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, next)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return api.MerchantChangeSubscription202JSONResponse{Body: shown}, nil
	}
	return api.MerchantChangeSubscription200JSONResponse{Body: shown}, nil
}

// MerchantPauseSubscription stops billing a subscription.
func (s *Server) MerchantPauseSubscription(ctx context.Context, in api.MerchantPauseSubscriptionRequestObject) (api.MerchantPauseSubscriptionResponseObject, error) {
	show, by, err := s.forSubscription(ctx, in.SubscriptionId)
	if err != nil {
		return nil, err
	}
	changed, err := s.Billing.Pause(ctx, by, billing.SubscriptionID(in.SubscriptionId), pauseInput(in.Body))
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, nil)
	return api.MerchantPauseSubscription200JSONResponse{Body: shown}, err
}

// MerchantResumeSubscription goes on with a paused subscription.
func (s *Server) MerchantResumeSubscription(ctx context.Context, in api.MerchantResumeSubscriptionRequestObject) (api.MerchantResumeSubscriptionResponseObject, error) {
	show, by, err := s.forSubscription(ctx, in.SubscriptionId)
	if err != nil {
		return nil, err
	}
	changed, next, err := s.Billing.Resume(ctx, by, billing.SubscriptionID(in.SubscriptionId), resumeBilling(in.Body))
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, next)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return api.MerchantResumeSubscription202JSONResponse{Body: shown}, nil
	}
	return api.MerchantResumeSubscription200JSONResponse{Body: shown}, nil
}

// MerchantCancelSubscription ends a subscription.
func (s *Server) MerchantCancelSubscription(ctx context.Context, in api.MerchantCancelSubscriptionRequestObject) (api.MerchantCancelSubscriptionResponseObject, error) {
	show, by, err := s.forSubscription(ctx, in.SubscriptionId)
	if err != nil {
		return nil, err
	}
	when := billing.AtPeriodEnd
	if in.Body != nil && in.Body.Effective != nil {
		when = effective(in.Body.Effective)
	}
	changed, err := s.Retention.CancelByMerchant(ctx, by, billing.SubscriptionID(in.SubscriptionId), when)
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, nil)
	return api.MerchantCancelSubscription200JSONResponse{Body: shown}, err
}

// MerchantKeepSubscription undoes what is scheduled.
func (s *Server) MerchantKeepSubscription(ctx context.Context, in api.MerchantKeepSubscriptionRequestObject) (api.MerchantKeepSubscriptionResponseObject, error) {
	show, by, err := s.forSubscription(ctx, in.SubscriptionId)
	if err != nil {
		return nil, err
	}
	reader, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	changed, err := s.Retention.Keep(ctx, by, billing.SubscriptionID(in.SubscriptionId), reader)
	if err != nil {
		return nil, err
	}
	shown, err := show.afterwards(ctx, changed, nil)
	return api.MerchantKeepSubscription200JSONResponse{Body: shown}, err
}
