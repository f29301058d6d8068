package retention_test

import (
	"math/rand"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/retention"
)

// memberStates is written down a second time, by name, as https://european-union.europa.eu lists them.
var memberStates = map[string]foyer.Country{
	"Austria": "AT", "Belgium": "BE", "Bulgaria": "BG", "Croatia": "HR", "Cyprus": "CY", "Czechia": "CZ", "Denmark": "DK",
	"Estonia": "EE", "Finland": "FI", "France": "FR", "Germany": "DE", "Greece": "GR", "Hungary": "HU", "Ireland": "IE", "Italy": "IT",
	"Latvia": "LV", "Lithuania": "LT", "Luxembourg": "LU", "Malta": "MT", "Netherlands": "NL", "Poland": "PL", "Portugal": "PT",
	"Romania": "RO", "Slovakia": "SK", "Slovenia": "SI", "Spain": "ES", "Sweden": "SE",
}

func TestEveryMemberStateHasTheUnionsLaw(t *testing.T) {
	t.Parallel()
	require.Len(t, memberStates, 27)
	union := []foyer.Country{"IS", "LI", "NO", "AX", "GF", "GP", "MF", "MQ", "RE", "YT"}
	for name, country := range memberStates {
		union = append(union, country)
		want := retention.ProfileEU
		switch country {
		case "DE":
			want = retention.ProfileDE
		case "FR":
			want = retention.ProfileFR
		}
		assert.Equal(t, want, retention.ProfileOf(country, "").ID, name)
	}
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			country := foyer.Country([]rune{a, b})
			assert.Equal(t, slices.Contains(union, country), retention.ProfileOf(country, "").WithdrawalFunction, country)
		}
	}
}

func TestTheProfileIsTheCustomersCountrysAndRegions(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		country foyer.Country
		region  string
		want    retention.ProfileID
	}{
		{"DE", "", retention.ProfileDE},
		{"DE", "CA", retention.ProfileDE},
		{"FR", "Bretagne", retention.ProfileFR},
		{"RE", "", retention.ProfileFR},
		{"AT", "Wien", retention.ProfileEU},
		{"NO", "", retention.ProfileEU},
		{"LI", "", retention.ProfileEU},
		{"IS", "", retention.ProfileEU},
		{"GB", "", retention.ProfileUK},
		{"US", "CA", retention.ProfileUSCA},
		{"US", " us-ca ", retention.ProfileUSCA},
		{"US", "california", retention.ProfileUSCA},
		{"US", "", retention.ProfileUS},
		{"US", "NY", retention.ProfileUS},
		{"US", "Baja California", retention.ProfileUS},
		{"CA", "CA", retention.ProfileElsewhere},
		{"CH", "", retention.ProfileElsewhere},
		{"JP", "", retention.ProfileElsewhere},
		{"", "", retention.ProfileElsewhere},
		{"ZZ", "California", retention.ProfileElsewhere},
	} {
		assert.Equal(t, row.want, retention.ProfileOf(row.country, row.region).ID, "%s %s", row.country, row.region)
	}
}

func TestWhatEachProfileDemands(t *testing.T) {
	t.Parallel()
	type demands struct {
		offers, days    int
		free, elevenA   bool
		language        string
		buttons, notice int
	}
	expected := map[retention.ProfileID]demands{
		retention.ProfileDE:        {offers: 1, days: 14, free: true, elevenA: true, language: "de", buttons: 4},
		retention.ProfileFR:        {offers: 1, days: 14, free: true, elevenA: true, language: "fr", buttons: 4},
		retention.ProfileEU:        {offers: 1, days: 14, elevenA: true, buttons: 2},
		retention.ProfileUK:        {offers: 2, days: 14},
		retention.ProfileUSCA:      {offers: 2, notice: 3},
		retention.ProfileUS:        {offers: 2, notice: 2},
		retention.ProfileElsewhere: {offers: 2},
	}
	require.Len(t, retention.Profiles, len(expected))
	assert.True(t, slices.IsSortedFunc(retention.Profiles, func(a, b retention.LegalProfile) int { return strings.Compare(string(a.ID), string(b.ID)) }))
	for _, p := range retention.Profiles {
		actual := demands{p.MaxOffers, p.WithdrawalDays, p.LoginFreeExit, p.WithdrawalFunction, p.StatutoryLanguage, len(p.Buttons), len(p.Notices)}
		assert.Equal(t, expected[p.ID], actual, p.ID)
		assert.True(t, p.CancelNowAlways, p.ID)
		assert.True(t, p.Receipt, p.ID)
		assert.NotEmpty(t, p.Sources, p.ID)
		for _, source := range p.Sources {
			assert.Greater(t, len(source), 10, p.ID)
		}
		for _, n := range p.Notices {
			assert.NotEmpty(t, n.Source, n)
			assert.True(t, strings.HasPrefix(n.Region, "US-"), n)
			assert.GreaterOrEqual(t, n.Earliest, n.Latest, n)
		}
	}
}

