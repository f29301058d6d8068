package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// Who may read an answer.
type readers string

const (
	anyPortals readers = "any portal's origin" // the merchant is not known
	acmesOnly  readers = "acme's origin only"
	everybody  readers = "every origin"
	nobody     readers = "no origin"
)

const (
	acmesOrigin = "https://acme.test"
	boltsOrigin = "https://bolt.test"
)

// The seven kinds of origin of contract.md §2.
var origins = map[string][]string{
	"own":                   {acmesOrigin},
	"another merchant's":    {boltsOrigin},
	"unknown":               {"https://nowhere.test", "file://", "chrome-extension://abcdef"},
	"null":                  {"null"},
	"look-alike":            {"https://acme.test.evil.test", "https://evilacme.test", "https://acme.tes", "https://acme.testx", "https://sub.acme.test", "https://acme.test@evil.test", "https://acme.test/", "https://acme.test, https://bolt.test", "*"},
	"downgrade, other port": {"http://acme.test", "https://acme.test:8443", "https://acme.test:443", "ws://acme.test"},
	"case, trailing dot":    {"https://ACME.test", "HTTPS://acme.test", "https://acme.test."},
}

func TestCORS(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Merchant(t, "bolt")
		tight := a.Merchant(t, "tight", func(s *merchant.Settings) { s.AllowedOrigins = []string{acmesOrigin} })
		c := a.Customer(t, m, "mia@mailbox.test")
		p := a.Payment(t, c, a.Clock.Now().Add(-time.Hour), 1000, "EUR", "AC-1")
		_, mail := mailed(t, a, m, c.Email)
		used := foyertest.LinkToken(mail)
		client := a.Client(t)
		client.Adopt(client.Post("/v1/sign-ins/verify", map[string]any{"token": used}).Must(http.StatusOK))
		out := a.SignIn(t, m, c.Email)
		out.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		f := newForge(t, a, client.Token)
		now := a.Clock.Now().Unix()
		expired := f.with(f.header, changed(f.claims, "iat", now-1200, "exp", now-600))
		portal := "/v1/portals/" + string(m.Portal.ID)
		floodedPortal := "/v1/portals/" + string(tight.Portal.ID) + "/sign-ins"
		for range 60 {
			a.Client(t).Post(floodedPortal, map[string]any{"email": "x@y.test"}).Must(http.StatusAccepted)
		}
		flooded := "203.0.113.9"
		for range 2 {
			a.Client(t).Post("/v1/sign-ins/verify", map[string]any{"token": "x"}, "X-Forwarded-For", flooded)
		}
		usedTicket := ticket(t, a, c, identity.TargetOverview, "", identity.FullScope...)
		a.Client(t).Post("/v1/portal-sessions/exchange", map[string]any{"ticket": usedTicket}).Must(http.StatusOK)
		changeEmail(client, newAddress).Must(http.StatusAccepted)
		usedChange := changeToken(t, a, newAddress)
		a.Client(t).Post("/v1/email-changes/verify", map[string]any{"token": usedChange}, "X-Forwarded-For", "198.51.100.254").Must(http.StatusOK)
		n := 0

		type situation struct {
			name    string
			method  string
			path    string
			body    any
			token   string
			ip      string
			status  int
			readers readers
		}
		situations := []situation{
			{"success, by path", http.MethodGet, portal, nil, "", "", 200, acmesOnly},
			{"success, by token", http.MethodGet, "/v1/me", nil, client.Token, "", 200, acmesOnly},
			{"success, binary", http.MethodGet, "/v1/invoices/" + p.InvoiceID + "/pdf", nil, client.Token, "", 200, acmesOnly},
			{"sign-in asked for", http.MethodPost, portal + "/sign-ins", map[string]any{"email": "mia@mailbox.test"}, "", "", 202, acmesOnly},
			{"422", http.MethodPost, portal + "/sign-ins", map[string]any{"email": "no"}, "", "", 422, acmesOnly},
			{"429", http.MethodPost, floodedPortal, map[string]any{"email": "x@y.test"}, "", "", 429, acmesOnly},
			{"429 before anything is known", http.MethodPost, "/v1/sign-ins/verify", map[string]any{"token": "x"}, "", flooded, 429, anyPortals},
			{"400 of a known customer", http.MethodGet, "/v1/payments?nonsense=1", nil, client.Token, "", 400, acmesOnly},
			{"404 of a known customer", http.MethodGet, "/v1/payments/" + a.IDs(foyer.PrefixPayment), nil, client.Token, "", 404, acmesOnly},
			{"401 without a token", http.MethodGet, "/v1/me", nil, "", "", 401, anyPortals},
			{"401 with rubbish", http.MethodGet, "/v1/me", nil, "rubbish", "", 401, anyPortals},
			{"401 expired, good signature", http.MethodGet, "/v1/me", nil, expired, "", 401, acmesOnly},
			{"401 expired, bad signature", http.MethodGet, "/v1/me", nil, expired[:len(expired)-8] + "AAAAAAAA", "", 401, anyPortals},
			{"401 signed out", http.MethodGet, "/v1/me", nil, out.Token, "", 401, acmesOnly},
			{"404 no such path", http.MethodGet, "/v1/nowhere", nil, "", "", 404, anyPortals},
			{"404 no such portal", http.MethodGet, "/v1/portals/" + a.IDs(foyer.PrefixPortal), nil, "", "", 404, anyPortals},
			{"404 not a portal", http.MethodPost, "/v1/portals/x/sign-ins", map[string]any{"email": "mia@mailbox.test"}, "", "", 404, anyPortals},
			{"405", http.MethodPut, "/v1/me", nil, "", "", 405, anyPortals},
			{"sign-in token unknown", http.MethodPost, "/v1/sign-ins/verify", map[string]any{"token": "unknown"}, "", "own", 401, anyPortals},
			{"sign-in token used", http.MethodPost, "/v1/sign-ins/verify", map[string]any{"token": used}, "", "own", 401, acmesOnly},
			{"ticket unknown", http.MethodPost, "/v1/portal-sessions/exchange", map[string]any{"ticket": "unknown"}, "", "", 401, anyPortals},
			{"ticket used", http.MethodPost, "/v1/portal-sessions/exchange", map[string]any{"ticket": usedTicket}, "", "", 401, acmesOnly},
			{"address token unknown", http.MethodPost, "/v1/email-changes/verify", map[string]any{"token": "unknown"}, "", "own", 401, anyPortals},
			{"address token used", http.MethodPost, "/v1/email-changes/verify", map[string]any{"token": usedChange}, "", "own", 401, acmesOnly},
			{"another address asked for", http.MethodPost, "/v1/me/email-changes", map[string]any{"email": "no"}, client.Token, "", 422, acmesOnly},
			{"export", http.MethodGet, "/v1/me/export", nil, client.Token, "", 200, acmesOnly},
			{"400 unreadable", http.MethodPost, "/v1/sign-ins/verify", map[string]any{"Token": "x"}, "", "own", 400, anyPortals},
			{"refresh token unknown", http.MethodPost, "/v1/sessions/refresh", map[string]any{"refresh_token": "unknown"}, "", "", 401, anyPortals},
			{"refresh token of a dead session", http.MethodPost, "/v1/sessions/refresh", map[string]any{"refresh_token": out.Refresh}, "", "", 401, acmesOnly},
			{"refresh", http.MethodPost, "/v1/sessions/refresh", map[string]any{"refresh_token": client.Refresh}, "", "", 200, acmesOnly},
			{"JWKS", http.MethodGet, "/.well-known/jwks.json", nil, "", "", 200, everybody},
			{"spec", http.MethodGet, "/openapi.yaml", nil, "", "", 200, everybody},
			{"spec as JSON", http.MethodGet, "/openapi.json", nil, "", "", 200, everybody},
			{"docs", http.MethodGet, "/docs", nil, "", "", 200, everybody},
			{"docs' files", http.MethodGet, "/docs/start.js", nil, "", "", 200, everybody},
			{"merchant API", http.MethodGet, "/v1/merchant/customers", nil, "", "", 403, nobody},
		}
		for i, s := range situations {
			send := func(origin string) *foyertest.Answer {
				headers := []string{}
				if origin != "" {
					headers = append(headers, "Origin", origin)
				}
				switch s.ip {
				case "":
				case "own": // an address nobody has counted yet
					n++
					headers = append(headers, "X-Forwarded-For", fmt.Sprintf("198.51.100.%d", n))
				default:
					headers = append(headers, "X-Forwarded-For", s.ip)
				}
				if s.token != "" {
					headers = append(headers, "Authorization", "Bearer "+s.token)
				}
				return a.Client(t).Call(s.method, s.path, s.body, headers...)
			}
			for kind, list := range origins {
				if i%3 != 0 && len(list) > 2 {
					list = list[:2] // every kind for everything, every form of it for a third
				}
				for _, origin := range list {
					answer := send(origin)
					require.Equal(t, s.status, answer.Status, "%s: %s", s.name, answer.Body)
					want := allowedTo(s.readers, origin)
					assert.Equal(t, want, answer.Header.Get("Access-Control-Allow-Origin"), "%s from %s %s", s.name, kind, origin)
					checkCORS(t, answer, s.readers, want != "")
				}
			}
			answer := send("")
			assert.Empty(t, answer.Header.Values("Access-Control-Allow-Origin"), "%s without Origin", s.name)
			checkCORS(t, answer, s.readers, false)
		}
	}, withProxy("127.0.0.1/32"), foyertest.WithLimits(identity.Limits{
		identity.LimitVerifyIP: {{Count: 2, Per: time.Hour}}, identity.LimitSignInMerchant: {{Count: 60, Per: time.Hour}},
	}))
}

