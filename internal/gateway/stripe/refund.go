package stripe

import (
	"context"
	"errors"
	"net/http"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Refund implements billing.Gateway. The key is looked for among the refunds of the charge before one is made: Stripe forgets
// idempotency keys after a day, and a refund may be asked again later than that.
//
// A failure of its own Stripe repeats for that day. Then the refund is looked for again, and only if there is none it is asked for under
// the next key. That pays nothing twice: an answer that is repeated is of a request that is over, so what it did, it did before the
// refunds are listed, and the list is no search that lags; each refund says in its metadata which of ours it is, whatever its key; and the
// next key is the same for whoever asks, so that of two processes that come as far one makes the refund, and the other hears of that one
// or that the key is in use. A key that fails without being repeated is not left for the next: what it does may not be done.
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
	var last error
	for _, key := range []string{r.Key, r.Key + "-2", r.Key + "-3"} {
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
		made, err := g.refundUnder(ctx, key, intent.ID, amount, r)
		if err == nil {
			return refundResult(made), nil
		}
		if !stuck(err) {
			return g.notRefunded(ctx, intent.ID, amount, err)
		}
		last = err
	}
	return billing.RefundResult{}, dark("refund", last)
}

// refundUnder asks for a refund under an idempotency key. The metadata are by what it is found again, whatever the key.
func (g *Gateway) refundUnder(ctx context.Context, key, intent string, amount int64, r billing.RefundRequest) (*sdk.Refund, error) {
	params := &sdk.RefundCreateParams{
		PaymentIntent: &intent, Amount: &amount,
		Metadata: map[string]string{metaMerchant: string(r.Merchant), metaRefund: r.Key, metaAttempt: r.Charge},
	}
	params.SetIdempotencyKey(key)
	return g.client.V1Refunds.Create(ctx, params)
}

// stuck tells whether Stripe repeats a failure of its own under a key.
func stuck(err error) bool {
	var e *sdk.Error
	return errors.As(err, &e) && e.HTTPStatusCode >= http.StatusInternalServerError && replayed(e.LastResponse)
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