func TestAButtonHasTheWordsOfTheLawOfItsCountry(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		country        foyer.Country
		reader         string
		button         retention.Button
		language, text string
	}{
		{"DE", "en", retention.ButtonCancel, "de", "Verträge hier kündigen"},
		{"DE", "de", retention.ButtonConfirmCancel, "de", "jetzt kündigen"},
		{"DE", "de", retention.ButtonWithdraw, "de", "Vertrag widerrufen"},
		{"DE", "de", retention.ButtonConfirmWithdraw, "de", "Widerruf bestätigen"},
		{"FR", "en", retention.ButtonCancel, "fr", "Résilier votre contrat"},
		{"FR", "fr", retention.ButtonConfirmCancel, "fr", "Notification de la résiliation"},
		{"MQ", "fr", retention.ButtonWithdraw, "fr", "Renoncer au contrat ici"},
		{"AT", "en", retention.ButtonWithdraw, "de", "Vertrag widerrufen"},
		{"IT", "de", retention.ButtonConfirmWithdraw, "it", "Conferma recesso"},
		{"BE", "fr", retention.ButtonWithdraw, "fr", "Renoncer au contrat ici"},
		{"BE", "en", retention.ButtonWithdraw, "nl", "Hier de overeenkomst herroepen"},
		{"FI", "sv", retention.ButtonConfirmWithdraw, "sv", "Bekräfta frånträde"},
		{"IE", "ga", retention.ButtonWithdraw, "ga", "Tarraing siar ón gconradh anseo"},
		{"NO", "no", retention.ButtonWithdraw, "en", "Withdraw from contract here"},
		{"LI", "", retention.ButtonConfirmWithdraw, "de", "Widerruf bestätigen"},
	} {
		got, ok := retention.ProfileOf(row.country, "").Wording(row.button, row.country, row.reader)
		assert.True(t, ok, row)
		assert.Equal(t, retention.Wording{Language: row.language, Text: row.text}, got, row)
	}
	for _, country := range []foyer.Country{"AT", "GB", "US", "CH", ""} {
		_, ok := retention.ProfileOf(country, "").Wording(retention.ButtonCancel, country, "de")
		assert.False(t, ok, "%s has no statutory words for canceling", country)
	}
}

func TestEveryStatutoryButtonHasAText(t *testing.T) {
	t.Parallel()
	spoken := map[string]bool{}
	for _, country := range memberStates {
		p := retention.ProfileOf(country, "")
		for _, button := range p.Buttons {
			for _, reader := range []string{"", "en", "fr", "de", "sv", "ga"} {
				words, ok := p.Wording(button, country, reader)
				assert.True(t, ok && words.Text != "" && words.Language != "", "%s %s %s", country, button, reader)
				spoken[words.Language] = true
			}
		}
	}
	assert.Len(t, spoken, 24, "each official language of the Union is some member state's")
	for _, button := range retention.StatutoryButtons {
		for _, language := range []string{"en", "de"} {
			assert.True(t, i18n.Locale{Tag: language, Language: language}.HasText(button.TextKey()), button)
		}
	}
}

func TestNoWishMakesTheLawLaxer(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewSource(5))
	for range 20_000 {
		p := retention.Profiles[random.Intn(len(retention.Profiles))]
		var w retention.LegalWishes
		if n := random.Intn(40) - 10; random.Intn(3) > 0 {
			w.MaxOffers = &n
		}
		if n := random.Intn(60) - 20; random.Intn(3) > 0 {
			w.WithdrawalDays = &n
		}
		if free := random.Intn(2) == 0; random.Intn(3) > 0 {
			w.LoginFreeExit = &free
		}
		got := p.Tightened(w)
		require.True(t, got.MaxOffers >= 0 && got.MaxOffers <= p.MaxOffers, "%v %v", p.ID, got.MaxOffers)
		require.GreaterOrEqual(t, got.WithdrawalDays, p.WithdrawalDays)
		require.True(t, got.LoginFreeExit || !p.LoginFreeExit)
		require.Equal(t, got, got.Tightened(w), "the same wish twice")
		got.MaxOffers, got.WithdrawalDays, got.LoginFreeExit = p.MaxOffers, p.WithdrawalDays, p.LoginFreeExit
		require.Equal(t, p, got, "nothing else is touched")
	}
}

func TestAWishForMoreThanTheLawIsKept(t *testing.T) {
	t.Parallel()
	none, month, free := 0, 30, true
	got := retention.ProfileOf("US", "NY").Tightened(retention.LegalWishes{MaxOffers: &none, WithdrawalDays: &month, LoginFreeExit: &free})
	assert.Zero(t, got.MaxOffers)
	assert.Equal(t, 30, got.WithdrawalDays)
	assert.True(t, got.LoginFreeExit)
}
