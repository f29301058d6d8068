package billing

import (
	"slices"
	"time"

	"foyer/internal/foyer"
)

// DisputeID is `dsp_…`.
type DisputeID string

// DisputeStatuses lists every state of a dispute.
var DisputeStatuses = []DisputeStatus{DisputeInquiry, DisputeOpen, DisputeUnderReview, DisputeWon, DisputeLost, DisputeClosed}

// Dispute is a charge of a payment that the customer's bank takes back, or asks about.
//
// It changes the payment's money and nothing else: the subscription goes on as it is. A bank may err, and a customer who objects to one
// bill has not canceled; what follows is for the merchant to decide.
type Dispute struct {
	ID      DisputeID
	Payment PaymentID
	Attempt AttemptID
	// Reference is the gateway's id of it, Reason its word for why.
	Reference string
	Status    DisputeStatus
	Reason    string
	// Amount is what is disputed, in minor units of the payment's currency.
	Amount   int64
	OpenedAt time.Time
	// RespondBy is until when the merchant may object at the gateway; nil when it can't.
	RespondBy *time.Time
	// ClosedAt is nil while the bank has not decided.
	ClosedAt *time.Time
	// Chargeback is the refund it counts as; empty when no money was ever taken.
	Chargeback RefundID
	// Told is the version the merchant was last sent a mail about; zero when it never was. A mail that went nowhere for a while tells
	// nothing when the dispute has gone on to what another mail tells.
	Told    int64
	Version int64
}

// Contested tells whether the bank has the money and has not decided yet.
func (s DisputeStatus) Contested() bool { return s == DisputeOpen || s == DisputeUnderReview }

// Ended tells whether the bank has decided, or its question led to nothing.
func (s DisputeStatus) Ended() bool {
	return s == DisputeWon || s == DisputeLost || s == DisputeClosed
}

// takesMoney tells whether the customer has the money back.
func (s DisputeStatus) takesMoney() bool { return s.Contested() || s == DisputeLost }

// becomes tells whether a dispute in this state may be found in another. Nearly everything may: a bank reverses what it decided, and
// states between are missed. But nothing turns back into a question.
func (s DisputeStatus) becomes(next DisputeStatus) bool {
	return slices.Contains(DisputeStatuses, next) && (next != DisputeInquiry || s == DisputeInquiry || s == "")
}

// event is what is told of a dispute that went from one state to another; empty when the state is the same.
func (s DisputeStatus) event(next DisputeStatus) foyer.EventType {
	switch {
	case s == next:
		return ""
	case next.Ended():
		return EventDisputeClosed
	case s.Contested():
		return EventDisputeUpdated
	}
	return EventPaymentDisputed // new, more than a question now, or begun again
}

// DisputeChange is what becomes of a payment whose dispute is found changed.
type DisputeChange struct {
	Payment Payment
	Dispute Dispute
	// Chargeback is the refund to be saved with it; nil when no money moved.
	Chargeback *Refund
	// New says that the dispute, NewChargeback that the refund was not there before.
	New, NewChargeback bool
	Events             []foyer.EventType
	// Tell says that the merchant gets a mail.
	Tell bool
}

// Disputed reckons what a dispute, as the gateway tells it, makes of the payment, which must be whole. False when everything is as it
// was: the same may be told any number of times.
//
// While the bank has the money the dispute counts as a refund with the action `chargeback`. There is no credit note: nobody gave the
// money back and the sale is not undone, the bank took it. It never takes more than is left of the payment.
func (p Payment) Disputed(told GatewayDispute, attempt AttemptID, ids foyer.IDs, now time.Time) (DisputeChange, bool) {
	at := slices.IndexFunc(p.Disputes, func(d Dispute) bool { return d.Reference == told.Reference })
	var before Dispute
	if at >= 0 {
		before = p.Disputes[at]
	}
	if told.Reference == "" || !before.Status.becomes(told.Status) {
		return DisputeChange{}, false
	}
	after := before
	after.Status, after.Reason, after.Amount, after.RespondBy = told.Status, told.Reason, told.Amount.Amount, microOrNil(told.RespondBy)
	if told.Amount.Currency != p.Currency {
		after.Amount = p.Totals.GrandTotal // a bank that reckons in another currency disputes all of it
	}
	c := DisputeChange{New: at < 0}
	if c.New {
		after.ID, after.Payment, after.Attempt, after.Reference = DisputeID(ids(foyer.PrefixDispute)), p.ID, attempt, told.Reference
		after.OpenedAt = foyer.Micro(told.OpenedAt)
	}
	switch {
	case !after.Status.Ended():
		after.ClosedAt = nil
	case before.Status != after.Status:
		closed := foyer.Micro(now)
		after.ClosedAt = &closed
	}
	if !c.New && after.same(before) {
		return DisputeChange{}, false
	}
	if c.New && after.Status.Ended() {
		c.Events = []foyer.EventType{EventPaymentDisputed} // it is heard of only now
	}
	event := before.Status.event(after.Status)
	c.Tell = event == EventPaymentDisputed || event == EventDisputeClosed
	if event == "" {
		event = EventDisputeUpdated
	}
	c.Events = append(c.Events, event)
	p.Disputes, p.Refunds = slices.Clone(p.Disputes), slices.Clone(p.Refunds)
	p.takeBack(&after, &c, ids, now)
	after.Version++
	if c.Tell {
		after.Told = after.Version
	}
	if at >= 0 {
		p.Disputes[at] = after
	} else {
		p.Disputes = append(p.Disputes, after)
	}
	c.Payment, c.Dispute = p, after
	return c, true
}

