package billing

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
)

var noon = time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)

func ptr[T any](v T) *T { return &v }

// faultsOf are the pointers and codes of a refusal.
func faultsOf(t *testing.T, err error) (out []string) {
	t.Helper()
	if err == nil {
		return nil
	}
	refusal, ok := foyer.AsError(err)
	require.True(t, ok, err)
	for _, f := range refusal.Fields {
		out = append(out, f.Pointer+" "+f.Code)
	}
	return out
}

func TestEverythingAtFaultIsToldAtOnce(t *testing.T) {
	long := strings.Repeat("ä", 1001)
	for _, test := range []struct {
		name string
		err  error
		want []string
	}{
		{"customer", second(Customer{}.Change(CustomerChange{
			Email: ptr("no"), Name: ptr("a\u202e"), Locale: ptr(long), TaxID: ptr(long), ExternalID: ptr(long), Metadata: &foyer.Metadata{"": "x", "b\x00": "x", "c": long},
			Address: &AddressChange{Line1: ptr("\r\n"), Country: ptr("XX")},
		}, noon)), []string{
			"/name input.text_characters", "/locale input.too_long", "/tax_id input.too_long", "/address/country input.country", "/email input.email",
			"/external_id input.too_long", "/metadata input.metadata_key", "/metadata input.text_characters", "/metadata/c input.too_long",
		}},
		{"an address that says nothing", second(CustomerAddress{}.Change(CustomerAddressChange{Description: ptr("x")}, noon)), []string{"/line1 input.required"}},
		{"address", second(CustomerAddress{}.Change(CustomerAddressChange{Address: AddressChange{City: ptr("a\u2028b"), PostalCode: ptr(long)}}, noon)), []string{
			"/city input.text_characters", "/postal_code input.too_long",
		}},
		{"product", second(Product{}.Change(ProductChange{Name: ptr(" "), Description: ptr(long), ImageURL: ptr("http://x.test")}, noon)), []string{
			"/name input.required", "/description input.too_long", "/image_url input.https_url",
		}},
		{"price", second(Price{
			Name: long, UnitPrice: foyer.Money{Amount: -1, Currency: "EU"}, Cycle: &foyer.Cycle{}, Trial: &foyer.Cycle{Interval: "aeon", Frequency: 1}, TaxRate: "2",
			TaxBehavior: "both", QuantityMin: 3, QuantityMax: 2,
		}.checked()), []string{
			"/name input.too_long", "/unit_price/currency input.currency", "/unit_price/amount input.invalid", "/billing_cycle input.invalid", "/trial input.invalid",
			"/tax_rate input.invalid", "/tax_behavior input.enum", "/quantity input.quantity",
		}},
		{"discount of both kinds", second(Discount{Type: DiscountPercent, Percent: "0", Amount: &foyer.Money{}, Code: "a b", Periods: ptr(0)}.checked()), []string{
			"/code input.pattern", "/percent input.invalid", "/amount input.not_together", "/periods input.invalid",
		}},
		{"discount of no kind", second(Discount{}.checked()), []string{"/type input.enum"}},
		{"fixed discount", second(Discount{Type: DiscountFixed, Amount: &foyer.Money{Amount: 1, Currency: "eur"}, Percent: "5"}.checked()), []string{
			"/amount/currency input.currency", "/percent input.not_together",
		}},
	} {
		assert.Equal(t, test.want, faultsOf(t, test.err), test.name)
	}
}

func second[T any](_ T, err error) error { return err }

