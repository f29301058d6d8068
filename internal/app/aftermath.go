package app

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/notify"
	"foyer/internal/store"
)

// aftermath gives notify what it tells merchants of charges after they were captured.
type aftermath struct{ store *store.Store }

// Dispute implements notify.Aftermath.
func (a aftermath) Dispute(ctx context.Context, merchant foyer.MerchantID, id string) (notify.Dispute, bool, error) {
	d, scope, err := a.store.Dispute(ctx, merchant, billing.DisputeID(id))
	if errors.Is(err, foyer.NotFound) {
		return notify.Dispute{}, false, nil
	}
	if err != nil {
		return notify.Dispute{}, false, err
	}
	p, err := a.store.Payment(ctx, scope, d.Payment)
	return notify.Dispute{
		Payment: string(d.Payment), Status: d.Status, Reason: d.Reason, Amount: foyer.Money{Amount: d.Amount, Currency: p.Currency}, RespondBy: d.RespondBy, Told: d.Told,
	}, err == nil, err
}

// FailedRefund implements notify.Aftermath.
func (a aftermath) FailedRefund(ctx context.Context, merchant foyer.MerchantID, id string) (notify.FailedRefund, bool, error) {
	r, err := a.store.MerchantRefund(ctx, merchant, billing.RefundID(id))
	if errors.Is(err, foyer.NotFound) {
		return notify.FailedRefund{}, false, nil
	}
	if err != nil {
		return notify.FailedRefund{}, false, err
	}
	p, err := a.store.Payment(ctx, r.Scope, r.Payment)
	return notify.FailedRefund{
		ID: id, Payment: string(r.Payment), MadeAt: r.CreatedAt,
		Amount: foyer.Money{Amount: r.Total, Currency: r.Currency}, Owed: foyer.Money{Amount: p.Owed(), Currency: r.Currency},
	}, err == nil && p.Owed() > 0, err
}
