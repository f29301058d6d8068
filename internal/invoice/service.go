package invoice

import (
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Service lists documents and gives their PDF.
type Service struct {
	store     Store
	merchants Merchants
	renderer  *Renderer
	now       func() time.Time
}

// NewService returns a Service.
func NewService(store Store, merchants Merchants, renderer *Renderer, now func() time.Time) *Service {
	return &Service{store: store, merchants: merchants, renderer: renderer, now: now}
}

// Invoices returns a page of the customer's documents, newest first.
func (s *Service) Invoices(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Invoice, error) {
	return s.store.Invoices(ctx, scope, page)
}

// Invoice returns one document's head.
func (s *Service) Invoice(ctx context.Context, scope foyer.Scope, id ID) (Invoice, error) {
	return s.store.Invoice(ctx, scope, id, false)
}

// MerchantInvoices returns a page of the documents of all the merchant's customers, newest first.
func (s *Service) MerchantInvoices(ctx context.Context, merchant foyer.MerchantID, filter Filter, page foyer.PageRequest) ([]Invoice, error) {
	return s.store.MerchantInvoices(ctx, merchant, filter, page)
}

// MerchantInvoice returns the head of one of the merchant's documents.
func (s *Service) MerchantInvoice(ctx context.Context, merchant foyer.MerchantID, id ID) (Invoice, error) {
	return s.store.MerchantInvoice(ctx, merchant, id)
}

// Download returns the PDF of a document in a language. It is drawn on first need and kept: the same version and
// language give the same bytes for ever, whatever library draws it later.
func (s *Service) Download(ctx context.Context, scope foyer.Scope, id ID, locale i18n.Locale) (File, error) {
	inv, err := s.store.Invoice(ctx, scope, id, true)
	if err != nil {
		return File{}, err
	}
	key := locale.Tag + "/" + locale.Language
	file, err := s.store.File(ctx, inv, key)
	if err == nil || !errors.Is(err, foyer.NotFound) {
		return file, err
	}
	var logo []byte
	if !inv.Copy {
		m, err := s.merchants.ByID(ctx, scope.Merchant)
		if err != nil {
			return File{}, err
		}
		logo = m.Portal.Settings.Seller.Logo
	}
	content, err := s.renderer.Render(ctx, inv, locale, logo)
	if err != nil {
		return File{}, err
	}
	sum := sha256.Sum256(content)
	return s.store.KeepFile(ctx, File{Invoice: inv, Locale: key, Content: content, SHA256: sum[:]}, foyer.Micro(s.now()))
}

// RenderStatement draws a statement of the merchant's, with its logo and, unless the statement names a seller itself, the
// seller as it is set now. Nothing is kept. Refusals: NotFound (no such merchant), Unavailable (render.busy).
func (s *Service) RenderStatement(ctx context.Context, merchant foyer.MerchantID, st Statement, locale i18n.Locale) ([]byte, error) {
	m, err := s.merchants.ByID(ctx, merchant)
	if err != nil {
		return nil, err
	}
	seller := m.Portal.Settings.Seller
	if st.Seller.Empty() {
		st.Seller = SellerParty(seller)
	}
	return s.renderer.RenderStatement(ctx, st, locale, seller.Logo)
}
