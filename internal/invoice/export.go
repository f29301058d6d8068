package invoice

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
)

// MaxExport is how many documents one export holds: drawing them all anew must fit into the time a request has.
const MaxExport = 500

// Exporter packs a customer's documents into one file.
type Exporter struct {
	Documents *Service
	Gate      identity.Gate
	// Real is the machine's clock: limits are of real hours.
	Real func() time.Time
}

// Export is what an archive will hold; Write makes it.
type Export struct {
	documents *Service
	scope     foyer.Scope
	locale    i18n.Locale
	// Invoices are the heads of the documents, newest first.
	Invoices []Invoice
}

// Prepare finds the customer's documents of a span of time (from inclusive, to exclusive, nil for open), newest first.
//
// Refusals: Invalid (invoice.export_too_many: names the range that holds the newest MaxExport), RateLimited.
func (e Exporter) Prepare(ctx context.Context, scope foyer.Scope, from, to *time.Time, locale i18n.Locale) (Export, error) {
	out := Export{documents: e.Documents, scope: scope, locale: locale}
	var err error
	out.Invoices, err = e.Documents.Invoices(ctx, scope, foyer.PageRequest{Limit: MaxExport + 1, From: from, To: to})
	if err != nil {
		return out, err
	}
	if len(out.Invoices) > MaxExport {
		return out, &foyer.Error{Kind: foyer.Invalid, Code: "invoice.export_too_many", Params: map[string]any{
			"Max": MaxExport, "From": narrower(out.Invoices).Format(time.RFC3339Nano),
		}}
	}
	return out, e.Gate.Take(ctx, identity.LimitInvoiceExport, string(scope.Customer), foyer.Micro(e.Real()))
}

// narrower returns the moment from which on there are at most MaxExport of the documents, which are one more, newest first.
func narrower(all []Invoice) time.Time {
	first := len(all) - 2 // the oldest that has room
	left := all[len(all)-1].CreatedAt
	for first > 0 && all[first].CreatedAt.Equal(left) { // made at the same moment as the one that has not
		first--
	}
	return all[first].CreatedAt
}

// Write writes the archive: a PDF of each document, oldest last, and invoices.csv that lists them. One document is in memory at a time. An
// error leaves an archive that no reader opens: its table of contents comes last.
func (x Export) Write(ctx context.Context, w io.Writer) error {
	archive := zip.NewWriter(w)
	taken := map[string]bool{listName: true}
	files := make([]string, len(x.Invoices))
	for i, in := range x.Invoices {
		if err := ctx.Err(); err != nil {
			return err
		}
		file, err := x.documents.Download(ctx, x.scope, in.ID, x.locale)
		if err != nil {
			return err
		}
		files[i] = unused(taken, FileName(in, x.locale))
		// Stored as it is: a PDF is compressed already.
		entry, err := archive.CreateHeader(&zip.FileHeader{Name: files[i], Method: zip.Store, Modified: in.IssuedAt.UTC()})
		if err == nil {
			_, err = entry.Write(file.Content)
		}
		if err == nil {
			err = archive.Flush()
		}
		if err != nil {
			return err
		}
	}
	list := &zip.FileHeader{Name: listName, Method: zip.Deflate}
	if len(x.Invoices) > 0 {
		list.Modified = x.Invoices[0].UpdatedAt.UTC()
	}
	entry, err := archive.CreateHeader(list)
	if err == nil {
		err = writeList(entry, x.Invoices, files)
	}
	if err != nil {
		return err
	}
	return archive.Close()
}

// FileName is what the archive is called: by the days of its oldest and newest document.
func (x Export) FileName() string {
	if len(x.Invoices) == 0 {
		return "invoices.zip"
	}
	const day = "2006-01-02"
	oldest, newest := x.Invoices[len(x.Invoices)-1].CreatedAt.UTC().Format(day), x.Invoices[0].CreatedAt.UTC().Format(day)
	if oldest == newest {
		return "invoices-" + oldest + ".zip"
	}
	return "invoices-" + oldest + "-" + newest + ".zip"
}

// unused returns the name, with a number before its ending when it is taken: revisions have the number of what they revise.
func unused(taken map[string]bool, name string) string {
	base, free := strings.TrimSuffix(name, ".pdf"), name
	for n := 2; taken[free]; n++ {
		free = base + "-" + strconv.Itoa(n) + ".pdf"
	}
	taken[free] = true
	return free
}

// listName is the list's name in the archive.
const listName = "invoices.csv"

// listColumns are the same in every language: the list is for programs and accountants.
var listColumns = []string{
	"file", "id", "number", "kind", "revision", "replaces", "credits", "status", "issued_at", "due_at", "currency", "total", "payment_id", "buyer_name", "buyer_company",
	"buyer_tax_id", "buyer_country",
}

// writeList writes the list as CSV (RFC 4180), with a byte order mark, by which spreadsheets recognise UTF-8.
func writeList(w io.Writer, all []Invoice, files []string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	list := csv.NewWriter(w)
	list.UseCRLF = true
	_ = list.Write(listColumns) // the error is kept for Error
	for i, in := range all {
		due := ""
		if in.DueAt != nil {
			due = in.DueAt.UTC().Format(time.RFC3339)
		}
		row := []string{
			files[i], string(in.ID), in.Number, string(in.Kind), strconv.Itoa(in.Revision), string(in.Replaces), string(in.Credits), string(in.Status),
			in.IssuedAt.UTC().Format(time.RFC3339), due, string(in.Currency), foyer.Money{Amount: in.Total, Currency: in.Currency}.Decimal(),
			string(in.Payment), in.Buyer.Name, in.Buyer.Company, in.Buyer.TaxID, string(in.Buyer.Address.Country),
		}
		for column := range row {
			if listColumns[column] != "total" {
				row[column] = inert(row[column])
			}
		}
		_ = list.Write(row)
	}
	list.Flush()
	return list.Error()
}

// inert makes a text that a spreadsheet would take for a formula ("=HYPERLINK(…)", CWE-1236) a text, as OWASP's cheat sheet on CSV injection
// has it: with an apostrophe before it. Line breaks, which would begin a cell's formula anew in some readers, become spaces.
func inert(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if trimmed := visible(s); trimmed != "" && strings.ContainsRune("=+-@＝＋－＠|%", []rune(trimmed)[0]) {
		return "'" + s
	}
	return s
}
