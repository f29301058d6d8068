package stripe

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Whether the customer is there, as an intent's metadata say it.
const (
	onSession  = "on"
	offSession = "off"
)

// canceled is the reason of a charge that was given up.
const canceled billing.ErrorCode = "canceled"

// Charge implements billing.Gateway: create, keep, confirm (package comment).
func (g *Gateway) Charge(ctx context.Context, r billing.ChargeRequest) (billing.ChargeResult, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	amount, can := toStripe(r.Amount)
	if !can {
		return declined("invalid_amount"), nil
	}
	t, is := tokenOf(r.Token)
	if !is {
		return declined(billing.ErrorRedacted), nil
	}
	intent, err := g.kept(ctx, r.Merchant, r.Key)
	if errors.Is(err, foyer.NotFound) {
		intent, err = g.create(ctx, r, amount, t)
	}
	if refusal := refusalOf(err); refusal != nil {
		return g.decided(ctx, refusal, t.customer)
	}
	if err != nil {
		return billing.ChargeResult{}, err
	}
	if !fits(intent, r, amount, t) {
		return billing.ChargeResult{}, g.unlike(ctx, "charge", intent.ID)
	}
	if intent.Status == sdk.PaymentIntentStatusRequiresConfirmation {
		return g.confirm(ctx, intent, asks(r, t))
	}
	return g.result(ctx, intent)
}

// ChargeByKey implements billing.Gateway. An intent that was kept and never confirmed has moved nothing: the engine goes on with it
// by asking for the charge.
func (g *Gateway) ChargeByKey(ctx context.Context, merchant foyer.MerchantID, key string) (billing.ChargeResult, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	intent, err := g.kept(ctx, merchant, key)
	if err != nil {
		return billing.ChargeResult{}, err
	}
	if intent.Status == sdk.PaymentIntentStatusRequiresConfirmation {
		return billing.ChargeResult{}, foyer.ErrNotFound()
	}
	return g.result(ctx, intent)
}

// CancelCharge implements billing.ChargeCanceler.
func (g *Gateway) CancelCharge(ctx context.Context, merchant foyer.MerchantID, key string) (billing.ChargeResult, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	intent, err := g.kept(ctx, merchant, key)
	if err != nil {
		return billing.ChargeResult{}, err
	}
	if intent.Status == sdk.PaymentIntentStatusRequiresAction || intent.Status == sdk.PaymentIntentStatusRequiresConfirmation {
		return g.giveUp(ctx, intent, declined(canceled))
	}
	return g.result(ctx, intent)
}

// kept reads the intent of an attempt; foyer.NotFound when none was kept, so that no money can have moved.
func (g *Gateway) kept(ctx context.Context, merchant foyer.MerchantID, key string) (*sdk.PaymentIntent, error) {
	if strings.ContainsRune(key, 0) { // no id of ours, and PostgreSQL takes no such text
		return nil, foyer.ErrNotFound()
	}
	id, err := g.References.GatewayReference(ctx, merchant, Name, key)
	if err != nil {
		return nil, err
	}
	return g.read(ctx, id)
}

func (g *Gateway) read(ctx context.Context, id string) (*sdk.PaymentIntent, error) {
	params := &sdk.PaymentIntentRetrieveParams{}
	params.AddExpand("latest_charge")
	intent, err := g.client.V1PaymentIntents.Retrieve(ctx, id, params)
	if err != nil {
		// A missing one too: it was there when it was kept. Perhaps the key is of another account.
		return nil, dark("read an intent", err)
	}
	if intent.ID != id || intent.Status == "" {
		return nil, g.unlike(ctx, "intent", id)
	}
	return intent, nil
}

// create makes an intent nobody can be charged by yet, and keeps its id. The attempt's id is its idempotency key; where Stripe only
// repeats a failure of its own under that key, or another worker is using it, any key will do: of several intents one is kept, and the
// others are never confirmed.
func (g *Gateway) create(ctx context.Context, r billing.ChargeRequest, amount int64, t token) (*sdk.PaymentIntent, error) {
	key := r.Key
	intent, err := g.createUnder(ctx, key, r, amount, t)
	if again(err) {
		intent, err = g.createUnder(ctx, key+"-"+rand.Text(), r, amount, t)
	}
	if err != nil {
		if refusalOf(err) != nil {
			return nil, err
		}
		return nil, dark("make an intent", err)
	}
	first, err := g.References.KeepGatewayReference(ctx, r.Merchant, Name, r.Key, intent.ID)
	if errors.Is(err, foyer.Conflict) {
		return nil, g.unlike(ctx, "an intent that is another attempt's", intent.ID)
	}
	if err != nil {
		return nil, err
	}
	if first == intent.ID && intent.Status == sdk.PaymentIntentStatusRequiresConfirmation && !replayed(intent.LastResponse) {
		return intent, nil
	}
	return g.read(ctx, first)
}

