package i18n_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"foyer/internal/i18n"
)

// termOf names the term of the glossary that a label is.
var termOf = map[string]string{
	"pdf.invoice": "invoice", "pdf.credit_note": "credit note", "pdf.quantity": "quantity", "pdf.unit_price": "unit price", "pdf.subtotal": "subtotal",
	"pdf.total": "total", "pdf.due_at": "due date", "pdf.issued_at": "date of issue", "pdf.seller": "seller", "pdf.amount_due": "amount due",
	"pdf.discount": "discount", "pdf.tax": "tax", "pdf.payment_method": "payment method", "pdf.billing_period": "billing period", "pdf.copy": "copy",
	"pdf.revision": "revision", "mail.billing.label.plan": "subscription", "mail.billing.label.refund": "refund",
}

// TestTermsAreThoseOfTheGlossary keeps the words of billing and law the same wherever they stand: glossary.json has them for every
// language, with a slash between two that are both right, and labels are made of them.
func TestTermsAreThoseOfTheGlossary(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("glossary.json")
	if err != nil {
		t.Fatal(err)
	}
	var glossary map[string]map[string]string
	if err := json.Unmarshal(data, &glossary); err != nil {
		t.Fatal(err)
	}
	if len(glossary) < 45 {
		t.Errorf("%d terms", len(glossary))
	}
	for term, words := range glossary {
		if len(words) != len(i18n.Locales) {
			t.Errorf("%s: %d languages, not %d", term, len(words), len(i18n.Locales))
		}
		for _, tag := range i18n.Locales {
			if strings.TrimSpace(words[tag]) == "" {
				t.Errorf("%s has no word in %s", term, tag)
			}
		}
	}
	for _, tag := range i18n.Locales {
		locale, _ := i18n.Parse(tag)
		if locale.Language != tag || tag == "en" { // English's own words are the terms
			continue
		}
		for key, term := range termOf {
			label, _ := locale.Source(key)
			found := false
			for word := range strings.SplitSeq(strings.ReplaceAll(glossary[term][tag], "、", "/"), "/") {
				found = found || strings.Contains(strings.ToLower(label), strings.ToLower(strings.TrimSpace(word)))
			}
			if !found {
				t.Errorf("%s: %s is %q; the glossary calls %s %q", tag, key, label, term, glossary[term][tag])
			}
		}
	}
}

// TestEveryLocaleHasTexts says that all languages are spoken.
func TestEveryLocaleHasTexts(t *testing.T) {
	t.Parallel()
	for _, tag := range i18n.Locales {
		locale, _ := i18n.Parse(tag)
		if locale.Language != tag {
			t.Errorf("%s has no bundle", tag)
		}
		// A mail that says how to cancel names the link as it is called there.
		cancel, _ := locale.Source("mail.billing.button.cancel")
		if how, _ := locale.Source("mail.billing.how_to_cancel"); !strings.Contains(how, cancel) {
			t.Errorf("%s: %q does not name %q", tag, how, cancel)
		}
	}
}
