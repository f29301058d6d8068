package store

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"

	"foyer/internal/foyer"
	"foyer/internal/webhook"
)

type webhookEndpointRow struct {
	ID             webhook.EndpointID
	MerchantID     foyer.MerchantID
	URL            string
	EventTypes     string
	Description    string
	Metadata       string
	Status         webhook.EndpointStatus
	DisabledReason webhook.DisabledReason
	DisabledAt     *time.Time
	FailingSince   *time.Time
	SealedSecrets  []byte
	OverlapUntil   *time.Time
	ArchivedAt     *time.Time
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Version        int64
}

func (webhookEndpointRow) TableName() string { return "webhook_endpoints" }

// purposeWebhookSecret seals what signs webhooks.
const purposeWebhookSecret foyer.Purpose = "webhook secret"

// sealedSecret is a secret as it is encrypted.
type sealedSecret struct {
	Key   []byte     `json:"key"`
	Until *time.Time `json:"until,omitempty"`
}

func (s *Store) sealSecrets(id webhook.EndpointID, secrets webhook.Secrets) ([]byte, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	all := make([]sealedSecret, len(secrets))
	for i, secret := range secrets {
		all[i] = sealedSecret(secret)
	}
	plain, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	return s.keyring.Seal(purposeWebhookSecret, plain, []byte(id)), nil
}

func (s *Store) openSecrets(id webhook.EndpointID, sealed []byte) (webhook.Secrets, error) {
	if sealed == nil {
		return nil, nil
	}
	plain, err := s.keyring.Open(purposeWebhookSecret, sealed, []byte(id))
	if err != nil {
		return nil, errSecretChanged
	}
	var all []sealedSecret
	if err := json.Unmarshal(plain, &all); err != nil {
		return nil, err
	}
	out := make(webhook.Secrets, len(all))
	for i, secret := range all {
		out[i] = webhook.Secret(secret)
	}
	return out, nil
}

func (s *Store) newWebhookEndpointRow(e webhook.Endpoint) (webhookEndpointRow, error) {
	sealed, err := s.sealSecrets(e.ID, e.Secrets)
	return webhookEndpointRow{
		ID: e.ID, MerchantID: e.Merchant, URL: e.URL, EventTypes: toJSON(e.EventTypes), Description: e.Description, Metadata: toJSON(e.Metadata),
		Status: e.Status, DisabledReason: e.DisabledReason, DisabledAt: e.DisabledAt, FailingSince: e.FailingSince, SealedSecrets: sealed,
		OverlapUntil: e.OverlapUntil, ArchivedAt: e.ArchivedAt, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, Version: e.Version,
	}, err
}

// domain leaves the secrets sealed.
func (r webhookEndpointRow) domain() (webhook.Endpoint, error) {
	types, err := fromJSON[[]string]("webhook_endpoints.event_types", r.EventTypes)
	if err != nil {
		return webhook.Endpoint{}, err
	}
	metadata, err := fromJSON[map[string]string]("webhook_endpoints.metadata", r.Metadata)
	return webhook.Endpoint{
		ID: r.ID, Merchant: r.MerchantID, URL: r.URL, EventTypes: types, Description: r.Description, Metadata: metadata,
		Status: r.Status, DisabledReason: r.DisabledReason, DisabledAt: utc(r.DisabledAt), FailingSince: utc(r.FailingSince),
		OverlapUntil: utc(r.OverlapUntil), ArchivedAt: utc(r.ArchivedAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), Version: r.Version,
	}, err
}

func webhookEndpoints(rows []webhookEndpointRow) ([]webhook.Endpoint, error) {
	out := make([]webhook.Endpoint, len(rows))
	for i, r := range rows {
		var err error
		if out[i], err = r.domain(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// CreateWebhookEndpoint implements webhook.Store. The portal's row is locked, so that two calls don't both make the last one.
func (s *Store) CreateWebhookEndpoint(ctx context.Context, e webhook.Endpoint, most int) error {
	row, err := s.newWebhookEndpointRow(e)
	if err != nil {
		return err
	}
	return s.InTx(ctx, func(ctx context.Context) error {
		var portals []string
		if err := s.locking(ctx, "").Table("portals").Where("merchant_id = ?", e.Merchant).Pluck("id", &portals).Error; err != nil {
			return translate(err)
		}
		var there []webhook.EndpointID
		err := s.db(ctx).Table("webhook_endpoints").Where("merchant_id = ? AND archived_at IS NULL", e.Merchant).Limit(most).Pluck("id", &there).Error
		if err != nil {
			return translate(err)
		}
		if len(there) >= most {
			return foyer.Refuse(foyer.Conflict, "webhook_endpoint.too_many")
		}
		return translate(s.db(ctx).Create(&row).Error)
	})
}

// WebhookEndpoints implements webhook.Store.
func (s *Store) WebhookEndpoints(ctx context.Context, merchant foyer.MerchantID, page foyer.PageRequest) ([]webhook.Endpoint, error) {
	var rows []webhookEndpointRow
	query := s.db(ctx).Where("merchant_id = ? AND archived_at IS NULL", merchant)
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	return webhookEndpoints(rows)
}

// WebhookEndpoint implements webhook.Store.
func (s *Store) WebhookEndpoint(ctx context.Context, merchant foyer.MerchantID, id webhook.EndpointID) (webhook.Endpoint, error) {
	return s.webhookEndpoint(s.db(ctx), merchant, id)
}

// WebhookEndpointForUpdate implements webhook.Store.
func (s *Store) WebhookEndpointForUpdate(ctx context.Context, merchant foyer.MerchantID, id webhook.EndpointID) (webhook.Endpoint, error) {
	return s.webhookEndpoint(s.locking(ctx, ""), merchant, id)
}

// SaveWebhookEndpoint implements webhook.Store; who saves has read it for update.
func (s *Store) SaveWebhookEndpoint(ctx context.Context, e webhook.Endpoint) error {
	row, err := s.newWebhookEndpointRow(e)
	if err != nil {
		return err
	}
	return translate(s.db(ctx).Model(&webhookEndpointRow{}).Where("merchant_id = ? AND id = ?", e.Merchant, e.ID).
		Select("*").Omit("id", "merchant_id", "created_at").UpdateColumns(&row).Error)
}

func (s *Store) webhookEndpoint(db *gorm.DB, merchant foyer.MerchantID, id webhook.EndpointID) (webhook.Endpoint, error) {
	var row webhookEndpointRow
	if err := db.Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error; err != nil {
		return webhook.Endpoint{}, translate(err)
	}
	e, err := row.domain()
	if err != nil {
		return e, err
	}
	e.Secrets, err = s.openSecrets(id, row.SealedSecrets)
	return e, err
}
