package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

// calendar is what was ordered to be mailed to a customer, each with its day by the merchant's clock: "02-17 receipt".
func calendar(t *testing.T, a *foyertest.App, c billing.Customer) []string {
	t.Helper()
	orders, err := a.Store.MailOrders(context.Background(), foyertest.As(c).Scope)
	require.NoError(t, err)
	out := make([]string, len(orders))
	for i, o := range orders {
		out[i] = o.At.Format("2006-01-02 ") + string(o.Kind)
	}
	slices.Sort(out) // those of one transaction have one time
	for i := range out {
		out[i] = out[i][len("2006-"):]
	}
	return out
}

// january is a morning of next year: no February that may have 29 days lies between it and what is counted back from a day of the calendar.
func january(t *testing.T, a *foyertest.App, m merchant.Merchant) time.Time {
	t.Helper()
	began := time.Date(time.Now().Year()+1, 1, 17, 9, 0, 0, 0, time.UTC)
	a.Until(t, m, began)
	return began
}

func in(country foyer.Country, region string) func(*billing.Customer) {
	return func(c *billing.Customer) {
		c.Address = billing.Address{Line1: "1 Main Street", City: "Town", Region: region, PostalCode: "90001", Country: country}
	}
}

// slug is a name without spaces.
func slug(name string) string { return strings.ReplaceAll(strings.ToLower(name), ", ", ".") }

func everyYear(p *billing.Price) { p.Cycle = &foyer.Cycle{Interval: foyer.Year, Frequency: 1} }

// until moves the clock through the API, in as many calls as it takes.
func until(t *testing.T, key *foyertest.Client, to time.Time) {
	t.Helper()
	for i := range 100 {
		answer := key.Post("/v1/merchant/clock/advance", map[string]any{"to": to}, foyertest.Keyed(fmt.Sprint(to.Unix(), "-", i))...)
		if answer.Status == http.StatusOK {
			return
		}
		require.Equal(t, http.StatusAccepted, answer.Status, "%s", answer.Body)
	}
	require.Fail(t, "the clock does not arrive")
}

// 400 days of two Californians and of two who live where no law is known: precisely which mails come on which day.
func TestWhatFourCustomersAreMailedIn400Days(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		began := january(t, a, m)
		month, year := a.Price(t, m, "Monthly", 1000), a.Price(t, m, "Yearly", 10000, everyYear)
		customers := map[string]billing.Customer{}
		for name, c := range map[string]struct {
			price billing.Price
			place func(*billing.Customer)
		}{
			"monthly, California": {month, in("US", "California")}, "yearly, California": {year, in("US", "CA")},
			"monthly, Nevada": {month, in("US", "NV")}, "yearly, Nevada": {year, in("US", "Nevada")},
		} {
			customers[name] = a.Customer(t, m, slug(name)+"@mailbox.test", c.place)
			method := key.Post("/v1/merchant/customers/"+string(customers[name].ID)+"/payment-methods", map[string]any{"gateway_token": "tok_4242"}, foyertest.Keyed("method-"+slug(name))...).
				Must(http.StatusCreated).Text("id")
			key.Post(merchantSubscriptions, map[string]any{"customer_id": customers[name].ID, "items": items(c.price, 1), "payment_method_id": method}, foyertest.Keyed(slug(name))...).
				Must(http.StatusCreated)
		}
		until(t, key, began.AddDate(0, 0, 200))
		until(t, key, began.AddDate(0, 0, 400))

		monthly := []string{"01-17 receipt", "01-17 welcome"}
		for n := 2; n <= 12; n++ {
			monthly = append(monthly, fmt.Sprintf("%02d-17 receipt", n))
		}
		assert.Equal(t, append(slices.Clone(monthly), "01-17 receipt", "02-17 receipt"), calendar(t, a, customers["monthly, Nevada"]))
		assert.Equal(t, append(slices.Clone(monthly), "01-17 receipt", "01-17 yearly_reminder", "02-17 receipt"), calendar(t, a, customers["monthly, California"]))
		assert.Equal(t, []string{"01-17 receipt", "01-17 welcome", "01-10 renewal_coming", "01-17 receipt"}, calendar(t, a, customers["yearly, Nevada"]))
		assert.Equal(t, []string{"01-17 receipt", "01-17 welcome", "12-13 renewal_coming", "01-17 receipt", "01-17 yearly_reminder"}, calendar(t, a, customers["yearly, California"]))

		for name, n := range map[string]int{"monthly, California": 16, "yearly, California": 5, "yearly, Nevada": 4} {
			mails := a.AwaitMails(t, customers[name].Email, n)
			assert.Len(t, mails, n, name)
			for _, mail := range mails {
				assert.NotContains(t, mail.Text, "{{")
				assert.Contains(t, mail.Text, "/cancel#ticket=", mail.Subject)
				assert.Contains(t, mail.Text, "/payment-method#ticket=", mail.Subject)
				if strings.HasPrefix(mail.Subject, "Reminder:") && strings.HasPrefix(name, "monthly") {
					for _, words := range []string{"yearly reminder", "Monthly", "€11.90 a month", "until you cancel it", "You can cancel at any time", "February 17", "To cancel, use the link"} {
						assert.Contains(t, strings.ReplaceAll(mail.Text, "\u00a0", " "), words)
					}
				}
			}
		}
	})
}

