package retention

import (
	"slices"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// WithdrawalID is `wdr_…`.
type WithdrawalID string

// WithdrawalState is where a withdrawal stands; doc.go draws it.
type WithdrawalState string

// The states of a withdrawal.
const (
	WithdrawalOpen      WithdrawalState = "open"
	WithdrawalConfirmed WithdrawalState = "confirmed"
	WithdrawalCompleted WithdrawalState = "completed"
	WithdrawalFailed    WithdrawalState = "failed"
	WithdrawalExpired   WithdrawalState = "expired"
	WithdrawalDismissed WithdrawalState = "dismissed"
)

// WithdrawalStates lists every state.
var WithdrawalStates = []WithdrawalState{
	WithdrawalOpen, WithdrawalConfirmed, WithdrawalCompleted, WithdrawalFailed, WithdrawalExpired, WithdrawalDismissed,
}

// DeclaredWithdrawals are the states after it was confirmed: the contract is undone, and can't be undone again.
var DeclaredWithdrawals = []WithdrawalState{WithdrawalConfirmed, WithdrawalCompleted, WithdrawalFailed}

// When the merchant is told again of a withdrawal declared without signing in that nobody has decided about; what another worker
// leaves to the one that has it; and how soon what could not be given back is tried again, at first and at last: the law gives the
// merchant 14 days (Directive 2011/83/EU Art. 13(1)).
const (
	noticedReminder = 10 * 24 * time.Hour
	withdrawalLease = time.Minute
	firstRetry      = time.Minute
	longestRetry    = 6 * time.Hour
)

// Withdrawal is a customer's withdrawal from the contract behind a subscription: it undoes it, and what was paid is given back.
type Withdrawal struct {
	ID           WithdrawalID
	Merchant     foyer.MerchantID
	Customer     foyer.CustomerID
	Subscription billing.SubscriptionID
	State        WithdrawalState
	// DeclaredAt is when the customer declared it: when it was confirmed, or the notice received. Nil before.
	DeclaredAt *time.Time
	// EndsAt is the end of the window (UTC); zero where there is no such right, and the merchant grants it.
	EndsAt    time.Time
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
	Undoing
}

// Undoing is what a withdrawal gathers on its way.
type Undoing struct {
	Profile ProfileID     `json:"profile,omitempty"`
	Country foyer.Country `json:"country,omitempty"`
	// Notice is the one it was declared by; empty for a customer who was signed in.
	Notice   NoticeID       `json:"notice,omitempty"`
	Policy   RefundPolicy   `json:"policy,omitempty"`
	Currency foyer.Currency `json:"currency,omitempty"`
	// ExpiresAt is when an open one that nobody has declared is given up; TryAt when what is under way is looked after again; RemindAt
	// when the merchant is told again of one that was declared by notice.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	TryAt     *time.Time `json:"try_at,omitempty"`
	RemindAt  *time.Time `json:"remind_at,omitempty"`
	// Tries counts how often the gateway was away.
	Tries int `json:"tries,omitempty"`
	// Command is the call that confirmed it or had it tried again: the same call goes on with it after a crash.
	Command string `json:"command,omitempty"`
	// Charge is the payment that was being collected when it was declared: its outcome is waited for, and what it takes is given
	// back too. Empty when there is none, or it is settled.
	Charge  billing.PaymentID `json:"charge,omitempty"`
	Returns []Return          `json:"returns,omitempty"`
	// Reason says why it failed.
	Reason billing.ErrorCode `json:"reason,omitempty"`
}

// Scope is whose withdrawal it is.
func (w Withdrawal) Scope() foyer.Scope {
	return foyer.Scope{Merchant: w.Merchant, Customer: w.Customer}
}

// LegalProfile is that of the customer's place, as the law has it.
func (w Withdrawal) LegalProfile() LegalProfile { return profile(w.Profile) }

// Declared tells whether the contract is undone.
func (w Withdrawal) Declared() bool { return slices.Contains(DeclaredWithdrawals, w.State) }

// Refund is the sum of what is given back: money, and credit, in minor units of Currency.
func (w Withdrawal) Refund() (money, credit int64) {
	for _, r := range w.Returns {
		money, credit = money+r.Money, credit+r.Credit
	}
	return money, credit
}

// KeepsUsed tells whether less goes back than was paid: the part of a period used until the withdrawal is paid for (Directive
// 2011/83/EU Art. 14(3), § 357a BGB).
func (w Withdrawal) KeepsUsed() bool {
	money, credit := w.Refund()
	return w.Policy == RefundProRata && money+credit > 0
}

// The refusals of a withdrawal: there is no such right at the customer's place, its time is over, it was decided before.
func errNoWithdrawal() error     { return foyer.Refuse(foyer.Conflict, "withdrawal.not_available") }
func errWithdrawalLate() error   { return foyer.Refuse(foyer.Conflict, "withdrawal.out_of_time") }
func errWithdrawalClosed() error { return foyer.Refuse(foyer.Conflict, "withdrawal.closed") }

// errNotDeclared says that the customer has looked, and declared nothing: nobody else can do it for them.
func errNotDeclared() error { return foyer.Refuse(foyer.Conflict, "withdrawal.not_declared") }

// Concluded is when the contract behind a subscription was concluded.
func Concluded(sub billing.Subscription) time.Time {
	if sub.StartedAt != nil {
		return *sub.StartedAt
	}
	return sub.CreatedAt
}

// Withdrawable returns the end of the time in which a customer with that profile can withdraw.
//
// Refusals: Conflict (withdrawal.not_available, withdrawal.out_of_time).
func (p LegalProfile) Withdrawable(sub billing.Subscription, at time.Time) (time.Time, error) {
	ends, has := p.WithdrawalEnds(Concluded(sub))
	switch {
	case !has:
		return ends, errNoWithdrawal()
	case !at.Before(ends):
		return ends, errWithdrawalLate()
	}
	return ends, nil
}

func (w Withdrawal) changed(state WithdrawalState, now time.Time) Withdrawal {
	w.State, w.UpdatedAt = state, foyer.Micro(now)
	w.Version++
	if state != WithdrawalOpen {
		w.ExpiresAt, w.RemindAt = nil, nil
	}
	if state != WithdrawalConfirmed {
		w.TryAt = nil
	}
	return w
}

// NewWithdrawal is what a withdrawal begins with.
type NewWithdrawal struct {
	ID           WithdrawalID
	Subscription billing.Subscription
	Profile      ProfileID
	Country      foyer.Country
	EndsAt       time.Time
	Policy       RefundPolicy
}

// Begin returns the withdrawal at its first step: nothing is declared yet.
func (n NewWithdrawal) Begin(now time.Time) Withdrawal {
	ends := n.EndsAt
	return Withdrawal{
		ID: n.ID, Merchant: n.Subscription.Merchant, Customer: n.Subscription.Customer, Subscription: n.Subscription.ID, EndsAt: n.EndsAt,
		CreatedAt: foyer.Micro(now),
		Undoing:   Undoing{Profile: n.Profile, Country: n.Country, Policy: n.Policy, Currency: n.Subscription.Currency, ExpiresAt: &ends},
	}.changed(WithdrawalOpen, now)
}

// Noticed returns the withdrawal declared by somebody who was not signed in. It waits for the customer's or the merchant's word however
// long that takes: whoever sends a withdrawal in time has kept the time (Directive 2011/83/EU Art. 11(2), § 355(1) BGB).
//
// Refusal: Conflict (withdrawal.closed).
func (w Withdrawal) Noticed(notice NoticeID, receivedAt, now time.Time) (Withdrawal, error) {
	if w.State != WithdrawalOpen || w.Notice != "" {
		return w, errWithdrawalClosed()
	}
	declared, remind := foyer.Micro(receivedAt), foyer.Micro(receivedAt).Add(noticedReminder)
	w.Notice, w.DeclaredAt, w.ExpiresAt, w.RemindAt = notice, &declared, nil, &remind
	return w.changed(WithdrawalOpen, now), nil
}

// Confirmed returns the withdrawal declared, with what is given back; sub is the subscription afterwards, which goes on only while a
// charge is under way. command is the call that did it.
//
// Refusal: Conflict (withdrawal.closed).
func (w Withdrawal) Confirmed(sub billing.Subscription, returns []Return, command string, now time.Time) (Withdrawal, error) {
	if w.State != WithdrawalOpen {
		return w, errWithdrawalClosed()
	}
	at := foyer.Micro(now)
	if w.DeclaredAt == nil {
		w.DeclaredAt = &at
	}
	w.Returns, w.Command = pendingReturns(returns), command
	if sub.Status != billing.SubscriptionCanceled {
		w.Charge = sub.OpenPayment
	}
	later := at.Add(withdrawalLease) // whoever confirms it gives it back at once; others come when that was not to be
	w.TryAt = &later
	return w.changed(WithdrawalConfirmed, now), nil
}

// Lapsed returns the withdrawal given up because its customer has only looked at it, and the time to declare it is over.
//
// Refusal: Conflict (withdrawal.closed), for one that was declared too.
func (w Withdrawal) Lapsed(now time.Time) (Withdrawal, error) {
	if w.State != WithdrawalOpen || w.Notice != "" {
		return w, errWithdrawalClosed()
	}
	return w.changed(WithdrawalExpired, now), nil
}

// Dismissed returns the withdrawal turned down by the merchant: what was declared by somebody else than the customer.
//
// Refusals: Conflict: withdrawal.closed, withdrawal.not_declared for one that no notice declared.
func (w Withdrawal) Dismissed(now time.Time) (Withdrawal, error) {
	switch {
	case w.State != WithdrawalOpen:
		return w, errWithdrawalClosed()
	case w.Notice == "":
		return w, errNotDeclared()
	}
	return w.changed(WithdrawalDismissed, now), nil
}

// Over tells whether an open withdrawal's time is over; that of a declared one never is.
func (w Withdrawal) Over(now time.Time) bool {
	return w.State == WithdrawalOpen && w.Notice == "" && w.ExpiresAt != nil && !now.Before(*w.ExpiresAt)
}

// Waiting tells whether it was declared by notice and waits for the customer's or the merchant's word.
func (w Withdrawal) Waiting() bool { return w.State == WithdrawalOpen && w.Notice != "" }

// Reminded returns the withdrawal of which the merchant has been told again.
func (w Withdrawal) Reminded(now time.Time) Withdrawal {
	w.RemindAt = nil
	return w.changed(w.State, now)
}

// DueAt is when something is to be done about the withdrawal without anybody asking; nil when nothing is.
func (w Withdrawal) DueAt() *time.Time {
	switch w.State {
	case WithdrawalOpen:
		if w.Notice != "" {
			return w.RemindAt
		}
		return w.ExpiresAt
	case WithdrawalConfirmed:
		return w.TryAt
	}
	return nil
}
