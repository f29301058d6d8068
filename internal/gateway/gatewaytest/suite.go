package gatewaytest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Suite runs every test on a gateway of its own, which open makes.
func Suite(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for name, test := range map[string]func(r *run){
		"a setup ends with a method":                setUp,
		"a setup the customer's bank refuses fails": setUpRefused,
		"a setup is begun once per id":              setUpTwice,
		"the same card has one fingerprint":         fingerprints,
		"a charge is captured":                      captured,
		"a key moves money once":                    sameKey,
		"a key moves money once, asked by a crowd":  crowd,
		"a key is for one charge":                   otherCharge,
		"a decline is a result":                     declined,
		"a token nobody made is declined":           unknownToken,
		"a renewal can fail later":                  failsOffSession,
		"the customer confirms":                     confirmed,
		"the customer's bank refuses":               refused,
		"a charge is looked up by its merchant":     lookedUp,
		"a charge nobody confirms is canceled":      canceled,
		"a charge is refunded once per key":         refunded,
		"no more is refunded than was charged":      refundedTooMuch,
		"a lost answer is looked up":                lostAnswer,
		"a backend's token is resolved":             tokens,
		"a method is forgotten":                     removed,
		"a stored method is read":                   read,
		"a webhook needs its signature":             webhooks,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(newRun(t, open(t)))
		})
	}
}

func setUp(r *run) {
	assert.NotEmpty(r, r.Gateway.Name())
	assert.NotEmpty(r, r.Gateway.PublicKey())
	s := r.start()
	assert.NotEmpty(r, s.ClientSecret)
	open, err := r.Gateway.Setup(r.Context(), s.Reference)
	require.NoError(r, err)
	assert.Equal(r, billing.SetupResult{Status: billing.SetupOpen}, open)
	_, err = r.Gateway.Setup(r.Context(), s.Reference+"x")
	require.ErrorIs(r, err, foyer.NotFound)

	for _, card := range []Card{Good, NeedsAction} {
		m := r.method(card)
		assert.NotEmpty(r, m.Token)
		assert.NotEmpty(r, m.Fingerprint)
		assert.Equal(r, "card", m.Type)
		if assert.NotNil(r, m.Card) {
			assert.Len(r, m.Card.Last4, 4)
			assert.NotEmpty(r, m.Card.Brand)
			assert.GreaterOrEqual(r, m.Card.ExpiryYear, r.Now().Year())
		}
	}
}

func setUpRefused(r *run) {
	s := r.start()
	r.Finish(r, s, NeedsAction, false)
	result, err := r.Gateway.Setup(r.Context(), s.Reference)
	require.NoError(r, err)
	assert.Equal(r, billing.SetupFailed, result.Status)
	assert.Contains(r, billing.ErrorCodes, result.ErrorCode)
	assert.Empty(r, result.Method.Token)
}

func setUpTwice(r *run) {
	request := billing.SetupRequest{ID: billing.SetupID(r.ids(foyer.PrefixPaymentMethodSetup)), Merchant: r.merchant, Customer: r.customer}
	first, err := r.Gateway.StartSetup(r.Context(), request)
	require.NoError(r, err)
	second, err := r.Gateway.StartSetup(r.Context(), request)
	require.NoError(r, err)
	assert.Equal(r, first, second)
	assert.NotEqual(r, first.ClientSecret, r.start().ClientSecret)
}

func fingerprints(r *run) {
	one, same, other := r.method(Good), r.method(Good), r.method(NeedsAction)
	assert.Equal(r, one.Fingerprint, same.Fingerprint)
	assert.NotEqual(r, one.Fingerprint, other.Fingerprint)
	assert.NotEqual(r, one.Token, same.Token)
}

