package httpapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

const keys = "/v1/merchant/api-keys"

// speaking is a client with another secret.
func speaking(t *testing.T, a *foyertest.App, secret string) *foyertest.Client {
	t.Helper()
	c := a.Client(t)
	c.Token = secret
	return c
}

// Threat #75: a key is shown once, rotated with an overlap, and dead at once when it is revoked, in every process.
func TestTheLifeOfAnAPIKey(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		admin := a.Key(t, m)
		body := map[string]any{"name": "Backend", "permissions": []string{"write", "read"}}
		made := admin.Post(keys, body, idempotencyKey, "make").Must(http.StatusCreated)
		secret, id := made.Text("secret_key"), made.Text("id")
		assert.True(t, strings.HasPrefix(secret, "fsk_sandbox_"))
		assert.True(t, strings.HasSuffix(secret, made.Text("hint")))
		assert.Equal(t, []any{"read", "write"}, made.At("permissions"))
		again := admin.Post(keys, body, idempotencyKey, "make").Must(http.StatusCreated)
		assert.Equal(t, "true", again.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, id, again.Text("id"))
		assert.Nil(t, again.At("secret_key"), "a one-time secret is not in a replay")
		path := keys + "/" + id
		shown := admin.Get(path).Must(http.StatusOK)
		assert.NotContains(t, string(shown.Body), secret)
		assert.Nil(t, shown.At("last_used_at"))

		backend := speaking(t, a, secret)
		backend.Get("/v1/merchant/events").Must(http.StatusOK)
		assert.NotNil(t, admin.Get(path).At("last_used_at"))
		refused := backend.Get(keys).Refused(http.StatusForbidden, "auth.permission")
		assert.Contains(t, refused.Text("detail"), "admin")

		rotated := admin.Post(path+"/rotate", map[string]any{"overlap_seconds": 3600}).Must(http.StatusOK)
		fresh := speaking(t, a, rotated.Text("secret_key"))
		fresh.Get("/v1/merchant/events").Must(http.StatusOK)
		backend.Get("/v1/merchant/events").Must(http.StatusOK)
		assert.Equal(t, id, rotated.Text("id"), "places in lists and Idempotency-Keys stay the key's")
		a.Clock.Advance(61 * time.Minute)
		backend.Get("/v1/merchant/events").Refused(http.StatusUnauthorized, "auth.invalid")
		fresh.Get("/v1/merchant/events").Must(http.StatusOK)

		second := a.Second(t)
		other := speaking(t, second, fresh.Token)
		second.Clock.Advance(61 * time.Minute)
		other.Get("/v1/merchant/events").Must(http.StatusOK)
		assert.Equal(t, "revoked", admin.Post(path+"/archive", nil).Must(http.StatusOK).Text("status"))
		fresh.Get("/v1/merchant/events").Refused(http.StatusUnauthorized, "auth.invalid")
		other.Get("/v1/merchant/events").Refused(http.StatusUnauthorized, "auth.invalid")
		assert.Equal(t, "revoked", admin.Post(path+"/archive", nil).Must(http.StatusOK).Text("status"), "revoking twice changes nothing")
		admin.Post(path+"/rotate", nil).Refused(http.StatusConflict, "api_key.revoked")
		admin.Patch(path, map[string]any{"name": "Zombie"}).Refused(http.StatusConflict, "api_key.revoked")
		assert.NotContains(t, a.Log.String(), secret)
	})
}

