package retention

import (
	"slices"
	"strings"

	"foyer/internal/foyer"
)

// ProfileID names a legal profile.
type ProfileID string

// The legal profiles.
const (
	ProfileDE        ProfileID = "de"
	ProfileFR        ProfileID = "fr"
	ProfileEU        ProfileID = "eu" // the other states of the EU and the EEA
	ProfileUK        ProfileID = "uk"
	ProfileUSCA      ProfileID = "us_ca"
	ProfileUS        ProfileID = "us"      // the other states of the US
	ProfileElsewhere ProfileID = "default" // a place whose law we know nothing of
)

// LegalProfile says what the law of the customer's country demands of the way out. The profiles are data (legal_profiles.go):
// an engineer's reading of the law, not advice.
type LegalProfile struct {
	ID ProfileID
	// MaxOffers is how many offers a signed-in flow may show before it asks for the confirmation. No statute names a
	// number; what they forbid is to obstruct. The statutory paths, logged out, show none in every profile.
	MaxOffers int
	// CancelNowAlways says that every answer of the flow carries the direct way out. It is true everywhere, so that
	// there is one path through the code; it stands here because California's law names it.
	CancelNowAlways bool
	// LoginFreeExit says that the law demands a way to cancel without signing in. The operation works for everybody,
	// whatever stands here: this is for a merchant's pages, and for telling that the law wants it.
	LoginFreeExit bool
	// WithdrawalDays is how long a consumer can withdraw from the contract, in days; 0 where no law gives that right.
	WithdrawalDays int
	// WithdrawalFunction says that the withdrawal needs a function of its own in two steps (Art. 11a Directive 2011/83/EU).
	WithdrawalFunction bool
	// Receipt says that what was declared, and when it was received, is confirmed on a durable medium.
	Receipt bool
	// StatutoryLanguage is the language of the statutory buttons, "" where the country (Wording) or the reader chooses it.
	StatutoryLanguage string
	// Buttons are those whose words a law names; Wording has the words.
	Buttons []Button
	// Notices are the reminders and announcements the law demands, for whoever sends them.
	Notices []NoticeDuty
	// Sources are the statutes and judgments, most with a link.
	Sources []string
}

// Button is one of the buttons of a statutory path.
type Button string

// The buttons of the statutory paths, each path with its two steps.
const (
	ButtonCancel          Button = "cancel"
	ButtonConfirmCancel   Button = "confirm_cancel"
	ButtonWithdraw        Button = "withdraw"
	ButtonConfirmWithdraw Button = "confirm_withdrawal"
)

// StatutoryButtons lists every button.
var StatutoryButtons = []Button{ButtonCancel, ButtonConfirmCancel, ButtonWithdraw, ButtonConfirmWithdraw}

// TextKey is the key of the button's text in the reader's language, for a place whose law names no words.
func (b Button) TextKey() string { return "legal.label." + string(b) }

// DutyNotice is what a customer has to be told of ahead of time.
type DutyNotice string

// The notices laws demand.
const (
	NoticeTrialEnd    DutyNotice = "trial_end" // of a trial or of a reduced price
	NoticeRenewal     DutyNotice = "renewal"
	NoticePriceChange DutyNotice = "price_change"
	NoticeAnnual      DutyNotice = "annual" // once a year, at no day in particular
)

// NoticeDuty is a duty to tell the customer of something ahead of time.
type NoticeDuty struct {
	// Region is the ISO 3166-2 code of the state whose law it is.
	Region string
	Notice DutyNotice
	// OverDays is the length of the trial or term, in days, above which the duty holds; 0: always.
	OverDays int
	// Earliest and Latest are the span the notice has to fall into, in days before what it tells of or, for a renewal,
	// before the last day to prevent it. Earliest is the greater one; both are 0 where the law names no span.
	Earliest, Latest int
	Source           string
}

// ProfileOf returns the legal profile of a customer of that country (ISO 3166-1 alpha-2) and region, which is written as
// people and forms write it: "CA", "US-CA" and "California" are one. A country we know nothing of has the default one.
func ProfileOf(country foyer.Country, region string) LegalProfile {
	switch {
	case country == "DE":
		return profile(ProfileDE)
	case country == "GB":
		return profile(ProfileUK)
	case country == "US" && californian(region):
		return profile(ProfileUSCA)
	case country == "US":
		return profile(ProfileUS)
	case country == "FR" || slices.Contains(frenchRegions, country):
		return profile(ProfileFR)
	case countryLanguages[country] != nil:
		return profile(ProfileEU)
	}
	return profile(ProfileElsewhere)
}

func californian(region string) bool {
	region = strings.ToUpper(strings.TrimSpace(region))
	return region == "CA" || region == "US-CA" || region == "CALIFORNIA"
}

// profile returns a row of Profiles; every id has one.
func profile(id ProfileID) LegalProfile {
	i, _ := slices.BinarySearchFunc(Profiles, id, func(p LegalProfile, id ProfileID) int { return strings.Compare(string(p.ID), string(id)) })
	return Profiles[i]
}

// LegalWishes is what a merchant asks for beyond the law; nil leaves a thing to the law.
type LegalWishes struct {
	MaxOffers      *int
	WithdrawalDays *int
	LoginFreeExit  *bool
}

// Tightened returns the profile with the merchant's wishes as far as they are good for the customer: fewer offers, more days
// to withdraw, a way out without signing in. A wish for less than the law gives changes nothing.
func (p LegalProfile) Tightened(w LegalWishes) LegalProfile {
	if w.MaxOffers != nil {
		p.MaxOffers = max(min(p.MaxOffers, *w.MaxOffers), 0)
	}
	if w.WithdrawalDays != nil {
		p.WithdrawalDays = max(p.WithdrawalDays, *w.WithdrawalDays)
	}
	if w.LoginFreeExit != nil {
		p.LoginFreeExit = p.LoginFreeExit || *w.LoginFreeExit
	}
	return p
}
