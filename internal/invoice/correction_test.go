package invoice

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func saying(s string) *string { return &s }

func TestWhichInvoicesCanBeCorrected(t *testing.T) {
	t.Parallel()
	refunded := func(status billing.RefundStatus) billing.Payment {
		return billing.Payment{Refunds: []billing.Refund{{Status: status}}}
	}
	for name, c := range map[string]struct {
		change func(*Invoice)
		p      billing.Payment
		limit  int
		want   string
	}{
		"paid":                  {func(*Invoice) {}, billing.Payment{}, 1, ""},
		"open":                  {func(in *Invoice) { in.Status = StatusOpen }, billing.Payment{}, 1, ""},
		"overdue":               {func(in *Invoice) { in.Status = StatusOverdue }, billing.Payment{}, 1, ""},
		"a credit note":         {func(in *Invoice) { in.Kind = KindCreditNote }, billing.Payment{}, 1, "invoice.credit_note"},
		"another system's":      {func(in *Invoice) { in.Copy = true }, billing.Payment{}, 1, "invoice.copy"},
		"replaced":              {func(in *Invoice) { in.Status = StatusReplaced }, billing.Payment{}, 9, "invoice.replaced"},
		"canceled":              {func(in *Invoice) { in.Status = StatusCanceled }, billing.Payment{}, 1, "invoice.canceled"},
		"refunded":              {func(*Invoice) {}, refunded(billing.RefundApproved), 1, "invoice.adjusted"},
		"being refunded":        {func(*Invoice) {}, refunded(billing.RefundPending), 1, "invoice.adjusted"},
		"a refund that failed":  {func(*Invoice) {}, refunded(billing.RefundRejected), 1, ""},
		"corrected once":        {func(in *Invoice) { in.Corrections = 1 }, billing.Payment{}, 1, "invoice.revision_limit"},
		"corrected once of two": {func(in *Invoice) { in.Corrections = 1 }, billing.Payment{}, 2, ""},
		"none allowed":          {func(*Invoice) {}, billing.Payment{}, 0, "invoice.revision_limit"},
	} {
		in := sample(1)
		c.change(&in)
		err := in.Correctable(c.p, c.limit)
		if c.want == "" {
			assert.NoError(t, err, name)
			continue
		}
		require.ErrorIs(t, err, foyer.Conflict, name)
		refusal, _ := foyer.AsError(err)
		assert.Equal(t, c.want, refusal.Code, name)
	}
}

