package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

var _ billing.Store = (*Store)(nil)

// PaymentHead is what lists show of a payment: everything but its lines. Exported because GORM looks into embedded structs
// only then.
type PaymentHead struct {
	ID                     billing.PaymentID
	MerchantID             foyer.MerchantID
	CustomerID             foyer.CustomerID
	ExternalID             *string
	Status                 billing.PaymentStatus
	Origin                 billing.Origin
	CollectionMode         billing.CollectionMode
	Currency               foyer.Currency
	Description            string
	SubscriptionID         *billing.SubscriptionID
	ExternalSubscriptionID string
	PeriodStartsAt         *time.Time
	PeriodEndsAt           *time.Time
	BillingDetails         *string
	Subtotal               int64
	Discount               int64
	Tax                    int64
	Total                  int64
	Credit                 int64
	CreditToBalance        int64
	GrandTotal             int64
	Balance                int64
	Refunded               int64
	InvoiceID              *string
	InvoiceNumber          string
	CreatedAt              time.Time
	UpdatedAt              time.Time
	BilledAt               *time.Time
	ListedAt               time.Time
	Version                int64
	Metadata               *string
}

// TableName tells GORM the table.
func (PaymentHead) TableName() string { return "payments" }

type paymentRow struct {
	PaymentHead
	TaxRates string
	Lines    string
	Imported *string

	PaymentMethodID *billing.PaymentMethodID
	Effect          *string
	FailedAt        *time.Time
	Tries           int
	DueAt           *time.Time

	StartsExternalID *string
}

func (paymentRow) TableName() string { return "payments" }

func (r PaymentHead) domain() (billing.Payment, error) {
	p := billing.Payment{
		ID: r.ID, Merchant: r.MerchantID, Customer: r.CustomerID, ExternalID: value(r.ExternalID), Status: r.Status, Origin: r.Origin,
		CollectionMode: r.CollectionMode, Currency: r.Currency, Description: r.Description, Subscription: value(r.SubscriptionID),
		ExternalSubscriptionID: r.ExternalSubscriptionID, BillingPeriod: period(r.PeriodStartsAt, r.PeriodEndsAt),
		Totals: billing.Totals{
			Subtotal: r.Subtotal, Discount: r.Discount, Tax: r.Tax, Total: r.Total, Credit: r.Credit, CreditToBalance: r.CreditToBalance,
			GrandTotal: r.GrandTotal, Balance: r.Balance, Refunded: r.Refunded,
		},
		InvoiceID: value(r.InvoiceID), InvoiceNumber: r.InvoiceNumber,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), BilledAt: utc(r.BilledAt), Version: r.Version,
	}
	if r.BillingDetails != nil {
		details, err := fromJSON[billing.Terms]("payments.billing_details", *r.BillingDetails)
		if err != nil {
			return billing.Payment{}, err
		}
		p.BillingDetails = &details
	}
	p.Metadata = metadata(r.Metadata)
	return p, nil
}

func (r paymentRow) whole() (billing.Payment, error) {
	p, err := r.domain()
	if err != nil {
		return billing.Payment{}, err
	}
	if p.Lines, err = fromJSON[[]billing.Line]("payments.lines", r.Lines); err != nil {
		return billing.Payment{}, err
	}
	if p.TaxRates, err = fromJSON[[]billing.TaxRateTotals]("payments.tax_rates", r.TaxRates); err != nil {
		return billing.Payment{}, err
	}
	// An import keeps something beside every payment; one without the other system's id is Foyer's own all the same.
	p.Imported = r.Imported != nil && r.ExternalID != nil
	p.PaymentMethod, p.FailedAt, p.Tries, p.RetryAt = value(r.PaymentMethodID), utc(r.FailedAt), r.Tries, utc(r.DueAt)
	p.Effect, err = fromJSONOrNull[billing.Effect]("payments.effect", r.Effect)
	return p, err
}

