package billing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/provider/paddle"
)

const (
	amelia  = "ctm_01hv8wt8nffez4p2t6typn4a5j"
	skyhigh = "ctm_01hv6y1jedq4p1n0yqn5ba3ky4"
	noah    = "ctm_01hszn72m8kqyqm8g1jxwxc3t3"

	completed  = "txn_01hv8wptq8987qeep44cyrewp9"
	pastDue    = "txn_01hv8xbtmb6zc7c264ycteehth"
	draft      = "txn_01hv8xxw3etar07vaxsqbyqasy"
	ready      = "txn_01hv8m0mnx3sj85e7gxc6kga03"
	zero       = "txn_01hywqfervkjg6hkk035wy24gt"
	revised    = "txn_01hrev0000000000000000rev1"
	ameliasSub = "sub_01hv8x29kz0t586xy6zn1a62ny"
	meisSub    = "sub_01hv9770y40xzc823155s0z4zz"
)

// counting returns ids that count.
func counting() foyer.IDs {
	n := 0
	return func(p foyer.Prefix) string {
		n++
		return fmt.Sprintf("%s_%026d", p, n)
	}
}

func newMemory(t *testing.T) (*memory, foyer.IDs) { return &memory{t: t}, counting() }

// files reads files of provider/paddle's testdata.
func files(t *testing.T, names ...string) []billing.ImportBatch {
	var out []billing.ImportBatch
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join("..", "provider", "paddle", "testdata", name+".json"))
		require.NoError(t, err)
		batch, err := paddle.Parse(name+".json", data)
		require.NoError(t, err)
		out = append(out, batch)
	}
	return out
}

func imported(t *testing.T, m *memory, ids foyer.IDs, batches ...billing.ImportBatch) billing.ImportSummary {
	sum, err := billing.Import(t.Context(), m, ids, merchant, batches, billing.ImportOptions{})
	require.NoError(t, err)
	return sum
}

// skips returns the records left out as "id: reason".
func skips(sum billing.ImportSummary) []string {
	var out []string
	for _, s := range sum.Skipped {
		out = append(out, fmt.Sprintf("%s %s %s", s.Kind, s.ExternalID, s.Reason))
	}
	return out
}

var everyFile = []string{
	"customers", "transactions", "transaction", "events", "buyers", "catalog", "adjustments", "chargeback", "subscriptions", "revised", "notifications",
}

func TestImportTheRealFiles(t *testing.T) {
	m, ids := newMemory(t)
	sum := imported(t, m, ids, files(t, "transactions", "events", "transaction", "customers")...)

	assert.Equal(t, billing.ImportCounts{Created: 4}, sum.Counts[billing.ImportCustomer])
	assert.Equal(t, billing.ImportCounts{Created: 4, Skipped: 2}, sum.Counts[billing.ImportPayment])
	assert.Equal(t, billing.ImportCounts{Created: 1}, sum.Counts[billing.ImportSubscription])
	assert.Equal(t, []string{
		"payment " + draft + " has no customer",
		"payment " + zero + " belongs to a customer that is not known",
	}, skips(sum))
	assert.Empty(t, sum.Mismatches)
	assert.Empty(t, sum.AmountsUnknown)

	me := m.customer(amelia).Customer
	assert.Equal(t, "Amelia Reyes", me.Name)
	assert.Equal(t, merchant, me.Merchant)
	assert.Equal(t, int64(1), me.Version)
	var mine []string
	for _, p := range m.rows.Payments {
		if p.Payment.Customer == me.ID {
			mine = append(mine, p.Payment.ExternalID)
		}
	}
	assert.ElementsMatch(t, []string{completed, pastDue}, mine)

	paid := m.payment(completed)
	assert.True(t, paid.HasInvoice())
	assert.Equal(t, "325-10566", paid.InvoiceNumber)
	assert.Empty(t, paid.Payment.Subscription, "the subscription is not there yet")
	assert.Equal(t, ameliasSub, paid.Payment.ExternalSubscriptionID)
	assert.Equal(t, billing.Buyer{Name: "Amelia Reyes", Email: "amelia@aeroflyer.example"}, paid.Buyer)
	assert.Equal(t, billing.Totals{Subtotal: 59900, Tax: 5315, Total: 65215, GrandTotal: 65215}, paid.Payment.Totals)
	for _, l := range paid.Payment.Lines {
		assert.True(t, strings.HasPrefix(string(l.ID), "lin_"))
	}
	for _, a := range paid.Payment.Attempts {
		assert.True(t, strings.HasPrefix(string(a.ID), "att_"))
	}
	assert.False(t, m.payment(pastDue).HasInvoice())
	assert.Equal(t, int64(43549), m.payment(pastDue).Payment.Totals.Balance)

	mei := m.subscription(meisSub)
	assert.Equal(t, []string{"AeroEdit Pro", "Analytics addon"}, []string{mei.Items[0].ProductName, mei.Items[1].ProductName},
		"the event names no products; the transactions do")
	assert.NotEmpty(t, mei.Items[0].ProductID)
	assert.NotEmpty(t, mei.Items[0].PriceID)
	assert.Equal(t, int64(40000), mei.RecurringTotal)
	assert.Empty(t, mei.Waits())
}

