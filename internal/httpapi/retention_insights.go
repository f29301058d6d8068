package httpapi

import (
	"context"
	"time"

	"github.com/oapi-codegen/runtime/types"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

// MerchantGetRetentionInsights shows what became of customers who wanted to leave.
func (s *Server) MerchantGetRetentionInsights(ctx context.Context, in api.MerchantGetRetentionInsightsRequestObject) (api.MerchantGetRetentionInsightsResponseObject, error) {
	reader, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	q := in.Params
	found, err := s.Retention.Insights(ctx, requestOf(ctx).merchant, retention.InsightsQuery{
		From: orZero(q.From).Time, To: orZero(q.To).Time, By: retention.Grouping(orZero(q.GroupBy)), Product: billing.ProductID(value(q.ProductId)),
		Reason: value(q.Reason), Rule: value(q.Offer), Country: foyer.Country(value(q.Country)), Currency: foyer.Currency(value(q.Currency)),
	}, reader)
	if err != nil {
		return nil, err
	}
	p := presenterOf(ctx)
	return api.MerchantGetRetentionInsights200JSONResponse{Body: api.RetentionInsights{
		From: day(found.From), To: day(found.To), Total: p.numbers(found.Total), Groups: each(found.Groups, p.insightGroup), Holdout: showExperiment(found.Holdout),
	}}, nil
}

func day(t time.Time) types.Date { return types.Date{Time: t} }

func (p presenter) insightGroup(g retention.InsightGroup) api.RetentionGroup {
	shown := api.RetentionGroup{Key: &g.Key, Label: orNull(g.Label), Rest: g.Rest, Numbers: p.numbers(g.Numbers)}
	if g.Rest {
		shown.Key = nil
	}
	return shown
}

func (p presenter) numbers(n retention.Numbers) api.RetentionNumbers {
	shown := api.RetentionNumbers{
		Started: n.Counts.Started, Saved: n.Counts.Saved, Canceled: n.Counts.Canceled, Abandoned: n.Counts.Abandoned, Undone: n.Counts.Undone,
		SaveRate:       showRate(n.SaveRate()),
		RevenueAtStake: each(n.Revenue, func(r retention.Revenue) api.Money { return p.money(r.AtStake, r.Currency) }),
		RevenueKept:    each(n.Revenue, func(r retention.Revenue) api.Money { return p.money(r.Kept, r.Currency) }),
	}
	for i, days := range retention.Checkpoints {
		of := n.StillThere(i)
		shown.StillThere = append(shown.StillThere, api.RetentionStillThere{Days: days, Looked: of.Trials, There: of.Successes, Rate: showRate(of.Rated())})
	}
	return shown
}

func showRate(r *retention.Rate) *api.RetentionRate {
	if r == nil {
		return nil
	}
	return &api.RetentionRate{Rate: r.Rate, Low: r.Low, High: r.High}
}

func showExperiment(e retention.Experiment) api.RetentionExperiment {
	arm := func(of retention.Proportion) api.RetentionArm {
		return api.RetentionArm{Started: of.Trials, NotCanceled: of.Successes, Rate: showRate(of.Rated())}
	}
	presence := func(of retention.Proportion) api.RetentionPresence {
		return api.RetentionPresence{Looked: of.Trials, There: of.Successes, Rate: showRate(of.Rated())}
	}
	shown := api.RetentionExperiment{Offered: arm(e.NotCanceled.Offered), Holdout: arm(e.NotCanceled.Holdout), Uplift: showUplift(e.NotCanceled.Uplift)}
	for i, days := range retention.Checkpoints {
		c := e.There[i]
		shown.StillThere = append(shown.StillThere, api.RetentionComparison{
			Days: days, Offered: presence(c.Offered), Holdout: presence(c.Holdout), Uplift: showUplift(c.Uplift),
		})
	}
	return shown
}

func showUplift(u *retention.Uplift) *api.RetentionUplift {
	if u == nil {
		return nil
	}
	return &api.RetentionUplift{Difference: u.Difference, Low: u.Low, High: u.High, Verdict: api.RetentionUpliftVerdict(u.Verdict)}
}
