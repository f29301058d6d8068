package sandbox

import (
	"context"
	"crypto/hmac"
	"errors"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// The codes of refusals, as problems carry them.
const (
	codeNotFound       = "not_found"
	codeKeyReused      = "key_reused"
	codeUnknownCard    = "unknown_card"
	codeUnknownAccount = "unknown_account"
	codeNoCard         = "no_card"
	codeInvalidExpiry  = "invalid_expiry"
	codeExpiredCard    = "expired_card"
	codeInvalidCVC     = "invalid_cvc"
	codeInvalid        = "invalid"
	codeNotConfirmed   = "not_confirmed"
	codeOtherCard      = "other_card"
)

// bank is the rules. Every method may be called again after a crash between any two lines: the row says how far it came.
type bank struct {
	books   *Books
	knobs   dial
	notices *notifier
	now     func() time.Time
	// disputeAfter is how long after its capture a charge of the disputed card is taken back.
	disputeAfter time.Duration
	hangFor      time.Duration
}

// secret returns what the customer's device proves itself with. It is made from the id, so a wrong id and a wrong secret
// can't be told apart.
func (b *bank) secret(ctx context.Context, kind, id string) (string, error) {
	secret, err := b.books.derive(ctx, kind, id)
	return "sec_" + secret, err
}

// prove refuses a device that does not know the secret.
func (b *bank) prove(ctx context.Context, kind, id, secret string) error {
	want, err := b.secret(ctx, kind, id)
	if err != nil {
		return err
	}
	if !validName(id) || !hmac.Equal([]byte(want), []byte(secret)) {
		return foyer.ErrNotFound()
	}
	return nil
}

// charge moves money, once per key.
func (b *bank) charge(ctx context.Context, r billing.ChargeRequest) (billing.ChargeResult, error) {
	if !validName(r.Key) || !validName(string(r.Merchant)) || !validName(string(r.Payment)) || !r.Amount.Currency.Valid() {
		return billing.ChargeResult{}, foyer.Refuse(foyer.Invalid, codeInvalid)
	}
	m, err := b.books.methodOf(ctx, r.Token)
	if err != nil && !errors.Is(err, foyer.NotFound) {
		return billing.ChargeResult{}, err
	}
	decided := billing.ChargeResult{Status: billing.ChargeDeclined}
	switch {
	case err != nil:
		decided.ErrorCode = "invalid_payment_details"
	case m.removed:
		decided.ErrorCode = billing.ErrorRedacted
	case r.Amount.Amount <= 0:
		decided.ErrorCode = "invalid_amount"
	default:
		decided = m.behavior.decide(r.OnSession, m.authenticated)
	}
	now := b.now()
	c := charge{
		key: r.Key, merchant: string(r.Merchant), reference: string(r.Payment), methodID: m.id, amount: r.Amount, onSession: r.OnSession,
		status: decided.Status, errorCode: decided.ErrorCode, createdAt: now.UnixMicro(),
	}
	if c.status == billing.ChargeCaptured {
		c.capturedAt = c.createdAt
		if m.behavior == behavesDisputed {
			c.disputedAt = now.Add(b.disputeAfter).UnixMicro()
		}
	}
	first, err := b.books.insertCharge(ctx, c)
	if err != nil {
		return billing.ChargeResult{}, err
	}
	if !first {
		return b.repeated(ctx, c)
	}
	if c.disputedAt != 0 {
		b.notices.tell(c.notice(), b.disputeAfter)
	}
	return b.result(ctx, c)
}

// repeated answers a key that was used before: what became of the charge, or a refusal when it was for something else.
func (b *bank) repeated(ctx context.Context, c charge) (billing.ChargeResult, error) {
	was, err := b.books.charge(ctx, c.key)
	if err != nil {
		return billing.ChargeResult{}, err
	}
	if was.merchant != c.merchant || was.amount != c.amount || was.methodID != c.methodID || was.reference != c.reference {
		return billing.ChargeResult{}, foyer.Refuse(foyer.Conflict, codeKeyReused)
	}
	return b.result(ctx, was)
}

func (b *bank) result(ctx context.Context, c charge) (billing.ChargeResult, error) {
	r := billing.ChargeResult{Status: c.status, ErrorCode: c.errorCode}
	var err error
	if c.status == billing.ChargeRequiresAction {
		r.ClientSecret, err = b.secret(ctx, "charge", c.key)
	}
	return r, err
}

// own returns a merchant's charge; NotFound for another's.
func (b *bank) own(ctx context.Context, merchant foyer.MerchantID, key string) (charge, error) {
	if !validName(key) {
		return charge{}, foyer.ErrNotFound()
	}
	c, err := b.books.charge(ctx, key)
	if err == nil && c.merchant != string(merchant) {
		err = foyer.ErrNotFound()
	}
	return c, err
}

// end ends a charge that requires action and returns how it stands, whoever was quicker.
func (b *bank) end(ctx context.Context, c charge, code billing.ErrorCode) (charge, error) {
	moved, err := b.books.endAction(ctx, c, code, b.now())
	if err != nil {
		return charge{}, err
	}
	if moved && code != "canceled" { // who cancels knows
		b.notices.tell(c.notice(), 0)
	}
	return b.books.charge(ctx, c.key)
}

// confirmCharge answers the customer's device, which shows the bank's question next.
func (b *bank) confirmCharge(ctx context.Context, key, secret string) (deviceStatus, error) {
	if err := b.prove(ctx, "charge", key, secret); err != nil {
		return "", err
	}
	c, err := b.books.charge(ctx, key)
	return c.shown(), err
}

// authenticateCharge takes the customer's answer to the bank's question.
func (b *bank) authenticateCharge(ctx context.Context, key, secret string, succeed bool) (deviceStatus, error) {
	if err := b.prove(ctx, "charge", key, secret); err != nil {
		return "", err
	}
	c, err := b.books.charge(ctx, key)
	if err != nil {
		return "", err
	}
	var code billing.ErrorCode
	if !succeed {
		code = "authentication_failed"
	}
	c, err = b.end(ctx, c, code)
	return c.shown(), err
}

// dispute takes a captured charge back, as the customer's bank does.
func (b *bank) dispute(ctx context.Context, key string) error {
	if !validName(key) {
		return foyer.ErrNotFound()
	}
	c, err := b.books.charge(ctx, key)
	if err != nil {
		return err
	}
	moved, err := b.books.dispute(ctx, key, b.now())
	if moved {
		b.notices.tell(c.notice(), 0)
	}
	return err
}

func (b *bank) refund(ctx context.Context, r billing.RefundRequest) (billing.RefundResult, error) {
	if !validName(r.Key) || !validName(string(r.Merchant)) || !validName(r.Charge) || !r.Amount.Currency.Valid() {
		return billing.RefundResult{}, foyer.Refuse(foyer.Invalid, codeInvalid)
	}
	return b.books.refund(ctx, r, b.now())
}

func (c charge) notice() billing.GatewayNotice {
	return billing.GatewayNotice{ID: newMessageID(), Merchant: foyer.MerchantID(c.merchant), ChargeKey: c.key}
}

// deviceStatus is what the customer's device is told.
type deviceStatus string

const (
	deviceRequiresAction deviceStatus = "requires_action"
	deviceSucceeded      deviceStatus = "succeeded"
	deviceFailed         deviceStatus = "failed"
)

func (c charge) shown() deviceStatus {
	switch c.status {
	case billing.ChargeCaptured:
		return deviceSucceeded
	case billing.ChargeRequiresAction:
		return deviceRequiresAction
	case billing.ChargeDeclined, billing.ChargePending: // ours are never pending
	}
	return deviceFailed
}
