package httpapi_test

import (
	"crypto/rand"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
	"foyer/internal/identity"
)

// What contract.md §3 lets each kind of session do, written down anew rather than asked of the code. A new operation falls under
// the rule of its method, so that nobody can forget to say who may call it.
var (
	onlyOwnSignIn = []string{"listSessions", "revokeSession", "revokeAllSessions", "requestEmailChange", "exportMe"}
	withCancel    = []string{
		"getSubscription", "startCancellation", "keepSubscription", "getCancellation", "answerSurvey", "acceptOffer", "declineOffer",
		"confirmCancellation", "abandonCancellation", "downloadCancellationReceipt",
	}
	withMethod   = []string{"getSubscription", "startPaymentMethodSetup", "addPaymentMethod", "setSubscriptionPaymentMethod", "payPayment"}
	withWithdraw = []string{"getSubscription", "createWithdrawal", "getWithdrawal", "downloadWithdrawalReceipt"}
	anySession   = []string{"signOut"}
	// endsSessions are operations after which the session that called may be gone.
	endsSessions = []string{"signOut", "revokeAllSessions"}
)

type holder struct {
	name string
	// begin returns a client with a new session.
	begin func() *foyertest.Client
	may   func(o foyertest.Operation) bool
}

// Threats #7, #8, #87: a session does what its scopes say and nothing else, for every operation there is.
func TestEveryOperationAsksForItsScope(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		backend := a.Key(t, s.acme)
		sub := s.own["subscription_id"]
		debt := a.Payment(t, s.mia, a.Clock.Now(), 900, "EUR", "", func(p *billing.Payment) { p.Subscription = billing.SubscriptionID(sub) })
		link := func(scopes ...string) func() *foyertest.Client {
			return func() *foyertest.Client {
				c := a.Client(t)
				made := backend.Post(mintPath, map[string]any{"customer_id": s.mia.ID, "scopes": scopes}).Must(http.StatusCreated)
				c.Adopt(c.Post("/v1/portal-sessions/exchange", map[string]any{"ticket": made.Text("ticket")}).Must(http.StatusOK))
				return c
			}
		}
		reads := func(o foyertest.Operation) bool { return o.Method == http.MethodGet }
		among := func(lists ...[]string) func(o foyertest.Operation) bool {
			return func(o foyertest.Operation) bool {
				return slices.ContainsFunc(lists, func(list []string) bool { return slices.Contains(list, o.ID) })
			}
		}
		minted := func(may func(o foyertest.Operation) bool) func(o foyertest.Operation) bool {
			return func(o foyertest.Operation) bool {
				return slices.Contains(anySession, o.ID) || may(o) && !slices.Contains(onlyOwnSignIn, o.ID)
			}
		}
		for _, h := range []holder{
			{"signed in", func() *foyertest.Client { return a.SignIn(t, s.acme, s.mia.Email) }, func(foyertest.Operation) bool { return true }},
			{"minted, full", link(identity.ScopeRead, identity.ScopeWrite), minted(func(foyertest.Operation) bool { return true })},
			{"minted, read", link(identity.ScopeRead), minted(reads)},
			{"minted, write", link(identity.ScopeWrite), minted(func(o foyertest.Operation) bool { return !reads(o) })},
			{"minted, cancel", link(identity.ScopeCancel(sub)), minted(among(withCancel))},
			{"minted, payment method", link(identity.ScopePaymentMethod(sub)), minted(among(withMethod))},
			{"minted, withdraw", link(identity.ScopeWithdraw(sub)), minted(among(withWithdraw))},
			{"minted, read and cancel", link(identity.ScopeRead, identity.ScopeCancel(sub)), minted(func(o foyertest.Operation) bool {
				return reads(o) || slices.Contains(withCancel, o.ID)
			})},
		} {
			client := h.begin()
			for _, o := range foyertest.CustomerOperations() {
				if !o.Secured {
					continue
				}
				id := s.own[parameter(o)]
				body := visits[o.ID].body
				switch o.ID {
				case "payPayment":
					id = string(debt.ID)
				case "addPaymentMethod":
					body = map[string]any{"setup_id": "pms_01kb3v5q8r9s0t1v2w3x4y5z6a", "subscription_id": sub}
				case "revokeSession":
					id = a.IDs("ses") // there is none: nobody's session ends, and the door is seen
				}
				answer := client.Call(o.Method, at(o, id), body, idempotencyKey, rand.Text())
				if h.may(o) {
					assert.NotEqual(t, http.StatusUnauthorized, answer.Status, "%s: %s", h.name, o.ID)
					assert.NotEqual(t, "auth.scope", answer.Text("code"), "%s: %s", h.name, o.ID)
				} else {
					assert.Equal(t, http.StatusForbidden, answer.Status, "%s: %s: %s", h.name, o.ID, answer.Body)
					assert.Equal(t, "auth.scope", answer.Text("code"), "%s: %s", h.name, o.ID)
				}
				if h.may(o) && slices.Contains(endsSessions, o.ID) {
					client = h.begin()
				}
			}
		}

		// A session that is over does nothing, whatever it was for.
		revoked, expired := a.SignIn(t, s.acme, s.mia.Email), link(identity.ScopeRead, identity.ScopeWrite)()
		revoked.Delete("/v1/sessions/current").Must(http.StatusNoContent)
		a.Clock.Advance(11 * time.Minute)
		for _, c := range []*foyertest.Client{revoked, expired} {
			for _, o := range foyertest.CustomerOperations() {
				if o.Secured {
					c.Call(o.Method, at(o, s.own[parameter(o)]), visits[o.ID].body, idempotencyKey, rand.Text()).Refused(http.StatusUnauthorized, "auth.invalid")
				}
			}
		}
	})
}
