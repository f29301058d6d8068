package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"foyer/internal/foyer"
	"foyer/internal/webhook"
)

type deliveryRow struct {
	ID          webhook.DeliveryID
	MerchantID  foyer.MerchantID
	EndpointID  webhook.EndpointID
	EventID     string
	EventType   foyer.EventType
	EventAt     time.Time
	Status      webhook.DeliveryStatus
	Tries       int
	Step        int
	DueAt       *time.Time
	Lease       string
	LastOutcome webhook.Outcome
	LastStatus  int
	AttemptLog  string
	Message     []byte
	CreatedAt   time.Time
	CompletedAt *time.Time
}

func (deliveryRow) TableName() string { return "deliveries" }

// deliveryColumns are all of them but the attempts and the message, which lists leave out.
const deliveryColumns = "id, merchant_id, endpoint_id, event_id, event_type, event_at, status, tries, step, due_at, lease, last_outcome, last_status, " +
	"created_at, completed_at"

func newDeliveryRow(d webhook.Delivery) deliveryRow {
	return deliveryRow{
		ID: d.ID, MerchantID: d.Merchant, EndpointID: d.Endpoint, EventID: d.Event, EventType: d.EventType, EventAt: d.EventAt, Status: d.Status,
		Tries: d.Tries, Step: d.Step, DueAt: d.DueAt, Lease: d.Lease, LastOutcome: d.LastOutcome, LastStatus: d.LastStatus, AttemptLog: toJSON(d.Attempts),
		Message: d.Message, CreatedAt: d.CreatedAt, CompletedAt: d.CompletedAt,
	}
}

func (r deliveryRow) domain() (webhook.Delivery, error) {
	attempts, err := fromJSON[[]webhook.Attempt]("deliveries.attempt_log", r.AttemptLog)
	return webhook.Delivery{
		ID: r.ID, Merchant: r.MerchantID, Endpoint: r.EndpointID, Event: r.EventID, EventType: r.EventType, EventAt: r.EventAt.UTC(), Status: r.Status,
		Tries: r.Tries, Step: r.Step, DueAt: utc(r.DueAt), Lease: r.Lease, LastOutcome: r.LastOutcome, LastStatus: r.LastStatus, Attempts: attempts,
		Message: r.Message, CreatedAt: r.CreatedAt.UTC(), CompletedAt: utc(r.CompletedAt),
	}, err
}

