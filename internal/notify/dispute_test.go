package notify

import (
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
		"refund_failed":            FailedRefund{ID: "ref_" + sampleULID, Payment: samplePayment, Amount: foyer.Money{Amount: 3570, Currency: "EUR"}, MadeAt: march}.letter,
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
