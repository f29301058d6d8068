package store

import (
	"context"
	"time"

	"gorm.io/gorm/clause"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/notify"
)

var _ notify.Sender = (*Store)(nil)

const (
	purposeMail      foyer.Purpose = "mail"
	purposeRecipient foyer.Purpose = "mail recipient"
)

// mailLife is how long the outbox keeps a mail.
const mailLife = 7 * 24 * time.Hour

// mailsShown bounds what the outbox answers.
const mailsShown = 100

type mailRow struct {
	ID           string
	MerchantID   foyer.MerchantID
	RecipientKey []byte
	Sealed       []byte
	CreatedAt    time.Time
}

func (mailRow) TableName() string { return "mails" }

// Send implements notify.Sender for the outbox: the mail stays in the database, encrypted, because it holds a link that
// signs somebody in.
func (s *Store) Send(ctx context.Context, m notify.Mail) error {
	return translate(s.db(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&mailRow{
		ID: m.ID, MerchantID: m.Merchant, RecipientKey: s.keyring.MAC(purposeRecipient, []byte(billing.EmailKey(m.To))),
		Sealed: s.keyring.Seal(purposeMail, []byte(toJSON(m)), []byte(m.ID)), CreatedAt: m.At,
	}).Error)
}

// Outbox returns the mails kept for an address, or for all with an empty one, newest first.
func (s *Store) Outbox(ctx context.Context, to string) ([]notify.Mail, error) {
	query := s.db(acrossMerchants(ctx, "the outbox is for whoever runs the instance")).Order("created_at DESC, id DESC").Limit(mailsShown)
	if to != "" {
		query = query.Where("recipient_key IN ?", s.keyring.MACs(purposeRecipient, []byte(billing.EmailKey(to))))
	}
	var rows []mailRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	out := make([]notify.Mail, 0, len(rows))
	for _, r := range rows {
		plain, err := s.keyring.Open(purposeMail, r.Sealed, []byte(r.ID))
		if err != nil {
			return nil, errSecretChanged
		}
		m, err := fromJSON[notify.Mail]("mails.sealed", string(plain))
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}
