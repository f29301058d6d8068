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
	"foyer/internal/foyertest/tools"
	"foyer/internal/identity"
	"foyer/internal/notify"
)

// Threat: a flood of notices from one place.
func TestNoticesAreLimitedByPlace(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		answers := together(9, func(i int) int {
			return c.declares(t, []string{"cancellation", "withdrawal"}[i%2], map[string]any{"email": foyertest.Email(i)}).Status
		})
		assert.Equal(t, map[int]int{http.StatusCreated: 6, http.StatusTooManyRequests: 3}, answers, "both kinds count together")
		assert.LessOrEqual(t, wait(t, c.declares(t, "withdrawal", nil)), 60)
		c.declares(t, "withdrawal", map[string]any{"email": "no address"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
	}, foyertest.WithLimits(identity.Limits{identity.LimitNoticeIP: {{Count: 6, Per: time.Minute}}}))
}

// Threat: shutting a statutory exit by using it. Above the merchant's limit a notice is received and receipted like any other; it waits for
// the merchant, and nothing is mailed of it.
func TestAFloodOfNoticesShutsNobodyOut(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		for i := range 3 {
			c.settled(t, c.declares(t, "cancellation", map[string]any{"email": foyertest.Email(i)}).Must(http.StatusCreated).Text("id"))
		}
		answer := c.declares(t, "cancellation", nil).Must(http.StatusCreated)
		a.Client(t).Get(strings.TrimPrefix(answer.Text("receipt_url"), "https://billing.test")).Must(http.StatusOK)
		found := c.settled(t, answer.Text("id"))
		assert.Equal(t, []any{"unmatched", "busy"}, []any{found.At("state"), found.At("problem")})
		assert.Nil(t, c.now(t, c.sub.ID).ScheduledChange)
		require.Eventually(t, func() bool { return len(a.Mails(t, sellerMail)) == 3 }, 10*time.Second, 20*time.Millisecond)
		time.Sleep(300 * time.Millisecond) // a fourth would be there by now
		assert.Len(t, a.Mails(t, sellerMail), 3)
		for _, m := range a.Mails(t, miasEmail) {
			assert.NotContains(t, m.Subject, "cancellation")
		}
		done := c.key.Post("/v1/merchant/notices/"+answer.Text("id")+"/resolve", map[string]any{"subscription_id": c.sub.ID}).Must(http.StatusOK)
		assert.Equal(t, "resolved", done.Text("state"))
		assert.Equal(t, c.sub.CurrentPeriod.End, c.now(t, c.sub.ID).ScheduledChange.EffectiveAt)
	}, foyertest.WithLimits(identity.Limits{identity.LimitNoticeMerchant: {{Count: 3, Per: time.Hour}}}))
}

// Threat: trying names and numbers on an address. After so many that match nothing, or so many at all, the right one is the merchant's to
// see; at another merchant nothing has been counted.
func TestGuessingByNoticesGetsNowhere(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]identity.LimitName{"unmatched": identity.LimitNoticeUnmatched, "any": identity.LimitNoticeAddress} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
				c := newCounter(t, a)
				guesses := map[identity.LimitName]int{identity.LimitNoticeUnmatched: 4, identity.LimitNoticeAddress: 5}[limit]
				for i := range guesses {
					found := c.settled(t, c.declares(t, "cancellation", map[string]any{"name": fmt.Sprint("Guess ", i)}).Must(http.StatusCreated).Text("id"))
					assert.Equal(t, "no_match", found.Text("problem"))
				}
				found := c.settled(t, c.declares(t, "cancellation", map[string]any{"email": "MIA@mailbox.test"}).Must(http.StatusCreated).Text("id"))
				assert.Equal(t, []any{"unmatched", "too_many"}, []any{found.At("state"), found.At("problem")})
				assert.Nil(t, c.now(t, c.sub.ID).ScheduledChange)
				c.awaitMail(t, sellerMail, "A cancellation was received")

				other := a.Merchant(t, "zenith")
				body := map[string]any{"name": miasName, "email": miasEmail, "contract": "my plan"}
				a.Client(t).Post("/v1/portals/"+string(other.Portal.ID)+"/cancellation-notices", body).Must(http.StatusCreated)
				c.awaitMail(t, miasEmail, "We have received your cancellation (zenith)")
			}, only(limit))
		})
	}
}

// Threat: filling a stranger's inbox. The notice is kept and answered the same, and nothing more is mailed there.
func TestOneAddressGetsSoManyNoticeMailsOnly(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		shape := ""
		for i, email := range []string{"victim@mailbox.test", "Victim@mailbox.test", "victim+1@mailbox.test", "victim+2@mailbox.test", "VICTIM@MAILBOX.test", "victim@mailbox.test", "victim+3@mailbox.test"} {
			answer := c.declares(t, "cancellation", map[string]any{"email": email, "contract": fmt.Sprint("Contract ", i)}).Must(http.StatusCreated)
			c.settled(t, answer.Text("id"))
			a.Client(t).Get(strings.TrimPrefix(answer.Text("receipt_url"), "https://billing.test")).Must(http.StatusOK)
			answer.JSON = nil
			if shape == "" {
				shape = told(answer)
			}
			assert.Equal(t, shape, told(answer))
		}
		sent := func() int {
			return len(a.Mails(t, "victim@mailbox.test")) + len(a.Mails(t, "victim+1@mailbox.test")) + len(a.Mails(t, "victim+2@mailbox.test")) + len(a.Mails(t, "victim+3@mailbox.test"))
		}
		require.Eventually(t, func() bool { return sent() == 5 }, 10*time.Second, 20*time.Millisecond)
		time.Sleep(300 * time.Millisecond) // a sixth would be there by now
		assert.Equal(t, 5, sent())
	}, only(identity.LimitNoticeAddress))
}

