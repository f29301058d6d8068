package store_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"foyer/internal/foyer"
	"foyer/internal/merchant"
	"foyer/internal/store"
	"foyer/internal/webhook"
)

func (f *fixture) endpoint(t testing.TB, m merchant.Merchant, change func(*webhook.Endpoint)) webhook.Endpoint {
	t.Helper()
	e := webhook.Endpoint{
		ID: webhook.EndpointID(f.ids(foyer.PrefixWebhookEndpoint)), Merchant: m.ID, URL: "https://hooks.test/in", Status: webhook.Enabled,
		Secrets: webhook.Secrets{{Key: []byte("0123456789abcdef0123456789abcdef")}}, CreatedAt: start, UpdatedAt: start, Version: 1,
	}
	if change != nil {
		change(&e)
	}
	require.NoError(t, f.CreateWebhookEndpoint(t.Context(), e, webhook.MaxEndpoints))
	return e
}

// happened is an event as it is recorded, its row too.
func (f *fixture) happened(t testing.TB, m merchant.Merchant, of foyer.EventType, at time.Time) foyer.Event {
	t.Helper()
	e := foyer.Event{ID: f.ids(foyer.PrefixEvent), Scope: foyer.Scope{Merchant: m.ID}, Type: of, Subject: f.ids(foyer.PrefixSubscription), Sequence: 1, At: at}
	f.exec(t, "INSERT INTO events (id, merchant_id, customer_id, type, subject_id, sequence, created_at) VALUES (?, ?, '', ?, ?, 1, ?)",
		e.ID, string(m.ID), string(of), e.Subject, at)
	return e
}

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		until, failing := start.Add(time.Hour), start.Add(-time.Minute)
		full := f.endpoint(t, f.merchant, func(e *webhook.Endpoint) {
			e.EventTypes, e.Description, e.Metadata = []string{"payment.*", "subscription.canceled"}, "bücher", map[string]string{"team": "billing"}
			e.Secrets, e.OverlapUntil, e.FailingSince = append(e.Secrets, webhook.Secret{Key: []byte("old"), Until: &until}), &until, &failing
		})
		plain := f.endpoint(t, f.merchant, nil)
		foreign := f.endpoint(t, f.stranger, nil)

		read, err := f.WebhookEndpoint(ctx, f.merchant.ID, full.ID)
		require.NoError(t, err)
		require.Equal(t, full, read)
		_, err = f.WebhookEndpoint(ctx, f.merchant.ID, foreign.ID)
		refused(t, foyer.NotFound, err)

		page, err := f.WebhookEndpoints(ctx, f.merchant.ID, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Len(t, page, 2)
		assert.Nil(t, page[0].Secrets, "lists don't open them")

		plain.Status, plain.DisabledReason, plain.DisabledAt, plain.ArchivedAt, plain.Secrets = webhook.Disabled, webhook.DisabledGone, &until, &until, nil
		plain.Version = 2
		require.NoError(t, f.SaveWebhookEndpoint(ctx, plain))
		read, err = f.WebhookEndpoint(ctx, f.merchant.ID, plain.ID)
		require.NoError(t, err)
		require.Equal(t, plain, read)
		page, err = f.WebhookEndpoints(ctx, f.merchant.ID, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Len(t, page, 1, "archived ones are left out")

		foreign.Merchant, foreign.URL = f.merchant.ID, "https://evil.test"
		require.NoError(t, f.SaveWebhookEndpoint(ctx, foreign))
		read, err = f.WebhookEndpoint(ctx, f.stranger.ID, foreign.ID)
		require.NoError(t, err)
		assert.Equal(t, "https://hooks.test/in", read.URL, "another merchant's is not saved")
	})
}

// Twenty at most, however many calls come at once.
func TestWebhookEndpointsAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		for range webhook.MaxEndpoints - 2 {
			f.endpoint(t, f.merchant, nil)
		}
		var mu sync.Mutex
		made := 0
		together(8, func(int) {
			e := webhook.Endpoint{ID: webhook.EndpointID(f.ids(foyer.PrefixWebhookEndpoint)), Merchant: f.merchant.ID, Status: webhook.Enabled, CreatedAt: start, UpdatedAt: start}
			err := f.CreateWebhookEndpoint(t.Context(), e, webhook.MaxEndpoints)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
				return
			}
			assert.ErrorIs(t, err, foyer.Conflict)
		})
		assert.Equal(t, 2, made)
		assert.Equal(t, webhook.MaxEndpoints, f.count(t, "SELECT count(*) FROM webhook_endpoints"))
	})
}

