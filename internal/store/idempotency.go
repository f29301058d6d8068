package store

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"foyer/internal/foyer"
)

const (
	purposeAnswer         foyer.Purpose = "idempotent answer"
	purposeIdempotencyKey foyer.Purpose = "idempotency key"
)

type idempotencyRow struct {
	MerchantID   foyer.MerchantID
	Caller       string
	Operation    string
	KeyHash      []byte
	Fingerprint  []byte
	SealedAnswer []byte
	LockedUntil  time.Time
	CreatedAt    time.Time
}

func (idempotencyRow) TableName() string { return "idempotency_keys" }

// ClaimIdempotencyKey makes the key the caller's to work on until lockedUntil. It returns the stored answer when the
// call finished before. Refusals: Invalid (idempotency.key_reused) for another content, Conflict
// (idempotency.in_progress) while somebody works on it.
func (s *Store) ClaimIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey, now, lockedUntil time.Time) ([]byte, error) {
	hashes := s.keyring.MACs(purposeIdempotencyKey, []byte(k.Key))
	if len(hashes) > 1 {
		// While a secret is being rotated, calls made under the older one are still known.
		answer, err := s.knownIdempotencyKey(ctx, k, now, lockedUntil)
		if !errors.Is(err, foyer.NotFound) {
			return answer, err
		}
	}
	created := s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&idempotencyRow{
		MerchantID: k.Merchant, Caller: k.Caller, Operation: k.Operation, KeyHash: hashes[0],
		Fingerprint: k.Fingerprint, LockedUntil: lockedUntil, CreatedAt: now,
	})
	if created.Error != nil || created.RowsAffected == 1 {
		return nil, translate(created.Error)
	}
	return s.knownIdempotencyKey(ctx, k, now, lockedUntil)
}

// knownIdempotencyKey answers for a key that was claimed before; foyer.NotFound when it was not.
func (s *Store) knownIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey, now, lockedUntil time.Time) ([]byte, error) {
	var known idempotencyRow
	if err := s.idempotencyRow(ctx, k).Take(&known).Error; err != nil {
		return nil, translate(err)
	}
	if !bytes.Equal(known.Fingerprint, k.Fingerprint) {
		return nil, foyer.Refuse(foyer.Invalid, "idempotency.key_reused")
	}
	if known.SealedAnswer != nil {
		return s.keyring.Open(purposeAnswer, known.SealedAnswer, answerOf(k))
	}
	// A process that died left its lock: after it has run out one caller, the one whose update counts, takes over.
	taken := s.idempotencyRow(ctx, k).Where("sealed_answer IS NULL AND locked_until <= ?", now).Update("locked_until", lockedUntil)
	if taken.Error != nil {
		return nil, translate(taken.Error)
	}
	if taken.RowsAffected == 0 {
		return nil, foyer.Refuse(foyer.Conflict, "idempotency.in_progress")
	}
	return nil, nil
}

func (s *Store) idempotencyRow(ctx context.Context, k foyer.IdempotencyKey) *gorm.DB {
	return s.db(ctx).Model(&idempotencyRow{}).Where("merchant_id = ? AND caller = ? AND operation = ? AND key_hash IN ?",
		k.Merchant, k.Caller, k.Operation, s.keyring.MACs(purposeIdempotencyKey, []byte(k.Key)))
}

// answerOf binds an answer to its call, so that it opens in no other row.
func answerOf(k foyer.IdempotencyKey) []byte {
	return []byte(strings.Join([]string{string(k.Merchant), k.Caller, k.Operation, k.Key}, "\x00"))
}

// FinishIdempotencyKey keeps the answer, encrypted, so that a repeated call gets it. Conflict (idempotency.in_progress) when
// the call took so long that another one has taken the key over and finished: what this one did must not be committed.
func (s *Store) FinishIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey, answer []byte) error {
	finished := s.idempotencyRow(ctx, k).Where("sealed_answer IS NULL").
		Update("sealed_answer", s.keyring.Seal(purposeAnswer, answer, answerOf(k)))
	if finished.Error == nil && finished.RowsAffected == 0 {
		return foyer.Refuse(foyer.Conflict, "idempotency.in_progress")
	}
	return translate(finished.Error)
}

// ReleaseIdempotencyKey forgets a call that came to nothing (a 5xx), so that it can be tried again with the same key.
func (s *Store) ReleaseIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey) error {
	return translate(s.idempotencyRow(ctx, k).Where("sealed_answer IS NULL").Delete(&idempotencyRow{}).Error)
}
