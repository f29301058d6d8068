package retention

import (
	"context"
	"errors"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
)

// mostSubscriptions is among how many of a customer's subscriptions the one that is meant is looked for.
const mostSubscriptions = 200

// For how long a notice does not end again what the customer kept, and among how many of their cancellations that is looked for.
const (
	keptFor   = 30 * 24 * time.Hour
	keptAmong = 100
)

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
	if notice.Problem != "" {
		return n.wait(ctx, notice, notice.Problem)
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
		sub, why, err := n.find(ctx, scope, before, now)
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

// find says which subscription a notice is about, or why that is the merchant's to say.
func (n *Notices) find(ctx context.Context, scope foyer.Scope, notice Notice, now time.Time) (billing.Subscription, NoticeProblem, error) {
	if guessed, err := n.guessed(ctx, notice); err != nil || guessed {
		return billing.Subscription{}, ProblemTooMany, err
	}
	clues, err := n.clues(ctx, scope, notice.Declaration)
	if err != nil {
		return billing.Subscription{}, "", err
	}
	if notice.Kind == NoticeWithdrawal {
		clues.Ended, err = n.withdrawable(ctx, notice, now, clues.Subscriptions)
	}
	if err != nil {
		return billing.Subscription{}, "", err
	}
	sub, why := notice.Match(clues)
	if why == "" {
		why, err = n.late(ctx, notice, sub)
	}
	if why == "" && err == nil {
		why, err = n.kept(ctx, notice, sub, now)
	}
	return sub, why, err
}

// guessed tells whether the address was given by too many notices not long before that matched nothing: who tries names or numbers must
// not get far.
func (n *Notices) guessed(ctx context.Context, notice Notice) (bool, error) {
	for _, rule := range n.Gate.Limits[identity.LimitNoticeUnmatched] {
		emails, err := n.Store.UnmatchedEmails(ctx, notice.Merchant, notice.ReceivedAt.Add(-rule.Per))
		if err != nil {
			return false, err
		}
		count := 0
		for _, email := range emails {
			if billing.EmailKey(email) == billing.EmailKey(notice.Email) {
				count++
			}
		}
		if count > rule.Count {
			return true, nil
		}
	}
	return false, nil
}

// kept tells whether the customer has undone the end that another notice gave this subscription: whoever wrote that one must not end it
// again and again.
func (n *Notices) kept(ctx context.Context, notice Notice, sub billing.Subscription, now time.Time) (NoticeProblem, error) {
	if notice.Kind != NoticeCancellation {
		return "", nil
	}
	found, err := n.Service.store.AllCancellations(ctx, foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer}, foyer.PageRequest{Limit: keptAmong})
	for _, c := range found {
		if c.Subscription == sub.ID && c.Origin == OriginNotice && c.State == Undone && now.Before(c.UpdatedAt.Add(keptFor)) {
			return ProblemKept, nil
		}
	}
	return "", err
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

// late tells whether a withdrawal came when the right to it was over, or where there is none, at the moment it was received.
func (n *Notices) late(ctx context.Context, notice Notice, sub billing.Subscription) (NoticeProblem, error) {
	if notice.Kind != NoticeWithdrawal {
		return "", nil
	}
	law, err := n.law(ctx, foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer})
	if err != nil {
		return "", err
	}
	switch ends, given := law.WithdrawalEnds(Concluded(sub)); {
	case !given:
		return ProblemNotAvailable, nil
	case !notice.ReceivedAt.Before(ends):
		return ProblemOutOfTime, nil
	}
	return "", nil
}

// withdrawable are those of the customer's subscriptions that have ended and can still be withdrawn from: canceling ends a contract for
// the time to come, withdrawing undoes it, once.
func (n *Notices) withdrawable(ctx context.Context, notice Notice, now time.Time, subs []billing.Subscription) (ended []billing.SubscriptionID, err error) {
	for _, sub := range subs {
		if sub.Status != billing.SubscriptionCanceled {
			continue
		}
		why, err := n.late(ctx, notice, sub)
		if err != nil {
			return nil, err
		}
		w, err := n.Service.currentWithdrawal(ctx, sub, now)
		if err != nil {
			return nil, err
		}
		if why == "" && !w.Declared() {
			ended = append(ended, sub.ID)
		}
	}
	return ended, nil
}

// law is the legal profile of the customer's place, as the merchant tightened it.
func (n *Notices) law(ctx context.Context, scope foyer.Scope) (LegalProfile, error) {
	customer, err := n.Service.subscriptions.Customer(ctx, scope)
	if err != nil {
		return LegalProfile{}, err
	}
	settings, err := n.Service.store.RetentionSettings(ctx, scope.Merchant)
	return ProfileOf(customer.Address.Country, customer.Address.Region).Tightened(settings.Legal), err
}
