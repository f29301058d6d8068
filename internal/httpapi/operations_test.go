package httpapi_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
	"foyer/internal/retention"
)

// street is two merchants with three customers: Mia, who has one of everything; Noah at the same merchant; and Mia's
// twin, another customer with her address at another merchant.
type street struct {
	*foyertest.App
	acme, zenith    merchant.Merchant
	mia             billing.Customer
	asMia           *foyertest.Client
	asNoah          *foyertest.Client
	asTwin          *foyertest.Client
	own             map[string]string              // Mia's ids by path parameter
	elsewhere       map[*foyertest.Client][]string // ids that are other people's or of another kind, for each caller
	sessionToRevoke *foyertest.Client
}

func newStreet(t *testing.T, a *foyertest.App) *street {
	s := &street{App: a, acme: a.Merchant(t, "acme"), zenith: a.Merchant(t, "zenith")}
	const email = "mia@mailbox.test"
	s.mia = a.Customer(t, s.acme, email)
	noah, twin := a.Customer(t, s.acme, "noah@mailbox.test"), a.Customer(t, s.zenith, email)
	hourAgo := a.Clock.Now().Add(-time.Hour)
	p := a.Payment(t, s.mia, hourAgo, 10000, "EUR", "AC-1")
	of := map[string]string{
		"payment_id": string(p.ID), "invoice_id": p.InvoiceID, "subscription_id": string(a.Subscription(t, s.mia).ID),
		"payment_method_id": string(a.PaymentMethod(t, s.mia).ID), "portal_id": string(s.acme.Portal.ID),
	}
	theirs := a.Payment(t, twin, hourAgo, 5000, "EUR", "ZE-1")
	noahs := a.Payment(t, noah, hourAgo, 700, "EUR", "AC-2")
	s.asMia, s.sessionToRevoke = a.SignIn(t, s.acme, email), a.SignIn(t, s.acme, email)
	s.asNoah = a.SignIn(t, s.acme, "noah@mailbox.test")
	s.asTwin = a.SignIn(t, s.zenith, email)
	of["gateway"] = "sandbox"
	of["session_id"] = s.sessionToRevoke.Session
	of["cancellation_id"] = openCancellation(t, a, s.mia, of["subscription_id"])
	of["withdrawal_id"] = openWithdrawal(t, a, s.mia, of["subscription_id"])
	link := s.asMia.Post("/v1/invoices/"+p.InvoiceID+"/download-links", nil).Must(http.StatusCreated).Text("url")
	of["token"] = link[strings.LastIndex(link, "/")+1:]
	s.own = of
	s.elsewhere = map[*foyertest.Client][]string{
		s.asNoah: {string(s.mia.ID), string(theirs.ID), theirs.InvoiceID, string(s.zenith.ID), of["payment_id"], of["invoice_id"], s.asTwin.Session},
		s.asTwin: {string(s.mia.ID), string(noahs.ID), noahs.InvoiceID, string(s.acme.ID), of["payment_id"], of["invoice_id"], s.asNoah.Session},
	}
	return s
}

// openCancellation makes an open cancellation, with a receipt so that there is something to read everywhere, and returns its id.
func openCancellation(t *testing.T, a *foyertest.App, c billing.Customer, subscription string) string {
	t.Helper()
	now := foyer.Micro(a.Clock.Now())
	id := a.IDs(foyer.PrefixCancellation)
	created, err := a.Store.CreateCancellation(context.Background(), retention.Cancellation{
		ID: retention.CancellationID(id), Merchant: c.Merchant, Customer: c.ID, Subscription: billing.SubscriptionID(subscription), State: retention.Open,
		Step: retention.StepConfirm, Effective: billing.AtPeriodEnd, CreatedAt: now, UpdatedAt: now, Version: 1,
	})
	require.NoError(t, err)
	require.True(t, created)
	require.NoError(t, a.Store.CreateReceipt(context.Background(), retention.NewReceipt(id, foyertest.Scope(c.Merchant, c.ID), retention.ReceiptCancellation, i18n.English,
		retention.ReceiptContent{Email: c.Email, ReceivedAt: now}, now)))
	return id
}

