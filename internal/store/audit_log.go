package store

import (
	"bytes"
	"context"
	"errors"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// AuditRow is exported so that GORM sees it where it is embedded.
type AuditRow struct {
	ID         string
	MerchantID foyer.MerchantID
	ActorKind  foyer.ActorKind
	ActorID    string
	CustomerID foyer.CustomerID
	Action     string
	SubjectID  string
	IP         string
	RequestID  string
	CreatedAt  time.Time
}

// TableName implements gorm.Tabler.
func (AuditRow) TableName() string { return "audit_log" }

func (r AuditRow) domain() merchant.AuditEntry {
	return merchant.AuditEntry{
		ID: r.ID, Merchant: r.MerchantID, Actor: r.ActorKind, ActorID: r.ActorID, Customer: r.CustomerID, Action: r.Action, Subject: r.SubjectID,
		IP: r.IP, RequestID: r.RequestID, At: r.CreatedAt.UTC(),
	}
}

// RecordAudit implements merchant.Store.
func (s *Store) RecordAudit(ctx context.Context, e merchant.AuditEntry) error {
	return translate(s.db(ctx).Create(&AuditRow{
		ID: e.ID, MerchantID: e.Merchant, ActorKind: e.Actor, ActorID: e.ActorID, CustomerID: e.Customer, Action: e.Action, SubjectID: e.Subject,
		IP: e.IP, RequestID: e.RequestID, CreatedAt: e.At,
	}).Error)
}

// AuditLog implements merchant.Store.
func (s *Store) AuditLog(ctx context.Context, id foyer.MerchantID, filter merchant.AuditFilter, page foyer.PageRequest) ([]merchant.AuditEntry, error) {
	query := s.db(ctx).Where("merchant_id = ?", id)
	for column, wanted := range map[string]string{"actor_id": filter.Actor, "subject_id": filter.Subject, "action": filter.Action} {
		if wanted != "" {
			query = query.Where(column+" = ?", wanted)
		}
	}
	var rows []AuditRow
	err := newest(query, "created_at", page).Find(&rows).Error
	return domains(rows), translate(err)
}

type chainRow struct {
	MerchantID foyer.MerchantID
	Position   int64
	EntryID    string
	Hash       []byte
}

func (chainRow) TableName() string { return "audit_chain" }

// overlap is how much earlier than the newest chained entry one may lie that is still to be chained: it was written earlier and
// committed later. No transaction is open that long.
const overlap = 10 * time.Minute

// ChainAudit implements merchant.Store. The chain's primary key decides between two that append at once.
func (s *Store) ChainAudit(ctx context.Context, id foyer.MerchantID, limit int) (chained int, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		last, from, err := s.chainEnd(ctx, id)
		if err != nil {
			return err
		}
		var rows []AuditRow
		err = s.db(ctx).Where("merchant_id = ? AND created_at >= ? AND NOT EXISTS (SELECT 1 FROM audit_chain WHERE audit_chain.merchant_id = ? AND audit_chain.entry_id = audit_log.id)",
			id, from, id).Order("created_at, id").Limit(limit).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return translate(err)
		}
		links := make([]chainRow, len(rows))
		for i, r := range rows {
			last.Position, last.Hash = last.Position+1, r.domain().Chained(last.Hash)
			links[i] = chainRow{MerchantID: id, Position: last.Position, EntryID: r.ID, Hash: last.Hash}
		}
		chained = len(rows)
		return translate(s.db(ctx).Create(&links).Error)
	})
	if errors.Is(err, foyer.Conflict) {
		return 0, nil // another worker was first
	}
	return chained, err
}

// chainEnd returns the last link, and from when on entries may still be unchained.
func (s *Store) chainEnd(ctx context.Context, id foyer.MerchantID) (last chainRow, from time.Time, err error) {
	if err := s.db(ctx).Where("merchant_id = ?", id).Order("position DESC").Limit(1).Find(&last).Error; err != nil || last.EntryID == "" {
		return last, from, translate(err)
	}
	var entry AuditRow
	err = s.db(ctx).Where("merchant_id = ? AND id = ?", id, last.EntryID).Take(&entry).Error
	return last, entry.CreatedAt.UTC().Add(-overlap), translate(err)
}

// auditFaults counts the links whose hash does not follow from the entries, and the places that are missing.
func (s *Store) auditFaults(ctx context.Context, id foyer.MerchantID) (broken int64, err error) {
	var before []byte
	for position := int64(1); ; {
		var links []struct {
			AuditRow
			Position int64
			Hash     []byte
		}
		err := s.db(ctx).Table("audit_chain").Select("audit_log.*, audit_chain.position, audit_chain.hash").
			Joins("JOIN audit_log ON audit_log.id = audit_chain.entry_id AND audit_log.merchant_id = audit_chain.merchant_id").
			Where("audit_chain.merchant_id = ? AND audit_chain.position >= ?", id, position).Order("audit_chain.position").Limit(500).Find(&links).Error
		if err != nil {
			return 0, translate(err)
		}
		for _, link := range links {
			if link.Position != position || !bytes.Equal(link.Hash, link.domain().Chained(before)) {
				broken++
			}
			before, position = link.Hash, link.Position+1
		}
		if len(links) < 500 {
			return broken, nil
		}
	}
}
