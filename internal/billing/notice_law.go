package billing

import (
	"slices"
	"strings"
	"time"

	"foyer/internal/foyer"
)

// Territory is the place whose law says of what, and when, a customer is told ahead of time: an ISO 3166-1 country or, in the US, an
// ISO 3166-2 state ("US-CA") if it is one of those whose law we know. Empty when it is not known.
type Territory string

// TerritoryUnread is the place of a subscription whose customer was not asked for it yet.
const TerritoryUnread Territory = "?"

// states are the US states with a law of their own, as people write them.
var states = map[string]Territory{
	"CA": "US-CA", "CALIFORNIA": "US-CA", "CO": "US-CO", "COLORADO": "US-CO", "CT": "US-CT", "CONNECTICUT": "US-CT", "DE": "US-DE", "DELAWARE": "US-DE",
	"FL": "US-FL", "FLORIDA": "US-FL", "GA": "US-GA", "GEORGIA": "US-GA", "ID": "US-ID", "IDAHO": "US-ID", "IL": "US-IL", "ILLINOIS": "US-IL",
	"MA": "US-MA", "MASSACHUSETTS": "US-MA", "ME": "US-ME", "MAINE": "US-ME", "NY": "US-NY", "NEW YORK": "US-NY", "VA": "US-VA", "VIRGINIA": "US-VA",
}

// TerritoryOf is the place of an address. A state is written as people and forms write it: "CA", "US-CA" and "California" are one.
func TerritoryOf(a Address) Territory {
	if a.Country != "US" {
		return Territory(a.Country)
	}
	region := strings.ToUpper(strings.TrimSpace(a.Region))
	if state, known := states[strings.TrimPrefix(region, "US-")]; known {
		return state
	}
	return "US"
}

// RenewalRule says when a customer is told that a subscription renews.
type RenewalRule struct {
	// Places are whose rule it is; none: everybody's.
	Places []Territory
	// Term is how many days a period has at least to be announced.
	Term float64
	// Days is how long before the renewal it is told. Until the renewal it can be prevented, so the last day to cancel is that day.
	Days int
	// Earliest and Latest are the span the law gives, in days before the renewal, for terms it counts; 0 where it names none.
	Earliest, Latest int
	// Source is the law, or whose custom it is. Those marked * were not read again for this: check them before relying on them.
	Source string
}

// halfAYear is the shortest period that the places with a law of their own have announced, longRenewal how many days before: the one
// number that lies in every span below.
const (
	halfAYear   = 180
	longRenewal = 35
)

// euCountries are the member states.
var euCountries = []Territory{
	"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
}

// RenewalRules are looked through in order: the first that is for the place and the period counts.
var RenewalRules = []RenewalRule{
	{[]Territory{"US-CA"}, halfAYear, longRenewal, 45, 15, "Cal. Bus. & Prof. Code §17602 as amended by AB 390 (terms of a year and longer)"},
	{[]Territory{"US-CO"}, halfAYear, longRenewal, 40, 25, "C.R.S. §6-1-732 (12 months and longer)*"},
	{[]Territory{"US-CT"}, halfAYear, longRenewal, 60, 15, "Conn. Gen. Stat. §42-126b (long terms)*"},
	{[]Territory{"US-DE"}, halfAYear, longRenewal, 60, 30, "6 Del. C. §2734 (12 months and longer)*"},
	{[]Territory{"US-FL"}, halfAYear, longRenewal, 60, 30, "Fla. Stat. §501.165 (12 months and longer)*"},
	{[]Territory{"US-GA"}, halfAYear, longRenewal, 60, 30, "O.C.G.A. §13-12-3 (12 months and longer)*"},
	{[]Territory{"US-ID"}, halfAYear, longRenewal, 60, 30, "Idaho Code §48-603G (12 months and longer)*"},
	{[]Territory{"US-IL"}, halfAYear, longRenewal, 60, 30, "815 ILCS 601/10 (12 months and longer)"},
	{[]Territory{"US-ME"}, halfAYear, longRenewal, 60, 30, "10 M.R.S. (automatic renewals of 12 months and longer)*"},
	{[]Territory{"US-NY"}, halfAYear, longRenewal, 45, 15, "N.Y. Gen. Bus. Law §527-a (a year and longer)*"},
	{[]Territory{"US-VA"}, halfAYear, longRenewal, 60, 30, "Va. Code §59.1-207.46 (12 months and longer)*"},
	{[]Territory{"FR"}, halfAYear, longRenewal, 90, 31, "Code de la consommation L215-1"},
	{euCountries, halfAYear, longRenewal, 0, 0, "custom of the trade: half a year and longer, a month before"},
	{[]Territory{"GB"}, halfAYear, longRenewal, 0, 0, "custom of the trade; the DMCC Act's own reminders are not in force before spring 2027"},
	{[]Territory{"US-MA"}, 31.5, 7, 30, 5, "940 CMR 38.05 (terms of more than a month)"},
	{nil, 80, 7, 0, 0, "custom of this house: a quarter and longer, a week before"},
}

// renewalLead is how long before its end a period's renewal is told; 0 when it is not.
func renewalLead(place Territory, cycle foyer.Cycle) time.Duration {
	for _, r := range RenewalRules {
		if (r.Places == nil || slices.Contains(r.Places, place)) && cycle.Days() >= r.Term {
			return time.Duration(r.Days) * aDay
		}
	}
	return 0
}

// yearlyPlaces have customers reminded of every subscription once a year, however short its periods: Cal. Bus. & Prof. Code §17602 as
// amended by AB 2863, for contracts made, amended or extended since 2025-07-01.
var yearlyPlaces = []Territory{"US-CA"}

func remindsYearly(place Territory) bool { return slices.Contains(yearlyPlaces, place) }
