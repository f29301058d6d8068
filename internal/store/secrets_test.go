package store_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/identity"
	"foyer/internal/merchant"
	"foyer/internal/store"
	"foyer/internal/webhook"
)

// dump reads every column of every table of the database, the job queue's too.
func dump(t *testing.T, s *store.Store) (text []byte, tables int) {
	t.Helper()
	names := "SELECT name FROM sqlite_schema WHERE type = 'table'"
	if s.Dialect() == store.Postgres {
		names = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
	}
	var all []string
	rows(t, s, names, func(scan func(...any)) {
		var name string
		scan(&name)
		all = append(all, name)
	})
	var out bytes.Buffer
	for _, name := range all {
		columns, found := everyCell(t, s, `SELECT * FROM "`+name+`"`)
		for _, row := range found {
			for i, cell := range row {
				if raw, ok := cell.([]byte); ok {
					cell = string(raw)
				}
				fmt.Fprintf(&out, "%s.%s=%v\n", name, columns[i], cell)
			}
		}
	}
	return out.Bytes(), len(all)
}

// spellings are the ways a secret may stand somewhere.
func spellings(secret []byte) [][]byte {
	return [][]byte{
		secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret))),
		[]byte(base64.RawStdEncoding.EncodeToString(secret)), []byte(base64.RawURLEncoding.EncodeToString(secret)),
	}
}

// After everything that has to do with secrets, none can be read in the database.
func TestNoReadableSecretAtRest(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, apiKey, err := a.Merchants.Create(t.Context(), merchant.Sandbox, merchant.Settings{Name: "acme", FrontendURL: "https://acme.test"})
		require.NoError(t, err)
		customer := a.Customer(t, m, "ann@mailbox.test")
		// A sign-in of somebody else, not used: its link and code still work.
		a.Customer(t, m, "ben@mailbox.test")
		a.Client(t).RequestSignIn(m, "ben@mailbox.test").Must(http.StatusAccepted)
		waiting := a.AwaitMails(t, "ben@mailbox.test", 1)[0]
		c := a.SignIn(t, m, "ann@mailbox.test")
		used := a.Mails(t, "ann@mailbox.test")[0]
		secrets := map[string][]byte{
			"FOYER_SECRET": []byte(foyertest.Secret), "API key": []byte(apiKey), "API key's body": []byte(apiKey[12:50]), "refresh token": []byte(c.Refresh),
			"access token": []byte(c.Token), "used link": []byte(foyertest.LinkToken(used)), "open link": []byte(foyertest.LinkToken(waiting)),
			"used code": []byte(foyertest.Code(used)), "open code": []byte(foyertest.Code(waiting)),
			"used code, bare": []byte(identity.ReadCode(foyertest.Code(used))), "open code, bare": []byte(identity.ReadCode(foyertest.Code(waiting))),
			"mail's text": []byte(waiting.Text[:40]), "mail's subject": []byte(waiting.Subject), "mail's HTML": []byte(waiting.HTML[:60]),
		}
		c.Adopt(c.Post("/v1/sessions/refresh", map[string]any{"refresh_token": c.Refresh}).Must(http.StatusOK))
		secrets["second refresh token"], secrets["second access token"] = []byte(c.Refresh), []byte(c.Token)
		require.NoError(t, a.Identity.RotateKey(t.Context()))
		keys, err := a.Store.SigningKeys(t.Context())
		require.NoError(t, err)
		secrets["private key"], secrets["private key's seed"] = keys[0].Private, keys[0].Private.Seed()

		// An answer that is kept for a repeated call; what it says is the customer's. As a whole it stands nowhere else: the
		// event of the change has a part of it in the same words.
		answer := c.Patch("/v1/me", map[string]any{"company": "Secret company 4711"}, "Idempotency-Key", "key-4711-of-the-client").Must(http.StatusOK)
		secrets["idempotent answer"], secrets["idempotency key"] = bytes.TrimSpace(answer.Body), []byte("key-4711-of-the-client")

		_, hook, err := a.Hooks.CreateEndpoint(t.Context(), m.ID, webhook.EndpointInput{URL: "https://hooks.acme.test"})
		require.NoError(t, err)
		rotating, before, err := a.Hooks.CreateEndpoint(t.Context(), m.ID, webhook.EndpointInput{URL: "https://hooks.acme.test"})
		require.NoError(t, err)
		_, rotated, err := a.Hooks.RotateSecret(t.Context(), m.ID, rotating.ID)
		require.NoError(t, err)
		secrets["webhook secret"], secrets["webhook secret before"], secrets["webhook secret after"] = []byte(hook), []byte(before), []byte(rotated)

		text, tables := dump(t, a.Store)
		require.Greater(t, tables, 26, "the job queue's are among them")
		require.Contains(t, string(text), customer.ID, "it was read")
		require.Contains(t, string(text), "sign_in_mail")
		for name, secret := range secrets {
			require.NotEmpty(t, secret, name)
			for i, spelling := range spellings(secret) {
				require.False(t, bytes.Contains(text, spelling), "%s (spelling %d) stands in the database", name, i)
			}
			for _, raw := range decoded(string(secret)) {
				for i, spelling := range spellings(raw) {
					require.False(t, bytes.Contains(text, spelling), "%s, decoded (spelling %d), stands in the database", name, i)
				}
			}
			require.NotContains(t, a.Log.String(), string(secret), "%s was logged", name)
		}
		require.NotContains(t, a.Log.String(), "mailbox.test", "addresses are not logged")
	})
}

