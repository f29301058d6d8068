package httpapi

import (
	"context"
	"encoding/base64"
	"time"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
)

// RequestSignIn asks for a sign-in mail; the answer is the same for every address.
func (s *Server) RequestSignIn(ctx context.Context, in api.RequestSignInRequestObject) (api.RequestSignInResponseObject, error) {
	r := requestOf(ctx)
	body := in.Body
	if !billing.ValidEmail(body.Email) {
		return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/email", Code: "input.email"})
	}
	if body.CodeChallengeMethod != nil && body.CodeChallenge == nil {
		return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/code_challenge", Code: "input.required"})
	}
	input := identity.RequestInput{
		Merchant:       r.portal.ID,
		Portal:         r.portal.Portal.ID,
		RequireBinding: r.portal.Portal.Settings.RequireDeviceBinding,
		Email:          body.Email,
		EmailKey:       billing.EmailKey(body.Email),
		Locale:         r.locale.Tag,
		Target:         readTarget(body.Target),
		IP:             r.echo.RealIP(),
	}
	if body.CodeChallenge != nil {
		input.CodeChallenge = *body.CodeChallenge
	}
	if body.Locale != nil {
		locale, ok := i18n.Parse(*body.Locale)
		if !ok {
			return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/locale", Code: "input.locale"})
		}
		input.Locale = locale.Tag
	}
	signIn, err := s.Identity.RequestSignIn(ctx, input)
	if err != nil {
		return nil, err
	}
	return api.RequestSignIn202JSONResponse{Body: api.SignIn{
		SignInId: string(signIn.ID),
		// Whole seconds: a fraction would make answers differ in length.
		ExpiresAt:   signIn.ExpiresAt.Truncate(time.Second),
		ResendAfter: int32(identity.ResendAfter / time.Second),
	}}, nil
}

// VerifySignIn turns a link's token or a code into tokens.
func (s *Server) VerifySignIn(ctx context.Context, in api.VerifySignInRequestObject) (api.VerifySignInResponseObject, error) {
	r := requestOf(ctx)
	input := identity.VerifyInput{
		Token: value(in.Body.Token), SignIn: identity.SignInID(value(in.Body.SignInId)), Code: value(in.Body.Code),
		Verifier: value(in.Body.CodeVerifier), Place: r.place(), IP: r.echo.RealIP(), Witness: s.witness(r),
	}
	byCode := input.SignIn != "" && input.Code != ""
	switch {
	case input.Token != "" && (input.SignIn != "" || input.Code != ""):
		return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/token", Code: "input.invalid"})
	case input.Token == "" && !byCode:
		return nil, foyer.InvalidFields(missing(map[string]bool{
			"/token": input.SignIn == "" && input.Code == "", "/sign_in_id": input.SignIn == "" && input.Code != "", "/code": input.SignIn != "" && input.Code == "",
		})...)
	}
	tokens, err := s.Identity.VerifySignIn(ctx, input)
	r.merchantOf(tokens.Session.Merchant, err)
	if err != nil {
		return nil, err
	}
	return api.VerifySignIn200JSONResponse{Body: showTokens(tokens)}, nil
}

func missing(fields map[string]bool) []foyer.FieldError {
	var out []foyer.FieldError
	for pointer, absent := range fields {
		if absent {
			out = append(out, foyer.FieldError{Pointer: pointer, Code: "input.required"})
		}
	}
	return out
}

func value[T any](p *T) T {
	if p == nil {
		var none T
		return none
	}
	return *p
}

// ExchangePortalSession turns a link's ticket into tokens.
func (s *Server) ExchangePortalSession(ctx context.Context, in api.ExchangePortalSessionRequestObject) (api.ExchangePortalSessionResponseObject, error) {
	r := requestOf(ctx)
	tokens, err := s.Identity.ExchangeTicket(ctx, in.Body.Ticket, r.place(), s.witness(r))
	r.merchantOf(tokens.Session.Merchant, err)
	if err != nil {
		return nil, err
	}
	if err := s.speakLink(ctx, tokens.Session); err != nil {
		return nil, err
	}
	shown, err := s.linkTokens(ctx, tokens)
	return api.ExchangePortalSession200JSONResponse{Body: shown}, err
}

// RefreshSession exchanges a refresh token for new tokens.
func (s *Server) RefreshSession(ctx context.Context, in api.RefreshSessionRequestObject) (api.RefreshSessionResponseObject, error) {
	r := requestOf(ctx)
	tokens, err := s.Identity.RefreshSession(ctx, in.Body.RefreshToken, r.place())
	r.merchantOf(tokens.Session.Merchant, err)
	if err != nil {
		return nil, err
	}
	shown, err := s.linkTokens(ctx, tokens)
	return api.RefreshSession200JSONResponse{Body: shown}, err
}

