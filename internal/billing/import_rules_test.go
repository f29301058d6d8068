package billing_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
)

func moment(day int) time.Time { return time.Date(2024, 6, day, 12, 0, 0, 0, time.UTC) }

func person(id, email string, day int) billing.ImportedCustomer {
	return billing.ImportedCustomer{Customer: billing.Customer{ExternalID: id, Email: email, CreatedAt: moment(1), UpdatedAt: moment(day)}}
}

func people(c ...billing.ImportedCustomer) billing.ImportBatch {
	return billing.ImportBatch{Customers: c}
}

func TestImportEmailAddresses(t *testing.T) {
	emails := func(m *memory) map[string]string {
		out := map[string]string{}
		for _, c := range m.rows.Customers {
			out[c.Customer.ExternalID] = c.Customer.Email
		}
		return out
	}
	have := people(person("ctm_a", "a@x.example", 1), person("ctm_b", "b@x.example", 1))
	for name, c := range map[string]struct {
		batch   billing.ImportBatch
		want    map[string]string
		skipped []string
	}{
		"another's, in other letter case": {
			people(person("ctm_c", "A@X.example", 1)),
			map[string]string{"ctm_a": "a@x.example", "ctm_b": "b@x.example"},
			[]string{"customer ctm_c has the e-mail address of another customer"},
		},
		"twice in one file": {
			people(person("ctm_c", "c@x.example", 1), person("ctm_d", "C@x.example", 1)),
			map[string]string{"ctm_a": "a@x.example", "ctm_b": "b@x.example", "ctm_c": "c@x.example"},
			[]string{"customer ctm_d has the e-mail address of another customer"},
		},
		"an update to another's": {
			people(person("ctm_a", "b@x.example", 2)),
			map[string]string{"ctm_a": "a@x.example", "ctm_b": "b@x.example"},
			[]string{"customer ctm_a has the e-mail address of another customer"},
		},
		"given up and taken, taker first": {
			people(person("ctm_c", "a@x.example", 1), person("ctm_b", "free@x.example", 2), person("ctm_a", "b@x.example", 2)),
			map[string]string{"ctm_a": "b@x.example", "ctm_b": "free@x.example", "ctm_c": "a@x.example"},
			nil,
		},
		"swapped: nobody can go first": {
			people(person("ctm_a", "b@x.example", 2), person("ctm_b", "a@x.example", 2)),
			map[string]string{"ctm_a": "a@x.example", "ctm_b": "b@x.example"},
			[]string{"customer ctm_a has the e-mail address of another customer", "customer ctm_b has the e-mail address of another customer"},
		},
		"one's own in other letter case": {
			people(person("ctm_a", "A@x.example", 2)),
			map[string]string{"ctm_a": "A@x.example", "ctm_b": "b@x.example"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, ids := newMemory(t)
			imported(t, m, ids, have)
			sum := imported(t, m, ids, c.batch)
			assert.Equal(t, c.want, emails(m))
			assert.Equal(t, c.skipped, skips(sum))
			m.saves = 0
			imported(t, m, ids, c.batch)
			assert.Zero(t, m.saves)
		})
	}
}

func TestImportSkipsWhatBelongsToASkippedCustomer(t *testing.T) {
	m, ids := newMemory(t)
	sum := imported(t, m, ids, people(person("ctm_a", "a@x.example", 1), person("ctm_b", "a@x.example", 1)), billing.ImportBatch{
		Subscriptions: []billing.ImportedSubscription{{ExternalCustomerID: "ctm_b", Subscription: billing.Subscription{ExternalID: "sub_1", UpdatedAt: moment(1)}}},
		Businesses:    []billing.ImportedBusiness{{ExternalID: "biz_1", UpdatedAt: moment(1)}},
		Refunds:       []billing.ImportedRefund{{ExternalCustomerID: "ctm_a", ExternalPaymentID: "txn_1", Refund: billing.Refund{ExternalID: "adj_1", UpdatedAt: moment(1)}}},
	})
	assert.Equal(t, []string{
		"customer ctm_b has the e-mail address of another customer",
		"business biz_1 has no customer",
		"subscription sub_1 belongs to a customer that is not known",
	}, skips(sum))
	assert.Equal(t, 1, sum.Counts[billing.ImportRefund].Created, "a refund waits for its payment")
}