func newPaymentRow(p billing.Payment) paymentRow {
	row := paymentRow{
		PaymentHead: PaymentHead{
			ID: p.ID, MerchantID: p.Merchant, CustomerID: p.Customer, ExternalID: null(p.ExternalID), Status: p.Status, Origin: p.Origin,
			CollectionMode: p.CollectionMode, Currency: p.Currency, Description: p.Description, SubscriptionID: null(p.Subscription),
			ExternalSubscriptionID: p.ExternalSubscriptionID,
			Subtotal:               p.Totals.Subtotal, Discount: p.Totals.Discount, Tax: p.Totals.Tax, Total: p.Totals.Total, Credit: p.Totals.Credit,
			CreditToBalance: p.Totals.CreditToBalance, GrandTotal: p.Totals.GrandTotal, Balance: p.Totals.Balance, Refunded: p.Totals.Refunded,
			InvoiceID: null(p.InvoiceID), InvoiceNumber: p.InvoiceNumber,
			CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, BilledAt: p.BilledAt, ListedAt: p.CreatedAt, Version: p.Version,
			Metadata: metadataOrNull(p.Metadata),
		},
		TaxRates: toJSON(p.TaxRates), Lines: toJSON(p.Lines), PaymentMethodID: null(p.PaymentMethod), Effect: jsonOrNull(p.Effect),
		FailedAt: p.FailedAt, Tries: p.Tries, DueAt: p.RetryAt, StartsExternalID: null(p.StartsExternalID()),
	}
	row.PeriodStartsAt, row.PeriodEndsAt = bounds(p.BillingPeriod)
	if p.BilledAt != nil {
		row.ListedAt = *p.BilledAt
	}
	if p.BillingDetails != nil {
		row.BillingDetails = null(toJSON(p.BillingDetails))
	}
	return row
}

// Payments implements billing.Store. The busiest read, and most pages have no refunds: those are one query, without a transaction around
// it. A page with refunds is read once more together with them, as of one moment.
func (s *Store) Payments(ctx context.Context, scope foyer.Scope, filter billing.PaymentFilter, page foyer.PageRequest) ([]billing.Payment, error) {
	read := func(ctx context.Context) ([]billing.Payment, map[billing.PaymentID]int, error) {
		query := s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND status <> ?", scope.Merchant, scope.Customer, billing.PaymentDraft)
		if !filter.IncludeZero {
			query = query.Where("total <> 0")
		}
		if len(filter.Statuses) > 0 {
			query = query.Where("status IN ?", filter.Statuses)
		}
		if filter.Subscription != "" {
			query = query.Where("subscription_id = ?", filter.Subscription)
		}
		return listed(newest(query.Table("payments").Select(listedColumns, scope.Merchant), "listed_at", page), page.Limit)
	}
	out, refunded, err := read(ctx)
	if err != nil || len(refunded) == 0 {
		return out, err
	}
	err = s.snapshot(ctx, func(ctx context.Context) error {
		if out, refunded, err = read(ctx); err != nil {
			return err
		}
		if err := s.addRefunds(ctx, scope.Merchant, out, refunded); err != nil {
			return err
		}
		return s.addDisputes(ctx, scope.Merchant, out, chargedBack(out, refunded))
	})
	return out, err
}

// listed reads a page and where in it the payments with refunds stand. The rows are closed before the next query, which
// would otherwise need a second connection.
func listed(query *gorm.DB, limit int) ([]billing.Payment, map[billing.PaymentID]int, error) {
	rows, err := query.Rows()
	if err != nil {
		return nil, nil, translate(err)
	}
	defer func() { _ = rows.Close() }()
	out := make([]billing.Payment, 0, limit)
	refunded := map[billing.PaymentID]int{}
	for rows.Next() {
		p, hasRefunds, err := scanListed(rows)
		if err != nil {
			return nil, nil, err
		}
		if hasRefunds {
			refunded[p.ID] = len(out)
		}
		out = append(out, p)
	}
	return out, refunded, translate(rows.Err())
}

// addRefunds fills in the refunds of the payments that have any: one query, and none for most pages.
func (s *Store) addRefunds(ctx context.Context, merchant foyer.MerchantID, payments []billing.Payment, place map[billing.PaymentID]int) error {
	if len(place) == 0 {
		return nil
	}
	var rows []RefundRow
	err := s.db(ctx).Where("payment_id IN ? AND merchant_id = ?", slices.Collect(maps.Keys(place)), merchant).Order("created_at DESC, id DESC").Find(&rows).Error
	if err != nil {
		return translate(err)
	}
	for _, r := range rows {
		refund, err := r.refund()
		if err != nil {
			return err
		}
		p := &payments[place[value(r.PaymentID)]]
		p.Refunds = append(p.Refunds, refund)
	}
	return nil
}

