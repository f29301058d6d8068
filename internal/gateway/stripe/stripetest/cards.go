package stripetest

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// behavior names what charges of a card come to.
type behavior string

const (
	well         behavior = "succeeds"
	threeDSecure behavior = "three_d_secure"    // asks at setup and at every charge on session; off session once set up
	alwaysAsks   behavior = "always_asks"       // the same, and off session always declined: authentication_required
	failsLater   behavior = "fails_off_session" // charges on session succeed, those off session are declined
	disputed     behavior = "disputed"          // succeeds and is disputed a second later
	// Every other one is the decline code of all charges.
	generic    behavior = "generic_decline"
	noFunds    behavior = "insufficient_funds"
	expired    behavior = "expired_card"
	stolen     behavior = "stolen_card"
	processing behavior = "processing_error"
)

type testCard struct {
	brand, country string
	does           behavior
}

// cards are the numbers there are. They are public and pay for nothing.
var cards = map[string]testCard{
	"4242424242424242": {"visa", "US", well},
	"5555555555554444": {"mastercard", "US", well},
	"378282246310005":  {"amex", "US", well},
	"4000000000000002": {"visa", "US", generic},
	"4000000000009995": {"visa", "US", noFunds},
	"4000000000000069": {"visa", "US", expired},
	"4000000000009979": {"visa", "US", stolen},
	"4000000000000119": {"visa", "US", processing},
	"4000000000003220": {"visa", "US", threeDSecure},
	"4000002760003184": {"visa", "DE", alwaysAsks},
	"4000000000000341": {"visa", "US", failsLater},
	"4000000000000259": {"visa", "US", disputed},
}

// named are Stripe's names of test cards.
var named = map[string]string{
	"pm_card_visa":                                 "4242424242424242",
	"pm_card_mastercard":                           "5555555555554444",
	"pm_card_amex":                                 "378282246310005",
	"pm_card_chargeDeclined":                       "4000000000000002",
	"pm_card_visa_chargeDeclined":                  "4000000000000002",
	"pm_card_chargeDeclinedInsufficientFunds":      "4000000000009995",
	"pm_card_visa_chargeDeclinedInsufficientFunds": "4000000000009995",
	"pm_card_chargeDeclinedExpiredCard":            "4000000000000069",
	"pm_card_visa_chargeDeclinedStolenCard":        "4000000000009979",
	"pm_card_chargeDeclinedProcessingError":        "4000000000000119",
	"pm_card_threeDSecure2Required":                "4000000000003220",
	"pm_card_authenticationRequired":               "4000002760003184",
	"pm_card_chargeCustomerFail":                   "4000000000000341",
	"pm_card_createDispute":                        "4000000000000259",
}

// numberOf returns the card a test id stands for: Stripe's pm_card_visa, or our tok_ and the last four digits.
func numberOf(id string) (string, bool) {
	if number, ok := named[id]; ok {
		return number, true
	}
	last4, ok := strings.CutPrefix(id, "tok_")
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

// Card is a card as a customer types it, or their wallet has it.
type Card struct {
	Number      string `json:"number"`
	ExpiryMonth int    `json:"expiry_month"`
	ExpiryYear  int    `json:"expiry_year"`
	CVC         string `json:"cvc"`
	// Wallet is "apple_pay" or "google_pay"; empty for a typed card.
	Wallet string `json:"wallet"`
}

// String keeps the number out of anything that prints the value.
func (c Card) String() string { return "card" }

// GoString does the same for %#v.
func (c Card) GoString() string { return "card" }

// The codes of the device's refusals, which are our sandbox gateway's.
const (
	codeNotFound      = "not_found"
	codeUnknownCard   = "unknown_card"
	codeInvalidExpiry = "invalid_expiry"
	codeExpiredCard   = "expired_card"
	codeInvalidCVC    = "invalid_cvc"
	codeInvalid       = "invalid"
	codeNotConfirmed  = "not_confirmed"
	codeOtherCard     = "other_card"
)

// check returns the card's number without spaces. A refusal never repeats the number.
func (c Card) check(now time.Time) (string, Refusal) {
	number := strings.ReplaceAll(c.Number, " ", "")
	switch _, known := cards[number]; {
	case !known:
		return "", codeUnknownCard
	case c.ExpiryMonth < 1 || c.ExpiryMonth > 12 || c.ExpiryYear < 2000 || c.ExpiryYear > 2999:
		return "", codeInvalidExpiry
	case !now.Before(time.Date(c.ExpiryYear, time.Month(c.ExpiryMonth)+1, 1, 0, 0, 0, 0, time.UTC)):
		return "", codeExpiredCard
	case len(c.CVC) < 3 || len(c.CVC) > 4 || strings.Trim(c.CVC, "0123456789") != "":
		return "", codeInvalidCVC
	}
	return number, ""
}

// fingerprint is the same for the same number, and does not tell it.
func fingerprint(number string) string {
	sum := sha256.Sum256([]byte("stripetest " + number))
	return hex.EncodeToString(sum[:8])
}

// decline is why a charge failed, in Stripe's words.
type decline struct{ code, decline, message string }

var declines = map[behavior]decline{
	generic:    {"card_declined", "generic_decline", "Your card was declined."},
	failsLater: {"card_declined", "generic_decline", "Your card was declined."},
	noFunds:    {"card_declined", "insufficient_funds", "Your card has insufficient funds."},
	stolen:     {"card_declined", "stolen_card", "Your card was declined."},
	expired:    {"expired_card", "expired_card", "Your card has expired."},
	processing: {"processing_error", "processing_error", "An error occurred while processing your card. Try again in a little bit."},
}

var authenticationRequired = decline{
	"authentication_required", "authentication_required",
	"Your card was declined. This transaction requires authentication.",
}

// verdict is what a charge comes to.
type verdict struct {
	asks     bool
	slow     bool
	declined *decline
}

// decide says what a charge of a method comes to.
func (m *method) decide(offSession bool) verdict {
	switch m.kind {
	case "card":
	case "sepa_debit", "us_bank_account":
		return verdict{slow: true}
	default:
		return verdict{}
	}
	switch m.does {
	case well, disputed:
		return verdict{}
	case threeDSecure, alwaysAsks:
		if !offSession {
			return verdict{asks: true}
		}
		if m.does == threeDSecure && m.authenticated {
			return verdict{}
		}
		return verdict{declined: &authenticationRequired}
	case failsLater:
		if !offSession {
			return verdict{}
		}
	}
	d := declines[m.does]
	return verdict{declined: &d}
}
