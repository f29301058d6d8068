package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"mime"
	"time"

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
		Currency: string(v.Currency), Total: p.money(v.Total, v.Currency), Replaces: orNull(v.Replaces), Copy: v.Copy,
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

// pdf sets the headers of a download. The file name is plain ASCII; mime quotes it (RFC 6266).
func (s *Server) pdf(ctx context.Context, scope foyer.Scope, id invoice.ID, locale i18n.Locale, disposition string) (invoice.File, bool, error) {
	file, err := s.Invoices.Download(ctx, scope, id, locale)
	if err != nil {
		return invoice.File{}, false, err
	}
	r := requestOf(ctx)
	tag := `"` + hex.EncodeToString(file.SHA256[:16]) + `"`
	r.header().Set("ETag", tag)
	if matches(r.echo.Request().Header.Get("If-None-Match"), tag) {
		return file, true, nil
	}
	r.header().Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": invoice.FileName(file.Invoice, locale)}))
	r.header().Set("Content-Language", locale.Language)
	return file, false, nil
}

const purposeDownload foyer.Purpose = "download link"

// downloadTicket is what a download link says, sealed.
type downloadTicket struct {
	Merchant    foyer.MerchantID `json:"m"`
	Customer    foyer.CustomerID `json:"c"`
	Invoice     invoice.ID       `json:"i"`
	Locale      string           `json:"l"`
	Disposition string           `json:"d"`
	ExpiresAt   int64            `json:"e"`
}

// CreateDownloadLink makes a link for a plain <a href>.
func (s *Server) CreateDownloadLink(ctx context.Context, in api.CreateDownloadLinkRequestObject) (api.CreateDownloadLinkResponseObject, error) {
	r := requestOf(ctx)
	found, err := s.Invoices.Invoice(ctx, r.scope(), invoice.ID(in.InvoiceId))
	if err != nil {
		return nil, err
	}
	expires := s.clock().Add(s.Identity.Lifetimes().Download).Truncate(time.Second)
	ticket := downloadTicket{
		Merchant: found.Merchant, Customer: found.Customer, Invoice: found.ID, Locale: r.locale.Tag, Disposition: "attachment", ExpiresAt: expires.Unix(),
	}
	if in.Body != nil {
		if in.Body.Disposition != nil {
			ticket.Disposition = string(*in.Body.Disposition)
		}
		if in.Body.Locale != nil {
			locale, ok := i18n.Parse(*in.Body.Locale)
			if !ok {
				return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/locale", Code: "input.locale"})
			}
			ticket.Locale = locale.Tag
		}
	}
	plain, err := json.Marshal(ticket)
	if err != nil {
		return nil, err
	}
	token := base64.RawURLEncoding.EncodeToString(s.Keyring.Seal(purposeDownload, plain, nil))
	return api.CreateDownloadLink201JSONResponse{Body: api.DownloadLink{Url: s.PublicURL + "/v1/downloads/" + token, ExpiresAt: expires}}, nil
}

// Download gives the PDF a link leads to. Wrong and expired links have one answer; the customer must still exist.
func (s *Server) Download(ctx context.Context, in api.DownloadRequestObject) (api.DownloadResponseObject, error) {
	invalid := foyer.Refuse(foyer.NotFound, "download.invalid")
	if len(in.Token) > 1024 {
		return nil, invalid
	}
	plain, err := s.opened(purposeDownload, in.Token, nil)
	if err != nil {
		return nil, invalid
	}
	var ticket downloadTicket
	if err := json.Unmarshal(plain, &ticket); err != nil {
		return nil, invalid
	}
	r := requestOf(ctx)
	r.merchant = ticket.Merchant
	if s.clock().Unix() >= ticket.ExpiresAt {
		return nil, invalid
	}
	locale, _ := i18n.Parse(ticket.Locale)
	if in.Params.Locale != nil {
		locale = r.locale
	}
	scope := foyer.Scope{Merchant: ticket.Merchant, Customer: ticket.Customer}
	customer, err := s.Billing.Customer(ctx, scope)
	if err == nil && customer.Archived {
		return nil, invalid
	}
	var file invoice.File
	var same bool
	if err == nil {
		file, same, err = s.pdf(ctx, scope, ticket.Invoice, locale, ticket.Disposition)
	}
	if errors.Is(err, foyer.NotFound) {
		return nil, invalid // what the link leads to is gone
	}
	if err != nil {
		return nil, err
	}
	if same {
		return api.Download304Response{}, nil
	}
	return api.Download200ApplicationpdfResponse{Body: bytes.NewReader(file.Content), ContentLength: int64(len(file.Content))}, nil
}