// What the customer decides moves what they are told of, or takes it away.
func TestRemindersFollowWhatIsDecided(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := &leaver{App: a, merchant: a.Merchant(t, "acme")}
		l.key = a.Key(t, l.merchant)
		began := january(t, a, l.merchant)
		trial := a.Price(t, l.merchant, "Trial", 1000, func(p *billing.Price) { p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 30} })
		month, year := a.Price(t, l.merchant, "Month", 1000), a.Price(t, l.merchant, "Year", 10000, everyYear)
		l.offers(t, rule("longer", "trial_extension", object{"days": 14}), rule("stay", "discount", percentOff("30", 3)))
		with := func(name string, price billing.Price, place func(*billing.Customer)) *leaver {
			n := *l
			n.price = price
			return n.next(t, name+"@mailbox.test", place)
		}
		// Each begins on 17 January; a trial of 30 days ends on 16 February and is told of on the 8th.
		plain := with("plain", trial, in("DE", ""))
		extended := with("extended", trial, in("DE", ""))
		leaving := with("leaving", trial, in("DE", ""))
		back := with("back", trial, in("DE", ""))
		lowered := with("lowered", month, in("DE", ""))
		yearly := with("yearly", year, in("DE", ""))
		pausing := with("pausing", year, in("DE", ""))
		moving := with("moving", year, in("US", "NV"))
		left := with("left", year, in("US", "CA"))
		cancel := func(l *leaver) {
			l.mia.Post(l.path("/cancellations"), object{"confirm": true}).Must(http.StatusCreated)
		}

		until(t, l.key, began.AddDate(0, 0, 5))
		extended.act(t, extended.start(t), "accept_offer").Must(http.StatusOK)
		cancel(leaving)
		cancel(back)
		lowered.act(t, lowered.start(t), "accept_offer").Must(http.StatusOK)
		pausing.mia.Post(pausing.path("/pause"), object{}).Must(http.StatusOK)
		until(t, l.key, began.AddDate(0, 0, 25)) // 11 February
		back.mia.Delete(back.path("/scheduled-change")).Must(http.StatusOK)
		moving.mia.Patch("/v1/me", object{"address": object{"region": "California"}}).Must(http.StatusOK)
		left.mia.Patch("/v1/me", object{"address": object{"country": "CH", "region": nil}}).Must(http.StatusOK)
		until(t, l.key, began.AddDate(0, 0, 200))
		until(t, l.key, began.AddDate(0, 0, 400))

		starts := func(mails []string, most int) []string { return mails[:min(most, len(mails))] }
		assert.Equal(t, []string{"01-17 welcome", "02-08 trial_ending", "02-16 receipt"}, starts(calendar(t, a, plain.customer), 3))
		assert.Equal(t, []string{"01-17 welcome", "01-22 trial_extended", "02-22 trial_ending", "03-02 receipt"}, starts(calendar(t, a, extended.customer), 4))
		assert.Equal(t, []string{"01-17 welcome", "01-22 cancellation_scheduled", "02-16 canceled"}, calendar(t, a, leaving.customer))
		assert.Equal(t, []string{"01-17 welcome", "01-22 cancellation_scheduled", "02-11 kept", "02-11 trial_ending", "02-16 receipt"}, starts(calendar(t, a, back.customer), 5), "told as soon as it is so again")
		assert.Equal(t, []string{"01-17 receipt", "01-17 welcome", "01-22 discount_applied", "02-17 receipt", "03-17 receipt", "04-17 receipt", "05-09 discount_ending", "05-17 receipt"},
			starts(calendar(t, a, lowered.customer), 8))
		assert.Equal(t, []string{"01-17 receipt", "01-17 welcome", "12-13 renewal_coming", "01-17 receipt"}, calendar(t, a, yearly.customer))
		assert.Equal(t, []string{"01-17 receipt", "01-17 welcome", "01-22 pause_scheduled", "01-17 paused"}, calendar(t, a, pausing.customer))
		assert.Equal(t, []string{"01-17 receipt", "01-17 welcome", "12-13 renewal_coming", "01-17 receipt", "01-17 yearly_reminder"}, calendar(t, a, moving.customer))
		assert.Equal(t, []string{"01-17 receipt", "01-17 welcome", "01-10 renewal_coming", "01-17 receipt"}, calendar(t, a, left.customer))
	})
}

