package identity

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// LimitName names something that may be done only so often.
type LimitName string

// The limits of signing in, of changing one's address, of minting links and of declaring without having signed in.
const (
	LimitSignInAddress  LimitName = "sign_in.address"
	LimitSignInIP       LimitName = "sign_in.ip"
	LimitSignInMerchant LimitName = "sign_in.merchant"
	LimitVerifyIP       LimitName = "verify.ip"
	LimitInvoiceSend    LimitName = "invoice.send" // one document, again
	LimitInvoiceExport  LimitName = "invoice_export.customer"
	LimitEmailChange    LimitName = "email_change.customer"
	LimitPortalSession  LimitName = "portal_session.merchant"
	LimitNoticeIP       LimitName = "notice.ip"
	LimitNoticeMerchant LimitName = "notice.merchant"
	LimitNoticeAddress  LimitName = "notice.address" // at one merchant
	// LimitNoticeUnmatched is how many notices that gave an address and matched nothing are followed by others that may match.
	LimitNoticeUnmatched LimitName = "notice.unmatched"
)

// LimitRule allows Count uses within Per, counted from the first of them.
type LimitRule struct {
	Count int
	Per   time.Duration
}

// Limits holds the rules of each limit; all rules of one must be met.
type Limits map[LimitName][]LimitRule

// DefaultLimits are the promises of contract.md §5.
func DefaultLimits() Limits {
	return Limits{
		LimitSignInAddress:   {{1, time.Minute}, {5, time.Hour}, {10, 24 * time.Hour}},
		LimitSignInIP:        {{10, time.Minute}, {60, time.Hour}},
		LimitSignInMerchant:  {{300, time.Hour}},
		LimitVerifyIP:        {{30, 5 * time.Minute}},
		LimitInvoiceSend:     {{5, 24 * time.Hour}},
		LimitInvoiceExport:   {{10, time.Hour}, {30, 24 * time.Hour}},
		LimitEmailChange:     {{5, time.Hour}, {10, 24 * time.Hour}},
		LimitPortalSession:   {{600, time.Minute}},
		LimitNoticeIP:        {{10, time.Minute}, {60, time.Hour}},
		LimitNoticeMerchant:  {{300, time.Hour}},
		LimitNoticeAddress:   {{5, time.Hour}, {10, 24 * time.Hour}},
		LimitNoticeUnmatched: {{3, 24 * time.Hour}},
	}
}

// Limiter counts uses for all processes together.
type Limiter interface {
	// Take counts one use of the limit by the subject and returns 0 if it is within every rule, else how long to wait.
	// It joins an open transaction; without one it commits by itself, so that a refusal is counted too.
	Take(ctx context.Context, name LimitName, subject []byte, rules []LimitRule, now time.Time) (time.Duration, error)
}

// purposeLimit derives the keys under which subjects are kept: an address is personal data and stands nowhere readable.
const purposeLimit foyer.Purpose = "limit"

// Gate counts uses of the limits for whoever lets somebody do something.
type Gate struct {
	Limiter Limiter
	Keyring *foyer.Keyring
	Limits  Limits
}

// Take counts one use of a limit by a subject, of which only a keyed hash is kept.
//
// Refusal: RateLimited.
func (g Gate) Take(ctx context.Context, name LimitName, subject string, now time.Time) error {
	wait, err := g.Limiter.Take(ctx, name, g.Keyring.MAC(purposeLimit, []byte(subject)), g.Limits[name], now)
	if err != nil {
		return err
	}
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		return &foyer.Error{
			Kind:   foyer.RateLimited,
			Code:   "rate_limited",
			Params: map[string]any{"Seconds": seconds, "Count": seconds},
		}
	}
	return nil
}

// TakeIP is Take for a network address.
func (g Gate) TakeIP(ctx context.Context, name LimitName, ip string, now time.Time) error {
	return g.Take(ctx, name, limitIP(ip), now)
}

// TakeAddress is Take for a mail address at one merchant: what is done at another one does not count.
func (g Gate) TakeAddress(ctx context.Context, name LimitName, merchant foyer.MerchantID, email string, now time.Time) error {
	return g.Take(ctx, name, string(merchant)+" "+limitAddress(email), now)
}

// take counts one use and turns an exceeded limit into a refusal.
func (s *Service) take(ctx context.Context, name LimitName, subject string, now time.Time) error {
	return Gate{Limiter: s.limiter, Keyring: s.keyring, Limits: s.limits}.Take(ctx, name, subject, now)
}
