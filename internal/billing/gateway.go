package billing

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// Gateway moves money. The required methods are few; what else a gateway can do is asked by assertion (TokenResolver,
// ChargeCanceler, WebhookReader, MethodRemover, MethodReader, DisputeReader, RefundReader).
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
	// MethodByToken returns the payment method behind a token, for this customer; foyer.NotFound when there is none, or when it is
	// another customer's.
	MethodByToken(ctx context.Context, owner foyer.Scope, token string) (GatewayMethod, error)
}

// MethodReader is a gateway that keeps stored methods up to date: card networks replace numbers and dates by themselves.
type MethodReader interface {
	// Method returns a stored method as the gateway knows it now; foyer.NotFound when it can't be charged any more.
	Method(ctx context.Context, token string) (GatewayMethod, error)
}

// DisputeReader is a gateway that tells which charges the customer's bank takes back.
type DisputeReader interface {
	// Disputes returns the disputes of a charge as they stand, oldest first; none is an empty list.
	Disputes(ctx context.Context, merchant foyer.MerchantID, key string) ([]GatewayDispute, error)
}

// RefundReader is a gateway whose refunds may fail days after they were taken on, because the customer's bank sent them back.
type RefundReader interface {
	// RefundByKey tells how a refund of a charge stands; foyer.NotFound when the gateway never heard of it.
	RefundByKey(ctx context.Context, merchant foyer.MerchantID, charge, key string) (RefundResult, error)
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
	ReadWebhook(ctx context.Context, header map[string][]string, body []byte, now time.Time) (GatewayNotice, error)
}

// GatewayNotice says that something changed: a charge (its outcome, a refund or a dispute of it), or what is stored of a customer.
type GatewayNotice struct {
	// ID is the gateway's id of the message; the same message may come twice, and in any order.
	ID       string
	Merchant foyer.MerchantID
	// ChargeKey is the key of the charge, empty when it is about something else.
	ChargeKey string
	// Customer is whose stored payment methods changed, empty when it is about something else.
	Customer foyer.CustomerID
}

// DisputeStatus says how far a dispute is.
type DisputeStatus string

// The states of a dispute. Money is back with the customer while it is open, and stays there when it is lost.
const (
	// DisputeInquiry: the bank asks first; no money has moved.
	DisputeInquiry DisputeStatus = "inquiry"
	// DisputeOpen: the bank took the money back, the merchant may object until RespondBy.
	DisputeOpen DisputeStatus = "open"
	// DisputeUnderReview: the merchant objected, the bank decides.
	DisputeUnderReview DisputeStatus = "under_review"
	DisputeWon         DisputeStatus = "won"
	DisputeLost        DisputeStatus = "lost"
	// DisputeClosed: an inquiry ended without a dispute.
	DisputeClosed DisputeStatus = "closed"
)

// GatewayDispute is a charge the customer's bank took back, as the gateway tells it. Reference is the gateway's id of it, Reason its
// word for why ("fraudulent", "product_not_received").
type GatewayDispute struct {
	Reference string
	Status    DisputeStatus
	Reason    string
	Amount    foyer.Money
	OpenedAt  time.Time
	// RespondBy is until when the merchant may object at the gateway; nil when it can't.
	RespondBy *time.Time
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
// Fingerprint is the same for the same card. Type is the field's word for it: "card", "sepa_debit", "paypal".
type GatewayMethod struct {
	Token string
	Type  string
	Card  *Card
	// Wallet is what the card came with: "apple_pay", "google_pay"; empty when it was typed.
	Wallet string
	// Identifier is what a customer recognises a method by that is no card: the end of an account number ("•••• 3000"), an address.
	Identifier  string
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
	// Instead is what was charged, or declined, when the customer's device took another method than was asked for; nil otherwise. It is not
	// stored here: only what it is recognised by counts.
	Instead *GatewayMethod
}

// RefundRequest asks to move money back. Charge is the key of the charge it came with.
type RefundRequest struct {
	Key      string
	Merchant foyer.MerchantID
	Charge   string
	Amount   foyer.Money
}

// RefundResult tells whether money went back, or the gateway has taken it on itself to send it; when not, ErrorCode says why.
type RefundResult struct {
	Refunded  bool
	ErrorCode ErrorCode
}

// GatewayReferences keeps what a gateway calls a thing of ours: an attempt, a customer. A reference is kept before anything is done
// with it, so that after a crash it is known what to ask the gateway about.
type GatewayReferences interface {
	// GatewayReference returns the gateway's id of a subject (an id of ours); foyer.NotFound when none was kept.
	GatewayReference(ctx context.Context, merchant foyer.MerchantID, gateway, subject string) (string, error)
	// KeepGatewayReference keeps the gateway's id of a subject and returns the one that is kept: of several callers the first decides.
	KeepGatewayReference(ctx context.Context, merchant foyer.MerchantID, gateway, subject, reference string) (string, error)
	// GatewaySubject tells whose id a gateway's id is; foyer.NotFound when it was not kept here.
	GatewaySubject(ctx context.Context, gateway, reference string) (foyer.MerchantID, string, error)
}
