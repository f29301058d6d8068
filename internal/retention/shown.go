package retention

import (
	"slices"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Shown is a cancellation as its customer sees it in one language: what the evidence keeps, word for word.
type Shown struct {
	Locale string `json:"locale"`
	State  State  `json:"state"`
	Step   Step   `json:"step"`
	// Headline and Body say where the customer stands.
	Headline    string            `json:"headline"`
	Body        string            `json:"body"`
	Survey      *ShownSurvey      `json:"survey,omitempty"`
	Proposition *ShownProposition `json:"value_proposition,omitempty"`
	// Keeps says what can be used until when.
	Keeps *Keeps      `json:"keeps,omitempty"`
	Offer *ShownOffer `json:"offer,omitempty"`
	// Labels are what the buttons of the flow are called, Actions which of them there were: cancel_now above all.
	Labels  map[string]string `json:"labels,omitempty"`
	Actions []string          `json:"actions,omitempty"`
	// Statutory are the wordings a law gives for the buttons; nil where none does.
	Statutory *StatutoryLabels `json:"statutory,omitempty"`
}

// Labels are the buttons that have a name of Foyer's in every step.
var Labels = []string{"start", "confirm", "abandon", "keep", "skip"}

// StatutoryLabels are words of a law for buttons, in a language of the country it is of; empty where it gives none.
type StatutoryLabels struct {
	Language        string `json:"language"`
	Cancel          string `json:"cancel,omitempty"`
	ConfirmCancel   string `json:"confirm_cancel,omitempty"`
	Withdraw        string `json:"withdraw,omitempty"`
	ConfirmWithdraw string `json:"confirm_withdraw,omitempty"`
}

// Statutory returns the words for the customers of a country; nil where no law gives any. reader chooses among its languages.
func (p LegalProfile) Statutory(country foyer.Country, reader i18n.Locale) *StatutoryLabels {
	var s StatutoryLabels
	for button, text := range map[Button]*string{
		ButtonCancel: &s.Cancel, ButtonConfirmCancel: &s.ConfirmCancel, ButtonWithdraw: &s.Withdraw, ButtonConfirmWithdraw: &s.ConfirmWithdraw,
	} {
		if w, given := p.Wording(button, country, reader.Language); given {
			*text, s.Language = w.Text, w.Language
		}
	}
	if s.Language == "" {
		return nil
	}
	return &s
}

// ShownSurvey is the survey in one language. No answer is required.
type ShownSurvey struct {
	Headline  string     `json:"headline"`
	Intro     string     `json:"intro"`
	Questions []Question `json:"questions"`
}

// Question is one question: with options one of them can be chosen, without it is free text.
type Question struct {
	ID      string        `json:"id"`
	Text    string        `json:"text"`
	Options []ShownOption `json:"options,omitempty"`
}

// ShownOption is an option with its label.
type ShownOption struct {
	ID    string `json:"id"`
	Label string `json:"label"`
}

// ShownProposition restates what the customer has: the merchant's words, if it has any, and facts.
type ShownProposition struct {
	Headline    string       `json:"headline,omitempty"`
	Body        string       `json:"body,omitempty"`
	MemberSince *time.Time   `json:"member_since,omitempty"`
	NextPayment *NextPayment `json:"next_payment,omitempty"`
	// Losses are what there won't be any more once it has ended.
	Losses []string `json:"losses"`
}

// NextPayment is the next payment that would be made; Total is nil when it isn't known.
type NextPayment struct {
	At    time.Time    `json:"at"`
	Total *foyer.Money `json:"total,omitempty"`
}

// Keeps is what the customer can use until the subscription ends.
type Keeps struct {
	Until time.Time `json:"until"`
	Text  string    `json:"text"`
}

// ShownOffer is an offer in one language.
type ShownOffer struct {
	ID        OfferID   `json:"id"`
	Type      OfferType `json:"type"`
	Headline  string    `json:"headline"`
	Body      string    `json:"body"`
	Accept    string    `json:"accept"`
	Decline   string    `json:"decline"`
	URL       string    `json:"url,omitempty"`
	Terms     Terms     `json:"terms"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Show writes a cancellation as the customer sees it: the texts of its step, and everything that stands around it. portal is the
// language the merchant's own texts are taken from when there is none in the reader's.
func (c Cancellation) Show(sub billing.Subscription, locale i18n.Locale, portal string, now time.Time) Shown {
	c = c.Seen(sub, now)
	params := map[string]any{"Plan": planName(sub)}
	if c.EffectiveAt != nil {
		params["Date"] = locale.Date(*c.EffectiveAt)
	}
	shown := Shown{Locale: locale.Language, State: c.State, Step: c.Step, Statutory: c.LegalProfile().Statutory(c.Country, locale)}
	shown.Headline, shown.Body = c.stepTexts(sub, locale, params)
	if c.EffectiveAt != nil && c.EffectiveAt.After(now) && c.State != Canceled && c.Effective == billing.AtPeriodEnd {
		shown.Keeps = &Keeps{Until: *c.EffectiveAt, Text: locale.Text("cancellation.keeps", params)}
	}
	if o := c.acceptedOffer(); o != nil {
		shown.Offer = o.show(sub, locale, portal)
	}
	shown.Labels = map[string]string{}
	for _, name := range Labels {
		shown.Labels[name] = locale.Text("cancellation.label."+name, nil)
	}
	if c.Finished() {
		if c.State == Scheduled {
			shown.Actions = []string{"keep"}
		}
		return shown
	}
	shown.Actions = []string{"cancel_now", "abandon"}
	if c.Survey != nil && c.Step == StepSurvey {
		shown.Survey = c.Survey.show(locale, portal)
	}
	shown.Proposition = c.proposition(sub, locale, portal)
	if o := c.OpenOffer(now); o != nil {
		shown.Offer = o.show(sub, locale, portal)
	}
	return shown
}

// stepTexts are headline and body of where the cancellation stands.
func (c Cancellation) stepTexts(sub billing.Subscription, locale i18n.Locale, params map[string]any) (headline, body string) {
	manual := sub.CollectionMode == billing.CollectManual
	name := string(c.Step)
	if c.Finished() {
		name = string(c.State)
	}
	switch {
	case c.Overtaken == OvertakenByMerchant && (c.State == Scheduled || c.State == Canceled):
		name += "_by_merchant"
	case c.State == Scheduled && c.WithCharge && sub.OpenPayment != "":
		name = "scheduled_with_charge"
	case c.State == Canceled && manual:
		name = "canceled_manual"
	case !c.Finished() && c.Step == StepConfirm && c.Effective == billing.Immediately:
		name = "confirm_at_once"
	}
	return locale.Text("cancellation.step."+name+".headline", params), locale.Text("cancellation.step."+name+".body", params)
}

func (s Survey) show(locale i18n.Locale, portal string) *ShownSurvey {
	question := func(id string, options []Option) Question {
		q := Question{ID: id, Text: locale.Text("survey.question."+id, nil)}
		for _, o := range options {
			label := o.Label.In(locale, portal)
			if label == "" {
				label = locale.Text("survey."+id+"."+o.ID, nil)
			}
			q.Options = append(q.Options, ShownOption{o.ID, label})
		}
		return q
	}
	shown := &ShownSurvey{
		Headline: locale.Text("survey.headline", nil), Intro: locale.Text("survey.intro", nil),
		Questions: []Question{question("reason", s.Reasons), question("liked", s.Liked)},
	}
	if !s.CommentOff {
		shown.Questions = append(shown.Questions, question("comment", nil))
	}
	return shown
}

func (c Cancellation) proposition(sub billing.Subscription, locale i18n.Locale, portal string) *ShownProposition {
	shown := &ShownProposition{MemberSince: sub.StartedAt, Losses: []string{}}
	for _, item := range sub.Items {
		shown.Losses = append(shown.Losses, item.ProductName)
	}
	if p := c.Proposition; p != nil {
		shown.Headline, shown.Body = p.Headline.In(locale, portal), p.Body.In(locale, portal)
		for _, loss := range p.Losses {
			shown.Losses = append(shown.Losses, loss.In(locale, portal))
		}
	}
	if next := sub.NextPayment(); next != nil {
		shown.NextPayment = &NextPayment{At: next.At}
		if next.Total != nil {
			shown.NextPayment.Total = &foyer.Money{Amount: *next.Total, Currency: sub.Currency}
		}
	}
	return shown
}

func (o Offer) show(sub billing.Subscription, locale i18n.Locale, portal string) *ShownOffer {
	params := o.params(sub, locale)
	text := func(own Texts, name string) string {
		if written := own.In(locale, portal); written != "" {
			return written
		}
		key := "offer." + string(o.Type) + "." + name
		if !locale.HasText(key) {
			return ""
		}
		return locale.Text(key, params)
	}
	headline, body := "headline", "body"
	if d := o.Discount; d != nil {
		if d.Type == billing.DiscountPercent {
			headline = "headline_percent"
			params["Percent"] = locale.Percent(d.share())
		}
		if d.Periods == nil {
			body = "body_forever"
		}
	} else if o.PlanChange != nil && o.Terms.Until != nil {
		body = "body_discounted"
	}
	if o.Discount != nil && sub.Pending != nil {
		params["Plan"] = pendingName(sub)
	}
	return &ShownOffer{
		ID: o.ID, Type: o.Type, Headline: text(o.Headline, headline), Body: text(o.Body, body), Accept: text(nil, "accept"), Decline: text(nil, "decline"),
		URL: o.URL, Terms: o.Terms, ExpiresAt: o.ExpiresAt,
	}
}

// params fill the texts of an offer.
func (o Offer) params(sub billing.Subscription, locale i18n.Locale) map[string]any {
	money := func(amount int64) string {
		return locale.Money(foyer.Money{Amount: amount, Currency: o.Terms.Currency})
	}
	params := map[string]any{"Price": money(o.Terms.PriceNow), "Later": money(o.Terms.PriceLater), "Plan": planName(sub)}
	if o.PlanChange != nil {
		params["Plan"] = o.Plan
	}
	if o.Terms.Until != nil {
		params["Until"] = locale.Date(*o.Terms.Until)
	}
	if o.Terms.From != nil {
		params["Date"] = locale.Date(*o.Terms.From)
	}
	switch {
	case o.Discount != nil && o.Discount.Periods != nil:
		params["Count"] = *o.Discount.Periods
	case o.Discount != nil:
		params["Later"] = money(nextTotal(sub)) // what it is instead of
	case o.Pause != nil:
		params["Count"] = o.Pause.Periods
	case o.TrialExtension != nil:
		params["Count"] = o.TrialExtension.Days
	}
	return params
}

// planName names what is subscribed to.
func planName(sub billing.Subscription) string {
	var names []string
	for _, item := range sub.Items {
		if name := item.ProductName; name != "" && len(names) < 3 && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// pendingName names what will be subscribed to once a change that is scheduled has come.
func pendingName(sub billing.Subscription) string {
	return planName(billing.Subscription{Items: sub.Pending.Items})
}
