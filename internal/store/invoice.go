package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
)

var _ invoice.Store = (*Store)(nil)

// InvoiceHead is what lists show of a document: everything but its content. Exported for GORM, like PaymentHead.
type InvoiceHead struct {
	ID         invoice.ID
	MerchantID foyer.MerchantID
	CustomerID foyer.CustomerID
	ExternalID *string
	Number     string
	Kind       invoice.Kind
	Revision   int
	Replaces   *invoice.ID
	ReplacedBy *invoice.ID
	Credits    *invoice.ID
	// Corrections counts how often the buyer's details were corrected until this document.
	Corrections int
	Status      invoice.Status
	PaymentID   billing.PaymentID
	Currency    foyer.Currency
	Total       int64
	Copy        bool
	Buyer       string
	IssuedAt    time.Time
	DueAt       *time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Version     int64
	// ContentVersion is the version its content is of.
	ContentVersion int64
	Hash           string
}

// TableName tells GORM the table.
func (InvoiceHead) TableName() string { return "invoices" }

type invoiceRow struct {
	InvoiceHead
	Document string
}

func (invoiceRow) TableName() string { return "invoices" }

func (r InvoiceHead) domain() (invoice.Invoice, error) {
	buyer, err := fromJSON[invoice.Party]("invoices.buyer", r.Buyer)
	return invoice.Invoice{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, ExternalID: value(r.ExternalID), Number: r.Number, Kind: r.Kind,
		Revision: r.Revision, Replaces: value(r.Replaces), ReplacedBy: value(r.ReplacedBy), Credits: value(r.Credits), Corrections: r.Corrections, Status: r.Status, Payment: r.PaymentID, Currency: r.Currency, Total: r.Total, Copy: r.Copy,
		IssuedAt: r.IssuedAt.UTC(), DueAt: utc(r.DueAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version, Buyer: buyer,
		ContentVersion: r.ContentVersion, Hash: r.Hash,
	}, err
}

func (r invoiceRow) whole() (invoice.Invoice, error) {
	in, err := r.domain()
	if err != nil {
		return invoice.Invoice{}, err
	}
	in.Document, err = fromJSON[invoice.Document]("invoices.document", r.Document)
	return in, err
}

// newInvoiceRow writes a document down with what its content hashes to.
func newInvoiceRow(in invoice.Invoice) invoiceRow {
	return invoiceRow{
		InvoiceHead: InvoiceHead{
			ID: in.ID, MerchantID: in.Merchant, CustomerID: in.Customer, ExternalID: null(in.ExternalID), Number: in.Number, Kind: in.Kind,
			Revision: in.Revision, Replaces: null(in.Replaces), ReplacedBy: null(in.ReplacedBy), Credits: null(in.Credits), Corrections: in.Corrections, Status: in.Status, PaymentID: in.Payment, Currency: in.Currency, Total: in.Total, Copy: in.Copy,
			Buyer: toJSON(in.Buyer), IssuedAt: in.IssuedAt, DueAt: in.DueAt, CreatedAt: in.CreatedAt, UpdatedAt: in.UpdatedAt, Version: in.Version,
			ContentVersion: max(in.ContentVersion, 1), Hash: in.Fingerprint(),
		},
		Document: toJSON(in.Document),
	}
}

// Invoices implements invoice.Store.
func (s *Store) Invoices(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]invoice.Invoice, error) {
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer)
	return invoices(newest(query, "created_at", page))
}

// invoices reads all rows of the query, without their content.
func invoices(query *gorm.DB) ([]invoice.Invoice, error) {
	var rows []InvoiceHead
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]invoice.Invoice, len(rows))
	for i, r := range rows {
		in, err := r.domain()
		if err != nil {
			return nil, err
		}
		out[i] = in
	}
	return out, nil
}

// Invoice implements invoice.Store.
func (s *Store) Invoice(ctx context.Context, scope foyer.Scope, id invoice.ID, withDocument bool) (invoice.Invoice, error) {
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id = ?", scope.Merchant, scope.Customer, id)
	if !withDocument {
		var head InvoiceHead
		if err := query.Take(&head).Error; err != nil {
			return invoice.Invoice{}, translate(err)
		}
		return head.domain()
	}
	var row invoiceRow
	if err := query.Take(&row).Error; err != nil {
		return invoice.Invoice{}, translate(err)
	}
	return row.whole()
}

type invoiceFileRow struct {
	MerchantID foyer.MerchantID
	InvoiceID  invoice.ID
	Version    int64
	Locale     string
	Content    []byte
	SHA256     []byte `gorm:"column:sha256"`
	CreatedAt  time.Time
}

func (invoiceFileRow) TableName() string { return "invoice_files" }

