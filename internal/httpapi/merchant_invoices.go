package httpapi

import (
	"bytes"
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/invoice"
)

// MerchantListInvoices shows the documents of all customers.
func (s *Server) MerchantListInvoices(ctx context.Context, in api.MerchantListInvoicesRequestObject) (api.MerchantListInvoicesResponseObject, error) {
	q := in.Params
	p, err := s.page(ctx, listing{limit: q.Limit, after: q.After, from: q.From, to: q.To})
	if err != nil {
		return nil, err
	}
	filter := invoice.Filter{Customer: foyer.CustomerID(value(q.CustomerId)), Payment: billing.PaymentID(value(q.PaymentId)), Number: value(q.Number)}
	found, err := s.Invoices.MerchantInvoices(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v invoice.Invoice) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.MerchantListInvoices200JSONResponse{Body: api.InvoiceList{Page: next, Data: each(found, presenterOf(ctx).invoice)}}, nil
}

// MerchantGetInvoice shows the head of one document.
func (s *Server) MerchantGetInvoice(ctx context.Context, in api.MerchantGetInvoiceRequestObject) (api.MerchantGetInvoiceResponseObject, error) {
	found, err := s.Invoices.MerchantInvoice(ctx, requestOf(ctx).merchant, invoice.ID(in.InvoiceId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).invoice(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetInvoice304Response{}, nil
	}
	return api.MerchantGetInvoice200JSONResponse{Body: shown}, nil
}

// MerchantDownloadInvoice gives the PDF, as the customer gets it.
func (s *Server) MerchantDownloadInvoice(ctx context.Context, in api.MerchantDownloadInvoiceRequestObject) (api.MerchantDownloadInvoiceResponseObject, error) {
	r := requestOf(ctx)
	found, err := s.Invoices.MerchantInvoice(ctx, r.merchant, invoice.ID(in.InvoiceId))
	if err != nil {
		return nil, err
	}
	disposition := "attachment"
	if in.Params.Disposition != nil {
		disposition = string(*in.Params.Disposition)
	}
	file, same, err := s.pdf(ctx, foyer.Scope{Merchant: found.Merchant, Customer: found.Customer}, found.ID, r.locale, disposition)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantDownloadInvoice304Response{}, nil
	}
	return api.MerchantDownloadInvoice200ApplicationpdfResponse{Body: bytes.NewReader(file.Content), ContentLength: int64(len(file.Content))}, nil
}

// MerchantSendInvoice mails a document to its customer again.
func (s *Server) MerchantSendInvoice(ctx context.Context, in api.MerchantSendInvoiceRequestObject) (api.MerchantSendInvoiceResponseObject, error) {
	found, err := s.Invoices.MerchantInvoice(ctx, requestOf(ctx).merchant, invoice.ID(in.InvoiceId))
	if err != nil {
		return nil, err
	}
	if err := s.Sender.Send(ctx, found); err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).invoice(found)
	_, err = unchanged(ctx, found.Version, shown)
	return api.MerchantSendInvoice200JSONResponse{Body: shown}, err
}
