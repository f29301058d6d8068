package httpapi

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// MerchantListPortalSessions shows links and what became of them.
func (s *Server) MerchantListPortalSessions(ctx context.Context, in api.MerchantListPortalSessionsRequestObject) (api.MerchantListPortalSessionsResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := identity.PortalSessionFilter{Origin: identity.OriginAPI}
	if q.CustomerId != nil {
		filter.Customer = foyer.CustomerID(*q.CustomerId)
	}
	if q.Origin != nil {
		filter.Origin = identity.PortalSessionOrigin(*q.Origin)
	}
	found, err := s.Identity.PortalSessions(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v identity.PortalSession) foyer.PageKey {
		return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
	})
	now := s.clock()
	return api.MerchantListPortalSessions200JSONResponse{Body: api.PortalSessionList{
		Page: next, Data: each(found, func(v identity.PortalSession) api.PortalSession { return showPortalSession(v, now) }),
	}}, nil
}

// MerchantGetPortalSession shows one link without its secrets.
func (s *Server) MerchantGetPortalSession(ctx context.Context, in api.MerchantGetPortalSessionRequestObject) (api.MerchantGetPortalSessionResponseObject, error) {
	found, err := s.Identity.PortalSession(ctx, requestOf(ctx).merchant, identity.PortalSessionID(in.PortalSessionId))
	if err != nil {
		return nil, err
	}
	shown := showPortalSession(found, s.clock())
	same, err := unchanged(ctx, found.Version(), shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetPortalSession304Response{}, nil
	}
	return api.MerchantGetPortalSession200JSONResponse{Body: shown}, nil
}

// MerchantRevokePortalSession kills a link and the session that came of it.
func (s *Server) MerchantRevokePortalSession(ctx context.Context, in api.MerchantRevokePortalSessionRequestObject) (api.MerchantRevokePortalSessionResponseObject, error) {
	if err := s.Identity.RevokePortalSession(ctx, requestOf(ctx).merchant, identity.PortalSessionID(in.PortalSessionId)); err != nil {
		return nil, err
	}
	return api.MerchantRevokePortalSession204Response{}, nil
}

// MerchantCreatePortalSession makes a link that signs a customer in.
func (s *Server) MerchantCreatePortalSession(ctx context.Context, in api.MerchantCreatePortalSessionRequestObject) (api.MerchantCreatePortalSessionResponseObject, error) {
	r := requestOf(ctx)
	m, err := s.Merchants.ByID(ctx, r.merchant)
	if err != nil {
		return nil, err
	}
	wanted, subscriptions, err := s.portalSessionInput(ctx, m.Portal.Settings, *in.Body)
	if err != nil {
		return nil, err
	}
	minted, err := s.Identity.CreatePortalSession(ctx, wanted)
	if err != nil {
		return nil, err
	}
	r.secrets = append(r.secrets, "ticket", "urls", "access_token", "refresh_token")
	v := showPortalSession(minted.PortalSession, s.clock())
	shown := api.MintedPortalSession{
		Id: v.Id, CustomerId: v.CustomerId, Origin: v.Origin, Status: v.Status, Target: v.Target, Scopes: v.Scopes, ReturnUrl: v.ReturnUrl, Locale: v.Locale,
		CreatedAt: v.CreatedAt, ExpiresAt: v.ExpiresAt, UsedAt: v.UsedAt, SessionId: v.SessionId, RevokedAt: v.RevokedAt,
	}
	if minted.Tokens == nil {
		urls := portalURLs(m.Portal.Settings, s.PublicURL, subscriptions, minted.Ticket)
		shown.Ticket, shown.Urls = &minted.Ticket, &urls
		return api.MerchantCreatePortalSession201JSONResponse{Body: shown}, nil
	}
	tokens, kind := showTokens(*minted.Tokens), api.Bearer
	shown.TokenType, shown.AccessToken, shown.ExpiresIn = &kind, &tokens.AccessToken, &tokens.ExpiresIn
	shown.RefreshToken, shown.RefreshExpiresIn = &tokens.RefreshToken, &tokens.RefreshExpiresIn
	return api.MerchantCreatePortalSession201JSONResponse{Body: shown}, nil
}

// portalURLs are the links of a ticket. It stands in the fragment, which browsers send to nobody.
func portalURLs(settings merchant.Settings, publicURL string, subscriptions []billing.Subscription, ticket string) api.PortalUrls {
	fragment := "#ticket=" + ticket
	return api.PortalUrls{
		Overview: settings.Frontend(publicURL) + identity.Target{Kind: identity.TargetOverview}.Path() + fragment,
		Subscriptions: each(subscriptions, func(sub billing.Subscription) api.SubscriptionUrls {
			urls := managementURLs(settings, publicURL, sub)
			shown := api.SubscriptionUrls{Id: string(sub.ID), View: urls.View + fragment, Cancel: urls.Cancel + fragment}
			if urls.UpdatePaymentMethod != nil {
				method := *urls.UpdatePaymentMethod + fragment
				shown.UpdatePaymentMethod = &method
			}
			return shown
		}),
	}
}

