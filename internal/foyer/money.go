package foyer

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Money is an amount in the currency's minor unit (cents of EUR, yen of JPY, fils of BHD).
type Money struct {
	Amount   int64    `json:"amount"`
	Currency Currency `json:"currency"`
}

// ErrOverflow is returned when a sum or product of money does not fit 64 bits.
var ErrOverflow = errors.New("money: amount does not fit 64 bits")

// ErrCurrencyMismatch is returned when two currencies meet in one sum.
var ErrCurrencyMismatch = errors.New("money: different currencies")

// Plus returns m + o, or ErrCurrencyMismatch or ErrOverflow.
func (m Money) Plus(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, ErrCurrencyMismatch
	}
	sum := m.Amount + o.Amount
	if (sum > m.Amount) != (o.Amount > 0) && o.Amount != 0 {
		return Money{}, ErrOverflow
	}
	return Money{sum, m.Currency}, nil
}

// Minus returns m − o, or ErrCurrencyMismatch or ErrOverflow.
func (m Money) Minus(o Money) (Money, error) {
	if m.Currency != o.Currency {
		return Money{}, ErrCurrencyMismatch
	}
	difference := m.Amount - o.Amount
	if (difference < m.Amount) != (o.Amount > 0) && o.Amount != 0 {
		return Money{}, ErrOverflow
	}
	return Money{difference, m.Currency}, nil
}

// Times returns m × n, or ErrOverflow.
func (m Money) Times(n int64) (Money, error) {
	if m.Amount == 0 || n == 0 {
		return Money{0, m.Currency}, nil
	}
	product := m.Amount * n
	if product/n != m.Amount || (m.Amount == math.MinInt64 && n == -1) || (n == math.MinInt64 && m.Amount == -1) {
		return Money{}, ErrOverflow
	}
	return Money{product, m.Currency}, nil
}

// Decimal returns the amount in the currency's main unit as a plain decimal for programs: "19.99", "-0.05", "1999" (JPY).
func (m Money) Decimal() string {
	digits := strconv.FormatInt(m.Amount, 10)
	sign := ""
	if m.Amount < 0 {
		sign, digits = "-", digits[1:]
	}
	places := m.Currency.Decimals()
	if places == 0 {
		return sign + digits
	}
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	return sign + digits[:len(digits)-places] + "." + digits[len(digits)-places:]
}

// Rate is a share written as a decimal, for example "0.19" for 19 %. It is kept as the text it came in, because tax
// rates are facts of a document: "0.08875" must stay "0.08875".
type Rate string

// Rat returns the rate as an exact number; false when it is not a plain decimal of at most 20 characters.
func (r Rate) Rat() (*big.Rat, bool) {
	s := string(r)
	if s == "" || len(s) > 20 || strings.ContainsAny(s, "eEpP/_xX+ ") {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// Valid tells whether the rate is a plain decimal.
func (r Rate) Valid() bool {
	_, ok := r.Rat()
	return ok
}