func (g *Gateway) createUnder(ctx context.Context, key string, r billing.ChargeRequest, amount int64, t token) (*sdk.PaymentIntent, error) {
	session := offSession
	if asks(r, t) {
		session = onSession
	}
	params := &sdk.PaymentIntentCreateParams{
		Amount: &amount, Currency: sdk.String(strings.ToLower(string(r.Amount.Currency))),
		Customer: &t.customer, PaymentMethod: &t.method,
		// Of this type only: with all that are enabled Stripe would want an address to come back to.
		PaymentMethodTypes: []*string{&t.kind},
		Metadata: map[string]string{
			metaMerchant: string(r.Merchant), metaPayment: string(r.Payment), metaAttempt: r.Key, metaMethod: t.method, metaSession: session,
		},
	}
	params.SetIdempotencyKey(key)
	return g.client.V1PaymentIntents.Create(ctx, params)
}

// asks tells whether the customer can be asked something. Only banks of cards ask in a way Stripe's library shows anywhere; for the others
// what the customer agreed to when they stored it counts, and Stripe would want an address to come back to.
func asks(r billing.ChargeRequest, t token) bool {
	return r.OnSession && t.kind == string(sdk.PaymentMethodTypeCard)
}

// again tells whether the answer to a key says nothing but that this key is of no use now.
func again(err error) bool {
	var e *sdk.Error
	return errors.As(err, &e) && (e.HTTPStatusCode >= http.StatusInternalServerError || e.HTTPStatusCode == http.StatusConflict)
}

// replayed tells whether an answer is what Stripe once said: what it is about may have gone on since.
func replayed(answer *sdk.APIResponse) bool {
	return answer != nil && answer.Header.Get("Idempotent-Replayed") == "true"
}

// fits tells whether an intent is the one that was asked for.
func fits(intent *sdk.PaymentIntent, r billing.ChargeRequest, amount int64, t token) bool {
	method := intent.Metadata[metaMethod]
	return intent.Amount == amount && strings.EqualFold(string(intent.Currency), string(r.Amount.Currency)) &&
		intent.Customer != nil && intent.Customer.ID == t.customer && (method == t.method || method == "")
}

// confirm asks for the money. It needs no idempotency key: Stripe confirms an intent once, and one that was declined has no payment
// method left to be confirmed with. Whatever it answers, how the intent stands is read again: two may have confirmed at once.
func (g *Gateway) confirm(ctx context.Context, intent *sdk.PaymentIntent, customerIsThere bool) (billing.ChargeResult, error) {
	params := &sdk.PaymentIntentConfirmParams{}
	params.AddExpand("latest_charge")
	if customerIsThere {
		params.UseStripeSDK = sdk.Bool(true) // the bank's question is shown by Stripe's library, on any frontend
	} else {
		params.OffSession = sdk.Bool(true)
	}
	confirmed, err := g.client.V1PaymentIntents.Confirm(ctx, intent.ID, params)
	refusal := refusalOf(err)
	if err != nil && refusal == nil {
		return billing.ChargeResult{}, dark("confirm an intent", err)
	}
	if err == nil && confirmed.ID != intent.ID {
		return billing.ChargeResult{}, g.unlike(ctx, "confirmation", intent.ID)
	}
	if err != nil {
		if confirmed, err = g.read(ctx, intent.ID); err != nil {
			return billing.ChargeResult{}, err
		}
		if confirmed.Status == sdk.PaymentIntentStatusRequiresConfirmation { // refused as it stands
			decided, err := g.decided(ctx, refusal, customerAt(confirmed))
			if err != nil && old(confirmed) {
				// Refused for a day, and not by a bank: waiting longer would keep the customer from paying in any other way.
				decided, err = declined("psp_error"), nil
			}
			if err != nil {
				return decided, err
			}
			return g.giveUp(ctx, confirmed, decided)
		}
	}
	return g.result(ctx, confirmed)
}

