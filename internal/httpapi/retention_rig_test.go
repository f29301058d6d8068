package httpapi_test

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/foyertest/tools"
	"foyer/internal/merchant"
	"foyer/internal/notify"
)

// object is a JSON object of a test.
type object = map[string]any

// leaver is a customer with a subscription the engine keeps, at a merchant who decides what is offered to those who leave.
type leaver struct {
	*foyertest.App
	merchant merchant.Merchant
	key      *foyertest.Client
	customer billing.Customer
	price    billing.Price
	sub      billing.Subscription
	mia      *foyertest.Client
}

// newLeaver is one who pays 19.99 EUR and 19 % tax a month; change may alter the price first.
func newLeaver(t *testing.T, a *foyertest.App, change ...func(*billing.Price)) *leaver {
	t.Helper()
	l := &leaver{App: a, merchant: a.Merchant(t, "acme")}
	l.key = a.Key(t, l.merchant)
	l.price = a.Price(t, l.merchant, "Pro", 1999, change...)
	return l.next(t, "mia@mailbox.test")
}

// next is another customer of the same merchant, with the same plan.
func (l *leaver) next(t *testing.T, email string, change ...func(*billing.Customer)) *leaver {
	t.Helper()
	n := *l
	n.customer = l.Customer(t, l.merchant, email, change...)
	n.sub = l.Subscribe(t, n.customer, l.price, "tok_4242")
	n.mia = l.SignIn(t, l.merchant, email)
	return &n
}

// another is one more subscription of the same customer.
func (l *leaver) another(t *testing.T) *leaver {
	t.Helper()
	n := *l
	n.sub = l.Subscribe(t, l.customer, l.price, "tok_4242")
	return &n
}

// decides lets the merchant set what is offered.
func (l *leaver) decides(t *testing.T, settings object) {
	t.Helper()
	l.key.Call(http.MethodPut, "/v1/merchant/retention", settings).Must(http.StatusOK)
}

// offers lets the merchant set rules and nothing else; who leaves is not asked anything first.
func (l *leaver) offers(t *testing.T, rules ...object) {
	t.Helper()
	l.decides(t, object{"survey": object{"enabled": false}, "offers": rules})
}

func (l *leaver) path(end string) string { return "/v1/subscriptions/" + string(l.sub.ID) + end }

// start begins to cancel.
func (l *leaver) start(t *testing.T) *foyertest.Answer {
	t.Helper()
	return l.mia.Post(l.path("/cancellations"), nil).Must(http.StatusCreated)
}

// act makes the call an answer of the flow names, exactly as given.
func (l *leaver) act(t *testing.T, a *foyertest.Answer, action string) *foyertest.Answer {
	t.Helper()
	method, path := a.Text("actions."+action+".method"), a.Text("actions."+action+".path")
	require.NotEmpty(t, method, "%s can't be done: %s", action, a.Body)
	return l.mia.Call(method, path, a.At("actions."+action+".body"), idempotencyKey, l.IDs("key"))
}

// now is the subscription as everybody else sees it.
func (l *leaver) now(t *testing.T) billing.Subscription {
	t.Helper()
	sub, err := l.Store.Subscription(context.Background(), foyertest.As(l.customer).Scope, l.sub.ID)
	require.NoError(t, err)
	return sub
}

// explained asks which rule would be chosen.
func (l *leaver) explained(t *testing.T, answers object) *foyertest.Answer {
	t.Helper()
	return l.key.Post("/v1/merchant/retention/explain", object{"subscription_id": l.sub.ID, "answers": answers}).Must(http.StatusOK)
}

// told counts the events about the customer.
func (l *leaver) told(t *testing.T) map[string]int {
	t.Helper()
	events, err := l.Store.Events(context.Background(), l.merchant.ID, notify.EventFilter{Customer: l.customer.ID}, foyer.PageRequest{Limit: 1000})
	require.NoError(t, err)
	count := map[string]int{}
	for _, e := range events {
		count[string(e.Type)]++
	}
	return count
}

// mailed counts the mails ordered for the customer.
func (l *leaver) mailed(t *testing.T) map[billing.MailKind]int {
	t.Helper()
	orders, err := l.Store.MailOrders(context.Background(), foyertest.As(l.customer).Scope)
	require.NoError(t, err)
	count := map[billing.MailKind]int{}
	for _, o := range orders {
		count[o.Kind]++
	}
	return count
}

// since is what a count grew by.
func since[K comparable](before, after map[K]int) map[K]int {
	grown := map[K]int{}
	for k, n := range after {
		if n != before[k] {
			grown[k] = n - before[k]
		}
	}
	return grown
}

// charged are the amounts the gateway really took, oldest first.
func (l *leaver) charged(t *testing.T) (amounts []int64) {
	t.Helper()
	for _, c := range l.Ledger(t) {
		if c.Status == "succeeded" || c.Status == "captured" {
			amounts = append(amounts, c.Amount)
		}
	}
	return amounts
}

// used is how much of a rule's budget is.
func (l *leaver) used(t *testing.T, rule string) [2]int64 {
	t.Helper()
	usage, err := l.Store.BudgetUsage(context.Background(), l.merchant.ID, []string{rule})
	require.NoError(t, err)
	return [2]int64{usage[rule].Offers, usage[rule].Amount}
}

// rule is a rule of a type with its terms and whatever else it has.
func rule(key, kind string, terms object, more ...object) object {
	r := object{"key": key, "type": kind}
	if terms != nil {
		r[kind] = terms
	}
	for _, m := range more {
		maps.Copy(r, m)
	}
	return r
}

// percentOff is a discount for a number of bills; 0 is all to come.
func percentOff(percent string, periods int) object {
	d := object{"type": "percent", "percent": percent}
	if periods > 0 {
		d["periods"] = periods
	}
	return d
}

// pdfText is what pdftotext reads in a PDF.
func pdfText(t *testing.T, pdf []byte) string {
	t.Helper()
	tools.RequireTool(t, "pdftotext")
	file := filepath.Join(t.TempDir(), "receipt.pdf")
	require.NoError(t, os.WriteFile(file, pdf, 0o600))
	var out bytes.Buffer
	command := exec.Command("pdftotext", "-layout", file, "-")
	command.Stdout = &out
	require.NoError(t, command.Run())
	return strings.Join(strings.Fields(out.String()), " ")
}
