package notify

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// Wordings keeps the texts merchants worded themselves.
type Wordings interface {
	// Conclude runs fn in the transaction that also keeps the answer to the call.
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error
	// MailTexts returns the merchant's own texts in a language; none is version 0.
	MailTexts(ctx context.Context, merchant foyer.MerchantID, locale string) (OwnTexts, error)
	// SaveMailTexts keeps them if they are one version above what is kept, and tells whether they were.
	SaveMailTexts(ctx context.Context, merchant foyer.MerchantID, locale string, own OwnTexts, now time.Time) (bool, error)
}

// OwnTexts are what a merchant worded itself in a language, by key.
type OwnTexts struct {
	Texts   map[string]string
	Version int64
}

// Wording is a text of a mail that a merchant may word itself.
type Wording struct {
	// Mail is the kind of mail it stands in; "billing" for what all of them have.
	Mail string
	Key  string
	// Text is ours, Own the merchant's; empty for none.
	Text, Own string
	// Placeholders are those the text must have, no more and no fewer.
	Placeholders []string
}

// LanguageTexts are all texts of a language a merchant may word itself.
type LanguageTexts struct {
	Locale   i18n.Locale
	Wordings []Wording
	Version  int64
}

// maxWording is how long a text may be.
const maxWording = 1000

// worded are the mails merchants may word themselves. Not those the law or the customer's security wants as they are: reminders before
// money is taken, confirmations that a contract ends or is undone, changes of the address, sign-ins from new devices.
var worded = []string{
	"sign_in", "receipt", "payment_failed", "invoice_due", "refunded", "invoice_copy", "invoice_revised", "card_expiring", "payment_method_changed", "kept", "paused",
	"pause_scheduled", "resumed", "plan_changed", "plan_change_scheduled", "discount_applied", "trial_extended", "credited",
}

// wordedShared are the texts all those mails have that may be worded too.
var wordedShared = []string{"mail.billing.greeting", "mail.billing.greeting_name"}

// Wordable tells whether a merchant may word a mail of the kind itself.
func Wordable(kind string) bool { return slices.Contains(worded, kind) }

// wordable tells whether a merchant may word a text: one of the mails above, without plural forms (a merchant can't be asked for the six
// of Arabic).
func wordable(key string) bool {
	if slices.Contains(wordedShared, key) {
		return true
	}
	mail, _, _ := strings.Cut(strings.TrimPrefix(key, "mail."), ".")
	_, single := i18n.English.Source(key)
	return strings.HasPrefix(key, "mail.") && Wordable(mail) && single
}

// Texts returns what a merchant may word in a language, and what it has worded.
func (s *Service) Texts(ctx context.Context, merchant foyer.MerchantID, locale i18n.Locale) (LanguageTexts, error) {
	own, err := s.Wordings.MailTexts(ctx, merchant, locale.Tag)
	return languageTexts(locale, own), err
}

func languageTexts(locale i18n.Locale, own OwnTexts) LanguageTexts {
	out := LanguageTexts{Locale: locale, Version: own.Version}
	for _, key := range i18n.Keys("mail.") {
		if !wordable(key) {
			continue
		}
		mail, _, _ := strings.Cut(strings.TrimPrefix(key, "mail."), ".")
		text, _ := locale.Source(key)
		names, _ := i18n.Placeholders(text)
		out.Wordings = append(out.Wordings, Wording{Mail: mail, Key: key, Text: text, Own: own.Texts[key], Placeholders: names})
	}
	return out
}

// Reword changes a merchant's texts in a language: a text by its key, nil for ours again. ifVersion is what they must be at; nil for any.
//
// Refusals: Invalid (a text that can't be worded, or breaks a rule), PreconditionFailed.
func (s *Service) Reword(ctx context.Context, merchant foyer.MerchantID, locale i18n.Locale, ifVersion *int64, changes map[string]*string) (LanguageTexts, error) {
	if err := checkWordings(changes); err != nil {
		return LanguageTexts{}, err
	}
	var own OwnTexts
	err := s.Wordings.Conclude(ctx, func(ctx context.Context) error {
		before, err := s.Wordings.MailTexts(ctx, merchant, locale.Tag)
		if err != nil {
			return err
		}
		if ifVersion != nil && *ifVersion != before.Version {
			return foyer.Refuse(foyer.PreconditionFailed, "precondition.failed")
		}
		own = OwnTexts{Texts: reworded(before.Texts, changes), Version: before.Version + 1}
		if maps.Equal(own.Texts, before.Texts) {
			own.Version = before.Version
			return nil
		}
		saved, err := s.Wordings.SaveMailTexts(ctx, merchant, locale.Tag, own, foyer.Micro(s.Now()))
		if err == nil && !saved {
			err = foyer.Refuse(foyer.Conflict, "conflict") // somebody else was first
		}
		return err
	})
	return languageTexts(locale, own), err
}

// reworded are the texts with the changes made.
func reworded(texts map[string]string, changes map[string]*string) map[string]string {
	out := maps.Clone(texts)
	if out == nil {
		out = map[string]string{}
	}
	for key, text := range changes {
		if text == nil {
			delete(out, key)
		} else {
			out[key] = *text
		}
	}
	return out
}

// checkWordings refuses texts that would leave out a fact, or say one that is not known.
func checkWordings(changes map[string]*string) error {
	var faults []foyer.FieldError
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		text := changes[key]
		fault := func(code string, params map[string]any) {
			faults = append(faults, foyer.FieldError{Pointer: "/texts/" + key, Code: code, Params: params})
		}
		if !wordable(key) {
			fault("mail_text.fixed", nil)
			continue
		}
		if text == nil {
			continue
		}
		ours, _ := i18n.English.Source(key)
		want, _ := i18n.Placeholders(ours)
		got, readable := i18n.Placeholders(*text)
		switch {
		case strings.TrimSpace(*text) == "":
			fault("input.required", nil)
		case !foyer.CleanText(*text, false):
			fault("input.text_characters", nil)
		case utf8.RuneCountInString(*text) > maxWording:
			fault("input.too_long", map[string]any{"Max": maxWording})
		case (!readable || len(got) > 0) && len(want) == 0:
			fault("mail_text.none", nil)
		case !readable || !slices.Equal(got, want):
			fault("mail_text.placeholders", map[string]any{"Placeholders": "{{." + strings.Join(want, "}}, {{.") + "}}"})
		}
	}
	return foyer.InvalidFields(faults...)
}