// openWithdrawal makes a withdrawal declared by a notice, with a receipt as openCancellation does, and returns its id.
func openWithdrawal(t *testing.T, a *foyertest.App, c billing.Customer, subscription string) string {
	t.Helper()
	now := foyer.Micro(a.Clock.Now())
	id := a.IDs(foyer.PrefixWithdrawal)
	w, err := retention.NewWithdrawal{
		ID: retention.WithdrawalID(id), Profile: retention.ProfileEU, Country: "IE", EndsAt: now.AddDate(0, 0, 14), Policy: retention.RefundFull,
		Subscription: billing.Subscription{ID: billing.SubscriptionID(subscription), Merchant: c.Merchant, Customer: c.ID, Currency: "EUR"},
	}.Begin(now).Noticed("ntc_01kb3v5q8r9s0t1v2w3x4y5z6a", now, now)
	require.NoError(t, err)
	created, err := a.Store.CreateWithdrawal(context.Background(), w)
	require.NoError(t, err)
	require.True(t, created)
	require.NoError(t, a.Store.CreateReceipt(context.Background(), retention.NewReceipt(id, foyertest.Scope(c.Merchant, c.ID), retention.ReceiptWithdrawal, i18n.English,
		retention.ReceiptContent{Email: c.Email, ReceivedAt: now}, now)))
	return id
}

// visits says how each operation is called, so that the walks below can. A new operation needs an entry here.
var visits = map[string]struct {
	// body is what a call needs.
	body any
	// gone is the code for an id there is nothing under; empty: not_found.
	gone string
	// money can move: the call needs an Idempotency-Key.
	money bool
}{
	"getPortal":                    {},
	"requestSignIn":                {body: map[string]any{"email": "stranger@mailbox.test"}},
	"submitCancellationNotice":     {body: map[string]any{"name": "A Stranger", "email": "stranger@mailbox.test", "contract": "Test plan"}},
	"submitWithdrawalNotice":       {body: map[string]any{"name": "A Stranger", "email": "stranger@mailbox.test", "contract": "Test plan"}},
	"verifySignIn":                 {body: map[string]any{"token": "nothing"}},
	"exchangePortalSession":        {body: map[string]any{"ticket": "nothing"}},
	"refreshSession":               {body: map[string]any{"refresh_token": "nothing"}},
	"listSessions":                 {},
	"revokeAllSessions":            {},
	"signOut":                      {},
	"revokeSession":                {},
	"getJwks":                      {},
	"getMe":                        {},
	"updateMe":                     {body: map[string]any{"name": "Mallory"}},
	"listActivity":                 {},
	"requestEmailChange":           {body: map[string]any{"email": "mallory@mailbox.test"}},
	"verifyEmailChange":            {body: map[string]any{"token": "nothing"}},
	"exportMe":                     {},
	"listPayments":                 {},
	"getPayment":                   {},
	"listInvoices":                 {},
	"getInvoice":                   {},
	"downloadInvoice":              {},
	"createDownloadLink":           {},
	"exportInvoices":               {},
	"reviseInvoice":                {body: map[string]any{"name": "Mallory"}},
	"download":                     {gone: "download.invalid"},
	"listPaymentMethods":           {},
	"getPaymentMethod":             {},
	"listSubscriptions":            {},
	"getSubscription":              {},
	"startPaymentMethodSetup":      {},
	"addPaymentMethod":             {money: true, body: map[string]any{"setup_id": "pms_01kb3v5q8r9s0t1v2w3x4y5z6a"}},
	"updatePaymentMethod":          {body: map[string]any{"default": true}},
	"deletePaymentMethod":          {},
	"payPayment":                   {money: true},
	"setSubscriptionPaymentMethod": {money: true, body: map[string]any{"payment_method_id": "paymtd_01kb3v5q8r9s0t1v2w3x4y5z6a"}},
	"pauseSubscription":            {},
	"resumeSubscription":           {money: true},
	"previewSubscriptionChange":    {body: map[string]any{"items": []any{map[string]any{"price_id": "pri_01kb3v5q8r9s0t1v2w3x4y5z6a", "quantity": 1}}}},
	"changeSubscription":           {money: true, body: map[string]any{"items": []any{map[string]any{"price_id": "pri_01kb3v5q8r9s0t1v2w3x4y5z6a", "quantity": 1}}}},
	"keepSubscription":             {},
	"startCancellation":            {body: map[string]any{"confirm": true}},
	"getCancellation":              {},
	"answerSurvey":                 {body: map[string]any{"reason": "other"}},
	"acceptOffer":                  {money: true, body: map[string]any{"offer_id": "ofr_01kb3v5q8r9s0t1v2w3x4y5z6a"}},
	"declineOffer":                 {},
	"downloadCancellationReceipt":  {},
	"confirmCancellation":          {body: map[string]any{"effective": "immediately"}},
	"abandonCancellation":          {},
	"createWithdrawal":             {money: true},
	"getWithdrawal":                {},
	"downloadWithdrawalReceipt":    {},
	"receiveGatewayWebhook":        {body: map[string]any{"id": "msg_1"}},
	"getOpenapiYaml":               {},
	"getOpenapiJson":               {},
	"getDocs":                      {},
	"getHealth":                    {},
}

var pathParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

// parameter returns the name of the one path parameter of an operation, empty when it has none.
func parameter(o foyertest.Operation) string {
	if m := pathParameter.FindStringSubmatch(o.Path); m != nil {
		return m[1]
	}
	return ""
}

// at returns the operation's path with an id in it, which must be escaped.
func at(o foyertest.Operation, id string) string {
	return pathParameter.ReplaceAllString(o.Path, strings.ReplaceAll(id, "$", "$$"))
}

// visit calls an operation as it must be called, with a new Idempotency-Key where money can move.
func visit(c *foyertest.Client, o foyertest.Operation, path string) *foyertest.Answer {
	var headers []string
	if visits[o.ID].money {
		headers = []string{idempotencyKey, rand.Text()}
	}
	return c.Call(o.Method, path, visits[o.ID].body, headers...)
}

// told is everything an answer tells but what differs from one request to the next.
func told(a *foyertest.Answer) string {
	header := a.Header.Clone()
	for _, free := range []string{"Date", "X-Request-Id", "Content-Length"} {
		header.Del(free)
	}
	if document, ok := a.JSON.(map[string]any); ok {
		delete(document, "request_id")
	}
	text, _ := json.Marshal(map[string]any{"status": a.Status, "header": header, "body": a.JSON})
	return string(text)
}

// seen is everything the owner can read, as one text.
func (s *street) seen() string {
	var b strings.Builder
	for _, o := range foyertest.CustomerOperations() {
		if o.Secured && o.Method == http.MethodGet {
			a := s.asMia.Get(at(o, s.own[parameter(o)])).Must(http.StatusOK)
			b.Write(a.Body)
		}
	}
	return b.String()
}

func TestEveryOperationHasAVisit(t *testing.T) {
	t.Parallel()
	for _, o := range foyertest.CustomerOperations() {
		_, known := visits[o.ID]
		assert.True(t, known, "%s: give the new operation an entry: the walks as a stranger need it", o.ID)
	}
	assert.Equal(t, len(foyertest.CustomerOperations()), len(visits)) //nolint:testifylint // Len would print the map
}

// Threats #1, #2, #7: nobody gets anything but one 401.
func TestNobodyGetsTheSame401Everywhere(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		before := s.seen()
		nobody, forger := a.Client(t), a.Client(t)
		forger.Token = "eyJhbGciOiJub25lIn0.e30."
		want, wantForged := "", ""
		for _, o := range foyertest.CustomerOperations() {
			if !o.Secured {
				continue
			}
			path := at(o, s.own[parameter(o)])
			answer := nobody.Call(o.Method, path, visits[o.ID].body).Refused(http.StatusUnauthorized, "auth.required")
			assert.Equal(t, `Bearer realm="foyer"`, answer.Header.Get("WWW-Authenticate"), o.ID)
			forged := forger.Call(o.Method, path, visits[o.ID].body).Refused(http.StatusUnauthorized, "auth.invalid")
			assert.Contains(t, forged.Header.Get("WWW-Authenticate"), "invalid_token", o.ID)
			if want == "" {
				want, wantForged = told(answer), told(forged)
			}
			assert.Equal(t, want, told(answer), o.ID)
			assert.Equal(t, wantForged, told(forged), o.ID)
			// Faults of the request are not told to a stranger.
			assert.Equal(t, want, told(nobody.Raw(o.Method, path+"?nonsense=1", []byte("{"), "Content-Type", "application/json")), o.ID)
		}
		assert.Equal(t, before, s.seen(), "nothing was changed")
	})
}

