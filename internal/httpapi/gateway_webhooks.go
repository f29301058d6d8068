package httpapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
)

// GatewayWebhooks takes what payment gateways send.
type GatewayWebhooks interface {
	// ReceiveWebhook checks the signature of a gateway's message on its raw body and sees to it that what it is about is looked up.
	// NotFound for an unknown gateway, Unauthenticated for a bad signature, Malformed for what is signed and not in the gateway's form.
	ReceiveWebhook(ctx context.Context, gateway string, header map[string][]string, body []byte) error
}

// signedBody tells whether the body is for a gateway to judge. It is not looked at before its signature is: gateways send again what is
// refused, and give up on who refuses too often, so that a number in it that could be a card's must be no reason.
func signedBody(op *openapi3.Operation) bool { return op.OperationID == "receiveGatewayWebhook" }

// receiveGatewayWebhook hands the raw body over: what is signed is the bytes, not what a decoder makes of them.
func (s *Server) receiveGatewayWebhook(c echo.Context) error {
	ctx := c.Request().Context()
	err := s.Webhooks.ReceiveWebhook(ctx, c.Param("gateway"), c.Request().Header, requestOf(ctx).body)
	switch {
	case errors.Is(err, foyer.Unauthenticated):
		return &foyer.Error{Kind: foyer.Unauthenticated, Code: "webhook.invalid", Err: err}
	case errors.Is(err, foyer.Malformed):
		return &foyer.Error{Kind: foyer.Malformed, Code: "json.invalid", Err: err}
	case err != nil:
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
