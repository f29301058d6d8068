package paddle_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/provider/paddle"
)

func read(t *testing.T, name string) billing.ImportBatch {
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	batch, err := paddle.Parse(name, data)
	require.NoError(t, err)
	return batch
}

func utc(year int, month time.Month, day, hour, minute, sec, micro int) time.Time {
	return time.Date(year, month, day, hour, minute, sec, micro*1000, time.UTC)
}

func pointer[T any](v T) *T { return &v }

func TestParseCompletedTransaction(t *testing.T) {
	batch := read(t, "transactions.json")
	require.Len(t, batch.Payments, 3)
	got := batch.Payments[2]
	got.Payment.Lines = got.Payment.Lines[:1]
	visa := func(last4 string) *billing.Card {
		return &billing.Card{Brand: "visa", Last4: last4, ExpiryMonth: 1, ExpiryYear: 2025}
	}
	assert.Equal(t, billing.ImportedPayment{
		ExternalCustomerID: "ctm_01hv8wt8nffez4p2t6typn4a5j",
		ExternalAddressID:  "add_01hv8wt8ny8ms5vtm71bj8vcdd",
		InvoiceExternalID:  "inv_01hv8x29nsh54c2pgt0hnq0zkx",
		InvoiceNumber:      "325-10566",
		Payment: billing.Payment{
			ExternalID: "txn_01hv8wptq8987qeep44cyrewp9", Status: billing.PaymentCompleted, Origin: billing.OriginWeb,
			CollectionMode: billing.CollectAutomatic, Currency: "USD", Description: "AeroEdit Pro, Analytics addon, Custom domains",
			ExternalSubscriptionID: "sub_01hv8x29kz0t586xy6zn1a62ny",
			BillingPeriod:          &foyer.Period{Start: utc(2024, 4, 12, 10, 18, 47, 635628), End: utc(2024, 5, 12, 10, 18, 47, 635628)},
			Totals:                 billing.Totals{Subtotal: 59900, Tax: 5315, Total: 65215, GrandTotal: 65215},
			TaxRates:               []billing.TaxRateTotals{{Rate: "0.08875", Totals: billing.LineTotals{Subtotal: 59900, Tax: 5315, Total: 65215}}},
			CreatedAt:              utc(2024, 4, 12, 10, 12, 33, 201400),
			UpdatedAt:              utc(2024, 4, 12, 10, 20, 21, 386946),
			BilledAt:               pointer(utc(2024, 4, 12, 10, 18, 48, 294633)),
			Lines: []billing.Line{{
				ExternalID: "txnitm_01hv8wt98jahpbm1t1tzr06z6n", PriceID: "pri_01gsz8x8sawmvhz1pv30nge1ke", ProductID: "pro_01gsz4t5hdjse780zja8vvr7jg",
				Name: "AeroEdit Pro", Description: "Monthly (per seat)", Quantity: 10, UnitPrice: 3000, TaxRate: "0.08875",
				Totals: billing.LineTotals{Subtotal: 30000, Tax: 2662, Total: 32662},
			}},
			Attempts: []billing.Attempt{
				{
					ExternalID: "937640dd-e3dc-40df-a16c-bb75aafd8f71", Status: billing.AttemptCaptured, Amount: 65215, MethodType: "card", Card: visa("3184"),
					CreatedAt: utc(2024, 4, 12, 10, 18, 33, 579142), CapturedAt: pointer(utc(2024, 4, 12, 10, 18, 47, 635628)),
				},
				{
					ExternalID: "8f72cfa6-26b4-4a57-91dc-8f2708f7822d", Status: billing.AttemptFailed, ErrorCode: "declined", Amount: 65215, MethodType: "card", Card: visa("0002"),
					CreatedAt: utc(2024, 4, 12, 10, 15, 57, 888183),
				},
			},
		},
	}, got)

	failed := batch.Payments[1].Payment
	assert.Equal(t, billing.PaymentPastDue, failed.Status)
	assert.Equal(t, int64(43549), failed.Totals.Balance)
	assert.Equal(t, billing.ErrorCode("authentication_failed"), failed.Attempts[0].ErrorCode)
	require.NotNil(t, failed.Lines[0].Proration)
	assert.Equal(t, foyer.Rate("1"), failed.Lines[0].Proration.Rate)

	draft := batch.Payments[0].Payment
	assert.Equal(t, foyer.Currency("GBP"), draft.Currency)
	assert.Equal(t, []int64{2400, 8001, 15923}, []int64{draft.Lines[0].UnitPrice, draft.Lines[1].UnitPrice, draft.Lines[2].UnitPrice},
		"what a unit was charged at, not the price of 3000 USD")
	for _, p := range batch.Payments {
		assert.Empty(t, p.Payment.LinesMismatch())
	}
}