// rubbish are ids that can't be or are not the caller's; escaped, as a path has them.
func rubbish(own string) []string {
	prefix, _, _ := strings.Cut(own, "_")
	return []string{
		own, strings.ToUpper(own), own + "0", own[:len(own)-1], own + "%00", "%00", "%ff", "%C0%AF", own + "%20", "%20" + own,
		"..%2f..%2fme", "..%2F" + own, "%2e%2e%2fme", own + "%2f..%2f" + own, "%E2%80%AEdi", "%F0%9F%92%A3", "%ED%A0%80",
		url.PathEscape("' OR 1=1--"), url.PathEscape("1)or(1=1"), url.PathEscape(own + "';select pg_sleep(1)--"), "null", "0", "-1", "*",
		strings.Repeat("a", 10_000), strings.Repeat("%00", 3_000), prefix + "_", prefix + "_" + strings.Repeat("0", 26),
		prefix + "_8" + strings.Repeat("z", 25), prefix + "_" + strings.Repeat("i", 26), "{id}", own + ";x=1", own + ".json",
	}
}

// neighbour returns the id next to another: a counter would find the next customer's (threat #5).
func neighbour(id string) string {
	last := id[len(id)-1]
	if last == '0' {
		return id[:len(id)-1] + "1"
	}
	return id[:len(id)-1] + "0"
}

// Threats #1, #2, #3, #5, #63, #69: another's things and things that are not answer alike, for every kind of id.
func TestAnothersThingsAndRubbishAreTheSame404(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		before := s.seen()
		for _, o := range foyertest.CustomerOperations() {
			name := parameter(o)
			if name == "" || !o.Secured {
				continue
			}
			own := s.own[name]
			prefix, _, _ := strings.Cut(own, "_")
			var etag string
			if o.Method == http.MethodGet {
				etag = s.asMia.Get(at(o, own)).Must(http.StatusOK).Header.Get("ETag")
				require.NotEmpty(t, etag, o.ID)
			}
			for who, client := range map[string]*foyertest.Client{"another customer": s.asNoah, "another merchant's customer": s.asTwin} {
				unknown := visit(client, o, at(o, a.IDs(foyer.Prefix(prefix)))).Refused(http.StatusNotFound, "not_found")
				want := told(unknown)
				for _, id := range slices.Concat(rubbish(own), []string{neighbour(own)}, s.elsewhere[client]) {
					assert.Equal(t, want, told(visit(client, o, at(o, id))), "%s as %s with %.60s", o.ID, who, id)
				}
				if etag != "" {
					assert.Equal(t, want, told(client.Get(at(o, own), "If-None-Match", etag)), "%s as %s who knows the ETag", o.ID, who)
					assert.Equal(t, want, told(client.Get(at(o, own), "If-None-Match", "*")), o.ID)
				}
			}
		}
		assert.Equal(t, before, s.seen(), "nothing was changed")
		s.sessionToRevoke.Get("/v1/me").Must(http.StatusOK)
	})
}

// The same for the ids that are asked for without a token: portals and download links.
func TestUnknownPortalsAndDownloadLinksAreTheSame404(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		nobody := a.Client(t)
		for _, o := range foyertest.CustomerOperations() {
			name := parameter(o)
			if name == "" || o.Secured {
				continue
			}
			code := visits[o.ID].gone
			if code == "" {
				code = "not_found"
			}
			unknown := nobody.Call(o.Method, at(o, a.IDs(foyer.PrefixPortal)), visits[o.ID].body).Refused(http.StatusNotFound, code)
			want := told(unknown)
			for _, id := range rubbish(s.own[name])[1:] {
				assert.Equal(t, want, told(nobody.Call(o.Method, at(o, id), visits[o.ID].body)), "%s with %.60s", o.ID, id)
			}
		}
	})
}

