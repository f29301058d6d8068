package notify

import (
	"context"
	"fmt"
	"html"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// aftermathLetters are the mails to a merchant about charges after they were captured.
func aftermathLetters() map[string]func(st stationery) letter {
	until := march.AddDate(0, 0, 7)
	dispute := func(status billing.DisputeStatus, reason string, until *time.Time) func(st stationery) letter {
		return Dispute{
			Payment: samplePayment, Status: status, Reason: reason, Amount: foyer.Money{Amount: 3570, Currency: "EUR"}, RespondBy: until,
		}.letter
	}
	return map[string]func(st stationery) letter{
		"payment_disputed":         dispute(billing.DisputeOpen, "product_not_received", &until),
		"payment_disputed_inquiry": dispute(billing.DisputeInquiry, "", &until),
		"payment_disputed_late":    dispute(billing.DisputeUnderReview, "the gateway’s own word", nil),
		"dispute_closed_won":       dispute(billing.DisputeWon, "fraudulent", nil),
		"dispute_closed_lost":      dispute(billing.DisputeLost, "duplicate", nil),
		"dispute_closed":           dispute(billing.DisputeClosed, "unrecognized", nil),
		"refund_failed":            FailedRefund{ID: "ref_" + sampleULID, Payment: samplePayment, Amount: foyer.Money{Amount: 3570, Currency: "EUR"}, Owed: foyer.Money{Amount: 3570, Currency: "EUR"}, MadeAt: march}.letter,
	}
}

// standing is how a dispute stands when its mail goes out.
type standing struct {
	Aftermath
	dispute Dispute
	gone    bool
}

func (s standing) Dispute(context.Context, foyer.MerchantID, string) (Dispute, bool, error) {
	return s.dispute, !s.gone, nil
}

// A mail that was held up says how the dispute stands now, and nothing when a later mail says it.
func TestADisputeMailThatWasHeldUp(t *testing.T) {
	t.Parallel()
	at := func(status billing.DisputeStatus, told int64) Dispute {
		return Dispute{Payment: samplePayment, Status: status, Amount: foyer.Money{Amount: 3570, Currency: "EUR"}, Told: told}
	}
	for name, c := range map[string]struct {
		about int64
		now   Dispute
		gone  bool
		says  string
	}{
		"as it was":                           {1, at(billing.DisputeOpen, 1), false, "took back"},
		"objected to, of which no mail tells": {1, at(billing.DisputeUnderReview, 1), false, "took back"},
		"a question that became more":         {1, at(billing.DisputeOpen, 2), false, ""},
		"lost meanwhile":                      {1, at(billing.DisputeLost, 2), false, ""},
		"begun again":                         {1, at(billing.DisputeOpen, 3), false, ""},
		"won after all":                       {2, at(billing.DisputeWon, 3), false, ""},
		"the last of them":                    {3, at(billing.DisputeWon, 3), false, "decided for you"},
		"ordered by an older Foyer":           {0, at(billing.DisputeOpen, 0), false, "took back"},
		"gone":                                {1, Dispute{}, true, ""},
	} {
		w := newWorld("", "en")
		w.merchant.Portal.Settings.Seller.Email = "seller@acme.test"
		s := w.service()
		s.Aftermath = standing{dispute: c.now, gone: c.gone}
		require.NoError(t, s.SendDisputeMail(t.Context(), acme.Merchant, "dsp_1", c.about, "eml_1"))
		if c.says == "" {
			assert.Empty(t, w.sent, name)
			continue
		}
		require.Len(t, w.sent, 1, name)
		assert.Contains(t, w.sent[0].Subject+w.sent[0].Text, c.says, name)
	}
}

func drawnLetter(t *testing.T, compose func(st stationery) letter, tag string) Mail {
	t.Helper()
	_, settings := sampler()
	locale, known := i18n.Find(tag)
	require.True(t, known)
	st := stationery{settings: settings, locale: locale}
	m, err := st.seal(compose(st))
	require.NoError(t, err)
	return m
}

func TestGoldenMailsToMerchants(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"en", "de", "ar", "ja"} {
		for kind, compose := range aftermathLetters() {
			m := drawnLetter(t, compose, tag)
			golden(t, filepath.Join(tag, kind+".txt"), fmt.Sprintf("%s\n%s\n\n%s", m.Subject, m.Preheader, m.Text))
		}
	}
}

// In every language nothing is missing, every reason has words of its own, and a reason nobody knows is shown as the gateway says it.
func TestMailsToMerchantsInEveryLanguage(t *testing.T) {
	t.Parallel()
	reasons := []string{
		"fraudulent", "product_not_received", "duplicate", "subscription_canceled", "product_unacceptable", "credit_not_processed", "unrecognized", "general",
	}
	for _, tag := range i18n.Locales {
		for kind, compose := range aftermathLetters() {
			m := drawnLetter(t, compose, tag)
			for _, part := range []string{m.Subject, m.Preheader, m.Text, html.UnescapeString(m.HTML)} {
				assert.NotRegexp(t, `\b(mail|dispute_reason|attempt_error)\.[a-z_]+|\{\{|<no value>`, part, "%s %s", tag, kind)
			}
			assert.Contains(t, m.Text, samplePayment)
			assert.LessOrEqual(t, len([]rune(m.Subject)), 110)
			if locale, _ := i18n.Find(tag); locale.Language == tag && tag != "en" {
				assert.NotEqual(t, drawnLetter(t, compose, "en").Subject, m.Subject, "%s %s", tag, kind)
			}
		}
		locale, _ := i18n.Find(tag)
		st := stationery{locale: locale}
		seen := map[string]bool{}
		for _, reason := range reasons {
			why := Dispute{Reason: reason}.why(st)
			assert.NotEqual(t, reason, why)
			assert.False(t, seen[why], "%s %s", tag, reason)
			seen[why] = true
		}
		assert.Equal(t, Dispute{Reason: "general"}.why(st), Dispute{}.why(st))
		assert.Equal(t, "odd <word>", Dispute{Reason: "odd\n<word>"}.why(st))
	}
}