// Each event for each endpoint that wants it, of its own merchant, once.
func TestDeliveriesAreCreatedWithTheirEvents(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		all := f.endpoint(t, f.merchant, nil)
		some := f.endpoint(t, f.merchant, func(e *webhook.Endpoint) { e.EventTypes = []string{"payment.*"} })
		f.endpoint(t, f.merchant, func(e *webhook.Endpoint) { e.Status = webhook.Disabled })
		f.endpoint(t, f.merchant, func(e *webhook.Endpoint) { e.ArchivedAt = &start })
		theirs := f.endpoint(t, f.stranger, nil)
		events := []foyer.Event{
			f.happened(t, f.merchant, "payment.completed", start), f.happened(t, f.merchant, "subscription.active", start.Add(time.Second)),
			f.happened(t, f.stranger, "payment.completed", start),
		}
		require.NoError(t, f.InTx(ctx, func(ctx context.Context) error { return f.CreateDeliveries(ctx, events...) }))
		got := func(m merchant.Merchant) (out []string) {
			list, err := f.Deliveries(ctx, m.ID, webhook.DeliveryFilter{}, foyer.PageRequest{Limit: 10})
			require.NoError(t, err)
			for _, d := range list {
				out = append(out, string(d.Endpoint)+" "+d.Event)
				assert.Equal(t, webhook.Pending, d.Status)
			}
			return out
		}
		assert.ElementsMatch(t, []string{string(all.ID) + " " + events[0].ID, string(all.ID) + " " + events[1].ID, string(some.ID) + " " + events[0].ID}, got(f.merchant))
		assert.Equal(t, []string{string(theirs.ID) + " " + events[2].ID}, got(f.stranger))
		refused(t, foyer.Conflict, f.CreateDeliveries(ctx, events[0]))

		narrow, err := f.Deliveries(ctx, f.merchant.ID, webhook.DeliveryFilter{Endpoint: all.ID, Event: events[0].ID, Statuses: []webhook.DeliveryStatus{webhook.Pending}}, foyer.PageRequest{Limit: 10})
		require.NoError(t, err)
		require.Len(t, narrow, 1)
		_, err = f.Delivery(ctx, f.stranger.ID, narrow[0].ID)
		refused(t, foyer.NotFound, err)

		due, err := f.EndpointsDue(ctx, start)
		require.NoError(t, err)
		assert.Len(t, due, 3)
		due, err = f.EndpointsDue(ctx, start.Add(-time.Second))
		require.NoError(t, err)
		assert.Empty(t, due)
		n, err := f.DueDeliveries(ctx, start, 3)
		require.NoError(t, err)
		assert.EqualValues(t, 3, n, "counted up to the limit")
	})
}

// What one worker has claimed no other gets, until the lease ends; then the one who had it can't book any more.
func TestDeliveriesAreLeased(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		e := f.endpoint(t, f.merchant, nil)
		var events []foyer.Event
		for i := range 40 {
			events = append(events, f.happened(t, f.merchant, "payment.completed", start.Add(time.Duration(i)*time.Second)))
		}
		require.NoError(t, f.CreateDeliveries(ctx, events...))
		until := start.Add(30 * time.Second)
		var mu sync.Mutex
		claimed := map[webhook.DeliveryID]webhook.Delivery{}
		together(8, func(i int) {
			got, err := f.ClaimDeliveries(ctx, e, fmt.Sprint("lease", i), start, until, 10)
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			for _, d := range got {
				assert.NotContains(t, claimed, d.ID)
				claimed[d.ID] = d
			}
		})
		rest, err := f.ClaimDeliveries(ctx, e, "rest", start, until, 50) // what was locked when others looked
		require.NoError(t, err)
		require.Len(t, claimed, 40-len(rest))
		due, err := f.EndpointsDue(ctx, start)
		require.NoError(t, err)
		assert.Empty(t, due)

		// Who still holds them keeps them.
		for id, d := range claimed {
			require.NoError(t, f.RenewDeliveries(ctx, []webhook.DeliveryID{id}, d.Lease, until))
			require.NoError(t, f.RenewDeliveries(ctx, []webhook.DeliveryID{id}, "another", until.Add(24*time.Hour)))
		}

		var one webhook.Delivery
		for _, d := range claimed {
			one = d
		}
		lease := one.Lease
		require.NotEmpty(t, lease)
		again, err := f.ClaimDeliveries(ctx, e, "second", until, until.Add(time.Hour), 50)
		require.NoError(t, err)
		require.Len(t, again, 40, "the leases have run out")
		for i := 1; i < len(again); i++ {
			require.False(t, again[i].EventAt.Before(again[i-1].EventAt), "oldest first")
		}
		done := one
		done.Status, done.DueAt, done.Lease, done.Tries, done.CompletedAt = webhook.Succeeded, nil, "", 1, &until
		done.Attempts = []webhook.Attempt{{At: start, Outcome: webhook.OutcomeSucceeded, Status: 204, Took: 3 * time.Millisecond}}
		ok, err := f.FinishDelivery(ctx, done, lease)
		require.NoError(t, err)
		assert.False(t, ok, "the lease was lost")
		ok, err = f.FinishDelivery(ctx, done, "second")
		require.NoError(t, err)
		assert.True(t, ok)
		read, err := f.Delivery(ctx, f.merchant.ID, one.ID)
		require.NoError(t, err)
		require.Equal(t, done, read)

		require.NoError(t, f.ReleaseDeliveries(ctx, f.merchant.ID, []webhook.DeliveryID{again[0].ID, again[1].ID, one.ID}, "second", start))
		back, err := f.ClaimDeliveries(ctx, e, "third", start, until, 50)
		require.NoError(t, err)
		assert.LessOrEqual(t, len(back), 2)
		n, err := f.FailDeliveries(ctx, e, webhook.OutcomeDisabled, until.Add(2*time.Hour), 10)
		require.NoError(t, err)
		assert.EqualValues(t, 10, n)
		assert.Equal(t, 10, f.count(t, "SELECT count(*) FROM deliveries WHERE status = 'failed' AND due_at IS NULL AND last_outcome = 'endpoint_disabled'"))
	})
}

