package httpapi_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/i18n"
)

// The whole way, with everything a merchant can set on it: survey, two offers (an Irish customer's law knows one, so she sits in
// Japan), confirmation, receipt, and undone again.
func TestTheWholeWayOut(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l = l.next(t, "yuki@mailbox.test", func(c *billing.Customer) { c.Address.Country, c.Name = "JP", "Yuki Tanaka" })
		l.decides(t, object{
			"survey": object{
				"reasons": []any{object{"id": "too_expensive"}, object{"id": "moving", "label": object{"en": "I am moving", "de": "Ich ziehe um"}}},
				"liked":   []any{object{"id": "coffee", "label": object{"en": "The coffee"}}},
			},
			"value_proposition": object{
				"headline": object{"en": "Are you sure?", "de": "Wirklich?"}, "body": object{"en": "So much is waiting."},
				"losses": []any{object{"en": "Your archive", "de": "Ihr Archiv"}},
			},
			"offers": []any{
				rule("break", "pause", object{"periods": 2}, object{"priority": 1}),
				rule("stay", "discount", percentOff("30", 3), object{"priority": 5, "when": object{"reasons": []any{"moving"}}, "headline": object{"de": "Bleiben Sie"}}),
				rule("talk", "contact", object{"kind": "meeting"}, object{"url": "https://acme.test/talk"}),
			},
		})
		german := "?locale=de"
		open := l.mia.Post(l.path("/cancellations")+german, nil).Must(http.StatusCreated)
		assert.Equal(t, "survey", open.Text("step"))
		assert.Equal(t, "default", open.Text("legal.profile"))
		labels := map[string]string{}
		for i := range open.Len("survey.questions") {
			at := "survey.questions." + strconv.Itoa(i)
			assert.Equal(t, false, open.At(at+".required"))
			for j := range open.Len(at + ".options") {
				option := at + ".options." + strconv.Itoa(j)
				labels[open.Text(at+".id")+" "+open.Text(option+".id")] = open.Text(option + ".label")
			}
		}
		assert.Equal(t, map[string]string{"reason too_expensive": "Es ist mir zu teuer", "reason moving": "Ich ziehe um", "liked coffee": "The coffee"}, labels)
		assert.Equal(t, 3, open.Len("survey.questions"), "and the free text")
		id := "/v1/cancellations/" + open.Text("id")
		english := l.mia.Get(id + "?locale=en").Must(http.StatusOK)
		assert.Equal(t, "I am moving", english.Text("survey.questions.0.options.1.label"))

		sub := l.now(t)
		facts := "value_proposition."
		assert.Equal(t, "Wirklich?", open.Text(facts+"headline"))
		assert.Equal(t, "So much is waiting.", open.Text(facts+"body"), "the only language there is")
		assert.Equal(t, sub.StartedAt.Format(time.RFC3339Nano), open.Text(facts+"facts.member_since"))
		assert.Equal(t, sub.NextBilledAt.Format(time.RFC3339Nano), open.Text(facts+"facts.next_payment.at"))
		assert.EqualValues(t, 2379, open.At(facts+"facts.next_payment.total.amount"))
		assert.Equal(t, []any{"Pro", "Ihr Archiv"}, open.At(facts+"facts.losses"))
		ends := sub.CurrentPeriod.End
		assert.Equal(t, ends.Format(time.RFC3339Nano), open.Text("keeps.until"))
		de, _ := i18n.Find("de")
		assert.Contains(t, open.Text("keeps.text"), de.Date(ends))

		l.mia.Post(id+"/answers", object{"reason": "too_dear", "liked": "support"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		assert.Equal(t, "survey", l.mia.Get(id).Text("step"))
		offered := l.mia.Post(id+"/answers"+german, object{"reason": "moving", "comment": "Nach Kyōto."}).Must(http.StatusOK)
		assert.Equal(t, "offered", offered.Text("state"))
		assert.Equal(t, "offer", offered.Text("step"))
		assert.Equal(t, "discount", offered.Text("offer.type"))
		assert.Equal(t, "Bleiben Sie", offered.Text("offer.headline"))
		assert.Nil(t, offered.At("survey"))
		assert.EqualValues(t, 1665, offered.At("offer.terms.price_now.amount"), "1999 less 600, and 266 tax")
		assert.EqualValues(t, 2379, offered.At("offer.terms.price_later.amount"))
		assert.Contains(t, offered.Text("offer.body"), "16,65")
		assert.Equal(t, "Nach Kyōto.", offered.Text("answers.comment"))
		resumed := l.mia.Post(l.path("/cancellations")+german, nil).Must(http.StatusCreated)
		assert.JSONEq(t, string(offered.Body), string(resumed.Body), "it goes on where it was")

		second := l.act(t, offered, "decline_offer").Must(http.StatusOK)
		assert.Equal(t, "pause", second.Text("offer.type"), "the next one by priority")
		assert.NotEqual(t, offered.Text("offer.id"), second.Text("offer.id"))
		confirm := l.act(t, second, "decline_offer").Must(http.StatusOK)
		assert.Equal(t, "confirm", confirm.Text("step"))
		assert.Equal(t, "open", confirm.Text("state"))
		assert.Nil(t, confirm.At("offer"), "two are the most")
		l.mia.Post(id+"/offer/decline", nil).Refused(http.StatusConflict, "offer.none")
		assert.Nil(t, l.now(t).ScheduledChange)

		done := l.mia.Post(id+"/confirm"+german, object{"effective": "period_end"}).Must(http.StatusOK)
		assert.Equal(t, "scheduled", done.Text("state"))
		assert.NotEmpty(t, done.Text("received_at"))
		receipt := l.mia.Get(done.Text("actions.receipt.path") + german).Must(http.StatusOK)
		assert.Equal(t, "application/pdf", receipt.Header.Get("Content-Type"))
		text := pdfText(t, receipt.Body)
		for _, words := range []string{open.Text("id"), "Yuki Tanaka", "Pro", "Kündigung", de.Date(ends)} {
			assert.Contains(t, text, words)
		}
		mails := a.AwaitMails(t, l.customer.Email, 4) // sign-in, confirmation, the first receipt, this
		require.Len(t, mails[0].Attachments, 1)
		assert.Equal(t, "application/pdf", mails[0].Attachments[0].ContentType)
		assert.Contains(t, pdfText(t, mails[0].Attachments[0].Content), open.Text("id"))
		assert.Equal(t, 1, l.mailed(t)[billing.MailCancellationScheduled])

		l.act(t, done, "keep").Must(http.StatusOK)
		undone := l.mia.Get(id).Must(http.StatusOK)
		assert.Equal(t, "undone", undone.Text("state"))
		again := l.act(t, undone, "cancel_now").Must(http.StatusCreated)
		assert.Equal(t, "scheduled", again.Text("state"))
		assert.NotEqual(t, undone.Text("id"), again.Text("id"))
		assert.Equal(t, http.StatusOK, l.mia.Get(id+"/receipt").Status, "what was received stays received")
	})
}

