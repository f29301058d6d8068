package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/invoice"
	"foyer/internal/retention"
	"foyer/internal/store"
	"foyer/internal/webhook"
)

// list is one of the lists a customer reads page by page.
type list struct {
	name string
	// fill writes entries n of a customer at a time each.
	fill func(t testing.TB, f *fixture, c billing.Customer, at []time.Time)
	page func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey
}

func keysOf[T any](t testing.TB, entries []T, err error, key func(T) foyer.PageKey) []foyer.PageKey {
	t.Helper()
	require.NoError(t, err)
	out := make([]foyer.PageKey, len(entries))
	for i, e := range entries {
		out[i] = key(e)
	}
	return out
}

var lists = []list{
	{
		"payments", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			var batch billing.ImportBatch
			for _, when := range at {
				batch.Payments = append(batch.Payments, billing.ImportedPayment{Payment: f.payment(func(p *billing.Payment) {
					p.Merchant, p.Customer, p.BilledAt, p.Attempts, p.ExternalSubscriptionID = c.Merchant, c.ID, ptr(when), nil, ""
				})})
			}
			f.save(t, c.Merchant, batch)
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.Payments(t.Context(), scope(c), billing.PaymentFilter{}, p)
			return keysOf(t, got, err, func(p billing.Payment) foyer.PageKey { return foyer.PageKey{At: p.ListedAt(), ID: string(p.ID)} })
		},
	},
	{
		"payments of a subscription", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			var batch billing.ImportBatch
			for _, when := range at {
				batch.Payments = append(batch.Payments, billing.ImportedPayment{Payment: f.payment(func(p *billing.Payment) {
					p.Merchant, p.Customer, p.CreatedAt, p.BilledAt, p.Attempts, p.ExternalSubscriptionID = c.Merchant, c.ID, when, nil, nil, ""
					p.Subscription = billing.SubscriptionID(c.ID)
				})})
			}
			f.save(t, c.Merchant, batch)
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.Payments(t.Context(), scope(c), billing.PaymentFilter{Subscription: billing.SubscriptionID(c.ID)}, p)
			return keysOf(t, got, err, func(p billing.Payment) foyer.PageKey { return foyer.PageKey{At: p.CreatedAt, ID: string(p.ID)} })
		},
	},
	{
		"invoices", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			var batch billing.ImportBatch
			for i, when := range at {
				batch.Payments = append(batch.Payments, billing.ImportedPayment{
					InvoiceNumber: fmt.Sprint(c.ID, i), Payment: f.payment(func(p *billing.Payment) {
						p.Merchant, p.Customer, p.BilledAt, p.Attempts, p.ExternalSubscriptionID = c.Merchant, c.ID, ptr(when), nil, ""
					}),
				})
			}
			f.save(t, c.Merchant, batch)
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.Invoices(t.Context(), scope(c), p)
			return keysOf(t, got, err, func(in invoice.Invoice) foyer.PageKey { return foyer.PageKey{At: in.IssuedAt, ID: string(in.ID)} })
		},
	},
	{
		"subscriptions", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			var batch billing.ImportBatch
			for _, when := range at {
				batch.Subscriptions = append(batch.Subscriptions, billing.ImportedSubscription{Subscription: f.subscription(func(s *billing.Subscription) {
					s.Merchant, s.Customer, s.CreatedAt = c.Merchant, c.ID, when
				})})
			}
			f.save(t, c.Merchant, batch)
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.Subscriptions(t.Context(), scope(c), nil, p)
			return keysOf(t, got, err, func(s billing.Subscription) foyer.PageKey { return foyer.PageKey{At: s.CreatedAt, ID: string(s.ID)} })
		},
	},
	{
		"payment methods", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			for _, when := range at {
				f.paymentMethod(t, func(m *billing.PaymentMethod) { m.Merchant, m.Customer, m.CreatedAt = c.Merchant, c.ID, when })
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.PaymentMethods(t.Context(), scope(c), billing.MethodFilter{}, p)
			return keysOf(t, got, err, func(m billing.PaymentMethod) foyer.PageKey { return foyer.PageKey{At: m.CreatedAt, ID: string(m.ID)} })
		},
	},
	{
		"addresses", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			for _, when := range at {
				require.NoError(t, f.CreateAddress(t.Context(), f.address(c, func(a *billing.CustomerAddress) { a.CreatedAt = when })))
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.ListAddresses(t.Context(), scope(c), nil, p)
			return keysOf(t, got, err, func(a billing.CustomerAddress) foyer.PageKey { return foyer.PageKey{At: a.CreatedAt, ID: string(a.ID)} })
		},
	},
	{
		"activity", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			for _, when := range at {
				require.NoError(t, f.RecordActivity(t.Context(), foyer.Activity{
					ID: f.ids(foyer.PrefixActivity), Scope: scope(c), Type: foyer.ActivityUpdated, At: when,
				}))
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.Activity(t.Context(), scope(c), p)
			return keysOf(t, got, err, func(a foyer.Activity) foyer.PageKey { return foyer.PageKey{At: a.At, ID: a.ID} })
		},
	},
	{
		"sessions", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			for _, when := range at {
				f.session(t, c, func(s *identity.Session) { s.CreatedAt = when })
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.OpenSessions(t.Context(), scope(c), start, p)
			return keysOf(t, got, err, func(s identity.Session) foyer.PageKey { return foyer.PageKey{At: s.CreatedAt, ID: string(s.ID)} })
		},
	},
	{
		"a customer's links", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			for _, when := range at {
				f.portalSession(t, func(p *identity.PortalSession) { p.Scope, p.Origin, p.CreatedAt = scope(c), identity.OriginMail, when })
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.PortalSessions(t.Context(), c.Merchant, identity.PortalSessionFilter{Customer: c.ID, Origin: identity.OriginMail}, p)
			return keysOf(t, got, err, func(s identity.PortalSession) foyer.PageKey { return foyer.PageKey{At: s.CreatedAt, ID: string(s.ID)} })
		},
	},
	{
		"a merchant's links", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			for _, when := range at {
				f.portalSession(t, func(p *identity.PortalSession) {
					p.Scope, p.CreatedAt = scope(c), when
					if c.ID == f.neighbor.ID {
						p.Origin = identity.OriginMail // the merchant's too, and not among these
					}
				})
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.PortalSessions(t.Context(), c.Merchant, identity.PortalSessionFilter{Origin: identity.OriginAPI}, p)
			return keysOf(t, got, err, func(s identity.PortalSession) foyer.PageKey { return foyer.PageKey{At: s.CreatedAt, ID: string(s.ID)} })
		},
	},
	{
		"changes of address", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			for _, when := range at {
				f.emailChange(t, func(e *identity.EmailChange) { e.Scope, e.CreatedAt = scope(c), when })
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.EmailChanges(t.Context(), scope(c), p)
			return keysOf(t, got, err, func(e identity.EmailChange) foyer.PageKey { return foyer.PageKey{At: e.CreatedAt, ID: string(e.ID)} })
		},
	},
	{
		"cancellations", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			sub := f.subscription(func(s *billing.Subscription) { s.Merchant, s.Customer = c.Merchant, c.ID })
			f.save(t, c.Merchant, billing.ImportBatch{Subscriptions: []billing.ImportedSubscription{{Subscription: sub}}})
			for _, when := range at {
				created, err := f.CreateCancellation(t.Context(), retention.Cancellation{
					ID: retention.CancellationID(f.ids(foyer.PrefixCancellation)), Merchant: c.Merchant, Customer: c.ID, Subscription: sub.ID,
					State: retention.Abandoned, Step: retention.StepDone, Effective: billing.AtPeriodEnd, CreatedAt: when, UpdatedAt: when, Version: 1,
				})
				require.NoError(t, err)
				require.True(t, created)
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.AllCancellations(t.Context(), scope(c), p)
			return keysOf(t, got, err, func(v retention.Cancellation) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
		},
	},
	{
		"deliveries of an endpoint", func(t testing.TB, f *fixture, c billing.Customer, at []time.Time) {
			t.Helper()
			for _, when := range at {
				e := foyer.Event{ID: f.ids(foyer.PrefixEvent), Scope: foyer.Scope{Merchant: c.Merchant}, Type: "payment.completed", At: start}
				require.NoError(t, f.CreateDelivery(t.Context(), webhook.NewDelivery(webhook.DeliveryID(f.ids(foyer.PrefixDelivery)), webhook.EndpointID(c.ID), e, when)))
			}
		},
		func(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.Deliveries(t.Context(), c.Merchant, webhook.DeliveryFilter{Endpoint: webhook.EndpointID(c.ID)}, p)
			return keysOf(t, got, err, func(d webhook.Delivery) foyer.PageKey { return foyer.PageKey{At: d.CreatedAt, ID: string(d.ID)} })
		},
	},
}

