package notify

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

func aNotice(kind string) Notice {
	end := time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)
	n := Notice{
		ID: "ntc_01kb3v5q8r9s0t1v2w3x4y5z6a", Kind: kind, Name: "Mia Reyes", Email: "mia@mailbox.test", Contract: "Plan",
		ReceivedAt: time.Date(2026, 11, 25, 9, 5, 30, 0, time.UTC),
	}
	if kind == "cancellation" {
		n.Grounds, n.EndAt = "ordinary", &end
	}
	return n
}

// Threat: a receipt that tells whether somebody is a customer. It is the same whatever was found.
func TestTheReceiptOfANoticeDoesNotTellWhatWasFound(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"cancellation", "withdrawal"} {
		texts := map[string]bool{}
		for _, language := range []string{"en", "de"} {
			locale, _ := i18n.Parse(language)
			draw := func(n Notice) string {
				_, text, err := n.receiptLetter(stationery{settings: merchant.Settings{Name: "Acme"}, locale: locale}).render()
				require.NoError(t, err)
				return text
			}
			want := draw(aNotice(kind))
			matched, waiting := aNotice(kind), aNotice(kind)
			matched.Matched, waiting.ForMerchant, waiting.Problem = true, true, "no_match"
			assert.Equal(t, want, draw(matched))
			assert.Equal(t, want, draw(waiting))
			assert.NotContains(t, want, "mail.notice.")
			assert.NotContains(t, want, "receipt.")
			for _, fact := range []string{"Mia Reyes", "Plan", "2026", "09:05", "ntc_01kb3v5q8r9s0t1v2w3x4y5z6a", "Acme"} {
				assert.Contains(t, want, fact)
			}
			texts[want] = true
		}
		assert.Len(t, texts, 2, "one of each language")
	}
}

// Whatever the merchant has to do has words of its own, in both languages.
func TestTheMerchantIsToldWhyANoticeWaits(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, kind := range []string{"cancellation", "withdrawal"} {
		for _, language := range []string{"en", "de"} {
			for _, problem := range []string{"no_match", "several", "out_of_time", "subscription.kept_elsewhere", ""} {
				about := fmt.Sprint(kind, " ", language, " ", problem)
				locale, _ := i18n.Parse(language)
				n := aNotice(kind)
				n.Problem, n.Matched = problem, problem == ""
				l := n.merchantLetter(stationery{settings: merchant.Settings{Name: "Acme"}, locale: locale})
				html, text, err := l.render()
				require.NoError(t, err)
				assert.NotContains(t, html+text+l.Subject, "mail.notice", about)
				assert.Contains(t, text, "mia@mailbox.test", about)
				if problem == "" {
					assert.NotContains(t, text, "/resolve", "nothing is left to say")
				} else {
					assert.Contains(t, text, "/resolve", about)
				}
				assert.Empty(t, texts[text], about)
				texts[text] = about
			}
		}
	}
}