// File implements invoice.Store.
func (s *Store) File(ctx context.Context, in invoice.Invoice, locale string) (invoice.File, error) {
	var row invoiceFileRow
	err := s.db(ctx).Where("merchant_id = ? AND invoice_id = ? AND version = ? AND locale = ?", in.Merchant, in.ID, in.ContentVersion, locale).Take(&row).Error
	return invoice.File{Invoice: in, Locale: locale, Content: row.Content, SHA256: row.SHA256}, translate(err)
}

// KeepFile implements invoice.Store.
func (s *Store) KeepFile(ctx context.Context, f invoice.File, now time.Time) (invoice.File, error) {
	result := s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&invoiceFileRow{
		MerchantID: f.Invoice.Merchant, InvoiceID: f.Invoice.ID, Version: f.Invoice.ContentVersion, Locale: f.Locale,
		Content: f.Content, SHA256: f.SHA256, CreatedAt: now,
	})
	if result.Error != nil {
		return invoice.File{}, translate(result.Error)
	}
	if result.RowsAffected == 1 {
		return f, nil
	}
	return s.File(ctx, f.Invoice, f.Locale)
}

// CreateInvoice keeps a new document and names it on its payment. A payment that has one already is foyer.Conflict.
func (s *Store) CreateInvoice(ctx context.Context, in invoice.Invoice) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		row := newInvoiceRow(in)
		if err := s.db(ctx).Create(&row).Error; err != nil {
			return translate(err)
		}
		named := s.db(ctx).Exec("UPDATE payments SET invoice_id = ?, invoice_number = ?, version = version + 1 WHERE merchant_id = ? AND id = ? AND invoice_id IS NULL",
			in.ID, in.Number, in.Merchant, in.Payment)
		if named.Error != nil {
			return translate(named.Error)
		}
		if named.RowsAffected != 1 {
			return foyer.Refuse(foyer.Conflict, "conflict")
		}
		return nil
	})
}

// CreateInvoices keeps new documents, all in one statement. Their payments name them already.
func (s *Store) CreateInvoices(ctx context.Context, invoices ...invoice.Invoice) error {
	if len(invoices) == 0 {
		return nil
	}
	rows := make([]invoiceRow, len(invoices))
	for i, in := range invoices {
		rows[i] = newInvoiceRow(in)
	}
	return translate(s.db(ctx).Create(&rows).Error)
}

// SettleInvoice says where a document stands now, and returns its version after that; 0 when it stood there already. Its content, and what
// was drawn for it, stay.
func (s *Store) SettleInvoice(ctx context.Context, merchant foyer.MerchantID, id invoice.ID, status invoice.Status, now time.Time) (version int64, err error) {
	err = s.db(ctx).Raw("UPDATE invoices SET status = ?, updated_at = ?, version = version + 1 WHERE merchant_id = ? AND id = ? AND status <> ? RETURNING version",
		status, now, merchant, id, status).Scan(&version).Error
	return version, translate(err)
}

// Replace implements invoice.Lineage.
func (s *Store) Replace(ctx context.Context, old invoice.Invoice, next invoice.Invoice, now time.Time) (bool, error) {
	db := s.db(ctx)
	marked := db.Exec("UPDATE invoices SET status = ?, replaced_by = ?, updated_at = ?, version = version + 1 WHERE merchant_id = ? AND customer_id = ? AND id = ? AND version = ? AND replaced_by IS NULL",
		invoice.StatusReplaced, next.ID, now, old.Merchant, old.Customer, old.ID, old.Version)
	if marked.Error != nil || marked.RowsAffected != 1 {
		return false, translate(marked.Error)
	}
	named := db.Exec("UPDATE payments SET invoice_id = ?, invoice_number = ?, updated_at = ?, version = version + 1 WHERE merchant_id = ? AND id = ? AND invoice_id = ?",
		next.ID, next.Number, now, old.Merchant, old.Payment, old.ID)
	if named.Error != nil {
		return false, translate(named.Error)
	}
	return named.RowsAffected == 1, nil
}

// changedInvoices counts the merchant's documents whose content is not what was sealed.
func (s *Store) changedInvoices(ctx context.Context, merchant foyer.MerchantID) (changed int64, err error) {
	last := invoice.ID("")
	for {
		var rows []invoiceRow
		err := s.db(ctx).Where("merchant_id = ? AND id > ? AND hash <> ''", merchant, last).Order("id").Limit(faultBatch).Find(&rows).Error
		if err != nil {
			return 0, translate(err)
		}
		for _, row := range rows {
			in, err := row.whole()
			if err != nil {
				return 0, err
			}
			if last = in.ID; in.Fingerprint() != in.Hash {
				changed++
			}
		}
		if len(rows) < faultBatch {
			return changed, nil
		}
	}
}
