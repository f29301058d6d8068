package httpapi

import (
	"bytes"
	"context"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/invoice"
)

// ListInvoices shows the documents issued to the customer.
func (s *Server) ListInvoices(ctx context.Context, in api.ListInvoicesRequestObject) (api.ListInvoicesResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	found, err := s.Invoices.Invoices(ctx, requestOf(ctx).scope(), p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v invoice.Invoice) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.ListInvoices200JSONResponse{Body: api.InvoiceList{Page: next, Data: each(found, presenterOf(ctx).invoice)}}, nil
}

// GetInvoice shows the head of one document.
func (s *Server) GetInvoice(ctx context.Context, in api.GetInvoiceRequestObject) (api.GetInvoiceResponseObject, error) {
	found, err := s.Invoices.Invoice(ctx, requestOf(ctx).scope(), invoice.ID(in.InvoiceId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).invoice(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetInvoice304Response{}, nil
	}
	return api.GetInvoice200JSONResponse{Body: shown}, nil
}

func (p presenter) invoice(v invoice.Invoice) api.Invoice {
	return api.Invoice{
		Id: string(v.ID), Number: v.Number, Kind: api.InvoiceKind(v.Kind), Revision: int32(v.Revision), Status: api.InvoiceStatus(v.Status),
		StatusText: p.locale.Text("invoice.status."+string(v.Status), nil), PaymentId: string(v.Payment), IssuedAt: v.IssuedAt, DueAt: v.DueAt, CreatedAt: v.CreatedAt,
		Currency: string(v.Currency), Total: p.money(v.Total, v.Currency), Replaces: orNull(v.Replaces), ReplacedBy: orNull(v.ReplacedBy), Credits: orNull(v.Credits),
		ContentSha256: orNull(v.Hash), Copy: v.Copy,
		Buyer:      api.Buyer{Name: orNull(v.Buyer.Name), Company: orNull(v.Buyer.Company), TaxId: orNull(v.Buyer.TaxID), Address: address(v.Buyer.Address)},
		CustomerId: p.of(v.Customer), Metadata: p.metadata(v.Metadata),
	}
}

// DownloadInvoice gives the PDF.
func (s *Server) DownloadInvoice(ctx context.Context, in api.DownloadInvoiceRequestObject) (api.DownloadInvoiceResponseObject, error) {
	r := requestOf(ctx)
	disposition := "attachment"
	if in.Params.Disposition != nil {
		disposition = string(*in.Params.Disposition)
	}
	file, same, err := s.pdf(ctx, r.scope(), invoice.ID(in.InvoiceId), r.locale, disposition)
	if err != nil {
		return nil, err
	}
	if same {
		return api.DownloadInvoice304Response{}, nil
	}
	return api.DownloadInvoice200ApplicationpdfResponse{Body: bytes.NewReader(file.Content), ContentLength: int64(len(file.Content))}, nil
}

// pdf gives an invoice's PDF with the headers of a download, and tells whether the caller has it already.
func (s *Server) pdf(ctx context.Context, scope foyer.Scope, id invoice.ID, locale i18n.Locale, disposition string) (invoice.File, bool, error) {
	file, err := s.Invoices.Download(ctx, scope, id, locale)
	if err != nil {
		return invoice.File{}, false, err
	}
	return file, sent(requestOf(ctx), invoice.FileName(file.Invoice, locale), file.Content, locale, disposition), nil
}
