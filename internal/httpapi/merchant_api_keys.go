package httpapi

import (
	"context"
	"time"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// MerchantListApiKeys shows the merchant's keys.
func (s *Server) MerchantListApiKeys(ctx context.Context, in api.MerchantListApiKeysRequestObject) (api.MerchantListApiKeysResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	found, err := s.Merchants.Keys(ctx, requestOf(ctx).merchant, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(k merchant.APIKey) foyer.PageKey { return foyer.PageKey{At: k.CreatedAt, ID: string(k.ID)} })
	return api.MerchantListApiKeys200JSONResponse{Body: api.ApiKeyList{Page: next, Data: each(found, s.apiKey)}}, nil
}

// MerchantGetApiKey shows one key.
func (s *Server) MerchantGetApiKey(ctx context.Context, in api.MerchantGetApiKeyRequestObject) (api.MerchantGetApiKeyResponseObject, error) {
	key, err := s.Merchants.Key(ctx, requestOf(ctx).merchant, merchant.APIKeyID(in.ApiKeyId))
	if err != nil {
		return nil, err
	}
	shown := s.apiKey(key)
	same, err := unchanged(ctx, key.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetApiKey304Response{}, nil
	}
	return api.MerchantGetApiKey200JSONResponse{Body: shown}, nil
}

// MerchantCreateApiKey makes a key.
func (s *Server) MerchantCreateApiKey(ctx context.Context, in api.MerchantCreateApiKeyRequestObject) (api.MerchantCreateApiKeyResponseObject, error) {
	key, secret, err := s.Merchants.CreateKey(ctx, requestOf(ctx).merchant, merchant.KeyInput{
		Name: &in.Body.Name, Permissions: permissions(in.Body.Permissions), ExpiresAt: in.Body.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return api.MerchantCreateApiKey201JSONResponse{Body: s.apiKeyOnce(ctx, key, secret)}, nil
}

// MerchantUpdateApiKey changes a key.
func (s *Server) MerchantUpdateApiKey(ctx context.Context, in api.MerchantUpdateApiKeyRequestObject) (api.MerchantUpdateApiKeyResponseObject, error) {
	input := merchant.KeyInput{Name: in.Body.Name}
	if in.Body.Permissions != nil {
		input.Permissions = permissions(*in.Body.Permissions)
	}
	if end := in.Body.ExpiresAt; end.IsSpecified() {
		input.ExpiresAt = &time.Time{}
		if !end.IsNull() {
			at := end.MustGet()
			input.ExpiresAt = &at
		}
	}
	key, err := s.Merchants.UpdateKey(ctx, requestOf(ctx).merchant, merchant.APIKeyID(in.ApiKeyId), input, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown := s.apiKey(key)
	_, err = unchanged(ctx, key.Version, shown)
	return api.MerchantUpdateApiKey200JSONResponse{Body: shown}, err
}

// MerchantRotateApiKey gives a key a new secret.
func (s *Server) MerchantRotateApiKey(ctx context.Context, in api.MerchantRotateApiKeyRequestObject) (api.MerchantRotateApiKeyResponseObject, error) {
	overlap := merchant.DefaultKeyOverlap
	if in.Body != nil && in.Body.OverlapSeconds != nil {
		overlap = time.Duration(*in.Body.OverlapSeconds) * time.Second
	}
	key, secret, err := s.Merchants.RotateKey(ctx, requestOf(ctx).merchant, merchant.APIKeyID(in.ApiKeyId), overlap)
	if err != nil {
		return nil, err
	}
	_, err = unchanged(ctx, key.Version, s.apiKey(key))
	return api.MerchantRotateApiKey200JSONResponse{Body: s.apiKeyOnce(ctx, key, secret)}, err
}

// MerchantArchiveApiKey revokes a key.
func (s *Server) MerchantArchiveApiKey(ctx context.Context, in api.MerchantArchiveApiKeyRequestObject) (api.MerchantArchiveApiKeyResponseObject, error) {
	key, err := s.Merchants.RevokeKey(ctx, requestOf(ctx).merchant, merchant.APIKeyID(in.ApiKeyId))
	if err != nil {
		return nil, err
	}
	shown := s.apiKey(key)
	_, err = unchanged(ctx, key.Version, shown)
	return api.MerchantArchiveApiKey200JSONResponse{Body: shown}, err
}

func permissions(wanted []api.Permission) []merchant.Permission {
	return each(wanted, func(p api.Permission) merchant.Permission { return merchant.Permission(p) })
}

func (s *Server) apiKey(k merchant.APIKey) api.ApiKey {
	now := s.clock()
	shown := api.ApiKey{
		Id: string(k.ID), Name: k.Name, Hint: k.Hint, Permissions: each(k.Permissions, func(p merchant.Permission) api.Permission { return api.Permission(p) }),
		Status: api.ApiKeyStatus(k.Status(now)), CreatedAt: k.CreatedAt, LastUsedAt: k.LastUsedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
	}
	if k.PreviousUntil != nil && now.Before(*k.PreviousUntil) {
		shown.PreviousUntil = k.PreviousUntil
	}
	return shown
}

// apiKeyOnce shows a key with its secret, which a repeat of the call does not get.
func (s *Server) apiKeyOnce(ctx context.Context, k merchant.APIKey, secret string) api.CreatedApiKey {
	r := requestOf(ctx)
	r.secrets = append(r.secrets, "secret_key")
	v := s.apiKey(k)
	return api.CreatedApiKey{
		Id: v.Id, Name: v.Name, Hint: v.Hint, Permissions: v.Permissions, Status: api.CreatedApiKeyStatus(v.Status), CreatedAt: v.CreatedAt,
		LastUsedAt: v.LastUsedAt, ExpiresAt: v.ExpiresAt, RevokedAt: v.RevokedAt, PreviousUntil: v.PreviousUntil, SecretKey: &secret,
	}
}
