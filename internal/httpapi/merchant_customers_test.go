package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
)

const customers = "/v1/merchant/customers"

// eventsOf returns the types of what happened to a thing in the order of their sequence, which must count them: one event for
// one change.
func eventsOf(t *testing.T, key *foyertest.Client, subject string) []string {
	t.Helper()
	list := key.Get("/v1/merchant/events?limit=100&subject_id=" + subject).Must(http.StatusOK)
	types := make([]string, list.Len("data"))
	for i := range types {
		at, _ := list.At(fmt.Sprintf("data.%d.sequence", i)).(float64)
		require.True(t, at >= 1 && int(at) <= len(types) && types[int(at)-1] == "", "sequence %v of %d events of %s", at, len(types), subject)
		types[int(at)-1] = list.Text(fmt.Sprintf("data.%d.type", i))
	}
	return types
}

// lastObject is how the last event about a thing shows it.
func lastObject(t *testing.T, key *foyertest.Client, subject string) any {
	t.Helper()
	return key.Get("/v1/merchant/events?limit=1&subject_id=" + subject).Must(http.StatusOK).At("data.0.data")
}

func TestMerchantMakesFindsAndChangesACustomer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		made := key.Post(customers, map[string]any{
			"email": "Mia@Mailbox.test", "name": " Mia ", "locale": "de", "company": "Reyes GmbH", "tax_id": "DE1", "external_id": "user-1",
			"address": map[string]any{"line1": "Hangarstraße 7", "city": "Berlin", "country": "DE"}, "metadata": map[string]any{"crm": "A-17"},
		}).Must(http.StatusCreated)
		id := made.Text("id")
		path := customers + "/" + id
		assert.Equal(t, []any{"Mia@Mailbox.test", "Mia", "user-1", "active", "Berlin", "A-17", 0}, []any{
			made.At("email"), made.At("name"), made.At("external_id"), made.At("status"), made.At("address.city"), made.At("metadata.crm"), made.Len("credit_balances"),
		})
		read := key.Get(path).Must(http.StatusOK)
		assert.Equal(t, made.JSON, read.JSON)
		assert.Equal(t, made.Header.Get("ETag"), read.Header.Get("ETag"))
		key.Get(path, "If-None-Match", read.Header.Get("ETag")).Must(http.StatusNotModified)
		assert.Equal(t, made.JSON, lastObject(t, key, id), "the event shows what the API shows")

		bare := key.Post(customers, map[string]any{"email": "bare@mailbox.test", "name": nil, "address": nil, "external_id": nil}).Must(http.StatusCreated)
		assert.Equal(t, []any{nil, nil, nil, map[string]any{}}, []any{bare.At("name"), bare.At("address"), bare.At("external_id"), bare.At("metadata")})

		changed := key.Patch(path, map[string]any{
			"email": "mia@new.test", "name": nil, "external_id": "user-2", "metadata": map[string]any{"tier": "gold"}, "address": map[string]any{"city": "Bonn"},
		}, "If-Match", made.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, []any{"mia@new.test", nil, "user-2", map[string]any{"tier": "gold"}, "Bonn", "Hangarstraße 7", "Reyes GmbH"}, []any{
			changed.At("email"), changed.At("name"), changed.At("external_id"), changed.At("metadata"), changed.At("address.city"), changed.At("address.line1"), changed.At("company"),
		})
		key.Patch(path, map[string]any{"name": "Late"}, "If-Match", made.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")
		same := key.Patch(path, map[string]any{"email": "mia@new.test"}).Must(http.StatusOK)
		assert.Equal(t, changed.Header.Get("ETag"), same.Header.Get("ETag"), "nothing was changed")
		cleared := key.Patch(path, map[string]any{"external_id": nil, "metadata": nil, "address": nil}).Must(http.StatusOK)
		assert.Equal(t, []any{nil, map[string]any{}, nil}, []any{cleared.At("external_id"), cleared.At("metadata"), cleared.At("address")})
		assert.Equal(t, []string{"customer.created", "customer.updated", "customer.updated"}, eventsOf(t, key, id))
		assert.Equal(t, map[string]any{"tier": "gold"}, key.Get("/v1/merchant/events?limit=1&subject_id="+id).At("data.0.previous_attributes.metadata"))

		// The customer signs in with the new address, and what they change themselves is an event, too.
		mia := a.SignIn(t, m, "mia@new.test")
		mia.Patch("/v1/me", map[string]any{"company": "Mia Ltd"}).Must(http.StatusOK)
		assert.Equal(t, "customer.updated", eventsOf(t, key, id)[3])
		assert.Equal(t, "Mia Ltd", lastObject(t, key, id).(map[string]any)["company"])
		assert.Nil(t, mia.Get("/v1/me").Must(http.StatusOK).At("metadata"), "what the merchant notes is not the customer's to see")
		assert.Equal(t, "customer.updated", mia.Get("/v1/me/activity").Text("data.0.type"))
	})
}

