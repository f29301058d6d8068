package httpapi_test

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/store"
)

type fields = map[string]any

func segment(v any) string {
	raw, ok := v.(string)
	if !ok {
		b, _ := json.Marshal(v)
		raw = string(b)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(raw))
}

// jws builds a token from a header and claims (maps, or JSON as it is), signed by sign.
func jws(header, claims any, sign func(input string) []byte) string {
	input := segment(header) + "." + segment(claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(sign(input))
}

func eddsa(key ed25519.PrivateKey) func(string) []byte {
	return func(input string) []byte { return ed25519.Sign(key, []byte(input)) }
}

func mac(hash func() hash.Hash, key []byte) func(string) []byte {
	return func(input string) []byte {
		h := hmac.New(hash, key)
		h.Write([]byte(input))
		return h.Sum(nil)
	}
}

// forge is what an attacker who had everything could start from: a real token taken apart, and the key that signed it.
type forge struct {
	key    identity.SigningKey
	header fields
	claims fields
}

func newForge(t testing.TB, a *foyertest.App, token string) forge {
	t.Helper()
	keys, err := a.Store.SigningKeys(context.Background())
	require.NoError(t, err)
	parts := strings.Split(token, ".")
	require.Len(t, parts, 3)
	f := forge{key: keys[0]}
	for i, into := range []*fields{&f.header, &f.claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, into))
	}
	return f
}

// changed is a copy of a map with pairs set; nil removes.
func changed(m fields, pairs ...any) fields {
	m = maps.Clone(m)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == nil {
			delete(m, pairs[i].(string))
			continue
		}
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

func (f forge) with(header, claims any) string { return jws(header, claims, eddsa(f.key.Private)) }

func TestAccessTokenSaysWhatTheContractSays(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, store.SQLite)
	m, client := signedIn(t, a)
	f := newForge(t, a, client.Token)
	assert.Equal(t, fields{"alg": "EdDSA", "typ": "at+jwt", "kid": f.key.ID}, f.header)
	me := client.Get("/v1/me").Must(http.StatusOK)
	assert.Equal(t, "https://billing.test", f.claims["iss"])
	assert.Equal(t, "foyer:portal", f.claims["aud"])
	assert.Equal(t, me.Text("id"), f.claims["sub"])
	assert.Equal(t, string(m.ID), f.claims["mer"])
	assert.Equal(t, client.Session, f.claims["sid"])
	assert.Equal(t, "read write", f.claims["scope"])
	assert.Equal(t, 600, int(f.claims["exp"].(float64)-f.claims["iat"].(float64)))
	assert.Equal(t, f.claims["iat"], f.claims["auth_time"])
	assert.NotEmpty(t, f.claims["jti"])
	assert.NotContains(t, fmt.Sprint(f.claims), "@", "no personal data")
	assert.True(t, works(t, a, f.with(f.header, f.claims)), "the forge forges: what follows is refused for its one fault")
}

