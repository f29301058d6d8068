package retention

import (
	"slices"
	"strconv"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Return is what is given back of one payment: Money to the method that paid, Credit to the customer's credit, in minor units.
type Return struct {
	Payment billing.PaymentID `json:"payment"`
	Money   int64             `json:"money"`
	Credit  int64             `json:"credit,omitempty"`
	State   ReturnState       `json:"state"`
	// Try tells one refund that was refused from the next: each has a key of its own.
	Try int `json:"try,omitempty"`
}

// ReturnState is how far a return is.
type ReturnState string

// The states of a return.
const (
	ReturnPlanned  ReturnState = "planned"
	ReturnPending  ReturnState = "pending"
	ReturnRefunded ReturnState = "refunded"
	ReturnRefused  ReturnState = "refused"
)

// Charged returns the withdrawal once the charge that was under way is settled, with what is given back of what it took.
func (w Withdrawal) Charged(more []Return, now time.Time) Withdrawal {
	w.Charge = ""
	w.Returns = append(slices.Clone(w.Returns), pendingReturns(more)...)
	return w.changed(w.State, now)
}

// pendingReturns are returns that begin; one without money is done with its credit.
func pendingReturns(planned []Return) []Return {
	out := slices.Clone(planned)
	for i := range out {
		out[i].State = ReturnPending
		if out[i].Money == 0 {
			out[i].State = ReturnRefunded
		}
	}
	return out
}

// RefundOutcome is what became of the refund of a payment. An empty State is unknown: it is tried again.
type RefundOutcome struct {
	State ReturnState
	// Money is what went back: less than was planned when the merchant had given some of it back already.
	Money  int64
	Reason billing.ErrorCode
}

// Returned returns the withdrawal after refunds were tried: completed when nothing is left, failed when one was refused and nothing
// else can be done without the merchant, else to be tried again later.
func (w Withdrawal) Returned(outcomes map[billing.PaymentID]RefundOutcome, now time.Time) Withdrawal {
	if w.State != WithdrawalConfirmed {
		return w
	}
	w.Returns = slices.Clone(w.Returns)
	pending, refused := w.Charge != "", false
	for i := range w.Returns {
		r := &w.Returns[i]
		if o, tried := outcomes[r.Payment]; tried && r.State == ReturnPending && o.State != "" {
			r.State = o.State
			if o.State == ReturnRefunded {
				r.Money = o.Money
			} else {
				w.Reason = o.Reason
			}
		}
		pending = pending || r.State == ReturnPending
		refused = refused || r.State == ReturnRefused
	}
	switch {
	case pending:
		return w.later(now)
	case refused:
		return w.changed(WithdrawalFailed, now)
	}
	return w.changed(WithdrawalCompleted, now)
}

// later is the withdrawal to be tried again, each time after twice as long.
func (w Withdrawal) later(now time.Time) Withdrawal {
	at := foyer.Micro(now).Add(min(firstRetry<<min(w.Tries, 16), longestRetry))
	w.TryAt = &at
	w.Tries++
	return w.changed(w.State, now)
}

// Polled is the withdrawal that goes on waiting for the charge under way.
func (w Withdrawal) Polled(now time.Time) Withdrawal {
	at := foyer.Micro(now).Add(soonestPoll)
	w.TryAt = &at
	return w.changed(w.State, now)
}

// Retried returns one that failed as the merchant tries it again: what was refused is asked for anew.
//
// Refusals: Conflict: withdrawal.closed, withdrawal.not_declared for one the customer has not declared.
func (w Withdrawal) Retried(command string, now time.Time) (Withdrawal, error) {
	switch {
	case w.State == WithdrawalOpen && w.Notice == "":
		return w, errNotDeclared()
	case w.State != WithdrawalFailed:
		return w, errWithdrawalClosed()
	}
	w.Returns = slices.Clone(w.Returns)
	for i := range w.Returns {
		if w.Returns[i].State == ReturnRefused {
			w.Returns[i].State = ReturnPending
			w.Returns[i].Try++
		}
	}
	later := foyer.Micro(now).Add(withdrawalLease)
	w.TryAt, w.Tries, w.Command, w.Reason = &later, 0, command, ""
	return w.changed(WithdrawalConfirmed, now), nil
}

// RefundCommand names the refund of a payment for the engine, so that whoever makes it again finds it.
func (w Withdrawal) RefundCommand(r Return) string {
	return string(w.ID) + "/" + string(r.Payment) + "/" + strconv.Itoa(r.Try)
}
