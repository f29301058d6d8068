package notify

import (
	"context"
	"encoding/json"
	"errors"
	"html"
	"maps"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

const (
	subID = "sub_01hzy7v8k9m0n1p2q3r4s5t6v7"
	payID = "pay_01hzy7v8k9m0n1p2q3r4s5t6v7"
	emlID = "eml_01hzy7v8k9m0n1p2q3r4s5t6v7"
)

var (
	march  = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)
	april  = time.Date(2026, 4, 14, 15, 9, 26, 0, time.UTC)
	may    = time.Date(2026, 5, 14, 15, 9, 26, 0, time.UTC)
	acme   = foyer.Scope{Merchant: "mer_01hzy7v8k9m0n1p2q3r4s5t6v7", Customer: "ctm_01hzy7v8k9m0n1p2q3r4s5t6v7"}
	actual = time.Date(2031, 1, 2, 3, 4, 5, 0, time.UTC) // the real clock: far from the merchant's
)

// world is everything the Service asks for, and what it did.
type world struct {
	merchant merchant.Merchant
	customer billing.Customer
	order    billing.MailOrder
	sub      billing.Subscription
	payment  billing.Payment
	noPDF    error
	fail     error
	minted   map[identity.PortalSessionID]identity.MintInput
	sent     []Mail
	own      OwnTexts
	activity []foyer.Activity
}

func (w *world) ByID(context.Context, foyer.MerchantID) (merchant.Merchant, error) {
	return w.merchant, nil
}

func (w *world) Customer(context.Context, foyer.Scope) (billing.Customer, error) {
	return w.customer, nil
}

func (w *world) MailOrder(_ context.Context, m foyer.MerchantID, id string) (billing.MailOrder, error) {
	if m != w.order.Scope.Merchant || id != w.order.ID {
		return billing.MailOrder{}, foyer.ErrNotFound()
	}
	return w.order, nil
}

func (w *world) Subscription(_ context.Context, scope foyer.Scope, id billing.SubscriptionID) (billing.Subscription, error) {
	if scope != acme || id != w.sub.ID {
		return billing.Subscription{}, foyer.ErrNotFound()
	}
	return w.sub, nil
}

func (w *world) Payment(_ context.Context, scope foyer.Scope, id billing.PaymentID) (billing.Payment, error) {
	if scope != acme || id != w.payment.ID {
		return billing.Payment{}, foyer.ErrNotFound()
	}
	return w.payment, nil
}

func (w *world) InvoicePDF(_ context.Context, _ foyer.Scope, id string, locale i18n.Locale) (string, []byte, error) {
	return "invoice-" + id + "-" + locale.Language + ".pdf", []byte("%PDF-1.7 \x00\xff"), w.noPDF
}

func (w *world) ReceiptPDF(_ context.Context, _ foyer.Scope, id string, locale i18n.Locale) (string, []byte, error) {
	return "receipt-" + id + "-" + locale.Language + ".pdf", []byte("%PDF-1.7 receipt"), w.noPDF
}

// MintTicket gives the same ticket for the same id, as identity does.
func (w *world) MintTicket(_ context.Context, in identity.MintInput) (string, error) {
	if before, ok := w.minted[in.ID]; ok && !assert.ObjectsAreEqual(before, in) {
		return "", errors.New("the id stands for something else")
	}
	w.minted[in.ID] = in
	return "ticket-of-" + string(in.ID), nil
}