// RFC 8725 §3.1, §3.9–§3.11. Mutants: without the check of typ the rows "typ …" get in, without strict decoding those of
// the last character's bits. Without WithValidMethods none does: the key's type is a second wall behind it.
func TestForgedAccessTokens(t *testing.T) {
	t.Parallel()
	var fetched atomic.Int64
	canary := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { fetched.Add(1) }))
	t.Cleanup(canary.Close)
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, client := signedIn(t, a)
		f := newForge(t, a, client.Token)
		now := a.Clock.Now().Unix()
		none := func(string) []byte { return nil }
		public := f.key.Public
		der, err := x509.MarshalPKIXPublicKey(public)
		require.NoError(t, err)
		jwks := a.Client(t).Get("/.well-known/jwks.json").Must(http.StatusOK)
		jwk, err := json.Marshal(jwks.At("keys.0"))
		require.NoError(t, err)
		mine, theirs, err := ed25519.GenerateKey(nil)
		require.NoError(t, err)
		parts := strings.Split(client.Token, ".")
		id, mail := mailed(t, a, m, "mia@mailbox.test")

		tokens := map[string]string{
			"empty parts":       "..",
			"two parts":         parts[0] + "." + parts[1],
			"four parts":        client.Token + ".x",
			"no signature":      parts[0] + "." + parts[1] + ".",
			"padding":           client.Token + "==",
			"padding inside":    parts[0] + "=." + parts[1] + "." + parts[2],
			"standard alphabet": parts[0] + "." + parts[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(parts[2]) + "+",
			"8,000 dots":        strings.Repeat(".", 8000),
			"not JSON":          jws("x", f.claims, eddsa(f.key.Private)),
			"refresh token":     client.Refresh,
			"link token":        foyertest.LinkToken(mail),
			"code":              foyertest.Code(mail),
			"sign-in id":        id,
			"session id":        client.Session,
			"API key":           "fsk_sandbox_" + strings.Repeat("x", 40),
			"other key":         f.with(f.header, f.claims)[:40] + jws(f.header, f.claims, eddsa(theirs))[40:],
			"claims swapped":    parts[0] + "." + segment(changed(f.claims, "sub", "ctm_01hzy7v8k9m0n1p2q3r4s5t6v7")) + "." + parts[2],
		}
		for i, bit := range []byte{1, 2, 4, 8} { // the bits of the last character that carry nothing
			const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
			last := strings.IndexByte(alphabet, client.Token[len(client.Token)-1])
			tokens[fmt.Sprintf("last character, bit %d", i)] = client.Token[:len(client.Token)-1] + string(alphabet[last^int(bit)])
		}
		for _, alg := range []any{"none", "None", "NONE", "nOnE", "", nil, 0, []string{"EdDSA"}} {
			tokens[fmt.Sprintf("alg %v unsigned", alg)] = jws(changed(f.header, "alg", alg), f.claims, none)
			tokens[fmt.Sprintf("alg %v signed", alg)] = f.with(changed(f.header, "alg", alg), f.claims)
		}
		for name, key := range map[string][]byte{
			"PEM": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), "DER": der, "raw": public, "JWK": jwk, "JWKS": jwks.Body,
			"x": []byte(base64.RawURLEncoding.EncodeToString(public)), "empty": nil, "kid": []byte(f.key.ID),
		} {
			tokens["HS256 "+name] = jws(changed(f.header, "alg", "HS256"), f.claims, mac(sha256.New, key))
			tokens["HS384 "+name] = jws(changed(f.header, "alg", "HS384"), f.claims, mac(sha512.New384, key))
			tokens["HS512 "+name] = jws(changed(f.header, "alg", "HS512"), f.claims, mac(sha512.New, key))
			tokens["EdDSA with HMAC "+name] = jws(f.header, f.claims, mac(sha256.New, key))
		}
		for _, kid := range []any{
			"", nil, "../../dev/null", "/dev/null", "' OR 1=1--", "x' UNION SELECT 'y", "\x00", f.key.ID + "\x00", strings.Repeat("k", 10_000),
			[]string{f.key.ID},
			fields{"a": 1},
			7, true, strings.ToUpper(f.key.ID), canary.URL,
		} {
			name := fmt.Sprintf("kid %.20v", kid)
			tokens[name] = f.with(changed(f.header, "kid", kid), f.claims)
			tokens[name+" empty HMAC"] = jws(changed(f.header, "kid", kid, "alg", "HS256"), f.claims, mac(sha256.New, nil))
		}
		theirJWK := fields{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(mine)}
		for name, header := range map[string]fields{
			"jku":          changed(f.header, "jku", canary.URL+"/jwks.json"),
			"jku, no kid":  changed(f.header, "jku", canary.URL+"/jwks.json", "kid", nil),
			"x5u":          changed(f.header, "x5u", canary.URL+"/cert.pem"),
			"jwk":          changed(f.header, "jwk", theirJWK),
			"jwk, no kid":  changed(f.header, "jwk", theirJWK, "kid", nil),
			"x5c":          changed(f.header, "x5c", []string{base64.StdEncoding.EncodeToString(der)}),
			"jku as kid":   changed(f.header, "kid", canary.URL),
			"their own id": changed(f.header, "kid", "theirs"),
		} {
			tokens[name] = jws(header, f.claims, eddsa(theirs))
		}
		for name, header := range map[string]any{
			"crit":               changed(f.header, "crit", []string{"exp"}),
			"crit b64":           changed(f.header, "crit", []string{"b64"}, "b64", false),
			"crit empty":         changed(f.header, "crit", []string{}),
			"typ JWT":            changed(f.header, "typ", "JWT"),
			"typ missing":        changed(f.header, "typ", nil),
			"typ id":             changed(f.header, "typ", "id+jwt"),
			"typ list":           changed(f.header, "typ", []string{"at+jwt"}),
			"alg of another key": changed(f.header, "alg", "ES256"),
		} {
			tokens[name] = f.with(header, f.claims)
		}
		plain, err := json.Marshal(changed(f.claims, "exp", nil))
		require.NoError(t, err)
		withExp := func(exp string) string { return strings.TrimSuffix(string(plain), "}") + `,"exp":` + exp + `}` }
		for name, claims := range map[string]any{
			"iss of another":    changed(f.claims, "iss", "https://evil.test"),
			"iss with slash":    changed(f.claims, "iss", "https://billing.test/"),
			"iss missing":       changed(f.claims, "iss", nil),
			"aud of another":    changed(f.claims, "aud", "foyer:merchant"),
			"aud missing":       changed(f.claims, "aud", nil),
			"aud empty":         changed(f.claims, "aud", []string{}),
			"aud list":          changed(f.claims, "aud", []string{"foyer:merchant", "evil"}),
			"aud number":        changed(f.claims, "aud", 7),
			"sub missing":       changed(f.claims, "sub", nil),
			"mer missing":       changed(f.claims, "mer", nil),
			"sid missing":       changed(f.claims, "sid", nil),
			"expired":           changed(f.claims, "exp", now-1),
			"long expired":      changed(f.claims, "exp", now-86400),
			"exp missing":       string(plain),
			"exp 0":             withExp("0"),
			"exp negative":      withExp("-1"),
			"exp null":          withExp("null"),
			"exp text":          withExp(fmt.Sprintf(`"%d"`, now+600)),
			"exp 1e400":         withExp("1e400"),
			"exp NaN":           withExp("NaN"),
			"exp list":          withExp("[9999999999]"),
			"exp true":          withExp("true"),
			"iat missing":       changed(f.claims, "iat", nil),
			"iat in the future": changed(f.claims, "iat", now+90, "exp", now+600),
			"iat far away":      changed(f.claims, "iat", now+86400*365, "exp", now+86400*366),
			"nbf in the future": changed(f.claims, "nbf", now+90),
			"no JSON object":    "[]",
			"claims null":       "null",
		} {
			tokens[name] = f.with(f.header, claims)
		}
		attacker := a.Client(t)
		want := withoutID(t, attacker.Get("/v1/me", "Authorization", "Bearer nonsense").Refused(http.StatusUnauthorized, "auth.invalid"))
		for name, token := range tokens {
			var answer *foyertest.Answer
			fastest := time.Hour
			for range 3 { // the fastest of three: others share the machine
				started := time.Now()
				answer = attacker.Get("/v1/me", "Authorization", "Bearer "+token)
				fastest = min(fastest, time.Since(started))
			}
			if !assert.Equal(t, http.StatusUnauthorized, answer.Status, "%s: %s", name, answer.Body) {
				continue
			}
			assert.Equal(t, want, withoutID(t, answer), name)
			assert.Equal(t, `Bearer realm="foyer", error="invalid_token"`, answer.Header.Get("WWW-Authenticate"), name)
			assert.Less(t, fastest, 250*time.Millisecond, name)
		}
		assert.Zero(t, fetched.Load(), "no key is fetched from where a token says")
		assert.True(t, works(t, a, f.with(f.header, changed(f.claims, "iat", now+40))), "clocks differ a little")
		assert.True(t, works(t, a, client.Token))
	})
}

