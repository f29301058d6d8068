package httpapi

import (
	"context"
	"net/http"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/retention"
)

// StartCancellation begins to cancel a subscription, or does it in one call.
func (s *Server) StartCancellation(ctx context.Context, in api.StartCancellationRequestObject) (api.StartCancellationResponseObject, error) {
	var input retention.StartInput
	if body := in.Body; body != nil {
		input.Confirm = body.Confirm != nil && *body.Confirm
		input.Effective = effective(body.Effective)
	}
	c, err := s.Retention.Start(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), input)
	if err != nil {
		return nil, err
	}
	shown, _, err := showCancellation(ctx, c)
	if err != nil {
		return nil, err
	}
	return api.StartCancellation201JSONResponse{Body: shown}, nil
}

// GetCancellation shows one cancellation.
func (s *Server) GetCancellation(ctx context.Context, in api.GetCancellationRequestObject) (api.GetCancellationResponseObject, error) {
	c, err := s.Retention.Cancellation(ctx, requestOf(ctx).scope(), retention.CancellationID(in.CancellationId))
	if err != nil {
		return nil, err
	}
	shown, same, err := showCancellation(ctx, c)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetCancellation304Response{}, nil
	}
	return api.GetCancellation200JSONResponse{Body: shown}, nil
}

// ConfirmCancellation cancels the subscription.
func (s *Server) ConfirmCancellation(ctx context.Context, in api.ConfirmCancellationRequestObject) (api.ConfirmCancellationResponseObject, error) {
	var when billing.Effective
	if in.Body != nil {
		when = effective(in.Body.Effective)
	}
	c, err := s.Retention.Confirm(ctx, requestOf(ctx).actor(), retention.CancellationID(in.CancellationId), when)
	if err != nil {
		return nil, err
	}
	shown, _, err := showCancellation(ctx, c)
	if err != nil {
		return nil, err
	}
	return api.ConfirmCancellation200JSONResponse{Body: shown}, nil
}

// AbandonCancellation ends the cancellation; the subscription goes on.
func (s *Server) AbandonCancellation(ctx context.Context, in api.AbandonCancellationRequestObject) (api.AbandonCancellationResponseObject, error) {
	c, err := s.Retention.Abandon(ctx, requestOf(ctx).actor(), retention.CancellationID(in.CancellationId))
	if err != nil {
		return nil, err
	}
	shown, _, err := showCancellation(ctx, c)
	if err != nil {
		return nil, err
	}
	return api.AbandonCancellation200JSONResponse{Body: shown}, nil
}

func effective(e *api.Effective) billing.Effective {
	if e == nil {
		return ""
	}
	return billing.Effective(*e)
}

// showCancellation shows a cancellation, sets its ETag and tells whether the caller has it already.
func showCancellation(ctx context.Context, c retention.Cancellation) (shown api.Cancellation, same bool, err error) {
	shown = presenterOf(ctx).cancellation(c)
	same, err = unchanged(ctx, c.Version, shown)
	return shown, same, err
}

func (p presenter) cancellation(c retention.Cancellation) api.Cancellation {
	label := func(name string) string { return p.locale.Text("cancellation.label."+name, nil) }
	shown := api.Cancellation{
		Id: string(c.ID), SubscriptionId: string(c.Subscription), State: api.CancellationState(c.State),
		StateText: p.locale.Text("cancellation.state."+string(c.State), nil), Step: api.CancellationStep(c.Step),
		Effective: api.Effective(c.Effective), EffectiveAt: c.EffectiveAt, CreatedAt: c.CreatedAt,
		Legal: api.CancellationLegal{Profile: retention.ProfileDefault, Labels: api.CancellationLabels{
			Start: label("start"), Confirm: label("confirm"), Abandon: label("abandon"), Keep: label("keep"),
		}},
	}
	path := "/v1/cancellations/" + string(c.ID)
	switch c.State {
	case retention.Open:
		when := api.Effective(c.Effective)
		shown.Actions.CancelNow = &api.CancellationCall{Method: http.MethodPost, Path: path + "/confirm", Body: &api.ConfirmCancellation{Effective: &when}}
		shown.Actions.Abandon = &api.CancellationCall{Method: http.MethodPost, Path: path + "/abandon"}
	case retention.Scheduled:
		shown.Actions.Keep = &api.CancellationCall{Method: http.MethodDelete, Path: "/v1/subscriptions/" + string(c.Subscription) + "/scheduled-change"}
	}
	return shown
}