// A span is made due again by the database itself: what failed, what waits for a later try, and events without a delivery; not what
// succeeded, is being sent, is no event, lies outside, is another endpoint's or another merchant's.
func TestRedeliverSpan(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), start.Add(time.Hour)
		e := f.endpoint(t, f.merchant, func(e *webhook.Endpoint) { e.EventTypes = []string{"payment.*", "portal_session.created"} })
		other := f.endpoint(t, f.merchant, nil)
		at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
		delivery := func(minutes int, change func(*webhook.Delivery)) {
			d := webhook.NewDelivery(webhook.DeliveryID(f.ids(foyer.PrefixDelivery)), e.ID, f.happened(t, f.merchant, "payment.completed", at(minutes)), start)
			change(&d)
			require.NoError(t, f.CreateDelivery(ctx, d))
		}
		failed := func(d *webhook.Delivery) { d.Status, d.DueAt, d.Step, d.CompletedAt = webhook.Failed, nil, 10, &start }
		later := now.Add(5 * time.Hour)
		delivery(1, failed)
		delivery(2, func(d *webhook.Delivery) { d.DueAt, d.Step = &later, 5 })
		delivery(3, func(d *webhook.Delivery) { d.Status, d.DueAt = webhook.Succeeded, nil })
		delivery(4, func(d *webhook.Delivery) { d.Lease, d.DueAt = "somebody", &later })
		delivery(5, func(d *webhook.Delivery) { failed(d); d.EventType = webhook.TestType })
		delivery(6, func(d *webhook.Delivery) { failed(d); d.Endpoint = other.ID }) // e has none of it
		delivery(60, failed)                                                        // To is exclusive
		delivery(-1, failed)
		f.happened(t, f.merchant, "payment.completed", at(7))
		f.happened(t, f.merchant, "payment_method.created", at(8)) // the dot counts
		f.happened(t, f.merchant, "subscription.active", at(9))
		f.happened(t, f.merchant, "portal_session.created", at(10))
		f.happened(t, f.merchant, "portalXsession.created", at(11))
		f.happened(t, f.stranger, "payment.completed", at(12))

		span := foyer.Period{Start: start, End: at(60)}
		n, err := f.RedeliverSpan(ctx, e, span, now, 3)
		require.NoError(t, err)
		assert.EqualValues(t, 3, n, "at most so many")
		n, err = f.RedeliverSpan(ctx, e, span, now.Add(time.Second), 3)
		require.NoError(t, err)
		assert.EqualValues(t, 2, n, "1, 2, 6, 7 and 10; those of the first call are due already")
		n, err = f.RedeliverSpan(ctx, e, span, now.Add(time.Second), 3)
		require.NoError(t, err)
		assert.Zero(t, n)
		due, err := f.ClaimDeliveries(ctx, e, "all", now.Add(time.Second), later, 50)
		require.NoError(t, err)
		var minutes []int
		for _, d := range due {
			minutes = append(minutes, int(d.EventAt.Sub(start).Minutes()))
			assert.True(t, foyer.ValidID(foyer.PrefixDelivery, string(d.ID)), d.ID)
			assert.Zero(t, d.Step)
		}
		assert.Equal(t, []int{1, 2, 6, 7, 10}, minutes)

		// What deliveries are no longer kept of is not sent again.
		n, err = f.RedeliverSpan(ctx, other, span, start.Add(31*24*time.Hour), 50)
		require.NoError(t, err)
		assert.EqualValues(t, 1, n, "the failed one, no event without a delivery")
	})
}

