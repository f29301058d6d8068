package store

import (
	"context"
	"time"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

const purposeAction foyer.Purpose = "next action"

type attemptRow struct {
	ID          billing.AttemptID
	MerchantID  foyer.MerchantID
	PaymentID   billing.PaymentID
	ExternalID  *string
	Status      billing.AttemptStatus
	ErrorCode   billing.ErrorCode
	Amount      int64
	MethodType  string
	Brand       string
	Last4       string
	ExpiryMonth int
	ExpiryYear  int
	Wallet      string
	Identifier  string
	CreatedAt   time.Time
	CapturedAt  *time.Time

	Gateway         string
	PaymentMethodID *billing.PaymentMethodID
	Command         string
	OnSession       bool
	LeasedUntil     *time.Time
	LookAt          *time.Time
	SealedAction    []byte
}

func (attemptRow) TableName() string { return "attempts" }

func (r attemptRow) domain() billing.Attempt {
	return billing.Attempt{
		ID: r.ID, ExternalID: value(r.ExternalID), Status: r.Status, ErrorCode: r.ErrorCode, Amount: r.Amount, MethodType: r.MethodType,
		Card: card(r.Brand, r.Last4, r.ExpiryMonth, r.ExpiryYear), Wallet: r.Wallet, Identifier: r.Identifier, CreatedAt: r.CreatedAt.UTC(), CapturedAt: utc(r.CapturedAt),
		Gateway: r.Gateway, PaymentMethod: value(r.PaymentMethodID), Command: r.Command, OnSession: r.OnSession,
		LeasedUntil: utc(r.LeasedUntil), LookAt: utc(r.LookAt),
	}
}

// alone is the attempt by itself, outside its payment.
func (r attemptRow) alone() billing.Attempt {
	a := r.domain()
	a.Payment, a.Merchant = r.PaymentID, r.MerchantID
	return a
}

func newAttemptRow(merchant foyer.MerchantID, payment billing.PaymentID, a billing.Attempt) attemptRow {
	row := attemptRow{
		ID: a.ID, MerchantID: merchant, PaymentID: payment, ExternalID: null(a.ExternalID), Status: a.Status, ErrorCode: a.ErrorCode,
		Amount: a.Amount, MethodType: a.MethodType, Wallet: a.Wallet, Identifier: a.Identifier, CreatedAt: a.CreatedAt, CapturedAt: a.CapturedAt, Gateway: a.Gateway,
		PaymentMethodID: null(a.PaymentMethod), Command: a.Command, OnSession: a.OnSession, LeasedUntil: a.LeasedUntil,
		LookAt: a.LookAt,
	}
	if c := a.Card; c != nil {
		row.Brand, row.Last4, row.ExpiryMonth, row.ExpiryYear = c.Brand, c.Last4, c.ExpiryMonth, c.ExpiryYear
	}
	return row
}

func card(brand, last4 string, month, year int) *billing.Card {
	if last4 == "" {
		return nil
	}
	return &billing.Card{Brand: brand, Last4: last4, ExpiryMonth: month, ExpiryYear: year}
}

// CreateAttempts keeps attempts before the gateway is asked. Conflict (payment.in_progress) when one of the payments has an
// unfinished one: the unique index decides, whatever two callers think.
func (s *Store) CreateAttempts(ctx context.Context, attempts ...billing.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	rows := make([]attemptRow, len(attempts))
	for i, a := range attempts {
		rows[i] = newAttemptRow(a.Merchant, a.Payment, a)
	}
	err := translate(s.db(ctx).Create(&rows).Error)
	if refusal, refused := foyer.AsError(err); refused && refusal.Kind == foyer.Conflict {
		return &foyer.Error{Kind: foyer.Conflict, Code: "payment.in_progress", Err: err}
	}
	return err
}

// FinishAttempt writes down what became of an attempt; false when somebody did before. An attempt that requires action stays
// unfinished: it is looked up again after its lease.
func (s *Store) FinishAttempt(ctx context.Context, a billing.Attempt) (bool, error) {
	row := newAttemptRow(a.Merchant, a.Payment, a)
	if a.ClientSecret != "" {
		row.SealedAction = s.keyring.Seal(purposeAction, []byte(a.ClientSecret), []byte(a.ID))
	}
	result := s.db(ctx).Model(&attemptRow{}).Where("merchant_id = ? AND id = ? AND leased_until IS NOT NULL", a.Merchant, a.ID).
		Select("status", "error_code", "captured_at", "leased_until", "look_at", "sealed_action").UpdateColumns(&row)
	return result.RowsAffected == 1, translate(result.Error)
}

// CaptureAttempts writes down that attempts captured their amounts, all in one statement, and returns those it was first for.
func (s *Store) CaptureAttempts(ctx context.Context, merchant foyer.MerchantID, ids []billing.AttemptID, at time.Time) ([]billing.AttemptID, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var first []billing.AttemptID
	err := s.db(ctx).Raw("UPDATE attempts SET status = ?, error_code = '', captured_at = ?, leased_until = NULL, look_at = NULL, sealed_action = NULL "+
		"WHERE merchant_id = ? AND id IN ? AND leased_until IS NOT NULL RETURNING id", billing.AttemptCaptured, at.UTC(), merchant, ids).Scan(&first).Error
	return first, translate(err)
}

// SaveAttemptMethod writes down what an attempt was tried with.
func (s *Store) SaveAttemptMethod(ctx context.Context, a billing.Attempt) error {
	row := newAttemptRow(a.Merchant, a.Payment, a)
	return translate(s.db(ctx).Model(&attemptRow{}).Where("merchant_id = ? AND id = ?", a.Merchant, a.ID).
		Select("payment_method_id", "method_type", "brand", "last4", "expiry_month", "expiry_year", "wallet", "identifier").UpdateColumns(&row).Error)
}

// AbandonedAttempts takes over unfinished attempts whose lease has run out by now and returns them: of two workers each gets
// others.
func (s *Store) AbandonedAttempts(ctx context.Context, merchant foyer.MerchantID, now, until time.Time, limit int) ([]billing.Attempt, error) {
	return s.takeOver(ctx, merchant, until, limit, "leased_until <= ?", now.UTC())
}

// UnansweredAttempts takes over attempts that wait for their customer and were made by asked, the merchant's time, whatever is left of
// their leases. Those taken over before are left to whoever took them until that lease has run out.
func (s *Store) UnansweredAttempts(ctx context.Context, merchant foyer.MerchantID, asked, until time.Time, limit int) ([]billing.Attempt, error) {
	return s.takeOver(ctx, merchant, until, limit, "leased_until > ? AND status = ? AND created_at <= ?", until.UTC(), billing.AttemptRequiresAction, asked.UTC())
}

// OldestUnanswered is when the first of the attempts UnansweredAttempts would find was made, the merchant's time; nil when there is none.
func (s *Store) OldestUnanswered(ctx context.Context, merchant foyer.MerchantID, leasedAfter time.Time) (*time.Time, error) {
	var found []time.Time
	err := s.db(ctx).Model(&attemptRow{}).Where("merchant_id = ? AND leased_until > ? AND status = ?", merchant, leasedAfter.UTC(), billing.AttemptRequiresAction).
		Order("created_at").Limit(1).Pluck("created_at", &found).Error
	if err != nil || len(found) == 0 {
		return nil, translate(err)
	}
	at := found[0].UTC()
	return &at, nil
}

// AttemptsToLookAt takes over attempts that wait for their customer and are to be looked at by now, until their next look: of
// two workers each gets others.
func (s *Store) AttemptsToLookAt(ctx context.Context, merchant foyer.MerchantID, now time.Time, limit int) ([]billing.Attempt, error) {
	var rows []attemptRow
	err := s.InTx(ctx, func(ctx context.Context) error {
		err := s.locking(ctx, "SKIP LOCKED").Where("merchant_id = ? AND look_at <= ?", merchant, now.UTC()).Order("look_at, id").Limit(limit).Find(&rows).Error
		if err != nil {
			return err
		}
		for _, r := range rows {
			err := s.db(ctx).Model(&attemptRow{}).Where("merchant_id = ? AND id = ?", merchant, r.ID).UpdateColumn("look_at", r.alone().NextLook(now).UTC()).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
	return attemptsAlone(rows), translate(err)
}

func attemptsAlone(rows []attemptRow) []billing.Attempt {
	out := make([]billing.Attempt, len(rows))
	for i, r := range rows {
		out[i] = r.alone()
	}
	return out
}

func (s *Store) takeOver(ctx context.Context, merchant foyer.MerchantID, until time.Time, limit int, which string, args ...any) ([]billing.Attempt, error) {
	var rows []attemptRow
	err := s.InTx(ctx, func(ctx context.Context) error {
		err := s.locking(ctx, "SKIP LOCKED").Where("merchant_id = ?", merchant).Where(which, args...).Order("leased_until, id").Limit(limit).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]billing.AttemptID, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		return s.db(ctx).Model(&attemptRow{}).Where("merchant_id = ? AND id IN ?", merchant, ids).UpdateColumn("leased_until", until.UTC()).Error
	})
	return attemptsAlone(rows), translate(err)
}

// AttemptsUnderWay counts the merchant's pending attempts whose lease runs out between the moments.
func (s *Store) AttemptsUnderWay(ctx context.Context, merchant foyer.MerchantID, after, by time.Time) (n int64, err error) {
	err = s.db(ctx).Model(&attemptRow{}).Where("merchant_id = ? AND leased_until > ? AND leased_until <= ? AND status = ?", merchant, after.UTC(), by.UTC(), billing.AttemptPending).
		Count(&n).Error
	return n, translate(err)
}

// Attempt returns one attempt, with what the customer needs to confirm it.
func (s *Store) Attempt(ctx context.Context, merchant foyer.MerchantID, id billing.AttemptID) (billing.Attempt, error) {
	return s.attempt(s.db(ctx).Where("merchant_id = ? AND id = ?", merchant, id))
}

// AttemptByCommand returns the latest attempt a call made; foyer.NotFound when it made none.
func (s *Store) AttemptByCommand(ctx context.Context, merchant foyer.MerchantID, command string) (billing.Attempt, error) {
	return s.attempt(s.db(ctx).Where("merchant_id = ? AND command = ?", merchant, command).Order("created_at DESC, id DESC"))
}

// OpenAttempt returns the unfinished attempt of a payment; foyer.NotFound when it has none.
func (s *Store) OpenAttempt(ctx context.Context, merchant foyer.MerchantID, payment billing.PaymentID) (billing.Attempt, error) {
	return s.attempt(s.db(ctx).Where("merchant_id = ? AND payment_id = ? AND leased_until IS NOT NULL", merchant, payment))
}

func (s *Store) attempt(query *gorm.DB) (billing.Attempt, error) {
	var row attemptRow
	if err := query.Take(&row).Error; err != nil {
		return billing.Attempt{}, translate(err)
	}
	a := row.alone()
	if row.SealedAction != nil {
		secret, err := s.keyring.Open(purposeAction, row.SealedAction, []byte(a.ID))
		if err != nil {
			return billing.Attempt{}, errSecretChanged
		}
		a.ClientSecret = string(secret)
	}
	return a, nil
}

// LastAttempts returns the latest attempt of each of the payments, by payment.
func (s *Store) LastAttempts(ctx context.Context, merchant foyer.MerchantID, payments []billing.PaymentID) (map[billing.PaymentID]billing.Attempt, error) {
	out := map[billing.PaymentID]billing.Attempt{}
	if len(payments) == 0 {
		return out, nil
	}
	var rows []attemptRow
	err := s.db(ctx).Where("merchant_id = ? AND payment_id IN ?", merchant, payments).Order("created_at, id").Find(&rows).Error
	for _, r := range rows {
		out[r.PaymentID] = r.alone()
	}
	return out, translate(err)
}