func (w *world) RecordActivity(_ context.Context, a foyer.Activity) error {
	if slices.ContainsFunc(w.activity, func(b foyer.Activity) bool { return b.ID == a.ID }) {
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
	w.activity = append(w.activity, a)
	return nil
}

func (w *world) Activity(context.Context, foyer.Scope, foyer.PageRequest) ([]foyer.Activity, error) {
	return w.activity, nil
}

func (w *world) Send(_ context.Context, m Mail) error {
	if w.fail != nil {
		return w.fail
	}
	w.sent = append(w.sent, m)
	return nil
}

func (w *world) service() *Service {
	return NewService(Config{
		Sender: w, Merchants: w, Wordings: w, Customers: w, Orders: w, Bills: w, Documents: w, Receipts: w, Tickets: w, Activity: w,
		Now: func() time.Time { return actual }, PublicURL: "https://billing.test", TicketLife: identity.DefaultLifetimes.MailTicket,
	})
}

func newWorld(kind billing.MailKind, locale string) *world {
	item := billing.SubscriptionItem{ProductName: "Analytics Pro", PriceName: "Monthly", Quantity: 3, UnitPrice: 1000}
	grown := item
	grown.ProductName, grown.UnitPrice = "Analytics Max", 2000
	next := int64(6000)
	w := &world{
		merchant: merchant.Merchant{ID: acme.Merchant, Portal: merchant.Portal{Settings: merchant.Settings{
			Name: "Acme", FrontendURL: "https://acme.test/billing/", Branding: merchant.Branding{Color: "#0f766e"},
			Seller: merchant.Seller{LegalName: "Acme GmbH", Address: merchant.Address{Line1: "Domplatz 1", PostalCode: "50667", City: "Köln", Country: "DE"}},
			Legal:  merchant.LegalLinks{SupportURL: "https://acme.test/help", PrivacyURL: "https://acme.test/privacy", TermsURL: "javascript:alert(1)"},
		}}},
		customer: billing.Customer{ID: acme.Customer, Merchant: acme.Merchant, Email: "mia@mailbox.test", Name: "Mia Lang", Locale: locale},
		sub: billing.Subscription{
			ID: subID, Merchant: acme.Merchant, Customer: acme.Customer, Provider: billing.ProviderNative, Status: billing.SubscriptionActive, Currency: "EUR",
			Items: []billing.SubscriptionItem{item}, RecurringTotal: 3570, Cycle: foyer.Cycle{Interval: foyer.Month, Frequency: 1},
			CollectionMode: billing.CollectAutomatic, CurrentPeriod: &foyer.Period{Start: march, End: april}, NextBilledAt: &april,
		},
		payment: billing.Payment{
			ID: payID, Merchant: acme.Merchant, Customer: acme.Customer, Status: billing.PaymentCompleted, Currency: "EUR", Subscription: subID,
			Lines: []billing.Line{
				{Name: "Analytics Pro", Quantity: 3, UnitPrice: 1000, Totals: billing.LineTotals{Subtotal: 3000, Tax: 570, Total: 3570}},
			},
			Totals:        billing.Totals{Subtotal: 3000, Tax: 570, Total: 3570, GrandTotal: 3570},
			InvoiceNumber: "AC-10566",
			Attempts: []billing.Attempt{
				{Status: billing.AttemptFailed, Card: &billing.Card{Brand: "jcb", Last4: "0001"}},
				{Status: billing.AttemptCaptured, Card: &billing.Card{Brand: "visa", Last4: "4242"}},
			},
		},
		order:  billing.MailOrder{ID: emlID, Scope: acme, Kind: kind, Subscription: subID, At: march},
		minted: map[identity.PortalSessionID]identity.MintInput{},
	}
	amount, facts := int64(3570), &w.order.Facts
	switch kind {
	case billing.MailReceipt, billing.MailRefunded:
		w.order.Payment, w.order.Invoice, facts.Amount = payID, "inv_1", &amount
	case billing.MailInvoiceRevised:
		w.order.Payment, w.order.Invoice, facts.Amount, facts.Number, facts.Replaced = payID, "inv_1", &amount, "AC-10566", "AC-10566"
	case billing.MailInvoiceCopy:
		w.order.Payment, w.order.Invoice, facts.Amount, facts.Number, facts.Document = payID, "inv_1", &amount, "AC-10566", "invoice"
	case billing.MailPaymentFailed:
		w.order.Payment, w.payment.Status, w.payment.Totals.Balance = payID, billing.PaymentPastDue, 3570
		*facts = billing.MailFacts{EffectiveAt: &april, Attempt: 1, ErrorCode: "not_enough_balance", Then: "cancel", Brand: "visa", Last4: "4242"}
	case billing.MailInvoiceDue:
		w.order.Payment, w.order.Invoice, w.payment.Totals.Balance = payID, "inv_1", 3570
		w.sub.CollectionMode, facts.EffectiveAt = billing.CollectManual, &april
	case billing.MailCardExpiring:
		end := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
		*facts = billing.MailFacts{Brand: "visa", Last4: "4242", EffectiveAt: &end}
	case billing.MailMethodChanged:
		*facts = billing.MailFacts{Brand: "visa", Last4: "4242"}
	case billing.MailTrialEnding:
		w.sub.Status, w.sub.Trial = billing.SubscriptionTrialing, &foyer.Period{Start: march, End: april}
		facts.EffectiveAt, facts.Amount = &april, &amount
	case billing.MailWelcome:
		w.sub.StartedAt, facts.EffectiveAt, facts.Amount = &march, &april, &amount
	case billing.MailDiscountEnding:
		facts.EffectiveAt, facts.Amount = &april, &amount
	case billing.MailYearlyReminder:
		w.sub.StartedAt, facts.EffectiveAt, facts.Amount = ptr(march.AddDate(-1, 0, 0)), &april, &amount
	case billing.MailCredited:
		w.order.Payment, facts.Amount = payID, &amount
	case billing.MailInvoiceCanceled:
		w.order.Payment, w.order.Invoice, facts.Amount, facts.Number = payID, "inv_1", &amount, "AC-10566"
	case billing.MailMethodRemoved:
		*facts = billing.MailFacts{Brand: "visa", Last4: "4242"}
	case billing.MailRenewalComing:
		facts.EffectiveAt, facts.Amount = &april, &amount
	case billing.MailCancellationScheduled:
		facts.EffectiveAt, facts.Receipt, facts.Declared, facts.Examined = &april, "can_1", true, true
		w.sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: april}
	case billing.MailDiscountApplied:
		lower := int64(2499)
		w.sub.NextTotal, facts.Amount, facts.Periods, facts.EffectiveAt = &lower, &amount, 3, &may
	case billing.MailWithdrawalReceived:
		*facts = billing.MailFacts{Amount: &amount, Credit: 1190, Receipt: "wdr_1"}
		w.sub.Status = billing.SubscriptionCanceled
	case billing.MailWithdrawalDeclared:
		facts.EffectiveAt, facts.InTime, facts.Amount, facts.ProRata = &april, true, &amount, true
	case billing.MailWithdrawalDismissed, billing.MailNoticeNoted:
		facts.EffectiveAt = &april
	case billing.MailTrialExtended:
		w.sub.Status, w.sub.Trial = billing.SubscriptionTrialing, &foyer.Period{Start: march, End: april}
		facts.EffectiveAt = &april
	case billing.MailPauseScheduled:
		facts.EffectiveAt, facts.ResumeAt = &april, &may
	case billing.MailPaused:
		w.sub.Status, facts.ResumeAt = billing.SubscriptionPaused, &may
	case billing.MailCanceled:
		w.sub.Status, w.sub.CanceledAt = billing.SubscriptionCanceled, &march
	case billing.MailPlanChangeScheduled:
		facts.EffectiveAt, w.sub.NextTotal = &april, &next
		w.sub.Pending = &billing.Plan{Items: []billing.SubscriptionItem{grown}, Cycle: w.sub.Cycle}
		w.sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleChange, EffectiveAt: april}
	}
	return w
}

func (w *world) mail(t testing.TB) Mail {
	t.Helper()
	require.NoError(t, w.service().SendBillingMail(t.Context(), acme.Merchant, emlID))
	require.NotEmpty(t, w.sent)
	return w.sent[len(w.sent)-1]
}

