package retention

import (
	"context"
	"math"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Grouping says into what the numbers are divided; empty for not at all.
type Grouping string

// The groupings. A week is ISO 8601's, from Monday on.
const (
	GroupByDay     Grouping = "period_day"
	GroupByWeek    Grouping = "period_week"
	GroupByMonth   Grouping = "period_month"
	GroupByProduct Grouping = "product"
	GroupByReason  Grouping = "reason"
	GroupByOffer   Grouping = "offer"
	GroupByCountry Grouping = "country"
)

// Period tells whether the groups are spans of time.
func (g Grouping) Period() bool {
	return g == GroupByDay || g == GroupByWeek || g == GroupByMonth
}

// The bounds of a question: how many days it may span, how many it spans when nothing is said, and how many groups are told apart
// that are not periods. Of periods there are never more than days.
const (
	MaxInsightDays     = 400
	defaultInsightDays = 30
	MaxInsightGroups   = 200
)

// InsightsQuery asks for the numbers of the cancellations that began on the days from From to the day before To, both midnight UTC;
// a zero time leaves the choice to Spanning. The other fields narrow it where they are not empty.
type InsightsQuery struct {
	From, To time.Time
	By       Grouping
	Product  billing.ProductID
	Reason   string
	Rule     string
	Country  foyer.Country
	Currency foyer.Currency
}

// Spanning returns the query with both its days. Without To it ends with the day of now, without From it is 30 days.
//
// Refusals: Malformed (query.invalid) naming to for an end that is not after the beginning, or more than 400 days after it.
func (q InsightsQuery) Spanning(now time.Time) (InsightsQuery, error) {
	if q.To.IsZero() {
		q.To = midnight(now).AddDate(0, 0, 1)
	}
	if q.From.IsZero() {
		q.From = q.To.AddDate(0, 0, -defaultInsightDays)
	}
	if !q.From.Before(q.To) || q.To.After(q.From.AddDate(0, 0, MaxInsightDays)) {
		return q, &foyer.Error{Kind: foyer.Malformed, Code: "query.invalid", Fields: []foyer.FieldError{
			{Pointer: "to", Code: "insights.span", Params: map[string]any{"Max": MaxInsightDays}},
		}}
	}
	return q, nil
}

func midnight(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// Insights are the numbers of a span of days.
type Insights struct {
	From, To time.Time
	Total    Numbers
	By       Grouping
	// Groups are in the order of time where they are periods, every one of the span; else the one with most flows first.
	Groups  []InsightGroup
	Holdout Experiment
}

// InsightGroup are the numbers of one group.
type InsightGroup struct {
	// Key is the first day of a period, 2006-01 for a month, a product's id, a reason, the key of an offer's rule or a country; empty
	// where there is none. Label is what it is called, empty where that is not known.
	Key, Label string
	// Rest says that these are all the groups that were too many to tell apart.
	Rest    bool
	Numbers Numbers
}

// Numbers are what became of some flows. Revenue is apart for each currency; in Counts it is 0, for money of two currencies has no sum.
type Numbers struct {
	Counts  Counts
	Revenue []Revenue
}

// Revenue is what flows were about, a month, in minor units.
type Revenue struct {
	Currency foyer.Currency
	AtStake  int64
	Kept     int64
}

// Rate is a share, 0 to 1, with its 95 % interval, to four decimals.
type Rate struct{ Rate, Low, High float64 }

// Rated returns the rate of a proportion; nil where there is none.
func (p Proportion) Rated() *Rate {
	rate, ok := p.Rate()
	if !ok {
		return nil
	}
	interval, _ := p.Interval()
	return &Rate{fourDecimals(rate), fourDecimals(interval.Low), fourDecimals(interval.High)}
}

func fourDecimals(v float64) float64 {
	if v = math.Round(v*1e4) / 1e4; v == 0 {
		return 0 // and not −0
	}
	return v
}

// SaveRate is how many of those who began were saved; nil where nobody began.
func (n Numbers) SaveRate() *Rate { return Proportion{n.Counts.Saved, n.Counts.Started}.Rated() }

// StillThere is how many of the saved ones that were looked at after Checkpoints[i] days were still there.
func (n Numbers) StillThere(i int) Proportion {
	return Proportion{Successes: n.Counts.SavedThere[i], Trials: n.Counts.SavedLooked[i]}
}

// Experiment compares the customers who may be shown offers with those who are shown none. Lots decide who is which, so that what differs
// between them is what offers do; how many accept one says nothing of that, because some of them would have stayed anyhow.
type Experiment struct {
	// NotCanceled are the flows that did not end in a cancellation; There those whose subscription was there after each of Checkpoints.
	NotCanceled Comparison
	There       [3]Comparison
}

// Comparison is one share in both groups.
type Comparison struct {
	Offered, Holdout Proportion
	// Uplift is nil where a group is empty.
	Uplift *Uplift
}

// Uplift is by how much a share is larger with offers, −1 to 1, with its 95 % interval, to four decimals.
type Uplift struct {
	Difference, Low, High float64
	Verdict               UpliftVerdict
}

// UpliftVerdict says in words what an interval says, so that nobody reads noise as success.
type UpliftVerdict string

// The verdicts: the interval is above 0, has 0 in it, or is below.
const (
	VerdictUplift       UpliftVerdict = "uplift"
	VerdictNoDifference UpliftVerdict = "no_difference_shown"
	VerdictHarm         UpliftVerdict = "harm"
)

// compared judges by the numbers as they are shown: whoever checks the verdict finds the same.
func compared(offered, holdout Proportion) Comparison {
	c := Comparison{Offered: offered, Holdout: holdout}
	estimate, interval, ok := Difference(offered, holdout)
	if !ok {
		return c
	}
	u := Uplift{Difference: fourDecimals(estimate), Low: fourDecimals(interval.Low), High: fourDecimals(interval.High), Verdict: VerdictNoDifference}
	switch {
	case u.Low > 0:
		u.Verdict = VerdictUplift
	case u.High < 0:
		u.Verdict = VerdictHarm
	}
	c.Uplift = &u
	return c
}

// Insights returns the numbers of the merchant's cancellations, with labels for r. They are read from sums that are kept with every change,
// so that they cost the same however many cancellations there were.
//
// Refusals: those of Spanning.
func (s *Service) Insights(ctx context.Context, merchant foyer.MerchantID, q InsightsQuery, r Reader) (Insights, error) {
	now, err := s.clock(ctx, merchant)
	if err != nil {
		return Insights{}, err
	}
	if q, err = q.Spanning(now); err != nil {
		return Insights{}, err
	}
	rows, err := s.store.Tallies(ctx, merchant, q)
	if err != nil {
		return Insights{}, err
	}
	found := q.Of(rows)
	return found, s.label(ctx, merchant, found, r)
}

// label says what the groups are called.
func (s *Service) label(ctx context.Context, merchant foyer.MerchantID, found Insights, r Reader) error {
	var products map[billing.ProductID]billing.Product
	var settings Settings
	var err error
	switch found.By {
	case GroupByProduct:
		var ids []billing.ProductID
		for _, g := range found.Groups {
			ids = append(ids, billing.ProductID(g.Key))
		}
		products, err = s.store.Products(ctx, merchant, ids)
	case GroupByReason:
		settings, err = s.store.RetentionSettings(ctx, merchant)
	}
	for i, g := range found.Groups {
		switch {
		case g.Rest:
			found.Groups[i].Label = r.Locale.Text("insights.rest", nil)
		case g.Key == "":
			found.Groups[i].Label = r.Locale.Text("insights.none."+string(found.By), nil)
		case found.By == GroupByProduct:
			found.Groups[i].Label = products[billing.ProductID(g.Key)].Name
		case found.By == GroupByReason:
			found.Groups[i].Label = settings.Survey.reason(g.Key, r)
		}
	}
	return err
}

// reason is what a reason is called; empty for one that neither the merchant's survey nor Foyer's knows any more.
func (s Survey) reason(id string, r Reader) string {
	for _, o := range s.Reasons {
		if label := o.Label.In(r.Locale, r.Portal); o.ID == id && label != "" {
			return label
		}
	}
	if key := "survey.reason." + id; r.Locale.HasText(key) {
		return r.Locale.Text(key, nil)
	}
	return ""
}

// Of returns the insights of the rows a store found for the query. They may be sums over whatever the query does not divide by, but for
// currency and group.
func (q InsightsQuery) Of(rows []TallyEntry) Insights {
	out := Insights{From: q.From, To: q.To, By: q.By}
	var all summed
	groups := map[string]*summed{}
	for _, key := range q.periods() {
		groups[key] = &summed{}
	}
	arms := map[Group]Counts{}
	for _, row := range rows {
		if row.Add == (Counts{}) {
			continue // everything that was counted here has gone to other rows
		}
		all.add(row)
		arms[row.Key.Group] = arms[row.Key.Group].plus(row.Add)
		if q.By == "" {
			continue
		}
		key := q.By.key(row.Key)
		if groups[key] == nil {
			groups[key] = &summed{}
		}
		groups[key].add(row)
	}
	out.Total, out.Holdout = all.numbers(), experiment(arms[GroupOffered], arms[GroupHoldout])
	if q.By != "" {
		out.Groups = q.By.ordered(groups)
	}
	return out
}

func experiment(offered, holdout Counts) Experiment {
	stayed := func(n Counts) Proportion { return Proportion{n.Started - n.Canceled, n.Started} }
	e := Experiment{NotCanceled: compared(stayed(offered), stayed(holdout))}
	for i := range Checkpoints {
		e.There[i] = compared(Proportion{offered.There[i], offered.Looked[i]}, Proportion{holdout.There[i], holdout.Looked[i]})
	}
	return e
}
