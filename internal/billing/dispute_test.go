package billing_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// counted makes ids that count.
func counted() foyer.IDs {
	n := 0
	return func(p foyer.Prefix) string {
		n++
		return string(p) + "_" + strconv.Itoa(n)
	}
}

// sold is a paid payment of 11.90 with 1.90 tax.
func sold() billing.Payment {
	return billing.Payment{
		ID: "pay_1", Status: billing.PaymentCompleted, Currency: "EUR",
		Totals: billing.Totals{Subtotal: 1000, Tax: 190, Total: 1190, GrandTotal: 1190},
		Lines:  []billing.Line{{ID: "lin_1", TaxRate: "0.19", Totals: billing.LineTotals{Subtotal: 1000, Tax: 190, Total: 1190}}},
	}
}

func bankSays(status billing.DisputeStatus, amount int64) billing.GatewayDispute {
	return billing.GatewayDispute{Reference: "dp_1", Status: status, Reason: "fraudulent", Amount: foyer.Money{Amount: amount, Currency: "EUR"}}
}

// Which states follow which, what is told of it, and where the money is.
func TestDisputesGoTheirWay(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	const (
		disputed, updated, closed = "payment.disputed", "payment.dispute_updated", "payment.dispute_closed"
		inquiry, open, review     = billing.DisputeInquiry, billing.DisputeOpen, billing.DisputeUnderReview
		won, lost, over           = billing.DisputeWon, billing.DisputeLost, billing.DisputeClosed
	)
	for name, c := range map[string]struct {
		states   []billing.DisputeStatus
		events   string
		mails    int
		refunded int64
		refund   billing.RefundStatus
	}{
		"an inquiry":                  {[]billing.DisputeStatus{inquiry}, disputed, 1, 0, ""},
		"that led to nothing":         {[]billing.DisputeStatus{inquiry, over}, disputed + " " + closed, 2, 0, ""},
		"that became more":            {[]billing.DisputeStatus{inquiry, open}, disputed + " " + disputed, 2, 1190, billing.RefundApproved},
		"opened":                      {[]billing.DisputeStatus{open}, disputed, 1, 1190, billing.RefundApproved},
		"told twice":                  {[]billing.DisputeStatus{open, open}, disputed, 1, 1190, billing.RefundApproved},
		"objected to":                 {[]billing.DisputeStatus{open, review}, disputed + " " + updated, 1, 1190, billing.RefundApproved},
		"won":                         {[]billing.DisputeStatus{open, review, won}, disputed + " " + updated + " " + closed, 2, 0, billing.RefundReversed},
		"lost":                        {[]billing.DisputeStatus{open, lost}, disputed + " " + closed, 2, 1190, billing.RefundApproved},
		"lost after all":              {[]billing.DisputeStatus{open, won, lost}, disputed + " " + closed + " " + closed, 3, 1190, billing.RefundApproved},
		"won after all":               {[]billing.DisputeStatus{open, lost, won}, disputed + " " + closed + " " + closed, 3, 0, billing.RefundReversed},
		"begun again":                 {[]billing.DisputeStatus{open, won, open}, disputed + " " + closed + " " + disputed, 3, 1190, billing.RefundApproved},
		"more is wanted":              {[]billing.DisputeStatus{open, review, open}, disputed + " " + updated + " " + updated, 1, 1190, billing.RefundApproved},
		"never a question again":      {[]billing.DisputeStatus{open, inquiry}, disputed, 1, 1190, billing.RefundApproved},
		"won, never a question again": {[]billing.DisputeStatus{open, won, inquiry}, disputed + " " + closed, 2, 0, billing.RefundReversed},
		"heard of when it was lost":   {[]billing.DisputeStatus{lost}, disputed + " " + closed, 1, 1190, billing.RefundApproved},
		"heard of when it was won":    {[]billing.DisputeStatus{won}, disputed + " " + closed, 1, 0, ""},
		"a state nobody knows":        {[]billing.DisputeStatus{"odd"}, "", 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, ids := sold(), counted()
			events, mails := "", 0
			for _, s := range c.states {
				change, is := p.Disputed(bankSays(s, 1190), "att_1", ids, now)
				if !is {
					continue
				}
				p = change.Payment
				for _, e := range change.Events {
					events += " " + string(e)
				}
				if change.Tell {
					mails++
				}
				assert.Equal(t, change.Tell, change.Dispute.Told == change.Dispute.Version, "a mail is about the version it was ordered for")
			}
			if events != "" {
				events = events[1:]
			}
			assert.Equal(t, c.events, events)
			assert.Equal(t, c.mails, mails)
			assert.Equal(t, c.refunded, p.Totals.Refunded)
			if c.refund == "" {
				assert.Empty(t, p.Refunds)
				return
			}
			require.Len(t, p.Disputes, 1)
			require.Len(t, p.Refunds, 1, "one refund, however often it went to and fro")
			r := p.Refunds[0]
			assert.Equal(t, []any{billing.ActionChargeback, c.refund, int64(1190), int64(190), p.Disputes[0].Chargeback}, []any{r.Action, r.Status, r.Total, r.Tax, r.ID})
			assert.Equal(t, c.refunded, billing.Refunded(p.Refunds))
			last := p.Disputes[0].Status
			assert.Equal(t, last.Ended(), p.Disputes[0].ClosedAt != nil)
		})
	}
}

