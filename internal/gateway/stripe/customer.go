package stripe

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/foyer"
)

// A customer here may be several at Stripe: the one Foyer made, those made after that one was deleted in the dashboard, and those
// the merchant had before Foyer, whose payment methods its backend handed over. Their subjects are the customer's id, and the id with
// a mark and what tells them apart.
const mark = "#"

// customersTried is how often a customer that was deleted at Stripe is made anew.
const customersTried = 5

func customerSubject(id foyer.CustomerID, n int) string {
	if n == 0 {
		return string(id)
	}
	return string(id) + mark + strconv.Itoa(n)
}

// customerOf is the customer behind a subject.
func customerOf(subject string) foyer.CustomerID {
	id, _, _ := strings.Cut(subject, mark)
	return foyer.CustomerID(id)
}

// withCustomer does what needs the customer at Stripe, which is made first where there is none. One that was deleted there is made
// anew.
func (g *Gateway) withCustomer(ctx context.Context, owner foyer.Scope, do func(customer string) error) error {
	for n := range customersTried {
		customer, err := g.customer(ctx, owner, n)
		if err != nil {
			return err
		}
		if err = do(customer); !missing(err, "customer") {
			return err
		}
	}
	return g.unlike(ctx, "customer", string(owner.Customer))
}

// customer is the n-th customer Foyer made at Stripe for somebody. It is given no name and no address: Stripe needs neither, and
// what is not there need not be deleted there. Should two be made at once, the second stays unused.
func (g *Gateway) customer(ctx context.Context, owner foyer.Scope, n int) (string, error) {
	subject := customerSubject(owner.Customer, n)
	known, err := g.References.GatewayReference(ctx, owner.Merchant, Name, subject)
	if !errors.Is(err, foyer.NotFound) {
		return known, err
	}
	params := &sdk.CustomerCreateParams{Metadata: owned(owner)}
	params.SetIdempotencyKey("customer-" + subject)
	made, err := g.client.V1Customers.Create(ctx, params)
	if again(err) { // Stripe repeats a failure of its own for a day under the same key
		params.SetIdempotencyKey("customer-" + subject + "-" + rand.Text())
		made, err = g.client.V1Customers.Create(ctx, params)
	}
	if err != nil {
		return "", dark("make a customer", err)
	}
	return g.References.KeepGatewayReference(ctx, owner.Merchant, Name, subject, made.ID)
}

func owned(owner foyer.Scope) map[string]string {
	return map[string]string{metaMerchant: string(owner.Merchant), metaCustomer: string(owner.Customer)}
}

// adopt makes a customer that was there before Foyer one of somebody's; foyer.NotFound when it is somebody else's: another's, or
// another installation's on the same account.
func (g *Gateway) adopt(ctx context.Context, owner foyer.Scope, customer string) error {
	merchant, subject, err := g.References.GatewaySubject(ctx, Name, customer)
	if err == nil {
		if merchant != owner.Merchant || customerOf(subject) != owner.Customer {
			return foyer.ErrNotFound()
		}
		return nil
	}
	if !errors.Is(err, foyer.NotFound) {
		return err
	}
	there, err := g.client.V1Customers.Retrieve(ctx, customer, nil)
	if missing(err, "") {
		return foyer.ErrNotFound()
	}
	if err != nil {
		return dark("read a customer", err)
	}
	mine := owned(owner)
	for key, value := range mine {
		if said := there.Metadata[key]; said != "" && said != value {
			return foyer.ErrNotFound()
		}
	}
	if _, err := g.client.V1Customers.Update(ctx, customer, &sdk.CustomerUpdateParams{Metadata: mine}); err != nil {
		return dark("mark a customer", err)
	}
	_, err = g.References.KeepGatewayReference(ctx, owner.Merchant, Name, string(owner.Customer)+mark+customer, customer)
	if errors.Is(err, foyer.Conflict) {
		return foyer.ErrNotFound() // somebody else adopted it at this moment
	}
	return err
}

// ours tells whether a customer is of the account the key is of. One that was deleted there is; one nobody there knows says that the key
// is of another account or mode, and nothing that is missing there is missing.
func (g *Gateway) ours(ctx context.Context, customer string) error {
	if !plain(customer) {
		return nil
	}
	_, err := g.client.V1Customers.Retrieve(ctx, customer, nil)
	if missing(err, "") {
		g.Log.ErrorContext(ctx, "stripe knows nothing of a customer that was made there: is the secret key of another account or mode?")
	}
	if err != nil {
		return dark("read a customer", err)
	}
	return nil
}
