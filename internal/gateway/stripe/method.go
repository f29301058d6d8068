package stripe

import (
	"context"
	"strings"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// token is what charges a method: its type, whose it is at Stripe, and its id there, "card/cus_…/pm_…". The type says how an intent
// is made for it, without asking once more.
type token struct{ kind, customer, method string }

// tokenOf reads a token; false when it is none.
func tokenOf(s string) (token, bool) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 || !plain(parts[0]) || !plain(parts[1]) || !plain(parts[2]) {
		return token{}, false
	}
	return token{parts[0], parts[1], parts[2]}, true
}

func (t token) String() string { return t.kind + "/" + t.customer + "/" + t.method }

// MethodByToken implements billing.TokenResolver: "pm_…" of the same Stripe account. One that belongs to nobody there is given to the
// customer; one of a customer the merchant had at Stripe before is theirs from now on.
func (g *Gateway) MethodByToken(ctx context.Context, owner foyer.Scope, text string) (billing.GatewayMethod, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	id := text
	if t, ours := tokenOf(text); ours {
		id = t.method
	}
	if !plain(id) {
		return billing.GatewayMethod{}, foyer.ErrNotFound()
	}
	method, err := g.client.V1PaymentMethods.Retrieve(ctx, id, nil)
	if missing(err, "") {
		return billing.GatewayMethod{}, foyer.ErrNotFound()
	}
	if err != nil {
		return billing.GatewayMethod{}, dark("read a payment method", err)
	}
	if method.Customer != nil {
		return methodOf(method, method.Customer.ID), g.adopt(ctx, owner, method.Customer.ID)
	}
	err = g.withCustomer(ctx, owner, func(customer string) error {
		method, err = g.client.V1PaymentMethods.Attach(ctx, method.ID, &sdk.PaymentMethodAttachParams{Customer: &customer})
		if err == nil {
			method.Customer = &sdk.Customer{ID: customer}
		}
		return err
	})
	if err != nil {
		if _, told := foyer.AsError(err); told {
			return billing.GatewayMethod{}, err
		}
		if e := refusalOf(err); e != nil { // the bank refused it, or it can't be used again
			return billing.GatewayMethod{}, foyer.ErrNotFound()
		}
		return billing.GatewayMethod{}, dark("attach a payment method", err)
	}
	return methodOf(method, method.Customer.ID), nil
}

// Method implements billing.MethodReader.
func (g *Gateway) Method(ctx context.Context, text string) (billing.GatewayMethod, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	t, is := tokenOf(text)
	if !is {
		return billing.GatewayMethod{}, foyer.ErrNotFound()
	}
	method, err := g.client.V1PaymentMethods.Retrieve(ctx, t.method, nil)
	if err != nil && !missing(err, "") {
		return billing.GatewayMethod{}, dark("read a payment method", err)
	}
	if err != nil || method.Customer == nil { // deleted, or detached: nobody can charge it again
		if err := g.ours(ctx, t.customer); err != nil {
			return billing.GatewayMethod{}, err
		}
		return billing.GatewayMethod{}, foyer.ErrNotFound()
	}
	return methodOf(method, method.Customer.ID), nil
}

// RemoveMethod implements billing.MethodRemover.
func (g *Gateway) RemoveMethod(ctx context.Context, text string) error {
	ctx, cancel := g.within(ctx)
	defer cancel()
	t, is := tokenOf(text)
	if !is {
		return nil
	}
	_, err := g.client.V1PaymentMethods.Detach(ctx, t.method, nil)
	if err != nil && refusalOf(err) == nil { // it was not attached any more
		return dark("detach a payment method", err)
	}
	return nil
}

// methodOf reads a stored method: what charges it, and what a customer recognises it by.
func methodOf(m *sdk.PaymentMethod, customer string) billing.GatewayMethod {
	out := billing.GatewayMethod{Token: token{string(m.Type), customer, m.ID}.String(), Type: string(m.Type)}
	if m.BillingDetails != nil {
		out.BillingName = m.BillingDetails.Name
	}
	switch {
	case m.Card != nil:
		out.Fingerprint = m.Card.Fingerprint
		out.Card = &billing.Card{
			Brand: string(m.Card.Brand), Last4: m.Card.Last4, ExpiryMonth: int(m.Card.ExpMonth), ExpiryYear: int(m.Card.ExpYear),
		}
		if m.Card.Wallet != nil {
			out.Wallet = string(m.Card.Wallet.Type)
		}
	case m.SEPADebit != nil:
		out.Identifier, out.Fingerprint = account(m.SEPADebit.Last4), m.SEPADebit.Fingerprint
	case m.USBankAccount != nil:
		out.Identifier, out.Fingerprint = account(m.USBankAccount.Last4), m.USBankAccount.Fingerprint
	case m.BACSDebit != nil:
		out.Identifier, out.Fingerprint = account(m.BACSDebit.Last4), m.BACSDebit.Fingerprint
	case m.AUBECSDebit != nil:
		out.Identifier, out.Fingerprint = account(m.AUBECSDebit.Last4), m.AUBECSDebit.Fingerprint
	case m.ACSSDebit != nil:
		out.Identifier, out.Fingerprint = account(m.ACSSDebit.Last4), m.ACSSDebit.Fingerprint
	case m.Paypal != nil:
		out.Identifier = m.Paypal.PayerEmail
	case m.Link != nil:
		out.Identifier = m.Link.Email
	case m.CashApp != nil:
		out.Identifier = m.CashApp.Cashtag
	}
	return out
}

// account is the end of an account number, as banks show it.
func account(last4 string) string {
	if last4 == "" {
		return ""
	}
	return billing.AccountMask + last4
}