// told is what a mail must say in each language, besides what every mail says.
var told = map[billing.MailKind]struct{ en, de []string }{
	billing.MailReceipt:       {[]string{"€35.70", "€30.00", "Visa ending in 4242", "March 14, 2026", "Analytics Pro × 3", "attached"}, []string{"35,70 €", "Visa mit den Endziffern 4242", "14. März 2026", "im Anhang"}},
	billing.MailPaymentFailed: {[]string{"€35.70", "April 14, 2026", "not enough balance", "Visa ending in 4242"}, []string{"35,70 €", "14. April 2026", "nicht genug Guthaben"}},
	billing.MailInvoiceDue:    {[]string{"€35.70", "April 14, 2026", "AC-10566", "attached"}, []string{"35,70 €", "14. April 2026", "Rechnung"}},
	billing.MailCardExpiring:  {[]string{"04/2026", "Visa ending in 4242"}, []string{"04/2026", "Visa mit den Endziffern 4242"}},
	billing.MailTrialEnding:   {[]string{"€35.70", "April 14, 2026", "€35.70 a month", "March 14, 2026"}, []string{"35,70 €", "14. April 2026", "35,70 € pro Monat"}},
	billing.MailRenewalComing: {
		[]string{"€35.70", "April 14, 2026", "renews by itself at €35.70 a month until you cancel it", "To cancel, use the link “Cancel subscription”"},
		[]string{"35,70 €", "14. April 2026", "verlängert sich von selbst für 35,70 € pro Monat", "Link „Abonnement kündigen“"},
	},
	billing.MailWelcome: {
		[]string{"Thank you for subscribing to Analytics Pro", "costs €35.70 a month and renews by itself", "next payment, €35.70, is due on April 14, 2026", "To cancel, use the link", "March 14, 2026"},
		[]string{"kostet 35,70 € pro Monat", "am 14. April 2026 fällig", "Zum Kündigen"},
	},
	billing.MailDiscountEnding: {
		[]string{"April 14, 2026", "without the discount", "full price to your payment method: €35.70", "€35.70 a month", "cancel before that day", "To cancel"},
		[]string{"14. April 2026", "ohne den Rabatt", "vollen Preis von Ihrer Zahlungsmethode ab: 35,70 €", "Zum Kündigen"},
	},
	billing.MailYearlyReminder: {
		[]string{"yearly reminder", "costs €35.70 a month", "€35.70 to your payment method on April 14, 2026", "March 14, 2025", "Analytics Pro (Monthly) × 3", "You can cancel at any time", "To cancel"},
		[]string{"jährliche Erinnerung", "35,70 € pro Monat", "am 14. April 2026 35,70 €", "jederzeit kündigen", "Zum Kündigen"},
	},
	billing.MailCredited:        {[]string{"€35.70 were added to your credit", "lowers your next payments"}, []string{"35,70 € hinzugefügt", "nächsten Zahlungen"}},
	billing.MailInvoiceCanceled: {[]string{"AC-10566", "don’t owe it any more", "€35.70", "canceled invoice is attached"}, []string{"AC-10566", "nicht mehr bezahlen", "liegt als PDF bei"}},
	billing.MailMethodRemoved:   {[]string{"This card was removed", "Visa ending in 4242", "wasn’t you", "March 14, 2026"}, []string{"Diese Karte wurde", "Visa mit den Endziffern 4242", "nicht waren"}},
	billing.MailCancellationScheduled: {
		[]string{"April 14, 2026", "Nothing more will be charged", "Keep subscription", "receipt of your cancellation is attached", "without signing in", "cause for an earlier end"},
		[]string{"14. April 2026", "nichts mehr abgebucht", "Abonnement behalten", "Kündigung", "Kündigungsbestätigung liegt bei", "ohne Anmeldung", "früheres Ende"},
	},
	billing.MailKept:                {[]string{"€35.70", "April 14, 2026"}, []string{"35,70 €", "14. April 2026"}},
	billing.MailCanceled:            {[]string{"March 14, 2026", "invoices stay available"}, []string{"14. März 2026", "Rechnungen bleiben"}},
	billing.MailPaused:              {[]string{"March 14, 2026", "May 14, 2026", "due on May 14, 2026 is €35.70"}, []string{"14. März 2026", "14. Mai 2026", "Zahlung von 35,70 €"}},
	billing.MailPauseScheduled:      {[]string{"April 14, 2026", "May 14, 2026", "due on May 14, 2026 is €35.70"}, []string{"14. April 2026", "14. Mai 2026", "Zahlung von 35,70 €"}},
	billing.MailResumed:             {[]string{"April 14, 2026", "€35.70"}, []string{"14. April 2026", "35,70 €"}},
	billing.MailPlanChanged:         {[]string{"€35.70 a month", "€30.00", "Analytics Pro (Monthly) × 3"}, []string{"35,70 € pro Monat"}},
	billing.MailPlanChangeScheduled: {[]string{"€60.00 a month", "April 14, 2026", "Analytics Max"}, []string{"60,00 € pro Monat", "14. April 2026", "Analytics Max"}},
	billing.MailDiscountApplied: {
		[]string{"next 3 payments are €24.99 each instead of €35.70", "From May 14, 2026 on it is €35.70 again"},
		[]string{"nächsten 3 Zahlungen betragen je 24,99 € statt 35,70 €", "Ab 14. Mai 2026"},
	},
	billing.MailWithdrawalReceived: {
		[]string{"March 14, 2026", "€35.70 will be refunded", "€11.90 of credit", "acknowledgement is attached", "has ended"},
		[]string{"14. März 2026", "35,70 € werden", "11,90 € Guthaben", "Eingangsbestätigung liegt"},
	},
	billing.MailWithdrawalDeclared: {
		[]string{"April 14, 2026", "If it was not you", "Review and confirm", "March 14, 2026", "received in time", "€35.70 then goes back", "less than you paid"},
		[]string{"14. April 2026", "Waren Sie es nicht", "Ansehen und bestätigen", "rechtzeitig", "35,70 €", "weniger, als Sie gezahlt haben"},
	},
	billing.MailNoticeNoted:         {[]string{"without signing in", "April 14, 2026"}, []string{"ohne Anmeldung", "14. April 2026"}},
	billing.MailWithdrawalDismissed: {[]string{"did not accept", "April 14, 2026", "please contact"}, []string{"nicht angenommen", "14. April 2026"}},
	billing.MailTrialExtended:       {[]string{"April 14, 2026", "€35.70 will be charged"}, []string{"14. April 2026", "35,70 € abgebucht"}},
	billing.MailRefunded:            {[]string{"€35.70", "credit note is attached"}, []string{"35,70 €", "Gutschrift"}},
	billing.MailInvoiceRevised:      {[]string{"AC-10566", "€35.70", "attached", "stays the same"}, []string{"AC-10566", "35,70 €", "liegt als PDF bei"}},
	billing.MailInvoiceCopy:         {[]string{"AC-10566", "€35.70", "attached"}, []string{"AC-10566", "35,70 €", "im Anhang"}},
	billing.MailMethodChanged:       {[]string{"Visa ending in 4242", "wasn’t you"}, []string{"Visa mit den Endziffern 4242", "nicht waren"}},
}