// walk reads a list page by page to its end.
func (l list) walk(t testing.TB, f *fixture, c billing.Customer, p foyer.PageRequest) []foyer.PageKey {
	t.Helper()
	var all []foyer.PageKey
	for {
		page := l.page(t, f, c, p)
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		p.After = &page[len(page)-1]
	}
}

// Many entries of one moment: every one comes exactly once, newest first, and the bounds of time hold.
func TestPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		f.fastWrites(t)
		var at []time.Time
		for i := range 1000 {
			// 600 at one moment, some a microsecond around it, some with fewer digits than six.
			switch {
			case i < 600:
				at = append(at, start)
			case i < 800:
				at = append(at, start.Add(time.Duration(i%3-1)*time.Microsecond))
			default:
				at = append(at, start.Truncate(time.Second).Add(time.Duration(i%5)*100*time.Millisecond))
			}
		}
		for _, l := range lists {
			t.Run(l.name, func(t *testing.T) {
				l.fill(t, f, f.customer, at)
				l.fill(t, f, f.neighbor, at[:20])
				l.fill(t, f, f.foreigner, at[:20])
				all := l.walk(t, f, f.customer, foyer.PageRequest{Limit: 7})
				require.Len(t, all, len(at))
				require.True(t, slices.IsSortedFunc(all, func(a, b foyer.PageKey) int {
					if c := b.At.Compare(a.At); c != 0 {
						return c
					}
					return strings.Compare(b.ID, a.ID)
				}), "newest first")
				seen := map[string]bool{}
				for _, k := range all {
					seen[k.ID] = true
				}
				require.Len(t, seen, len(at))

				from, to := start.Add(-time.Microsecond), start.Add(time.Microsecond)
				var want []foyer.PageKey
				for _, k := range all {
					if !k.At.Before(from) && k.At.Before(to) {
						want = append(want, k)
					}
				}
				require.NotEmpty(t, want)
				// The zone a bound is given in makes no difference.
				east := time.FixedZone("east", 5*3600+1800)
				require.Equal(t, want, l.walk(t, f, f.customer, foyer.PageRequest{Limit: 70, From: ptr(from.In(east)), To: ptr(to.In(east))}))
			})
		}
	})
}

