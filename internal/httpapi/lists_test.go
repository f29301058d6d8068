package httpapi_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

// pages reads a list to its end and returns the ids of each page.
func pages(t *testing.T, c *foyertest.Client, path string) [][]string {
	t.Helper()
	joint := "?"
	if strings.Contains(path, "?") {
		joint = "&"
	}
	var out [][]string
	next := ""
	for range 100 {
		answer := c.Get(path + next).Must(http.StatusOK)
		out = append(out, answer.IDs())
		if answer.At("page.next") == nil {
			return out
		}
		next = joint + "after=" + url.QueryEscape(answer.Text("page.next"))
	}
	require.Fail(t, "the list does not end", path)
	return nil
}

func TestPagingGivesEveryRowOnceNewestFirst(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		other := a.Customer(t, m, "noah@mailbox.test")
		start := a.Clock.Now().Add(-1000 * time.Hour).Truncate(time.Microsecond)
		var payments, invoices, subscriptions, methods []string
		for i := range 11 {
			at := start.Add(time.Duration(i/3) * time.Microsecond) // three at one moment: the id decides among them
			p := a.Payment(t, c, at, 1000+int64(i), "EUR", fmt.Sprintf("AC-%d", i))
			a.Payment(t, other, at, 1, "EUR", "")
			payments, invoices = append(payments, string(p.ID)), append(invoices, p.InvoiceID)
			s := a.Subscription(t, c, func(s *billing.Subscription) { s.CreatedAt = at.UTC() })
			pm := a.PaymentMethod(t, c, func(m *billing.PaymentMethod) { m.CreatedAt = at.UTC() })
			subscriptions, methods = append(subscriptions, string(s.ID)), append(methods, string(pm.ID))
		}
		client := a.SignIn(t, m, "mia@mailbox.test")
		for path, want := range map[string][]string{"/v1/payments": payments, "/v1/invoices": invoices, "/v1/subscriptions": subscriptions, "/v1/payment-methods": methods} {
			whole := pages(t, client, path)
			require.Len(t, whole, 1, path)
			assert.ElementsMatch(t, want, whole[0], path)
			for i, group := range slices.Collect(slices.Chunk(want, 3)) { // oldest group last
				end := len(want) - 3*i
				assert.ElementsMatch(t, group, whole[0][end-len(group):end], "%s group %d", path, i)
			}
			assert.True(t, slices.IsSortedFunc(whole[0][:2], func(x, y string) int { return strings.Compare(y, x) }), "%s: then id", path)
			for _, limit := range []int{1, 4, 10, 11, 12} {
				cut := pages(t, client, fmt.Sprintf("%s?limit=%d", path, limit))
				assert.Equal(t, whole[0], slices.Concat(cut...), "%s by %d", path, limit)
				assert.Len(t, cut, (len(want)+limit-1)/limit, "no empty page at the end of %s by %d", path, limit)
			}
		}
		assert.Empty(t, a.SignIn(t, m, "noah@mailbox.test").Get("/v1/subscriptions").Must(http.StatusOK).IDs())
	})
}

func TestARowAddedWhilePagingNeitherRepeatsNorHidesAnother(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		var want []string
		for i := range 6 {
			want = append(want, string(a.Payment(t, c, a.Clock.Now().Add(-time.Duration(i+1)*time.Hour), 100, "EUR", "").ID))
		}
		client := a.SignIn(t, m, "mia@mailbox.test")
		first := client.Get("/v1/payments?limit=3").Must(http.StatusOK)
		a.Payment(t, c, a.Clock.Now(), 100, "EUR", "")
		second := client.Get("/v1/payments?limit=3&after=" + first.Text("page.next")).Must(http.StatusOK)
		assert.Equal(t, want, append(first.IDs(), second.IDs()...))
		assert.Nil(t, second.At("page.next"))
	})
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "mia@mailbox.test")
		noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		sub := a.Subscription(t, c)
		state := func(s billing.PaymentStatus) func(*billing.Payment) {
			return func(p *billing.Payment) { p.Status = s }
		}
		ids := map[billing.PaymentStatus]string{}
		for i, s := range append(slices.Clone(billing.PaymentStatuses), billing.PaymentDraft) {
			ids[s] = string(a.Payment(t, c, noon.Add(time.Duration(i)*time.Hour), 100, "EUR", "", state(s)).ID)
		}
		free := string(a.Payment(t, c, noon.Add(-time.Hour), 0, "EUR", "").ID)
		ofSub := string(a.Payment(t, c, noon.Add(-2*time.Hour), 100, "EUR", "", func(p *billing.Payment) { p.Subscription = sub.ID }).ID)
		client := a.SignIn(t, m, "mia@mailbox.test")
		list := func(query string) []string { return client.Get("/v1/payments" + query).Must(http.StatusOK).IDs() }

		all := list("")
		assert.Len(t, all, 7)
		assert.NotContains(t, all, ids[billing.PaymentDraft], "drafts are never seen")
		assert.NotContains(t, all, free, "zero value only when asked for")
		assert.Contains(t, list("?include_zero=true"), free)
		assert.NotContains(t, list("?include_zero=false"), free)
		client.Get("/v1/payments/"+ids[billing.PaymentDraft]).Refused(http.StatusNotFound, "not_found")
		client.Get("/v1/payments?status=draft").Refused(http.StatusBadRequest, "query.invalid")
		assert.Equal(t, []string{ids[billing.PaymentPastDue]}, list("?status=past_due"))
		assert.Equal(t, []string{ids[billing.PaymentPastDue], ids[billing.PaymentBilled]}, list("?status=billed,past_due"))
		assert.Equal(t, []string{ofSub}, list("?subscription_id="+string(sub.ID)))
		assert.Empty(t, list("?subscription_id=sub_01kb3v5q8r9s0t1v2w3x4y5z6a"))
		client.Get("/v1/payments?subscription_id="+ofSub).Refused(http.StatusBadRequest, "query.invalid")

		at := func(d time.Duration) string { return url.QueryEscape(noon.Add(d).Format(time.RFC3339Nano)) }
		assert.Equal(t, []string{ids[billing.PaymentBilled], ids[billing.PaymentReady]}, list("?from="+at(0)+"&to="+at(2*time.Hour)), "from inclusive, to exclusive")
		assert.Equal(t, []string{ids[billing.PaymentBilled]}, list("?from="+at(time.Microsecond)+"&to="+at(2*time.Hour)))
		assert.Equal(t, []string{ids[billing.PaymentReady]}, list("?from=2026-03-01T13:00:00%2B01:00&to=2026-03-01T14:00:00%2B01:00"), "any offset")
		assert.Empty(t, list("?from="+at(time.Hour)+"&to="+at(0)))
		assert.Empty(t, list("?status=past_due&to="+at(0)))
		both := pages(t, client, "/v1/payments?limit=1&status=billed,past_due")
		assert.Equal(t, []string{ids[billing.PaymentPastDue], ids[billing.PaymentBilled]}, slices.Concat(both...))
	})
}

