package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

// said is a status and its code.
func said(a *foyertest.Answer) string { return fmt.Sprint(a.Status, " ", a.Text("code")) }

// served counts those who waited too long for a busy machine, and were told so (503), with those who came too late: for both, nothing
// was done.
func served(answers map[string]int) map[string]int {
	out := map[string]int{}
	for answer, n := range answers {
		out[strings.Replace(answer, "503 unavailable", "409 cancellation.closed", 1)] += n
	}
	return out
}

var stayThree = rule("stay", "discount", percentOff("30", 3), object{"limits": object{"budget": object{"offers": 1000}}})

// A gift changes nothing at billing, whose own rules would not let a discount be given twice: here only the cancellation's guard it.
func TestAHundredAcceptsAreOne(t *testing.T) {
	t.Parallel()
	gift := rule("gift", "custom", nil, object{"headline": object{"en": "A mug"}, "limits": object{"budget": object{"offers": 1000}}})
	for name, c := range map[string]struct {
		rule    object
		changes int64
		told    map[string]int
		mailed  map[billing.MailKind]int
		used    [2]int64
	}{
		"a discount": {
			stayThree, 1,
			map[string]int{"offer.accepted": 1, "cancellation.saved": 1, "subscription.updated": 1},
			map[billing.MailKind]int{billing.MailDiscountApplied: 1},
			[2]int64{1, (2379 - 1665) * 3},
		},
		"a gift": {gift, 0, map[string]int{"offer.accepted": 1, "cancellation.saved": 1}, map[billing.MailKind]int{}, [2]int64{1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
				l := newLeaver(t, a)
				l.offers(t, c.rule)
				open := l.start(t)
				version, told, mailed := l.now(t).Version, l.told(t), l.mailed(t)
				path, body := open.Text("actions.accept_offer.path"), open.At("actions.accept_offer.body")
				answers := together(100, func(i int) string {
					return said(l.mia.Post(path, body, foyertest.Keyed(fmt.Sprint("key-", i))...))
				})
				assert.Equal(t, map[string]int{"200 ": 1, "409 cancellation.closed": 99}, served(answers))
				assert.Equal(t, version+c.changes, l.now(t).Version, "changed once")
				assert.Equal(t, c.told, since(told, l.told(t)))
				assert.Equal(t, c.mailed, since(mailed, l.mailed(t)))
				assert.Equal(t, c.used, l.used(t, c.rule["key"].(string)))
			})
		})
	}
}

func TestTheSameAcceptTwentyTimesIsTheSameAnswer(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.offers(t, stayThree)
		open := l.start(t)
		version := l.now(t).Version
		accept := func() *foyertest.Answer {
			return l.mia.Post(open.Text("actions.accept_offer.path"), open.At("actions.accept_offer.body"), foyertest.Keyed("one")...)
		}
		answers := together(20, func(int) string {
			answer := accept()
			return said(answer) + answer.Text("state") + string(answer.Body)
		})
		for answer := range answers {
			assert.Regexp(t, "^(200 saved|409 idempotency.in_progress)", answer)
		}
		first := accept().Must(http.StatusOK)
		assert.Equal(t, "true", first.Header.Get("Idempotency-Replayed"))
		assert.Equal(t, string(first.Body), string(accept().Must(http.StatusOK).Body))
		assert.Positive(t, answers["200 saved"+string(first.Body)], "those that were told got the same")
		assert.Equal(t, version+1, l.now(t).Version)
	})
}

// Fifty who confirm against fifty who accept, again and again: the customer is saved with a discount, or leaves without.
func TestConfirmAgainstAccept(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		second := a.Second(t).Client(t)
		second.Token = l.mia.Token
		l.offers(t, stayThree)
		ends := map[string]int{}
		for round := range 20 {
			one := l.another(t)
			open := one.start(t)
			require.Equal(t, "offered", open.Text("state"))
			id := "/v1/cancellations/" + open.Text("id")
			version, told, mailed, used := one.now(t).Version, one.told(t), one.mailed(t), one.used(t, "stay")
			answers := together(100, func(i int) string {
				key := foyertest.Keyed(fmt.Sprint(round, "-", i))
				if i%2 == 0 {
					return "confirm " + said(second.Post(id+"/confirm", nil, key...))
				}
				return "accept " + said(one.mia.Post(id+"/offer/accept", object{"offer_id": open.Text("offer.id")}, key...))
			})
			after, sub := one.mia.Get(id).Must(http.StatusOK), one.now(t)
			ends[after.Text("state")]++
			assert.Equal(t, version+1, sub.Version, "%v", answers)
			switch after.Text("state") {
			case "saved":
				assert.Equal(t, map[string]int{"accept 200 ": 1, "accept 409 cancellation.closed": 49, "confirm 409 cancellation.closed": 50}, served(answers))
				assert.NotNil(t, sub.Discount)
				assert.Nil(t, sub.ScheduledChange)
				assert.Equal(t, map[string]int{"offer.accepted": 1, "cancellation.saved": 1, "subscription.updated": 1}, since(told, one.told(t)))
				assert.Equal(t, map[billing.MailKind]int{billing.MailDiscountApplied: 1}, since(mailed, one.mailed(t)))
				assert.Equal(t, used, one.used(t, "stay"), "it was counted when it was shown")
			case "scheduled":
				assert.Equal(t, map[string]int{"confirm 200 ": 1, "confirm 409 cancellation.closed": 49, "accept 409 cancellation.closed": 50}, served(answers))
				assert.Nil(t, sub.Discount)
				assert.Equal(t, billing.ScheduleCancel, sub.ScheduledChange.Action)
				assert.Equal(t, map[string]int{"offer.declined": 1, "cancellation.scheduled": 1, "subscription.updated": 1}, since(told, one.told(t)))
				assert.Equal(t, map[billing.MailKind]int{billing.MailCancellationScheduled: 1}, since(mailed, one.mailed(t)))
				assert.Equal(t, [2]int64{used[0] - 1, used[1] - 3*(2379-1665)}, one.used(t, "stay"), "given back")
			default:
				t.Errorf("ended as %s: %v", after.Text("state"), answers)
			}
		}
		assert.Equal(t, [2]int64{int64(ends["saved"]), int64(ends["saved"]) * 3 * (2379 - 1665)}, l.used(t, "stay"))
		t.Log(ends)
	})
}