func TestImportRefunds(t *testing.T) {
	m, ids := newMemory(t)
	imported(t, m, ids, files(t, "customers", "adjustments")...)
	waiting := m.refund("adj_01hw0000000000000000000001")
	assert.Empty(t, waiting.Payment)
	assert.Equal(t, "txnitm_01hv8wt98jahpbm1t1v67vqnb6", waiting.Refund.Lines[0].LineID)

	sum := imported(t, m, ids, files(t, "transactions", "transaction")...)
	assert.Equal(t, 4, sum.Joined)
	p := m.payment(completed).Payment
	assert.Equal(t, int64(21666), p.Totals.Refunded, "pending and rejected ones give nothing back")
	joined := m.refund("adj_01hw0000000000000000000001")
	assert.Equal(t, p.ID, joined.Payment)
	assert.Equal(t, string(p.Lines[2].ID), joined.Refund.Lines[0].LineID)
	assert.Zero(t, m.payment(ready).Payment.Totals.Refunded, "a credit pays nothing back")
	assert.NotEmpty(t, m.refund("adj_01hw0000000000000000000007").Waits(), "its transaction is in no file")

	// The pending one is approved.
	approved := files(t, "adjustments")
	approved[0].Refunds = approved[0].Refunds[1:2]
	approved[0].Refunds[0].Refund.Status = billing.RefundApproved
	approved[0].Refunds[0].Refund.UpdatedAt = approved[0].Refunds[0].Refund.UpdatedAt.Add(time.Second)
	version := p.Version
	imported(t, m, ids, approved...)
	p = m.payment(completed).Payment
	assert.Equal(t, int64(21666+10887), p.Totals.Refunded)
	assert.Equal(t, version+1, p.Version)
}

func TestImportChargebackTakenBack(t *testing.T) {
	m, ids := newMemory(t)
	imported(t, m, ids, files(t, "customers", "transactions")...)
	events := files(t, "chargeback")[0]
	first := billing.ImportBatch{Refunds: events.Refunds[:1]}
	imported(t, m, ids, first)
	assert.Equal(t, int64(65215), m.payment(completed).Payment.Totals.Refunded)
	imported(t, m, ids, events)
	assert.Zero(t, m.payment(completed).Payment.Totals.Refunded, "the bank took it back")
	assert.Equal(t, int64(-65215), m.refund("adj_01hw0000000000000000000011").Refund.Total)

	first.Refunds[0].Refund.Status = billing.RefundReversed
	first.Refunds[0].Refund.UpdatedAt = moment(28)
	imported(t, m, ids, first)
	assert.Zero(t, m.payment(completed).Payment.Totals.Refunded, "marked and followed by a reversal counts once")
}