func TestAKeyThatHasAnEndEnds(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	admin := a.Key(t, a.Merchant(t, "acme"))
	end := a.Clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	made := admin.Post(keys, map[string]any{"name": "Import", "permissions": []string{"read"}, "expires_at": end}).Must(http.StatusCreated)
	c := speaking(t, a, made.Text("secret_key"))
	c.Get("/v1/merchant/portal").Must(http.StatusOK)
	a.Clock.Advance(61 * time.Minute)
	c.Get("/v1/merchant/portal").Refused(http.StatusUnauthorized, "auth.invalid")
	path := keys + "/" + made.Text("id")
	assert.Equal(t, "expired", admin.Get(path).Text("status"))
	assert.Equal(t, "active", admin.Patch(path, map[string]any{"expires_at": nil}).Must(http.StatusOK).Text("status"))
	c.Get("/v1/merchant/portal").Must(http.StatusOK)
	admin.Patch(path, map[string]any{"expires_at": "2020-01-01T00:00:00Z"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
	for _, body := range []map[string]any{
		{"name": "", "permissions": []string{"read"}},
		{"name": "x", "permissions": []string{}},
		{"name": "x", "permissions": []string{"root"}},
		{"name": "a\u202eb", "permissions": []string{"read"}},
		{"name": "  ", "permissions": []string{"read"}},
		{"permissions": []string{"read"}},
	} {
		admin.Post(keys, body).Must(http.StatusUnprocessableEntity)
	}
	admin.Post(keys, map[string]any{"name": "x", "permissions": []string{"read"}, "merchant_id": "mer_x"}).Refused(http.StatusBadRequest, "json.unknown_field")
	admin.Post(keys, map[string]any{"name": "x", "permissions": []string{"read"}, "secret_key": "fsk_live_mine"}).Refused(http.StatusBadRequest, "json.unknown_field")
}

// Somebody can always make keys.
func TestTheLastKeyThatMakesKeysStays(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, first, err := a.Merchants.Create(t.Context(), merchant.Sandbox, merchant.Settings{Name: "acme"})
		require.NoError(t, err)
		c := speaking(t, a, first)
		id := c.Get(keys).Must(http.StatusOK).Text("data.0.id")
		c.Post(keys+"/"+id+"/archive", nil).Refused(http.StatusConflict, "api_key.last_admin")
		c.Patch(keys+"/"+id, map[string]any{"permissions": []string{"read"}}).Refused(http.StatusConflict, "api_key.last_admin")
		soon := a.Clock.Now().Add(time.Hour).UTC().Format(time.RFC3339)
		c.Patch(keys+"/"+id, map[string]any{"expires_at": soon}).Refused(http.StatusConflict, "api_key.last_admin")
		a.Key(t, m, merchant.PermissionAdmin)
		c.Post(keys+"/"+id+"/archive", nil).Must(http.StatusOK)
		c.Get(keys).Refused(http.StatusUnauthorized, "auth.invalid")
	})
}

// Threats #7, #67, #75: a key is for servers, a header, and its own merchant.
func TestAKeyIsForServers(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	a.Customer(t, m, "mia@mailbox.test")
	key, nobody, mia := a.Key(t, m), a.Client(t), a.SignIn(t, m, "mia@mailbox.test")
	for name, c := range map[string]*foyertest.Client{"a key": key, "nobody": nobody} {
		refused := c.Get("/v1/merchant/portal", "Origin", "https://acme.test").Refused(http.StatusForbidden, "origin.refused")
		assert.Empty(t, refused.Header.Get("Access-Control-Allow-Origin"), name)
		assert.Empty(t, refused.Header.Get("Access-Control-Expose-Headers"), name)
	}
	preflight := nobody.Call(http.MethodOptions, "/v1/merchant/portal", nil, "Origin", "https://acme.test", "Access-Control-Request-Method", "PATCH")
	assert.Empty(t, preflight.Header.Get("Access-Control-Allow-Origin"))
	nobody.Get("/v1/merchant/portal?api_key="+key.Token).Refused(http.StatusUnauthorized, "auth.required")
	mia.Get("/v1/merchant/portal").Refused(http.StatusUnauthorized, "auth.invalid")
	key.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
	for _, wrong := range []string{
		key.Token[:len(key.Token)-1] + "x", "fsk_sandbox_", "fsk_", strings.Repeat("fsk_live_", 500), strings.ToUpper(key.Token), key.Token + key.Token,
		"fsk_live" + strings.TrimPrefix(key.Token, "fsk_sandbox"),
	} {
		refused := speaking(t, a, wrong).Get("/v1/merchant/portal").Refused(http.StatusUnauthorized, "auth.invalid")
		assert.NotContains(t, string(refused.Body), wrong)
	}
	assert.NotContains(t, a.Log.String(), key.Token)
}
