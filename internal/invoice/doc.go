// Package invoice owns documents: invoices and credit notes as immutable snapshots with a lineage, and how they are
// drawn as PDF. Statements, the receipts of what somebody declared, are drawn on the same paper and kept by who makes them.
//
// A document is a copy of everything it shows: seller, buyer, lines, taxes, totals. Changing a customer or a product
// later changes no document. Drawing chooses a font for every run of characters by script, so that a further language
// only adds a font.
//
// It does not own the money the document speaks of (billing) nor the language data (i18n).
package invoice
