package store

import (
	"context"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

type creditRow struct {
	MerchantID foyer.MerchantID
	CustomerID foyer.CustomerID
	Currency   foyer.Currency
	Amount     int64
}

func (creditRow) TableName() string { return "credit_balances" }

// CreditsForUpdate returns what the customers have to their credit in any currency, and keeps it for this transaction.
// Always in the same order, so that two transactions don't wait for each other.
func (s *Store) CreditsForUpdate(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID) ([]billing.Credit, error) {
	if len(customers) == 0 {
		return nil, nil
	}
	var rows []creditRow
	err := s.locking(ctx, "").Where("merchant_id = ? AND customer_id IN ? AND amount > 0", merchant, customers).Order("customer_id, currency").Find(&rows).Error
	return credits(rows), translate(err)
}

func credits(rows []creditRow) []billing.Credit {
	out := make([]billing.Credit, len(rows))
	for i, r := range rows {
		out[i] = billing.Credit{Scope: foyer.Scope{Merchant: r.MerchantID, Customer: r.CustomerID}, Currency: r.Currency, Amount: r.Amount}
	}
	return out
}

// AddCredit changes what a customer has to their credit; a negative amount uses it. The database refuses a balance below
// zero.
func (s *Store) AddCredit(ctx context.Context, c billing.Credit) error {
	if c.Amount == 0 {
		return nil
	}
	if c.Amount < 0 {
		result := s.db(ctx).Exec("UPDATE credit_balances SET amount = amount + ? WHERE merchant_id = ? AND customer_id = ? AND currency = ? AND amount >= ?",
			c.Amount, c.Scope.Merchant, c.Scope.Customer, c.Currency, -c.Amount)
		if result.Error == nil && result.RowsAffected != 1 {
			return foyer.Refuse(foyer.Conflict, "conflict")
		}
		return translate(result.Error)
	}
	return translate(s.db(ctx).Exec("INSERT INTO credit_balances (merchant_id, customer_id, currency, amount) VALUES (?, ?, ?, ?) "+
		"ON CONFLICT (merchant_id, customer_id, currency) DO UPDATE SET amount = credit_balances.amount + excluded.amount",
		c.Scope.Merchant, c.Scope.Customer, c.Currency, c.Amount).Error)
}