// fastWrites keeps a SQLite test from waiting for the disk.
func (f *fixture) fastWrites(t testing.TB) {
	t.Helper()
	if f.Dialect() == store.SQLite {
		for range 8 { // every connection of the pool
			conn, err := f.SQL().Conn(t.Context())
			require.NoError(t, err)
			defer conn.Close()
			_, err = conn.ExecContext(t.Context(), "PRAGMA synchronous = 0")
			require.NoError(t, err)
		}
	}
}

// A page far in is one range of an index: no table is read through, nothing is sorted.
func TestPagesUseAnIndex(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		f.fastWrites(t)
		random := rand.New(rand.NewPCG(1, 2))
		customers := []billing.Customer{f.customer, f.neighbor, f.foreigner}
		for i := range 5 {
			customers = append(customers, f.newCustomer(t, f.merchant, fmt.Sprintf("c%d@mailbox.test", i)))
		}
		for _, l := range lists {
			for i, c := range customers {
				n := 40
				if i == 0 {
					n = 400 // many more than a page, so that sorting them all would cost
				}
				var at []time.Time
				for range n {
					at = append(at, start.Add(-time.Duration(random.IntN(1e9))*time.Microsecond))
				}
				l.fill(t, f, c, at)
			}
		}
		f.exec(t, "ANALYZE")
		var statement string
		var args []any
		remember := func(db *gorm.DB) {
			if strings.Contains(db.Statement.SQL.String(), "DESC, id DESC") {
				statement, args = db.Statement.SQL.String(), slices.Clone(db.Statement.Vars)
			}
		}
		callbacks := f.GORM(t.Context()).Callback()
		require.NoError(t, callbacks.Query().After("gorm:query").Register("test:statement", remember))
		require.NoError(t, callbacks.Row().After("gorm:row").Register("test:statement", remember))
		for _, l := range lists {
			after := &foyer.PageKey{At: start.Add(-500 * time.Millisecond * 1000), ID: "x"}
			statement = ""
			require.Len(t, l.page(t, f, f.customer, foyer.PageRequest{Limit: 26, After: after}), 26, l.name)
			require.NotEmpty(t, statement, l.name)
			plan := f.plan(t, statement, args)
			if f.Dialect() == store.Postgres {
				assert.Contains(t, plan, "Index Scan", l.name)
				// No refunds are stored here, and an empty table is read whole whatever its indexes.
				assert.NotContains(t, strings.ReplaceAll(plan, "Seq Scan on refunds", ""), "Seq Scan", l.name)
				assert.NotContains(t, plan, "Sort", l.name)
			} else {
				assert.Contains(t, plan, "USING INDEX", l.name)
				assert.NotContains(t, plan, "TEMP B-TREE", l.name)
				assert.NotContains(t, plan, "SCAN", l.name)
			}
		}
	})
}

// plan returns how the database goes about a query.
func (f *fixture) plan(t testing.TB, query string, args []any) string {
	t.Helper()
	explain := "EXPLAIN " + query
	if f.Dialect() == store.SQLite {
		explain = "EXPLAIN QUERY PLAN " + query
	}
	var lines []string
	_, found := everyCell(t, f.Store, explain, args...)
	for _, cells := range found {
		lines = append(lines, fmt.Sprint(cells[len(cells)-1]))
	}
	return strings.Join(lines, "\n")
}

// everyCell returns what a query finds as the driver gives it.
func everyCell(t testing.TB, s *store.Store, query string, args ...any) (columns []string, cells [][]any) {
	t.Helper()
	found, err := s.SQL().QueryContext(t.Context(), query, args...)
	require.NoError(t, err)
	defer found.Close()
	columns, err = found.Columns()
	require.NoError(t, err)
	for found.Next() {
		row, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			targets[i] = &row[i]
		}
		require.NoError(t, found.Scan(targets...))
		cells = append(cells, row)
	}
	require.NoError(t, found.Err())
	return columns, cells
}