func TestOneCustomerOfAnAddressAndOfAnExternalID(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key, other := a.Key(t, m), a.Key(t, a.Merchant(t, "other"))
		first := key.Post(customers, map[string]any{"email": "mia@mailbox.test", "external_id": "x"}).Must(http.StatusCreated)
		exists := key.Post(customers, map[string]any{"email": "MIA@mailbox.test"}).Refused(http.StatusConflict, "customer.exists")
		assert.Equal(t, first.Text("id"), exists.Text("customer_id"))
		key.Post(customers, map[string]any{"email": "noah@mailbox.test", "external_id": "x"}).Refused(http.StatusConflict, "external_id.taken")
		noah := key.Post(customers, map[string]any{"email": "noah@mailbox.test"}).Must(http.StatusCreated)
		path := customers + "/" + noah.Text("id")
		exists = key.Patch(path, map[string]any{"email": "mia@mailbox.test"}).Refused(http.StatusConflict, "customer.exists")
		assert.Equal(t, first.Text("id"), exists.Text("customer_id"))
		key.Patch(path, map[string]any{"external_id": "x"}).Refused(http.StatusConflict, "external_id.taken")
		assert.Equal(t, noah.JSON, key.Get(path).JSON, "nothing was changed")
		// Another merchant's customers are nobody's business here.
		other.Post(customers, map[string]any{"email": "mia@mailbox.test", "external_id": "x"}).Must(http.StatusCreated)

		ids := together(20, func(int) string {
			answer := key.Post(customers, map[string]any{"email": "crowd@mailbox.test"})
			return fmt.Sprint(answer.Status, answer.Text("code"))
		})
		assert.Equal(t, map[string]int{"201": 1, "409customer.exists": 19}, ids)
	})
}

func TestCustomersAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, stranger := a.Merchant(t, "acme"), a.Merchant(t, "other")
		key := a.Key(t, m)
		var batch billing.ImportBatch
		at := foyer.Micro(a.Clock.Now()).Add(-time.Hour)
		for i := range 1000 {
			c := billing.Customer{
				ID: foyer.CustomerID(a.IDs(foyer.PrefixCustomer)), Merchant: m.ID, Email: foyertest.Email(i), ExternalID: fmt.Sprint("user-", i),
				CreatedAt: at.Add(time.Duration(i/7) * time.Microsecond), UpdatedAt: at, Version: 1, Archived: i%10 == 0,
			}
			batch.Customers = append(batch.Customers, billing.ImportedCustomer{Customer: c})
		}
		a.Save(t, m, batch)
		a.Customer(t, stranger, foyertest.Email(7))
		walk := func(query string) (ids []string) {
			seen, next := map[string]bool{}, ""
			for {
				page := key.Get(customers + "?limit=100" + query + next).Must(http.StatusOK)
				for i := range page.Len("data") {
					id := page.Text(fmt.Sprintf("data.%d.id", i))
					require.False(t, seen[id], "%s came twice", id)
					seen[id] = true
					ids = append(ids, id)
				}
				if page.At("page.next") == nil {
					return ids
				}
				next = "&after=" + page.Text("page.next")
			}
		}
		assert.Len(t, walk(""), 1000)
		assert.Len(t, walk("&status=archived"), 100)
		assert.Len(t, walk("&status=active&include=payment_methods"), 900)
		assert.Len(t, walk("&from="+at.Add(50*time.Microsecond).Format(time.RFC3339Nano)+"&to="+at.Add(51*time.Microsecond).Format(time.RFC3339Nano)), 7)
		found := key.Get(customers + foyertest.Query("email", strings.ToUpper(foyertest.Email(7)))).Must(http.StatusOK)
		require.Equal(t, 1, found.Len("data"))
		assert.Equal(t, "user-7", found.Text("data.0.external_id"))
		assert.Equal(t, foyertest.Email(12), key.Get(customers+"?external_id=user-12").Must(http.StatusOK).Text("data.0.email"))
		assert.Zero(t, key.Get(customers+foyertest.Query("email", "nobody@mailbox.test")).Must(http.StatusOK).Len("data"))
		page := key.Get(customers + "?limit=2").Must(http.StatusOK)
		key.Get(customers+"?limit=2&status=active&after="+page.Text("page.next")).Refused(http.StatusBadRequest, "cursor.invalid")
		a.Key(t, stranger).Get(customers+"?limit=2&after="+page.Text("page.next")).Refused(http.StatusBadRequest, "cursor.invalid")
		for _, bad := range []string{"status=gone", "include=everything", "include=", "email=", "external_id=", "limit=0", "limit=101", "from=yesterday", "sort=email", "status=active&status=archived"} {
			assert.Equal(t, http.StatusBadRequest, key.Get(customers+"?"+bad).Status, bad)
		}
		for _, odd := range []string{"' OR 1=1--", "%", "_", "a'); SELECT pg_sleep(9)--", "日本", "\u202e", "ctm_", "a\\", "\ufeff"} {
			for _, filter := range []string{"email", "external_id"} {
				assert.Equal(t, http.StatusOK, key.Get(customers+foyertest.Query(filter, odd)).Status, odd)
			}
		}
		assert.Equal(t, http.StatusBadRequest, key.Get(customers+foyertest.Query("external_id", "4242 4242 4242 4242")).Status)
		assert.Equal(t, http.StatusBadRequest, key.Get(customers+"?email=%00").Status)
		assert.Equal(t, http.StatusBadRequest, key.Get(customers+"?email=%ff").Status)
	})
}