func TestManyDotsAreRefusedFast(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, store.SQLite)
	fastest := time.Hour
	for range 5 {
		started := time.Now()
		a.Client(t).Get("/v1/me", "Authorization", "Bearer "+strings.Repeat(".", 100_000)).Refused(http.StatusUnauthorized, "auth.invalid")
		fastest = min(fastest, time.Since(started))
	}
	assert.Less(t, fastest, 250*time.Millisecond) // CVE-2025-30204
}

// RFC 9110 §11.1: the scheme's letter case does not count. Anything but one header with one token is refused.
func TestAuthorizationHeader(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, store.SQLite)
	_, client := signedIn(t, a)
	token := client.Token
	get := func(headers ...string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+"/v1/me", http.NoBody)
		require.NoError(t, err)
		req.Header["Authorization"] = headers
		res, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		return res.StatusCode
	}
	assert.Equal(t, http.StatusOK, get("Bearer "+token))
	assert.Equal(t, http.StatusOK, get("bearer "+token))
	for _, headers := range [][]string{
		{},
		{""},
		{"Bearer"},
		{"Bearer "},
		{token},
		{"Basic " + token},
		{"Bearer  " + token},
		{"Bearer\t" + token},
		{"Bearer " + token + ", Bearer " + token},
		{"Bearer " + token, "Bearer " + token},
		{"Bearer " + token, "Basic x"},
		{"Bearer " + token + " x"},
		{"Bearer \"" + token + "\""},
		{"DPoP " + token},
	} {
		assert.Equal(t, http.StatusUnauthorized, get(headers...), "%q", headers)
	}
	anonymous := a.Client(t)
	anonymous.Get("/v1/me").Refused(http.StatusUnauthorized, "auth.required")
	for _, path := range []string{"/v1/me?access_token=" + token, "/v1/me?token=" + token} {
		anonymous.Get(path).Must(http.StatusUnauthorized) // never in a URL (ASVS 14.2.1)
	}
	anonymous.Get("/v1/me", "Cookie", "access_token="+token+"; Authorization="+token).Refused(http.StatusUnauthorized, "auth.required")
}

