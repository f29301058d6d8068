package httpapi

import (
	"bufio"
	"context"
	"mime"
	"net/http"

	"foyer/api"
	"foyer/internal/invoice"
)

// ExportInvoices packs the customer's documents into one file.
func (s *Server) ExportInvoices(ctx context.Context, in api.ExportInvoicesRequestObject) (api.ExportInvoicesResponseObject, error) {
	r := requestOf(ctx)
	prepared, err := s.Exporter.Prepare(ctx, r.scope(), in.Params.From, in.Params.To, r.locale)
	if err != nil {
		return nil, err
	}
	return invoiceExport{ctx: ctx, export: prepared}, nil
}

// invoiceExport is written while it is drawn: one document is in memory at a time.
type invoiceExport struct {
	ctx    context.Context
	export invoice.Export
}

// VisitExportInvoicesResponse implements the generated interface. A refusal that comes before the first document is out is still told as
// one.
func (e invoiceExport) VisitExportInvoicesResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": e.export.FileName()}))
	out := bufio.NewWriterSize(w, exportBuffer)
	if err := e.export.Write(e.ctx, out); err != nil {
		h.Del("Content-Disposition")
		return err
	}
	return out.Flush()
}