// A backend needs no call for each customer.
func TestIncludesShowWhatBelongsToEachCustomer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		price := a.Price(t, m, "Plan", 1000)
		mia, noah := a.Customer(t, m, "mia@mailbox.test"), a.Customer(t, m, "noah@mailbox.test")
		sub := a.Subscribe(t, mia, price, "tok_4242")
		for range 30 {
			a.Subscription(t, noah)
		}
		require.NoError(t, a.Store.AddCredit(t.Context(), billing.Credit{Scope: mia.Scope(), Currency: "EUR", Amount: 450}))
		list := key.Get(customers + "?include=subscriptions,payment_methods").Must(http.StatusOK)
		require.Equal(t, 2, list.Len("data"))
		for i := range 2 {
			at := fmt.Sprintf("data.%d.", i)
			if list.Text(at+"id") == string(mia.ID) {
				assert.Equal(t, []any{1, 1, string(sub.ID), []any{string(sub.ID)}, string(mia.ID), 450.0}, []any{
					list.Len(at + "subscriptions"), list.Len(at + "payment_methods"), list.At(at + "subscriptions.0.id"),
					list.At(at + "payment_methods.0.used_by"), list.At(at + "payment_methods.0.customer_id"), list.At(at + "credit_balances.0.amount"),
				})
			} else {
				assert.Equal(t, []any{25, 0}, []any{list.Len(at + "subscriptions"), list.Len(at + "payment_methods")})
				assert.NotNil(t, list.At(at+"payment_methods"), "none is an empty list")
			}
		}
		one := key.Get(customers + "/" + string(mia.ID) + "?include=subscriptions").Must(http.StatusOK)
		assert.Equal(t, string(sub.ID), one.Text("subscriptions.0.id"))
		assert.Nil(t, one.At("payment_methods"))
		assert.Nil(t, key.Get(customers+"/"+string(mia.ID)).At("subscriptions"))
	})
}

func TestAnArchivedCustomerIsLetInNoMore(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test")
		path := customers + "/" + string(c.ID)
		client := a.SignIn(t, m, c.Email)
		sub := a.Subscription(t, c)
		busy := key.Post(path+"/archive", nil).Refused(http.StatusConflict, "customer.has_subscriptions")
		assert.Equal(t, []any{string(sub.ID)}, busy.At("subscription_ids"))
		client.Get("/v1/me").Must(http.StatusOK)
		a.Save(t, m, billing.ImportBatch{Subscriptions: []billing.ImportedSubscription{{Subscription: func() billing.Subscription {
			sub.Status = billing.SubscriptionCanceled
			return sub
		}()}}})
		archived := key.Post(path+"/archive", nil).Must(http.StatusOK)
		assert.Equal(t, "archived", archived.Text("status"))
		assert.Equal(t, archived.JSON, key.Post(path+"/archive", nil).Must(http.StatusOK).JSON, "again changes nothing")
		assert.Equal(t, "customer.archived", key.Get("/v1/merchant/events?limit=1&subject_id="+string(c.ID)).Text("data.0.type"))
		client.Post("/v1/sessions/refresh", map[string]any{"refresh_token": client.Refresh}).Refused(http.StatusUnauthorized, "session.invalid")
		require.NoError(t, a.Identity.Refreshed(t.Context())) // what every process does every few seconds
		client.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
		before := len(a.Mails(t, c.Email))
		a.Client(t).RequestSignIn(m, c.Email).Must(http.StatusAccepted)
		time.Sleep(200 * time.Millisecond)
		assert.Len(t, a.Mails(t, c.Email), before)
		key.Post(path+"/payment-methods", map[string]any{"gateway_token": "tok_4242"}).Refused(http.StatusConflict, "customer.archived")
		// The address is theirs until it is changed.
		assert.Equal(t, string(c.ID), key.Post(customers, map[string]any{"email": c.Email}).Refused(http.StatusConflict, "customer.exists").Text("customer_id"))
		key.Patch(path, map[string]any{"email": "former@mailbox.test"}).Must(http.StatusOK)
		key.Post(customers, map[string]any{"email": c.Email}).Must(http.StatusCreated)
	})
}

