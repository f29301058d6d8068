package httpapi_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
)

// Every change writes one event: numbered, with the thing as the API shows it, and what was different before.
func TestEventsTellEveryChange(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test")
		sub := a.Subscribe(t, c, a.Price(t, m, "Basic", 1000), "tok_4242")
		mia := a.SignIn(t, m, c.Email)
		path := "/v1/subscriptions/" + string(sub.ID)
		mia.Post(path+"/cancellations", map[string]any{"confirm": true}).Must(http.StatusCreated)
		mia.Delete(path + "/scheduled-change").Must(http.StatusOK)

		events := key.Get("/v1/merchant/events?subject_id=" + string(sub.ID)).Must(http.StatusOK)
		require.Equal(t, 3, events.Len("data"))
		kept, canceled, created := "data.0.", "data.1.", "data.2."
		assert.Equal(t, []string{"subscription.updated", "subscription.updated", "subscription.created"},
			[]string{events.Text(kept + "type"), events.Text(canceled + "type"), events.Text(created + "type")})
		assert.Less(t, events.At(created+"sequence"), events.At(canceled+"sequence"))
		assert.Less(t, events.At(canceled+"sequence"), events.At(kept+"sequence"))
		assert.Nil(t, events.At(created+"previous_attributes"))
		assert.Equal(t, "cancel", events.Text(canceled+"data.scheduled_change.action"))
		before, told := events.At(canceled + "previous_attributes").(map[string]any)
		require.True(t, told)
		assert.Contains(t, before, "scheduled_change")
		assert.Nil(t, before["scheduled_change"])
		assert.NotContains(t, before, "items")
		assert.Equal(t, "cancel", events.Text(kept+"previous_attributes.scheduled_change.action"))
		assert.Equal(t, string(c.ID), events.Text(kept+"customer_id"))

		one := key.Get("/v1/merchant/events/" + events.Text(kept+"id")).Must(http.StatusOK)
		assert.Equal(t, events.At("data.0"), one.JSON)
		types := func(query string) (all []string) {
			answer := key.Get("/v1/merchant/events" + query).Must(http.StatusOK)
			for i := range answer.Len("data") {
				all = append(all, answer.Text("data."+itoa(i)+".type"))
			}
			return all
		}
		assert.ElementsMatch(t, []string{"invoice.created", "payment.completed"}, types(foyertest.Query("type", "payment.completed,invoice.created")))
		assert.Empty(t, types(foyertest.Query("customer_id", "ctm_01kb3v5q8r9s0t1v2w3x4y5z6a")))
		payment := key.Get("/v1/merchant/events?type=payment.completed").Must(http.StatusOK)
		assert.Equal(t, "Basic", payment.Text("data.0.data.lines.0.name"), "the object is whole")
		assert.Equal(t, "captured", payment.Text("data.0.data.attempts.0.status"))
		// The customer sees theirs, in plain words.
		activity := mia.Get("/v1/me/activity?limit=100").Must(http.StatusOK)
		assert.Contains(t, string(activity.Body), "Your cancellation was received.")
		assert.Contains(t, string(activity.Body), "A payment was completed.")
		var walked []string
		require.Eventually(t, func() bool { // mails are still on their way, and are told of when they are sent
			walked = nil
			for next := "?limit=3"; next != ""; {
				page := mia.Get("/v1/me/activity" + next).Must(http.StatusOK)
				walked = append(walked, page.IDs()...)
				next = ""
				if after := page.Text("page.next"); after != "" {
					next = foyertest.Query("limit", "3", "after", after)
				}
			}
			return slices.Equal(mia.Get("/v1/me/activity?limit=100").IDs(), walked)
		}, 10*time.Second, 50*time.Millisecond, "two lists read as one")
		require.Greater(t, len(walked), 6)
		for _, id := range walked {
			assert.True(t, strings.HasPrefix(id, "act_"), id)
		}
		// Another merchant sees nothing of it.
		other := a.Key(t, a.Merchant(t, "zenith"))
		assert.Empty(t, other.Get("/v1/merchant/events").Must(http.StatusOK).IDs())
		other.Get("/v1/merchant/events/"+events.Text(kept+"id")).Refused(http.StatusNotFound, "not_found")
	})
}

