package stripe

import (
	"context"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// StartSetup implements billing.Gateway. What the customer may store is what the merchant enabled in Stripe's dashboard: cards,
// wallets, debits.
func (g *Gateway) StartSetup(ctx context.Context, r billing.SetupRequest) (started billing.StartedSetup, err error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	owner := foyer.Scope{Merchant: r.Merchant, Customer: r.Customer}
	err = g.withCustomer(ctx, owner, func(customer string) error {
		params := &sdk.SetupIntentCreateParams{
			Customer:                &customer,
			Usage:                   sdk.String(string(sdk.SetupIntentUsageOffSession)),
			AutomaticPaymentMethods: &sdk.SetupIntentCreateAutomaticPaymentMethodsParams{Enabled: sdk.Bool(true)},
			Metadata:                owned(owner),
		}
		params.Metadata[metaSetup] = string(r.ID)
		params.SetIdempotencyKey(string(r.ID) + "-" + customer)
		intent, err := g.client.V1SetupIntents.Create(ctx, params)
		if err == nil {
			started = billing.StartedSetup{Reference: intent.ID, ClientSecret: intent.ClientSecret}
		}
		return err
	})
	if _, told := foyer.AsError(err); err != nil && !told {
		err = dark("start a setup", err)
	}
	return started, err
}

// Setup implements billing.Gateway. A setup the bank refused may be tried again by the customer, so failed is how it stands now.
func (g *Gateway) Setup(ctx context.Context, reference string) (billing.SetupResult, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	if !plain(reference) {
		return billing.SetupResult{}, foyer.ErrNotFound()
	}
	params := &sdk.SetupIntentRetrieveParams{}
	params.AddExpand("payment_method")
	params.AddExpand("latest_attempt")
	intent, err := g.client.V1SetupIntents.Retrieve(ctx, reference, params)
	if missing(err, "") {
		return billing.SetupResult{}, foyer.ErrNotFound()
	}
	if err != nil {
		return billing.SetupResult{}, dark("read a setup", err)
	}
	switch intent.Status {
	case sdk.SetupIntentStatusSucceeded:
		return g.finished(ctx, intent)
	case sdk.SetupIntentStatusCanceled:
		return billing.SetupResult{Status: billing.SetupFailed, ErrorCode: "canceled"}, nil
	case sdk.SetupIntentStatusRequiresAction:
		return billing.SetupResult{Status: billing.SetupRequiresAction}, nil
	}
	if intent.LastSetupError != nil {
		return billing.SetupResult{Status: billing.SetupFailed, ErrorCode: reasonOf(intent.LastSetupError)}, nil
	}
	return billing.SetupResult{Status: billing.SetupOpen}, nil
}

// finished reads what a setup gave. Some methods only prove an account and give a debit of it (iDEAL, Bancontact): that is what is
// charged from now on.
func (g *Gateway) finished(ctx context.Context, intent *sdk.SetupIntent) (billing.SetupResult, error) {
	method := intent.PaymentMethod
	if debit := generatedDebit(intent.LatestAttempt); debit != "" {
		read, err := g.client.V1PaymentMethods.Retrieve(ctx, debit, nil)
		if err != nil {
			return billing.SetupResult{}, dark("read a generated debit", err)
		}
		method = read
	}
	if method == nil || intent.Customer == nil {
		return billing.SetupResult{}, g.unlike(ctx, "method", intent.ID)
	}
	return billing.SetupResult{Status: billing.SetupSucceeded, Method: methodOf(method, intent.Customer.ID)}, nil
}

func generatedDebit(a *sdk.SetupAttempt) string {
	if a == nil || a.PaymentMethodDetails == nil {
		return ""
	}
	var debit *sdk.PaymentMethod
	switch d := a.PaymentMethodDetails; {
	case d.IDEAL != nil:
		debit = d.IDEAL.GeneratedSEPADebit
	case d.Bancontact != nil:
		debit = d.Bancontact.GeneratedSEPADebit
	case d.Sofort != nil:
		debit = d.Sofort.GeneratedSEPADebit
	}
	if debit == nil {
		return ""
	}
	return debit.ID
}
