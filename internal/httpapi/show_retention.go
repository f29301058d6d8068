package httpapi

import (
	"maps"
	"slices"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/retention"
)

// showRetention shows settings so that they can be sent back as they are: what is not set is shown as it works, or left out.
func showRetention(set retention.Settings) api.RetentionSettings {
	survey := set.Survey.Complete()
	enabled, comment, immediate := !survey.Off, !survey.CommentOff, !set.ImmediateOff
	percent, refund := float32(set.Holdout.Percent), api.RetentionWithdrawalRefund(set.Withdrawal.Policy())
	offers := each(set.Offers, showRule)
	return api.RetentionSettings{
		Survey: &api.RetentionSurvey{Enabled: &enabled, Comment: &comment, Reasons: showOptions(survey.Reasons), Liked: showOptions(survey.Liked)},
		ValueProposition: &api.RetentionProposition{
			Headline: showTexts(set.Proposition.Headline), Body: showTexts(set.Proposition.Body),
			Losses: unlessEmpty(each(set.Proposition.Losses, func(t retention.Texts) api.LocalTexts { return api.LocalTexts(t) })),
		},
		Offers: &offers, Holdout: &api.RetentionHoldout{Percent: &percent, Experiment: orNull(set.Holdout.Experiment)}, AllowImmediate: &immediate,
		Legal:      &api.RetentionLegal{MaxOffers: set.Legal.MaxOffers, WithdrawalDays: set.Legal.WithdrawalDays, LoginFreeExit: set.Legal.LoginFreeExit},
		Withdrawal: &api.RetentionWithdrawal{Refund: &refund},
	}
}

// unlessEmpty is nil for an empty list: it is left out.
func unlessEmpty[T any](all []T) *[]T {
	if len(all) == 0 {
		return nil
	}
	return &all
}

func showOptions(options []retention.Option) *[]api.RetentionOption {
	return unlessEmpty(each(options, func(o retention.Option) api.RetentionOption {
		return api.RetentionOption{Id: o.ID, Label: showTexts(o.Label)}
	}))
}

func showTexts(texts retention.Texts) *api.LocalTexts {
	if len(texts) == 0 {
		return nil
	}
	shown := api.LocalTexts(texts)
	return &shown
}

func showRule(r retention.Rule) api.OfferRule {
	enabled := !r.Off
	shown := api.OfferRule{
		Key: r.Key, Type: api.OfferType(r.Type), Enabled: &enabled, Priority: &r.Priority, Headline: showTexts(r.Headline), Body: showTexts(r.Body), Url: orNull(r.URL),
		StartsAt: r.StartsAt, EndsAt: r.EndsAt, When: showConditions(r.When), Limits: showLimits(r.Limits),
	}
	if d := r.Discount; d != nil {
		shown.Discount = &api.OfferDiscount{Type: api.OfferDiscountType(d.Type), Percent: orNull(d.Percent), Amount: showUnitPrice(d.Amount), Periods: d.Periods}
	}
	if p := r.Pause; p != nil {
		shown.Pause = &api.OfferPause{Periods: p.Periods}
	}
	if p := r.PlanChange; p != nil {
		shown.PlanChange = &api.OfferPlanChange{FromPriceId: orNull(p.From), PriceId: string(p.Price)}
	}
	if t := r.TrialExtension; t != nil {
		shown.TrialExtension = &api.OfferTrialExtension{Days: t.Days}
	}
	if c := r.Contact; c != nil {
		shown.Contact = &api.OfferContact{Kind: api.OfferContactKind(c.Kind)}
	}
	return shown
}

func showUnitPrice(m *foyer.Money) *api.UnitPrice {
	if m == nil {
		return nil
	}
	return &api.UnitPrice{Amount: m.Amount, Currency: string(m.Currency)}
}

func showConditions(w retention.Conditions) *api.OfferConditions {
	shown := &api.OfferConditions{
		Reasons: unlessEmpty(w.Reasons), Liked: unlessEmpty(w.Liked), Products: texts(w.Products), Prices: texts(w.Prices), Countries: texts(w.Countries),
		TenureDays: showRange(w.TenureDays), AcceptedBefore: showRange(w.AcceptedBefore), Declined: unlessEmpty(w.Declined),
	}
	if len(w.Statuses) > 0 {
		var statuses []api.SubscriptionStatus
		for _, s := range w.Statuses {
			statuses = append(statuses, api.SubscriptionStatus(s))
		}
		shown.Statuses = &statuses
	}
	if a := w.Amount; a != nil {
		shown.Amount = &api.AmountRange{Currency: string(a.Currency), Min: a.Min, Max: a.Max}
	}
	return shown
}

func texts[T ~string](all []T) *[]string {
	return unlessEmpty(each(all, func(v T) string { return string(v) }))
}

func showRange(r *retention.Range) *api.NumberRange {
	if r == nil {
		return nil
	}
	return &api.NumberRange{Min: r.Min, Max: r.Max}
}

func showLimits(l retention.RuleLimits) *api.OfferLimits {
	shown := &api.OfferLimits{CooldownDays: &l.CooldownDays, PerCustomer: &l.PerCustomer}
	if b := l.Budget; b != nil {
		shown.Budget = &api.OfferBudget{Offers: b.Offers, Amount: showUnitPrice(b.Amount)}
	}
	return shown
}

// spellTexts writes the languages of a merchant's texts as they are compared: pt-br is pt-BR. Those there are no formats for stay as
// they are, and are refused with everything else that is wrong.
func spellTexts(set retention.Settings) {
	spell := func(texts retention.Texts) {
		for _, tag := range slices.Collect(maps.Keys(texts)) {
			if locale, known := i18n.Find(tag); known && locale.Tag != tag {
				text := texts[tag]
				delete(texts, tag)
				texts[locale.Tag] = text
			}
		}
	}
	for _, o := range slices.Concat(set.Survey.Reasons, set.Survey.Liked) {
		spell(o.Label)
	}
	spell(set.Proposition.Headline)
	spell(set.Proposition.Body)
	for _, loss := range set.Proposition.Losses {
		spell(loss)
	}
	for _, r := range set.Offers {
		spell(r.Headline)
		spell(r.Body)
	}
}