var kinds = slices.Sorted(maps.Keys(compose))

func plain(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }

func TestBillingMails(t *testing.T) {
	t.Parallel()
	require.Len(t, kinds, 30)
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			subjects := map[string]string{}
			for _, language := range []string{"en", "de"} {
				w := newWorld(kind, language)
				m := w.mail(t)
				says := told[kind].en
				if language == "de" {
					says = told[kind].de
				}
				require.NotEmpty(t, says)
				page := plain(html.UnescapeString(m.HTML))
				for _, part := range []string{plain(m.Text), page} {
					for _, want := range append(says, "Acme", "Mia Lang", "Acme GmbH · Domplatz 1 · 50667 Köln · DE", "https://acme.test/help") {
						assert.Contains(t, part, want, language)
					}
					for _, never := range []string{"mail.", "{{", "}}", "…", "<no value>", "ZgotmplZ", "%!", "javascript:", "attempt_error", "payment_method.brand"} {
						assert.NotContains(t, part, never, language)
					}
				}
				assert.NotContains(t, m.Subject, "…")
				assert.NotContains(t, m.Subject, "mail.")
				assert.NotContains(t, m.Text, "\n\n\n", "no holes")
				assert.NotEmpty(t, m.Subject)
				assert.Equal(t, emlID, m.ID)
				assert.Equal(t, "mia@mailbox.test", m.To)
				assert.Equal(t, "Acme", m.FromName)
				assert.Equal(t, language, m.Language)
				assert.Equal(t, acme.Merchant, m.Merchant)
				assert.Equal(t, actual, m.At)
				assert.Contains(t, m.HTML, `<html lang="`+language+`" dir="ltr">`)
				assert.Contains(t, m.HTML, "#0f766e")
				assert.Less(t, len(m.HTML), 100_000, "Gmail cuts longer ones")
				for _, href := range hrefs.FindAllStringSubmatch(m.HTML, -1) {
					assert.Contains(t, m.Text, html.UnescapeString(href[1]), "the text part has every link")
				}
				assert.True(t, i18n.English.HasText("mail.kind."+string(kind)))
				assert.Equal(t, []foyer.Activity{{
					ID: strings.Replace(emlID, "eml", "act", 1), Scope: acme, Type: foyer.ActivityMailSent, Params: map[string]string{"Mail": string(kind)}, At: actual,
				}}, w.activity)
				subjects[language] = m.Subject
			}
			assert.NotEqual(t, subjects["en"], subjects["de"])
		})
	}
}

// Every mail about a subscription leads to updating the payment method and to canceling; but not where that is nothing.
func TestManageLinks(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		for name, c := range map[string]struct {
			change         func(*world)
			cancel, method bool
		}{
			"automatic": {func(*world) {}, true, true},
			"manual":    {func(w *world) { w.sub.CollectionMode = billing.CollectManual }, true, false},
			"canceled":  {func(w *world) { w.sub.Status = billing.SubscriptionCanceled }, false, false},
			"past due":  {func(w *world) { w.sub.Status = billing.SubscriptionPastDue }, true, true},
			"none": {func(w *world) {
				w.order.Subscription, w.payment.Subscription = "", ""
			}, false, false},
		} {
			w := newWorld(kind, "en")
			if kind == billing.MailInvoiceDue {
				w.sub.CollectionMode = billing.CollectAutomatic
			}
			if kind == billing.MailCanceled || kind == billing.MailWithdrawalReceived {
				w.sub.Status = billing.SubscriptionActive
			}
			c.change(w)
			m := w.mail(t)
			at := "https://acme.test/billing/subscriptions/" + subID
			assert.Equal(t, c.cancel, strings.Contains(m.Text, "Cancel subscription: "+at+"/cancel#ticket=ticket-of-cpls_"), "%s %s", kind, name)
			assert.Equal(t, c.method, strings.Contains(m.Text, "Update payment method: "+at+"/payment-method#ticket=ticket-of-cpls_"), "%s %s", kind, name)
			for id, in := range w.minted {
				assert.True(t, foyer.ValidID(foyer.PrefixPortalSession, string(id)), "%s", id)
				assert.Equal(t, 7*24*time.Hour, in.ExpiresIn)
				assert.Equal(t, acme, in.Scope)
				assert.NoError(t, in.Target.Validate())
				want := identity.ScopeCancel(subID)
				if in.Target.Kind == identity.TargetUpdatePaymentMethod {
					want = identity.ScopePaymentMethod(subID)
				}
				if in.Target.Kind == identity.TargetSubscription && kind == billing.MailWithdrawalDeclared {
					want = identity.ScopeWithdraw(subID)
				}
				assert.Equal(t, []string{want}, in.Scopes)
			}
		}
	}
}

func TestCancellationCanBeTakenBackFromTheMail(t *testing.T) {
	t.Parallel()
	w := newWorld(billing.MailCancellationScheduled, "en")
	m := w.mail(t)
	assert.Contains(t, m.Text, "Keep subscription:\nhttps://acme.test/billing/subscriptions/"+subID+"#ticket=")
	require.Len(t, w.minted, 3)
}