// Two processes that find the same due tell of it once; one that was down tells of what is still to come; rows of before anybody asked
// where customers live are asked about once, and nobody is flooded.
func TestRemindersComeOnceFromTwoProcesses(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		began := january(t, a, m)
		price := a.Price(t, m, "Yearly", 10000, everyYear)
		var customers []billing.Customer
		for i := range 10 {
			c := a.Customer(t, m, foyertest.Email(i), in("US", "CA"))
			a.Subscribe(t, c, price, "tok_4242")
			customers = append(customers, c)
		}
		_, err := a.Store.SQL().Exec("UPDATE subscriptions SET reminders = NULL, due_at = created_at, remind_at = period_ends_at")
		require.NoError(t, err)
		second := a.Second(t)
		engines := []*foyertest.App{a, second}
		both := func(at time.Time) {
			t.Helper()
			require.NoError(t, a.Merchants.MoveClock(context.Background(), m.ID, at))
			failed := together(8, func(i int) string {
				if err := engines[i%2].Engine.RunDue(context.Background(), m.ID); err != nil {
					return err.Error()
				}
				return ""
			})
			require.Equal(t, map[string]int{"": 8}, failed)
		}
		both(began.AddDate(0, 0, 1))
		for _, c := range customers {
			subs, err := a.Store.Subscriptions(context.Background(), foyertest.As(c).Scope, nil, foyer.PageRequest{Limit: 1})
			require.NoError(t, err)
			assert.Equal(t, billing.Territory("US-CA"), subs[0].Territory)
		}
		both(began.AddDate(1, 0, -20)) // a fortnight late, and still before the renewal
		both(began.AddDate(1, 0, -19))
		both(began.AddDate(1, 0, 3))
		both(began.AddDate(1, 0, 4))
		for _, c := range customers {
			assert.Equal(t, []string{"01-17 receipt", "01-17 welcome", "12-28 renewal_coming", "01-20 receipt", "01-20 yearly_reminder"}, calendar(t, a, c))
		}
		// Down for a whole year: the renewal is not announced after it came, the year's reminder is of this year.
		both(began.AddDate(2, 0, 10))
		both(began.AddDate(2, 0, 10))
		for _, c := range customers {
			assert.Equal(t, []string{"01-27 receipt", "01-27 yearly_reminder"}, calendar(t, a, c)[5:])
			assert.Len(t, a.AwaitMails(t, c.Email, 7), 7)
		}
	})
}
