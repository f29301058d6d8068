package sandbox

import (
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// behavior names what charges of a card come to.
type behavior string

const (
	behavesWell         behavior = "succeeds"
	behavesDeclined     behavior = "declined"
	behavesNoBalance    behavior = "not_enough_balance"
	behavesExpired      behavior = "expired_card"
	behavesBlocked      behavior = "blocked_card"
	behavesAuthenticate behavior = "authenticates"
	behavesFailsLater   behavior = "fails_later"
	behavesDisputed     behavior = "disputed"
)

// cards are the numbers there are. They are public and pay for nothing.
var cards = map[string]behavior{
	"4242424242424242": behavesWell,
	"4000000000000002": behavesDeclined,
	"4000000000009995": behavesNoBalance,
	"4000000000000069": behavesExpired,
	"4000000000009979": behavesBlocked,
	"4000000000003220": behavesAuthenticate,
	"4000000000000341": behavesFailsLater,
	"4000000000000259": behavesDisputed,
}

// accounts are the IBANs there are, as public as the cards.
var accounts = map[string]behavior{
	"DE89370400440532013000": behavesWell,
	"DE62370400440532013001": behavesDeclined,
	"AT611904300234573201":   behavesWell,
}

// accountInput is an account as a customer types it.
type accountInput struct {
	IBAN string `json:"iban"`
}

// String keeps the number out of anything that prints the value.
func (a accountInput) String() string { return "account" }

// GoString does the same for %#v.
func (a accountInput) GoString() string { return "account" }

// check returns the account's number without spaces and how it behaves. A refusal never repeats the number.
func (a accountInput) check() (string, behavior, error) {
	number := strings.ToUpper(strings.ReplaceAll(a.IBAN, " ", ""))
	b, known := accounts[number]
	if !known {
		return "", "", foyer.Refuse(foyer.Invalid, codeUnknownAccount)
	}
	return number, b, nil
}

// tokenPrefix begins a token a merchant's backend may hand over without a setup: tok_4242.
const tokenPrefix = "tok_"

// numberOf returns the card a backend's token stands for.
func numberOf(token string) (string, bool) {
	last4, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok || len(last4) != 4 {
		return "", false
	}
	for number := range cards {
		if strings.HasSuffix(number, last4) {
			return number, true
		}
	}
	return "", false
}

// cardInput is a card as a customer types it.
type cardInput struct {
	Number      string `json:"number"`
	ExpiryMonth int    `json:"expiry_month"`
	ExpiryYear  int    `json:"expiry_year"`
	CVC         string `json:"cvc"`
}

// String keeps the number out of anything that prints the value.
func (c cardInput) String() string { return "card" }

// GoString does the same for %#v.
func (c cardInput) GoString() string { return "card" }

// check returns the card's number without spaces and how it behaves. A refusal never repeats the number.
func (c cardInput) check(now time.Time) (string, behavior, error) {
	number := strings.ReplaceAll(c.Number, " ", "")
	b, known := cards[number]
	switch {
	case !known:
		return "", "", foyer.Refuse(foyer.Invalid, codeUnknownCard)
	case c.ExpiryMonth < 1 || c.ExpiryMonth > 12 || c.ExpiryYear < 2000 || c.ExpiryYear > 2999:
		return "", "", foyer.Refuse(foyer.Invalid, codeInvalidExpiry)
	case !now.Before(time.Date(c.ExpiryYear, time.Month(c.ExpiryMonth)+1, 1, 0, 0, 0, 0, time.UTC)):
		// The printed month counts to its end.
		return "", "", foyer.Refuse(foyer.Invalid, codeExpiredCard)
	case len(c.CVC) < 3 || len(c.CVC) > 4 || strings.Trim(c.CVC, "0123456789") != "":
		return "", "", foyer.Refuse(foyer.Invalid, codeInvalidCVC)
	}
	return number, b, nil
}

// decide says what a charge of a card comes to. Authenticated tells whether the customer ever confirmed anything with it.
func (b behavior) decide(onSession, authenticated bool) billing.ChargeResult {
	declined := func(code billing.ErrorCode) billing.ChargeResult {
		return billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: code}
	}
	switch b {
	case behavesDeclined, behavesNoBalance, behavesExpired, behavesBlocked:
		return declined(billing.ErrorCode(b))
	case behavesFailsLater:
		if !onSession {
			return declined("declined")
		}
	case behavesAuthenticate:
		if onSession {
			return billing.ChargeResult{Status: billing.ChargeRequiresAction}
		}
		if !authenticated {
			return declined("authentication_failed")
		}
	case behavesWell, behavesDisputed:
	}
	return billing.ChargeResult{Status: billing.ChargeCaptured}
}