func TestAMailGoesWithoutItsReceiptWhereNobodyDrawsReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(billing.MailCancellationScheduled, "en")
	s := w.service()
	s.Receipts = nil
	require.NoError(t, s.SendBillingMail(t.Context(), acme.Merchant, emlID))
	assert.Empty(t, w.sent[0].Attachments)
	assert.NotContains(t, w.sent[0].Text, "attached")
}

func TestSentAgainIsTheSameMail(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		w := newWorld(kind, "de")
		first := w.mail(t)
		second := w.mail(t)
		assert.Equal(t, first, second, kind)
		assert.Len(t, w.activity, 1, kind)
		other := newWorld(kind, "de")
		other.order.ID = "eml_01hzy7v8k9m0n1p2q3r4s5t6v8"
		require.NoError(t, other.service().SendBillingMail(t.Context(), acme.Merchant, other.order.ID))
		for id := range other.minted {
			assert.NotContains(t, w.minted, id, "another mail has other tickets")
		}
	}
}

func TestSendBillingMailFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(billing.MailReceipt, "en")
	require.NoError(t, w.service().SendBillingMail(t.Context(), acme.Merchant, "eml_other"), "pruned")
	require.NoError(t, w.service().SendBillingMail(t.Context(), "mer_other", emlID), "another's")
	assert.Empty(t, w.sent)

	w.fail = errors.New("mail server: down")
	require.ErrorIs(t, w.service().SendBillingMail(t.Context(), acme.Merchant, emlID), w.fail)
	assert.Empty(t, w.activity, "what was not sent is not told")
	w.fail = nil

	w.noPDF = foyer.Refuse(foyer.Unavailable, "render.busy")
	require.ErrorIs(t, w.service().SendBillingMail(t.Context(), acme.Merchant, emlID), foyer.Unavailable, "tried again later")
	w.noPDF = foyer.ErrNotFound()
	m := w.mail(t)
	assert.Empty(t, m.Attachments)
	assert.NotContains(t, m.Text, "attached")
	w.noPDF = nil
	m = w.mail(t)
	assert.Equal(t, []Attachment{{Name: "invoice-inv_1-en.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.7 \x00\xff")}}, m.Attachments)
	var back Mail
	kept, err := json.Marshal(m)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(kept, &back))
	assert.Equal(t, m, back, "the outbox keeps it")

	w.order.Kind = "postcard"
	require.Error(t, w.service().SendBillingMail(t.Context(), acme.Merchant, emlID))
}

func TestPaymentFailedIsASeries(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, c := range []struct {
		name     string
		change   func(*world)
		en, de   string
		unspoken string
	}{
		{"first", func(*world) {}, "usually quick to put right", "meist schnell beheben", "Reminder"},
		{"second", func(w *world) { w.order.Facts.Attempt = 2 }, "Our second try", "Auch unser zweiter Versuch", "usually quick"},
		{"third", func(w *world) { w.order.Facts.Attempt = 3 }, "still did not work", "wieder nicht geklappt", "second try"},
		{"final", func(w *world) { w.order.Facts.Attempt, w.order.Facts.Final = 6, true }, "only one more try is left", "nur noch ein Versuch", "still did not work"},
		{"final, what then", func(w *world) { w.order.Facts.Attempt, w.order.Facts.Final, w.order.Facts.Then = 6, true, "pause" }, "will be paused on April 14, 2026", "am 14. April 2026 pausiert", "canceled on"},
		{"first and final", func(w *world) { w.order.Facts.Final = true }, "will be canceled on April 14, 2026", "am 14. April 2026 beendet", "only one more try"},
		{"unknown reason", func(w *world) { w.order.Facts.ErrorCode = "new_code" }, "we were given no reason", "kein Grund genannt", "new_code"},
		{"no next", func(w *world) { w.order.Facts.EffectiveAt = nil }, "Once you update", "Sobald Sie", "again by ourselves"},
		{"last", func(w *world) { w.order.Facts.Last = true }, "will be canceled on April 14, 2026", "am 14. April 2026 beendet", "try again by ourselves on"},
		{"last, no date", func(w *world) { w.order.Facts.Last, w.order.Facts.EffectiveAt = true, nil }, "stays unpaid, your subscription to Analytics Pro will be canceled.", "wird Ihr Abonnement „Analytics Pro“ beendet.", "has been"},
		{"last, pause", func(w *world) {
			w.order.Facts.Last, w.order.Facts.Then, w.order.Facts.EffectiveAt = true, "pause", nil
		}, "will be paused.", "pausiert.", "cancel on"},
		{"over", func(w *world) {
			w.order.Facts.Last, w.sub.Status, w.payment.Status = true, billing.SubscriptionCanceled, billing.PaymentCanceled
		}, "has been canceled", "wurde Ihr Abonnement „Analytics Pro“ beendet", "pdate your payment method"},
		{"paused", func(w *world) {
			w.order.Facts.Last, w.order.Facts.Then, w.sub.Status, w.payment.Status = true, "pause", billing.SubscriptionPaused, billing.PaymentCanceled
		}, "has been paused", "wurde Ihr Abonnement „Analytics Pro“ pausiert", "pdate your payment method"},
		{"by invoice", func(w *world) {
			w.order.Facts.Last, w.order.Facts.ErrorCode, w.payment.CollectionMode = true, "", billing.CollectManual
			w.sub.CollectionMode, w.sub.Status, w.payment.Status = billing.CollectManual, billing.SubscriptionCanceled, billing.PaymentCanceled
		}, "in spite of our reminders", "trotz unserer Erinnerungen", "try"},
		{"no subscription", func(w *world) {
			w.order.Facts.Last, w.order.Subscription, w.payment.Subscription = true, "", ""
		}, "for Acme did not work either", "für Acme einzuziehen", "will be canceled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(billing.MailPaymentFailed, "en")
			c.change(w)
			m := w.mail(t)
			assert.Contains(t, plain(m.Text), c.en)
			assert.NotContains(t, plain(m.Text), c.unspoken)
			assert.Contains(t, plain(m.Text), "€35.70")
			assert.NotContains(t, m.Text+m.Subject, "…")
			assert.NotContains(t, m.Text+m.Subject, "mail.")
			assert.Contains(t, m.HTML, `color:#ffffff;text-decoration:none`, "there is a button")
			said[m.Text] = true
			w = newWorld(billing.MailPaymentFailed, "de")
			c.change(w)
			assert.Contains(t, plain(w.mail(t).Text), c.de)
		})
	}
	assert.Len(t, said, 15)
}

