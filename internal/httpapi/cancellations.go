package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"net/http"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/retention"
)

// StartCancellation begins to cancel a subscription, or does it in one call.
func (s *Server) StartCancellation(ctx context.Context, in api.StartCancellationRequestObject) (api.StartCancellationResponseObject, error) {
	var input retention.StartInput
	if body := in.Body; body != nil {
		input.Confirm = body.Confirm != nil && *body.Confirm
		input.Effective = effective(body.Effective)
	}
	reader, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	v, err := s.Retention.Start(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), input, reader)
	if err != nil {
		return nil, err
	}
	shown, _, err := showCancellation(ctx, v)
	return api.StartCancellation201JSONResponse{Body: shown}, err
}

// GetCancellation shows one cancellation.
func (s *Server) GetCancellation(ctx context.Context, in api.GetCancellationRequestObject) (api.GetCancellationResponseObject, error) {
	reader, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	v, err := s.Retention.Cancellation(ctx, requestOf(ctx).scope(), retention.CancellationID(in.CancellationId), reader)
	if err != nil {
		return nil, err
	}
	shown, same, err := showCancellation(ctx, v)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetCancellation304Response{}, nil
	}
	return api.GetCancellation200JSONResponse{Body: shown}, nil
}

// step takes one step of a cancellation and shows how it stands then.
func (s *Server) step(ctx context.Context, take func(r retention.Reader) (retention.View, error)) (api.Cancellation, error) {
	reader, err := s.reader(ctx)
	if err != nil {
		return api.Cancellation{}, err
	}
	v, err := take(reader)
	if err != nil {
		return api.Cancellation{}, err
	}
	shown, _, err := showCancellation(ctx, v)
	return shown, err
}

// AnswerSurvey takes what was answered.
func (s *Server) AnswerSurvey(ctx context.Context, in api.AnswerSurveyRequestObject) (api.AnswerSurveyResponseObject, error) {
	shown, err := s.step(ctx, func(r retention.Reader) (retention.View, error) {
		return s.Retention.Answer(ctx, requestOf(ctx).actor(), retention.CancellationID(in.CancellationId), answersOf(in.Body), r)
	})
	if err != nil {
		return nil, err
	}
	return api.AnswerSurvey200JSONResponse{Body: shown}, nil
}

// AcceptOffer gives what the offer on the table says.
func (s *Server) AcceptOffer(ctx context.Context, in api.AcceptOfferRequestObject) (api.AcceptOfferResponseObject, error) {
	shown, err := s.step(ctx, func(r retention.Reader) (retention.View, error) {
		return s.Retention.Accept(ctx, requestOf(ctx).actor(), retention.CancellationID(in.CancellationId), retention.OfferID(in.Body.OfferId), r)
	})
	if err != nil {
		return nil, err
	}
	return api.AcceptOffer200JSONResponse{Body: shown}, nil
}

// DeclineOffer takes the offer from the table.
func (s *Server) DeclineOffer(ctx context.Context, in api.DeclineOfferRequestObject) (api.DeclineOfferResponseObject, error) {
	shown, err := s.step(ctx, func(r retention.Reader) (retention.View, error) {
		return s.Retention.Decline(ctx, requestOf(ctx).actor(), retention.CancellationID(in.CancellationId), r)
	})
	if err != nil {
		return nil, err
	}
	return api.DeclineOffer200JSONResponse{Body: shown}, nil
}

// ConfirmCancellation cancels the subscription.
func (s *Server) ConfirmCancellation(ctx context.Context, in api.ConfirmCancellationRequestObject) (api.ConfirmCancellationResponseObject, error) {
	var when billing.Effective
	if in.Body != nil {
		when = effective(in.Body.Effective)
	}
	shown, err := s.step(ctx, func(r retention.Reader) (retention.View, error) {
		return s.Retention.Confirm(ctx, requestOf(ctx).actor(), retention.CancellationID(in.CancellationId), when, r)
	})
	if err != nil {
		return nil, err
	}
	return api.ConfirmCancellation200JSONResponse{Body: shown}, nil
}