func TestWhatCanBeCorrected(t *testing.T) {
	t.Parallel()
	full := sample(1).Document.Buyer // a British company with a tax id, without a region
	private := Party{Name: "Mia", Address: billing.Address{Line1: "Street 1", Country: "DE"}}
	for name, c := range map[string]struct {
		buyer  Party
		c      Correction
		change func(*Party) // what is different afterwards
		want   []string
	}{
		"name and company":            {full, Correction{Name: saying(" Ann "), Company: saying("New Ltd")}, func(p *Party) { p.Name, p.Company = "Ann", "New Ltd" }, nil},
		"another tax id":              {full, Correction{TaxID: saying("GB 123 4567 89")}, func(p *Party) { p.TaxID = "GB 123 4567 89" }, nil},
		"no second line":              {full, Correction{Line2: saying("")}, func(p *Party) { p.Address.Line2 = "" }, nil},
		"a region filled in":          {full, Correction{Region: saying("Greater London")}, func(p *Party) { p.Address.Region = "Greater London" }, nil},
		"the city as it was":          {full, Correction{City: saying("London"), Line1: saying("5 Harbour Exchange")}, func(p *Party) { p.Address.Line1 = "5 Harbour Exchange" }, nil},
		"a private person's company":  {private, Correction{Company: saying("Mia GmbH"), TaxID: saying("DE123456789")}, func(p *Party) { p.Company, p.TaxID = "Mia GmbH", "DE123456789" }, nil},
		"a city filled in":            {private, Correction{City: saying("Köln")}, func(p *Party) { p.Address.City = "Köln" }, nil},
		"another city":                {full, Correction{City: saying("Leeds")}, nil, []string{"/city invoice.place_kept"}},
		"no city":                     {full, Correction{City: saying("")}, nil, []string{"/city invoice.place_kept"}},
		"no street":                   {full, Correction{Line1: saying(" ")}, nil, []string{"/line1 input.required"}},
		"no tax id":                   {full, Correction{TaxID: saying("")}, nil, []string{"/tax_id invoice.tax_id_kept"}},
		"a tax id of another country": {full, Correction{TaxID: saying("DE123456789")}, nil, []string{"/tax_id input.tax_id"}},
		"a tax id that is none":       {private, Correction{Company: saying("Mia GmbH"), TaxID: saying("12/345/67890")}, nil, []string{"/tax_id input.tax_id"}},
		"a tax id without a company":  {private, Correction{TaxID: saying("DE123456789")}, nil, []string{"/company invoice.company_needed"}},
		"a company taken away":        {full, Correction{Company: saying("")}, nil, []string{"/company invoice.company_needed"}},
		"nobody":                      {private, Correction{Name: saying("")}, nil, []string{"/name input.required"}},
		"endless":                     {full, Correction{Name: saying(strings.Repeat("x", 201))}, nil, []string{"/name input.too_long"}},
		"an override, two at once":    {full, Correction{Name: saying("a\u202eb"), City: saying("Leeds")}, nil, []string{"/name input.text_characters", "/city invoice.place_kept"}},
		"invisible":                   {private, Correction{Name: saying("\u200b\ufeff ")}, nil, []string{"/name input.required"}},
		"the same, with marks":        {private, Correction{Name: saying("Mia\u200b")}, nil, []string{"invoice.nothing_to_revise"}},
		"the tax id, written apart":   {full, Correction{TaxID: saying("gb 987 654 321")}, nil, []string{"invoice.nothing_to_revise"}},
		"nothing":                     {full, Correction{}, nil, []string{"invoice.nothing_to_revise"}},
		"the same":                    {full, Correction{Name: &full.Name, City: &full.Address.City}, nil, []string{"invoice.nothing_to_revise"}},
	} {
		after, err := c.c.Corrected(c.buyer)
		if c.want == nil {
			want := c.buyer
			c.change(&want)
			require.NoError(t, err, name)
			assert.Equal(t, want, after, name)
			continue
		}
		refusal, ok := foyer.AsError(err)
		require.True(t, ok, name)
		require.ErrorIs(t, err, foyer.Invalid, name)
		got := []string{refusal.Code}
		if len(refusal.Fields) > 0 {
			got = nil
		}
		for _, f := range refusal.Fields {
			got = append(got, f.Pointer+" "+f.Code)
		}
		assert.Equal(t, c.want, got, name)
	}
}

// A revision refers to what it replaces; a reissue takes the original back whole and says that no money goes back.
func TestRevisionAndReissue(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	in := sample(2)
	in.Version, in.ContentVersion, in.Document.Totals.Credit, in.Document.Totals.GrandTotal = 7, 3, 100, in.Document.Totals.Total-100
	before := in.Fingerprint()
	buyer := in.Buyer
	buyer.Name = "Ann"
	next := in.Revise(buyer, now)
	assert.Equal(t, []any{in.Number, 2, in.ID, ID(""), 1, "Ann", in.IssuedAt, &now, int64(1), int64(1), StatusPaid}, []any{
		next.Number, next.Revision, next.Replaces, next.ReplacedBy, next.Corrections, next.Document.Buyer.Name, next.IssuedAt, next.Document.CorrectedAt, next.Version, next.ContentVersion, next.Status,
	})
	assert.Equal(t, &Reference{Number: in.Number, IssuedAt: in.IssuedAt}, next.Document.Replaces)
	assert.Equal(t, in.Document.Totals, next.Document.Totals)
	assert.Equal(t, before, in.Fingerprint(), "the original stays as it was")
	assert.NotEqual(t, before, next.Fingerprint())

	note, fresh := in.Reissue(buyer, now)
	assert.Equal(t, []any{KindCreditNote, in.Number, true, in.Document.Totals.Total, in.Document.Totals.Total, int64(0), 1}, []any{
		note.Kind, note.Document.InvoiceNumber, note.Document.Reissued, note.Total, note.Document.Totals.GrandTotal, note.Document.Totals.Balance, note.Revision,
	})
	assert.Equal(t, in.Buyer, note.Buyer, "it takes back what was issued, as it was")
	assert.Nil(t, note.Document.PaidWith)
	assert.Equal(t, in.ID, note.Credits)
	assert.Equal(t, now, fresh.IssuedAt)
	assert.Equal(t, []any{KindInvoice, 1, in.ID, 1}, []any{fresh.Kind, fresh.Revision, fresh.Replaces, fresh.Corrections})
	assert.Equal(t, []bool{true, true, true, true, true, false, false}, []bool{Reissues("ES"), Reissues("FR"), Reissues("IT"), Reissues("PT"), Reissues("RO"), Reissues("DE"), Reissues("")})
}
