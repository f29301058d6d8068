package stripe

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/foyer"
)

func TestAmountsInStripesUnits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ours foyer.Money
		want int64
		can  bool
	}{
		"cents":                            {foyer.Money{Amount: 1999, Currency: "EUR"}, 1999, true},
		"yen have none":                    {foyer.Money{Amount: 3200, Currency: "JPY"}, 3200, true},
		"fils, the last one 0":             {foyer.Money{Amount: 11550, Currency: "BHD"}, 11550, true},
		"fils Stripe can't take":           {foyer.Money{Amount: 11555, Currency: "BHD"}, 11555, false},
		"krónur have two for old times":    {foyer.Money{Amount: 500, Currency: "ISK"}, 50000, true},
		"Uganda's shillings too":           {foyer.Money{Amount: 5, Currency: "UGX"}, 500, true},
		"ariary are sent whole":            {foyer.Money{Amount: 500, Currency: "MGA"}, 5, true},
		"an ariary's part can't be sent":   {foyer.Money{Amount: 505, Currency: "MGA"}, 505, false},
		"nothing is no charge":             {foyer.Money{Amount: 0, Currency: "EUR"}, 0, false},
		"less than nothing neither":        {foyer.Money{Amount: -1, Currency: "EUR"}, -1, false},
		"more krónur than fit":             {foyer.Money{Amount: 1 << 62, Currency: "ISK"}, 0, false},
		"forint have two, whatever payout": {foyer.Money{Amount: 12345, Currency: "HUF"}, 12345, true},
	} {
		got, can := toStripe(c.ours)
		assert.Equal(t, c.can, can, name)
		if can {
			assert.Equal(t, c.want, got, name)
		}
	}
	for _, m := range []foyer.Money{{Amount: 1999, Currency: "EUR"}, {Amount: 500, Currency: "ISK"}, {Amount: 500, Currency: "MGA"}, {Amount: 11550, Currency: "BHD"}} {
		sent, can := toStripe(m)
		assert.True(t, can)
		back, known := fromStripe(sent, sdk.Currency(strings.ToLower(string(m.Currency))))
		assert.True(t, known)
		assert.Equal(t, m, back)
	}
	_, known := fromStripe(1, "no")
	assert.False(t, known)
}