// Threats: a mail relay for spam and bait, header injection, texts that read otherwise than they are stored.
func TestWhatANoticeMayNotSay(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	c := newCounter(t, a)
	for name, v := range map[string]struct {
		kind   string
		change map[string]any
		status int
		code   string
		at     string
	}{
		"a link in the name":           {"cancellation", map[string]any{"name": "Win at HTTPS://evil.test"}, 422, "input.link", "/name"},
		"a host":                       {"cancellation", map[string]any{"name": "Win at evil.com"}, 422, "input.link", "/name"},
		"a host with a path":           {"withdrawal", map[string]any{"contract": "see evil.co.uk/x now"}, 422, "input.link", "/contract"},
		"a wide dot":                   {"withdrawal", map[string]any{"contract": "evil．com"}, 422, "input.link", "/contract"},
		"a dot of another script":      {"withdrawal", map[string]any{"contract": "evil。com"}, 422, "input.link", "/contract"},
		"a scheme with one slash":      {"withdrawal", map[string]any{"contract": "https:/evil"}, 422, "input.link", "/contract"},
		"an address to write to":       {"withdrawal", map[string]any{"contract": "mailto:x"}, 422, "input.link", "/contract"},
		"a link in the contract":       {"withdrawal", map[string]any{"contract": "see Ｗww.evil.test"}, 422, "input.link", "/contract"},
		"two lines":                    {"cancellation", map[string]any{"name": "Mia\r\nBcc: all@evil.test"}, 422, "input.text_characters", "/name"},
		"two lines in the contract":    {"cancellation", map[string]any{"contract": "Plan\nand more"}, 422, "input.text_characters", "/contract"},
		"backwards":                    {"cancellation", map[string]any{"contract": "a\u202eb"}, 422, "input.text_characters", "/contract"},
		"backwards in the reason":      {"cancellation", map[string]any{"kind": "extraordinary", "reason": "\u2066b"}, 422, "input.text_characters", "/reason"},
		"blanks only":                  {"cancellation", map[string]any{"name": "  "}, 422, "input.required", "/name"},
		"a long name":                  {"cancellation", map[string]any{"name": strings.Repeat("n", 201)}, 422, "input.too_long", "/name"},
		"a long contract":              {"withdrawal", map[string]any{"contract": strings.Repeat("n", 301)}, 422, "input.too_long", "/contract"},
		"two addresses":                {"cancellation", map[string]any{"email": "a@b.test,c@d.test"}, 422, "input.email", "/email"},
		"a reason that isn't asked":    {"cancellation", map[string]any{"reason": "Just so"}, 422, "input.not_together", "/reason"},
		"an end that has passed":       {"cancellation", map[string]any{"end_at": a.Clock.Now().Add(-time.Second)}, 422, "input.end_at", "/end_at"},
		"an end far away":              {"cancellation", map[string]any{"end_at": a.Clock.Now().AddDate(0, 0, 732)}, 422, "input.end_at", "/end_at"},
		"more than may be asked":       {"cancellation", map[string]any{"phone": "1"}, 400, "", ""},
		"a withdrawal with a kind":     {"withdrawal", map[string]any{"kind": "ordinary"}, 400, "", ""},
		"a withdrawal with an end":     {"withdrawal", map[string]any{"end_at": a.Clock.Now()}, 400, "", ""},
		"a withdrawal with its reason": {"withdrawal", map[string]any{"reason": "x"}, 400, "", ""},
		"a card number":                {"cancellation", map[string]any{"contract": "paid by 4242 4242 4242 4242"}, 422, "input.card_number", "/contract"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := c.declares(t, v.kind, v.change).Must(v.status)
			if v.code != "" {
				assert.Equal(t, []string{v.at, v.code}, []string{answer.Text("errors.0.pointer"), answer.Text("errors.0.code")})
			}
		})
	}
}

// What only looks like a link is a name, and refused to nobody.
func TestWhatANoticeMaySay(t *testing.T) {
	t.Parallel()
	c := newCounter(t, foyertest.New(t, "sqlite"))
	for _, text := range []string{
		"Müller GmbH & Co. KG", "Müller GmbH & Co.KG", "Dr. Weber", "Dr.Weber", "Dr.med. Weber", "Turnverein e.V.", "v1.2", "INV-000041", "Nr.4711", "account mia@mailbox.test", "St. Pauli",
	} {
		c.declares(t, "cancellation", map[string]any{"name": text, "contract": text, "email": "stranger@mailbox.test"}).Must(http.StatusCreated)
	}
}