// listedColumns are what lists show of a payment, in the order scanListed reads them; the one value is the merchant.
const listedColumns = "id, merchant_id, customer_id, external_id, status, origin, collection_mode, currency, description, subscription_id, " +
	"external_subscription_id, period_starts_at, period_ends_at, billing_details, subtotal, discount, tax, total, credit, credit_to_balance, " +
	"grand_total, balance, refunded, invoice_id, invoice_number, created_at, updated_at, billed_at, version, metadata, " +
	"external_id IS NOT NULL AND imported IS NOT NULL, " +
	"EXISTS (SELECT 1 FROM refunds WHERE refunds.payment_id = payments.id AND refunds.merchant_id = ?)"

// scanListed reads one row of a list by hand: the busiest read, where GORM's reflection was a third of all the work
// (.github/BENCHMARKS.md).
func scanListed(rows *sql.Rows) (p billing.Payment, hasRefunds bool, err error) {
	var r struct {
		id, merchant, customer, status, origin, mode, currency, externalSubscription string
		external, subscription, details, invoiceID, metadata                         sql.NullString
		starts, ends, billed                                                         sql.NullTime
	}
	t := &p.Totals
	err = rows.Scan(&r.id, &r.merchant, &r.customer, &r.external, &r.status, &r.origin, &r.mode, &r.currency, &p.Description, &r.subscription,
		&r.externalSubscription, &r.starts, &r.ends, &r.details, &t.Subtotal, &t.Discount, &t.Tax, &t.Total, &t.Credit, &t.CreditToBalance,
		&t.GrandTotal, &t.Balance, &t.Refunded, &r.invoiceID, &p.InvoiceNumber, &p.CreatedAt, &p.UpdatedAt, &r.billed, &p.Version, &r.metadata,
		&p.Imported, &hasRefunds)
	if err != nil {
		return p, false, translate(err)
	}
	p.ID, p.Merchant, p.Customer = billing.PaymentID(r.id), foyer.MerchantID(r.merchant), foyer.CustomerID(r.customer)
	p.Status, p.Origin, p.CollectionMode = billing.PaymentStatus(r.status), billing.Origin(r.origin), billing.CollectionMode(r.mode)
	p.Currency, p.ExternalID, p.InvoiceID = foyer.Currency(r.currency), r.external.String, r.invoiceID.String
	p.Subscription, p.ExternalSubscriptionID = billing.SubscriptionID(r.subscription.String), r.externalSubscription
	p.CreatedAt, p.UpdatedAt = p.CreatedAt.UTC(), p.UpdatedAt.UTC()
	if r.billed.Valid {
		billed := r.billed.Time.UTC()
		p.BilledAt = &billed
	}
	if r.starts.Valid && r.ends.Valid {
		p.BillingPeriod = &foyer.Period{Start: r.starts.Time.UTC(), End: r.ends.Time.UTC()}
	}
	if r.details.Valid {
		details, err := fromJSON[billing.Terms]("payments.billing_details", r.details.String)
		if err != nil {
			return p, false, err
		}
		p.BillingDetails = &details
	}
	if r.metadata.Valid {
		p.Metadata = metadata(&r.metadata.String)
	}
	return p, hasRefunds, nil
}

// Payment implements billing.Store: one query for the payment, one for its attempts, one for its refunds and, of one that was paid, one
// for its disputes; all of one moment.
func (s *Store) Payment(ctx context.Context, scope foyer.Scope, id billing.PaymentID) (billing.Payment, error) {
	return s.wholePayment(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Where("merchant_id = ? AND customer_id = ? AND id = ? AND status <> ?", scope.Merchant, scope.Customer, id, billing.PaymentDraft)
	})
}

// wholePayment reads a payment with its attempts, refunds and disputes.
func (s *Store) wholePayment(ctx context.Context, which func(db *gorm.DB) *gorm.DB) (p billing.Payment, err error) {
	err = s.snapshot(ctx, func(ctx context.Context) error {
		var row paymentRow
		if err := which(s.db(ctx)).Take(&row).Error; err != nil {
			return translate(err)
		}
		p, err = s.detailed(ctx, row)
		return err
	})
	return p, err
}