// TestImportTwoWitnessesOfARefund: what went back, by the payment's adjusted totals and by the refunds known, whichever
// comes first.
func TestImportTwoWitnessesOfARefund(t *testing.T) {
	refund := func(n int, action billing.RefundAction, status billing.RefundStatus, total int64) billing.ImportedRefund {
		return billing.ImportedRefund{ExternalCustomerID: "ctm_a", ExternalPaymentID: "txn_1", Refund: billing.Refund{
			ExternalID: fmt.Sprintf("adj_%d", n), Action: action, Status: status, Total: total, UpdatedAt: moment(n),
		}}
	}
	for name, c := range map[string]struct {
		adjusted int64
		refunds  []billing.ImportedRefund
		want     int64
	}{
		"nothing":                     {0, nil, 0},
		"totals only":                 {500, nil, 500},
		"refund only":                 {0, []billing.ImportedRefund{refund(1, billing.ActionRefund, billing.RefundApproved, 500)}, 500},
		"both say the same":           {500, []billing.ImportedRefund{refund(1, billing.ActionRefund, billing.RefundApproved, 500)}, 500},
		"one of two refunds is known": {800, []billing.ImportedRefund{refund(1, billing.ActionRefund, billing.RefundApproved, 500)}, 800},
		"some of it was a credit": {800, []billing.ImportedRefund{
			refund(1, billing.ActionCredit, billing.RefundApproved, 300), refund(2, billing.ActionRefund, billing.RefundApproved, 500),
		}, 500},
		"all of it was a credit": {300, []billing.ImportedRefund{refund(1, billing.ActionCredit, billing.RefundApproved, 300)}, 0},
		"a reversed chargeback":  {700, []billing.ImportedRefund{refund(1, billing.ActionChargeback, billing.RefundReversed, 700)}, 0},
		"more than 64 bits": {0, []billing.ImportedRefund{
			refund(1, billing.ActionRefund, billing.RefundApproved, math.MaxInt64), refund(2, billing.ActionRefund, billing.RefundApproved, 1),
		}, math.MaxInt64},
	} {
		t.Run(name, func(t *testing.T) {
			payment := billing.ImportBatch{Payments: []billing.ImportedPayment{{ExternalCustomerID: "ctm_a", Adjusted: c.adjusted, Payment: billing.Payment{
				ExternalID: "txn_1", Status: billing.PaymentCompleted, UpdatedAt: moment(1),
			}}}}
			customer, refunds := people(person("ctm_a", "a@x.example", 1)), billing.ImportBatch{Refunds: c.refunds}
			for _, runs := range [][][]billing.ImportBatch{
				{{customer, payment, refunds}}, {{customer, payment}, {refunds}}, {{customer, refunds}, {payment}},
			} {
				m, ids := newMemory(t)
				for _, run := range runs {
					imported(t, m, ids, run...)
				}
				assert.Equal(t, c.want, m.payment("txn_1").Payment.Totals.Refunded)
			}
		})
	}
}

func TestImportNamesPaymentsThatDoNotAddUp(t *testing.T) {
	m, ids := newMemory(t)
	batches := files(t, "customers", "transactions")
	for i := range batches[1].Payments {
		if p := &batches[1].Payments[i].Payment; p.ExternalID == completed || p.ExternalID == draft {
			p.Lines[0].Totals.Tax++
		}
	}
	sum := imported(t, m, ids, batches...)
	assert.Equal(t, []billing.ImportMismatch{{ExternalID: completed, Sums: []string{"tax"}}}, sum.Mismatches, "kept as it is, and named")
	assert.Equal(t, int64(5315), m.payment(completed).Payment.Totals.Tax)
}

func TestImportNamesSubscriptionsWithoutAmounts(t *testing.T) {
	m, ids := newMemory(t)
	sum := imported(t, m, ids, files(t, "customers", "subscriptions")...)
	assert.Equal(t, []string{"sub_01h00000000000000000unknown"}, sum.AmountsUnknown)
	assert.Equal(t, []string{"subscription sub_01h0000000000000000stranger belongs to a customer that is not known"}, skips(sum))
}

