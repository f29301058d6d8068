package retention

import (
	"context"
	"errors"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// mostSubscriptions is among how many of a customer's subscriptions the one that is meant is looked for.
const mostSubscriptions = 200

// Match finds out whose contract a notice is about, and does to it what was declared; what it can't tell, or can't do, waits for the
// merchant. A notice that was dealt with is left alone, so it can be run again.
func (n *Notices) Match(ctx context.Context, merchant foyer.MerchantID, id NoticeID) error {
	notice, err := n.Store.Notice(ctx, merchant, id)
	if errors.Is(err, foyer.NotFound) {
		return nil
	}
	if err != nil || notice.State != NoticeReceived {
		return err
	}
	customer, err := n.Store.CustomerByEmail(ctx, merchant, billing.EmailKey(notice.Email))
	if errors.Is(err, foyer.NotFound) {
		return n.wait(ctx, notice, ProblemNoMatch)
	}
	if err != nil {
		return err
	}
	err = n.match(ctx, foyer.Scope{Merchant: merchant, Customer: customer}, id)
	if why, final := refusedFor(err); final {
		return n.wait(ctx, notice, why) // what was begun of it is undone
	}
	return err
}

// refusedFor tells why a notice that was matched can't be carried out. That somebody else came first is no such reason: it is tried
// again.
func refusedFor(err error) (NoticeProblem, bool) {
	refusal, refused := foyer.AsError(err)
	if !refused {
		return "", false
	}
	switch {
	case errors.Is(refusal, foyer.Conflict) && refusal.Code != "conflict", errors.Is(refusal, foyer.Invalid), errors.Is(refusal, foyer.Forbidden):
		return NoticeProblem(refusal.Code), true
	}
	return "", false
}

// wait hands a notice to the merchant.
func (n *Notices) wait(ctx context.Context, notice Notice, why NoticeProblem) error {
	return n.Service.store.InTx(ctx, func(ctx context.Context) error {
		before, err := n.Store.Notice(ctx, notice.Merchant, notice.ID)
		if err != nil || before.State != NoticeReceived {
			return err
		}
		now, err := n.Service.clock(ctx, notice.Merchant)
		if err != nil {
			return err
		}
		return n.waiting(ctx, before, why, now)
	})
}

func (n *Notices) waiting(ctx context.Context, before Notice, why NoticeProblem, now time.Time) error {
	after, err := before.Waiting(why, now)
	if err != nil {
		return err
	}
	return n.save(ctx, before, after, foyer.ActorSystem, now)
}

func (n *Notices) match(ctx context.Context, scope foyer.Scope, id NoticeID) error {
	s := n.Service
	return s.summing(ctx, scope.Merchant, s.store.InTx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, scope); err != nil {
			return err
		}
		before, err := n.Store.Notice(ctx, scope.Merchant, id)
		if err != nil || before.State != NoticeReceived {
			return err
		}
		now, err := s.clock(ctx, scope.Merchant)
		if err != nil {
			return err
		}
		clues, err := n.clues(ctx, scope, before.Declaration)
		if err != nil {
			return err
		}
		sub, why := before.Match(clues)
		if why == "" {
			why, err = n.late(ctx, before, sub)
		}
		if err != nil {
			return err
		}
		if why != "" {
			return n.waiting(ctx, before, why, now)
		}
		after, err := before.Matched(sub, now)
		if err != nil {
			return err
		}
		if after, err = n.apply(ctx, forCustomer(sub), after, sub, now); err != nil {
			return err
		}
		return n.save(ctx, before, after, foyer.ActorSystem, now)
	})
}

// clues gathers what a declaration is compared with.
func (n *Notices) clues(ctx context.Context, scope foyer.Scope, d Declaration) (Clues, error) {
	customer, err := n.Service.subscriptions.Customer(ctx, scope)
	if err != nil {
		return Clues{}, err
	}
	c := Clues{Name: customer.Name}
	if c.Subscriptions, err = n.Store.Subscriptions(ctx, scope, nil, foyer.PageRequest{Limit: mostSubscriptions}); err != nil {
		return c, err
	}
	c.More = len(c.Subscriptions) == mostSubscriptions
	var numbers []string
	for _, token := range d.tokens() {
		numbers = append(numbers, token)
		if upper := strings.ToUpper(token); upper != token {
			numbers = append(numbers, upper)
		}
	}
	if len(numbers) > 0 {
		c.Invoiced, err = n.Store.InvoicedSubscriptions(ctx, scope, numbers)
	}
	return c, err
}

// late tells whether a withdrawal came when the right to it was over, at the moment it was received. It counts from when the contract
// began, which is known as that of the subscription.
func (n *Notices) late(ctx context.Context, notice Notice, sub billing.Subscription) (NoticeProblem, error) {
	if notice.Kind != NoticeWithdrawal {
		return "", nil
	}
	customer, err := n.Service.subscriptions.Customer(ctx, foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer})
	if err != nil {
		return "", err
	}
	settings, err := n.Service.store.RetentionSettings(ctx, sub.Merchant)
	if err != nil {
		return "", err
	}
	concluded := sub.CreatedAt
	if sub.StartedAt != nil {
		concluded = *sub.StartedAt
	}
	profile := ProfileOf(customer.Address.Country, customer.Address.Region).Tightened(settings.Legal)
	switch ends, given := profile.WithdrawalEnds(concluded); {
	case !given:
		return NoticeProblem("withdrawal.not_available"), nil
	case !notice.ReceivedAt.Before(ends):
		return ProblemOutOfTime, nil
	}
	return "", nil
}

// apply does to the subscription what the notice declares, and returns the notice with what came of it.
func (n *Notices) apply(ctx context.Context, by foyer.Actor, notice Notice, sub billing.Subscription, now time.Time) (Notice, error) {
	var err error
	if notice.Kind == NoticeWithdrawal {
		notice.Withdrawal, err = n.Service.declareWithdrawal(ctx, by, sub, notice.ID, notice.ReceivedAt, notice.reader(), now)
		if refusedWith(err, "withdrawal.closed") {
			err = nil // the customer withdrew before: there is nothing to add
		}
	} else {
		notice.Cancellation, err = n.Service.cancelByNotice(ctx, by, notice, sub, now)
	}
	return notice, err
}

// cancelByNotice ends the subscription with its period or the later one the notice names, never at once: whoever knows a name and an
// address could have written it, and the customer, who gets a mail, must have the time to undo it. One that has ended, or ends then or
// sooner, is left alone.
func (s *Service) cancelByNotice(ctx context.Context, by foyer.Actor, n Notice, sub billing.Subscription, now time.Time) (CancellationID, error) {
	in := billing.CancelInput{Effective: billing.AtPeriodEnd, NotBefore: n.EndAt, Deferred: true, Examined: n.Grounds == GroundsExtraordinary}
	if _, err := sub.Cancel(in, now); refusedWith(err, "subscription.canceled", "subscription.cancel_scheduled") {
		return "", nil
	}
	settings, err := s.store.RetentionSettings(ctx, sub.Merchant)
	if err != nil {
		return "", err
	}
	c, err := s.begin(ctx, sub, settings, billing.AtPeriodEnd, OriginNotice, now)
	if err != nil {
		return "", err
	}
	c.ReceivedAt = &n.ReceivedAt
	c, after, err := s.cancel(ctx, by, Cancellation{}, c, in, n.reader(), now)
	if err != nil {
		return "", err
	}
	return c.ID, s.overtake(ctx, c.Scope(), after, now)
}
