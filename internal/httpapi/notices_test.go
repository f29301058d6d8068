package httpapi_test

import (
	"context"
	"maps"
	"net/http"
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
	"foyer/internal/foyertest/tools"
	"foyer/internal/merchant"
	"foyer/internal/notify"
)

// counter is where people leave who are not signed in: a merchant with one customer, Mia, and her monthly subscription by the engine.
type counter struct {
	*foyertest.App
	merchant merchant.Merchant
	mia      billing.Customer
	price    billing.Price
	sub      billing.Subscription
	key      *foyertest.Client
}

const (
	miasName   = "Mia Reyes"
	miasEmail  = "mia@mailbox.test"
	sellerMail = "seller@acme.test"
)

func newCounter(t *testing.T, a *foyertest.App) *counter {
	t.Helper()
	c := &counter{App: a, merchant: a.Merchant(t, "acme", func(s *merchant.Settings) { s.Seller.Email = sellerMail })}
	c.mia = a.Customer(t, c.merchant, miasEmail, func(c *billing.Customer) { c.Name = miasName })
	c.price = a.Price(t, c.merchant, "Plan", 1000)
	c.sub = a.Subscribe(t, c.mia, c.price, "tok_4242")
	c.key = a.Key(t, c.merchant)
	return c
}

// declares hands in a notice: "cancellation" or "withdrawal", of Mia unless changed.
func (c *counter) declares(t *testing.T, kind string, change map[string]any, headers ...string) *foyertest.Answer {
	t.Helper()
	body := map[string]any{"name": miasName, "email": miasEmail, "contract": "my plan"}
	maps.Copy(body, change)
	return c.Client(t).Post("/v1/portals/"+string(c.merchant.Portal.ID)+"/"+kind+"-notices", body, headers...)
}

// settled waits until it is known what a notice is about, and returns it as the merchant sees it.
func (c *counter) settled(t *testing.T, id string) *foyertest.Answer {
	t.Helper()
	var found *foyertest.Answer
	require.Eventually(t, func() bool {
		found = c.key.Get("/v1/merchant/notices/" + id).Must(http.StatusOK)
		return found.Text("state") != "received"
	}, 30*time.Second, 20*time.Millisecond)
	return found
}

// now is the subscription as it stands.
func (c *counter) now(t *testing.T, id billing.SubscriptionID) billing.Subscription {
	t.Helper()
	sub, err := c.Billing.MerchantSubscription(context.Background(), c.merchant.ID, id)
	require.NoError(t, err)
	return sub
}

// awaitMail waits for a mail to the address whose subject holds the text.
func (c *counter) awaitMail(t *testing.T, to, subject string) notify.Mail {
	t.Helper()
	var found notify.Mail
	require.Eventually(t, func() bool {
		mails := c.Mails(t, to)
		i := slices.IndexFunc(mails, func(m notify.Mail) bool { return strings.Contains(m.Subject, subject) })
		if i >= 0 {
			found = mails[i]
		}
		return i >= 0
	}, 30*time.Second, 20*time.Millisecond, "no mail to %s about %s", to, subject)
	return found
}

// Threat: a form that tells who is a customer (CWE-204). The answer is the same whether anything matches or not.
func TestANoticeIsAnsweredTheSameWhoeverIsMeant(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		gone := a.Customer(t, c.merchant, "gone@mailbox.test", func(c *billing.Customer) { c.Name, c.Archived = miasName, true })
		for _, kind := range []string{"cancellation", "withdrawal"} {
			shape := ""
			for who, change := range map[string]map[string]any{
				"a customer": nil, "a wrong name": {"name": "Mia Riley"}, "nobody": {"email": "stranger@mailbox.test"},
				"an archived customer": {"email": gone.Email}, "a foreign subscription": {"contract": "sub_01kb3v5q8r9s0t1v2w3x4y5z6a"},
			} {
				answer := c.declares(t, kind, change).Must(http.StatusCreated)
				body, ok := answer.JSON.(map[string]any)
				require.True(t, ok)
				assert.Equal(t, []string{"id", "receipt_url", "received_at"}, slices.Sorted(maps.Keys(body)))
				assert.Regexp(t, `^ntc_[0-9a-z]{26}$`, answer.Text("id"))
				assert.Regexp(t, `^https://billing\.test/v1/downloads/[A-Za-z0-9_-]+$`, answer.Text("receipt_url"))
				c.settled(t, answer.Text("id"))
				for field := range body {
					body[field] = ""
				}
				if shape == "" {
					shape = told(answer)
				}
				assert.Equal(t, shape, told(answer), who)
			}
		}
		assert.Empty(t, wentWrong(a))
	})
}