// Contract §2: where money can move a call without a key is refused before anything else of it is looked at.
func TestWhereMoneyCanMoveAKeyIsRequired(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	before := s.seen()
	for _, o := range foyertest.CustomerOperations() {
		if !visits[o.ID].money {
			continue
		}
		path := at(o, s.own[parameter(o)])
		s.asMia.Call(o.Method, path, visits[o.ID].body).Refused(http.StatusBadRequest, "idempotency.key_required")
		s.asMia.Call(o.Method, path, map[string]any{"nonsense": 1}).Refused(http.StatusBadRequest, "idempotency.key_required")
		for _, wrong := range []string{"", "a b", strings.Repeat("k", 256)} {
			answer := s.asMia.Call(o.Method, path, visits[o.ID].body, idempotencyKey, wrong).Must(http.StatusBadRequest)
			assert.Contains(t, answer.Text("code"), "idempotency.key_", o.ID)
		}
	}
	assert.Equal(t, before, s.seen(), "nothing was changed")
}

// Threats #3, #4: a token decides whose data it is; nothing else a request says does.
func TestListsHoldTheCallersOwnWhateverTheRequestSays(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s := newStreet(t, a)
		for _, o := range foyertest.CustomerOperations() {
			if !o.Secured || o.Method != http.MethodGet || parameter(o) != "" {
				continue
			}
			for _, client := range []*foyertest.Client{s.asNoah, s.asTwin} {
				plain := client.Get(o.Path).Must(http.StatusOK)
				for name, id := range s.own {
					assert.NotContains(t, string(plain.Body), id, "%s holds Mia's %s", o.ID, name)
				}
				claimed := client.Get(o.Path, "X-Merchant-Id", string(s.acme.ID), "X-Customer-Id", string(s.mia.ID), "X-Forwarded-Host", "acme.test",
					"X-Tenant", string(s.acme.ID), "Forwarded", "host=acme.test", "Cookie", "merchant="+string(s.acme.ID))
				assert.Equal(t, string(plain.Body), string(claimed.Body), o.ID)
				client.Get(o.Path+"?merchant_id="+string(s.acme.ID)).Refused(http.StatusBadRequest, "query.invalid")
			}
		}
		assert.Equal(t, []string{s.own["payment_id"]}, s.asMia.Get("/v1/payments").IDs())
	})
}

// Threat #69: whatever is private says that nobody may keep it.
func TestPrivateAnswersMayNotBeKept(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	s := newStreet(t, a)
	for _, o := range foyertest.CustomerOperations() {
		if !o.Secured || o.Method != http.MethodGet {
			continue
		}
		path := at(o, s.own[parameter(o)])
		answer := s.asMia.Get(path).Must(http.StatusOK)
		assert.Contains(t, answer.Header.Get("Cache-Control"), "no-store", o.ID)
		assert.Contains(t, answer.Header.Get("Vary"), "Origin", o.ID)
		if etag := answer.Header.Get("ETag"); etag != "" {
			same := s.asMia.Get(path, "If-None-Match", etag).Must(http.StatusNotModified)
			assert.Equal(t, etag, same.Header.Get("ETag"), o.ID)
			assert.Contains(t, same.Header.Get("Cache-Control"), "no-store", o.ID)
			assert.Empty(t, same.Body, o.ID)
			a.Client(t).Get(path, "If-None-Match", etag).Refused(http.StatusUnauthorized, "auth.required")
		} else {
			assert.Empty(t, parameter(o), "%s shows one thing and has no ETag", o.ID)
		}
	}
	assert.Contains(t, a.Client(t).Get("/v1/downloads/"+s.own["token"]).Must(http.StatusOK).Header.Get("Cache-Control"), "no-store")
}
