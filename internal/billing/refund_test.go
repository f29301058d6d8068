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
func (w *walk) give(t *testing.T, action billing.RefundAction, lines []billing.RefundLine, sum int64) {
	t.Helper()
	made := billing.Refund{ID: billing.RefundID(fmt.Sprint(len(w.Refunds))), Action: action, Status: billing.RefundApproved, Total: sum, Lines: lines}
	require.Equal(t, sum, w.Credited(lines).Totals.Total, "all of it is of lines")
	note := w.Credited(made.Noted())
	require.NoError(t, note.Check())
	for _, l := range note.Lines {
		w.noted[string(l.ID)] += l.Totals.Total
	}
	w.Refunds = append(w.Refunds, made)
	if action == billing.ActionRefund {
		w.Totals.Refunded += sum
	} else {
		w.credit += sum
	}
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
		if lines, sum, err := w.Refund(in); err == nil {
			w.give(t, billing.ActionRefund, lines, sum)
		}
	case 2:
		amount := r.Int64N(w.Totals.Credit + 1)
		if lines, err := w.ReturnCredit(amount); err == nil {
			w.give(t, billing.ActionCredit, lines, amount)
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
				lines, sum, err := w.Refund(billing.RefundInput{})
				require.NoError(t, err)
				require.Equal(t, money, sum)
				w.give(t, billing.ActionRefund, lines, sum)
			}
			if credit > 0 {
				lines, err := w.ReturnCredit(credit)
				require.NoError(t, err)
				w.give(t, billing.ActionCredit, lines, credit)
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
