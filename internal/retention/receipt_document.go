package retention

import (
	"strconv"
	"strings"

	"foyer/internal/billing"
	"foyer/internal/i18n"
)

// Document is a receipt in one language, before it is drawn.
type Document struct {
	Title     string
	Reference Fact
	// Person is the heading of the block that says whose declaration it is, Seller that of the merchant's.
	Person, Seller string
	Facts          []Fact
	Lines          []Fact
	Paragraphs     []string
	Footer         string
	// FileWord begins the name of the file.
	FileWord string
}

// Fact is a label and what stands beside it.
type Fact struct{ Label, Value string }

// Document puts the receipt into words. Times are told in UTC: whose clock it was shall not be a question.
func (r Receipt) Document(locale i18n.Locale) Document {
	text := func(key string) string { return locale.Text("receipt."+key, r.params(locale)) }
	kind := string(r.Kind)
	d := Document{
		Title: text(kind + ".title"), FileWord: text(kind + ".file"), Reference: Fact{text("label.reference"), r.ID}, Person: text("label.person"), Seller: text("label.seller"),
		Footer: text("footer"),
	}
	fact := func(label, value string) {
		if value != "" {
			d.Facts = append(d.Facts, Fact{text("label." + label), value})
		}
	}
	c := r.Content
	fact("received_at", locale.DateTime(c.ReceivedAt))
	if c.EffectiveAt != nil {
		fact("effective_at", locale.Date(*c.EffectiveAt))
	}
	if c.EndAt != nil {
		fact("end_at", locale.Date(*c.EndAt))
	}
	if c.Refund != nil {
		fact("refund", locale.Money(*c.Refund))
	}
	if c.Credit != nil {
		fact("credit", locale.Money(*c.Credit))
	}
	line := func(label, value string) {
		if value != "" {
			d.Lines = append(d.Lines, Fact{text("label." + label), value})
		}
	}
	// In a line of their own: ids are wider than a fact, and somebody will copy them.
	line("reference", r.ID)
	line("subscription", c.Subscription)
	for _, item := range c.Items {
		name := item.Name
		if item.Quantity > 1 {
			name += "\u00a0×\u00a0" + strconv.FormatInt(item.Quantity, 10)
		}
		line("item", name)
	}
	line("contract", c.Contract)
	if c.NoticeKind != "" {
		line("notice_kind", text("notice_kind."+c.NoticeKind))
	}
	line("reason", unlinked(c.Reason)) // it is free text, and goes to an address nobody has shown to be theirs
	d.Paragraphs = append(d.Paragraphs, text(kind+".declared"))
	if c.NoticeKind == string(GroundsExtraordinary) {
		d.Paragraphs = append(d.Paragraphs, text(kind+".extraordinary"))
	}
	if after := r.consequence(); after != "" {
		d.Paragraphs = append(d.Paragraphs, text(kind+"."+after))
	}
	if c.Refund != nil {
		d.Paragraphs = append(d.Paragraphs, text("refund"))
	}
	if c.Credit != nil {
		d.Paragraphs = append(d.Paragraphs, text("credit"))
	}
	if c.ProRata {
		d.Paragraphs = append(d.Paragraphs, text("pro_rata"))
	}
	d.Paragraphs = append(d.Paragraphs, text("sealed"))
	return d
}

// consequence names the text that says what comes of it.
func (r Receipt) consequence() string {
	switch {
	case r.Kind == ReceiptCancellationNotice || r.Kind == ReceiptWithdrawalNotice:
		return "checked"
	case r.Content.WithCharge:
		return "with_charge"
	case r.Kind == ReceiptWithdrawal:
		return "ended"
	case r.Content.Effective == billing.Immediately && r.Content.Manual:
		return "at_once_manual"
	case r.Content.Effective == billing.Immediately:
		return "at_once"
	case r.Content.Manual:
		return "at_period_end_manual"
	}
	return "at_period_end"
}

func (r Receipt) params(locale i18n.Locale) map[string]any {
	c := r.Content
	params := map[string]any{"ReceivedAt": locale.DateTime(c.ReceivedAt), "Hash": r.Hash, "Name": c.Name, "Email": c.Email, "Plan": planOf(c.Items)}
	if c.EffectiveAt != nil {
		params["Date"] = locale.Date(*c.EffectiveAt)
	}
	if c.Refund != nil {
		params["Refund"] = locale.Money(*c.Refund)
	}
	if c.Credit != nil {
		params["Credit"] = locale.Money(*c.Credit)
	}
	return params
}

func planOf(items []Item) string {
	var names []string
	for _, item := range items {
		if item.Name != "" && len(names) < 3 {
			names = append(names, item.Name)
		}
	}
	return strings.Join(names, ", ")
}
