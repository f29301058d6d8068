package store

import (
	"context"
	"fmt"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
)

// Importing returns the store as an import sees it. issuer is who issued the documents that are imported, as far as it
// is known; documents name it.
func (s *Store) Importing(issuer invoice.Party) billing.ImportStore { return &importing{s, issuer} }

type importing struct {
	*Store
	issuer invoice.Party
}

// importedCustomer is what the customers table keeps of an imported customer beside its own columns.
type importedCustomer struct {
	Addresses  []billing.ImportedAddress  `json:"addresses,omitempty"`
	Businesses []billing.ImportedBusiness `json:"businesses,omitempty"`
}

// Load implements billing.ImportStore.
func (s *importing) Load(ctx context.Context, merchant foyer.MerchantID, kind billing.ImportKind, ids []string) (billing.ImportBatch, error) {
	var batch billing.ImportBatch
	query := s.db(ctx).Where("merchant_id = ? AND external_id IN ?", merchant, ids)
	if s.dialect == Postgres && open(ctx) != nil {
		// Two imports at once: the second waits, and then sees what the first made of the record.
		query = query.Clauses(clause.Locking{Strength: "UPDATE"})
	}
	var err error
	switch kind {
	case billing.ImportCustomer:
		batch.Customers, err = s.loadCustomers(query)
	case billing.ImportProduct:
		batch.Products, err = loadRows[productRow, billing.Product](query)
	case billing.ImportPrice:
		batch.Prices, err = loadRows[priceRow, billing.Price](query)
	case billing.ImportDiscount:
		batch.Discounts, err = loadRows[discountRow, billing.Discount](query)
	case billing.ImportSubscription:
		batch.Subscriptions, err = s.loadSubscriptions(query)
	case billing.ImportPayment:
		batch.Payments, err = s.loadPayments(ctx, merchant, query)
	case billing.ImportRefund:
		batch.Refunds, err = s.loadRefunds(query)
	default:
		err = fmt.Errorf("store: %s is not loaded by itself", kind)
	}
	return batch, err
}

func loadRows[R interface{ domain() D }, D any](query *gorm.DB) ([]D, error) {
	var rows []R
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return domains(rows), nil
}

func (s *importing) loadCustomers(query *gorm.DB) ([]billing.ImportedCustomer, error) {
	var rows []customerRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]billing.ImportedCustomer, len(rows))
	for i, r := range rows {
		extra, err := fromJSON[importedCustomer]("customers.imported", value(r.Imported))
		if err != nil {
			return nil, err
		}
		out[i] = billing.ImportedCustomer{Customer: r.domain(), Addresses: extra.Addresses, Businesses: extra.Businesses}
		if r.EditedAt != nil {
			out[i].EditedAt = r.EditedAt.UTC()
		}
	}
	return out, nil
}

func (s *importing) loadSubscriptions(query *gorm.DB) ([]billing.ImportedSubscription, error) {
	var rows []subscriptionRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]billing.ImportedSubscription, len(rows))
	for i, r := range rows {
		sub, err := r.domain()
		if err != nil {
			return nil, err
		}
		out[i].Subscription = sub
	}
	return out, nil
}

func (s *importing) loadPayments(ctx context.Context, merchant foyer.MerchantID, query *gorm.DB) ([]billing.ImportedPayment, error) {
	var rows []paymentRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]billing.ImportedPayment, len(rows))
	place := map[billing.PaymentID]int{}
	ids := make([]billing.PaymentID, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = fromJSON[billing.ImportedPayment]("payments.imported", value(r.Imported)); err != nil {
			return nil, err
		}
		if out[i].Payment, err = r.whole(); err != nil {
			return nil, err
		}
		place[r.ID], ids[i] = i, r.ID
	}
	if len(rows) == 0 {
		return out, nil
	}
	var attempts []attemptRow
	parts := func() *gorm.DB {
		return s.db(ctx).Where("merchant_id = ? AND payment_id IN ?", merchant, ids).Order("created_at DESC, id DESC")
	}
	if err := parts().Find(&attempts).Error; err != nil {
		return nil, translate(err)
	}
	for _, a := range attempts {
		p := &out[place[a.PaymentID]].Payment
		p.Attempts = append(p.Attempts, a.domain())
	}
	var refunds []RefundRow
	if err := parts().Find(&refunds).Error; err != nil {
		return nil, translate(err)
	}
	for _, r := range refunds {
		refund, err := r.refund()
		if err != nil {
			return nil, err
		}
		p := &out[place[value(r.PaymentID)]].Payment
		p.Refunds = append(p.Refunds, refund)
	}
	return out, nil
}

func (s *importing) loadRefunds(query *gorm.DB) ([]billing.ImportedRefund, error) {
	var rows []RefundRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]billing.ImportedRefund, len(rows))
	for i, r := range rows {
		refund, err := r.refund()
		if err != nil {
			return nil, err
		}
		out[i] = billing.ImportedRefund{Customer: r.CustomerID, Payment: value(r.PaymentID), ExternalPaymentID: r.ExternalPaymentID, Refund: refund}
	}
	return out, nil
}

type importWaitRow struct {
	MerchantID        foyer.MerchantID
	AwaitedKind       billing.ImportKind
	AwaitedExternalID string
	WaitingKind       billing.ImportKind
	WaitingExternalID string
}

func (importWaitRow) TableName() string { return "import_waits" }

// loadAtOnce keeps a statement below the databases' limits on parameters.
const loadAtOnce = 5000

// Waiting implements billing.ImportStore.
func (s *importing) Waiting(ctx context.Context, merchant foyer.MerchantID, kind billing.ImportKind, ids []string) (billing.ImportBatch, error) {
	waiting := map[billing.ImportKind][]string{}
	for chunk := range slices.Chunk(ids, loadAtOnce) {
		var rows []importWaitRow
		err := s.db(ctx).Where("merchant_id = ? AND awaited_kind = ? AND awaited_external_id IN ?", merchant, kind, chunk).Find(&rows).Error
		if err != nil {
			return billing.ImportBatch{}, translate(err)
		}
		for _, r := range rows {
			waiting[r.WaitingKind] = append(waiting[r.WaitingKind], r.WaitingExternalID)
		}
	}
	var all billing.ImportBatch
	for _, kind := range billing.ImportKinds {
		// A record that waits for two of the ids is named twice and loaded once.
		slices.Sort(waiting[kind])
		for chunk := range slices.Chunk(slices.Compact(waiting[kind]), loadAtOnce) {
			batch, err := s.Load(ctx, merchant, kind, chunk)
			if err != nil {
				return billing.ImportBatch{}, err
			}
			all.Prices = append(all.Prices, batch.Prices...)
			all.Subscriptions = append(all.Subscriptions, batch.Subscriptions...)
			all.Payments = append(all.Payments, batch.Payments...)
			all.Refunds = append(all.Refunds, batch.Refunds...)
		}
	}
	return all, nil
}

// EmailOwners implements billing.ImportStore.
func (s *importing) EmailOwners(ctx context.Context, merchant foyer.MerchantID, keys []string) (map[string]foyer.CustomerID, error) {
	var rows []customerRow
	if err := s.db(ctx).Select("id", "email_key").Where("merchant_id = ? AND email_key IN ?", merchant, keys).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	owners := make(map[string]foyer.CustomerID, len(rows))
	for _, r := range rows {
		owners[r.EmailKey] = r.ID
	}
	return owners, nil
}