// Threat: the same by the time it takes (CWE-208). Receiving a notice looks nobody up: it is received while nobody can be.
func TestNobodyIsLookedUpWhileANoticeIsReceived(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		tables := []string{"customers", "subscriptions", "payments"}
		for _, table := range tables {
			_, err := a.Store.SQL().ExecContext(t.Context(), "ALTER TABLE "+table+" RENAME TO "+table+"_away")
			require.NoError(t, err)
		}
		answer := c.declares(t, "cancellation", nil).Must(http.StatusCreated)
		for _, table := range tables {
			_, err := a.Store.SQL().ExecContext(t.Context(), "ALTER TABLE "+table+"_away RENAME TO "+table)
			require.NoError(t, err)
		}
		assert.Equal(t, "matched", c.settled(t, answer.Text("id")).Text("state"), "found afterwards")
	})
}

// § 312k (3) and (4) BGB: the receipt can be kept at once, and is mailed, with content, date and time.
func TestTheReceiptIsThereAtOnce(t *testing.T) {
	t.Parallel()
	tools.RequireTool(t, "pdftotext")
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		answer := c.declares(t, "cancellation", map[string]any{
			"name": "Jörg Müller", "email": "joerg@mailbox.test", "contract": "Vertrag Nr. 4711", "kind": "extraordinary", "reason": "Seit Mai gestört.\nKeine Abhilfe.",
			"end_at": a.Clock.Now().AddDate(0, 2, 0).UTC().Format(time.RFC3339),
		}, "Accept-Language", "de").Must(http.StatusCreated)
		path := strings.TrimPrefix(answer.Text("receipt_url"), "https://billing.test")
		got := a.Client(t).Get(path).Must(http.StatusOK)
		assert.Equal(t, "attachment; filename=kuendigung-eingang-"+strings.ReplaceAll(answer.Text("id"), "_", "-")+".pdf", got.Header.Get("Content-Disposition"))
		text := textOf(t, got.Body)
		for _, want := range []string{
			"Eingangsbestätigung Ihrer Kündigung", answer.Text("id"), "Jörg Müller", "joerg@mailbox.test", "Vertrag Nr. 4711", "Außerordentliche Kündigung", "Seit Mai gestört.",
			"acme GmbH", a.Clock.Now().UTC().Format("2006"), "UTC",
		} {
			assert.Contains(t, strings.ReplaceAll(text, "\u00a0", " "), want)
		}
		assert.NotContains(t, text, "UTC UTC")
		assert.Contains(t, textOf(t, a.Client(t).Get(path+"?locale=en").Must(http.StatusOK).Body), "Receipt of your cancellation")

		mail := a.AwaitMails(t, "joerg@mailbox.test", 1)[0]
		assert.Equal(t, "Ihre Kündigung ist eingegangen (acme)", mail.Subject)
		assert.Contains(t, mail.Text, "Vertrag Nr. 4711")
		assert.Contains(t, mail.Text, answer.Text("id"))
		assert.NotContains(t, mail.Text+mail.HTML, "gestört", "the free text stands in the document only")
		require.Len(t, mail.Attachments, 1)
		assert.Equal(t, text, textOf(t, mail.Attachments[0].Content))

		a.Clock.Advance(30*24*time.Hour - time.Minute)
		a.Client(t).Get(path).Must(http.StatusOK)
		a.Clock.Advance(2 * time.Minute)
		a.Client(t).Get(path).Refused(http.StatusNotFound, "download.invalid")
	})
}

var keepTicket = regexp.MustCompile(`Keep subscription:\nhttps://\S+#ticket=(\S+)`)

// Threat: ending a stranger's subscription with a name and an address. It never ends at once, and whoever has the address on file is
// told, with a link to undo it.
func TestAMatchedNoticeEndsTheSubscriptionWithItsPeriodAndCanBeUndone(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		ends := c.sub.CurrentPeriod.End
		answer := c.declares(t, "cancellation", map[string]any{"name": "MIA  réyes", "email": "MIA@mailbox.test"}).Must(http.StatusCreated)
		found := c.settled(t, answer.Text("id"))
		assert.Equal(t, "matched", found.Text("state"))
		assert.Equal(t, string(c.sub.ID), found.Text("subscription_id"))
		assert.Equal(t, "received", found.Text("evidence.0.kind"))
		assert.Equal(t, "Receipt of your cancellation", found.Text("evidence.0.shown.headline"))
		assert.Equal(t, "matched", found.Text("evidence.1.kind"))
		sub := c.now(t, c.sub.ID)
		assert.Equal(t, billing.SubscriptionActive, sub.Status)
		assert.Equal(t, ends, sub.ScheduledChange.EffectiveAt)
		way := c.key.Get("/v1/merchant/cancellations/" + found.Text("cancellation_id")).Must(http.StatusOK)
		assert.Equal(t, []any{"scheduled", "notice", answer.Text("received_at")}, []any{way.At("state"), way.At("origin"), way.At("received_at")})

		received := c.awaitMail(t, miasEmail, "We have received your cancellation")
		assert.NotContains(t, received.Text, "Plan\n", "the receipt doesn't say what was found")
		told := c.awaitMail(t, miasEmail, "ends on")
		require.Len(t, told.Attachments, 1)
		ticket := keepTicket.FindStringSubmatch(told.Text)
		require.NotNil(t, ticket, told.Text)
		undo := a.Client(t)
		undo.Adopt(undo.Post("/v1/portal-sessions/exchange", map[string]any{"ticket": ticket[1]}).Must(http.StatusOK))
		undo.Delete("/v1/subscriptions/" + string(c.sub.ID) + "/scheduled-change").Must(http.StatusOK)
		assert.Nil(t, c.now(t, c.sub.ID).ScheduledChange)
		a.Until(t, c.merchant, ends.Add(time.Hour))
		assert.Equal(t, billing.SubscriptionActive, c.now(t, c.sub.ID).Status)

		events, err := a.Store.Events(t.Context(), c.merchant.ID, notify.EventFilter{Subject: answer.Text("id")}, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		assert.Equal(t, []string{"notice.matched", "notice.created"}, []string{string(events[0].Type), string(events[1].Type)})
		exported := a.SignIn(t, c.merchant, miasEmail).Get("/v1/me/export").Must(http.StatusOK)
		assert.Equal(t, answer.Text("id"), exported.Text("notices.0.id"))
	})
}