// Threat #65: a cursor is good for the list, the filter and the caller it was made for, and for nothing else.
func TestACursorIsOnlyWhatItWasMadeFor(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		acme, zenith := a.Merchant(t, "acme"), a.Merchant(t, "zenith")
		var clients []*foyertest.Client
		for _, who := range []struct {
			m     int
			email string
		}{{0, "mia@mailbox.test"}, {0, "noah@mailbox.test"}, {1, "mia@mailbox.test"}} {
			m := acme
			if who.m == 1 {
				m = zenith
			}
			c := a.Customer(t, m, who.email)
			for i := range 3 {
				a.Payment(t, c, a.Clock.Now().Add(-time.Duration(i)*time.Hour), 100, "EUR", fmt.Sprintf("%s-%d", who.email[:1], i))
				a.Subscription(t, c)
			}
			clients = append(clients, a.SignIn(t, m, who.email))
		}
		mia := clients[0]
		first := mia.Get("/v1/payments?limit=1").Must(http.StatusOK)
		after := first.Text("page.next")
		mia.Get("/v1/payments?limit=2&locale=de&after=" + after).Must(http.StatusOK)
		invalid := func(c *foyertest.Client, path, about string) {
			t.Helper()
			answer := c.Get(path)
			assert.Equal(t, "cursor.invalid", answer.Text("code"), about)
			assert.Equal(t, http.StatusBadRequest, answer.Status, about)
		}
		for i, other := range clients[1:] {
			invalid(other, "/v1/payments?limit=1&after="+after, fmt.Sprint("another caller's ", i))
		}
		for _, o := range foyertest.CustomerOperations() {
			if strings.HasPrefix(o.ID, "list") && o.ID != "listPayments" {
				invalid(mia, o.Path+"?after="+after, "from another list: "+o.ID)
			}
		}
		for _, filter := range []string{"status=completed", "include_zero=true", "from=2020-01-01T00:00:00Z", "to=2030-01-01T00:00:00Z", "subscription_id=sub_01kb3v5q8r9s0t1v2w3x4y5z6a"} {
			invalid(mia, "/v1/payments?"+filter+"&after="+after, "with another filter: "+filter)
		}
		sealed, err := base64.RawURLEncoding.DecodeString(after)
		require.NoError(t, err)
		assert.NotContains(t, string(sealed), "pay_", "it tells nothing")
		assert.NotContains(t, string(sealed), first.IDs()[0][4:])
		for i := range sealed {
			changed := slices.Clone(sealed)
			changed[i] ^= 1 << (i % 8)
			invalid(mia, "/v1/payments?after="+base64.RawURLEncoding.EncodeToString(changed), fmt.Sprint("byte ", i))
		}
		for about, value := range map[string]string{
			"padded": after + "=", "cut": after[:len(after)-1], "cut more": after[:20], "longer": after + "A", "twice": after + after, "an id": first.IDs()[0],
			"a number": "25", "standard base64": strings.NewReplacer("-", "%2B", "_", "%2F").Replace(after) + "%2F", "newline": after + "%0A", "empty JSON": "e30",
		} {
			invalid(mia, "/v1/payments?after="+value, about)
		}
		// A portal's download link and a cursor are sealed with the same secret and can't stand in for each other.
		invoice := mia.Get("/v1/invoices?limit=1").IDs()[0]
		link := mia.Post("/v1/invoices/"+invoice+"/download-links", nil).Must(http.StatusCreated).Text("url")
		invalid(mia, "/v1/payments?after="+link[strings.LastIndex(link, "/")+1:], "a download token")
		mia.Get("/v1/downloads/"+after).Refused(http.StatusNotFound, "download.invalid")
	})
}