func TestImportInvoices(t *testing.T) {
	base := billing.Payment{Status: billing.PaymentCompleted, CollectionMode: billing.CollectAutomatic, Totals: billing.Totals{Total: 100}}
	for name, c := range map[string]struct {
		change func(p *billing.ImportedPayment)
		want   bool
	}{
		"completed":                   {func(*billing.ImportedPayment) {}, true},
		"zero value carries a number": {func(p *billing.ImportedPayment) { p.Payment.Totals.Total = 0 }, false},
		"no number":                   {func(p *billing.ImportedPayment) { p.InvoiceNumber = "" }, false},
		"automatic and only billed":   {func(p *billing.ImportedPayment) { p.Payment.Status = billing.PaymentBilled }, false},
		"manual and billed: a demand": {func(p *billing.ImportedPayment) {
			p.Payment.Status, p.Payment.CollectionMode = billing.PaymentBilled, billing.CollectManual
		}, true},
		"manual, not billed": {func(p *billing.ImportedPayment) {
			p.Payment.Status, p.Payment.CollectionMode = billing.PaymentReady, billing.CollectManual
		}, false},
		"automatic and canceled again": {func(p *billing.ImportedPayment) { p.Payment.Status = billing.PaymentCanceled }, false},
	} {
		p := billing.ImportedPayment{Payment: base, InvoiceNumber: "1-1"}
		c.change(&p)
		assert.Equal(t, c.want, p.HasInvoice(), name)
	}
}

// TestImportSurvivesTrouble: a transaction that is run again does nothing twice, and an import that broke off is completed
// by the same import.
func TestImportSurvivesTrouble(t *testing.T) {
	calm, ids := newMemory(t)
	want := imported(t, calm, ids, files(t, everyFile...)...)

	aborted, ids := newMemory(t)
	aborted.aborts = true
	got := imported(t, aborted, ids, files(t, everyFile...)...)
	assert.Equal(t, want, got)
	assert.Len(t, aborted.rows.Payments, len(calm.rows.Payments))

	broken, ids := newMemory(t)
	for n := 1; ; n++ {
		broken.fail = n
		_, err := billing.Import(t.Context(), broken, ids, merchant, files(t, everyFile...), billing.ImportOptions{})
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errFull)
		require.Less(t, n, 20)
	}
	assert.Len(t, broken.rows.Payments, len(calm.rows.Payments))
	for _, p := range calm.rows.Payments {
		assert.Equal(t, p.Payment.Totals, broken.payment(p.Payment.ExternalID).Payment.Totals)
		assert.Equal(t, p.Waits(), broken.payment(p.Payment.ExternalID).Waits())
	}
}

func TestImportDoesNotTouchWhatItIsGiven(t *testing.T) {
	given, untouched := files(t, everyFile...), files(t, everyFile...)
	m, ids := newMemory(t)
	m.aborts = true
	imported(t, m, ids, given...)
	assert.Equal(t, untouched, given)
}

func TestImportInSteps(t *testing.T) {
	var batch billing.ImportBatch
	for i := range 1234 {
		id := fmt.Sprintf("ctm_%04d", i)
		batch.Customers = append(batch.Customers, person(id, id+"@x.example", 1))
		batch.Addresses = append(batch.Addresses, billing.ImportedAddress{
			ExternalID: fmt.Sprintf("add_%04d", i), ExternalCustomerID: id, Address: billing.Address{City: "Bonn"}, UpdatedAt: moment(1),
		})
	}
	batch.Ignored = map[string]int{"rep": 2}
	m, ids := newMemory(t)
	var seen [][2]int
	sum, err := billing.Import(t.Context(), m, ids, merchant, []billing.ImportBatch{batch, {Ignored: map[string]int{"rep": 1}}}, billing.ImportOptions{
		Progress: func(done, total int) { seen = append(seen, [2]int{done, total}) },
	})
	require.NoError(t, err)
	assert.Equal(t, [][2]int{{500, 2468}, {1000, 2468}, {1234, 2468}, {1734, 2468}, {2234, 2468}, {2468, 2468}}, seen)
	assert.Equal(t, 1234, sum.Counts[billing.ImportCustomer].Created)
	assert.Equal(t, map[string]int{"rep": 3}, sum.Ignored)
	assert.Equal(t, "Bonn", m.customer("ctm_1233").Customer.Address.City)
	assert.Equal(t, merchant, m.customer("ctm_1233").Customer.Merchant)
}