func TestVariants(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		kind   billing.MailKind
		change func(*world)
		says   string
		never  string
	}{
		{"a trial", billing.MailWelcome, func(w *world) {
			w.sub.Status, w.sub.Trial, w.sub.CurrentPeriod = billing.SubscriptionTrialing, &foyer.Period{Start: march, End: april}, &foyer.Period{Start: march, End: april}
		}, "began on March 14, 2026 and costs nothing until April 14, 2026. It is the beginning of a subscription: unless you cancel before, a paid subscription begins on that day.\n\n" +
			"On April 14, 2026 we charge €35.70 to your payment method for the first time.\n\nThe subscription costs €35.70 a month and renews by itself until you cancel it.\n\n" +
			"Cancel before April 14, 2026, and you pay nothing.", "has begun."},
		{"how long a trial is", billing.MailWelcome, func(w *world) {
			w.sub.Status, w.sub.Trial = billing.SubscriptionTrialing, &foyer.Period{Start: march, End: april}
		}, "Length of the trial: 31 days", "Began"},
		{"a trial, by invoice", billing.MailWelcome, func(w *world) {
			w.sub.Status, w.sub.Trial, w.sub.CollectionMode = billing.SubscriptionTrialing, &foyer.Period{Start: march, End: april}, billing.CollectManual
		}, "we send you the first invoice, for €35.70", "payment method"},
		{"a discount that ends, by invoice", billing.MailDiscountEnding, func(w *world) { w.sub.CollectionMode = billing.CollectManual }, "our invoices are for the full price: €35.70", "payment method"},
		{"a year, by invoice", billing.MailYearlyReminder, func(w *world) { w.sub.CollectionMode = billing.CollectManual }, "next invoice, for €35.70, comes on April 14, 2026", "we charge"},
		{"a refund of all", billing.MailRefunded, func(w *world) { w.order.Facts.Full = true }, "refunded your payment in full: €35.70", "part of"},
		{"a refund of the rest", billing.MailRefunded, func(w *world) { w.order.Facts.Full, w.order.Facts.Amount = true, ptr(int64(3000)) }, "the rest of your payment of €35.70: €30.00. All of it", "in full"},
		{"a refund of a part", billing.MailRefunded, func(w *world) { w.order.Facts.Amount = ptr(int64(570)) }, "refunded part of your payment of €35.70: €5.70", "in full"},
		{"a method without a card", billing.MailMethodRemoved, func(w *world) { w.order.Facts = billing.MailFacts{} }, "A payment method was removed", "This card"},
		{"overdue invoice", billing.MailInvoiceDue, func(w *world) {
			w.order.Facts.Attempt, w.payment.BilledAt = 1, ptr(march.AddDate(0, 0, -15))
			w.payment.BillingDetails = &billing.Terms{PaymentTerms: &foyer.Cycle{Interval: foyer.Day, Frequency: 14}}
		}, "was due on March 13, 2026", "April"},
		{"overdue, nobody knows since when", billing.MailInvoiceDue, func(w *world) { w.order.Facts.Attempt = 2 }, "is overdue, and we", "April"},
		{"invoice without terms", billing.MailInvoiceDue, func(w *world) { w.order.Facts.EffectiveAt = nil }, "Here is your new invoice for €35.70.", "by "},
		{"a later end", billing.MailCancellationScheduled, func(w *world) {
			w.order.Facts.EffectiveAt = &may
			w.sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: may, Firm: true}
		}, "the next payment, €35.70, is due on April 14, 2026", "Nothing more"},
		{"an end with a debt", billing.MailCancellationScheduled, func(w *world) { w.sub.Status, w.sub.Debt = billing.SubscriptionPastDue, payID }, "is overdue", "Nothing more"},
		{"an end that depends on a charge", billing.MailCancellationScheduled, func(w *world) {
			w.order.Facts.WithCharge, w.sub.OpenPayment = true, payID
		}, "If it fails, your subscription ends at once and you owe nothing for it, unless", "Nothing more"},
		{"an end that depends on a charge, dunned", billing.MailCancellationScheduled, func(w *world) {
			w.order.Facts.WithCharge, w.sub.Status, w.sub.Debt, w.sub.OpenPayment = true, billing.SubscriptionPastDue, payID, payID
		}, "your subscription ends on April 14, 2026, or with the period it pays for", "overdue"},
		{"a charge, and an end that was named", billing.MailCancellationScheduled, func(w *world) {
			w.order.Facts.WithCharge, w.sub.Debt, w.sub.OpenPayment = true, payID, payID
			w.sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: april, Firm: true}
		}, "if it succeeds, it stays paid.\n\nApart from that payment, nothing more will be charged", "overdue"},
		{"a charge, and a later end that was named", billing.MailCancellationScheduled, func(w *world) {
			w.order.Facts.WithCharge, w.sub.OpenPayment, w.order.Facts.EffectiveAt = true, payID, &may
			w.sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: may, Firm: true}
		}, "if it succeeds, it stays paid.\n\nUntil then it renews as before: the next payment, €35.70", "othing more"},
		{"an end, by invoice", billing.MailCancellationScheduled, func(w *world) {
			w.sub.CollectionMode = billing.CollectManual
		}, "No further invoice will be issued for it.\n\nInvoices that were issued and not canceled stay payable.", "charged"},
		{"an end with a debt and a charge, by invoice", billing.MailCancellationScheduled, func(w *world) {
			w.sub.CollectionMode, w.sub.Debt, w.order.Facts.WithCharge = billing.CollectManual, payID, true
		}, "stay payable", "at once"},
		{"a later end, by invoice", billing.MailCancellationScheduled, func(w *world) {
			w.sub.CollectionMode, w.order.Facts.EffectiveAt = billing.CollectManual, &may
			w.sub.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: may, Firm: true}
		}, "is due on April 14, 2026.\n\nInvoices that were issued", "No further invoice"},
		{"ended, by invoice", billing.MailCanceled, func(w *world) { w.sub.CollectionMode = billing.CollectManual }, "No further invoice will be issued", "charged"},
		{"a change with a discount that ends", billing.MailPlanChangeScheduled, func(w *world) {
			w.sub.Discount, w.sub.NextTotal = &billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "30", PeriodsLeft: ptr(2)}, ptr(int64(4200))
		}, "From then on it costs €60.00 a month.\n\nYour discount still counts then: the next payment, on April 14, 2026, is €42.00.", "€42.00 a month"},
		{"a change with a discount for ever", billing.MailPlanChangeScheduled, func(w *world) {
			w.sub.Discount, w.sub.NextTotal = &billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "30"}, ptr(int64(4200))
		}, "From then on it costs €42.00 a month.", "Your discount"},
		{"paused with a discount", billing.MailPaused, func(w *world) { w.sub.NextTotal = ptr(int64(2499)) }, "The payment due on May 14, 2026 is €24.99.", "€35.70"},
		{"to be paused with a discount", billing.MailPauseScheduled, func(w *world) { w.sub.NextTotal = ptr(int64(2499)) }, "The payment due on May 14, 2026 is €24.99.", "€35.70"},
		{"paused with a discount of unknown length", billing.MailPaused, func(w *world) {
			w.sub.Discount = &billing.SubscriptionDiscount{Type: billing.DiscountPercent, Percent: "30", EndsAt: &april}
		}, "payments go on then", "due on"},
		{"paused, amount unknown", billing.MailPaused, func(w *world) { w.sub.AmountsUnknown = true }, "payments go on then", "€"},
		{"an end without a receipt", billing.MailCancellationScheduled, func(w *world) { w.noPDF = foyer.ErrNotFound() }, "Nothing more will be charged", "attached"},
		{"a discount once", billing.MailDiscountApplied, func(w *world) { w.order.Facts.Periods = 1 }, "Your next payment is €24.99 instead of €35.70", "payments"},
		{"a discount for ever", billing.MailDiscountApplied, func(w *world) {
			w.order.Facts.Periods, w.order.Facts.EffectiveAt = 0, nil
		}, "for as long as your subscription runs", "again"},
		{"open pause", billing.MailPaused, func(w *world) { w.order.Facts.ResumeAt = nil }, "resume it at any time", "€"},
		{"open pause to come", billing.MailPauseScheduled, func(w *world) { w.order.Facts.ResumeAt = nil }, "After that you can resume", "€"},
		{"trial then invoice", billing.MailTrialEnding, func(w *world) { w.sub.CollectionMode = billing.CollectManual }, "we send you an invoice for €35.70", "charge"},
		{"trial, amount unknown", billing.MailTrialEnding, func(w *world) { w.order.Facts.Amount, w.sub.AmountsUnknown = nil, true }, "Your paid subscription begins then", "€"},
		{"no card", billing.MailMethodChanged, func(w *world) { w.order.Facts.Brand, w.order.Facts.Last4 = "", "" }, "with your new payment method", "Card"},
		{"an account", billing.MailMethodChanged, func(w *world) { w.order.Facts = debit }, "Payment method: SEPA Direct Debit •••• 3000", "Card"},
		{"an account removed", billing.MailMethodRemoved, func(w *world) { w.order.Facts = debit }, "Payment method: SEPA Direct Debit •••• 3000", "card"},
		{"an account that did not pay", billing.MailPaymentFailed, func(w *world) { w.order.Facts = w.order.Facts.Named(debit.MethodName()) }, "Payment method: SEPA Direct Debit •••• 3000", "Card"},
		{"paid from an account", billing.MailReceipt, func(w *world) {
			w.payment.Attempts = []billing.Attempt{{Status: billing.AttemptCaptured, MethodType: "sepa_debit", Identifier: "•••• 3000"}}
		}, "Paid with: SEPA Direct Debit •••• 3000", "Visa"},
		{"paid with an address", billing.MailReceipt, func(w *world) {
			w.payment.Attempts = []billing.Attempt{{Status: billing.AttemptCaptured, MethodType: "paypal", Identifier: "jane@example.com"}}
		}, "Paid with: PayPal jane@example.com", "Visa"},
		{"a wallet", billing.MailCardExpiring, func(w *world) { w.order.Facts.Wallet = "google_pay" }, "Card: Google Pay (Visa •••• 4242)", "ending in"},
		{"unknown brand", billing.MailMethodChanged, func(w *world) { w.order.Facts.Brand = "<b>" }, "Card ending in 4242", "<b>"},
		{"card without date", billing.MailCardExpiring, func(w *world) { w.order.Facts.EffectiveAt = nil }, "expires soon: Visa", "at the end of"},
		{"every two years", billing.MailPlanChanged, func(w *world) { w.sub.Cycle = foyer.Cycle{Interval: foyer.Year, Frequency: 2} }, "€35.70 every 2 years", "a year"},
		{"paid otherwise", billing.MailReceipt, func(w *world) {
			w.payment.Attempts = []billing.Attempt{{Status: billing.AttemptCaptured, MethodType: "paypal"}}
		}, "PayPal", "Visa"},
		{"discount and credit", billing.MailReceipt, func(w *world) {
			w.payment.Totals = billing.Totals{Subtotal: 3000, Discount: 300, Total: 2700, Credit: 700, GrandTotal: 2000}
			w.order.Facts.Amount = nil
		}, "Total: €20.00", "Tax"},
		{"ended earlier", billing.MailCanceled, func(w *world) { w.sub.CanceledAt = nil }, "ended on March 14, 2026", "#ticket="},
		{"no name", billing.MailKept, func(w *world) { w.customer.Name = "" }, "Hello,\n", "Mia"},
		{"no product name", billing.MailKept, func(w *world) { w.sub.Items = nil }, "Your subscription to Acme goes on", "Analytics"},
		{"yen", billing.MailReceipt, func(w *world) { w.payment.Currency = "JPY" }, "¥3,570", "€"},
		{"no frontend", billing.MailKept, func(w *world) { w.merchant.Portal.Settings.FrontendURL = "" }, "https://billing.test/subscriptions/" + subID, "acme.test/billing"},
		{"an app's own links", billing.MailKept, func(w *world) { w.merchant.Portal.Settings.FrontendURL = "com.acme.app://portal" }, "com.acme.app://portal/subscriptions/" + subID, "ZgotmplZ"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(c.kind, "en")
			c.change(w)
			m := w.mail(t)
			both := plain(m.Subject + "\n" + m.Text)
			assert.Contains(t, both, c.says)
			assert.NotContains(t, both, c.never)
			assert.NotContains(t, both, "…")
			assert.NotContains(t, m.HTML, "ZgotmplZ")
		})
	}
}