func allowedTo(r readers, origin string) string {
	switch {
	case r == everybody:
		return "*"
	case r == nobody:
		return ""
	case origin == acmesOrigin, origin == boltsOrigin && r == anyPortals:
		return origin
	}
	return ""
}

func checkCORS(t testing.TB, answer *foyertest.Answer, r readers, allowed bool) {
	t.Helper()
	h := answer.Header
	assert.Empty(t, h.Values("Access-Control-Allow-Credentials"))
	if r != nobody {
		assert.Contains(t, strings.Join(h.Values("Vary"), ", "), "Origin")
	}
	assert.Empty(t, h.Values("Access-Control-Allow-Methods"), "preflights only")
	if allowed {
		assert.Equal(t, []string{"X-Request-Id, ETag, Retry-After, Content-Disposition, Content-Language, Idempotency-Replayed, WWW-Authenticate"}, h.Values("Access-Control-Expose-Headers"))
		return
	}
	for name := range h {
		assert.False(t, strings.HasPrefix(name, "Access-Control-"), name)
	}
}

// A preflight says nothing of whose request it will be, so any portal's origin may ask.
func TestCORSPreflight(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		a.Merchant(t, "bolt")
		for _, path := range []string{
			"/v1/portals/" + string(m.Portal.ID), "/v1/portals/" + string(m.Portal.ID) + "/sign-ins", "/v1/sign-ins/verify", "/v1/me", "/v1/payments/x", "/v1/nowhere",
			"/.well-known/jwks.json", "/v1/merchant/customers",
		} {
			r := anyPortals
			switch path {
			case "/.well-known/jwks.json":
				r = everybody
			case "/v1/merchant/customers":
				r = nobody
			}
			for kind, list := range origins {
				for _, origin := range list {
					answer := a.Client(t).Call(http.MethodOptions, path, nil, "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,x-evil")
					want := allowedTo(r, origin)
					h := answer.Header
					assert.Equal(t, want, h.Get("Access-Control-Allow-Origin"), "%s from %s %s", path, kind, origin)
					assert.Empty(t, h.Values("Access-Control-Allow-Credentials"))
					if r != nobody {
						assert.Equal(t, http.StatusNoContent, answer.Status)
						assert.Contains(t, strings.Join(h.Values("Vary"), ", "), "Origin")
					}
					if want == "" {
						for name := range h {
							assert.False(t, strings.HasPrefix(name, "Access-Control-"), name)
						}
						continue
					}
					assert.Equal(t, "GET, POST, PUT, PATCH, DELETE", h.Get("Access-Control-Allow-Methods"))
					assert.Equal(t, "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Accept-Language", h.Get("Access-Control-Allow-Headers"))
					assert.Equal(t, "600", h.Get("Access-Control-Max-Age"))
				}
			}
		}
	})
}

// What a browser must not read has still happened: CORS protects answers, not requests. And a foreign origin is not
// refused, because an app sends any or none.
func TestForeignOriginIsNotRefused(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		client.Header.Set("Origin", "https://evil.test")
		client.Get("/v1/me").Must(http.StatusOK)
		client.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		require.NoError(t, a.Identity.Refreshed(context.Background()))
		client.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
	})
}
