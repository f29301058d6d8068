package httpapi_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

// What is logged can be read by more people than may sign in: no token, code, verifier or address stands there, and what
// a client writes makes no line of its own (#44, #73).
func TestLogHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		const email, name = "mia.secret@mailbox.test", "Mia\u202eSecret"
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, email, func(c *billing.Customer) { c.Name = "Mia Secretname" })
		p := a.Payment(t, c, a.Clock.Now().Add(-time.Hour), 1000, "EUR", "AC-SECRET-1")
		verifier, challenge := proof()
		id, mail := mailed(t, a, m, email, bound(challenge))
		token, code := foyertest.LinkToken(mail), foyertest.Code(mail)
		client := a.Client(t)
		client.Header.Set("User-Agent", "secret-agent\tsecret-agent")
		client.Header.Set("Origin", "https://secret-origin.test")
		verify(t, a, map[string]any{"token": token}).Must(http.StatusUnauthorized)
		verify(t, a, map[string]any{"sign_in_id": id, "code": flip(code), "code_verifier": verifier}).Must(http.StatusUnauthorized)
		client.Adopt(client.Post("/v1/sign-ins/verify", map[string]any{"token": token, "code_verifier": verifier}).Must(http.StatusOK))
		secrets := []string{
			email, "mia.secret", "mailbox.test", "Secretname", name, token, code, strings.ReplaceAll(code, "-", ""), flip(code), verifier, challenge, client.Refresh, client.Token,
			strings.Split(client.Token, ".")[2], "secret-agent", "secret-origin", "AC-SECRET-1", foyertest.Secret,
		}
		r0 := client.Refresh
		client.Adopt(refresh(t, a, r0).Must(http.StatusOK))
		secrets = append(secrets, client.Refresh, client.Token)
		client.Get("/v1/me").Must(http.StatusOK)
		link := client.Post("/v1/invoices/"+p.InvoiceID+"/download-links", map[string]any{}).Must(http.StatusCreated).Text("url")
		path := strings.TrimPrefix(link, "https://billing.test")
		secrets = append(secrets, path, strings.TrimPrefix(path, "/v1/downloads/"))
		a.Client(t).Get(path).Must(http.StatusOK)
		a.Client(t).Get("/v1/downloads/secret-path").Must(http.StatusNotFound)
		for _, at := range []string{
			"/sign-in?token=" + token, "/v1/nowhere/secret-path", "/v1/me?access_token=secret-query", "/v1/payments/secret-path", "/secret-path%0a%7b%22level%22:%22ERROR%22%7d", "/v1/portals/secret-path",
		} {
			client.Get(at)
		}
		client.Raw("SECRET-METHOD", "/v1/me", nil)
		client.Raw(http.MethodPost, "/v1/sign-ins/verify", []byte(`{"token": "secret-body`), "Content-Type", "application/json")
		client.Get("/v1/me", "Authorization", "Bearer secret-bearer")
		a.Clock.Advance(11 * time.Second)
		refresh(t, a, r0).Must(http.StatusUnauthorized)
		secrets = append(secrets, "secret-path", "secret-query", "secret-body", "secret-bearer", "SECRET-METHOD")
		settle(t, a)

		log := a.Log.String()
		require.Contains(t, log, "/v1/downloads/:token")
		require.Contains(t, log, "/v1/sign-ins/verify")
		for _, secret := range secrets {
			assert.NotContains(t, strings.ToLower(log), strings.ToLower(secret))
		}
		for line := range strings.Lines(log) {
			var entry map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &entry), line)
			assert.NotEqual(t, "ERROR", entry["level"], line)
		}
	})
}
