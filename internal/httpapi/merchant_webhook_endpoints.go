package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/webhook"
)

// MerchantListWebhookEndpoints shows where the merchant listens.
func (s *Server) MerchantListWebhookEndpoints(ctx context.Context, in api.MerchantListWebhookEndpointsRequestObject) (api.MerchantListWebhookEndpointsResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	found, err := s.Hooks.Endpoints(ctx, requestOf(ctx).merchant, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(e webhook.Endpoint) foyer.PageKey { return foyer.PageKey{At: e.CreatedAt, ID: string(e.ID)} })
	return api.MerchantListWebhookEndpoints200JSONResponse{Body: api.WebhookEndpointList{Page: next, Data: each(found, s.webhookEndpoint)}}, nil
}

// MerchantGetWebhookEndpoint shows one endpoint.
func (s *Server) MerchantGetWebhookEndpoint(ctx context.Context, in api.MerchantGetWebhookEndpointRequestObject) (api.MerchantGetWebhookEndpointResponseObject, error) {
	found, err := s.Hooks.Endpoint(ctx, requestOf(ctx).merchant, webhook.EndpointID(in.WebhookEndpointId))
	if err != nil {
		return nil, err
	}
	shown := s.webhookEndpoint(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetWebhookEndpoint304Response{}, nil
	}
	return api.MerchantGetWebhookEndpoint200JSONResponse{Body: shown}, nil
}

// MerchantCreateWebhookEndpoint makes an endpoint.
func (s *Server) MerchantCreateWebhookEndpoint(ctx context.Context, in api.MerchantCreateWebhookEndpointRequestObject) (api.MerchantCreateWebhookEndpointResponseObject, error) {
	input := webhook.EndpointInput{URL: in.Body.Url, Description: value(in.Body.Description)}
	if in.Body.EventTypes != nil {
		input.EventTypes = *in.Body.EventTypes
	}
	if in.Body.Metadata != nil {
		input.Metadata = *in.Body.Metadata
	}
	made, secret, err := s.Hooks.CreateEndpoint(ctx, requestOf(ctx).merchant, input)
	if err != nil {
		return nil, err
	}
	_, err = unchanged(ctx, made.Version, s.webhookEndpoint(made))
	return api.MerchantCreateWebhookEndpoint201JSONResponse{Body: s.webhookEndpointOnce(ctx, made, secret)}, err
}

// MerchantUpdateWebhookEndpoint changes an endpoint.
func (s *Server) MerchantUpdateWebhookEndpoint(ctx context.Context, in api.MerchantUpdateWebhookEndpointRequestObject) (api.MerchantUpdateWebhookEndpointResponseObject, error) {
	change := webhook.EndpointChange{
		URL: in.Body.Url, EventTypes: in.Body.EventTypes, Description: in.Body.Description, Metadata: (*map[string]string)(in.Body.Metadata),
		Status: (*webhook.EndpointStatus)(in.Body.Status),
	}
	changed, err := s.Hooks.UpdateEndpoint(ctx, requestOf(ctx).merchant, webhook.EndpointID(in.WebhookEndpointId), change, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown := s.webhookEndpoint(changed)
	_, err = unchanged(ctx, changed.Version, shown)
	return api.MerchantUpdateWebhookEndpoint200JSONResponse{Body: shown}, err
}

// MerchantArchiveWebhookEndpoint ends an endpoint.
func (s *Server) MerchantArchiveWebhookEndpoint(ctx context.Context, in api.MerchantArchiveWebhookEndpointRequestObject) (api.MerchantArchiveWebhookEndpointResponseObject, error) {
	changed, err := s.Hooks.ArchiveEndpoint(ctx, requestOf(ctx).merchant, webhook.EndpointID(in.WebhookEndpointId))
	if err != nil {
		return nil, err
	}
	shown := s.webhookEndpoint(changed)
	_, err = unchanged(ctx, changed.Version, shown)
	return api.MerchantArchiveWebhookEndpoint200JSONResponse{Body: shown}, err
}

// MerchantRotateWebhookEndpointSecret gives an endpoint a new secret.
func (s *Server) MerchantRotateWebhookEndpointSecret(ctx context.Context, in api.MerchantRotateWebhookEndpointSecretRequestObject) (api.MerchantRotateWebhookEndpointSecretResponseObject, error) {
	changed, secret, err := s.Hooks.RotateSecret(ctx, requestOf(ctx).merchant, webhook.EndpointID(in.WebhookEndpointId))
	if err != nil {
		return nil, err
	}
	_, err = unchanged(ctx, changed.Version, s.webhookEndpoint(changed))
	return api.MerchantRotateWebhookEndpointSecret200JSONResponse{Body: s.webhookEndpointOnce(ctx, changed, secret)}, err
}

// MerchantTestWebhookEndpoint sends a test.
func (s *Server) MerchantTestWebhookEndpoint(ctx context.Context, in api.MerchantTestWebhookEndpointRequestObject) (api.MerchantTestWebhookEndpointResponseObject, error) {
	made, err := s.Hooks.Test(ctx, requestOf(ctx).merchant, webhook.EndpointID(in.WebhookEndpointId))
	if err != nil {
		return nil, err
	}
	return api.MerchantTestWebhookEndpoint201JSONResponse{Body: showDelivery(made, true)}, nil
}

func (s *Server) webhookEndpoint(e webhook.Endpoint) api.WebhookEndpoint {
	shown := api.WebhookEndpoint{
		Id: string(e.ID), Url: e.URL, EventTypes: listed(e.EventTypes), Description: orNull(e.Description), Metadata: e.Metadata,
		Status: api.WebhookEndpointStatus(e.Status), DisabledReason: orNull(e.DisabledReason), DisabledAt: e.DisabledAt, FailingSince: e.FailingSince,
		ArchivedAt: e.ArchivedAt, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
	if shown.Metadata == nil {
		shown.Metadata = api.Metadata{}
	}
	if e.OverlapUntil != nil && s.clock().Before(*e.OverlapUntil) {
		shown.PreviousSecretExpiresAt = e.OverlapUntil
	}
	return shown
}

// webhookEndpointOnce shows an endpoint with its secret, which a repeat of the call does not get.
func (s *Server) webhookEndpointOnce(ctx context.Context, e webhook.Endpoint, secret string) api.CreatedWebhookEndpoint {
	r := requestOf(ctx)
	r.secrets = append(r.secrets, "secret")
	v := s.webhookEndpoint(e)
	return api.CreatedWebhookEndpoint{
		Id: v.Id, Url: v.Url, EventTypes: v.EventTypes, Description: v.Description, Metadata: v.Metadata, Status: v.Status, DisabledReason: v.DisabledReason,
		DisabledAt: v.DisabledAt, FailingSince: v.FailingSince, PreviousSecretExpiresAt: v.PreviousSecretExpiresAt, ArchivedAt: v.ArchivedAt,
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, Secret: &secret,
	}
}