func tokens(r *run) {
	resolver, can := r.Gateway.(billing.TokenResolver)
	if !can || r.Token == nil {
		r.Skip("this gateway resolves no tokens")
	}
	m, err := resolver.MethodByToken(r.Context(), r.owner(), r.Token(Good))
	require.NoError(r, err)
	require.NotNil(r, m.Card)
	assert.NotEqual(r, r.Token(Good), m.Token)
	again, err := resolver.MethodByToken(r.Context(), r.owner(), m.Token)
	require.NoError(r, err)
	assert.Equal(r, m, again)

	c := r.request(Good)
	c.Token = m.Token
	assert.Equal(r, billing.ChargeCaptured, r.charge(c).Status)
	for _, wrong := range []string{"", "tok_", "tok_0000", "tok_4242x", "nobody", m.Token + "x", "a/b", "a\x00b", ".."} {
		_, err = resolver.MethodByToken(r.Context(), r.owner(), wrong)
		require.ErrorIs(r, err, foyer.NotFound, "%q", wrong)
	}
}

func removed(r *run) {
	remover, can := r.Gateway.(billing.MethodRemover)
	if !can {
		r.Skip("this gateway forgets nothing")
	}
	c := r.request(Good)
	r.charge(c)
	require.NoError(r, remover.RemoveMethod(r.Context(), c.Token))
	require.NoError(r, remover.RemoveMethod(r.Context(), c.Token), "forgotten is forgotten")
	assert.Equal(r, billing.ChargeCaptured, r.charge(c).Status, "what happened stays")
	c.Key = r.ids(foyer.PrefixAttempt)
	result := r.charge(c)
	assert.Equal(r, billing.ChargeDeclined, result.Status)
	assert.Contains(r, billing.ErrorCodes, result.ErrorCode)
	r.moved(c.Key)
}

func read(r *run) {
	reader, can := r.Gateway.(billing.MethodReader)
	if !can {
		r.Skip("this gateway follows no methods")
	}
	c := r.request(Good)
	m, err := reader.Method(r.Context(), c.Token)
	require.NoError(r, err)
	assert.Equal(r, c.Token, m.Token)
	require.NotNil(r, m.Card)
	assert.Len(r, m.Card.Last4, 4)
	_, err = reader.Method(r.Context(), "nobody")
	require.ErrorIs(r, err, foyer.NotFound)
	if remover, can := r.Gateway.(billing.MethodRemover); can {
		require.NoError(r, remover.RemoveMethod(r.Context(), c.Token))
		_, err = reader.Method(r.Context(), c.Token)
		require.ErrorIs(r, err, foyer.NotFound, "removed, it can't be charged any more")
	}
}

func webhooks(r *run) {
	reader, can := r.Gateway.(billing.WebhookReader)
	if !can || r.Sign == nil {
		r.Skip("this gateway sends no webhooks")
	}
	now := r.Now()
	sent := billing.GatewayNotice{ID: "message", Merchant: r.merchant, ChargeKey: r.ids(foyer.PrefixAttempt)}
	header, body := r.Sign(r, sent, now)
	got, err := reader.ReadWebhook(r.Context(), header, body, now)
	require.NoError(r, err)
	assert.Equal(r, sent, got)

	for name, forge := range map[string]func() error{
		"none": func() error { _, err := reader.ReadWebhook(r.Context(), nil, body, now); return err },
		"tampered": func() error {
			_, err := reader.ReadWebhook(r.Context(), header, append([]byte(" "), body...), now)
			return err
		},
		"old":   func() error { _, err := reader.ReadWebhook(r.Context(), header, body, now.Add(time.Hour)); return err },
		"early": func() error { _, err := reader.ReadWebhook(r.Context(), header, body, now.Add(-time.Hour)); return err },
		"forged": func() error {
			h := header.Clone()
			for name, values := range h {
				end := len(values[0]) - 1
				h[name] = []string{values[0][:end] + string(values[0][end]^1)}
			}
			_, err := reader.ReadWebhook(r.Context(), h, body, now)
			return err
		},
	} {
		require.ErrorIs(r, forge(), foyer.Unauthenticated, name)
	}
}
