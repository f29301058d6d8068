package stripe

import (
	"context"
	"errors"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Refund implements billing.Gateway. The key is looked for among the refunds of the charge before one is made: Stripe forgets
// idempotency keys after a day, and a refund may be asked again later than that.
func (g *Gateway) Refund(ctx context.Context, r billing.RefundRequest) (billing.RefundResult, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	intent, err := g.kept(ctx, r.Merchant, r.Charge)
	if errors.Is(err, foyer.NotFound) {
		return refused("transaction_not_permitted"), nil // no such charge, so no money to give back
	}
	if err != nil {
		return billing.RefundResult{}, err
	}
	amount, can := toStripe(r.Amount)
	if !can {
		return refused("invalid_amount"), nil
	}
	found, err := g.refundOf(ctx, intent.ID, r.Key)
	if err == nil {
		if found.Amount != amount {
			return billing.RefundResult{}, g.unlike(ctx, "refund", found.ID)
		}
		return refundResult(found), nil
	}
	if !errors.Is(err, foyer.NotFound) {
		return billing.RefundResult{}, err
	}
	if code := unrefundable(intent, amount); code != "" {
		return refused(code), nil
	}
	params := &sdk.RefundCreateParams{
		PaymentIntent: &intent.ID, Amount: &amount,
		Metadata: map[string]string{metaMerchant: string(r.Merchant), metaRefund: r.Key, metaAttempt: r.Charge},
	}
	params.SetIdempotencyKey(r.Key)
	made, err := g.client.V1Refunds.Create(ctx, params)
	if err == nil {
		return refundResult(made), nil
	}
	return g.notRefunded(ctx, intent.ID, amount, err)
}

// notRefunded tells what a refused refund means. Stripe has no code for "more than is left", so what is left is read again.
func (g *Gateway) notRefunded(ctx context.Context, intent string, amount int64, err error) (billing.RefundResult, error) {
	refusal := refusalOf(err)
	if refusal == nil {
		return billing.RefundResult{}, dark("refund", err)
	}
	if code, known := reasons[string(refusal.Code)]; known {
		return refused(code), nil
	}
	now, failed := g.read(ctx, intent)
	if failed != nil {
		return billing.RefundResult{}, failed
	}
	if code := unrefundable(now, amount); code != "" {
		return refused(code), nil
	}
	return billing.RefundResult{}, dark("refund", err)
}

// unrefundable is why an amount can't go back; empty when it can.
func unrefundable(intent *sdk.PaymentIntent, amount int64) billing.ErrorCode {
	switch charge := intent.LatestCharge; {
	case intent.Status != sdk.PaymentIntentStatusSucceeded || charge == nil:
		return "transaction_not_permitted"
	case charge.Amount-charge.AmountRefunded <= 0:
		return "already_refunded"
	case charge.Amount-charge.AmountRefunded < amount:
		return "invalid_amount"
	default:
		return ""
	}
}

// RefundByKey implements billing.RefundReader.
func (g *Gateway) RefundByKey(ctx context.Context, merchant foyer.MerchantID, charge, key string) (billing.RefundResult, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	intent, err := g.References.GatewayReference(ctx, merchant, Name, charge)
	if err != nil {
		return billing.RefundResult{}, err
	}
	found, err := g.refundOf(ctx, intent, key)
	if err != nil {
		return billing.RefundResult{}, err
	}
	return refundResult(found), nil
}

// refundOf finds the refund a key made; foyer.NotFound when it made none.
func (g *Gateway) refundOf(ctx context.Context, intent, key string) (*sdk.Refund, error) {
	params := &sdk.RefundListParams{PaymentIntent: &intent}
	params.Limit = sdk.Int64(100)
	for r, err := range g.client.V1Refunds.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, dark("list refunds", err)
		}
		if r.Metadata[metaRefund] == key {
			return r, nil
		}
	}
	return nil, foyer.ErrNotFound()
}

// refundResult reads a refund. Pending and waiting for the customer's account count as given back: Stripe has taken it on itself, and
// tells when it fails after all.
func refundResult(r *sdk.Refund) billing.RefundResult {
	if r.Status == sdk.RefundStatusFailed || r.Status == sdk.RefundStatusCanceled {
		return refused("psp_error")
	}
	return billing.RefundResult{Refunded: true}
}

func refused(code billing.ErrorCode) billing.RefundResult {
	return billing.RefundResult{ErrorCode: code}
}