// A bank never takes more than is left, whatever it disputes, and what it disputes in part is a part.
func TestADisputeTakesWhatIsLeft(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		before, disputed int64
		currency         foyer.Currency
		takes, tax       int64
	}{
		"all of it":                {0, 1190, "EUR", 1190, 190},
		"a part":                   {0, 595, "EUR", 595, 95},
		"more than was charged":    {0, 5000, "EUR", 1190, 190},
		"after a refund of a part": {1000, 1190, "EUR", 190, 30},
		"after a refund of all":    {1190, 1190, "EUR", 0, 0},
		"in another currency":      {0, 1300, "USD", 1190, 190},
		"of nothing":               {0, 0, "EUR", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := sold()
			if c.before > 0 {
				p.Totals.Refunded = c.before
				p.Refunds = []billing.Refund{{ID: "ref_0", Action: billing.ActionRefund, Status: billing.RefundApproved, Total: c.before, Lines: []billing.RefundLine{{LineID: "lin_1", Amount: c.before}}}}
			}
			d := bankSays(billing.DisputeOpen, c.disputed)
			d.Amount.Currency = c.currency
			change, is := p.Disputed(d, "att_1", counted(), now)
			require.True(t, is)
			assert.Equal(t, c.before+c.takes, change.Payment.Totals.Refunded)
			if c.takes == 0 {
				assert.Nil(t, change.Chargeback)
			} else {
				assert.Equal(t, []int64{c.takes, c.tax}, []int64{change.Chargeback.Total, change.Chargeback.Tax})
			}
			owed, _ := change.Payment.Returnable()
			assert.Equal(t, 1190-c.before, owed, "the merchant may have it again")
			_, err := change.Payment.Refund(billing.RefundInput{})
			assert.ErrorContains(t, err, "refund.disputed")
			// The amount changes while it goes on.
			half := bankSays(billing.DisputeOpen, 100)
			again, is := change.Payment.Disputed(half, "att_1", counted(), now)
			require.Equal(t, c.disputed != 100, is)
			assert.Equal(t, c.before+min(100, 1190-c.before), again.Payment.Totals.Refunded)
			// Won, it can be refunded again.
			end, _ := again.Payment.Disputed(bankSays(billing.DisputeWon, 100), "att_1", counted(), now)
			assert.Equal(t, c.before, end.Payment.Totals.Refunded)
			end.Payment.CollectionMode = billing.CollectAutomatic
			if refund, err := end.Payment.Refund(billing.RefundInput{}); c.before < 1190 {
				require.NoError(t, err)
				assert.Equal(t, 1190-c.before, refund.Total)
			}
		})
	}
}

