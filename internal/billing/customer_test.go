package billing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Threats #37, #38; CVE-2022-35924, CVE-2025-59937.
func TestOnlyOnePlainAddressIsValid(t *testing.T) {
	for _, good := range []string{
		"mia@mailbox.test", "Mia.Okafor+billing@mail-box.example.com", "o'brien@x.test", "a@b.co", "1@2.test", "m_i-a@x.test", "mia@bücher.example", "用户@例子.example",
		strings.Repeat("a", 64) + "@x.test", "a@" + strings.Repeat("b", 63) + ".test",
	} {
		assert.True(t, billing.ValidEmail(good), good)
	}
	for _, bad := range []string{
		"", "@", "mia", "mia@", "@x.test", "mia@x", "mia@x.", "mia@.test", "mia@x..test", "mia@-x.test", "mia@x-.test", "a@b@c.test",
		"a@x.test,b@y.test", "a@x.test;b@y.test", "<a@x.test>", "A <a@x.test>", `"a@evil.test"@x.test`, `"a"@x.test`, "a@x.test(comment)", "(c)a@x.test", "a@[127.0.0.1]",
		"a@[IPv6:::1]", "undisclosed:;", "a b@x.test", " a@x.test", "a@x.test ", "a@x.test\n", "a@x.test\r\nBcc: v@x.test", "a\x00@x.test", "a@x\x00.test", "a\u202e@x.test",
		"a@x.te st", "a@x_y.test", "a@x/y.test", "a@x.test?subject=x", "mailto:a@x.test", "a@x\xff.test", ".a@x.test", "a.@x.test", "a..b@x.test", `a\@x.test`,
		strings.Repeat("a", 65) + "@x.test", "a@" + strings.Repeat("b", 64) + ".test", "a@" + strings.Repeat("b.", 130) + "test", "=?utf-8?q?a?=@x.test\t",
	} {
		assert.False(t, billing.ValidEmail(bad), "%q", bad)
	}
}

func TestTheKeyOfAnAddressFoldsLetterCaseAndNothingElse(t *testing.T) {
	assert.Equal(t, billing.EmailKey("Mia@Mailbox.TEST"), billing.EmailKey("mia@mailbox.test"))
	for _, other := range []string{"m.ia@mailbox.test", "mia+1@mailbox.test", "mía@mailbox.test", "miа@mailbox.test", "ｍia@mailbox.test", "mia@mailbox.test.", "mia @mailbox.test"} {
		assert.NotEqual(t, billing.EmailKey("mia@mailbox.test"), billing.EmailKey(other), other)
	}
}

func text(s string) *string { return &s }

func TestACustomerChangesWhatIsGivenAndNothingElse(t *testing.T) {
	before := billing.Customer{
		ID: "ctm_1", Email: "mia@mailbox.test", Name: "Mia", Company: "Ltd", TaxID: "IE1", Version: 3,
		Address: billing.Address{Line1: "1 Street", City: "Dublin", Country: "IE"}, UpdatedAt: time.Unix(0, 0),
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 1999, time.FixedZone("", 3600))
	after, err := before.Change(billing.CustomerChange{Company: text(""), Address: &billing.AddressChange{City: text(" Cork ")}}, now)
	require.NoError(t, err)
	want := before
	want.Company, want.Address.City, want.Version, want.UpdatedAt = "", "Cork", 4, time.Date(2026, 3, 1, 11, 0, 0, 1000, time.UTC)
	assert.Equal(t, want, after)
	cleared, err := before.Change(billing.CustomerChange{Address: &billing.AddressChange{Clear: true, Country: text("DE")}}, now)
	require.NoError(t, err)
	assert.Equal(t, billing.Address{Country: "DE"}, cleared.Address)
	assert.Equal(t, "Dublin", before.Address.City, "the one before is left alone")
}

func TestAChangeNamesEveryFaultAtOnce(t *testing.T) {
	long := text(strings.Repeat("ä", 201))
	_, err := billing.Customer{}.Change(billing.CustomerChange{
		Name: long, Company: text("a\x00b"), TaxID: text(strings.Repeat("1", 65)), Locale: text(strings.Repeat("a", 36)),
		Address: &billing.AddressChange{Line1: text("\u202e"), Line2: long, City: text("\n"), Region: long, PostalCode: text(strings.Repeat("1", 21)), Country: text("UK")},
	}, time.Now())
	require.ErrorIs(t, err, foyer.Invalid)
	var refusal *foyer.Error
	require.ErrorAs(t, err, &refusal)
	got := map[string]string{}
	for _, f := range refusal.Fields {
		got[f.Pointer] = f.Code
	}
	assert.Equal(t, map[string]string{
		"/name": "input.too_long", "/company": "input.text_characters", "/tax_id": "input.too_long", "/locale": "input.too_long",
		"/address/line1": "input.text_characters", "/address/line2": "input.too_long", "/address/region": "input.too_long",
		"/address/postal_code": "input.too_long", "/address/country": "input.country",
	}, got, "a line break around a text is trimmed like a blank")
	_, err = billing.Customer{}.Change(billing.CustomerChange{Name: text(strings.Repeat("ä", 200))}, time.Now())
	assert.NoError(t, err, "characters are counted, not bytes")
}