// AbandonCancellation ends the cancellation; the subscription goes on.
func (s *Server) AbandonCancellation(ctx context.Context, in api.AbandonCancellationRequestObject) (api.AbandonCancellationResponseObject, error) {
	shown, err := s.step(ctx, func(r retention.Reader) (retention.View, error) {
		return s.Retention.Abandon(ctx, requestOf(ctx).actor(), retention.CancellationID(in.CancellationId), r)
	})
	if err != nil {
		return nil, err
	}
	return api.AbandonCancellation200JSONResponse{Body: shown}, nil
}

// DownloadCancellationReceipt gives the receipt of a confirmed cancellation.
func (s *Server) DownloadCancellationReceipt(ctx context.Context, in api.DownloadCancellationReceiptRequestObject) (api.DownloadCancellationReceiptResponseObject, error) {
	pdf, same, err := s.receipt(ctx, in.CancellationId, string(value(in.Params.Disposition)))
	if err != nil {
		return nil, err
	}
	if same {
		return api.DownloadCancellationReceipt304Response{}, nil
	}
	return api.DownloadCancellationReceipt200ApplicationpdfResponse{Body: bytes.NewReader(pdf), ContentLength: int64(len(pdf))}, nil
}

// receipt draws the receipt of one of the customer's cancellations or withdrawals, and tells whether the caller has it already.
func (s *Server) receipt(ctx context.Context, id, disposition string) (pdf []byte, same bool, err error) {
	r := requestOf(ctx)
	receipt, err := s.Retention.Receipt(ctx, r.scope(), id)
	if err != nil {
		return nil, false, err
	}
	name, pdf, err := s.Receipts(ctx, receipt, r.locale)
	if err != nil {
		return nil, false, err
	}
	return pdf, sent(r, name, pdf, r.locale, cmp.Or(disposition, "attachment")), nil
}

// reader is for whom the texts of a cancellation are.
func (s *Server) reader(ctx context.Context) (retention.Reader, error) {
	r := requestOf(ctx)
	m, err := s.Merchants.ByID(ctx, r.merchant)
	return retention.Reader{Locale: r.locale, Portal: spoken(m.Portal.Settings).Tag}, err
}

func answersOf(body *api.AnswerSurvey) retention.Answers {
	if body == nil {
		return retention.Answers{}
	}
	return retention.Answers{Reason: value(body.Reason), Liked: value(body.Liked), Comment: value(body.Comment)}
}

func effective(e *api.Effective) billing.Effective {
	if e == nil {
		return ""
	}
	return billing.Effective(*e)
}

// showCancellation shows a cancellation, sets its ETag and tells whether the caller has it already.
func showCancellation(ctx context.Context, v retention.View) (shown api.Cancellation, same bool, err error) {
	shown = presenterOf(ctx).cancellation(v)
	same, err = unchanged(ctx, v.Version, shown)
	return shown, same, err
}

func (p presenter) cancellation(v retention.View) api.Cancellation {
	c, s := v.Cancellation, v.Shown
	shown := api.Cancellation{
		Id: string(c.ID), SubscriptionId: string(c.Subscription), State: api.CancellationState(c.State),
		StateText: p.locale.Text("cancellation.state."+string(c.State), nil), Step: api.CancellationStep(c.Step),
		Headline: s.Headline, Body: s.Body, Survey: showSurvey(s.Survey), Answers: showAnswers(c.Answers), ValueProposition: p.proposition(s.Proposition),
		Offer: p.offered(s.Offer), Effective: api.Effective(c.Effective), EffectiveAt: c.EffectiveAt, ReceivedAt: c.ReceivedAt,
		Moments: each(v.Moments, func(m billing.Effective) api.Effective { return api.Effective(m) }), CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt,
		Legal: api.CancellationLegal{
			Profile: api.CancellationLegalProfile(c.LegalProfile().ID), Statutory: showStatutory(s.Statutory),
			Labels: api.CancellationLabels{Start: s.Labels["start"], Confirm: s.Labels["confirm"], Abandon: s.Labels["abandon"], Keep: s.Labels["keep"], Skip: s.Labels["skip"]},
		},
		Actions: cancellationActions(c, s, v.Now),
	}
	if s.Keeps != nil {
		shown.Keeps = &api.CancellationKeeps{Until: s.Keeps.Until, Text: s.Keeps.Text}
	}
	return shown
}