// Threats #2 and #6: another merchant's things, and a child of another parent, are not found, in one body.
func TestNobodyElsesCustomers(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, stranger := a.Merchant(t, "acme"), a.Merchant(t, "other")
		key, other := a.Key(t, m), a.Key(t, stranger)
		mia, noah := a.Customer(t, m, "mia@mailbox.test"), a.Customer(t, m, "noah@mailbox.test")
		theirs := a.Customer(t, stranger, "mia@mailbox.test")
		address := func(k *foyertest.Client, c billing.Customer) string {
			return k.Get(customers + "/" + string(c.ID) + "/addresses").Must(http.StatusOK).Text("data.0.id")
		}
		method := a.PaymentMethod(t, noah)
		unknown := told(key.Get(customers+"/ctm_01kb3v5q8r9s0t1v2w3x4y5z6a").Refused(http.StatusNotFound, "not_found"))
		own, foreign := customers+"/"+string(mia.ID), customers+"/"+string(theirs.ID)
		noahsAddress, theirAddress := address(key, noah), address(other, theirs)
		var paths []string
		for _, base := range []string{foreign, customers + "/ctm_nonsense", customers + "/" + strings.ToUpper(string(mia.ID)), customers + "/pro_01kb3v5q8r9s0t1v2w3x4y5z6a"} {
			paths = append(paths, "GET "+base, "PATCH "+base, "POST "+base+"/archive", "GET "+base+"/addresses", "POST "+base+"/addresses",
				"GET "+base+"/payment-methods", "POST "+base+"/payment-methods", "GET "+base+"/addresses/"+theirAddress)
		}
		for _, child := range []string{own + "/addresses/" + noahsAddress, own + "/addresses/" + theirAddress, foreign + "/addresses/" + theirAddress, own + "/addresses/add_x"} {
			paths = append(paths, "GET "+child, "PATCH "+child, "POST "+child+"/archive")
		}
		for _, child := range []string{own + "/payment-methods/" + string(method.ID), foreign + "/payment-methods/" + string(method.ID)} {
			paths = append(paths, "GET "+child, "PATCH "+child, "DELETE "+child)
		}
		for _, one := range paths {
			verb, path, _ := strings.Cut(one, " ")
			var body any
			switch {
			case strings.HasSuffix(path, "/payment-methods"):
				body = map[string]any{"gateway_token": "tok_4242"}
			case strings.HasSuffix(path, "/addresses"):
				body = map[string]any{"city": "Bonn"}
			case verb == http.MethodPatch && strings.Contains(path, "payment"):
				body = map[string]any{"default": true}
			case verb == http.MethodPatch:
				body = map[string]any{"external_id": "mine"}
			}
			if verb == http.MethodGet {
				body = nil
			}
			assert.Equal(t, unknown, told(key.Call(verb, path, body)), one)
		}
		assert.Equal(t, method.Version, one(t, a, noah, method.ID).Version)
	})
}

func one(t *testing.T, a *foyertest.App, c billing.Customer, id billing.PaymentMethodID) billing.PaymentMethod {
	t.Helper()
	m, err := a.Store.PaymentMethod(t.Context(), c.Scope(), id)
	require.NoError(t, err)
	return m
}

// Threat #24: whoever reads the mailbox a customer had is out when the merchant gives the customer another.
func TestAnotherMailboxEndsWhatTheOldOneOpened(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		c := a.Customer(t, m, "old@mailbox.test")
		key, mia := a.Key(t, m), a.SignIn(t, m, "old@mailbox.test")
		a.Client(t).RequestSignIn(m, "old@mailbox.test", map[string]any{"code_challenge": strings.Repeat("a", 43), "code_challenge_method": "S256"}).Must(http.StatusAccepted)
		key.Patch("/v1/merchant/customers/"+string(c.ID), map[string]any{"email": "new@mailbox.test"}).Must(http.StatusOK)
		mia.Post("/v1/sessions/refresh", map[string]any{"refresh_token": mia.Refresh}).Refused(http.StatusUnauthorized, "session.invalid")
		require.NoError(t, a.Identity.Refreshed(t.Context()))
		mia.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.invalid")
		a.SignIn(t, m, "new@mailbox.test").Get("/v1/me").Must(http.StatusOK)
	})
}