// portalSessionInput reads a wish for a link. Whatever it names must be the customer's; all faults are told at once, and what is
// another's as if there were no such thing.
func (s *Server) portalSessionInput(ctx context.Context, settings merchant.Settings, body api.CreatePortalSession) (identity.PortalSessionInput, []billing.Subscription, error) {
	r := requestOf(ctx)
	in := identity.PortalSessionInput{
		Scope: foyer.Scope{Merchant: r.merchant, Customer: foyer.CustomerID(body.CustomerId)}, Scopes: identity.FullScope,
		Target: readTarget(body.Target), ReturnURL: value(body.ReturnUrl), Exchange: body.Exchange != nil && *body.Exchange, Place: r.place(),
	}
	if body.ExpiresIn != nil {
		in.ExpiresIn = time.Duration(*body.ExpiresIn) * time.Second
	}
	if !foyer.ValidID(foyer.PrefixCustomer, body.CustomerId) {
		return in, nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/customer_id", Code: "input.unknown_reference"})
	}
	if err := in.Target.Validate(); err != nil {
		return in, nil, err
	}
	var faults []foyer.FieldError
	fault := func(pointer, code string) { faults = append(faults, foyer.FieldError{Pointer: pointer, Code: code}) }
	if body.Scopes != nil {
		in.Scopes = slices.Clone(*body.Scopes)
	}
	named := map[string]string{} // the subscription a field names, by its pointer
	for i, scope := range in.Scopes {
		pointer := "/scopes/" + strconv.Itoa(i)
		if slices.Contains(in.Scopes[:i], scope) {
			fault(pointer, "input.duplicate")
		} else if !identity.ValidScope(scope) {
			fault(pointer, "input.invalid")
		} else if id := identity.SubscriptionOf(scope); id != "" {
			named[pointer] = id
		}
	}
	var listed []string
	if body.SubscriptionIds != nil {
		listed = *body.SubscriptionIds
	}
	for i, id := range listed {
		named["/subscription_ids/"+strconv.Itoa(i)] = id
	}
	switch in.Target.Kind {
	case identity.TargetSubscription, identity.TargetCancelSubscription, identity.TargetUpdatePaymentMethod:
		named["/target/id"] = in.Target.ID
	case identity.TargetPayment:
		_, err := s.Billing.Payment(ctx, in.Scope, billing.PaymentID(in.Target.ID))
		if errors.Is(err, foyer.NotFound) {
			fault("/target/id", "input.unknown_reference")
		} else if err != nil {
			return in, nil, err
		}
	case identity.TargetOverview:
	}
	found, err := s.subscriptionsNamed(ctx, in.Scope, named)
	if err != nil {
		return in, nil, err
	}
	for pointer, id := range named {
		if _, ok := found[billing.SubscriptionID(id)]; !ok {
			fault(pointer, "input.unknown_reference")
		}
	}
	if sub, ok := found[billing.SubscriptionID(in.Target.ID)]; ok {
		in.Target = offered(in.Target, sub)
	}
	if body.ReturnUrl != nil && !settings.AllowsReturnURL(in.ReturnURL) {
		fault("/return_url", "input.return_url")
	}
	if body.Locale != nil {
		if _, ok := i18n.Parse(*body.Locale); !ok {
			fault("/locale", "input.locale")
		}
		in.Locale = *body.Locale
	}
	slices.SortFunc(faults, func(a, b foyer.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return in, each(listed, func(id string) billing.Subscription { return found[billing.SubscriptionID(id)] }), foyer.InvalidFields(faults...)
}

// subscriptionsNamed returns those of the customer's subscriptions that are named: one query, however many.
func (s *Server) subscriptionsNamed(ctx context.Context, scope foyer.Scope, named map[string]string) (map[billing.SubscriptionID]billing.Subscription, error) {
	var ids []billing.SubscriptionID
	for _, id := range named {
		if foyer.ValidID(foyer.PrefixSubscription, id) && !slices.Contains(ids, billing.SubscriptionID(id)) {
			ids = append(ids, billing.SubscriptionID(id))
		}
	}
	return s.Billing.SubscriptionsNamed(ctx, scope, ids)
}

func showPortalSession(v identity.PortalSession, now time.Time) api.PortalSession {
	return api.PortalSession{
		Id: string(v.ID), CustomerId: string(v.Scope.Customer), Origin: api.PortalSessionOrigin(v.Origin), Status: api.PortalSessionStatus(v.Status(now)),
		Target: showTarget(v.Target), Scopes: v.Scopes, ReturnUrl: orNull(v.ReturnURL), Locale: orNull(v.Locale), CreatedAt: v.CreatedAt,
		ExpiresAt: v.ExpiresAt, UsedAt: v.UsedAt, SessionId: orNull(v.Session), RevokedAt: v.RevokedAt,
	}
}
