package store

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type mailOrderRow struct {
	ID             string
	MerchantID     foyer.MerchantID
	CustomerID     foyer.CustomerID
	Kind           billing.MailKind
	SubscriptionID *billing.SubscriptionID
	PaymentID      *billing.PaymentID
	InvoiceID      *string
	Params         string
	CreatedAt      time.Time
}

func (mailOrderRow) TableName() string { return "mail_orders" }

// CreateMailOrders writes what must be told, in the transaction of what it tells of.
func (s *Store) CreateMailOrders(ctx context.Context, orders ...billing.MailOrder) error {
	if len(orders) == 0 {
		return nil
	}
	rows := make([]mailOrderRow, len(orders))
	for i, o := range orders {
		rows[i] = mailOrderRow{
			ID: o.ID, MerchantID: o.Scope.Merchant, CustomerID: o.Scope.Customer, Kind: o.Kind, SubscriptionID: null(o.Subscription),
			PaymentID: null(o.Payment), InvoiceID: null(o.Invoice), Params: toJSON(o.Facts), CreatedAt: o.At,
		}
	}
	return translate(s.db(ctx).CreateInBatches(&rows, 100).Error)
}

// MailOrder implements notify.Orders.
func (s *Store) MailOrder(ctx context.Context, merchant foyer.MerchantID, id string) (billing.MailOrder, error) {
	var row mailOrderRow
	if err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error; err != nil {
		return billing.MailOrder{}, translate(err)
	}
	facts, err := fromJSON[billing.MailFacts]("mail_orders.params", row.Params)
	return billing.MailOrder{
		ID: row.ID, Scope: foyer.Scope{Merchant: row.MerchantID, Customer: row.CustomerID}, Kind: row.Kind, Subscription: value(row.SubscriptionID),
		Payment: value(row.PaymentID), Invoice: value(row.InvoiceID), Facts: facts, At: row.CreatedAt.UTC(),
	}, err
}

// MailOrders returns the mails ordered for a customer, oldest first.
func (s *Store) MailOrders(ctx context.Context, scope foyer.Scope) ([]billing.MailOrder, error) {
	var ids []string
	err := s.db(ctx).Model(&mailOrderRow{}).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer).Order("created_at, id").Pluck("id", &ids).Error
	if err != nil {
		return nil, translate(err)
	}
	out := make([]billing.MailOrder, len(ids))
	for i, id := range ids {
		if out[i], err = s.MailOrder(ctx, scope.Merchant, id); err != nil {
			return nil, err
		}
	}
	return out, nil
}
