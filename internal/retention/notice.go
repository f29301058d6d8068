package retention

import (
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// NoticeID is `ntc_…`.
type NoticeID string

// NoticeKind says what was declared.
type NoticeKind string

// What somebody can declare without signing in: § 312k BGB and L215-1-1 Code de la consommation want the one, Art. 11a of
// Directive 2011/83/EU the other.
const (
	NoticeCancellation NoticeKind = "cancellation"
	NoticeWithdrawal   NoticeKind = "withdrawal"
)

// NoticeState is where a notice stands; doc.go draws it.
type NoticeState string

// The states of a notice.
const (
	NoticeReceived  NoticeState = "received"
	NoticeMatched   NoticeState = "matched"
	NoticeUnmatched NoticeState = "unmatched"
	NoticeAmbiguous NoticeState = "ambiguous"
	NoticeResolved  NoticeState = "resolved"
	NoticeDismissed NoticeState = "dismissed"
)

// NoticeStates lists every state.
var NoticeStates = []NoticeState{NoticeReceived, NoticeMatched, NoticeUnmatched, NoticeAmbiguous, NoticeResolved, NoticeDismissed}

// Grounds are on which a contract is canceled.
type Grounds string

// The grounds: with the notice the contract asks for, or for good cause (§ 314 BGB), which alone has a reason.
const (
	GroundsOrdinary      Grounds = "ordinary"
	GroundsExtraordinary Grounds = "extraordinary"
)

// NoticeProblem is why a notice waits for the merchant.
type NoticeProblem string

// Why a notice waits. Other ones are the codes of billing's refusals.
const (
	// ProblemNoMatch: no contract of the address has the name, an invoice or a subscription that was named.
	ProblemNoMatch NoticeProblem = "no_match"
	// ProblemSeveral: it could be more than one contract.
	ProblemSeveral NoticeProblem = "several"
	// ProblemOutOfTime: the right to withdraw was over.
	ProblemOutOfTime NoticeProblem = "out_of_time"
	// ProblemNotAvailable: there is no right to withdraw at the customer's place.
	ProblemNotAvailable NoticeProblem = "withdrawal.not_available"
	// ProblemBusy: the merchant gets so many notices that they are not matched by themselves, nor is anything mailed of them.
	ProblemBusy NoticeProblem = "busy"
	// ProblemTooMany: the address was given so often, or so often with what matched nothing, that somebody may be guessing.
	ProblemTooMany NoticeProblem = "too_many"
	// ProblemKept: the customer has undone what a notice did to this subscription not long ago.
	ProblemKept NoticeProblem = "kept"
)

// Declaration is what somebody declared. It is the minimum the law lets be asked, and the maximum (LG Köln 33 O 355/22).
type Declaration struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	// Contract is what they call it.
	Contract string `json:"contract"`
	// Grounds, Reason and EndAt are those of a cancellation.
	Grounds Grounds    `json:"grounds,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	EndAt   *time.Time `json:"end_at,omitempty"`
}

// Notice is a declaration to leave by somebody who was not signed in. Who they are has not been shown, and their receipt does not
// depend on it.
type Notice struct {
	ID       NoticeID
	Merchant foyer.MerchantID
	Kind     NoticeKind
	State    NoticeState
	Declaration
	// Locale is the language of the receipt.
	Locale string
	// Silent says that no mail goes to the address: it was given too often.
	Silent     bool
	ReceivedAt time.Time
	UpdatedAt  time.Time
	Version    int64
	// Customer and Subscription are whose and which it is; empty until that is known.
	Customer     foyer.CustomerID
	Subscription billing.SubscriptionID
	// Cancellation or Withdrawal is what came of it; empty when the subscription ended by itself, or ends soon enough.
	Cancellation CancellationID
	Withdrawal   WithdrawalID
	// Problem is why it waits for the merchant, or did; or, of one just received, why it will not be matched by itself.
	Problem NoticeProblem
	// Note is the merchant's.
	Note string
}

// The most a notice says, in characters. What stands in a mail is short: it goes to an address nobody has shown to be theirs.
const (
	maxNoticeName     = 200
	maxNoticeContract = 300
	maxNoticeReason   = 2000
	maxNoticeNote     = 2000
)

// furthestEnd is how far away an end can be named; billing says the same.
const furthestEnd = 731 * 24 * time.Hour

// checked returns the declaration as it is kept.
//
// Refusal: Invalid, with every field at fault.
func (d Declaration) checked(kind NoticeKind, now time.Time) (Declaration, error) {
	var faults []foyer.FieldError
	fault := func(pointer, code string, params map[string]any) {
		faults = append(faults, foyer.FieldError{Pointer: pointer, Code: code, Params: params})
	}
	text := func(pointer, s string, most int, multiline bool) string {
		s = strings.TrimSpace(s)
		switch {
		case !foyer.CleanText(s, multiline):
			fault(pointer, "input.text_characters", nil)
		case utf8.RuneCountInString(s) > most:
			fault(pointer, "input.too_long", map[string]any{"Max": most})
		case !multiline && s == "":
			fault(pointer, "input.required", nil)
		case !multiline && hasLink(s):
			fault(pointer, "input.link", nil)
		}
		return s
	}
	d.Name, d.Contract = text("/name", d.Name, maxNoticeName, false), text("/contract", d.Contract, maxNoticeContract, false)
	if !billing.ValidEmail(d.Email) {
		fault("/email", "input.email", nil)
	}
	if kind == NoticeCancellation {
		if d.Grounds == "" {
			d.Grounds = GroundsOrdinary
		}
		if d.Reason = text("/reason", d.Reason, maxNoticeReason, true); d.Reason != "" && d.Grounds != GroundsExtraordinary {
			fault("/reason", "input.not_together", nil)
		}
		if d.EndAt != nil {
			end := foyer.Micro(*d.EndAt)
			if d.EndAt = &end; !end.After(now) || end.After(now.Add(furthestEnd)) {
				fault("/end_at", "input.end_at", nil)
			}
		}
	}
	if len(faults) > 0 {
		return d, foyer.InvalidFields(faults...)
	}
	return d, nil
}

// Closed tells whether nothing is left for the merchant to decide.
func (n Notice) Closed() bool {
	return n.State == NoticeMatched || n.State == NoticeResolved || n.State == NoticeDismissed
}

// errNoticeClosed says that the notice is done.
func errNoticeClosed() error { return foyer.Refuse(foyer.Conflict, "notice.closed") }

func (n Notice) changed(state NoticeState, now time.Time) Notice {
	n.State, n.UpdatedAt = state, foyer.Micro(now)
	n.Version++
	return n
}

// Matched returns the notice found to be about a subscription, which is dealt with.
//
// Refusal: Conflict (notice.closed) unless it was just received.
func (n Notice) Matched(sub billing.Subscription, now time.Time) (Notice, error) {
	if n.State != NoticeReceived {
		return n, errNoticeClosed()
	}
	n.Customer, n.Subscription = sub.Customer, sub.ID
	return n.changed(NoticeMatched, now), nil
}

// Waiting returns the notice handed to the merchant, with the reason why.
//
// Refusal: Conflict (notice.closed) unless it was just received.
func (n Notice) Waiting(why NoticeProblem, now time.Time) (Notice, error) {
	if n.State != NoticeReceived {
		return n, errNoticeClosed()
	}
	n.Problem = why
	if why == ProblemSeveral {
		return n.changed(NoticeAmbiguous, now), nil
	}
	return n.changed(NoticeUnmatched, now), nil
}

// Resolved returns the notice after the merchant has said which subscription it is about.
//
// Refusal: Conflict (notice.closed).
func (n Notice) Resolved(sub billing.Subscription, note string, now time.Time) (Notice, error) {
	if n.Closed() {
		return n, errNoticeClosed()
	}
	n.Customer, n.Subscription, n.Note = sub.Customer, sub.ID, note
	return n.changed(NoticeResolved, now), nil
}

// Dismissed returns the notice closed by the merchant without anything coming of it.
//
// Refusal: Conflict (notice.closed).
func (n Notice) Dismissed(note string, now time.Time) (Notice, error) {
	if n.Closed() {
		return n, errNoticeClosed()
	}
	n.Note = note
	return n.changed(NoticeDismissed, now), nil
}

// ForMerchant tells whether the merchant has to be told of the notice: it has something to decide, or could (for good cause a contract
// may end sooner than we end it).
func (n Notice) ForMerchant() bool {
	if n.Problem == ProblemBusy {
		return false // hundreds an hour: they stand in the list, and each has its event
	}
	return n.State == NoticeUnmatched || n.State == NoticeAmbiguous || n.State == NoticeMatched && n.Grounds == GroundsExtraordinary
}

// Scope is whose notice it is, as far as that is known.
func (n Notice) Scope() foyer.Scope { return foyer.Scope{Merchant: n.Merchant, Customer: n.Customer} }

// receipt is the receipt of a notice. It names no customer: whose notice it is, is not known yet and must not be told.
func (n Notice) receipt(r Reader) Receipt {
	kind := ReceiptCancellationNotice
	if n.Kind == NoticeWithdrawal {
		kind = ReceiptWithdrawalNotice
	}
	return NewReceipt(string(n.ID), foyer.Scope{Merchant: n.Merchant}, kind, r.Locale, ReceiptContent{
		Name: n.Name, Email: n.Email, Contract: n.Contract, ReceivedAt: n.ReceivedAt, NoticeKind: string(n.Grounds), Reason: n.Reason, EndAt: n.EndAt,
	}, n.ReceivedAt)
}