// linkTokens shows tokens of a session that may have come from a link. The settings act at once: where links may not lead back to any
// more is not named.
func (s *Server) linkTokens(ctx context.Context, t identity.Tokens) (api.Tokens, error) {
	if t.Session.ReturnURL != "" {
		m, err := s.Merchants.ByID(ctx, t.Session.Merchant)
		if err != nil {
			return api.Tokens{}, err
		}
		if !m.Portal.Settings.AllowsReturnURL(t.Session.ReturnURL) {
			t.Session.ReturnURL = ""
		}
	}
	return showTokens(t), nil
}

func showTokens(t identity.Tokens) api.Tokens {
	shown := api.Tokens{
		TokenType:        api.Bearer,
		AccessToken:      t.AccessToken,
		ExpiresIn:        int32(t.ExpiresIn / time.Second),
		RefreshToken:     t.RefreshToken,
		RefreshExpiresIn: int32(t.RefreshExpiresIn / time.Second),
		SessionId:        string(t.Session.ID),
		CustomerId:       string(t.Session.Customer),
		Target:           showTarget(t.Session.Target),
		ReturnUrl:        orNull(t.Session.ReturnURL),
	}
	return shown
}

// customerSignIn is a sign-in as events tell of it, and nothing else does: of customers only, and nothing that proves anything.
type customerSignIn struct {
	ID          string     `json:"id"`
	CustomerID  string     `json:"customer_id"`
	Target      api.Target `json:"target"`
	CreatedAt   time.Time  `json:"created_at"`
	CompletedAt *time.Time `json:"completed_at"`
}

func showSignIn(v identity.SignIn) customerSignIn {
	return customerSignIn{ID: string(v.ID), CustomerID: string(v.Customer), Target: showTarget(v.Target), CreatedAt: v.CreatedAt, CompletedAt: v.CompletedAt}
}

func showTarget(t identity.Target) api.Target {
	return api.Target{Kind: api.TargetKind(t.Kind), Id: orNull(t.ID)}
}

// readTarget is where a client wants a customer to go; the overview when it does not say.
func readTarget(t *api.Target) identity.Target {
	if t == nil {
		return identity.Target{Kind: identity.TargetOverview}
	}
	return identity.Target{Kind: identity.TargetKind(t.Kind), ID: value(t.Id)}
}

// ListSessions shows where the customer is signed in.
func (s *Server) ListSessions(ctx context.Context, in api.ListSessionsRequestObject) (api.ListSessionsResponseObject, error) {
	r := requestOf(ctx)
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After})
	if err != nil {
		return nil, err
	}
	found, err := s.Identity.Sessions(ctx, r.scope(), p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v identity.Session) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.ListSessions200JSONResponse{Body: api.SessionList{Page: next, Data: each(found, func(v identity.Session) api.Session {
		return showSession(v, r.actor().Session)
	})}}, nil
}

// showSession shows a session to the customer of one of them, the current.
func showSession(v identity.Session, current foyer.SessionID) api.Session {
	return api.Session{
		Id: string(v.ID), Kind: api.SessionKind(v.Kind), Current: v.ID == current, Device: orNull(v.Place.Device), Ip: orNull(v.Place.IP),
		CreatedAt: v.CreatedAt, LastUsedAt: v.LastUsedAt, ExpiresAt: v.ExpiresAt,
	}
}

// RevokeSession signs out one device.
func (s *Server) RevokeSession(ctx context.Context, in api.RevokeSessionRequestObject) (api.RevokeSessionResponseObject, error) {
	r := requestOf(ctx)
	if err := s.Identity.RevokeSession(ctx, r.actor(), foyer.SessionID(in.SessionId), r.place()); err != nil {
		return nil, err
	}
	return api.RevokeSession204Response{}, nil
}

// RevokeAllSessions signs the customer out everywhere.
func (s *Server) RevokeAllSessions(ctx context.Context, _ api.RevokeAllSessionsRequestObject) (api.RevokeAllSessionsResponseObject, error) {
	r := requestOf(ctx)
	if err := s.Identity.RevokeAllSessions(ctx, r.actor(), r.place()); err != nil {
		return nil, err
	}
	return api.RevokeAllSessions204Response{}, nil
}

// SignOut ends the current session.
func (s *Server) SignOut(ctx context.Context, _ api.SignOutRequestObject) (api.SignOutResponseObject, error) {
	r := requestOf(ctx)
	if err := s.Identity.SignOut(ctx, r.actor(), r.place()); err != nil {
		return nil, err
	}
	return api.SignOut204Response{}, nil
}

// GetJwks shows the public keys of access tokens.
func (s *Server) GetJwks(ctx context.Context, _ api.GetJwksRequestObject) (api.GetJwksResponseObject, error) {
	keys, err := s.Identity.PublicKeys(ctx)
	if err != nil {
		return nil, err
	}
	requestOf(ctx).header().Set("Cache-Control", "public, max-age=300")
	return api.GetJwks200JSONResponse{Body: api.Jwks{Keys: each(keys, func(k identity.SigningKey) api.Jwk {
		return api.Jwk{Kty: "OKP", Crv: "Ed25519", Use: "sig", Alg: "EdDSA", Kid: k.ID, X: base64.RawURLEncoding.EncodeToString(k.Public)}
	})}}, nil
}