// takeBack sets the refund a dispute counts as to what the bank has now, and the payment's sum with it.
func (p *Payment) takeBack(d *Dispute, c *DisputeChange, ids foyer.IDs, now time.Time) {
	at := slices.IndexFunc(p.Refunds, func(r Refund) bool { return d.Chargeback != "" && r.ID == d.Chargeback })
	var takes, took int64
	if at >= 0 && p.Refunds[at].Status == RefundApproved {
		took = p.Refunds[at].Total
	}
	if d.Status.takesMoney() {
		takes = max(0, min(d.Amount, p.Totals.GrandTotal-(p.Totals.Refunded-took)-p.refundsOnTheWay()))
	}
	if takes == took {
		return
	}
	if at < 0 {
		at, c.NewChargeback, d.Chargeback = 0, true, RefundID(ids(foyer.PrefixRefund))
		p.Refunds = slices.Insert(p.Refunds, 0, Refund{ID: d.Chargeback, Action: ActionChargeback, CreatedAt: foyer.Micro(now)})
	}
	r := &p.Refunds[at]
	r.Status, r.UpdatedAt = RefundReversed, foyer.Micro(now) // what was taken before leaves its lines free
	if takes > 0 {
		lines := p.afterTax(p.spreadRefund(takes, p.linesLeft()))
		r.Status, r.Total, r.Lines, r.Tax = RefundApproved, takes, lines, p.Credited(lines).Totals.Tax
	}
	p.Totals.Refunded += takes - took
	saved := *r
	c.Chargeback = &saved
}

// refundsOnTheWay is what refunds will give back that the gateway has not answered yet: the totals count answered ones.
func (p Payment) refundsOnTheWay() (sum int64) {
	for _, r := range p.Refunds {
		if r.Action == ActionRefund && r.Status == RefundPending {
			sum += r.Total
		}
	}
	return sum
}

// same tells whether nothing of a dispute changed that anybody sees.
func (d Dispute) same(o Dispute) bool {
	sameTime := func(a, b *time.Time) bool { return a == nil && b == nil || a != nil && b != nil && a.Equal(*b) }
	return d.Status == o.Status && d.Reason == o.Reason && d.Amount == o.Amount && sameTime(d.RespondBy, o.RespondBy)
}

// contested tells whether a bank has money of the payment and has not decided yet.
func (p Payment) contested() bool {
	return slices.ContainsFunc(p.Disputes, func(d Dispute) bool { return d.Status.Contested() })
}

// undecided tells whether a chargeback is what a bank has while it decides.
func (p Payment) undecided(chargeback Refund) bool {
	return slices.ContainsFunc(p.Disputes, func(d Dispute) bool { return d.Chargeback == chargeback.ID && d.Status.Contested() })
}

// RefundFailed returns the payment, which must be whole, after a refund of it ended without the customer having that money: it came back
// (reversed; whoever refunds must pay it another way, and its credit note stays: the claim it gave is still the customer's) or never went
// (rejected). A bank that could take only what the refund had left takes the rest with it: those disputes changed, too.
func (p Payment) RefundFailed(id RefundID, status RefundStatus, ids foyer.IDs, now time.Time) (Payment, []DisputeChange) {
	p.Disputes, p.Refunds = slices.Clone(p.Disputes), slices.Clone(p.Refunds)
	for i, r := range p.Refunds {
		if r.ID != id {
			continue
		}
		if r.Status == RefundApproved {
			p.Totals.Refunded = max(0, p.Totals.Refunded-r.Total)
		}
		p.Refunds[i].Status, p.Refunds[i].UpdatedAt = status, foyer.Micro(now)
	}
	var changes []DisputeChange
	for i, d := range p.Disputes {
		var c DisputeChange
		p.takeBack(&d, &c, ids, now)
		if c.Chargeback == nil {
			continue
		}
		d.Version++
		p.Disputes[i], c.Dispute = d, d
		changes = append(changes, c)
	}
	return p.changed(now), changes
}

// OwedSince returns the refund that came back last, when the customer is owed it now and was not before: a bank had it, too, and gave it up.
// False when nothing is owed anew, or the refund came back before the bank took anything: then the merchant was told at the time.
func (p Payment) OwedSince(before Payment) (last Refund, owed bool) {
	if before.Owed() > 0 || p.Owed() == 0 {
		return last, false
	}
	for _, r := range p.Refunds {
		if r.Action == ActionRefund && r.Status == RefundReversed && !r.UpdatedAt.Before(last.UpdatedAt) {
			last = r
		}
	}
	return last, slices.ContainsFunc(p.Refunds, func(r Refund) bool { return r.Action == ActionChargeback && !r.CreatedAt.After(last.UpdatedAt) })
}

func microOrNil(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := foyer.Micro(*t)
	return &at
}
