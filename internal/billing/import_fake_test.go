package billing_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

const merchant foyer.MerchantID = "mer_01jd0000000000000000000001"

var errFull = errors.New("the disk is full")

// memory is an ImportStore that keeps what it is given, as the contract in ImportStore says, and refuses what the
// database's unique indexes would refuse.
type memory struct {
	t    *testing.T
	rows billing.ImportBatch
	inTx bool
	// saves counts the records written.
	saves int
	// fail makes the nth Save fail; aborts makes every first transaction run twice.
	fail   int
	aborts bool
}

// copied returns a deep copy, so that nobody changes what is stored.
func copied[T any](t *testing.T, v T) T {
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	var out T
	require.NoError(t, json.Unmarshal(raw, &out))
	return out
}

func (m *memory) InTx(ctx context.Context, f func(ctx context.Context) error) error {
	require.False(m.t, m.inTx, "the import nests no transactions")
	m.inTx = true
	defer func() { m.inTx = false }()
	before, saves := copied(m.t, m.rows), m.saves
	if m.aborts {
		if err := f(ctx); err != nil {
			return err
		}
		m.rows, m.saves = copied(m.t, before), saves
	}
	if err := f(ctx); err != nil {
		m.rows = before
		return err
	}
	return nil
}

func (m *memory) Load(_ context.Context, of foyer.MerchantID, kind billing.ImportKind, ids []string) (billing.ImportBatch, error) {
	require.Equal(m.t, merchant, of)
	require.NotEmpty(m.t, ids)
	require.NotContains(m.t, ids, "")
	return m.where(func(k billing.ImportKind, id string, _ []billing.ImportRef) bool {
		return k == kind && slices.Contains(ids, id)
	}), nil
}

func (m *memory) Waiting(_ context.Context, of foyer.MerchantID, kind billing.ImportKind, ids []string) (billing.ImportBatch, error) {
	require.Equal(m.t, merchant, of)
	require.NotEmpty(m.t, ids)
	return m.where(func(_ billing.ImportKind, _ string, waits []billing.ImportRef) bool {
		return slices.ContainsFunc(waits, func(r billing.ImportRef) bool { return r.Kind == kind && slices.Contains(ids, r.ExternalID) })
	}), nil
}

func (m *memory) EmailOwners(_ context.Context, of foyer.MerchantID, keys []string) (map[string]foyer.CustomerID, error) {
	require.Equal(m.t, merchant, of)
	out := map[string]foyer.CustomerID{}
	for _, c := range m.rows.Customers {
		if key := billing.EmailKey(c.Customer.Email); slices.Contains(keys, key) {
			out[key] = c.Customer.ID
		}
	}
	return out, nil
}

// where returns copies of the rows that match.
func (m *memory) where(match func(kind billing.ImportKind, externalID string, waits []billing.ImportRef) bool) billing.ImportBatch {
	var out billing.ImportBatch
	for _, c := range m.rows.Customers {
		if match(billing.ImportCustomer, c.Customer.ExternalID, nil) {
			out.Customers = append(out.Customers, c)
		}
	}
	for _, p := range m.rows.Products {
		if match(billing.ImportProduct, p.ExternalID, nil) {
			out.Products = append(out.Products, p)
		}
	}
	for _, p := range m.rows.Prices {
		if match(billing.ImportPrice, p.ExternalID, p.Waits()) {
			out.Prices = append(out.Prices, p)
		}
	}
	for _, d := range m.rows.Discounts {
		if match(billing.ImportDiscount, d.ExternalID, nil) {
			out.Discounts = append(out.Discounts, d)
		}
	}
	for _, s := range m.rows.Subscriptions {
		if match(billing.ImportSubscription, s.Subscription.ExternalID, s.Subscription.Waits()) {
			out.Subscriptions = append(out.Subscriptions, s)
		}
	}
	for _, p := range m.rows.Payments {
		if match(billing.ImportPayment, p.Payment.ExternalID, p.Waits()) {
			out.Payments = append(out.Payments, p)
			for _, r := range m.rows.Refunds {
				if r.Payment == p.Payment.ID {
					last := &out.Payments[len(out.Payments)-1].Payment
					last.Refunds = append(last.Refunds, r.Refund)
				}
			}
		}
	}
	for _, r := range m.rows.Refunds {
		if match(billing.ImportRefund, r.Refund.ExternalID, r.Waits()) {
			out.Refunds = append(out.Refunds, r)
		}
	}
	return copied(m.t, out)
}