func TestParseManualTransaction(t *testing.T) {
	p := read(t, "transaction.json").Payments[0].Payment
	assert.Equal(t, billing.PaymentReady, p.Status)
	assert.Equal(t, &billing.Terms{PurchaseOrderNumber: "PO-123", PaymentTerms: &foyer.Cycle{Interval: foyer.Day, Frequency: 14}}, p.BillingDetails)
	assert.Equal(t, utc(2024, 4, 12, 7, 40, 38, 7040), p.UpdatedAt, "nanoseconds are cut, not rounded")
	assert.Nil(t, p.BilledAt)
}

func TestParseEvents(t *testing.T) {
	batch := read(t, "events.json")
	require.Len(t, batch.Payments, 2)
	require.Len(t, batch.Subscriptions, 1)
	first := batch.Payments[0].Payment
	assert.Equal(t, "Luxurious Plastic Tuna", first.Description)
	assert.Empty(t, first.Lines[0].Description, "the price has no name, and its description is internal")
	assert.Equal(t, int64(792), first.Lines[0].UnitPrice)
	assert.Equal(t, utc(2024, 5, 27, 9, 55, 6, 105983), first.UpdatedAt, "the entity's own time, not the event's")

	zero := batch.Payments[1]
	assert.True(t, zero.Payment.ZeroValue())
	assert.Equal(t, "296-173550", zero.InvoiceNumber)
	assert.False(t, zero.HasInvoice())
	assert.Equal(t, "Recycled Bronze Bike", zero.Payment.Lines[0].Name, "a line whose price is not among the items is joined by product")

	s := batch.Subscriptions[0]
	assert.Equal(t, "ctm_01hv976dcgq4wmyrp8yq7asfmj", s.ExternalCustomerID)
	assert.Equal(t, billing.SubscriptionActive, s.Subscription.Status)
	assert.Equal(t, foyer.Cycle{Interval: foyer.Month, Frequency: 1}, s.Subscription.Cycle)
	assert.Equal(t, int64(10*3000+10000), s.Subscription.RecurringTotal)
	assert.Equal(t, billing.SubscriptionItem{
		ExternalPriceID: "pri_01gsz8x8sawmvhz1pv30nge1ke", ExternalProductID: "pro_01gsz4t5hdjse780zja8vvr7jg",
		PriceName: "Monthly (per seat)", Quantity: 10, UnitPrice: 3000, TaxBehavior: "exclusive",
	}, s.Subscription.Items[0])
}

func TestParseNotifications(t *testing.T) {
	batch := read(t, "notifications.json")
	require.Len(t, batch.Subscriptions, 1)
	assert.Equal(t, map[string]int{"pay": 1, "paymtd": 1, "rep": 1}, batch.Ignored)
	created := batch.Prices[len(batch.Prices)-1]
	assert.Equal(t, "pri_01hsdn96k2hxjzsq5yerecdj9j", created.ExternalID)
	assert.Equal(t, utc(2024, 3, 20, 10, 7, 35, 590857), created.UpdatedAt, "an entity without times is as old as its event")
	assert.Equal(t, created.UpdatedAt, created.CreatedAt)
}

