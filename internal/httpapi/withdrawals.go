package httpapi

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/retention"
)

// CreateWithdrawal shows what withdrawing from the contract would do, or declares it.
func (s *Server) CreateWithdrawal(ctx context.Context, in api.CreateWithdrawalRequestObject) (api.CreateWithdrawalResponseObject, error) {
	reader, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	confirm := in.Body != nil && in.Body.Confirm != nil && *in.Body.Confirm
	v, err := s.Retention.Withdraw(ctx, requestOf(ctx).actor(), billing.SubscriptionID(in.SubscriptionId), confirm, reader)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).withdrawal(v)
	_, err = unchanged(ctx, v.Version, shown)
	return api.CreateWithdrawal201JSONResponse{Body: shown}, err
}

// GetWithdrawal shows one withdrawal.
func (s *Server) GetWithdrawal(ctx context.Context, in api.GetWithdrawalRequestObject) (api.GetWithdrawalResponseObject, error) {
	reader, err := s.reader(ctx)
	if err != nil {
		return nil, err
	}
	v, err := s.Retention.Withdrawal(ctx, requestOf(ctx).scope(), retention.WithdrawalID(in.WithdrawalId), reader)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).withdrawal(v)
	same, err := unchanged(ctx, v.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetWithdrawal304Response{}, nil
	}
	return api.GetWithdrawal200JSONResponse{Body: shown}, nil
}

// DownloadWithdrawalReceipt gives the acknowledgement of a declared withdrawal.
func (s *Server) DownloadWithdrawalReceipt(ctx context.Context, in api.DownloadWithdrawalReceiptRequestObject) (api.DownloadWithdrawalReceiptResponseObject, error) {
	pdf, same, err := s.receipt(ctx, in.WithdrawalId, string(value(in.Params.Disposition)))
	if err != nil {
		return nil, err
	}
	if same {
		return api.DownloadWithdrawalReceipt304Response{}, nil
	}
	return api.DownloadWithdrawalReceipt200ApplicationpdfResponse{Body: bytes.NewReader(pdf), ContentLength: int64(len(pdf))}, nil
}

func (p presenter) withdrawal(v retention.WithdrawalView) api.Withdrawal {
	w, s := v.Withdrawal, v.Shown
	money, credit := w.Refund()
	label := func(b retention.Button) string { return p.locale.Text(b.TextKey(), nil) }
	return api.Withdrawal{
		Id: string(w.ID), SubscriptionId: string(w.Subscription), State: api.WithdrawalState(w.State), StateText: p.locale.Text("withdrawal.state."+string(w.State), nil),
		Step: api.WithdrawalStep(s.Step), Headline: s.Headline, Body: s.Body, DeclaredAt: w.DeclaredAt, EndsAt: windowEnd(w),
		Refund: p.money(money, w.Currency), Credit: p.money(credit, w.Currency), Refunds: p.returns(w),
		Legal: api.WithdrawalLegal{
			Profile: api.WithdrawalLegalProfile(w.LegalProfile().ID), Statutory: showStatutory(s.Statutory),
			Labels: api.WithdrawalLabels{Withdraw: label(retention.ButtonWithdraw), Confirm: label(retention.ButtonConfirmWithdraw)},
		},
		Actions: withdrawalActions(w), CreatedAt: w.CreatedAt, ExpiresAt: w.ExpiresAt,
	}
}

// windowEnd is the end of the time to withdraw; nil where no law gives that right.
func windowEnd(w retention.Withdrawal) *time.Time {
	if w.EndsAt.IsZero() {
		return nil
	}
	return &w.EndsAt
}

func (p presenter) returns(w retention.Withdrawal) []api.WithdrawalRefund {
	return each(w.Returns, func(r retention.Return) api.WithdrawalRefund {
		return api.WithdrawalRefund{
			PaymentId: string(r.Payment), Amount: p.money(r.Money, w.Currency), Credit: p.money(r.Credit, w.Currency),
			State: api.WithdrawalRefundState(r.State), StateText: p.locale.Text("withdrawal.refund."+string(r.State), nil),
		}
	})
}

func withdrawalActions(w retention.Withdrawal) (actions api.WithdrawalActions) {
	if w.State == retention.WithdrawalOpen {
		actions.Confirm = &api.CancellationCall{
			Method: http.MethodPost, Path: "/v1/subscriptions/" + string(w.Subscription) + "/withdrawals", Body: &map[string]any{"confirm": true},
		}
	}
	if w.Declared() {
		actions.Receipt = &api.CancellationCall{Method: http.MethodGet, Path: "/v1/withdrawals/" + string(w.ID) + "/receipt"}
	}
	return actions
}