func TestImportTwiceChangesNothing(t *testing.T) {
	m, ids := newMemory(t)
	first := imported(t, m, ids, files(t, everyFile...)...)
	require.True(t, first.Changed())
	before := copied(t, m.rows)
	m.saves = 0

	backwards := slices.Clone(everyFile)
	slices.Reverse(backwards)
	for _, names := range [][]string{everyFile, backwards, {"transactions"}, {"customers"}} {
		again := imported(t, m, ids, files(t, names...)...)
		assert.False(t, again.Changed(), "%v", names)
		assert.Zero(t, m.saves)
		assert.Equal(t, before, m.rows)
		if len(names) == len(everyFile) {
			assert.ElementsMatch(t, first.Skipped, again.Skipped, "what is left out is named every time")
			assert.Equal(t, first.Mismatches, again.Mismatches)
			assert.ElementsMatch(t, first.AmountsUnknown, again.AmountsUnknown)
		}
	}
}

// TestImportOrderDoesNotMatter imports the files one by one, forwards and backwards, as often as it takes for nothing to
// change any more (a record without its customer is left out, and comes in the next round), and finds the same as when
// they come all at once. Only what a later file makes of an invoice's buyer may differ: it stays as it was issued.
func TestImportOrderDoesNotMatter(t *testing.T) {
	facts := func(m *memory) map[string]string {
		out := map[string]string{}
		for _, c := range m.rows.Customers {
			out[c.Customer.ExternalID] = fmt.Sprint(c.Customer.Name, c.Customer.Address, c.Customer.Company, c.Customer.TaxID)
		}
		for _, p := range m.rows.Prices {
			out[p.ExternalID] = fmt.Sprint(p.Product != "", p.Name, p.Archived)
		}
		for _, s := range m.rows.Subscriptions {
			s := s.Subscription
			out[s.ExternalID] = fmt.Sprint(s.Status, len(s.Waits()), s.RecurringTotal, s.Items[0].ProductName, s.Discount != nil && s.Discount.Type != "")
		}
		for _, p := range m.rows.Payments {
			out[p.Payment.ExternalID] = fmt.Sprint(p.Payment.Status, p.Payment.Subscription != "", p.Payment.Totals, p.Buyer, p.Waits())
		}
		for _, r := range m.rows.Refunds {
			out[r.Refund.ExternalID] = fmt.Sprint(r.Payment != "", r.Refund.Total, r.Refund.Status)
		}
		return out
	}
	all, ids := newMemory(t)
	imported(t, all, ids, files(t, everyFile...)...)

	backwards := slices.Clone(everyFile)
	slices.Reverse(backwards)
	for _, names := range [][]string{everyFile, backwards} {
		m, ids := newMemory(t)
		for round := 0; ; round++ {
			changed := false
			for _, name := range names {
				changed = imported(t, m, ids, files(t, name)...).Changed() || changed
			}
			if !changed {
				break
			}
			require.Less(t, round, 4)
		}
		assert.Equal(t, facts(all), facts(m))
	}
}

func TestImportNewerWins(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2024, 5, day, 0, 0, 0, 1000, time.UTC) }
	customer := func(name string, day int) billing.ImportBatch {
		return billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: billing.Customer{
			ExternalID: "ctm_1", Email: "a@b.example", Name: name, CreatedAt: at(1), UpdatedAt: at(day),
		}}}}
	}
	m, ids := newMemory(t)
	imported(t, m, ids, customer("second", 2), customer("first", 1))
	assert.Equal(t, "second", m.customer("ctm_1").Customer.Name, "of one run the newest counts")

	sum := imported(t, m, ids, customer("first", 1))
	assert.Equal(t, billing.ImportCounts{Unchanged: 1}, sum.Counts[billing.ImportCustomer])
	sum = imported(t, m, ids, customer("same time", 2))
	assert.Equal(t, billing.ImportCounts{Unchanged: 1}, sum.Counts[billing.ImportCustomer])
	assert.Equal(t, "second", m.customer("ctm_1").Customer.Name)

	id := m.customer("ctm_1").Customer.ID
	sum = imported(t, m, ids, customer("third", 3), customer("second", 2))
	assert.Equal(t, billing.ImportCounts{Updated: 1}, sum.Counts[billing.ImportCustomer])
	got := m.customer("ctm_1").Customer
	assert.Equal(t, "third", got.Name)
	assert.Equal(t, id, got.ID)
	assert.Equal(t, int64(2), got.Version)

	// The customer changed their name in the portal on the 5th: only what happened after that undoes it.
	m.rows.Customers[0].Customer.Name, m.rows.Customers[0].Customer.UpdatedAt = "mine", at(5)
	m.rows.Customers[0].EditedAt = at(5)
	imported(t, m, ids, customer("fourth", 4))
	assert.Equal(t, "mine", m.customer("ctm_1").Customer.Name)
	imported(t, m, ids, customer("sixth", 6))
	assert.Equal(t, "sixth", m.customer("ctm_1").Customer.Name)
}

