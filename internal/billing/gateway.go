package billing

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Gateway moves money. The required methods are few; what else a gateway can do is asked by assertion (TokenResolver,
// ChargeCanceler, WebhookReader, MethodRemover).
//
// An error of any method means that nobody knows what happened (foyer.Unavailable, a network error): the caller looks it
// up later with ChargeByKey and never guesses. What the gateway decided, a decline too, is a result and not an error.
type Gateway interface {
	// Name is what rows and the API call the gateway: "sandbox", "stripe".
	Name() string
	// PublicKey is what the frontend's form needs; it is no secret.
	PublicKey() string
	// StartSetup begins storing a payment method. The customer finishes it with the gateway itself: card data never
	// passes Foyer. The same id gives the same setup.
	StartSetup(ctx context.Context, r SetupRequest) (StartedSetup, error)
	// Setup tells how a setup stands; foyer.NotFound when there is none.
	Setup(ctx context.Context, reference string) (SetupResult, error)
	// Charge moves money from the customer to the merchant. The same key always means the same charge: asked again it
	// moves nothing and answers what became of it.
	Charge(ctx context.Context, r ChargeRequest) (ChargeResult, error)
	// ChargeByKey tells what became of a charge; foyer.NotFound when the gateway never heard of it.
	ChargeByKey(ctx context.Context, merchant foyer.MerchantID, key string) (ChargeResult, error)
	// Refund moves money back. The same key always means the same refund.
	Refund(ctx context.Context, r RefundRequest) (RefundResult, error)
}

// TokenResolver is a gateway whose tokens a merchant's backend may hand over (`gateway_token`).
type TokenResolver interface {
	// MethodByToken returns the payment method behind a token; foyer.NotFound when there is none.
	MethodByToken(ctx context.Context, token string) (GatewayMethod, error)
}

// ChargeCanceler is a gateway that can give up a charge the customer never confirmed.
type ChargeCanceler interface {
	// CancelCharge ends a charge that requires action and returns how it stands afterwards: the customer may have been
	// quicker.
	CancelCharge(ctx context.Context, merchant foyer.MerchantID, key string) (ChargeResult, error)
}

// MethodRemover is a gateway that forgets a payment method when it is told to.
type MethodRemover interface {
	RemoveMethod(ctx context.Context, token string) error
}

// WebhookReader is a gateway that tells by itself when something changed.
type WebhookReader interface {
	// ReadWebhook checks the signature on the raw body and returns what the message is about. It is only a reason to
	// look: money is booked after asking the gateway. Unauthenticated for a bad, missing or old signature.
	ReadWebhook(header map[string][]string, body []byte, now time.Time) (GatewayNotice, error)
}

// GatewayNotice says that a charge changed.
type GatewayNotice struct {
	// ID is the gateway's id of the message; the same message may come twice.
	ID       string
	Merchant foyer.MerchantID
	// ChargeKey is the key of the charge, empty when it is about something else.
	ChargeKey string
}

// SetupRequest asks to store a payment method.
type SetupRequest struct {
	ID       SetupID
	Merchant foyer.MerchantID
	Customer foyer.CustomerID
}

// StartedSetup is what the frontend needs to go on with the gateway. Reference is the gateway's own id of the setup.
type StartedSetup struct {
	Reference    string
	ClientSecret string
}

// SetupStatus says how far a setup is.
type SetupStatus string

// The states of a setup.
const (
	SetupOpen           SetupStatus = "open"
	SetupRequiresAction SetupStatus = "requires_action"
	SetupSucceeded      SetupStatus = "succeeded"
	SetupFailed         SetupStatus = "failed"
)

// SetupResult is how a setup stands. Method is set when it succeeded, ErrorCode when it failed.
type SetupResult struct {
	Status    SetupStatus
	Method    GatewayMethod
	ErrorCode ErrorCode
}

// GatewayMethod is a payment method as the gateway knows it. Token charges it: it is kept encrypted and never shown.
// Fingerprint is the same for the same card.
type GatewayMethod struct {
	Token       string
	Type        string
	Card        *Card
	BillingName string
	Fingerprint string
}

// ChargeRequest asks to move money.
type ChargeRequest struct {
	// Key is the attempt's id.
	Key      string
	Merchant foyer.MerchantID
	Payment  PaymentID
	Amount   foyer.Money
	Token    string
	// OnSession says that the customer is there and can confirm; otherwise a charge that needs it is declined.
	OnSession bool
}

// ChargeStatus says what became of a charge.
type ChargeStatus string

// The states of a charge.
const (
	ChargeCaptured       ChargeStatus = "captured"
	ChargeDeclined       ChargeStatus = "declined"
	ChargeRequiresAction ChargeStatus = "requires_action"
	// ChargePending: the gateway itself does not know yet; it is asked again.
	ChargePending ChargeStatus = "pending"
)

// ChargeResult is what became of a charge. ErrorCode is set when it was declined, ClientSecret when the customer must
// confirm it.
type ChargeResult struct {
	Status       ChargeStatus
	ErrorCode    ErrorCode
	ClientSecret string
}

// RefundRequest asks to move money back. Charge is the key of the charge it came with.
type RefundRequest struct {
	Key      string
	Merchant foyer.MerchantID
	Charge   string
	Amount   foyer.Money
}

// RefundResult tells whether money went back; when not, ErrorCode says why.
type RefundResult struct {
	Refunded  bool
	ErrorCode ErrorCode
}
