package store

import (
	"context"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
)

// Save implements billing.ImportStore.
func (s *importing) Save(ctx context.Context, merchant foyer.MerchantID, batch billing.ImportBatch) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		for _, step := range []func(context.Context, foyer.MerchantID, billing.ImportBatch) error{
			s.saveCustomers, s.saveCatalog, s.saveSubscriptions, s.savePayments, s.saveRefunds,
		} {
			if err := step(ctx, merchant, batch); err != nil {
				return err
			}
		}
		return nil
	})
}

// put writes rows whole, replacing those with the same id. A row with the id of another merchant's is refused. The columns
// are named because GORM's UpdateAll sets updated_at to the machine's time and leaves created_at as it was.
func put[R any](ctx context.Context, s *importing, rows []R) error {
	if len(rows) == 0 {
		return nil
	}
	row := &gorm.Statement{DB: s.gorm}
	if err := row.Parse(&rows); err != nil {
		return err
	}
	replace := clause.OnConflict{
		Columns:   []clause.Column{{Name: "id"}},
		DoUpdates: clause.AssignmentColumns(imported(row.Schema.DBNames)),
		Where:     clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: row.Schema.Table + ".merchant_id = excluded.merchant_id"}}},
	}
	written := s.db(ctx).Clauses(replace).CreateInBatches(&rows, 100)
	if written.Error == nil && written.RowsAffected != int64(len(rows)) {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	return translate(written.Error)
}

// imported are the columns an import writes again: not what the merchant keeps beside a thing, which no other system knows.
func imported(columns []string) []string {
	return slices.DeleteFunc(slices.Clone(columns), func(c string) bool { return c == "metadata" })
}