func TestImportNewerPaymentKeepsItsIDsAndBuyer(t *testing.T) {
	m, ids := newMemory(t)
	imported(t, m, ids, files(t, "customers", "transactions", "buyers", "adjustments")...)
	before := m.payment(completed)
	require.Equal(t, "1 Hangar Way", before.Buyer.Address.Line1)
	m.rows.Payments[slices.IndexFunc(m.rows.Payments, func(p billing.ImportedPayment) bool {
		return p.Payment.ExternalID == completed
	})].Payment.InvoiceID = "inv_made_by_the_store"

	newer := files(t, "transactions", "customers")
	for i := range newer[0].Payments {
		newer[0].Payments[i].Payment.UpdatedAt = newer[0].Payments[i].Payment.UpdatedAt.Add(time.Hour)
	}
	newer[1].Customers[0].Customer.Name = "Amelia Changed"
	newer[1].Customers[0].Customer.UpdatedAt = newer[1].Customers[0].Customer.UpdatedAt.Add(time.Hour)
	sum := imported(t, m, ids, newer...)
	assert.Equal(t, 2, sum.Counts[billing.ImportPayment].Updated)

	after := m.payment(completed)
	assert.Equal(t, "Amelia Changed", m.customer(amelia).Customer.Name)
	assert.Equal(t, before.Buyer, after.Buyer, "an invoice keeps naming whom it named")
	assert.Equal(t, before.Payment.ID, after.Payment.ID)
	assert.Equal(t, before.Payment.Lines, after.Payment.Lines)
	assert.Equal(t, before.Payment.Attempts, after.Payment.Attempts)
	assert.Equal(t, before.Payment.Version+1, after.Payment.Version)
	assert.Equal(t, "inv_made_by_the_store", after.Payment.InvoiceID)
	assert.Equal(t, int64(21666), after.Payment.Totals.Refunded, "the refund is still there")
	assert.Equal(t, "Amelia Changed", m.payment(pastDue).Buyer.Name, "what has no invoice yet names the customer of today")
}

func TestImportTransactionsFirstThenCustomers(t *testing.T) {
	m, ids := newMemory(t)
	sum := imported(t, m, ids, files(t, "transactions", "adjustments", "buyers", "subscriptions")...)
	assert.Equal(t, billing.ImportCounts{Skipped: 3}, sum.Counts[billing.ImportPayment])
	assert.Empty(t, m.rows.Payments)
	assert.Empty(t, m.rows.Refunds)
	assert.Empty(t, m.rows.Customers)
	assert.Contains(t, skips(sum), "payment "+completed+" belongs to a customer that is not known")
	assert.Contains(t, skips(sum), "address add_01hv8wt8ny8ms5vtm71bj8vcdd belongs to a customer that is not known")

	imported(t, m, ids, files(t, "customers")...)
	sum = imported(t, m, ids, files(t, "transactions")...)
	assert.Equal(t, billing.ImportCounts{Created: 2, Skipped: 1}, sum.Counts[billing.ImportPayment])
}