func TestParseBuyers(t *testing.T) {
	batch := read(t, "buyers.json")
	require.Len(t, batch.Addresses, 5)
	assert.Equal(t, billing.ImportedAddress{
		ExternalID: "add_01hv8wt8ny8ms5vtm71bj8vcdd", ExternalCustomerID: "ctm_01hv8wt8nffez4p2t6typn4a5j",
		Address:   billing.Address{Line1: "1 Hangar Way", City: "Jersey City", PostalCode: "07302", Country: "US"},
		UpdatedAt: utc(2024, 4, 12, 10, 0, 1, 0),
	}, batch.Addresses[0])
	assert.True(t, batch.Addresses[3].Archived)
	assert.Equal(t, []billing.ImportedBusiness{{
		ExternalID: "biz_01hv8gq3318ktkfengj2r75bus", ExternalCustomerID: "ctm_01hv6y1jedq4p1n0yqn5ba3ky4",
		Name: "Skyhigh Charter GmbH", TaxID: "DE123456789", RegistrationNumber: "HRB 12345", UpdatedAt: utc(2024, 4, 12, 10, 0, 1, 0),
	}}, batch.Businesses)
}

func TestParseCatalog(t *testing.T) {
	batch := read(t, "catalog.json")
	require.Len(t, batch.Products, 1)
	assert.Equal(t, "For professional pilots.\nWith route planning.", batch.Products[0].Description)
	require.Len(t, batch.Prices, 2)
	assert.Equal(t, &foyer.Cycle{Interval: foyer.Day, Frequency: 14}, batch.Prices[0].Trial)
	assert.Equal(t, int64(999), batch.Prices[0].QuantityMax)
	yen := batch.Prices[1]
	assert.Equal(t, foyer.Money{Amount: 5000, Currency: "JPY"}, yen.UnitPrice)
	assert.Equal(t, billing.TaxInclusive, yen.TaxBehavior)
	assert.Nil(t, yen.Cycle)
	assert.True(t, yen.Archived)
	require.Len(t, batch.Discounts, 3)
	percent, forever, once := batch.Discounts[0], batch.Discounts[1], batch.Discounts[2]
	assert.Equal(t, foyer.Rate("12.5"), percent.Percent)
	assert.Nil(t, percent.Amount)
	assert.Equal(t, pointer(3), percent.Periods)
	assert.Equal(t, "FLY12", percent.Code)
	assert.Equal(t, &foyer.Money{Amount: 250, Currency: "USD"}, forever.Amount)
	assert.Nil(t, forever.Periods)
	assert.True(t, forever.Archived)
	assert.Equal(t, pointer(1), once.Periods)
}

func TestParseSubscriptions(t *testing.T) {
	batch := read(t, "subscriptions.json")
	require.Len(t, batch.Subscriptions, 5)
	s := batch.Subscriptions[0].Subscription
	assert.Equal(t, billing.SubscriptionPastDue, s.Status)
	assert.Equal(t, int64(43549), s.RecurringTotal, "with tax, from the preview")
	assert.Nil(t, s.NextTotal)
	assert.Equal(t, &billing.ScheduledChange{
		Action: billing.SchedulePause, EffectiveAt: utc(2024, 5, 12, 10, 18, 47, 635628), ResumeAt: pointer(utc(2024, 7, 12, 10, 18, 47, 635628)),
	}, s.ScheduledChange)
	assert.Equal(t, &billing.SubscriptionDiscount{
		ExternalID: "dsc_01h00000000000000000percent", StartsAt: pointer(utc(2024, 4, 12, 10, 18, 47, 635628)),
	}, s.Discount)
	assert.Nil(t, s.NextPayment())

	trial := batch.Subscriptions[1].Subscription
	assert.Equal(t, &foyer.Period{Start: utc(2024, 4, 12, 0, 0, 0, 0), End: utc(2024, 4, 27, 0, 0, 0, 0)}, trial.Trial)
	require.Len(t, trial.Items, 2, "one-time items do not recur")
	assert.Equal(t, int64(2600), trial.Items[0].UnitPrice, "the only override in the subscription's currency")
	assert.Equal(t, int64(3*2600), trial.RecurringTotal)
	assert.False(t, trial.AmountsUnknown)

	previewed := batch.Subscriptions[2].Subscription
	assert.Equal(t, int64(2400), previewed.Items[0].UnitPrice)
	assert.Equal(t, foyer.Rate("0.2"), previewed.Items[0].TaxRate)
	assert.Equal(t, int64(8640), previewed.RecurringTotal)
	assert.Equal(t, pointer(int64(8140)), previewed.NextTotal)
	assert.False(t, previewed.AmountsUnknown)

	unknown := batch.Subscriptions[3].Subscription
	assert.True(t, unknown.AmountsUnknown, "30 USD are not 30 GBP")
	assert.Zero(t, unknown.Items[0].UnitPrice)
	assert.Zero(t, unknown.RecurringTotal)
}