// Threat #78: each act has exactly one line, with who, what, when, where from and which request.
func TestEveryActHasOneLineInTheAuditLog(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test")
		mia := a.SignIn(t, m, c.Email)
		made := key.Post(keys, map[string]any{"name": "Backend", "permissions": []string{"read"}}, idempotencyKey, "one").Must(http.StatusCreated)
		key.Post(keys, map[string]any{"name": "Backend", "permissions": []string{"read"}}, idempotencyKey, "one").Must(http.StatusCreated)
		key.Post(keys, map[string]any{"name": ""}).Must(http.StatusUnprocessableEntity)
		patched := mia.Patch("/v1/me", map[string]any{"name": "Mia"}).Must(http.StatusOK)
		key.Post(keys+"/"+made.Text("id")+"/archive", nil).Must(http.StatusOK)
		log := key.Get("/v1/merchant/audit-log").Must(http.StatusOK)
		var told [][]string
		for i := range log.Len("data") {
			at := "data." + itoa(i) + "."
			told = append(told, []string{log.Text(at + "action"), log.Text(at + "actor.kind"), log.Text(at + "subject_id")})
		}
		assert.Equal(t, [][]string{
			{"merchantArchiveApiKey", "merchant", made.Text("id")}, {"updateMe", "customer", string(c.ID)}, {"merchantCreateApiKey", "merchant", made.Text("id")},
		}, told[:3], "a refusal and a repeat leave none")
		assert.Equal(t, "merchant.create", told[len(told)-1][0])
		assert.Equal(t, patched.Header.Get("X-Request-Id"), log.Text("data.1.request_id"))
		assert.Equal(t, "127.0.0.0/24", log.Text("data.1.ip"), "a customer's address is cut")
		assert.Equal(t, "127.0.0.1", log.Text("data.0.ip"))
		assert.Equal(t, mia.Session, log.Text("data.1.actor.id"))
		assert.Equal(t, 1, key.Get("/v1/merchant/audit-log?action=updateMe").Must(http.StatusOK).Len("data"))
		assert.Equal(t, 2, key.Get("/v1/merchant/audit-log?subject_id="+made.Text("id")).Must(http.StatusOK).Len("data"))
		assert.Empty(t, a.Key(t, a.Merchant(t, "zenith")).Get("/v1/merchant/audit-log?action=updateMe").Must(http.StatusOK).IDs())
		require.NoError(t, a.Merchants.ChainAudit(t.Context()))
		faults, err := a.Store.Faults(t.Context(), m.ID)
		require.NoError(t, err)
		for rule, broken := range faults {
			assert.Zero(t, broken, rule)
		}
	})
}

func itoa(i int) string { return strconv.Itoa(i) }

// Whoever follows the events needs no other call: through renewals, declined cards and a bank that asks back, each thing's events are
// counted without a gap, none says nothing, and the newest shows the thing as it is.
func TestTheNewestEventShowsTheThingAsItIs(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		basic := a.Price(t, m, "Basic", 1000)
		good := a.Subscribe(t, a.Customer(t, m, "mia@mailbox.test"), basic, "tok_4242")
		bad := a.Subscribe(t, a.Customer(t, m, "noah@mailbox.test"), basic, "tok_0341")
		strict := a.Customer(t, m, "zoe@mailbox.test")
		card := key.Post("/v1/merchant/customers/"+string(strict.ID)+"/payment-methods", map[string]any{"gateway_token": "tok_3220"}).Must(http.StatusCreated)
		waiting := key.Post("/v1/merchant/payments", map[string]any{
			"customer_id": strict.ID, "payment_method_id": card.Text("id"),
			"items": []any{map[string]any{"name": "Setup", "quantity": 1, "unit_price": map[string]any{"amount": 500, "currency": "EUR"}}},
		}, idempotencyKey, "asks").Must(http.StatusAccepted)
		for range 4 {
			key.Post("/v1/merchant/clock/advance", map[string]any{"by": "P10D"}).Must(http.StatusOK)
		}
		newest, told := map[string]any{}, map[string]int{}
		for next := "?limit=100"; next != ""; {
			page := key.Get("/v1/merchant/events" + next).Must(http.StatusOK)
			for i := range page.Len("data") {
				at := "data." + itoa(i) + "."
				subject := page.Text(at + "subject_id")
				told[subject]++
				if shown, later := newest[subject]; !later {
					newest[subject] = page.At(at + "data")
				} else {
					require.NotNil(t, shown)
				}
				if strings.HasSuffix(page.Text(at+"type"), ".updated") && page.At(at+"previous_attributes") != nil {
					assert.NotEmpty(t, page.At(at+"previous_attributes"), "%s says nothing new", page.Text(at+"type"))
				}
			}
			next = ""
			if after := page.Text("page.next"); after != "" {
				next = foyertest.Query("limit", "100", "after", after)
			}
		}
		for subject, n := range told {
			assert.EqualValues(t, n, key.Get("/v1/merchant/events?limit=1&subject_id="+subject).At("data.0.sequence"), "%s: a gap", subject)
		}
		payments := key.Get("/v1/merchant/payments?limit=100").Must(http.StatusOK).IDs()
		require.Greater(t, len(payments), 4)
		require.Contains(t, payments, waiting.Text("id"))
		for _, id := range payments {
			assert.Equal(t, key.Get("/v1/merchant/payments/"+id).Must(http.StatusOK).JSON, newest[id])
		}
		for _, sub := range []string{string(good.ID), string(bad.ID)} {
			assert.Equal(t, key.Get("/v1/merchant/subscriptions/"+sub).Must(http.StatusOK).JSON, newest[sub])
		}
	})
}