func (m *memory) Save(_ context.Context, of foyer.MerchantID, b billing.ImportBatch) error {
	require.Equal(m.t, merchant, of)
	require.True(m.t, m.inTx, "records are written in a transaction")
	require.Empty(m.t, b.Addresses, "the store keeps addresses within their customer")
	require.Empty(m.t, b.Businesses, "the store keeps businesses within their customer")
	if m.fail--; m.fail == 0 {
		return errFull
	}
	b = copied(m.t, b)
	for _, c := range b.Customers {
		require.True(m.t, strings.HasPrefix(string(c.Customer.ID), "ctm_"))
		put(m, &m.rows.Customers, c, func(c billing.ImportedCustomer) (string, string) { return string(c.Customer.ID), c.Customer.ExternalID })
		for _, o := range m.rows.Customers {
			if o.Customer.ID != c.Customer.ID && billing.EmailKey(o.Customer.Email) == billing.EmailKey(c.Customer.Email) {
				require.FailNow(m.t, "unique index on e-mail", c.Customer.Email)
			}
		}
	}
	for _, p := range b.Products {
		put(m, &m.rows.Products, p, func(p billing.Product) (string, string) { return string(p.ID), p.ExternalID })
	}
	for _, p := range b.Prices {
		put(m, &m.rows.Prices, p, func(p billing.Price) (string, string) { return string(p.ID), p.ExternalID })
	}
	for _, d := range b.Discounts {
		put(m, &m.rows.Discounts, d, func(d billing.Discount) (string, string) { return string(d.ID), d.ExternalID })
	}
	for _, s := range b.Subscriptions {
		require.NotEmpty(m.t, s.Subscription.Customer)
		put(m, &m.rows.Subscriptions, s, func(s billing.ImportedSubscription) (string, string) {
			return string(s.Subscription.ID), s.Subscription.ExternalID
		})
	}
	for _, p := range b.Payments {
		require.NotEmpty(m.t, p.Payment.Customer)
		p.Payment.Refunds = nil
		put(m, &m.rows.Payments, p, func(p billing.ImportedPayment) (string, string) { return string(p.Payment.ID), p.Payment.ExternalID })
	}
	for _, r := range b.Refunds {
		require.NotEmpty(m.t, r.Customer)
		put(m, &m.rows.Refunds, r, func(r billing.ImportedRefund) (string, string) { return string(r.Refund.ID), r.Refund.ExternalID })
	}
	return nil
}

// put replaces the row with the id or adds one, and refuses a second row with the external id.
func put[T any](m *memory, rows *[]T, row T, key func(T) (id, externalID string)) {
	id, externalID := key(row)
	require.NotEmpty(m.t, id)
	require.NotEmpty(m.t, externalID)
	m.saves++
	for i, have := range *rows {
		haveID, haveExternal := key(have)
		if haveExternal == externalID && haveID != id {
			require.FailNow(m.t, "unique index on external id", externalID)
		}
		if haveID == id {
			(*rows)[i] = row
			return
		}
	}
	*rows = append(*rows, row)
}

// customer, subscription and payment return the stored one with the external id; the test ends when there is none.
func (m *memory) customer(externalID string) billing.ImportedCustomer {
	return one(m, m.rows.Customers, func(c billing.ImportedCustomer) bool { return c.Customer.ExternalID == externalID })
}

func (m *memory) subscription(externalID string) billing.Subscription {
	return one(m, m.rows.Subscriptions, func(s billing.ImportedSubscription) bool { return s.Subscription.ExternalID == externalID }).Subscription
}

func (m *memory) payment(externalID string) billing.ImportedPayment {
	return one(m, m.rows.Payments, func(p billing.ImportedPayment) bool { return p.Payment.ExternalID == externalID })
}

func (m *memory) refund(externalID string) billing.ImportedRefund {
	return one(m, m.rows.Refunds, func(r billing.ImportedRefund) bool { return r.Refund.ExternalID == externalID })
}

func one[T any](m *memory, rows []T, match func(T) bool) T {
	i := slices.IndexFunc(rows, match)
	require.GreaterOrEqual(m.t, i, 0, "no such row")
	return copied(m.t, rows[i])
}
