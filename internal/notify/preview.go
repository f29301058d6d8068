package notify

import (
	"context"
	"slices"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
)

// mailSignIn is the kind of the mail that signs somebody in.
const mailSignIn = "sign_in"

// PreviewKinds are the mails customers get, which all can be previewed; sorted.
var PreviewKinds = previewKinds()

func previewKinds() []string {
	kinds := []string{mailSignIn, string(identity.EmailChangeLink), string(identity.EmailChangeNotice), string(identity.EmailChangeDone), kindNewSignIn}
	for kind := range compose {
		kinds = append(kinds, string(kind))
	}
	slices.Sort(kinds)
	return kinds
}

// PreviewInput asks for a mail as customers would get it.
type PreviewInput struct {
	// Kind is one of PreviewKinds.
	Kind   string
	Locale i18n.Locale
	// Texts are tried on top of what the merchant has worded, and not kept.
	Texts map[string]*string
}

// Preview draws a mail about a customer who doesn't exist, in the merchant's looks and words. Its links lead to the portal and sign nobody
// in. Nothing is sent or kept.
//
// Refusals: Invalid (a kind there is none of, a text that can't be worded).
func (s *Service) Preview(ctx context.Context, merchant foyer.MerchantID, in PreviewInput) (Mail, error) {
	if !slices.Contains(PreviewKinds, in.Kind) {
		return Mail{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/kind", Code: "input.enum"})
	}
	if err := checkWordings(in.Texts); err != nil {
		return Mail{}, err
	}
	m, err := s.Merchants.ByID(ctx, merchant)
	if err != nil {
		return Mail{}, err
	}
	own, err := s.Wordings.MailTexts(ctx, merchant, in.Locale.Tag)
	if err != nil {
		return Mail{}, err
	}
	st := stationery{settings: m.Portal.Settings, locale: in.Locale, own: reworded(own.Texts, in.Texts)}
	mail, err := s.sampled(st, in.Kind)
	mail.Merchant, mail.At = merchant, foyer.Micro(s.Now())
	return mail, err
}

// sampleTicket stands where a ticket would: as long as one, and good for nothing.
const sampleTicket = "preview"

// sampled draws a mail of the kind.
func (s *Service) sampled(st stationery, kind string) (Mail, error) {
	base, now := st.settings.Frontend(s.PublicURL), foyer.Micro(s.Now())
	switch step := identity.EmailChangeStep(kind); {
	case kind == mailSignIn:
		return signInMail(st, sampleCustomerName, identity.Letter{Code: "ABCDEFGH"}, base+"/sign-in#token="+sampleTicket, s.LinkLife)
	case step == identity.EmailChangeLink || step == identity.EmailChangeNotice || step == identity.EmailChangeDone:
		return emailChangeMail{
			stationery: st, step: step, name: sampleCustomerName, email: "mia@example.com", link: base + "/email-change#token=" + sampleTicket, life: s.LinkLife,
		}.mail()
	}
	if kind == kindNewSignIn {
		session := identity.Session{Place: foyer.Place{Device: "Firefox, Windows", IP: "192.0.2.0/24"}, CreatedAt: now}
		return newSignInMail(st, sampleCustomerName, session, s.PublicURL)
	}
	b := sampleMail(st, billing.MailKind(kind), "EUR", now)
	to := func(kind identity.TargetKind, id string) string {
		return base + identity.Target{Kind: kind, ID: id}.Path()
	}
	b.links.home, b.links.payment = to(identity.TargetOverview, ""), to(identity.TargetPayment, samplePayment)
	b.links.subscription = to(identity.TargetSubscription, sampleSubscription)
	if b.order.Kind == billing.MailWithdrawalDeclared {
		b.links.withdraw = b.links.subscription + "#ticket=" + sampleTicket
	}
	if b.sub.Status != billing.SubscriptionCanceled {
		b.links.cancel = to(identity.TargetCancelSubscription, sampleSubscription) + "#ticket=" + sampleTicket
		b.links.keep = b.links.subscription + "#ticket=" + sampleTicket
		if b.sub.CollectionMode != billing.CollectManual {
			b.links.paymentMethod = to(identity.TargetUpdatePaymentMethod, sampleSubscription) + "#ticket=" + sampleTicket
		}
	}
	return b.mail()
}
