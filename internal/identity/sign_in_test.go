package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	oldSecret = "the-old-secret-that-is-long-enough-0123456789"
	newSecret = "the-new-secret-that-is-long-enough-9876543210"
)

func keyring(t *testing.T, secrets ...string) *foyer.Keyring {
	t.Helper()
	k, err := foyer.NewKeyring(strings.Join(secrets, ","))
	require.NoError(t, err)
	return k
}

func TestSignInUsable(t *testing.T) {
	t.Parallel()
	used := noon.Add(-time.Minute)
	good := SignIn{Customer: "ctm_1", ExpiresAt: noon.Add(time.Minute)}
	for name, c := range map[string]struct {
		change func(*SignIn)
		want   bool
	}{
		"open":              {func(*SignIn) {}, true},
		"a moment left":     {func(s *SignIn) { s.ExpiresAt = noon.Add(time.Microsecond) }, true},
		"ends now":          {func(s *SignIn) { s.ExpiresAt = noon }, false},
		"expired":           {func(s *SignIn) { s.ExpiresAt = noon.Add(-time.Second) }, false},
		"used":              {func(s *SignIn) { s.UsedAt = &used }, false},
		"nobody's":          {func(s *SignIn) { s.Customer = "" }, false},
		"tries used up":     {func(s *SignIn) { s.CodeTries = MaxCodeTries }, true}, // the link lives
		"nobody's and used": {func(s *SignIn) { s.Customer, s.UsedAt = "", &used }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good
			c.change(&s)
			assert.Equal(t, c.want, s.Usable(noon))
		})
	}
}

// The pair is the one of RFC 7636 appendix B.
func TestSignInBoundTo(t *testing.T) {
	t.Parallel()
	const verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	bound := SignIn{CodeChallenge: challenge}
	assert.True(t, bound.BoundTo(verifier))
	assert.False(t, bound.BoundTo(""), "missing")
	assert.False(t, bound.BoundTo(challenge), "plain")
	assert.False(t, bound.BoundTo(verifier+"x"))
	assert.False(t, bound.BoundTo(strings.ToLower(verifier)))
	padded := sha256.Sum256([]byte(verifier))
	assert.False(t, SignIn{CodeChallenge: base64.URLEncoding.EncodeToString(padded[:])}.BoundTo(verifier), "a padded challenge is not S256")
	assert.True(t, SignIn{}.BoundTo(""), "without a challenge every caller fits")
	assert.True(t, SignIn{}.BoundTo(verifier))
}

func TestSecretsAreTheSameEachTimeAndAfterRotation(t *testing.T) {
	t.Parallel()
	s := SignIn{Nonce: newNonce()}
	before := keyring(t, oldSecret)
	s.TokenHash = hashToken(encodeToken(before.MAC(purposeLink, s.Nonce)))
	token, code, ok := s.Secrets(before)
	require.True(t, ok)
	assert.Len(t, token, 43, "256 bits")
	again, codeAgain, ok := s.Secrets(keyring(t, newSecret, oldSecret))
	require.True(t, ok, "the older secret still derives what it made")
	assert.Equal(t, token, again)
	assert.Equal(t, code, codeAgain)
	_, _, ok = s.Secrets(keyring(t, newSecret))
	assert.False(t, ok, "no secret of ours made it")
	assert.NotContains(t, token, base64.RawURLEncoding.EncodeToString(s.Nonce), "the row does not tell the token")
}

func TestCodesAreUniformOverTheAlphabet(t *testing.T) {
	t.Parallel()
	assert.Len(t, codeAlphabet, 30)
	assert.NotContains(t, codeAlphabet, "I")
	counts := map[rune]int{}
	for range 6000 {
		code := spellCode(newNonce())
		require.Len(t, code, codeLength)
		for _, r := range code {
			require.True(t, strings.ContainsRune(codeAlphabet, r))
			counts[r]++
		}
	}
	// 48,000 draws: 1,600 of each expected, standard deviation 39. Six of them away is no chance; modulo bias would make
	// the first 16 characters 12 % likelier, five deviations on average.
	for _, r := range codeAlphabet {
		assert.InDelta(t, 1600, counts[r], 6*39, "%c", r)
	}
}

func TestSpellCodeGoesOnWhenBytesArePassedOver(t *testing.T) {
	t.Parallel()
	all := strings.Repeat("\xff", 32) // 255 is over the largest multiple of 30
	code := spellCode([]byte(all))
	assert.Len(t, code, codeLength)
	assert.Equal(t, code, spellCode([]byte(all)))
}

func TestReadCode(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"ABCD-EFGH", "abcd-efgh", "ABCDEFGH", " abcd efgh ", "a-b-c-d-e-f-g-h", "AbCd EfGh"} {
		assert.Equal(t, "ABCDEFGH", ReadCode(typed), typed)
	}
	assert.Equal(t, "ABCD-EFGH", SpellCode("ABCDEFGH"))
}

func TestTargetValidate(t *testing.T) {
	t.Parallel()
	const sub, pay = "sub_01hzy7v8k9m0n1p2q3r4s5t6v7", "pay_01hzy7v8k9m0n1p2q3r4s5t6v7"
	for _, c := range []struct {
		target Target
		ok     bool
	}{
		{Target{Kind: TargetOverview}, true},
		{Target{Kind: TargetOverview, ID: sub}, false},
		{Target{Kind: TargetSubscription, ID: sub}, true},
		{Target{Kind: TargetCancelSubscription, ID: sub}, true},
		{Target{Kind: TargetUpdatePaymentMethod, ID: sub}, true},
		{Target{Kind: TargetSubscription, ID: pay}, false},
		{Target{Kind: TargetSubscription}, false},
		{Target{Kind: TargetPayment, ID: pay}, true},
		{Target{Kind: TargetPayment, ID: sub}, false},
		{Target{Kind: "elsewhere", ID: sub}, false},
		{Target{}, false},
		{Target{Kind: TargetPayment, ID: "https://evil.test/"}, false},
	} {
		assert.Equal(t, c.ok, c.target.Validate() == nil, "%+v", c.target)
	}
}
