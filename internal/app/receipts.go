package app

import (
	"context"
	"errors"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/invoice"
	"foyer/internal/notify"
	"foyer/internal/retention"
	"foyer/internal/store"
)

// receipts draws what retention puts into words with what invoice draws documents with.
type receipts struct {
	invoices  *invoice.Service
	retention *retention.Service
	store     *store.Store
}

// ReceiptPDF implements notify.Receipts.
func (r receipts) ReceiptPDF(ctx context.Context, scope foyer.Scope, id string, locale i18n.Locale) (string, []byte, error) {
	receipt, err := r.retention.Receipt(ctx, scope, id)
	if err != nil {
		return "", nil, err
	}
	return r.draw(ctx, receipt, locale)
}

// draw returns the name of a receipt's file and its PDF: drawn once in each language, and the same bytes from then on.
func (r receipts) draw(ctx context.Context, receipt retention.Receipt, locale i18n.Locale) (string, []byte, error) {
	d := receipt.Document(locale)
	name := invoice.StatementFileName(d.FileWord, d.Reference.Value)
	pdf, err := r.store.ReceiptFile(ctx, receipt.Merchant, receipt.ID, locale.Tag)
	if !errors.Is(err, foyer.NotFound) {
		return name, pdf, err
	}
	pdf, err = r.invoices.RenderStatement(ctx, receipt.Merchant, invoice.Statement{
		Title: d.Title, Reference: d.Reference.Value, ReferenceLabel: d.Reference.Label, SellerLabel: d.Seller, PersonLabel: d.Person,
		Person: invoice.Party{Name: receipt.Content.Name, Company: receipt.Content.Company, Email: receipt.Content.Email, Address: receipt.Content.Address},
		Facts:  facts(d.Facts), Lines: facts(d.Lines), Paragraphs: d.Paragraphs, Footer: d.Footer, IssuedAt: receipt.CreatedAt,
	}, locale)
	if err != nil {
		return "", nil, err
	}
	pdf, err = r.store.KeepReceiptFile(ctx, receipt.Merchant, receipt.ID, locale.Tag, pdf)
	return name, pdf, err
}

// pendingWithdrawals gives notify the withdrawals it tells merchants of.
type pendingWithdrawals struct {
	store   *store.Store
	billing *billing.Service
}

// PendingWithdrawal implements notify.Withdrawals.
func (f pendingWithdrawals) PendingWithdrawal(ctx context.Context, merchant foyer.MerchantID, id string) (notify.PendingWithdrawal, bool, error) {
	w, err := f.store.MerchantWithdrawal(ctx, merchant, retention.WithdrawalID(id))
	if err != nil || w.State != retention.WithdrawalFailed && !w.Waiting() {
		return notify.PendingWithdrawal{}, false, err
	}
	need := notify.WithdrawalFailed
	switch {
	case w.Waiting() && w.RemindAt != nil:
		need = notify.WithdrawalNoticed
	case w.Waiting():
		need = notify.WithdrawalUndecided
	}
	customer, err := f.billing.Customer(ctx, w.Scope())
	told := notify.PendingWithdrawal{ID: id, Need: need, Customer: customer.Email, Subscription: string(w.Subscription), Reason: string(w.Reason), Declared: *w.DeclaredAt}
	told.Amount.Currency = w.Currency
	for _, r := range w.Returns {
		if r.State == retention.ReturnRefused {
			told.Amount.Amount += r.Money
		}
	}
	return told, true, err
}

func facts(all []retention.Fact) []invoice.Fact {
	out := make([]invoice.Fact, len(all))
	for i, f := range all {
		out[i] = invoice.Fact{Label: f.Label, Value: f.Value}
	}
	return out
}
