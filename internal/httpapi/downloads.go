package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
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

const purposeDownload foyer.Purpose = "download link"

// downloadKind says what a download link leads to.
type downloadKind string

// downloadInvoice is the kind of links that name none: those made before there were others.
const downloadInvoice downloadKind = ""

// downloadReceipt is that of links to what somebody declared who was not signed in.
const downloadReceipt downloadKind = "receipt"

// receiptLife is how long those work: who has declared something must have the time to keep it (§ 312k (3) BGB).
const receiptLife = 30 * 24 * time.Hour

// downloadTicket is what a download link says, sealed.
type downloadTicket struct {
	Merchant foyer.MerchantID `json:"m"`
	// Customer is whose document it is; empty for a kind that does not need one.
	Customer foyer.CustomerID `json:"c,omitempty"`
	Kind     downloadKind     `json:"k,omitempty"`
	// ID is the document's, of its kind.
	ID          string `json:"i"`
	Locale      string `json:"l"`
	Disposition string `json:"d"`
	ExpiresAt   int64  `json:"e"` // Unix seconds
}

// downloadSource gives the document a ticket leads to in a language: its file name and the PDF. A document that is gone, or not
// to be had any more, is foyer.NotFound: the answer is that of a wrong link. New has one source for each kind.
type downloadSource func(ctx context.Context, t downloadTicket, locale i18n.Locale) (name string, pdf []byte, err error)

// downloadURL makes the link of a ticket: whoever has it has the document until the ticket expires, which is for the kind to say.
func (s *Server) downloadURL(t downloadTicket) (string, error) {
	plain, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	return s.PublicURL + "/v1/downloads/" + base64.RawURLEncoding.EncodeToString(s.Keyring.Seal(purposeDownload, plain, nil)), nil
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
		Merchant: found.Merchant, Customer: found.Customer, Kind: downloadInvoice, ID: string(found.ID), Locale: r.locale.Tag, Disposition: "attachment",
		ExpiresAt: expires.Unix(),
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
	url, err := s.downloadURL(ticket)
	if err != nil {
		return nil, err
	}
	return api.CreateDownloadLink201JSONResponse{Body: api.DownloadLink{Url: url, ExpiresAt: expires}}, nil
}

// Download gives the PDF a link leads to. Wrong and expired links have one answer.
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
	source := s.downloads[ticket.Kind]
	if source == nil || s.clock().Unix() >= ticket.ExpiresAt {
		return nil, invalid
	}
	locale, _ := i18n.Parse(ticket.Locale)
	if in.Params.Locale != nil {
		locale = r.locale
	}
	name, pdf, err := source(ctx, ticket, locale)
	if errors.Is(err, foyer.NotFound) {
		return nil, invalid // what the link leads to is gone
	}
	if err != nil {
		return nil, err
	}
	if sent(r, name, pdf, locale, ticket.Disposition) {
		return api.Download304Response{}, nil
	}
	return api.Download200ApplicationpdfResponse{Body: bytes.NewReader(pdf), ContentLength: int64(len(pdf))}, nil
}

// invoiceToDownload gives the PDF of an invoice; the customer must still exist.
func (s *Server) invoiceToDownload(ctx context.Context, t downloadTicket, locale i18n.Locale) (string, []byte, error) {
	scope := foyer.Scope{Merchant: t.Merchant, Customer: t.Customer}
	customer, err := s.Billing.Customer(ctx, scope)
	if err != nil {
		return "", nil, err
	}
	if customer.Archived {
		return "", nil, foyer.NotFound
	}
	file, err := s.Invoices.Download(ctx, scope, invoice.ID(t.ID), locale)
	if err != nil {
		return "", nil, err
	}
	return invoice.FileName(file.Invoice, locale), file.Content, nil
}

// receiptToDownload gives the receipt of a notice.
func (s *Server) receiptToDownload(ctx context.Context, t downloadTicket, locale i18n.Locale) (string, []byte, error) {
	receipt, err := s.Retention.Receipt(ctx, foyer.Scope{Merchant: t.Merchant, Customer: t.Customer}, t.ID)
	if err != nil {
		return "", nil, err
	}
	return s.Receipts(ctx, receipt, locale)
}

// sent sets the headers of a download, and tells whether the caller has these very bytes already. The file name is plain ASCII;
// mime quotes it (RFC 6266).
func sent(r *request, name string, pdf []byte, locale i18n.Locale, disposition string) bool {
	sum := sha256.Sum256(pdf)
	tag := `"` + hex.EncodeToString(sum[:16]) + `"`
	r.header().Set("ETag", tag)
	if matches(r.echo.Request().Header.Get("If-None-Match"), tag) {
		return true
	}
	r.header().Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": name}))
	r.header().Set("Content-Language", locale.Language)
	return false
}