// A refund that came back, or never went, leaves what it took to a bank that could take only the rest.
func TestRefundsThatFail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, after billing.RefundStatus
		bank          billing.DisputeStatus
		refunded      int64
	}{
		"came back":                           {billing.RefundApproved, billing.RefundReversed, "", 0},
		"never went":                          {billing.RefundPending, billing.RefundRejected, "", 0},
		"came back, the bank has the rest":    {billing.RefundApproved, billing.RefundReversed, billing.DisputeLost, 1190},
		"never went, the bank has the rest":   {billing.RefundPending, billing.RefundRejected, billing.DisputeOpen, 1190},
		"came back, the bank gave up":         {billing.RefundApproved, billing.RefundReversed, billing.DisputeWon, 0},
		"came back, the bank has a part only": {billing.RefundApproved, billing.RefundReversed, billing.DisputeUnderReview, 300},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			p := sold()
			p.Refunds = []billing.Refund{{ID: "ref_0", Action: billing.ActionRefund, Status: c.before, Total: 1000, Lines: []billing.RefundLine{{LineID: "lin_1", Amount: 1000}}}}
			p.Totals.Refunded = billing.Refunded(p.Refunds)
			if c.bank != "" {
				disputed := int64(1190)
				if c.bank == billing.DisputeUnderReview {
					disputed = 300
				}
				change, is := p.Disputed(bankSays(c.bank, disputed), "att_1", counted(), now)
				require.True(t, is)
				p = change.Payment
			}
			next, changed := p.RefundFailed("ref_0", c.after, counted(), now)
			assert.Equal(t, c.refunded, next.Totals.Refunded)
			assert.Equal(t, c.refunded, billing.Refunded(next.Refunds))
			assert.Equal(t, p.Version+1, next.Version)
			want := 0
			if c.refunded > 0 {
				want = 1
			}
			require.Len(t, changed, want)
			for _, d := range changed {
				assert.Equal(t, []int64{c.refunded, p.Disputes[0].Version + 1}, []int64{d.Chargeback.Total, d.Dispute.Version})
				assert.Equal(t, next.Disputes[0], d.Dispute)
			}
			again, changed := next.RefundFailed("ref_0", c.after, counted(), now)
			assert.Empty(t, changed)
			assert.Equal(t, c.refunded, again.Totals.Refunded, "once")
		})
	}
}

// What is declined for good stays so for this method as it is, and for no other.
func TestFinalDeclines(t *testing.T) {
	t.Parallel()
	final := map[billing.ErrorCode]bool{
		"blocked_card": true, "declined_not_retryable": true, "expired_card": true, "fraud": true, "invalid_payment_details": true,
		"redacted_payment_method": true, "transaction_not_permitted": true,
	}
	for _, code := range billing.ErrorCodes {
		assert.Equal(t, final[code], code.Final(), "%s", code)
	}
	at := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		attempt billing.Attempt
		method  billing.PaymentMethod
		vain    bool
	}{
		"the same card": {billing.Attempt{Status: billing.AttemptFailed, ErrorCode: "expired_card", PaymentMethod: "m"}, billing.PaymentMethod{ID: "m"}, true},
		"another card":  {billing.Attempt{Status: billing.AttemptFailed, ErrorCode: "expired_card", PaymentMethod: "m"}, billing.PaymentMethod{ID: "n"}, false},
		"updated since": {billing.Attempt{Status: billing.AttemptFailed, ErrorCode: "expired_card", PaymentMethod: "m"}, billing.PaymentMethod{ID: "m", UpdatedAt: at.Add(1)}, false},
		"gone since":    {billing.Attempt{Status: billing.AttemptFailed, ErrorCode: billing.ErrorRedacted, PaymentMethod: "m"}, billing.PaymentMethod{ID: "m"}.Gone(at.Add(1)), true},
		"not for good":  {billing.Attempt{Status: billing.AttemptFailed, ErrorCode: "declined", PaymentMethod: "m"}, billing.PaymentMethod{ID: "m"}, false},
		"another tried": {
			billing.Attempt{Status: billing.AttemptFailed, ErrorCode: "expired_card", PaymentMethod: "m"}.TriedWith(billing.GatewayMethod{Type: "card"}),
			billing.PaymentMethod{ID: "m"},
			false,
		},
		"under way": {billing.Attempt{Status: billing.AttemptPending, PaymentMethod: "m"}, billing.PaymentMethod{ID: "m"}, false},
		"none yet":  {billing.Attempt{}, billing.PaymentMethod{}, false},
	} {
		c.attempt.CreatedAt = at
		assert.Equal(t, c.vain, c.attempt.RetriesInVain(c.method), name)
	}
}
