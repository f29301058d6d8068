package retention

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Texts are a merchant's words by language, as BCP 47 tags.
type Texts map[string]string

// In returns the text in the reader's language, else in the portal's own, else in English, else in any there is.
func (t Texts) In(locale i18n.Locale, portal string) string {
	for _, tag := range []string{locale.Tag, locale.Language, portal, i18n.English.Tag} {
		if text := t[tag]; text != "" {
			return text
		}
	}
	first := ""
	for tag := range t {
		if first == "" || tag < first {
			first = tag
		}
	}
	return t[first]
}

// Survey is what a customer who wants to leave is asked. Nothing of it must be answered (FTC v. Match: survey pages between a
// customer and the exit are what was complained of).
type Survey struct {
	Off bool `json:"off,omitempty"`
	// Reasons and Liked are what can be chosen; empty for Foyer's own.
	Reasons []Option `json:"reasons,omitempty"`
	Liked   []Option `json:"liked,omitempty"`
	// CommentOff leaves out the free text.
	CommentOff bool `json:"comment_off,omitempty"`
}

// Option is one answer that can be chosen. Foyer's own need no label: they have one in every language.
type Option struct {
	ID    string `json:"id"`
	Label Texts  `json:"label,omitempty"`
}

// The options Foyer has texts for.
var (
	DefaultReasons = []string{
		"too_expensive", "not_using", "missing_features", "found_alternative", "technical_issues", "poor_support", "no_longer_needed", "other",
	}
	DefaultLiked = []string{"easy_to_use", "good_value", "features", "support", "reliable", "other"}
)

// The bounds of a survey.
const (
	maxOptions = 20
	maxLabel   = 200
	maxComment = 2000
)

// Complete returns the survey with Foyer's own options where the merchant has none.
func (s Survey) Complete() Survey {
	complete := func(options []Option, standard []string) []Option {
		if len(options) > 0 {
			return options
		}
		out := make([]Option, len(standard))
		for i, id := range standard {
			out[i] = Option{ID: id}
		}
		return out
	}
	s.Reasons, s.Liked = complete(s.Reasons, DefaultReasons), complete(s.Liked, DefaultLiked)
	return s
}

// Answers are what a customer chose and wrote; any of it may be empty.
type Answers struct {
	Reason  string `json:"reason,omitempty"`
	Liked   string `json:"liked,omitempty"`
	Comment string `json:"comment,omitempty"`
}

// with returns the answers with those given now; what isn't given stays.
func (a Answers) with(given Answers) Answers {
	if given.Reason != "" {
		a.Reason = given.Reason
	}
	if given.Liked != "" {
		a.Liked = given.Liked
	}
	if given.Comment != "" {
		a.Comment = given.Comment
	}
	return a
}

// check refuses what can't have been chosen.
func (s Survey) check(a Answers) error {
	var faults []foyer.FieldError
	known := func(pointer, id string, options []Option) {
		if id != "" && !slices.ContainsFunc(options, func(o Option) bool { return o.ID == id }) {
			faults = append(faults, foyer.FieldError{Pointer: pointer, Code: "input.enum"})
		}
	}
	known("/reason", a.Reason, s.Reasons)
	known("/liked", a.Liked, s.Liked)
	if !foyer.CleanText(a.Comment, true) {
		faults = append(faults, foyer.FieldError{Pointer: "/comment", Code: "input.text_characters"})
	} else if utf8.RuneCountInString(a.Comment) > maxComment {
		faults = append(faults, foyer.FieldError{Pointer: "/comment", Code: "input.too_long", Params: map[string]any{"Max": maxComment}})
	}
	return foyer.InvalidFields(faults...)
}

// validate names what is wrong with the survey.
func (s Survey) validate(v *faults) {
	options := func(pointer string, options []Option, standard []string) {
		v.most(pointer, len(options), maxOptions)
		for i, o := range options {
			at := pointer + "/" + strconv.Itoa(i)
			switch {
			case !validKey(o.ID):
				v.add(at+"/id", "input.key", nil)
			case slices.IndexFunc(options, func(other Option) bool { return other.ID == o.ID }) != i:
				v.add(at+"/id", "input.duplicate", nil)
			case len(o.Label) == 0 && !slices.Contains(standard, o.ID):
				v.add(at+"/label", "input.required", nil)
			}
			v.texts(at+"/label", o.Label, maxLabel, false)
		}
	}
	options("/survey/reasons", s.Reasons, DefaultReasons)
	options("/survey/liked", s.Liked, DefaultLiked)
}

// Proposition is what the merchant says of its product to somebody who wants to leave.
type Proposition struct {
	Headline Texts `json:"headline,omitempty"`
	Body     Texts `json:"body,omitempty"`
	// Losses are what the customer will not have any more, besides the products themselves.
	Losses []Texts `json:"losses,omitempty"`
}

// orNil is nil for one that says nothing.
func (p Proposition) orNil() *Proposition {
	if len(p.Headline) == 0 && len(p.Body) == 0 && len(p.Losses) == 0 {
		return nil
	}
	return &p
}

const (
	maxHeadline = 200
	maxBody     = 2000
	maxLosses   = 10
)

func (p Proposition) validate(v *faults) {
	v.texts("/value_proposition/headline", p.Headline, maxHeadline, false)
	v.texts("/value_proposition/body", p.Body, maxBody, true)
	v.most("/value_proposition/losses", len(p.Losses), maxLosses)
	for i, loss := range p.Losses {
		v.texts("/value_proposition/losses/"+strconv.Itoa(i), loss, maxLabel, false)
		if len(loss) == 0 {
			v.add("/value_proposition/losses/"+strconv.Itoa(i), "input.required", nil)
		}
	}
}
