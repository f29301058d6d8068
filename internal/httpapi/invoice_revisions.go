package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/invoice"
)

// ReviseInvoice corrects who an invoice is made out to.
func (s *Server) ReviseInvoice(ctx context.Context, in api.ReviseInvoiceRequestObject) (api.ReviseInvoiceResponseObject, error) {
	made, err := s.Reviser.Revise(ctx, requestOf(ctx).actor(), invoice.ID(in.InvoiceId), correctionOf(*in.Body))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).invoice(made)
	_, err = unchanged(ctx, made.Version, shown)
	return api.ReviseInvoice201JSONResponse{Body: shown}, err
}

// correctionOf reads what is corrected; null takes a detail away.
func correctionOf(v api.ReviseInvoice) invoice.Correction {
	return invoice.Correction{
		Name: given(v.Name), Company: given(v.Company), TaxID: given(v.TaxId), Line1: given(v.Line1), Line2: given(v.Line2), City: given(v.City), Region: given(v.Region),
	}
}
