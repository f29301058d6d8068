package httpapi

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/labstack/echo/v4"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/retention"
)

// permit holds a session from a link to the one subscription it was made for. A full session, which most are, costs
// nothing here. Another's thing is not found; one of the customer's own that the link is not for is forbidden.
func (s *Server) permit(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		if r.operation == nil || r.access == nil {
			return next(c)
		}
		scopes, operation, needed := r.actor().Scopes, r.operation.OperationID, scopeOf(c.Request().Method)
		if identity.Permits(scopes, operation, needed, "") {
			return next(c)
		}
		subscription, err := s.subscriptionOf(c.Request().Context(), c)
		if err != nil {
			return err
		}
		if !identity.Permits(scopes, operation, needed, string(subscription)) {
			return foyer.Refuse(foyer.Forbidden, "auth.scope")
		}
		return next(c)
	}
}

// subscriptionOf finds the subscription a call is about; empty when it is about none, or about more than it.
func (s *Server) subscriptionOf(ctx context.Context, c echo.Context) (billing.SubscriptionID, error) {
	r := requestOf(ctx)
	if id := c.Param("subscription_id"); id != "" {
		sub, err := s.Billing.Subscription(ctx, r.scope(), billing.SubscriptionID(id))
		return sub.ID, err
	}
	if id := c.Param("cancellation_id"); id != "" {
		return s.Retention.SubscriptionOf(ctx, r.scope(), retention.CancellationID(id))
	}
	if id := c.Param("withdrawal_id"); id != "" {
		return s.Retention.WithdrawnFrom(ctx, r.scope(), retention.WithdrawalID(id))
	}
	if id := c.Param("payment_id"); id != "" {
		payment, err := s.Billing.Payment(ctx, r.scope(), billing.PaymentID(id))
		return payment.Subscription, err
	}
	if r.operation.OperationID != "addPaymentMethod" {
		return "", nil
	}
	var body api.AddPaymentMethod
	if err := json.Unmarshal(r.body, &body); err != nil {
		return "", foyer.Refuse(foyer.Malformed, "json.invalid")
	}
	if body.Replaces != nil || body.Default != nil && *body.Default {
		return "", nil // other subscriptions would be charged with it too
	}
	return billing.SubscriptionID(value(body.SubscriptionId)), nil
}

// narrow tells whether the session came from a link for one subscription.
func narrow(ctx context.Context) bool {
	return !slices.Contains(requestOf(ctx).actor().Scopes, identity.ScopeWrite)
}