func deliveries(rows []deliveryRow) ([]webhook.Delivery, error) {
	out := make([]webhook.Delivery, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// createDeliveries writes a delivery of each event for each endpoint that wants it, in the transaction of the events. For a
// merchant without endpoints it is one look at an index.
func (s *Store) createDeliveries(ctx context.Context, events []foyer.Event) error {
	endpoints := map[foyer.MerchantID][]webhook.Endpoint{}
	now := foyer.Micro(s.now())
	var rows []deliveryRow
	for _, e := range events {
		listening, known := endpoints[e.Scope.Merchant]
		if !known {
			var err error
			if listening, err = s.listening(ctx, e.Scope.Merchant); err != nil {
				return err
			}
			endpoints[e.Scope.Merchant] = listening
		}
		for _, endpoint := range listening {
			if endpoint.Wants(e.Type) {
				rows = append(rows, newDeliveryRow(webhook.NewDelivery(webhook.DeliveryID(s.ids(foyer.PrefixDelivery)), endpoint.ID, e, now)))
			}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return translate(s.db(ctx).CreateInBatches(&rows, 200).Error)
}

// listening are the merchant's endpoints that get deliveries, without secrets.
func (s *Store) listening(ctx context.Context, merchant foyer.MerchantID) ([]webhook.Endpoint, error) {
	var rows []webhookEndpointRow
	err := s.db(ctx).Select("id, merchant_id, event_types, status").
		Where("merchant_id = ? AND archived_at IS NULL AND status = ?", merchant, webhook.Enabled).Find(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	return webhookEndpoints(rows)
}

// CreateDelivery implements webhook.Store.
func (s *Store) CreateDelivery(ctx context.Context, d webhook.Delivery) error {
	row := newDeliveryRow(d)
	return translate(s.db(ctx).Create(&row).Error)
}

// Deliveries implements webhook.Store.
func (s *Store) Deliveries(ctx context.Context, merchant foyer.MerchantID, filter webhook.DeliveryFilter, page foyer.PageRequest) ([]webhook.Delivery, error) {
	query := s.db(ctx).Select(deliveryColumns).Where("merchant_id = ?", merchant)
	if filter.Endpoint != "" {
		query = query.Where("endpoint_id = ?", filter.Endpoint)
	}
	if filter.Event != "" {
		query = query.Where("event_id = ?", filter.Event)
	}
	if len(filter.Statuses) > 0 {
		query = query.Where("status IN ?", filter.Statuses)
	}
	var rows []deliveryRow
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return deliveries(rows)
}

// Delivery implements webhook.Store.
func (s *Store) Delivery(ctx context.Context, merchant foyer.MerchantID, id webhook.DeliveryID) (webhook.Delivery, error) {
	return delivery(s.db(ctx), merchant, id)
}

// DeliveryForUpdate implements webhook.Store.
func (s *Store) DeliveryForUpdate(ctx context.Context, merchant foyer.MerchantID, id webhook.DeliveryID) (webhook.Delivery, error) {
	return delivery(s.locking(ctx, ""), merchant, id)
}

func delivery(db *gorm.DB, merchant foyer.MerchantID, id webhook.DeliveryID) (webhook.Delivery, error) {
	var row deliveryRow
	if err := db.Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error; err != nil {
		return webhook.Delivery{}, translate(err)
	}
	return row.domain()
}

// SaveDelivery implements webhook.Store.
func (s *Store) SaveDelivery(ctx context.Context, d webhook.Delivery) error {
	_, err := saveDelivery(s.db(ctx).Where("merchant_id = ? AND id = ?", d.Merchant, d.ID), d)
	return err
}

// FinishDelivery implements webhook.Store.
func (s *Store) FinishDelivery(ctx context.Context, d webhook.Delivery, lease string) (bool, error) {
	return saveDelivery(s.db(ctx).Where("merchant_id = ? AND id = ? AND lease = ?", d.Merchant, d.ID, lease), d)
}

func saveDelivery(db *gorm.DB, d webhook.Delivery) (bool, error) {
	result := db.Model(&deliveryRow{}).UpdateColumns(map[string]any{
		"status": d.Status, "tries": d.Tries, "step": d.Step, "due_at": d.DueAt, "lease": d.Lease, "last_outcome": d.LastOutcome,
		"last_status": d.LastStatus, "attempt_log": toJSON(d.Attempts), "completed_at": d.CompletedAt,
	})
	return result.RowsAffected == 1, translate(result.Error)
}

// RedeliverSpan implements webhook.Store: two statements that read nothing into this process.
func (s *Store) RedeliverSpan(ctx context.Context, e webhook.Endpoint, span foyer.Period, now time.Time, most int) (int64, error) {
	var n int64
	err := s.InTx(ctx, func(ctx context.Context) error {
		again := s.db(ctx).Exec(`UPDATE deliveries SET status = ?, step = 0, due_at = ?, completed_at = NULL WHERE merchant_id = ? AND id IN (
SELECT id FROM deliveries WHERE merchant_id = ? AND endpoint_id = ? AND status <> 'succeeded' AND event_at >= ? AND event_at < ? AND lease = ''
AND event_type <> ? AND (due_at IS NULL OR due_at > ?) ORDER BY event_at, id LIMIT ?)`,
			webhook.Pending, now, e.Merchant, e.Merchant, e.ID, span.Start, span.End, webhook.TestType, now, most)
		if again.Error != nil {
			return translate(again.Error)
		}
		n = again.RowsAffected
		if n >= int64(most) {
			return nil
		}
		missed, err := s.createMissed(ctx, e, span, now, most-int(n))
		n += missed
		return err
	})
	return n, err
}

// createMissed writes deliveries of the events an endpoint has none of. Those older than deliveries are kept are left out:
// nobody knows any more what became of them. The ids are made by the database: the time of now, and 64 random bits.
func (s *Store) createMissed(ctx context.Context, e webhook.Endpoint, span foyer.Period, now time.Time, most int) (int64, error) {
	random := "lower(hex(randomblob(8)))"
	if s.dialect == Postgres {
		random = "substr(replace(gen_random_uuid()::text, '-', ''), 17)"
	}
	wanted, types := wantedTypes(e.EventTypes)
	args := []any{
		string(foyer.PrefixDelivery) + "_" + ulidTime(now), e.ID, webhook.Pending, now, now, e.Merchant, span.Start, span.End,
		string(foyer.PrefixEvent) + "_" + ulidTime(now.Add(-keepDeliveries)),
	}
	args = append(append(args, types...), e.Merchant, e.ID, most)
	result := s.db(ctx).Exec(`INSERT INTO deliveries (id, merchant_id, endpoint_id, event_id, event_type, event_at, status, tries, step, due_at, lease,
last_outcome, last_status, attempt_log, message, created_at, completed_at)
SELECT ? || `+random+`, merchant_id, ?, id, type, created_at, ?, 0, 0, ?, '', '', 0, '[]', NULL, ?, NULL FROM events
WHERE merchant_id = ? AND created_at >= ? AND created_at < ? AND id >= ?`+wanted+` AND NOT EXISTS (
SELECT 1 FROM deliveries WHERE merchant_id = ? AND event_id = events.id AND endpoint_id = ?)
ORDER BY created_at, id LIMIT ? ON CONFLICT DO NOTHING`, args...)
	return result.RowsAffected, translate(result.Error)
}

// wantedTypes is a condition for the types an endpoint wants, with its values; empty for all.
func wantedTypes(types []string) (condition string, values []any) {
	if len(types) == 0 {
		return "", nil
	}
	var conditions []string
	for _, t := range types {
		if prefix, all := strings.CutSuffix(t, "*"); all {
			// Not LIKE: an underscore stands for any character there.
			conditions, values = append(conditions, "substr(type, 1, ?) = ?"), append(values, len(prefix), prefix)
			continue
		}
		conditions, values = append(conditions, "type = ?"), append(values, t)
	}
	return " AND (" + strings.Join(conditions, " OR ") + ")", values
}

// ulidTime is the part of an id that tells when it was made.
func ulidTime(at time.Time) string {
	_, ulid, _ := strings.Cut(foyer.NewIDs(func() time.Time { return at })(foyer.PrefixDelivery), "_")
	return ulid[:10]
}

// EndpointsDue implements webhook.Store. When nothing is due it is one look at an index, else one for each endpoint, however
// much is due there.
func (s *Store) EndpointsDue(ctx context.Context, now time.Time) ([]webhook.Endpoint, error) {
	db := s.db(acrossMerchants(ctx, "deliveries of all merchants are delivered by the same workers"))
	var first []time.Time
	err := db.Table("deliveries").Where("due_at IS NOT NULL").Order("due_at").Limit(1).Pluck("due_at", &first).Error
	if err != nil || len(first) == 0 || first[0].After(now) {
		return nil, translate(err)
	}
	var rows []webhookEndpointRow
	err = db.Where(`(SELECT d.due_at FROM deliveries d WHERE d.merchant_id = webhook_endpoints.merchant_id AND d.endpoint_id = webhook_endpoints.id
AND d.due_at IS NOT NULL ORDER BY d.due_at LIMIT 1) <= ?`, now).Find(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	return webhookEndpoints(rows)
}

// DueDeliveries counts what is due, up to a limit: a count of everything would cost as much as it finds.
func (s *Store) DueDeliveries(ctx context.Context, now time.Time, limit int) (int64, error) {
	var n int64
	err := s.db(acrossMerchants(ctx, "how much is due on the whole instance")).
		Raw("SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE due_at <= ? LIMIT ?) AS due", now, limit).Scan(&n).Error
	return n, translate(err)
}

// ClaimDeliveries implements webhook.Store. The limit is written out: of one that is a parameter PostgreSQL believes that it could be a
// tenth of the table, and reads all of it.
func (s *Store) ClaimDeliveries(ctx context.Context, e webhook.Endpoint, lease string, now, until time.Time, limit int) ([]webhook.Delivery, error) {
	skip := ""
	if s.dialect == Postgres {
		skip = " FOR NO KEY UPDATE SKIP LOCKED"
	}
	var rows []deliveryRow
	err := s.db(ctx).Raw(`WITH due AS MATERIALIZED (
SELECT id AS due_id FROM deliveries WHERE merchant_id = ? AND endpoint_id = ? AND due_at <= ? ORDER BY due_at, id LIMIT `+strconv.Itoa(limit)+skip+`)
UPDATE deliveries SET lease = ?, due_at = ? FROM due WHERE deliveries.merchant_id = ? AND deliveries.id = due_id RETURNING `+deliveryColumns+", attempt_log, message",
		e.Merchant, e.ID, now, lease, until, e.Merchant).Find(&rows).Error
	if err != nil {
		return nil, translate(err)
	}
	slices.SortFunc(rows, func(a, b deliveryRow) int {
		return cmp.Or(a.EventAt.Compare(b.EventAt), cmp.Compare(a.ID, b.ID))
	})
	return deliveries(rows)
}

// RenewDeliveries implements webhook.Store.
func (s *Store) RenewDeliveries(ctx context.Context, ids []webhook.DeliveryID, lease string, until time.Time) error {
	db := s.db(acrossMerchants(ctx, "a worker keeps what it holds, whosever it is"))
	for chunk := range slices.Chunk(ids, 500) {
		if err := db.Exec("UPDATE deliveries SET due_at = ? WHERE id IN ? AND lease = ?", until, chunk, lease).Error; err != nil {
			return translate(err)
		}
	}
	return nil
}

// ReleaseDeliveries implements webhook.Store.
func (s *Store) ReleaseDeliveries(ctx context.Context, merchant foyer.MerchantID, ids []webhook.DeliveryID, lease string, now time.Time) error {
	return translate(s.db(ctx).Exec("UPDATE deliveries SET lease = '', due_at = ? WHERE merchant_id = ? AND id IN ? AND lease = ?", now, merchant, ids, lease).Error)
}

// FailDeliveries implements webhook.Store.
func (s *Store) FailDeliveries(ctx context.Context, e webhook.Endpoint, why webhook.Outcome, now time.Time, limit int) (int64, error) {
	result := s.db(ctx).Exec(`UPDATE deliveries SET status = ?, last_outcome = ?, last_status = 0, lease = '', due_at = NULL, completed_at = ?
WHERE merchant_id = ? AND id IN (SELECT id FROM deliveries WHERE merchant_id = ? AND endpoint_id = ? AND due_at <= ? ORDER BY due_at, id LIMIT `+strconv.Itoa(limit)+")",
		webhook.Failed, why, now, e.Merchant, e.Merchant, e.ID, now)
	return result.RowsAffected, translate(result.Error)
}