// detailed adds attempts, refunds and disputes to a payment.
func (s *Store) detailed(ctx context.Context, row paymentRow) (billing.Payment, error) {
	p, err := row.whole()
	if err != nil {
		return billing.Payment{}, err
	}
	var attempts []attemptRow
	if err := s.db(ctx).Where("payment_id = ? AND merchant_id = ?", row.ID, row.MerchantID).Order("created_at DESC, id DESC").Find(&attempts).Error; err != nil {
		return billing.Payment{}, translate(err)
	}
	p.Attempts = domains(attempts)
	if p.Refunds, err = s.refunds(ctx, row.MerchantID, row.ID); err != nil || p.Status != billing.PaymentCompleted {
		return p, err
	}
	p.Disputes, err = s.Disputes(ctx, row.MerchantID, row.ID) // of what was paid only
	return p, err
}

func (s *Store) refunds(ctx context.Context, merchant foyer.MerchantID, id billing.PaymentID) ([]billing.Refund, error) {
	var rows []RefundRow
	if err := s.db(ctx).Where("payment_id = ? AND merchant_id = ?", id, merchant).Order("created_at DESC, id DESC").Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]billing.Refund, len(rows))
	for i, r := range rows {
		refund, err := r.refund()
		if err != nil {
			return nil, err
		}
		out[i] = refund
	}
	return out, nil
}

// payments reads all rows of the query, whole but for attempts and refunds.
func payments(query *gorm.DB) ([]billing.Payment, error) {
	var rows []paymentRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]billing.Payment, len(rows))
	for i, r := range rows {
		p, err := r.whole()
		if err != nil {
			return nil, err
		}
		out[i] = p
	}
	return out, nil
}

// PaymentsForUpdate returns the merchant's payments with the ids, in the order of their ids, without attempts and refunds,
// and keeps them from being changed by others until the transaction ends.
func (s *Store) PaymentsForUpdate(ctx context.Context, merchant foyer.MerchantID, ids ...billing.PaymentID) ([]billing.Payment, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return payments(s.locking(ctx, "").Where("merchant_id = ? AND id IN ?", merchant, ids).Order("id"))
}

// PaymentsUnderWay returns the customer's payments with an unfinished attempt that has one of the methods, without attempts and refunds.
func (s *Store) PaymentsUnderWay(ctx context.Context, scope foyer.Scope, methods ...billing.PaymentMethodID) ([]billing.Payment, error) {
	if len(methods) == 0 {
		return nil, nil
	}
	underWay := s.db(ctx).Table("attempts").Select("payment_id").
		Where("merchant_id = ? AND payment_method_id IN ? AND leased_until IS NOT NULL", scope.Merchant, methods)
	return payments(s.db(ctx).Where("merchant_id = ? AND customer_id = ? AND id IN (?)", scope.Merchant, scope.Customer, underWay).Order("id"))
}

// DuePayments returns payments whose next try, or due date, has come, first due first. It locks nothing: subscriptions are
// locked before payments, so whoever works on them looks again.
func (s *Store) DuePayments(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]billing.Payment, error) {
	return payments(s.db(ctx).Where("merchant_id = ? AND due_at <= ?", merchant, now.UTC()).Order("due_at, id").Limit(limit))
}

// CreatePayments keeps new payments. Conflict when the subscription's period has a bill already.
func (s *Store) CreatePayments(ctx context.Context, all ...billing.Payment) error {
	if len(all) == 0 {
		return nil
	}
	rows := make([]paymentRow, len(all))
	for i, p := range all {
		rows[i] = newPaymentRow(p)
	}
	return translate(s.db(ctx).Create(&rows).Error)
}

// SavePayments saves changed payments, each if nobody changed it since; Conflict when somebody did.
func (s *Store) SavePayments(ctx context.Context, all ...billing.Payment) error {
	rows := make([]paymentRow, len(all))
	for i, p := range all {
		rows[i] = newPaymentRow(p)
	}
	return saveVersions(s.db(ctx), "payments", rows, "status", "balance", "refunded", "invoice_id", "invoice_number", "updated_at", "billed_at",
		"listed_at", "version", "payment_method_id", "effect", "failed_at", "tries", "due_at", "external_id", "metadata")
}

// PaymentOfAttempt returns the payments with the ids, by id, without attempts and refunds.
func (s *Store) PaymentOfAttempt(ctx context.Context, merchant foyer.MerchantID, ids []billing.PaymentID) (map[billing.PaymentID]billing.Payment, error) {
	found, err := payments(s.db(ctx).Where("merchant_id = ? AND id IN ?", merchant, ids))
	out := map[billing.PaymentID]billing.Payment{}
	for _, p := range found {
		out[p.ID] = p
	}
	return out, err
}
