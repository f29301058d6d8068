package billing_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// walk is a payment to which everything happens that gives of it back, and the credit notes that were issued meanwhile.
type walk struct {
	billing.Payment
	random *rand.Rand
	noted  map[string]int64
	credit int64
}

// give is a refund, or credit that goes back, with its note.
func (w *walk) give(t *testing.T, r billing.Refund) {
	t.Helper()
	r.ID, r.Status = billing.RefundID(fmt.Sprint(len(w.Refunds))), billing.RefundApproved
	require.Equal(t, r.Total, sumOf(r.Lines), "all of it is of lines")
	note := w.Credited(r.Noted)
	require.NoError(t, note.Check())
	for _, l := range note.Lines {
		w.noted[string(l.ID)] += l.Totals.Total
	}
	w.Refunds = append(w.Refunds, r)
	if r.Action == billing.ActionRefund {
		w.Totals.Refunded += r.Total
	} else {
		w.credit += r.Total
	}
}

func sumOf(lines []billing.RefundLine) (sum int64) {
	for _, l := range lines {
		sum += l.Amount
	}
	return sum
}

// step is one thing that happens.
func (w *walk) step(t *testing.T) {
	t.Helper()
	r := w.random
	switch r.IntN(7) {
	case 0, 1:
		in := billing.RefundInput{Amount: r.Int64N(w.Totals.Total + 2)}
		if r.IntN(2) == 0 {
			in = billing.RefundInput{Lines: []billing.RefundLine{{LineID: string(w.Lines[r.IntN(len(w.Lines))].ID), Amount: r.Int64N(2000)}}}
		}
		if refund, err := w.Refund(in); err == nil {
			w.give(t, refund)
		}
	case 2:
		if back, err := w.ReturnCredit(r.Int64N(w.Totals.Credit + 1)); err == nil {
			w.give(t, back)
		}
	case 3, 4:
		for _, refund := range w.Refunds {
			if refund.Action == billing.ActionRefund && r.IntN(2) == 0 {
				w.Payment, _ = w.RefundFailed(refund.ID, billing.RefundReversed, w.ids(), time.Time{})
			}
		}
	default:
		states := []billing.DisputeStatus{billing.DisputeOpen, billing.DisputeWon, billing.DisputeLost}
		told := bankSays(states[r.IntN(len(states))], r.Int64N(w.Totals.Total+2))
		if c, is := w.Disputed(told, "att_1", w.ids(), time.Time{}); is {
			w.Payment = c.Payment
		}
	}
}

func (w *walk) ids() foyer.IDs {
	return func(prefix foyer.Prefix) string {
		return fmt.Sprint(prefix, len(w.Refunds), len(w.Disputes), w.random.Int64())
	}
}

// holds checks what must always be so.
func (w *walk) holds(t *testing.T) {
	t.Helper()
	var noted, given int64
	for _, l := range w.Lines {
		require.LessOrEqual(t, w.noted[string(l.ID)], l.Totals.Total, "notes of a line")
		noted += w.noted[string(l.ID)]
	}
	for _, r := range w.Refunds {
		if r.Action != billing.ActionChargeback && r.Status == billing.RefundApproved {
			given += r.Total
		}
	}
	require.Equal(t, billing.Refunded(w.Refunds), w.Totals.Refunded)
	require.LessOrEqual(t, w.Totals.Refunded, w.Totals.GrandTotal)
	require.LessOrEqual(t, w.credit, w.Totals.Credit)
	require.GreaterOrEqual(t, noted, given, "everything given back has a note")
	require.LessOrEqual(t, w.Owed(), noted-given, "what is owed has a note")
	require.LessOrEqual(t, noted, w.Totals.GrandTotal+w.credit, "money has no more notes than was paid")
}

