package httpapi

import (
	"context"
	"math"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// MerchantGetRetention shows what happens when customers leave.
func (s *Server) MerchantGetRetention(ctx context.Context, _ api.MerchantGetRetentionRequestObject) (api.MerchantGetRetentionResponseObject, error) {
	settings, err := s.Retention.Settings(ctx, requestOf(ctx).merchant)
	if err != nil {
		return nil, err
	}
	shown := showRetention(settings)
	same, err := unchanged(ctx, settings.Version+1, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetRetention304Response{}, nil
	}
	return api.MerchantGetRetention200JSONResponse{Body: shown}, nil
}

// MerchantUpdateRetention replaces it.
func (s *Server) MerchantUpdateRetention(ctx context.Context, in api.MerchantUpdateRetentionRequestObject) (api.MerchantUpdateRetentionResponseObject, error) {
	wanted := retentionOf(*in.Body)
	spellTexts(wanted)
	var ifVersion *int64
	if version := versionWanted(ctx); version != 0 {
		version-- // settings nobody has touched are version 0, and no tag begins with that
		ifVersion = &version
	}
	settings, err := s.Retention.SaveSettings(ctx, requestOf(ctx).merchant, ifVersion, wanted)
	if err != nil {
		return nil, err
	}
	shown := showRetention(settings)
	_, err = unchanged(ctx, settings.Version+1, shown)
	return api.MerchantUpdateRetention200JSONResponse{Body: shown}, err
}

// MerchantExplainRetention tells which offer would be made.
func (s *Server) MerchantExplainRetention(ctx context.Context, in api.MerchantExplainRetentionRequestObject) (api.MerchantExplainRetentionResponseObject, error) {
	e, err := s.Retention.Explain(ctx, requestOf(ctx).merchant, billing.SubscriptionID(in.Body.SubscriptionId), answersOf(in.Body.Answers))
	if err != nil {
		return nil, err
	}
	shown := api.RetentionExplanation{
		Group: api.RetentionExplanationGroup(e.Group), Profile: string(e.Profile.ID), MaxOffers: e.MaxOffers, Chosen: orNull(e.Chosen), Gates: each(e.Gates, showCheck),
		Rules: each(e.Rules, func(v retention.Verdict) api.RetentionVerdict {
			return api.RetentionVerdict{
				Key: v.Key, Type: api.OfferType(v.Type), Priority: v.Priority, Passed: v.Passed, Chosen: v.Chosen, Checks: each(v.Checks, showCheck),
			}
		}),
	}
	if e.Grant != nil {
		terms := presenterOf(ctx).terms(e.Grant.Terms)
		shown.Terms = &terms
	}
	return api.MerchantExplainRetention200JSONResponse{Body: shown}, nil
}

func showCheck(c retention.Check) api.RetentionCheck {
	return api.RetentionCheck{Name: string(c.Name), Passed: c.Passed, Wanted: orNull(c.Wanted), Found: orNull(c.Found)}
}

// retentionOf reads settings; what is left out is as it is by default.
func retentionOf(v api.RetentionSettings) retention.Settings {
	set := retention.Settings{ImmediateOff: v.AllowImmediate != nil && !*v.AllowImmediate}
	if s := v.Survey; s != nil {
		set.Survey = retention.Survey{
			Off: s.Enabled != nil && !*s.Enabled, CommentOff: s.Comment != nil && !*s.Comment, Reasons: optionsOf(s.Reasons), Liked: optionsOf(s.Liked),
		}
	}
	if p := v.ValueProposition; p != nil {
		set.Proposition = retention.Proposition{Headline: textsOf(p.Headline), Body: textsOf(p.Body)}
		for _, loss := range orZero(p.Losses) {
			set.Proposition.Losses = append(set.Proposition.Losses, retention.Texts(loss))
		}
	}
	for _, r := range orZero(v.Offers) {
		set.Offers = append(set.Offers, ruleOf(r))
	}
	if h := v.Holdout; h != nil {
		set.Holdout = retention.Holdout{Percent: math.Round(float64(orZero(h.Percent))*100) / 100, Experiment: value(h.Experiment)}
	}
	if l := v.Legal; l != nil {
		set.Legal = retention.LegalWishes{MaxOffers: l.MaxOffers, WithdrawalDays: l.WithdrawalDays, LoginFreeExit: l.LoginFreeExit}
	}
	if w := v.Withdrawal; w != nil {
		set.Withdrawal.Refund = retention.RefundPolicy(orZero(w.Refund))
	}
	return set
}

func optionsOf(options *[]api.RetentionOption) (out []retention.Option) {
	for _, o := range orZero(options) {
		out = append(out, retention.Option{ID: o.Id, Label: textsOf(o.Label)})
	}
	return out
}

func textsOf(texts *api.LocalTexts) retention.Texts {
	if texts == nil || len(*texts) == 0 {
		return nil
	}
	return retention.Texts(*texts)
}

func ruleOf(r api.OfferRule) retention.Rule {
	out := retention.Rule{
		Key: r.Key, Type: retention.OfferType(r.Type), Off: r.Enabled != nil && !*r.Enabled, Priority: orZero(r.Priority), Headline: textsOf(r.Headline), Body: textsOf(r.Body),
		URL: value(r.Url), StartsAt: r.StartsAt, EndsAt: r.EndsAt,
	}
	if d := r.Discount; d != nil {
		out.Discount = &retention.DiscountTerms{Type: billing.DiscountType(d.Type), Percent: foyer.Rate(value(d.Percent)), Amount: moneyOf(d.Amount), Periods: d.Periods}
	}
	if p := r.Pause; p != nil {
		out.Pause = &retention.PauseTerms{Periods: p.Periods}
	}
	if p := r.PlanChange; p != nil {
		out.PlanChange = &retention.PlanTerms{From: billing.PriceID(value(p.FromPriceId)), Price: billing.PriceID(p.PriceId)}
	}
	if t := r.TrialExtension; t != nil {
		out.TrialExtension = &retention.ExtensionTerms{Days: t.Days}
	}
	if c := r.Contact; c != nil {
		out.Contact = &retention.ContactTerms{Kind: retention.ContactKind(c.Kind)}
	}
	if w := r.When; w != nil {
		out.When = conditionsOf(*w)
	}
	if r.TrialExtension != nil {
		out.Limits.PerCustomer = 1 // a trial that can be made longer again and again is free for ever
	}
	if l := r.Limits; l != nil {
		out.Limits.CooldownDays = orZero(l.CooldownDays)
		if l.PerCustomer != nil {
			out.Limits.PerCustomer = *l.PerCustomer
		}
		if b := l.Budget; b != nil {
			out.Limits.Budget = &retention.Budget{Offers: b.Offers, Amount: moneyOf(b.Amount)}
		}
	}
	return out
}

func moneyOf(m *api.UnitPrice) *foyer.Money {
	if m == nil {
		return nil
	}
	return &foyer.Money{Amount: m.Amount, Currency: foyer.Currency(m.Currency)}
}

func conditionsOf(w api.OfferConditions) retention.Conditions {
	out := retention.Conditions{
		Reasons: orZero(w.Reasons), Liked: orZero(w.Liked), Products: as[billing.ProductID](w.Products), Prices: as[billing.PriceID](w.Prices),
		Countries: as[foyer.Country](w.Countries), TenureDays: rangeOf(w.TenureDays), AcceptedBefore: rangeOf(w.AcceptedBefore), Declined: orZero(w.Declined),
	}
	for _, status := range orZero(w.Statuses) {
		out.Statuses = append(out.Statuses, billing.SubscriptionStatus(status))
	}
	if a := w.Amount; a != nil {
		out.Amount = &retention.AmountRange{Currency: foyer.Currency(a.Currency), Range: retention.Range{Min: a.Min, Max: a.Max}}
	}
	return out
}

// as reads a list of texts as what they are.
func as[T ~string](texts *[]string) (out []T) {
	for _, text := range orZero(texts) {
		out = append(out, T(text))
	}
	return out
}

func rangeOf(r *api.NumberRange) *retention.Range {
	if r == nil {
		return nil
	}
	return &retention.Range{Min: r.Min, Max: r.Max}
}
