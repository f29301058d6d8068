package retention

import (
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Seen returns the withdrawal as it stands at the moment: one whose time is over is told as expired before that was written down.
func (w Withdrawal) Seen(now time.Time) Withdrawal {
	if w.Over(now) {
		w.State, w.ExpiresAt = WithdrawalExpired, nil
	}
	return w
}

// Step is what comes next.
func (w Withdrawal) Step() Step {
	if w.State == WithdrawalOpen {
		return StepConfirm
	}
	return StepDone
}

// Show writes the withdrawal as the customer sees it; what would be given back stands in it, as planned.
func (w Withdrawal) Show(sub billing.Subscription, locale i18n.Locale) Shown {
	params := map[string]any{"Plan": planName(sub), "Date": locale.DateTime(w.EndsAt)}
	money, credit := w.Refund()
	params["Refund"] = locale.Money(foyer.Money{Amount: money, Currency: w.Currency})
	params["Credit"] = locale.Money(foyer.Money{Amount: credit, Currency: w.Currency})
	if w.DeclaredAt != nil {
		params["ReceivedAt"] = locale.DateTime(*w.DeclaredAt)
	}
	text := func(name string) string { return locale.Text("withdrawal.step."+name, params) }
	name := w.shownAs()
	shown := Shown{
		Locale: locale.Language, State: State(w.State), Step: w.Step(), Headline: text(name + ".headline"), Body: text(name + ".body"),
		Statutory: w.LegalProfile().Statutory(w.Country, locale),
	}
	if tells := w.State == WithdrawalOpen || w.Declared(); tells && money > 0 {
		shown.Body += " " + text("refund")
	}
	if tells := w.State == WithdrawalOpen || w.Declared(); tells && credit > 0 {
		shown.Body += " " + text("credit")
	}
	if tells := w.State == WithdrawalOpen || w.Declared(); tells && w.KeepsUsed() {
		shown.Body += " " + text("pro_rata")
	}
	return shown
}

// shownAs names the texts of where it stands.
func (w Withdrawal) shownAs() string {
	switch {
	case w.State == WithdrawalOpen && w.Notice != "":
		return "noticed"
	case w.State == WithdrawalConfirmed && w.Charge != "":
		return "confirmed_with_charge"
	}
	return string(w.State)
}