// Threat: bait in the reason, which the document mailed to a stranger repeats. What was declared is kept whole.
func TestAnAddressInAReasonIsNoLinkInTheDocument(t *testing.T) {
	t.Parallel()
	tools.RequireTool(t, "pdftotext")
	c := newCounter(t, foyertest.New(t, "sqlite"))
	const reason = "See https://evil.test/prize and www.evil.test"
	answer := c.declares(t, "cancellation", map[string]any{"kind": "extraordinary", "reason": reason, "email": "stranger@mailbox.test"}).Must(http.StatusCreated)
	mail := c.awaitMail(t, "stranger@mailbox.test", "received")
	require.Len(t, mail.Attachments, 1)
	text := textOf(t, mail.Attachments[0].Content)
	assert.Contains(t, text, "evil.test")
	assert.NotContains(t, text, "https://")
	assert.Contains(t, text, "examines whether the contract ends earlier")
	assert.Contains(t, mail.Text, "examines it")
	assert.Equal(t, reason, c.settled(t, answer.Text("id")).Text("reason"))
}

// Threat: markup in a mail that looks like the merchant's own.
func TestMarkupInANoticeIsHarmless(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		c.declares(t, "cancellation", map[string]any{
			"name": `<img src=x onerror=alert(1)>`, "contract": `"><script>alert(1)</script>{{.Merchant}} 1'; DROP TABLE notices--`, "email": "stranger@mailbox.test",
		}).Must(http.StatusCreated)
		for _, mail := range []notify.Mail{c.awaitMail(t, "stranger@mailbox.test", "received"), c.awaitMail(t, sellerMail, "received")} {
			assert.NotContains(t, mail.HTML, "<script>")
			assert.NotContains(t, mail.HTML, "<img src=x")
			assert.Contains(t, mail.HTML, "&lt;script&gt;")
			assert.Contains(t, mail.Text, "{{.Merchant}}", "what is told is not read as a template")
		}
		assert.Empty(t, wentWrong(a))
	})
}

// Threat: bait. What looks like a domain is no link in the mail; the document has it as it was written.
func TestADomainInANoticeIsNoLinkInItsMail(t *testing.T) {
	t.Parallel()
	c := newCounter(t, foyertest.New(t, "sqlite"))
	c.declares(t, "withdrawal", map[string]any{"name": "Dr. A. Prize", "contract": "AC.2026.1 at claim.evil.test now", "email": "stranger@mailbox.test"}).Must(http.StatusCreated)
	mail := c.awaitMail(t, "stranger@mailbox.test", "received")
	for _, text := range []string{mail.Text, mail.HTML} {
		assert.NotContains(t, text, "evil.test")
		assert.Contains(t, text, "claim.\u200bevil.\u200btest now")
		assert.Contains(t, text, "AC.2026.1 at")
		assert.Contains(t, text, "Dr. A. Prize")
	}
}

// Threat: the same notice again and again. Every one has its receipt; the subscription is canceled once.
func TestFiftyNoticesAtOnceAreOneCancellation(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c := newCounter(t, a)
		ids := together(50, func(int) string { return c.declares(t, "cancellation", nil).Must(http.StatusCreated).Text("id") })
		assert.Len(t, ids, 50)
		for id := range ids {
			assert.Equal(t, "matched", c.settled(t, id).Text("state"))
		}
		assert.Equal(t, 1, c.key.Get("/v1/merchant/cancellations").Must(http.StatusOK).Len("data"))
		assert.Equal(t, c.sub.Version+1, c.now(t, c.sub.ID).Version)
		events, err := a.Store.Events(t.Context(), c.merchant.ID, notify.EventFilter{Types: []foyer.EventType{"cancellation.scheduled"}}, foyer.PageRequest{Limit: 100})
		require.NoError(t, err)
		assert.Len(t, events, 1)
		orders, err := a.Store.MailOrders(t.Context(), foyertest.Scope(c.merchant.ID, c.mia.ID))
		require.NoError(t, err)
		told := 0
		for _, o := range orders {
			if o.Kind == billing.MailCancellationScheduled {
				told++
			}
		}
		assert.Equal(t, 1, told)
	})
}

// An Idempotency-Key means nothing here: nobody has shown who they are, and a stored answer would be anybody's.
func TestANoticeIsNeverReplayed(t *testing.T) {
	t.Parallel()
	c := newCounter(t, foyertest.New(t, "sqlite"))
	first := c.declares(t, "cancellation", nil, idempotencyKey, "k", "Origin", "https://acme.test").Must(http.StatusCreated)
	second := c.declares(t, "cancellation", nil, idempotencyKey, "k", "Origin", "https://evil.test").Must(http.StatusCreated)
	assert.NotEqual(t, first.Text("id"), second.Text("id"))
	assert.Empty(t, second.Header.Get("Idempotency-Replayed"))
	assert.Equal(t, "https://acme.test", first.Header.Get("Access-Control-Allow-Origin"))
	assert.Empty(t, second.Header.Get("Access-Control-Allow-Origin"))
}
