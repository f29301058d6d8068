package invoice

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/merchant"
)

// day returns midnight UTC.
func day(year int, month time.Month, d int) time.Time {
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}

// sample returns a paid invoice with the given number of lines, one in four prorated.
func sample(lines int) Invoice {
	paid := time.Date(2025, 11, 3, 10, 21, 0, 0, time.UTC)
	inv := Invoice{
		ID: "inv_01k8zq3v7m0000000000000001", Number: "325-10566", Kind: KindInvoice, Revision: 1, Status: StatusPaid,
		Currency: "EUR", IssuedAt: paid,
		Document: Document{
			Seller: Party{
				Company: "Aeroedit Software GmbH", TaxID: "DE123456789", RegistrationNumber: "HRB 12345 B", Email: "billing@aeroedit.example",
				Address: billing.Address{Line1: "Torstraße 123", PostalCode: "10119", City: "Berlin", Country: "DE"},
			},
			Buyer: Party{
				Name: "Sam Müller", Company: "Skyline Photography Ltd", TaxID: "GB987654321", Email: "sam@skyline.example",
				Address: billing.Address{Line1: "4 Harbour Exchange", Line2: "Floor 7", PostalCode: "E14 9GE", City: "London", Country: "GB"},
			},
			BillingPeriod:  &foyer.Period{Start: day(2025, 11, 1), End: day(2025, 12, 1)},
			CollectionMode: billing.CollectAutomatic,
			PaidWith:       &PaidWith{Type: "card", Brand: "visa", Last4: "3184"},
			PaidAt:         &paid,
			Footers:        map[string]string{merchant.AnyLanguage: "Aeroedit Software GmbH · Registered at Amtsgericht Charlottenburg · Managing director: Ada Example"},
		},
	}
	t := &inv.Document.Totals
	for i := range lines {
		l := billing.Line{
			ID: billing.LineID(fmt.Sprintf("lin_%d", i)), Name: fmt.Sprintf("AeroEdit Enterprise, seat %d", i+1), Quantity: int64(i%3 + 1),
			Description: "The ultimate solution for organisations, featuring all Pro capabilities plus multi-user support.",
			UnitPrice:   49_900, TaxRate: "0.19",
		}
		l.Totals.Subtotal = l.Quantity * l.UnitPrice
		if i%4 == 1 {
			l.Proration = &billing.Proration{Rate: "0.5", Period: foyer.Period{Start: day(2025, 11, 16), End: day(2025, 12, 1)}}
			l.Totals.Subtotal /= 2
		}
		l.Totals.Tax = l.Totals.Subtotal * 19 / 100
		l.Totals.Total = l.Totals.Subtotal + l.Totals.Tax
		t.Subtotal += l.Totals.Subtotal
		t.Tax += l.Totals.Tax
		inv.Document.Lines = append(inv.Document.Lines, l)
	}
	t.Total = t.Subtotal + t.Tax
	t.GrandTotal = t.Total
	inv.Total = t.GrandTotal
	inv.Document.TaxRates = []billing.TaxRateTotals{{Rate: "0.19", Totals: billing.LineTotals{Subtotal: t.Subtotal, Tax: t.Tax, Total: t.Total}}}
	return inv
}

// logoPNG returns a picture of the size with a transparent corner.
func logoPNG(t testing.TB, width, height int) []byte {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			if x > y {
				picture.SetNRGBA(x, y, color.NRGBA{R: 37, G: 99, B: 235, A: 255})
			}
		}
	}
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, picture))
	return out.Bytes()
}