// result says in our words how an intent stands.
func (g *Gateway) result(ctx context.Context, intent *sdk.PaymentIntent) (billing.ChargeResult, error) {
	switch intent.Status {
	case sdk.PaymentIntentStatusSucceeded:
		if intent.AmountReceived != intent.Amount {
			return billing.ChargeResult{}, g.unlike(ctx, "amount received", intent.ID)
		}
		return billing.ChargeResult{Status: billing.ChargeCaptured, Instead: paidInstead(intent)}, nil
	case sdk.PaymentIntentStatusProcessing:
		return billing.ChargeResult{Status: billing.ChargePending}, nil // a debit: the bank answers in days
	case sdk.PaymentIntentStatusRequiresAction:
		if intent.Metadata[metaSession] == offSession { // nobody is there to do anything
			return g.giveUp(ctx, intent, declined("authentication_failed"))
		}
		return billing.ChargeResult{Status: billing.ChargeRequiresAction, ClientSecret: intent.ClientSecret}, nil
	case sdk.PaymentIntentStatusRequiresPaymentMethod:
		// Declined, and whoever has its client secret could still pay it with another card: for an attempt that is over.
		return g.giveUp(ctx, intent, unpaid(intent))
	case sdk.PaymentIntentStatusCanceled:
		return unpaid(intent), nil
	default:
		return billing.ChargeResult{}, g.unlike(ctx, "status "+string(intent.Status), intent.ID)
	}
}

// unpaid says why an intent was not paid, and what it was tried with: whoever has its client secret may have tried another card than the
// one that was asked for, and the bank's answer is about that one.
func unpaid(intent *sdk.PaymentIntent) billing.ChargeResult {
	asked := intent.Metadata[metaMethod]
	switch {
	case intent.LastPaymentError != nil:
		result := declined(reasonOf(intent.LastPaymentError))
		result.Instead = otherMethod(asked, intent.LastPaymentError.PaymentMethod)
		return result
	case intent.LatestCharge != nil && intent.LatestCharge.FailureCode != "":
		result := declined(reason(intent.LatestCharge.FailureCode))
		if outcome := intent.LatestCharge.Outcome; outcome != nil { // it says more: what the bank answered
			result = declined(reason(outcome.Reason, intent.LatestCharge.FailureCode))
		}
		result.Instead = otherCharged(asked, intent.LatestCharge)
		return result
	case intent.Metadata[metaSession] == offSession && intent.CancellationReason == sdk.PaymentIntentCancellationReasonAbandoned:
		return declined("authentication_failed") // given up because nobody was there to confirm it
	default:
		return declined(canceled)
	}
}

// giveUp cancels an intent, so that it can't be paid any more, and says how it was declined; unless the customer was quicker.
func (g *Gateway) giveUp(ctx context.Context, intent *sdk.PaymentIntent, how billing.ChargeResult) (billing.ChargeResult, error) {
	_, err := g.client.V1PaymentIntents.Cancel(ctx, intent.ID, &sdk.PaymentIntentCancelParams{
		CancellationReason: sdk.String(string(sdk.PaymentIntentCancellationReasonAbandoned)),
	})
	if err == nil {
		return how, nil
	}
	if refusalOf(err) == nil {
		return billing.ChargeResult{}, dark("cancel an intent", err)
	}
	now, err := g.read(ctx, intent.ID)
	if err != nil {
		return billing.ChargeResult{}, err
	}
	switch now.Status {
	case sdk.PaymentIntentStatusCanceled:
		return how, nil
	case sdk.PaymentIntentStatusSucceeded, sdk.PaymentIntentStatusProcessing:
		return g.result(ctx, now)
	default:
		return billing.ChargeResult{}, g.unlike(ctx, "canceling in status "+string(now.Status), intent.ID)
	}
}

// decided tells what a refused request means: a decision about this charge, or that nothing can be said because our request itself is
// at fault, which is no reason to tell a customer that their card was declined.
func (g *Gateway) decided(ctx context.Context, e *sdk.Error, customer string) (billing.ChargeResult, error) {
	code, known := reasons[string(e.Code)]
	switch {
	case e.Type == sdk.ErrorTypeCard:
		return declined(reasonOf(e)), nil
	case known:
		return declined(code), nil
	case e.Param == "payment_method" || e.Param == "customer": // deleted there, or another's
		if err := g.ours(ctx, customer); err != nil {
			return billing.ChargeResult{}, err
		}
		return declined(billing.ErrorRedacted), nil
	case e.Param == "currency" || e.Param == "payment_method_types[0]" || e.Param == "payment_method_types":
		return declined("transaction_not_permitted"), nil
	default:
		return billing.ChargeResult{}, dark("charge", e)
	}
}

// oldAfter is how long a refusal that is no decision is waited out.
const oldAfter = 24 * time.Hour

// old tells, by Stripe's own clock, whether an intent was made more than a day ago.
func old(intent *sdk.PaymentIntent) bool {
	if intent.LastResponse == nil {
		return false
	}
	now, err := http.ParseTime(intent.LastResponse.Header.Get("Date"))
	return err == nil && now.Sub(time.Unix(intent.Created, 0)) > oldAfter
}

func customerAt(intent *sdk.PaymentIntent) string {
	if intent.Customer == nil {
		return ""
	}
	return intent.Customer.ID
}

func declined(code billing.ErrorCode) billing.ChargeResult {
	return billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: code}
}