func TestANoticeEndsItThenOrOnTheLaterDateNamed(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		first := c.sub.CurrentPeriod.End
		soon := c.declares(t, "cancellation", map[string]any{"end_at": first.Add(-time.Hour)}).Must(http.StatusCreated)
		assert.Equal(t, "matched", c.settled(t, soon.Text("id")).Text("state"))
		assert.Equal(t, first, c.now(t, c.sub.ID).ScheduledChange.EffectiveAt)
		again := c.settled(t, c.declares(t, "cancellation", map[string]any{"end_at": first.AddDate(0, 0, 10)}).Must(http.StatusCreated).Text("id"))
		assert.Equal(t, "matched", again.Text("state"))
		assert.Nil(t, again.At("cancellation_id"), "it ends sooner already: nothing more comes of it")
		assert.Equal(t, first, c.now(t, c.sub.ID).ScheduledChange.EffectiveAt)
		a.Until(t, c.merchant, first.Add(-time.Minute))
		assert.Equal(t, billing.SubscriptionActive, c.now(t, c.sub.ID).Status)
		a.Until(t, c.merchant, first.Add(time.Minute))
		assert.Equal(t, billing.SubscriptionCanceled, c.now(t, c.sub.ID).Status)

		later := a.Subscribe(t, c.mia, c.price, "tok_4242")
		second := foyer.Cycle{Interval: foyer.Month, Frequency: 1}.Next(*later.AnchorAt, later.CurrentPeriod.End)
		c.settled(t, c.declares(t, "cancellation", map[string]any{"end_at": later.CurrentPeriod.End.AddDate(0, 0, 10)}).Must(http.StatusCreated).Text("id"))
		a.Until(t, c.merchant, second.Add(-time.Minute))
		assert.Equal(t, billing.SubscriptionActive, c.now(t, later.ID).Status, "it renews until the date named")
		a.Until(t, c.merchant, second.Add(time.Minute))
		assert.Equal(t, billing.SubscriptionCanceled, c.now(t, later.ID).Status)
	})
}

// What ends at once when its customer says so, doesn't when somebody does who isn't signed in.
func TestANoticeNeverEndsAnythingAtOnce(t *testing.T) {
	t.Parallel()
	for _, status := range []billing.SubscriptionStatus{billing.SubscriptionPastDue, billing.SubscriptionPaused, billing.SubscriptionTrialing} {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			a := foyertest.New(t, "sqlite")
			c := newCounter(t, a)
			other := a.Customer(t, c.merchant, "noah@mailbox.test", func(c *billing.Customer) { c.Name = "Noah" })
			sub := a.Subscription(t, other, func(s *billing.Subscription) {
				s.Provider, s.Status = billing.ProviderNative, status
				if status == billing.SubscriptionTrialing {
					s.Trial = s.CurrentPeriod
				}
			})
			found := c.settled(t, c.declares(t, "cancellation", map[string]any{"name": "Noah", "email": other.Email}).Must(http.StatusCreated).Text("id"))
			assert.Equal(t, "matched", found.Text("state"))
			after := c.now(t, sub.ID)
			assert.Equal(t, status, after.Status)
			require.NotNil(t, after.ScheduledChange)
			assert.Equal(t, billing.ScheduleCancel, after.ScheduledChange.Action)
			assert.True(t, after.ScheduledChange.EffectiveAt.After(a.Clock.Now().AddDate(0, 0, 10)))
		})
	}
}

// The customer's own unfinished way out comes to its end with it.
func TestANoticeOvertakesAnOpenCancellation(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		mia := a.SignIn(t, c.merchant, miasEmail)
		open := mia.Post("/v1/subscriptions/"+string(c.sub.ID)+"/cancellations", nil).Must(http.StatusCreated).Text("id")
		c.settled(t, c.declares(t, "cancellation", nil).Must(http.StatusCreated).Text("id"))
		assert.Equal(t, "scheduled", mia.Get("/v1/cancellations/"+open).Must(http.StatusOK).Text("state"))
	})
}
