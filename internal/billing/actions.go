package billing

import "foyer/internal/foyer"

// ActionName names something a customer may do to a subscription.
type ActionName string

// What a customer may do to a subscription.
const (
	ActionCancel              ActionName = "cancel"
	ActionPause               ActionName = "pause"
	ActionResume              ActionName = "resume"
	ActionChange              ActionName = "change"
	ActionKeep                ActionName = "keep"
	ActionUpdatePaymentMethod ActionName = "update_payment_method"
)

// Action says whether something is allowed now and, if not, why: Reason is a key of i18n under "action_reason." and, as
// the code of a refusal, under "problem.".
type Action struct {
	Allowed bool
	Reason  string
}

// ActionRules is what the merchant lets customers do by themselves. Cancelling is not among it: it can't be switched off.
type ActionRules struct {
	PauseOff  bool
	ChangeOff bool
}

// Actions says what a customer may do to the subscription now and, where not, why. The commands ask the same question.
func (s Subscription) Actions(rules ActionRules) map[ActionName]Action {
	all := map[ActionName]string{
		ActionCancel: s.refuseCancel(), ActionPause: s.refusePause(), ActionResume: s.refuseResume(), ActionChange: s.refuseChange(),
		ActionKeep: s.refuseKeep(), ActionUpdatePaymentMethod: s.refusePaymentMethod(),
	}
	if rules.PauseOff && s.Status != SubscriptionPaused && all[ActionPause] == "" {
		all[ActionPause] = "feature.off"
	}
	if rules.ChangeOff && all[ActionChange] == "" {
		all[ActionChange] = "feature.off"
	}
	actions := map[ActionName]Action{}
	for name, reason := range all {
		actions[name] = Action{Allowed: reason == "", Reason: reason}
	}
	return actions
}

// Refusal returns the reason as an error: Forbidden for what the merchant switched off, Conflict for a state. Nil when
// the action is allowed.
func (a Action) Refusal() error {
	switch {
	case a.Allowed:
		return nil
	case a.Reason == "feature.off":
		return foyer.Refuse(foyer.Forbidden, a.Reason)
	}
	return foyer.Refuse(foyer.Conflict, a.Reason)
}

// inert says why nothing at all can be done: another system keeps the subscription, or it is over.
func (s Subscription) inert() string {
	switch {
	case s.Status == SubscriptionCanceled:
		return "subscription.canceled"
	case s.Provider == "":
		return "subscription.kept_elsewhere"
	}
	return ""
}

func (s Subscription) scheduled(a ScheduledAction) bool {
	return s.ScheduledChange != nil && s.ScheduledChange.Action == a
}

func (s Subscription) refuseCancel() string {
	if why := s.inert(); why != "" {
		return why
	}
	if s.scheduled(ScheduleCancel) && !s.endsEarlier() {
		return "subscription.cancel_scheduled"
	}
	return ""
}

func (s Subscription) refusePause() string {
	if why := s.inert(); why != "" {
		return why
	}
	switch {
	case s.Status == SubscriptionPaused:
		return "subscription.paused"
	case s.Status == SubscriptionPastDue:
		return "subscription.past_due"
	case s.Status == SubscriptionTrialing:
		return "subscription.trialing"
	case s.OpenPayment != "":
		return "subscription.payment_in_progress"
	case s.ScheduledChange != nil:
		return "subscription.change_scheduled"
	}
	return ""
}

func (s Subscription) refuseResume() string {
	if why := s.inert(); why != "" {
		return why
	}
	switch {
	case s.Status != SubscriptionPaused:
		return "subscription.not_paused"
	case s.OpenPayment != "":
		return "subscription.payment_in_progress"
	case s.scheduled(ScheduleCancel):
		return "subscription.cancel_scheduled" // going on undoes no declaration by the way: Keep does
	}
	return ""
}

func (s Subscription) refuseChange() string {
	if why := s.inert(); why != "" {
		return why
	}
	switch {
	case s.Status == SubscriptionPaused:
		return "subscription.paused"
	case s.Status == SubscriptionPastDue:
		return "subscription.past_due"
	case s.OpenPayment != "":
		return "subscription.payment_in_progress"
	case s.ScheduledChange != nil && s.ScheduledChange.Action != ScheduleChange:
		return "subscription.change_scheduled"
	}
	return ""
}

func (s Subscription) refuseKeep() string {
	if why := s.inert(); why != "" {
		return why
	}
	if s.ScheduledChange == nil {
		return "subscription.nothing_scheduled"
	}
	return ""
}

func (s Subscription) refusePaymentMethod() string {
	if why := s.inert(); why != "" {
		return why
	}
	if s.CollectionMode == CollectManual {
		return "subscription.manual"
	}
	return ""
}
