package sandbox

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// method is a stored payment method.
type method struct {
	id string
	// kind is "card" or "sepa_debit".
	kind          string
	behavior      behavior
	brand, last4  string
	month, year   int
	fingerprint   string
	authenticated bool
	removed       bool
}

const methodColumns = `id, behavior, brand, last4, expiry_month, expiry_year, fingerprint, authenticated, removed, type`

// tokenStart begins a token that charges a stored method; the method's id follows, then what only we can derive.
const tokenStart = "sbx_"

// The types of methods.
const (
	typeCard = "card"
	typeSEPA = "sepa_debit"
)

// newMethod makes a method of a checked card or account, in memory only. The number ends here. An account has no date: 0.
func (b *Books) newMethod(ctx context.Context, kind, number string, behaves behavior, month, year int) (method, error) {
	fingerprint, err := b.derive(ctx, "fingerprint", number)
	if err != nil {
		return method{}, err
	}
	m := method{
		id: base64.RawURLEncoding.EncodeToString(random(15)), kind: kind, behavior: behaves, last4: number[len(number)-4:],
		month: month, year: year, fingerprint: fingerprint,
	}
	if kind == typeCard {
		m.brand = "visa"
	}
	return m, nil
}

func (b *Books) insertMethod(ctx context.Context, on execer, m method, now time.Time) error {
	_, err := on.ExecContext(ctx, `INSERT INTO sandbox_gateway_methods (`+methodColumns+`, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		m.id, string(m.behavior), m.brand, m.last4, m.month, m.year, m.fingerprint, flag(m.authenticated), flag(m.removed), m.kind, now.UnixMicro())
	return down(err)
}

// method returns a method by its id; NotFound when there is none.
func (b *Books) method(ctx context.Context, id string) (method, error) {
	var m method
	var authenticated, removed int64
	err := b.db.QueryRowContext(ctx, `SELECT `+methodColumns+` FROM sandbox_gateway_methods WHERE id = $1`, id).Scan(
		&m.id, &m.behavior, &m.brand, &m.last4, &m.month, &m.year, &m.fingerprint, &authenticated, &removed, &m.kind)
	m.authenticated, m.removed = authenticated == 1, removed == 1
	return m, down(err)
}

// token returns what charges a method.
func (b *Books) token(ctx context.Context, id string) (string, error) {
	proof, err := b.derive(ctx, "token", id)
	return tokenStart + id + "." + proof, err
}

// methodOf returns the method of a token; NotFound for one that we did not make.
func (b *Books) methodOf(ctx context.Context, token string) (method, error) {
	rest, ours := strings.CutPrefix(token, tokenStart)
	id, _, cut := strings.Cut(rest, ".")
	if !ours || !cut || !validName(id) {
		return method{}, foyer.ErrNotFound()
	}
	want, err := b.token(ctx, id)
	if err != nil {
		return method{}, err
	}
	if !hmac.Equal([]byte(want), []byte(token)) {
		return method{}, foyer.ErrNotFound()
	}
	return b.method(ctx, id)
}

// removeMethod makes a method unusable. Its row stays: charges name it.
func (b *Books) removeMethod(ctx context.Context, id string) error {
	_, err := b.db.ExecContext(ctx, `UPDATE sandbox_gateway_methods SET removed = 1 WHERE id = $1`, id)
	return down(err)
}

// shown returns a method as Foyer sees it.
func (b *Books) shown(ctx context.Context, m method) (billing.GatewayMethod, error) {
	token, err := b.token(ctx, m.id)
	shown := billing.GatewayMethod{Token: token, Type: m.kind, Fingerprint: m.fingerprint}
	if m.kind == typeCard {
		shown.Card = &billing.Card{Brand: m.brand, Last4: m.last4, ExpiryMonth: m.month, ExpiryYear: m.year}
	} else {
		shown.Identifier = billing.AccountMask + m.last4
	}
	return shown, err
}

// replaceCard gives a card another number and date, as its network does.
func (b *Books) replaceCard(ctx context.Context, m method) error {
	_, err := b.db.ExecContext(ctx, `UPDATE sandbox_gateway_methods SET last4 = $1, expiry_month = $2, expiry_year = $3, fingerprint = $4 WHERE id = $5`,
		m.last4, m.month, m.year, m.fingerprint, m.id)
	return down(err)
}

// keepOwner notes whose a method is that a backend's token made: as a setup that has ended.
func (b *Books) keepOwner(ctx context.Context, on execer, m method, owner foyer.Scope, now time.Time) error {
	_, err := on.ExecContext(ctx, `INSERT INTO sandbox_gateway_setups (id, merchant, customer, status, method_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6)`, "token-"+m.id, string(owner.Merchant), string(owner.Customer), string(billing.SetupSucceeded), m.id, now.UnixMicro())
	return down(err)
}

// ownerOf returns whose a method is; NotFound when nobody said.
func (b *Books) ownerOf(ctx context.Context, id string) (foyer.Scope, error) {
	var owner foyer.Scope
	err := b.db.QueryRowContext(ctx, `SELECT merchant, customer FROM sandbox_gateway_setups WHERE method_id = $1`, id).Scan(&owner.Merchant, &owner.Customer)
	return owner, down(err)
}

// validName tells whether s can be an id or a key: PostgreSQL refuses a text with NUL or broken UTF-8, and a URL must be
// able to carry it.
func validName(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '_' && c != '-' && c != '.' && c != ':' {
			return false
		}
	}
	return s != "." && s != ".." // a path would lose them
}
