package retention

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Clues is what is known of the customer who has the address a notice gives, to compare with what it says. Knowing an address is not
// enough to end somebody's contract: it takes their name, too, or something that stands on their papers only.
type Clues struct {
	Name          string
	Subscriptions []billing.Subscription
	// More says that there are more subscriptions than these.
	More bool
	// Ended are those that have ended and can be meant all the same: by a withdrawal.
	Ended []billing.SubscriptionID
	// Invoiced are the subscriptions of the invoices whose numbers the notice names, empty for an invoice of none; nil when it names no
	// invoice of theirs.
	Invoiced []billing.SubscriptionID
}

// Match says which subscription a notice is about, or why that can't be said.
func (d Declaration) Match(c Clues) (billing.Subscription, NoticeProblem) {
	named, shown, foreign := d.named(c)
	switch {
	case !shown && !sameName(d.Name, c.Name), foreign && len(named) == 0:
		return billing.Subscription{}, ProblemNoMatch
	case len(named) == 1:
		return named[0], ""
	case len(named) > 1:
		return theOne(c.meant(named), ProblemSeveral)
	}
	candidates := c.meant(c.Subscriptions)
	if len(candidates) == 0 {
		return billing.Subscription{}, ProblemNoMatch
	}
	if c.More {
		return billing.Subscription{}, ProblemSeveral
	}
	if len(candidates) > 1 {
		candidates = sold(candidates, d.Contract)
	}
	return theOne(candidates, ProblemSeveral)
}

// named returns the subscriptions the contract is called by: by their own ids or the merchant's, or by an invoice; whether that shows who
// the customer is without their name; and whether it names an id of ours that is none of theirs, which then is not to be taken for another
// one.
//
// An id of ours shows it, the merchant's own if it is too long to be guessed, and an invoice's number that stands alone: they follow
// each other, so one of several may be a guess.
func (d Declaration) named(c Clues) (found []billing.Subscription, shown, foreign bool) {
	tokens := d.tokens()
	shown = len(c.Invoiced) > 0 && len(tokens) == 1
	for _, token := range tokens {
		i := slices.IndexFunc(c.Subscriptions, func(s billing.Subscription) bool {
			return strings.EqualFold(token, string(s.ID)) || s.ExternalID != "" && strings.EqualFold(token, s.ExternalID)
		})
		if i >= 0 {
			found = append(found, c.Subscriptions[i])
			shown = shown || !strings.EqualFold(token, c.Subscriptions[i].ExternalID) || unguessable(token)
		} else if strings.HasPrefix(strings.ToLower(token), string(foyer.PrefixSubscription)+"_") {
			foreign = true
		}
	}
	for _, s := range c.Subscriptions {
		if slices.Contains(c.Invoiced, s.ID) {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b billing.Subscription) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return slices.CompactFunc(found, func(a, b billing.Subscription) bool { return a.ID == b.ID }), shown, foreign
}

// unguessable tells whether a merchant's id is long enough to show whose it is: six characters, eight where they are digits only.
func unguessable(id string) bool {
	length := utf8.RuneCountInString(id)
	digits := !strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsDigit(r) })
	return length >= shortestID && (!digits || length >= shortestNumber)
}

func theOne(found []billing.Subscription, otherwise NoticeProblem) (billing.Subscription, NoticeProblem) {
	if len(found) != 1 {
		return billing.Subscription{}, otherwise
	}
	return found[0], ""
}

// meant are those of the subscriptions that can be meant: they run, or have ended and can be withdrawn from.
func (c Clues) meant(subs []billing.Subscription) []billing.Subscription {
	return slices.DeleteFunc(slices.Clone(subs), func(s billing.Subscription) bool {
		return s.Status == billing.SubscriptionCanceled && !slices.Contains(c.Ended, s.ID)
	})
}

// sold returns the subscriptions of the products the contract names. Where a product's name is a part of a longer one that is named
// ("Plan" in "Plan Plus"), the longer one is meant.
func sold(subs []billing.Subscription, contract string) []billing.Subscription {
	contract = " " + folded(contract) + " "
	var names []string
	for _, s := range subs {
		names = append(names, productNames(s)...)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	var meant []string
	for _, name := range slices.Compact(names) {
		if rest := strings.ReplaceAll(contract, " "+name+" ", "  "); rest != contract {
			contract, meant = rest, append(meant, name)
		}
	}
	return slices.DeleteFunc(slices.Clone(subs), func(s billing.Subscription) bool {
		return !slices.ContainsFunc(productNames(s), func(name string) bool { return slices.Contains(meant, name) })
	})
}

func productNames(s billing.Subscription) []string {
	var names []string
	for _, item := range s.Items {
		if name := folded(item.ProductName); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// sameName tells whether two names are one but for case, spaces, punctuation and accents. Nobody has no name.
func sameName(a, b string) bool {
	a = folded(a)
	return a != "" && a == folded(b)
}

// folded is a text as it is compared: letters and digits without case and accents, words one space apart.
func folded(s string) string {
	var b strings.Builder
	for _, r := range cases.Fold().String(norm.NFKD.String(s)) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case !unicode.Is(unicode.Mn, r):
			b.WriteByte(' ')
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// References in the text: who has only guessed them must not get far with one notice, nor with what is too short to be more than a
// guess.
const (
	maxTokens      = 3
	shortestToken  = 4
	shortestID     = 6
	shortestNumber = 8
)

// tokens are the parts of the contract's text that could be an id or a number of a document: each has a digit.
func (d Declaration) tokens() []string {
	parts := strings.FieldsFunc(d.Contract, func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(",;:()[]{}<>#\"'„“”‚‘’«»", r)
	})
	var out []string
	for _, part := range parts {
		part = strings.Trim(part, ".!?/-–—_*")
		if utf8.RuneCountInString(part) >= shortestToken && strings.ContainsFunc(part, unicode.IsDigit) && !slices.Contains(out, part) && len(out) < maxTokens {
			out = append(out, part)
		}
	}
	return out
}
