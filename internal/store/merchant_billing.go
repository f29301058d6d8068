package store

import (
	"context"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
)

// What a merchant reads of all its customers. These methods take the merchant and not a scope, so that a scope with a forgotten
// customer can't become one of them.

// MerchantSubscriptions implements billing.Store.
func (s *Store) MerchantSubscriptions(ctx context.Context, merchant foyer.MerchantID, f billing.MerchantSubscriptionFilter, page foyer.PageRequest) ([]billing.Subscription, error) {
	query := s.db(ctx).Where("merchant_id = ?", merchant)
	if f.Customer != "" {
		query = query.Where("customer_id = ?", f.Customer)
	}
	if f.ExternalID != "" {
		query = query.Where("external_id = ?", f.ExternalID)
	}
	query = oneOf(query, "status", f.Statuses)
	return subscriptions(newest(query, "created_at", page))
}

// oneOf narrows by a list; with one entry it is an equality, whose index keeps the order of the page.
func oneOf[T any](query *gorm.DB, column string, wanted []T) *gorm.DB {
	switch len(wanted) {
	case 0:
		return query
	case 1:
		return query.Where(column+" = ?", wanted[0])
	}
	return query.Where(column+" IN ?", wanted)
}

// MerchantSubscription implements billing.Store.
func (s *Store) MerchantSubscription(ctx context.Context, merchant foyer.MerchantID, id billing.SubscriptionID) (billing.Subscription, error) {
	var row subscriptionRow
	if err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error; err != nil {
		return billing.Subscription{}, translate(err)
	}
	return row.domain()
}

// SubscriptionNamed implements billing.Store.
func (s *Store) SubscriptionNamed(ctx context.Context, merchant foyer.MerchantID, externalID string, except billing.SubscriptionID) (bool, error) {
	var found []string
	err := s.db(ctx).Table("subscriptions").Where("merchant_id = ? AND external_id = ? AND id <> ?", merchant, externalID, except).Limit(1).Pluck("id", &found).Error
	if err != nil || len(found) > 0 {
		return len(found) > 0, translate(err)
	}
	err = s.db(ctx).Table("payments").Where("merchant_id = ? AND starts_external_id = ? AND status = 'ready' AND subscription_id <> ?", merchant, externalID, except).
		Limit(1).Pluck("id", &found).Error
	return len(found) > 0, translate(err)
}

// MerchantPayments implements billing.Store; all of one moment.
func (s *Store) MerchantPayments(ctx context.Context, merchant foyer.MerchantID, f billing.MerchantPaymentFilter, page foyer.PageRequest) (out []billing.Payment, err error) {
	err = s.snapshot(ctx, func(ctx context.Context) error {
		var refunded map[billing.PaymentID]int
		out, refunded, err = listed(newest(ofMerchant(s.db(ctx), merchant, f), "listed_at", page), page.Limit)
		if err != nil {
			return err
		}
		return s.addRefunds(ctx, merchant, out, refunded)
	})
	return out, err
}

// ofMerchant asks for what lists show of a merchant's payments.
func ofMerchant(db *gorm.DB, merchant foyer.MerchantID, f billing.MerchantPaymentFilter) *gorm.DB {
	query := db.Where("merchant_id = ? AND status <> ?", merchant, billing.PaymentDraft)
	if f.Customer != "" {
		query = query.Where("customer_id = ?", f.Customer)
	}
	if f.Subscription != "" {
		query = query.Where("subscription_id = ?", f.Subscription)
	}
	if f.ExternalID != "" {
		query = query.Where("external_id = ?", f.ExternalID)
	}
	if !f.IncludeZero {
		query = query.Where("total <> 0")
	}
	if len(f.Statuses) == 1 && f.Statuses[0] != billing.PaymentCompleted {
		query = query.Where("status <> 'completed'") // as it stands in the index of the others
	}
	return oneOf(query, "status", f.Statuses).Table("payments").Select(listedColumns, merchant)
}

// MerchantPayment implements billing.Store.
func (s *Store) MerchantPayment(ctx context.Context, merchant foyer.MerchantID, id billing.PaymentID) (billing.Payment, error) {
	return s.wholePayment(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Where("merchant_id = ? AND id = ? AND status <> ?", merchant, id, billing.PaymentDraft)
	})
}

// MerchantPaymentMethods implements billing.Store: one query for the methods and one for what uses them.
func (s *Store) MerchantPaymentMethods(ctx context.Context, merchant foyer.MerchantID, ids []billing.PaymentMethodID) (map[billing.PaymentMethodID]billing.PaymentMethod, error) {
	out := map[billing.PaymentMethodID]billing.PaymentMethod{}
	if len(ids) == 0 {
		return out, nil
	}
	var rows []paymentMethodRow
	if err := s.db(ctx).Where("merchant_id = ? AND id IN ? AND deleted_at IS NULL", merchant, ids).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	methods := domains(rows)
	if err := s.usedByAny(ctx, merchant, methods); err != nil {
		return nil, err
	}
	for _, m := range methods {
		out[m.ID] = m
	}
	return out, nil
}

// MerchantInvoices implements invoice.Store.
func (s *Store) MerchantInvoices(ctx context.Context, merchant foyer.MerchantID, f invoice.Filter, page foyer.PageRequest) ([]invoice.Invoice, error) {
	query := s.db(ctx).Where("merchant_id = ?", merchant)
	if f.Customer != "" {
		query = query.Where("customer_id = ?", f.Customer)
	}
	if f.Payment != "" {
		query = query.Where("payment_id = ?", f.Payment)
	}
	if f.Number != "" {
		query = query.Where("number = ?", f.Number)
	}
	return merchantInvoices(newest(query, "created_at", page), merchant)
}

// merchantInvoiceRow is what a merchant reads of a document: the head, and what it keeps beside the payment.
type merchantInvoiceRow struct {
	InvoiceHead
	PaymentMetadata *string
}

func (r merchantInvoiceRow) domain() (invoice.Invoice, error) {
	in, err := r.InvoiceHead.domain()
	in.Metadata = metadata(r.PaymentMetadata)
	return in, err
}

// withMetadata reads the payments' metadata in the same statement: events are written with every bill, where one more would be felt.
// The one value is the merchant.
const withMetadata = "invoices.*, (SELECT payments.metadata FROM payments WHERE payments.merchant_id = ? AND payments.id = invoices.payment_id) " +
	"AS payment_metadata"

// merchantInvoices reads all rows of the query, as their merchant sees them.
func merchantInvoices(query *gorm.DB, merchant foyer.MerchantID) ([]invoice.Invoice, error) {
	var rows []merchantInvoiceRow
	if err := query.Table("invoices").Select(withMetadata, merchant).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]invoice.Invoice, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// MerchantInvoice implements invoice.Store.
func (s *Store) MerchantInvoice(ctx context.Context, merchant foyer.MerchantID, id invoice.ID) (invoice.Invoice, error) {
	found, err := merchantInvoices(s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id), merchant)
	if err == nil && len(found) == 0 {
		err = foyer.ErrNotFound()
	}
	if err != nil {
		return invoice.Invoice{}, err
	}
	return found[0], nil
}
