package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/notify"
)

var _ notify.EventStore = (*Store)(nil)

type eventRow struct {
	ID         string
	MerchantID foyer.MerchantID
	CustomerID foyer.CustomerID
	Type       foyer.EventType
	SubjectID  string
	Sequence   int64
	CreatedAt  time.Time
	Object     *string
	Previous   *string
}

func (eventRow) TableName() string { return "events" }

func (r eventRow) domain() notify.Event {
	return notify.Event{
		Event: foyer.Event{
			ID: r.ID, Scope: foyer.Scope{Merchant: r.MerchantID, Customer: r.CustomerID}, Type: r.Type, Subject: r.SubjectID, Sequence: r.Sequence,
			At: r.CreatedAt.UTC(),
		},
		Object: json.RawMessage(value(r.Object)), Previous: json.RawMessage(value(r.Previous)),
	}
}

// RecordEvents writes down what changed, each with the thing as the API shows it now and what was different at its event
// before. It is called in the transaction of the change, after the things were saved: their rows are locked, so nobody else
// counts their events meanwhile. An update that shows nothing else than the event before is none. Events of one call belong to
// one merchant.
func (s *Store) RecordEvents(ctx context.Context, events ...foyer.Event) error {
	if len(events) == 0 {
		return nil
	}
	merchant := events[0].Scope.Merchant
	objects, err := s.eventObjects(ctx, merchant, events)
	if err != nil {
		return err
	}
	last, err := s.lastEvents(ctx, merchant, events)
	if err != nil {
		return err
	}
	var rows []eventRow
	var told []foyer.Event
	for _, e := range events {
		row := eventRow{ID: e.ID, MerchantID: e.Scope.Merchant, CustomerID: e.Scope.Customer, Type: e.Type, SubjectID: e.Subject, CreatedAt: e.At}
		before := last[e.Subject]
		if object, known := objects[e.Subject]; known {
			text := string(object)
			row.Object = &text
		}
		if row.Object != nil && before.Object != nil {
			previous, err := difference([]byte(*before.Object), []byte(*row.Object), toldByOthers(e.Subject))
			if err != nil {
				return err
			}
			if previous == "{}" && strings.HasSuffix(string(e.Type), ".updated") {
				continue
			}
			row.Previous = &previous
		}
		row.Sequence = before.Sequence + 1
		last[e.Subject] = row // two changes of one thing in one transaction
		rows, told = append(rows, row), append(told, e)
	}
	if len(rows) == 0 {
		return nil
	}
	if err := s.db(ctx).Create(&rows).Error; err != nil {
		return translate(err)
	}
	return s.createDeliveries(ctx, told)
}

// lastEvents returns the newest events of the subjects: for each one look at an index, however long its history.
func (s *Store) lastEvents(ctx context.Context, merchant foyer.MerchantID, events []foyer.Event) (map[string]eventRow, error) {
	subjects, args := make([]string, len(events)), make([]any, len(events))
	for i, e := range events {
		subjects[i], args[i] = "SELECT CAST(? AS text) AS id", e.Subject
	}
	var rows []eventRow
	// Two looks of one row each, not a join, which a planner without statistics would answer by reading all the events.
	newest := "(SELECT events.%s FROM events WHERE events.merchant_id = ? AND events.subject_id = s.id ORDER BY events.sequence DESC LIMIT 1) AS %[1]s"
	query := "SELECT s.id AS subject_id, " + fmt.Sprintf(newest, "sequence") + ", " + fmt.Sprintf(newest, "object") + " FROM (" + strings.Join(subjects, " UNION ALL ") + ") AS s"
	if err := s.db(ctx).Raw(query, append([]any{merchant, merchant}, args...)...).Scan(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make(map[string]eventRow, len(rows))
	for _, r := range rows {
		out[r.SubjectID] = r
	}
	return out, nil
}

// toldByOthers is the field of an object that other things' events tell of, empty for none: what is charged with a payment method stands in
// the subscriptions, and has no event of the method. At its next one it would look as if that had changed it.
func toldByOthers(subject string) string {
	if strings.HasPrefix(subject, string(foyer.PrefixPaymentMethod)+"_") {
		return "used_by"
	}
	return ""
}

// difference returns the fields of the object before, but for one, that are not what they are now; one that is new was null.
func difference(before, now []byte, except string) (string, error) {
	var then, here map[string]any
	if err := json.Unmarshal(before, &then); err != nil {
		return "", fmt.Errorf("store: object of an event: %w", err)
	}
	if err := json.Unmarshal(now, &here); err != nil {
		return "", fmt.Errorf("store: object of an event: %w", err)
	}
	changed := map[string]any{}
	for name, value := range here {
		if !reflect.DeepEqual(value, then[name]) {
			changed[name] = then[name]
		}
	}
	for name, value := range then {
		if _, still := here[name]; !still && value != nil {
			changed[name] = value
		}
	}
	delete(changed, except)
	return toJSON(changed), nil
}

// Events implements notify.EventStore.
func (s *Store) Events(ctx context.Context, merchant foyer.MerchantID, filter notify.EventFilter, page foyer.PageRequest) ([]notify.Event, error) {
	query := s.db(ctx).Where("merchant_id = ?", merchant)
	if filter.Customer != "" {
		query = query.Where("customer_id = ?", filter.Customer)
	}
	if filter.Subject != "" {
		query = query.Where("subject_id = ?", filter.Subject)
	}
	if len(filter.Types) > 0 {
		query = query.Where("type IN ?", filter.Types)
	}
	var rows []eventRow
	err := newest(query, "created_at", page).Find(&rows).Error
	return domains(rows), translate(err)
}

// Event implements notify.EventStore.
func (s *Store) Event(ctx context.Context, merchant foyer.MerchantID, id string) (notify.Event, error) {
	var row eventRow
	err := s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id).Take(&row).Error
	return row.domain(), translate(err)
}

// EventsByID returns those of the events that are there.
func (s *Store) EventsByID(ctx context.Context, merchant foyer.MerchantID, ids []string) ([]notify.Event, error) {
	var rows []eventRow
	err := s.db(ctx).Where("merchant_id = ? AND id IN ?", merchant, ids).Find(&rows).Error
	return domains(rows), translate(err)
}