// Money and credit, however they are cut, however often they come back, and whatever a bank takes meanwhile: never more than was paid
// goes back, all of it has a credit note, and the notes add up to no more than each line of the invoice.
func TestWhateverHappensToAPaymentItsNotesAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3000) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			items := make([]billing.BillItem, 1+r.IntN(4))
			for i := range items {
				items[i].SubscriptionItem = item(1+r.Int64N(5000), 1+r.Int64N(3), "0.19", "")
			}
			bill, err := billing.PriceBill(items, percent("10"), lines())
			require.NoError(t, err)
			if r.IntN(2) == 0 {
				bill.UseCredit(r.Int64N(bill.Totals.Total + 1))
			}
			w := &walk{
				Payment: billing.Payment{ID: "pay_1", Status: billing.PaymentCompleted, Currency: "EUR", Lines: bill.Lines, Totals: bill.Totals},
				random:  r, noted: map[string]int64{},
			}
			for range 16 {
				w.step(t)
				w.holds(t)
			}
			if c, is := w.Disputed(bankSays(billing.DisputeWon, 1), "att_1", w.ids(), time.Time{}); is {
				w.Payment = c.Payment
			}
			// What is left goes back to the last cent.
			money, credit := w.Returnable()
			if money > 0 {
				refund, err := w.Refund(billing.RefundInput{})
				require.NoError(t, err)
				require.Equal(t, money, refund.Total)
				w.give(t, refund)
			}
			if credit > 0 {
				back, err := w.ReturnCredit(credit)
				require.NoError(t, err)
				require.Equal(t, credit, back.Total)
				w.give(t, back)
			}
			w.holds(t)
			assert.Zero(t, w.Owed())
			assert.Equal(t, w.Totals.Total, w.credit+w.Totals.Refunded)
			var noted int64
			for _, sum := range w.noted {
				noted += sum
			}
			assert.Equal(t, w.Totals.Total, noted, "the whole invoice, once")
		}) {
			return
		}
	}
}

// A refund that came back is paid again under the credit note it left; only what exceeds it gets another.
func TestPayingBackAgainNeedsNoSecondNote(t *testing.T) {
	t.Parallel()
	lines := func(id string, amount int64) billing.RefundInput {
		return billing.RefundInput{Lines: []billing.RefundLine{{LineID: id, Amount: amount}}}
	}
	for name, c := range map[string]struct {
		credit int64
		came   []billing.RefundInput
		then   billing.RefundInput
		noted  map[string]int64
	}{
		"a part of it": {0, []billing.RefundInput{lines("a", 500)}, billing.RefundInput{Amount: 300}, nil},
		"all of it":    {0, []billing.RefundInput{lines("a", 500)}, billing.RefundInput{Amount: 500}, nil},
		"more":         {0, []billing.RefundInput{lines("a", 500)}, lines("a", 700), map[string]int64{"a": 200}},
		"everything":   {0, []billing.RefundInput{lines("a", 500)}, billing.RefundInput{}, map[string]int64{"a": 500, "b": 1000}},
		"another line, and there is money for both": {0, []billing.RefundInput{lines("a", 500)}, lines("b", 400), map[string]int64{"b": 400}},
		"another line, and there is not":            {900, []billing.RefundInput{lines("a", 1000)}, lines("b", 400), map[string]int64{"b": 100}},
		"another line, and it is all there is":      {1000, []billing.RefundInput{lines("a", 1000)}, lines("b", 400), nil},
		"twice":                                     {0, []billing.RefundInput{lines("a", 500), {Amount: 500}}, billing.RefundInput{Amount: 500}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := billing.Payment{
				ID: "pay_1", Status: billing.PaymentCompleted, Currency: "EUR",
				Totals: billing.Totals{Subtotal: 2000, Total: 2000, Credit: c.credit, GrandTotal: 2000 - c.credit},
				Lines: []billing.Line{
					{ID: "a", TaxRate: "0", Totals: billing.LineTotals{Subtotal: 1000, Total: 1000}}, {ID: "b", TaxRate: "0", Totals: billing.LineTotals{Subtotal: 1000, Total: 1000}},
				},
			}
			for i, in := range c.came {
				refund, err := p.Refund(in)
				require.NoError(t, err)
				refund.ID, refund.Status = billing.RefundID(fmt.Sprint(i)), billing.RefundReversed
				p.Refunds = append(p.Refunds, refund)
			}
			refund, err := p.Refund(c.then)
			require.NoError(t, err)
			noted := map[string]int64{}
			for _, l := range refund.Noted {
				noted[l.LineID] += l.Amount
			}
			if c.noted == nil {
				c.noted = map[string]int64{}
			}
			assert.Equal(t, c.noted, noted)
		})
	}
}