func ptr[T any](v T) *T { return &v }

// debit is an account that is charged.
var debit = billing.MailFacts{Method: "sepa_debit", Identifier: "•••• 3000"}

// spoil puts a hostile text wherever somebody else's text stands.
func (w *world) spoil(hostile string) {
	w.customer.Name = hostile
	s := &w.merchant.Portal.Settings
	s.Name, s.Branding.Color, s.Seller.LegalName, s.Seller.Address.City = hostile, hostile, hostile, hostile
	s.Legal.SupportURL, s.Legal.ImprintURL = hostile, hostile
	for _, items := range [][]billing.SubscriptionItem{w.sub.Items, pending(w.sub)} {
		for i := range items {
			items[i].ProductName, items[i].PriceName = hostile, hostile+"!"
		}
	}
	for i := range w.payment.Lines {
		w.payment.Lines[i].Name = hostile
	}
	w.payment.InvoiceNumber = hostile
	w.order.Facts.Brand, w.order.Facts.Last4 = hostile, hostile
	w.order.Facts.Method, w.order.Facts.Wallet, w.order.Facts.Identifier = hostile, hostile, hostile
	w.order.Facts.ErrorCode = billing.ErrorCode(hostile)
}

func pending(s billing.Subscription) []billing.SubscriptionItem {
	if s.Pending == nil {
		return nil
	}
	return s.Pending.Items
}

