package retention

import (
	"math/big"
	"time"

	"foyer/internal/foyer"
)

// The first and the last place on Earth to see a day begin and end. Where the customer was when the contract was concluded
// isn't known, so the day of conclusion is the latest it was anywhere, and the last day ends when it has ended everywhere. (The
// end in UTC−12 alone would be too early for a morning in Tokyo.) Never too short, and too long by 50 hours and a weekend at most.
var (
	earliestZone = time.FixedZone("UTC+14", 14*60*60)
	latestZone   = time.FixedZone("UTC-12", -12*60*60)
)

// WithdrawalEnds returns the moment (UTC) the right to withdraw from a contract concluded then is over; false where the
// profile has none.
//
// Regulation (EEC, Euratom) 1182/71 Art. 3: the day of conclusion isn't counted, the last day ends at midnight, and one that is
// a Saturday or Sunday passes it on to the next working day. The United Kingdom doesn't pass it on; there it is a favor. Public
// holidays, which pass it on too, differ by country and region and are not known here: a declaration that comes the day after
// is the merchant's to look at.
func (p LegalProfile) WithdrawalEnds(concluded time.Time) (time.Time, bool) {
	if p.WithdrawalDays <= 0 {
		return time.Time{}, false
	}
	year, month, day := concluded.In(earliestZone).Date()
	last := time.Date(year, month, day+p.WithdrawalDays, 0, 0, 0, 0, latestZone)
	switch last.Weekday() {
	case time.Saturday:
		last = last.AddDate(0, 0, 2)
	case time.Sunday:
		last = last.AddDate(0, 0, 1)
	}
	return last.AddDate(0, 0, 1).UTC(), true
}

// ProRataRefund returns what is paid back of a period's total, in minor units, to a customer who withdraws in the middle of it:
// they pay for what was delivered until then (Directive 2011/83/EU Art. 14(3)), so the rest of the period's time is theirs,
// rounded up to the next whole unit. All of it before the period begins, nothing after its end or of a total that isn't positive.
func ProRataRefund(total int64, period foyer.Period, at time.Time) int64 {
	switch {
	case total <= 0 || !at.Before(period.End):
		return 0
	case !at.After(period.Start):
		return total
	}
	left, whole := big.NewInt(int64(period.End.Sub(at))), big.NewInt(int64(period.End.Sub(period.Start)))
	share, rest := left.Mul(left, big.NewInt(total)).QuoRem(left, whole, new(big.Int))
	if rest.Sign() > 0 {
		share.Add(share, big.NewInt(1))
	}
	return share.Int64()
}
