package retention_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// What billing tells customers ahead of time keeps every duty the legal profiles name that has a window.
func TestNoticesKeepTheDutiesOfTheProfiles(t *testing.T) {
	t.Parallel()
	start := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	kept := 0
	for _, profile := range retention.Profiles {
		for _, duty := range profile.Notices {
			if duty.Notice != retention.NoticeRenewal && duty.Notice != retention.NoticeTrialEnd {
				continue
			}
			for days := duty.OverDays + 1; days <= 800; days += 7 {
				n := billing.NewSubscription{
					Items: []billing.SubscriptionItem{{UnitPrice: 1000, Quantity: 1}}, Currency: "USD", Cycle: foyer.Cycle{Interval: foyer.Day, Frequency: days},
					Territory: billing.Territory(duty.Region), CollectionMode: billing.CollectAutomatic,
				}
				if end := start.AddDate(0, 0, days); duty.Notice == retention.NoticeTrialEnd {
					n.TrialEnd = &end
				}
				sub, _, _ := n.Begin(start)
				told := 0
				for _, notice := range sub.Notices() {
					if notice.Kind == billing.MailRenewalComing || notice.Kind == billing.MailTrialEnding {
						before := int(notice.Of.Sub(notice.At).Hours() / 24)
						assert.True(t, before <= duty.Earliest && before > duty.Latest, "%s, %d days: %d before", duty.Region, days, before)
						told++
					}
				}
				assert.Equal(t, 1, told, "%s, %d days", duty.Region, days)
				kept++
			}
		}
	}
	assert.Positive(t, kept)
}
