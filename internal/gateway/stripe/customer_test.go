package stripe_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/stripe/stripetest"
)

// stranger is a customer with a card whom the merchant had at Stripe before Foyer.
func (r *rig) stranger() (customer, method string) {
	r.t.Helper()
	api := sdk.NewClient(stripetest.DefaultKey, sdk.WithBackends(sdk.NewBackendsWithConfig(&sdk.BackendConfig{
		URL: &r.url, LeveledLogger: &sdk.LeveledLogger{Level: sdk.LevelNull},
	})))
	made, err := api.V1Customers.Create(r.t.Context(), &sdk.CustomerCreateParams{})
	require.NoError(r.t, err)
	method, err = r.fake.NewMethod(r.fake.Number("4242424242424242"))
	require.NoError(r.t, err)
	_, err = api.V1PaymentMethods.Attach(r.t.Context(), method, &sdk.PaymentMethodAttachParams{Customer: &made.ID})
	require.NoError(r.t, err)
	return made.ID, method
}

// A customer the merchant had at Stripe before becomes one customer's here, with their card, and nobody else's: not another merchant's,
// not another installation's on the same account.
func TestCustomersFromBeforeAreAdoptedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t).mirror()
	customer, method := r.stranger()
	card, err := r.MethodByToken(t.Context(), r.owner, method)
	require.NoError(t, err)
	assert.Equal(t, "card/"+customer+"/"+method, card.Token)
	again, err := r.MethodByToken(t.Context(), r.owner, method)
	require.NoError(t, err)
	assert.Equal(t, card, again)
	c := r.request(card, false)
	assert.Equal(t, billing.ChargeCaptured, r.charged(c).Status)
	assert.Equal(t, 1, r.captures(c.Key))

	for name, owner := range map[string]foyer.Scope{
		"another customer": {Merchant: r.owner.Merchant, Customer: "ctm_another"},
		"another merchant": {Merchant: "mer_another", Customer: r.owner.Customer},
	} {
		_, err = r.MethodByToken(t.Context(), owner, method)
		require.ErrorIs(t, err, foyer.NotFound, name)
	}
	elsewhere := r.another(forgetful)
	_, err = elsewhere.MethodByToken(t.Context(), foyer.Scope{Merchant: "mer_elsewhere", Customer: "ctm_elsewhere"}, method)
	require.ErrorIs(t, err, foyer.NotFound, "marked by this installation")

	_, own := r.stranger()
	added, err := r.MethodByToken(t.Context(), r.owner, own)
	require.NoError(t, err, "one customer here may have been several there")
	assert.NotEqual(t, card.Token, added.Token)
}