func TestImportJoinsWhatArrivesLater(t *testing.T) {
	m, ids := newMemory(t)
	imported(t, m, ids, files(t, "customers", "events", "transactions", "transaction")...)
	require.Empty(t, m.payment(completed).Payment.Subscription)
	version := m.payment(completed).Payment.Version
	updated := m.payment(completed).Payment.UpdatedAt

	sum := imported(t, m, ids, files(t, "subscriptions")...)
	sub := m.subscription(ameliasSub)
	for _, id := range []string{completed, pastDue} {
		assert.Equal(t, sub.ID, m.payment(id).Payment.Subscription)
	}
	assert.Equal(t, 2, sum.Joined)
	assert.Equal(t, version+1, m.payment(completed).Payment.Version)
	assert.Equal(t, updated, m.payment(completed).Payment.UpdatedAt, "joining is no change of the record")
	require.NotNil(t, sub.Discount)
	assert.Empty(t, sub.Discount.Type, "the discount is not there yet")
	assert.Equal(t, []billing.ImportRef{{Kind: billing.ImportDiscount, ExternalID: "dsc_01h00000000000000000percent"}}, sub.Waits())

	imported(t, m, ids, files(t, "catalog")...)
	sub = m.subscription(ameliasSub)
	assert.Equal(t, billing.DiscountPercent, sub.Discount.Type)
	assert.Equal(t, foyer.Rate("12.5"), sub.Discount.Percent)
	assert.Empty(t, sub.Waits())
	assert.Equal(t, "AeroEdit Pro", sub.Items[0].ProductName)
	assert.Equal(t, int64(43549), sub.RecurringTotal)

	// The buyers of invoices issued before their addresses were known.
	assert.Equal(t, billing.Address{}, m.payment(completed).Buyer.Address)
	imported(t, m, ids, files(t, "buyers")...)
	assert.Equal(t, "1 Hangar Way", m.payment(completed).Buyer.Address.Line1)
	assert.Empty(t, m.payment(completed).Waits())
	assert.Empty(t, m.payment(completed).Buyer.Company)
}

func TestImportLeavesForeignSubscriptionsAlone(t *testing.T) {
	m, ids := newMemory(t)
	imported(t, m, ids, files(t, "customers", "transactions")...)
	subs := files(t, "subscriptions")
	for i := range subs[0].Subscriptions {
		subs[0].Subscriptions[i].ExternalCustomerID = noah
	}
	imported(t, m, ids, subs...)
	assert.Empty(t, m.payment(completed).Payment.Subscription, "the subscription is another customer's now")
}

func TestImportAddressesAndBusinesses(t *testing.T) {
	m, ids := newMemory(t)
	imported(t, m, ids, files(t, "customers", "buyers")...)
	c := m.customer(skyhigh)
	assert.Equal(t, "Flughafenstraße 7", c.Customer.Address.Line1, "the latest active one")
	assert.Equal(t, "Skyhigh Charter GmbH", c.Customer.Company)
	assert.Equal(t, "DE123456789", c.Customer.TaxID)
	assert.Len(t, c.Addresses, 3)

	archive := billing.ImportBatch{Addresses: []billing.ImportedAddress{{
		ExternalID: "add_01hv8gq3318ktkfengj2r75gfx", ExternalCustomerID: skyhigh, Archived: true, UpdatedAt: time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC),
	}}}
	imported(t, m, ids, archive)
	assert.Equal(t, "Alte Gasse 1", m.customer(skyhigh).Customer.Address.Line1, "the next one when the latest is archived")
	updated := m.customer(skyhigh).Customer.UpdatedAt
	assert.Equal(t, c.Customer.UpdatedAt, updated, "a later record of the customer must not lose against the address")

	m.rows.Customers[1].EditedAt = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	m.rows.Customers[1].Customer.Address = billing.Address{Line1: "typed in the portal"}
	move := func(year int) billing.ImportBatch {
		return billing.ImportBatch{Addresses: []billing.ImportedAddress{{
			ExternalID: "add_new", ExternalCustomerID: skyhigh, Address: billing.Address{Line1: "moved"}, UpdatedAt: time.Date(year, 12, 1, 0, 0, 0, 0, time.UTC),
		}}}
	}
	imported(t, m, ids, move(2024))
	assert.Equal(t, "typed in the portal", m.customer(skyhigh).Customer.Address.Line1)
	imported(t, m, ids, move(2025))
	assert.Equal(t, "moved", m.customer(skyhigh).Customer.Address.Line1)
}

func TestImportRevisedTransaction(t *testing.T) {
	m, ids := newMemory(t)
	imported(t, m, ids, files(t, "customers", "buyers", "revised")...)
	p := m.payment(revised)
	assert.Equal(t, billing.Buyer{
		Name: "Skyhigh Charter AG", Company: "Skyhigh Charter AG", TaxID: "DE999999999", RegistrationNumber: "HRB 999", Email: "accounts@skyhigh.example",
		Address: billing.Address{Line1: "Neue Straße 1", City: "Berlin", PostalCode: "10115", Country: "DE"},
	}, p.Buyer)
	c := m.customer(skyhigh)
	assert.Equal(t, "Skyhigh Charter GmbH", c.Customer.Name, "a revision changes one invoice, not the customer")
	assert.Equal(t, "Flughafenstraße 7", c.Customer.Address.Line1)
	assert.Equal(t, int64(1785), p.Payment.Totals.Refunded)
	require.Len(t, m.rows.Refunds, 1)
	assert.Equal(t, []billing.RefundLine{{LineID: string(p.Payment.Lines[0].ID), Amount: 1785}}, m.rows.Refunds[0].Refund.Lines)
}
