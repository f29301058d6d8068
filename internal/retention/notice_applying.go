package retention

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// notedAmong is among how many of a customer's notices one is looked for that told the same.
const notedAmong = 100

// apply does to the subscription what the notice declares, and returns the notice with what came of it.
func (n *Notices) apply(ctx context.Context, by foyer.Actor, notice Notice, sub billing.Subscription, now time.Time) (Notice, error) {
	var err error
	if notice.Kind == NoticeWithdrawal {
		notice.Withdrawal, err = n.Service.declareWithdrawal(ctx, by, sub, notice.ID, notice.ReceivedAt, notice.reader(), now)
		if refusedWith(err, "withdrawal.closed") {
			return notice, n.withdrawnBefore(ctx, notice, sub, now)
		}
	} else {
		notice.Cancellation, err = n.Service.cancelByNotice(ctx, by, notice, sub, now)
	}
	if err == nil && notice.Cancellation == "" && notice.Withdrawal == "" {
		err = n.noted(ctx, notice, sub, now)
	}
	return notice, err
}

// withdrawnBefore tells a customer who withdrew before that there is nothing to add; who was asked to confirm it has been told.
func (n *Notices) withdrawnBefore(ctx context.Context, notice Notice, sub billing.Subscription, now time.Time) error {
	w, err := n.Service.currentWithdrawal(ctx, sub, now)
	if err != nil || w.Waiting() {
		return err
	}
	return n.noted(ctx, notice, sub, now)
}

// noted tells the customer, once a subscription and kind, when what a notice was to end ends without it (§ 312k (4) BGB: the moment it
// ends is confirmed).
func (n *Notices) noted(ctx context.Context, notice Notice, sub billing.Subscription, now time.Time) error {
	scope := foyer.Scope{Merchant: sub.Merchant, Customer: sub.Customer}
	earlier, err := n.Store.CustomerNotices(ctx, scope, foyer.PageRequest{Limit: notedAmong})
	if err != nil {
		return err
	}
	for _, e := range earlier {
		if e.Kind == notice.Kind && e.Subscription == sub.ID && e.Cancellation == "" && e.Withdrawal == "" {
			return nil
		}
	}
	facts := billing.MailFacts{EffectiveAt: sub.CanceledAt}
	if sub.ScheduledChange != nil && sub.ScheduledChange.Action == billing.ScheduleCancel {
		facts.EffectiveAt = &sub.ScheduledChange.EffectiveAt
	}
	return n.Service.mails.EnqueueMails(ctx, []billing.MailOrder{{
		ID: n.Service.ids(foyer.PrefixMail), Scope: scope, Kind: billing.MailNoticeNoted, Subscription: sub.ID, Facts: facts, At: now,
	}})
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
	c, _, err = s.cancel(ctx, by, Cancellation{}, c, in, n.reader(), now)
	return c.ID, err
}