// saveCustomers writes one after the other: an address may be free only because the one before gave it up.
func (s *importing) saveCustomers(ctx context.Context, merchant foyer.MerchantID, batch billing.ImportBatch) error {
	for _, c := range batch.Customers {
		row := newCustomerRow(c.Customer)
		row.Imported = null(toJSON(importedCustomer{Addresses: c.Addresses, Businesses: c.Businesses}))
		row.EditedAt = null(c.EditedAt)
		if err := put(ctx, s, []customerRow{row}); err != nil {
			return err
		}
		if err := s.followImport(ctx, c.Customer); err != nil {
			return err
		}
		if c.Customer.Archived {
			// Whoever may no longer sign in is signed out (ASVS 7.4.2).
			scope, now := foyer.Scope{Merchant: merchant, Customer: c.Customer.ID}, foyer.Micro(s.now())
			if _, err := s.RevokeOpenPortalSessions(ctx, scope, "", now); err != nil {
				return err
			}
			if _, err := s.RevokeSessions(ctx, scope, "", now); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *importing) saveCatalog(ctx context.Context, merchant foyer.MerchantID, batch billing.ImportBatch) error {
	var products []productRow
	for _, p := range batch.Products {
		products = append(products, newProductRow(p))
	}
	if err := put(ctx, s, products); err != nil {
		return err
	}
	var prices []priceRow
	for _, p := range batch.Prices {
		prices = append(prices, newPriceRow(p))
		if err := s.wait(ctx, merchant, billing.ImportPrice, p.ExternalID, p.Waits()); err != nil {
			return err
		}
	}
	if err := put(ctx, s, prices); err != nil {
		return err
	}
	var discounts []discountRow
	for _, d := range batch.Discounts {
		discounts = append(discounts, newDiscountRow(d))
	}
	return put(ctx, s, discounts)
}

func (s *importing) saveSubscriptions(ctx context.Context, merchant foyer.MerchantID, batch billing.ImportBatch) error {
	var rows []subscriptionRow
	for _, sub := range batch.Subscriptions {
		rows = append(rows, newSubscriptionRow(sub.Subscription))
		if err := s.wait(ctx, merchant, billing.ImportSubscription, sub.Subscription.ExternalID, sub.Subscription.Waits()); err != nil {
			return err
		}
	}
	return put(ctx, s, rows)
}

// wait replaces what a record waits for.
func (s *importing) wait(ctx context.Context, merchant foyer.MerchantID, kind billing.ImportKind, id string, refs []billing.ImportRef) error {
	err := s.db(ctx).Where("merchant_id = ? AND waiting_kind = ? AND waiting_external_id = ?", merchant, kind, id).Delete(&importWaitRow{}).Error
	if err != nil || len(refs) == 0 {
		return translate(err)
	}
	rows := make([]importWaitRow, len(refs))
	for i, ref := range refs {
		rows[i] = importWaitRow{MerchantID: merchant, AwaitedKind: ref.Kind, AwaitedExternalID: ref.ExternalID, WaitingKind: kind, WaitingExternalID: id}
	}
	return translate(s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&rows).Error)
}

func (s *importing) savePayments(ctx context.Context, merchant foyer.MerchantID, batch billing.ImportBatch) error {
	for _, p := range batch.Payments {
		existing, err := s.importedInvoice(ctx, merchant, p.Payment)
		if err != nil {
			return err
		}
		document := s.document(p, existing)
		p.Payment.InvoiceID, p.Payment.InvoiceNumber = "", ""
		if document != nil {
			p.Payment.InvoiceID, p.Payment.InvoiceNumber = string(document.ID), document.Number
		}
		row := newPaymentRow(p.Payment)
		extra := p
		extra.Payment = billing.Payment{} // its own columns hold it
		row.Imported = null(toJSON(extra))
		if err := put(ctx, s, []paymentRow{row}); err != nil {
			return err
		}
		if err := s.saveAttempts(ctx, merchant, p.Payment); err != nil {
			return err
		}
		if document != nil {
			if err := put(ctx, s, []invoiceRow{newInvoiceRow(*document)}); err != nil {
				return err
			}
		}
		if err := s.wait(ctx, merchant, billing.ImportPayment, p.Payment.ExternalID, p.Waits()); err != nil {
			return err
		}
	}
	return nil
}

func (s *importing) saveAttempts(ctx context.Context, merchant foyer.MerchantID, p billing.Payment) error {
	if err := s.db(ctx).Where("merchant_id = ? AND payment_id = ?", merchant, p.ID).Delete(&attemptRow{}).Error; err != nil {
		return translate(err)
	}
	var rows []attemptRow
	for _, a := range p.Attempts {
		rows = append(rows, newAttemptRow(merchant, p.ID, a))
	}
	return put(ctx, s, rows)
}

// importedInvoice returns the document the payment has already, or nil. The payment's own row says which, not the caller.
func (s *importing) importedInvoice(ctx context.Context, merchant foyer.MerchantID, p billing.Payment) (*invoice.Invoice, error) {
	var row invoiceRow
	found := s.db(ctx).Where("merchant_id = ? AND id = (SELECT invoice_id FROM payments WHERE merchant_id = ? AND id = ?)", merchant, merchant, p.ID).
		Limit(1).Find(&row)
	if found.Error != nil || found.RowsAffected == 0 {
		return nil, translate(found.Error)
	}
	existing, err := row.whole()
	return &existing, err
}

// document makes the payment's document of what was imported, or brings the existing one up to date; nil when there is
// none. A payment that lost its document's conditions (a canceled bill) keeps it, marked. The version counts only what
// the document shows: files drawn for it stay good until then.
func (s *importing) document(p billing.ImportedPayment, existing *invoice.Invoice) *invoice.Invoice {
	if existing == nil {
		if !p.HasInvoice() {
			return nil
		}
		made := invoice.Copied(p, s.issuer)
		made.ID = invoice.ID(s.ids(foyer.PrefixInvoice))
		return &made
	}
	made := *existing
	if p.HasInvoice() {
		made = invoice.Copied(p, s.issuer)
		if s.issuer.Empty() {
			made.Document.Seller = existing.Document.Seller
		}
		made.ID, made.CreatedAt = existing.ID, existing.CreatedAt
	} else if p.Payment.Status == billing.PaymentCanceled {
		made.Status = invoice.StatusCanceled
	}
	made.Version, made.UpdatedAt, made.ContentVersion, made.Hash = existing.Version, existing.UpdatedAt, existing.ContentVersion, existing.Hash
	if made.Fingerprint() != existing.Fingerprint() {
		made.ContentVersion = existing.Version + 1
	}
	if toJSON(made) != toJSON(existing) {
		made.Version++
		made.UpdatedAt = p.Payment.UpdatedAt
	}
	return &made
}

func (s *importing) saveRefunds(ctx context.Context, merchant foyer.MerchantID, batch billing.ImportBatch) error {
	var rows []RefundRow
	for _, r := range batch.Refunds {
		rows = append(rows, RefundRow{
			ID: r.Refund.ID, MerchantID: merchant, CustomerID: r.Customer, PaymentID: null(r.Payment), ExternalPaymentID: r.ExternalPaymentID,
			ExternalID: null(r.Refund.ExternalID), Action: r.Refund.Action, Status: r.Refund.Status, Total: r.Refund.Total, Tax: r.Refund.Tax,
			Reason: r.Refund.Reason, Lines: toJSON(slices.Clone(r.Refund.Lines)), CreatedAt: r.Refund.CreatedAt, UpdatedAt: r.Refund.UpdatedAt,
		})
		if err := s.wait(ctx, merchant, billing.ImportRefund, r.Refund.ExternalID, r.Waits()); err != nil {
			return err
		}
	}
	return put(ctx, s, rows)
}