// Canceled in the second of the renewal, by two processes while both do what is due: the customer leaves with the period before or
// with the one just paid, never with a bill for nothing and never without an end.
func TestCanceledInTheSecondOfTheRenewal(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		ctx := context.Background()
		l := newLeaver(t, a)
		l.offers(t, stayThree)
		processes := []*foyertest.App{a, a.Second(t)}
		ends, all := map[string]int{}, []*leaver{}
		for round := range 6 {
			var leaving []*leaver
			var due time.Time
			for range 4 {
				one := l.another(t)
				if end := one.sub.CurrentPeriod.End; end.After(due) {
					due = end
				}
				leaving = append(leaving, one)
			}
			all = append(all, leaving...)
			a.Until(t, l.merchant, due.Add(-time.Minute))
			var opens []string
			for _, one := range leaving {
				opens = append(opens, "/v1/cancellations/"+one.start(t).Text("id"))
			}
			require.NoError(t, a.Merchants.MoveClock(ctx, l.merchant.ID, due)) // who comes first is chance from here
			var wait sync.WaitGroup
			for j, process := range processes {
				wait.Go(func() {
					time.Sleep(time.Duration(round*round) * 10 * time.Millisecond) // who wins changes from round to round
					assert.NoError(t, process.Engine.RunDue(ctx, l.merchant.ID))
				})
				for i := range leaving {
					client := process.Client(t)
					client.Token = l.mia.Token
					wait.Go(func() {
						time.Sleep(time.Duration(i) * 10 * time.Millisecond)
						answer := client.Post(opens[i]+"/confirm", nil, foyertest.Keyed(fmt.Sprintf("%d-%d-%d", round, i, j))...)
						assert.Contains(t, []string{"200 ", "409 cancellation.closed"}, said(answer), "%s", answer.Body)
					})
				}
			}
			wait.Wait()
			a.Until(t, l.merchant, due.Add(time.Minute)) // what waited for the other process
			for i, one := range leaving {
				sub, c := one.now(t), l.mia.Get(opens[i]).Must(http.StatusOK)
				paid := l.mia.Get("/v1/payments?subscription_id=" + string(sub.ID) + "&status=completed").Must(http.StatusOK).Len("data")
				ends[fmt.Sprint(c.Text("state"), " ", paid)]++
				assert.Empty(t, sub.OpenPayment)
				switch c.Text("state") {
				case "canceled":
					assert.Equal(t, billing.SubscriptionCanceled, sub.Status)
					assert.Equal(t, 1, paid, "nothing was charged for a period that never began")
				case "scheduled":
					assert.Equal(t, billing.SubscriptionActive, sub.Status)
					assert.Equal(t, 2, paid)
					assert.Equal(t, sub.CurrentPeriod.End.Format(time.RFC3339Nano), c.Text("effective_at"), "the end of the period just paid")
					assert.True(t, sub.ScheduledChange.EffectiveAt.Equal(sub.CurrentPeriod.End))
				default:
					t.Error(c.Text("state"))
				}
			}
		}
		t.Log(ends)
		a.Until(t, l.merchant, l.now(t).CurrentPeriod.End.AddDate(0, 2, 0))
		for _, one := range all {
			assert.Equal(t, billing.SubscriptionCanceled, one.now(t).Status, "all have left in the end")
		}
		told := l.told(t)
		assert.Equal(t, len(all), told["cancellation.canceled"])
		assert.Equal(t, len(all), told["subscription.canceled"])
		assert.Equal(t, len(all), l.mailed(t)[billing.MailCanceled])
	})
}