// Nothing must be answered: an empty object skips, and skipping asks the rules too.
func TestTheSurveyCanBeSkipped(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		l.decides(t, object{"offers": []any{
			rule("dear", "discount", percentOff("50", 1), object{"priority": 9, "when": object{"reasons": []any{"too_expensive"}}}),
			rule("break", "pause", object{"periods": 1}),
		}})
		skipped := l.act(t, l.start(t), "answer").Must(http.StatusOK)
		assert.Equal(t, "pause", skipped.Text("offer.type"))
		assert.Nil(t, skipped.At("answers.reason"))
		later := l.mia.Post("/v1/cancellations/"+skipped.Text("id")+"/answers", object{"reason": "too_expensive"}).Must(http.StatusOK)
		assert.Equal(t, skipped.Text("offer.id"), later.Text("offer.id"), "the offer on the table stays")
		assert.Equal(t, "too_expensive", later.Text("answers.reason"))

		l.mia.Post("/v1/cancellations/"+skipped.Text("id")+"/abandon", nil).Must(http.StatusOK)
		l.decides(t, object{})
		none := l.act(t, l.start(t), "answer").Must(http.StatusOK)
		assert.Equal(t, "confirm", none.Text("step"), "no offers, no step for them")
	})
}

// Trials and what costs nothing skip everything: little to win, less to ask for. A trial is only made longer, where a rule says so.
func TestTrialsAndFreePlansSkipToTheConfirmation(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		l := newLeaver(t, a)
		everything := []any{
			rule("stay", "discount", percentOff("30", 3), object{"priority": 9}),
			rule("break", "pause", object{"periods": 1}, object{"priority": 8}),
			rule("talk", "contact", object{"kind": "link"}, object{"priority": 7, "url": "https://acme.test/talk"}),
			rule("gift", "custom", nil, object{"priority": 6, "headline": object{"en": "A gift"}}),
		}
		l.decides(t, object{"offers": everything})
		trial := *l
		trial.sub = a.Subscribe(t, l.customer, a.Price(t, l.merchant, "Trial", 1999, func(p *billing.Price) {
			p.Trial = &foyer.Cycle{Interval: foyer.Day, Frequency: 14}
		}), "tok_4242")
		free := *l
		free.sub = a.Subscribe(t, l.customer, a.Price(t, l.merchant, "Free", 0), "tok_4242")
		for name, one := range map[string]*leaver{"trialing": &trial, "free": &free} {
			open := one.start(t)
			assert.Equal(t, "confirm", open.Text("step"), name)
			assert.Nil(t, open.At("survey"), name)
			assert.Nil(t, open.At("offer"), name)
			one.act(t, open, "abandon").Must(http.StatusOK)
		}
		l.decides(t, object{"offers": append(everything, rule("longer", "trial_extension", object{"days": 14}))})
		open := trial.start(t)
		assert.Equal(t, "trial_extension", open.Text("offer.type"))
		assert.EqualValues(t, 0, open.At("offer.terms.price_now.amount"))
		assert.EqualValues(t, 2379, open.At("offer.terms.price_later.amount"))
		ends := trial.now(t).Trial.End
		assert.Equal(t, ends.AddDate(0, 0, 14).Format(time.RFC3339Nano), open.Text("offer.terms.until"))
		saved := trial.act(t, open, "accept_offer").Must(http.StatusOK)
		assert.Equal(t, "saved", saved.Text("state"))
		assert.True(t, trial.now(t).Trial.End.Equal(ends.AddDate(0, 0, 14)))
		assert.Equal(t, "confirm", free.start(t).Text("step"), "a free plan is offered nothing at all")
	})
}