func TestParseRevisedTransaction(t *testing.T) {
	batch := read(t, "revised.json")
	assert.Empty(t, batch.Customers, "a revision shows one invoice, not the customer")
	assert.Empty(t, batch.Addresses)
	assert.Empty(t, batch.Businesses)
	assert.Empty(t, batch.Products, "one-off products stay out of the catalog")
	require.Len(t, batch.Discounts, 1)
	require.Len(t, batch.Refunds, 1)
	p := batch.Payments[0]
	assert.Equal(t, pointer(utc(2024, 6, 3, 7, 40, 38, 0)), p.RevisedAt)
	assert.Equal(t, int64(1785), p.Adjusted)
	assert.Equal(t, "DE999999999", p.Buyer.TaxID)
	assert.Empty(t, p.ExternalAddressID)
	assert.Empty(t, p.ExternalBusinessID)
	assert.Equal(t, "Service", p.Payment.Lines[0].Name)
	assert.Equal(t, "Onboarding", p.Payment.Lines[0].Description)
	assert.Equal(t, "Line one\nLine two", p.Payment.BillingDetails.AdditionalInformation)
	assert.Equal(t, "PO-123", p.Payment.BillingDetails.PurchaseOrderNumber, "an override of text direction is taken out")
	assert.Zero(t, p.Payment.BillingDetails.PaymentTerms.Frequency)

	type attempt struct {
		status billing.AttemptStatus
		code   billing.ErrorCode
		method string
		brand  string
	}
	var got []attempt
	for _, a := range p.Payment.Attempts {
		one := attempt{a.Status, a.ErrorCode, a.MethodType, ""}
		if a.Card != nil {
			one.brand = a.Card.Brand
		}
		got = append(got, one)
	}
	assert.Equal(t, []attempt{
		{billing.AttemptCanceled, "", "card", "unknown"},
		{billing.AttemptCaptured, "", "wire_transfer", ""},
		{billing.AttemptFailed, billing.ErrorUnknown, "paypal", ""},
		{billing.AttemptAuthorized, "", "", ""},
	}, got, "newest first")
}

func TestParseTakesIncludedEntities(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "revised.json"))
	require.NoError(t, err)
	batch, err := paddle.Parse("x", regexp.MustCompile(`"revised_at": "[^"]*"`).ReplaceAll(data, []byte(`"revised_at": null`)))
	require.NoError(t, err)
	assert.Len(t, batch.Customers, 1)
	assert.Len(t, batch.Addresses, 1)
	assert.Len(t, batch.Businesses, 1)
}