func TestHostileNamesInBillingMails(t *testing.T) {
	t.Parallel()
	for _, kind := range kinds {
		calm := newWorld(kind, "en")
		calm.spoil("calm") // so that both say the same sentences
		quiet := calm.mail(t)
		for _, hostile := range []string{
			"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</title></style><script>", "{{.Button}}", "javascript:alert(1)",
			"A\r\nBcc: evil@evil.test", "A\u2028B\u2029C\u0085D\x00E", "%s%d", `x https://evil.test/"onclick="x`,
		} {
			w := newWorld(kind, "en")
			w.spoil(hostile)
			m := w.mail(t)
			require.Equal(t, tagsOf(quiet.HTML), tagsOf(m.HTML), "%s %q makes no element", kind, hostile)
			require.Equal(t, strings.Count(quiet.Text, "\n"), strings.Count(m.Text, "\n"), "%s %q stays on its line", kind, hostile)
			for _, header := range []string{m.Subject, m.FromName} {
				for _, r := range header {
					require.True(t, r >= ' ' && r != 0x7f && (r < 0x80 || r >= 0xa0) && r != 0x2028 && r != 0x2029, "%s %q", kind, hostile)
				}
				require.LessOrEqual(t, len([]rune(header)), 150)
			}
			for _, href := range hrefs.FindAllStringSubmatch(m.HTML, -1) {
				u, err := url.Parse(html.UnescapeString(href[1]))
				require.NoError(t, err)
				require.Equal(t, "acme.test", u.Host, "%s %q leads elsewhere", kind, hostile)
			}
			require.NotContains(t, m.HTML, "ZgotmplZ")
		}
	}
}

// One template for all languages: of the words in it none is a language's.
var words = regexp.MustCompile(`>[^<{]*[A-Za-z]{3,}[^<]*<`)

func TestTemplateHasNoWords(t *testing.T) {
	t.Parallel()
	source, err := templates.ReadFile("templates/letter.html")
	require.NoError(t, err)
	_, body, _ := strings.Cut(string(source), "<body")
	actions := regexp.MustCompile(`{{[^}]*}}`).ReplaceAllString(body, "")
	assert.Empty(t, words.FindAllString(actions, -1))
}

func TestSMTPAttaches(t *testing.T) {
	t.Parallel()
	c := newCatcher(t)
	m := letterToMia
	m.Attachments = []Attachment{{Name: "rechnung-AC-10566.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.7 hello")}}
	require.NoError(t, c.sender(t).Send(t.Context(), m))
	read, err := mail.ReadMessage(strings.NewReader(string(c.deliveries()[0].data)))
	require.NoError(t, err)
	assert.Contains(t, read.Header.Get("Content-Type"), "multipart/mixed")
	raw := string(c.deliveries()[0].data)
	assert.Contains(t, raw, `filename="rechnung-AC-10566.pdf"`)
	assert.Contains(t, raw, "application/pdf")
	assert.Contains(t, raw, "JVBERi0xLjcgaGVsbG8=")
	assert.Contains(t, raw, "multipart/alternative", "both parts are still there")
}

// With FOYER_MAILS=folder every mail is written there, to be looked at.
func TestWriteMails(t *testing.T) {
	folder := os.Getenv("FOYER_MAILS")
	if folder == "" {
		t.Skip("FOYER_MAILS is not set")
	}
	for _, kind := range kinds {
		for _, language := range []string{"en", "de"} {
			m := newWorld(kind, language).mail(t)
			name := filepath.Join(folder, string(kind)+"."+language)
			require.NoError(t, os.WriteFile(name+".html", []byte(m.HTML), 0o600))
			require.NoError(t, os.WriteFile(name+".txt", []byte("Subject: "+m.Subject+"\n\n"+m.Text), 0o600))
		}
	}
}