// cancellationActions are the calls that can be made now. There is always one that cancels, unless the subscription ends already.
func cancellationActions(c retention.Cancellation, s retention.Shown, when billing.Effective) (actions api.CancellationActions) {
	path := "/v1/cancellations/" + string(c.ID)
	post := func(path string, body map[string]any) *api.CancellationCall {
		call := &api.CancellationCall{Method: http.MethodPost, Path: path}
		if body != nil {
			call.Body = &body
		}
		return call
	}
	subscription := "/v1/subscriptions/" + string(c.Subscription)
	switch {
	case c.State == retention.Scheduled:
		actions.Keep = &api.CancellationCall{Method: http.MethodDelete, Path: subscription + "/scheduled-change"}
	case c.State == retention.Canceled:
	case c.Finished():
		actions.CancelNow = post(subscription+"/cancellations", map[string]any{"confirm": true, "effective": when})
	default:
		actions.CancelNow = post(path+"/confirm", map[string]any{"effective": when})
		actions.Abandon = post(path+"/abandon", nil)
	}
	if s.Survey != nil {
		actions.Answer = post(path+"/answers", map[string]any{})
	}
	if s.Offer != nil && !c.Finished() {
		actions.AcceptOffer = post(path+"/offer/accept", map[string]any{"offer_id": s.Offer.ID})
		actions.DeclineOffer = post(path+"/offer/decline", nil)
	}
	if c.ReceivedAt != nil {
		actions.Receipt = &api.CancellationCall{Method: http.MethodGet, Path: path + "/receipt"}
	}
	return actions
}

func showSurvey(s *retention.ShownSurvey) *api.CancellationSurvey {
	if s == nil {
		return nil
	}
	return &api.CancellationSurvey{Headline: s.Headline, Intro: s.Intro, Questions: each(s.Questions, func(q retention.Question) api.SurveyQuestion {
		return api.SurveyQuestion{Id: api.SurveyQuestionId(q.ID), Text: q.Text, Options: each(q.Options, func(o retention.ShownOption) api.SurveyOption {
			return api.SurveyOption{Id: o.ID, Label: o.Label}
		})}
	})}
}

func showAnswers(a retention.Answers) api.SurveyAnswers {
	return api.SurveyAnswers{Reason: orNull(a.Reason), Liked: orNull(a.Liked), Comment: orNull(a.Comment)}
}

func (p presenter) proposition(v *retention.ShownProposition) *api.ValueProposition {
	if v == nil {
		return nil
	}
	shown := &api.ValueProposition{
		Headline: orNull(v.Headline), Body: orNull(v.Body), Facts: api.ValueFacts{MemberSince: v.MemberSince, Losses: listed(v.Losses)},
	}
	if next := v.NextPayment; next != nil {
		shown.Facts.NextPayment = &api.NextPayment{At: next.At}
		if next.Total != nil {
			total := p.money(next.Total.Amount, next.Total.Currency)
			shown.Facts.NextPayment.Total = &total
		}
	}
	return shown
}

func (p presenter) offered(o *retention.ShownOffer) *api.CancellationOffer {
	if o == nil {
		return nil
	}
	return &api.CancellationOffer{
		Id: string(o.ID), Type: api.OfferType(o.Type), Headline: o.Headline, Body: o.Body, Labels: api.OfferLabels{Accept: o.Accept, Decline: o.Decline},
		Url: orNull(o.URL), Terms: p.terms(o.Terms), ExpiresAt: o.ExpiresAt,
	}
}

func (p presenter) terms(t retention.Terms) api.OfferTerms {
	return api.OfferTerms{PriceNow: p.money(t.PriceNow, t.Currency), PriceLater: p.money(t.PriceLater, t.Currency), From: t.From, Until: t.Until}
}

func showStatutory(s *retention.StatutoryLabels) *api.StatutoryLabels {
	if s == nil {
		return nil
	}
	return &api.StatutoryLabels{
		Language: s.Language, Cancel: orNull(s.Cancel), ConfirmCancel: orNull(s.ConfirmCancel), Withdraw: orNull(s.Withdraw), ConfirmWithdraw: orNull(s.ConfirmWithdraw),
	}
}