func TestParseAdjustments(t *testing.T) {
	batch := read(t, "adjustments.json")
	require.Len(t, batch.Refunds, 6)
	assert.Equal(t, map[string]int{"adj (chargeback warning)": 1}, batch.Ignored)
	assert.Equal(t, billing.ImportedRefund{
		ExternalCustomerID: "ctm_01hv8wt8nffez4p2t6typn4a5j", ExternalPaymentID: "txn_01hv8wptq8987qeep44cyrewp9",
		Refund: billing.Refund{
			ExternalID: "adj_01hw0000000000000000000001", Action: billing.ActionRefund, Status: billing.RefundApproved, Total: 21666, Tax: 1766,
			Lines:     []billing.RefundLine{{LineID: "txnitm_01hv8wt98jahpbm1t1v67vqnb6", Amount: 21666}},
			CreatedAt: utc(2024, 5, 2, 8, 0, 0, 0), UpdatedAt: utc(2024, 5, 2, 9, 0, 0, 123456),
		},
	}, batch.Refunds[0])
	taken := read(t, "chargeback.json").Refunds
	assert.Equal(t, []int64{65215, -65215}, []int64{taken[0].Refund.Total, taken[1].Refund.Total})
}

// TestNothingOfTheMerchantReachesTheBatch looks at every name and every value that comes out of every file: no fee, no
// earnings, no cardholder, no internal text.
func TestNothingOfTheMerchantReachesTheBatch(t *testing.T) {
	secret := regexp.MustCompile(`(?i)fee|earning|payout|cardholder`)
	var walk func(path string, typ reflect.Type, seen map[reflect.Type]bool)
	walk = func(path string, typ reflect.Type, seen map[reflect.Type]bool) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] || typ == reflect.TypeFor[time.Time]() {
			return
		}
		seen[typ] = true
		for f := range typ.NumField() {
			field := typ.Field(f)
			assert.NotRegexp(t, secret, field.Name, path)
			walk(path+"."+field.Name, field.Type, seen)
		}
	}
	walk("ImportBatch", reflect.TypeFor[billing.ImportBatch](), map[reflect.Type]bool{})

	for _, name := range testFiles(t) {
		if filepath.Base(name) == "catalog.json" {
			continue // the catalog keeps descriptions for the merchant
		}
		batch := read(t, filepath.Base(name))
		batch.Products, batch.Prices, batch.Discounts = nil, nil, nil
		raw, err := json.Marshal(batch)
		require.NoError(t, err)
		text := string(raw)
		for _, word := range []string{"3311", "56589", ":87,", ":705,", "1108", "98765", "8885", "McGovern", "Emmerich", "Somebody", "secret@", "internal", "Monthly price for"} {
			assert.NotContains(t, text, word, name)
		}
	}
}

func testFiles(t testing.TB) []string {
	names, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, names)
	return names
}

func TestParseLongDescription(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "transactions.json"))
	require.NoError(t, err)
	batch, err := paddle.Parse("x", []byte(strings.ReplaceAll(string(data), `"AeroEdit Pro"`, `"`+strings.Repeat("日", 300)+`"`)))
	require.NoError(t, err)
	runes := []rune(batch.Payments[0].Payment.Description)
	assert.Len(t, runes, 200)
	assert.Equal(t, '…', runes[199])
}

func TestParseShapes(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "events.json"))
	require.NoError(t, err)
	var list struct {
		Data []json.RawMessage `json:"data"`
	}
	require.NoError(t, json.Unmarshal(data, &list))
	event := string(list.Data[0])
	var inside struct {
		Data json.RawMessage `json:"data"`
	}
	require.NoError(t, json.Unmarshal(list.Data[0], &inside))
	entity := string(inside.Data)

	want, err := paddle.Parse("f", []byte(entity))
	require.NoError(t, err)
	require.Len(t, want.Payments, 1)
	for name, text := range map[string]string{
		"list":                      `{"data": [` + entity + `], "meta": {}}`,
		"single":                    `{"data": ` + entity + `, "meta": {}}`,
		"webhook":                   event,
		"list of events":            `{"data": [` + event + `]}`,
		"event in an envelope":      `{"data": ` + event + `}`,
		"notification":              `{"data": {"id": "ntf_1", "payload": ` + event + `}}`,
		"list without an envelope":  `[` + entity + `]`,
		"events without one either": "\xef\xbb\xbf[" + event + "]\r\n",
	} {
		got, err := paddle.Parse("f", []byte(text))
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
}