// decoded returns the random bytes a token spells.
func decoded(secret string) [][]byte {
	if key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_")); err == nil && strings.HasPrefix(secret, "whsec_") {
		return [][]byte{key}
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(secret, "frt_"))
	if err != nil || len(raw) < 16 {
		return nil
	}
	return [][]byte{raw}
}

// Only what has expired is deleted, of every merchant, the rows that hang on it too; and doing it twice at once harms nothing.
func TestPrune(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), start.Add(100*24*time.Hour)
		ages := []struct {
			age  time.Duration // of its end, or of its beginning where it has no end
			kept map[string]bool
		}{
			{-time.Hour, map[string]bool{"sign_ins": true, "sessions": true, "refresh_tokens": true, "mails": true, "rate_limits": true, "idempotency_keys": true}},
			{0, map[string]bool{"sign_ins": true, "sessions": true, "refresh_tokens": true, "mails": true, "rate_limits": true, "idempotency_keys": true}},
			{time.Microsecond, map[string]bool{"sign_ins": true, "sessions": true, "refresh_tokens": true, "mails": true, "idempotency_keys": true}},
			{24 * time.Hour, map[string]bool{"sign_ins": true, "sessions": true, "refresh_tokens": true, "mails": true, "idempotency_keys": true}},
			{24*time.Hour + time.Microsecond, map[string]bool{"mails": true, "idempotency_keys": true}},
			{48*time.Hour + time.Microsecond, map[string]bool{"mails": true}},
			{7 * 24 * time.Hour, map[string]bool{"mails": true}},
			{7*24*time.Hour + time.Microsecond, nil},
		}
		want := map[string]int{}
		for i, c := range ages {
			for table, kept := range c.kept {
				if kept {
					want[table]++
				}
			}
			at := now.Add(-c.age)
			customer := f.customer
			if i%2 == 0 {
				customer = f.foreigner
			}
			f.signIn(t, func(s *identity.SignIn) { s.Merchant, s.ExpiresAt = customer.Merchant, at })
			s := f.session(t, customer, func(s *identity.Session) { s.ExpiresAt = at })
			for _, hash := range []string{"a", "b"} {
				require.NoError(t, f.CreateRefreshToken(ctx, identity.RefreshToken{Hash: []byte(hash + string(s.ID)), Merchant: s.Merchant, Session: s.ID, CreatedAt: start}))
			}
			f.mail(t, fmt.Sprint("eml_", i), "ann@mailbox.test", at)
			_, err := f.Take(ctx, "test", []byte{byte(i)}, []identity.LimitRule{{Count: 1, Per: time.Minute}}, at.Add(-time.Minute))
			require.NoError(t, err)
			f.claim(t, fmt.Sprint(i), at)
		}
		want["refresh_tokens"] *= 2
		others := []string{"customers", "merchants", "portals", "portal_origins", "activity", "signing_keys"}
		require.NoError(t, f.write(ctx, "act_old"))
		require.NoError(t, f.ReplaceSigningKey(ctx, newKey(t, "k", start)))
		for _, table := range others {
			want[table] = f.count(t, "SELECT count(*) FROM "+table)
		}
		together(4, func(int) { require.NoError(t, f.Prune(context.Background(), now)) })
		for table, n := range want {
			require.Equal(t, n, f.count(t, "SELECT count(*) FROM "+table), table)
		}
	})
}