// Deliveries are kept for 30 days after they were made, longer while they are not done.
func TestPruneDeliveries(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		e := f.endpoint(t, f.merchant, nil)
		for i, made := range []time.Time{start, start, start.Add(2 * time.Millisecond)} {
			ids := foyer.NewIDs(func() time.Time { return made })
			d := webhook.NewDelivery(webhook.DeliveryID(ids(foyer.PrefixDelivery)), e.ID, f.happened(t, f.merchant, "payment.completed", made), made)
			if i != 1 {
				d.Status, d.DueAt = webhook.Failed, nil
			}
			require.NoError(t, f.CreateDelivery(ctx, d))
		}
		require.NoError(t, f.Prune(ctx, start.Add(30*24*time.Hour)))
		assert.Equal(t, 3, f.count(t, "SELECT count(*) FROM deliveries"))
		require.NoError(t, f.Prune(ctx, start.Add(30*24*time.Hour+time.Millisecond)))
		assert.Equal(t, 2, f.count(t, "SELECT count(*) FROM deliveries"))
	})
}

// A merchant without endpoints pays one look at an index for them.
func TestNoEndpointsNoCost(t *testing.T) {
	t.Parallel()
	f := newFixture(t, store.Postgres)
	f.endpoint(t, f.stranger, nil)
	require.NoError(t, f.CreateDeliveries(t.Context(),
		f.happened(t, f.merchant, "payment.completed", start)))
	assert.Zero(t, f.count(t, "SELECT count(*) FROM deliveries"))
}

// Looking for work costs the same however much one endpoint has due: no table is read through, nothing is sorted.
func TestWorkIsFoundByIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		f.fastWrites(t)
		busy := f.endpoint(t, f.merchant, nil)
		for range 19 {
			f.endpoint(t, f.stranger, nil)
		}
		var events []foyer.Event
		for i := range 3000 {
			events = append(events, foyer.Event{ID: f.ids(foyer.PrefixEvent), Scope: foyer.Scope{Merchant: f.merchant.ID}, Type: "payment.completed", At: start.Add(time.Duration(i))})
		}
		require.NoError(t, f.InTx(t.Context(), func(ctx context.Context) error { return f.CreateDeliveries(ctx, events...) }))
		// And a month of what is done.
		f.exec(t, `INSERT INTO deliveries (id, merchant_id, endpoint_id, event_id, event_type, event_at, status, tries, step, lease, last_outcome, last_status, attempt_log, created_at)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
SELECT 'dlv_done' || i, ?, ?, 'evt_done' || i, 'payment.completed', created_at, 'succeeded', 1, 1, '', 'succeeded', 204, '[]', created_at FROM n, webhook_endpoints WHERE id = ?`,
			string(f.merchant.ID), string(busy.ID), string(busy.ID))
		f.exec(t, "ANALYZE")
		var statements []string
		var args [][]any
		remember := func(db *gorm.DB) {
			statements, args = append(statements, db.Statement.SQL.String()), append(args, slices.Clone(db.Statement.Vars))
		}
		require.NoError(t, f.GORM(t.Context()).Callback().Query().After("gorm:query").Register("test:statement", remember))
		_, err := f.EndpointsDue(t.Context(), start)
		require.NoError(t, err)
		_, err = f.ClaimDeliveries(t.Context(), busy, "lease", start, start.Add(time.Second), 32)
		require.NoError(t, err)
		require.Len(t, statements, 3)
		for i, statement := range statements {
			plan := f.plan(t, statement, args[i])
			assert.NotContains(t, plan, "Seq Scan on deliveries", statement)
			assert.NotContains(t, plan, "SCAN deliveries", statement)
			assert.NotContains(t, plan, "Sort", statement)
			assert.NotContains(t, plan, "TEMP B-TREE", statement)
		}
	})
}