// Old tokens live until they expire, new ones are taken at once by a process that has never seen the key, and the old key
// leaves the JWKS when nothing it signed can still live.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		ctx := context.Background()
		m, client := signedIn(t, a)
		old := newForge(t, a, client.Token)
		second := a.Second(t)
		require.NoError(t, a.Identity.RotateKey(ctx))
		require.NoError(t, a.Identity.Refreshed(ctx))
		fresh := a.SignIn(t, m, "mia@mailbox.test")
		newer := newForge(t, a, fresh.Token)
		assert.NotEqual(t, old.key.ID, newer.key.ID)
		assert.Equal(t, newer.key.ID, newer.header["kid"])

		// All at once: only the first of them may ask the database, and none may be turned away meanwhile.
		atOnce(30, func(int) { assert.True(t, works(t, second, fresh.Token)) })
		assert.True(t, works(t, second, client.Token))
		assert.True(t, works(t, a, client.Token))
		refresh(t, a, client.Refresh).Must(http.StatusOK)

		kids := func() []string {
			answer := a.Client(t).Get("/.well-known/jwks.json").Must(http.StatusOK)
			assert.Contains(t, answer.Header.Get("Cache-Control"), "max-age")
			var out []string
			for i := range answer.Len("keys") {
				key := answer.At(fmt.Sprintf("keys.%d", i)).(map[string]any)
				assert.ElementsMatch(t, []string{"kty", "crv", "use", "alg", "kid", "x"}, keysOf(key), "public members only")
				out = append(out, key["kid"].(string))
			}
			return out
		}
		assert.Equal(t, []string{newer.key.ID, old.key.ID}, kids())
		a.Clock.Advance(10*time.Minute + 46*time.Second)
		assert.Equal(t, []string{newer.key.ID}, kids())
		assert.False(t, works(t, a, client.Token))
		now := a.Clock.Now().Unix()
		assert.False(t, works(t, a, old.with(old.header, changed(old.claims, "iat", now, "exp", now+600))), "whoever stole the retired key signs in vain")
		assert.True(t, works(t, a, newer.with(newer.header, changed(newer.claims, "iat", now, "exp", now+600))))
	})
}

func keysOf(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// An access token ends on time, to the second, and not before.
func TestAccessTokenExpires(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		_, client := signedIn(t, a)
		a.Clock.Advance(10*time.Minute - 10*time.Second)
		assert.True(t, works(t, a, client.Token))
		a.Clock.Advance(10 * time.Second)
		assert.False(t, works(t, a, client.Token))
		client.Adopt(refresh(t, a, client.Refresh).Must(http.StatusOK))
		assert.True(t, works(t, a, client.Token))
	})
}
