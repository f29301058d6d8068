// Package invoice owns documents: invoices and credit notes as immutable snapshots with a lineage, and how they are
// drawn as PDF. Statements, the receipts of what somebody declared, are drawn on the same paper and kept by who makes them.
//
// A document is a copy of everything it shows: seller, buyer, lines, taxes, totals. Changing a customer or a product
// later changes no document.
//
// Drawing goes from text to paper in steps, a file each: clean (text.go), find a font for every character (runs.go), order what
// runs from right to left (bidi.go), shape letters that change with their neighbours (shape.go), break lines (wrap.go), lay out
// (paper.go, layout.go, statement.go on sheet.go), put together a font of the glyphs that are used (subset.go), write
// (paint.go) and complete the file (seal.go). A further language adds a font (fonts/README.md).
//
// It does not own the money the document speaks of (billing) nor the language data (i18n).
package invoice
