package store

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

type activityRow struct {
	ID         string
	MerchantID foyer.MerchantID
	CustomerID foyer.CustomerID
	SessionID  *foyer.SessionID
	Type       foyer.ActivityType
	Params     string
	Device     string
	IP         string
	CreatedAt  time.Time
}

func (activityRow) TableName() string { return "activity" }

// RecordActivity writes one entry of a customer's activity, in the transaction of what happened.
func (s *Store) RecordActivity(ctx context.Context, a foyer.Activity) error {
	return translate(s.db(ctx).Create(&activityRow{
		ID: a.ID, MerchantID: a.Scope.Merchant, CustomerID: a.Scope.Customer, SessionID: null(a.Session), Type: a.Type,
		Params: toJSON(a.Params), Device: a.Place.Device, IP: a.Place.IP, CreatedAt: a.At,
	}).Error)
}

// SignInDevices implements identity.Store.
func (s *Store) SignInDevices(ctx context.Context, scope foyer.Scope) (devices []string, err error) {
	err = s.db(ctx).Model(&activityRow{}).Where("merchant_id = ? AND customer_id = ? AND type = ?", scope.Merchant, scope.Customer, foyer.ActivitySignedIn).
		Distinct().Pluck("device", &devices).Error
	return devices, translate(err)
}

// Activity returns a page of what happened to the customer, newest first.
func (s *Store) Activity(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]foyer.Activity, error) {
	var rows []activityRow
	query := s.db(ctx).Where("merchant_id = ? AND customer_id = ?", scope.Merchant, scope.Customer)
	if err := newest(query, "created_at", page).Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]foyer.Activity, len(rows))
	for i, r := range rows {
		params, err := fromJSON[map[string]string]("activity.params", r.Params)
		if err != nil {
			return nil, err
		}
		out[i] = foyer.Activity{
			ID: r.ID, Scope: foyer.Scope{Merchant: r.MerchantID, Customer: r.CustomerID}, Session: value(r.SessionID), Type: r.Type,
			Params: params, Place: foyer.Place{Device: r.Device, IP: r.IP}, At: r.CreatedAt.UTC(),
		}
	}
	return out, nil
}
