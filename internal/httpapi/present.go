package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// presenter writes domain values as the API shows them, in one language.
type presenter struct {
	locale i18n.Locale
	// merchant says that the merchant looks, and sees whose a thing is and what it keeps beside it.
	merchant bool
}

func presenterOf(ctx context.Context) presenter {
	r := requestOf(ctx)
	return presenter{locale: r.locale, merchant: r.key != nil}
}

// of shows a merchant whose a thing is.
func (p presenter) of(customer foyer.CustomerID) *string {
	if !p.merchant {
		return nil
	}
	return orNull(customer)
}

// metadata shows a merchant what it keeps beside a thing; an empty object when that is nothing.
func (p presenter) metadata(m foyer.Metadata) *api.Metadata {
	if !p.merchant {
		return nil
	}
	shown := showMetadata(m)
	return &shown
}

func (p presenter) money(amount int64, currency foyer.Currency) api.Money {
	return api.Money{Amount: amount, Currency: string(currency), Display: p.locale.Money(foyer.Money{Amount: amount, Currency: currency})}
}

func (p presenter) period(period *foyer.Period) *api.Period {
	if period == nil {
		return nil
	}
	return &api.Period{StartsAt: period.Start, EndsAt: period.End}
}

// orNull shows what is not known as null.
func orNull[T ~string](s T) *string {
	if s == "" {
		return nil
	}
	text := string(s)
	return &text
}

func address(a billing.Address) *api.Address {
	if a.Empty() {
		return nil
	}
	return &api.Address{
		Line1: orNull(a.Line1), Line2: orNull(a.Line2), City: orNull(a.City), Region: orNull(a.Region),
		PostalCode: orNull(a.PostalCode), Country: orNull(a.Country),
	}
}

// each turns a slice into what the API shows; an empty list is [] and never null.
func each[T, A any](in []T, show func(T) A) []A {
	out := make([]A, len(in))
	for i, v := range in {
		out[i] = show(v)
	}
	return out
}

// unchanged sets the ETag of what is about to be shown and tells whether the caller has it already. The tag is the version
// (for If-Match) and a hash of everything shown, so that another language or a card that has expired since is another tag.
func unchanged(ctx context.Context, version int64, shown any) (bool, error) {
	encoded, err := json.Marshal(shown)
	if err != nil {
		return false, err
	}
	sum := sha256.Sum256(encoded)
	tag := fmt.Sprintf(`"%d-%s"`, version, base64.RawURLEncoding.EncodeToString(sum[:9]))
	r := requestOf(ctx)
	r.header().Set("ETag", tag)
	return matches(r.echo.Request().Header.Get("If-None-Match"), tag), nil
}

// matches compares weakly, as If-None-Match demands (RFC 9110 §13.1.2).
func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimPrefix(strings.TrimSpace(candidate), "W/")
		if candidate == tag || candidate == "*" {
			return true
		}
	}
	return false
}

// versionWanted reads If-Match: the version the caller read, 0 when it does not care. A tag that can't be ours never
// matches (RFC 9110 §13.1.1: strong comparison).
func versionWanted(ctx context.Context) int64 {
	header := strings.TrimSpace(requestOf(ctx).echo.Request().Header.Get("If-Match"))
	if header == "" || header == "*" {
		return 0
	}
	text, _, ok := strings.Cut(strings.TrimPrefix(header, `"`), "-")
	version, err := strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || version <= 0 || !strings.HasPrefix(header, `"`) {
		return -1
	}
	return version
}