// What is no change leaves the version alone; what is one counts it.
func TestChangesCountVersions(t *testing.T) {
	product := Product{Name: "P", Version: 4, Metadata: foyer.Metadata{"a": "b"}}
	for change, want := range map[*ProductChange]int64{
		{}:                                        4,
		{Name: ptr(" P ")}:                        4,
		{Metadata: &foyer.Metadata{"a": "b"}}:     4,
		{Description: ptr("")}:                    4,
		{Metadata: &foyer.Metadata{}}:             5,
		{Metadata: new(foyer.Metadata)}:           5,
		{ImageURL: ptr("https://x.test/i.png")}:   5,
		{Name: ptr("Q"), Description: ptr("two")}: 5,
	} {
		got, err := product.Change(*change, noon)
		require.NoError(t, err)
		assert.Equal(t, want, got.Version, change)
		assert.Equal(t, want == 5, got.UpdatedAt.Equal(noon))
	}
	assert.Equal(t, "b", product.Metadata["a"], "the one before is as it was")
	assert.EqualValues(t, 5, product.Archive(noon).Version)
	assert.EqualValues(t, 5, product.Archive(noon).Archive(noon).Version)
	price := Price{QuantityMax: MaxQuantity + 1, Version: 1} // imported
	named, err := price.Change(PriceChange{Name: ptr("n")}, noon)
	require.NoError(t, err, "what an import brought is nobody's mistake now")
	assert.EqualValues(t, MaxQuantity+1, named.QuantityMax)
	assert.Equal(t, []string{"/quantity input.quantity"}, faultsOf(t, second(price.Change(PriceChange{Quantity: &Quantity{Max: MaxQuantity + 1}}, noon))))
}

func TestShownURL(t *testing.T) {
	for text, want := range map[string]bool{
		"https://x.test": true, "https://x.test/a.png?b=c#d": true, "https://münchen.test/ü": true, "https://x.test:8443/": true,
		"http://x.test": false, "HTTPS://": false, "https:": false, "https:x.test": false, "https:///x": false, "//x.test": false, "/x": false, "": false,
		"https://u:p@x.test": false, "https://u@x.test": false, "javascript:alert(1)": false, "data:text/html,x": false, "https:/\\x.test": false,
		"https://x.test/\\": false, "https://x.test/ y": false, "https://x.test/\"": false, "https://x.test/<": false, "https://x.test:port/": false, "https://:443/": false,
	} {
		assert.Equal(t, want, shownURL(text), text)
	}
}

// FollowCustomer keeps the default address the customer's own, whatever there was before.
func TestFollowCustomer(t *testing.T) {
	ids := func(p foyer.Prefix) string { return string(p) + "_new" }
	here, there := Address{City: "Here"}, Address{City: "There"}
	kept := &CustomerAddress{ID: "add_1", Address: here, Description: "d", Default: true, Version: 3}
	for _, test := range []struct {
		name    string
		own     Address
		current *CustomerAddress
		want    *CustomerAddress
	}{
		{"none and none", Address{}, nil, nil},
		{"the same", here, kept, nil},
		{"the first", here, nil, &CustomerAddress{ID: "add_new", Address: here, Default: true, CreatedAt: noon, UpdatedAt: noon, Version: 1}},
		{"another", there, kept, &CustomerAddress{ID: "add_1", Address: there, Description: "d", Default: true, UpdatedAt: noon, Version: 4}},
		{"none any more", Address{}, kept, &CustomerAddress{ID: "add_1", Address: here, Description: "d", UpdatedAt: noon, Version: 4}},
	} {
		got, write := FollowCustomer(Customer{Address: test.own}, test.current, ids, noon)
		assert.Equal(t, test.want != nil, write, test.name)
		if test.want != nil {
			assert.Equal(t, *test.want, got, test.name)
		}
	}
}

func TestTheDefaultAddressStays(t *testing.T) {
	address := CustomerAddress{Address: Address{City: "Bonn"}, Default: true, Version: 1}
	_, err := address.Archive(noon)
	require.ErrorIs(t, err, foyer.Conflict)
	_, err = address.Change(CustomerAddressChange{Default: ptr(false)}, noon)
	require.ErrorIs(t, err, foyer.Conflict)
	address.Default = false
	archived, err := address.Archive(noon)
	require.NoError(t, err)
	assert.Equal(t, []any{true, int64(2)}, []any{archived.Archived, archived.Version})
	_, err = archived.Change(CustomerAddressChange{Default: ptr(true)}, noon)
	require.ErrorIs(t, err, foyer.Conflict)
	same, err := archived.Change(CustomerAddressChange{Default: ptr(false)}, noon)
	require.NoError(t, err)
	assert.Equal(t, archived, same)
}
