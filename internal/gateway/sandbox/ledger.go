package sandbox

import (
	"context"
	"iter"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// EntryStatus says what became of the money of a charge.
type EntryStatus string

// The states of an entry.
const (
	EntryCaptured          EntryStatus = "captured"
	EntryPartiallyRefunded EntryStatus = "partially_refunded"
	EntryRefunded          EntryStatus = "refunded"
	EntryDisputed          EntryStatus = "disputed"
)

// Entry is one charge that really happened.
type Entry struct {
	Key string
	// Amount is what was charged; what went back later does not lower it.
	Amount foyer.Money
	// Reference is the payment it was for.
	Reference string
	Status    EntryStatus
	CreatedAt time.Time
}

// ledgerPage is how many entries are read at a time, so that a long ledger holds neither memory nor a connection.
const ledgerPage = 500

// ledger returns every captured charge in the order of capture. What is captured while it is read may be missing.
func (b *Books) ledger(ctx context.Context, now time.Time) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		var at int64
		var key string
		for {
			page, err := b.ledgerAfter(ctx, at, key)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, c := range page {
				if !yield(c.entry(now), nil) {
					return
				}
			}
			if len(page) < ledgerPage {
				return
			}
			at, key = page[len(page)-1].capturedAt, page[len(page)-1].key
		}
	}
}

func (b *Books) ledgerAfter(ctx context.Context, at int64, key string) ([]charge, error) {
	rows, err := b.db.QueryContext(ctx, `SELECT `+chargeColumns+` FROM sandbox_gateway_charges
WHERE status = $1 AND (captured_at, key) > ($2, $3) ORDER BY captured_at, key LIMIT $4`,
		string(billing.ChargeCaptured), at, key, ledgerPage)
	if err != nil {
		return nil, down(err)
	}
	defer func() { _ = rows.Close() }()
	var page []charge
	for rows.Next() {
		c, err := scanCharge(rows)
		if err != nil {
			return nil, err
		}
		page = append(page, c)
	}
	return page, down(rows.Err())
}

func (c charge) entry(now time.Time) Entry {
	e := Entry{Key: c.key, Amount: c.amount, Reference: c.reference, Status: EntryCaptured, CreatedAt: time.UnixMicro(c.capturedAt).UTC()}
	switch {
	case c.disputedAt != 0 && c.disputedAt <= now.UnixMicro():
		e.Status = EntryDisputed
	case c.refunded >= c.amount.Amount:
		e.Status = EntryRefunded
	case c.refunded > 0:
		e.Status = EntryPartiallyRefunded
	}
	return e
}
