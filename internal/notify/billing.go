package notify

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
)

// Orders is what notify asks of the store: the mails the engine ordered.
type Orders interface {
	// MailOrder returns the order, or foyer.NotFound.
	MailOrder(ctx context.Context, merchant foyer.MerchantID, id string) (billing.MailOrder, error)
}

// Bills is what notify asks of billing, besides Customers.
type Bills interface {
	Subscription(ctx context.Context, scope foyer.Scope, id billing.SubscriptionID) (billing.Subscription, error)
	Payment(ctx context.Context, scope foyer.Scope, id billing.PaymentID) (billing.Payment, error)
}

// Documents is what notify asks of invoice.
type Documents interface {
	// InvoicePDF returns the document and the name of its file, or foyer.NotFound.
	InvoicePDF(ctx context.Context, scope foyer.Scope, invoiceID string, locale i18n.Locale) (name string, pdf []byte, err error)
}

// Receipts is what notify asks for the receipts of those who leave.
type Receipts interface {
	// ReceiptPDF returns the receipt of a cancellation or withdrawal and the name of its file, or foyer.NotFound.
	ReceiptPDF(ctx context.Context, scope foyer.Scope, id string, locale i18n.Locale) (name string, pdf []byte, err error)
}

// Tickets is what notify asks of identity, besides SignIns.
type Tickets interface {
	MintTicket(ctx context.Context, in identity.MintInput) (string, error)
}

// SendBillingMail makes and sends a mail the engine ordered. Running it again gives the mail the same id and the same
// links; what it tells is what was so when it was ordered, as far as that could have changed since.
func (s *Service) SendBillingMail(ctx context.Context, id foyer.MerchantID, order string) error {
	ordered, err := s.Orders.MailOrder(ctx, id, order)
	if errors.Is(err, foyer.NotFound) {
		return nil // pruned: nobody waits for it any more
	}
	if err != nil {
		return err
	}
	told, err := s.gather(ctx, ordered)
	if err != nil {
		return err
	}
	mail, err := told.mail()
	if err != nil {
		return err
	}
	now := foyer.Micro(s.Now())
	mail.ID, mail.Merchant, mail.To, mail.At = ordered.ID, id, told.customer.Email, now
	if err := s.Sender.Send(ctx, mail); err != nil {
		return err
	}
	return s.recordSent(ctx, ordered.Scope, ordered.ID, string(ordered.Kind), now)
}

// recordSent writes that a mail was sent. The entry's id follows from the mail's: a second run is recognised.
func (s *Service) recordSent(ctx context.Context, scope foyer.Scope, mail, kind string, now time.Time) error {
	_, ulid, _ := strings.Cut(mail, "_")
	err := s.Config.Activity.RecordActivity(ctx, foyer.Activity{
		ID:     string(foyer.PrefixActivity) + "_" + ulid,
		Scope:  scope,
		Type:   foyer.ActivityMailSent,
		Params: map[string]string{"Mail": kind},
		At:     now,
	})
	if e, refused := foyer.AsError(err); refused && e.Kind == foyer.Conflict {
		return nil
	}
	return err
}

// gather reads what the mail tells of.
func (s *Service) gather(ctx context.Context, order billing.MailOrder) (*billingMail, error) {
	m, err := s.Merchants.ByID(ctx, order.Scope.Merchant)
	if err != nil {
		return nil, err
	}
	b := &billingMail{order: order}
	if b.customer, err = s.Customers.Customer(ctx, order.Scope); err != nil {
		return nil, err
	}
	if b.stationery, err = s.stationeryOf(ctx, m, b.customer.Locale); err != nil {
		return nil, err
	}
	if order.Payment != "" {
		payment, err := s.Bills.Payment(ctx, order.Scope, order.Payment)
		if err != nil {
			return nil, err
		}
		b.payment = &payment
	}
	id := order.Subscription
	if id == "" && b.payment != nil {
		id = b.payment.Subscription
	}
	if id != "" {
		sub, err := s.Bills.Subscription(ctx, order.Scope, id)
		if err != nil {
			return nil, err
		}
		b.sub = &sub
	}
	if err := s.attach(ctx, b); err != nil {
		return nil, err
	}
	return b, s.addLinks(ctx, b)
}

// attach adds the PDF of the document the mail tells of. A document that is not there keeps no mail from being sent.
func (s *Service) attach(ctx context.Context, b *billingMail) error {
	if err := s.attachOne(ctx, b, b.order.Invoice, b.order.Facts.Receipt); err != nil || b.order.Facts.CreditNote == "" {
		return err
	}
	return s.attachOne(ctx, b, b.order.Facts.CreditNote, "")
}

// attachOne adds the PDF of a document or, without one, of a receipt.
func (s *Service) attachOne(ctx context.Context, b *billingMail, document, receipt string) error {
	var name string
	var pdf []byte
	var err error
	switch {
	case document != "":
		name, pdf, err = s.Documents.InvoicePDF(ctx, b.order.Scope, document, b.locale)
	case receipt != "" && s.Receipts != nil:
		name, pdf, err = s.Receipts.ReceiptPDF(ctx, b.order.Scope, receipt, b.locale)
	default:
		return nil
	}
	if errors.Is(err, foyer.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	b.attachments = append(b.attachments, Attachment{Name: name, ContentType: "application/pdf", Content: pdf})
	return nil
}

// links lead into the portal; those that do not make sense for the subscription are empty.
type links struct {
	home         string
	subscription string
	payment      string
	// With a ticket, so that nobody has to sign in first (many laws want cancelling to be as easy as that).
	cancel        string
	keep          string
	paymentMethod string
	withdraw      string
}

// addLinks makes the links of the mail. Tickets are minted under ids that follow from the order's, so that a retried mail
// holds the same ones.
func (s *Service) addLinks(ctx context.Context, b *billingMail) (err error) {
	base := b.settings.Frontend(s.PublicURL)
	b.links.home = base + identity.Target{Kind: identity.TargetOverview}.Path()
	if b.payment != nil {
		b.links.payment = base + identity.Target{Kind: identity.TargetPayment, ID: string(b.payment.ID)}.Path()
	}
	if b.sub == nil {
		return nil
	}
	id := string(b.sub.ID)
	b.links.subscription = base + identity.Target{Kind: identity.TargetSubscription, ID: id}.Path()
	if b.order.Kind == billing.MailWithdrawalDeclared { // of a contract that was canceled too
		if b.links.withdraw, err = s.ticketLink(ctx, b, identity.ScopeWithdraw(id), identity.TargetSubscription); err != nil {
			return err
		}
	}
	if b.sub.Status == billing.SubscriptionCanceled {
		return nil
	}
	cancel, method := identity.ScopeCancel(id), identity.ScopePaymentMethod(id)
	if b.links.cancel, err = s.ticketLink(ctx, b, cancel, identity.TargetCancelSubscription); err != nil {
		return err
	}
	if b.sub.CollectionMode != billing.CollectManual {
		if b.links.paymentMethod, err = s.ticketLink(ctx, b, method, identity.TargetUpdatePaymentMethod); err != nil {
			return err
		}
	}
	if b.order.Kind == billing.MailCancellationScheduled {
		// Taking it back is as easy as cancelling was; the ticket may do no more than the one beside it.
		b.links.keep, err = s.ticketLink(ctx, b, cancel, identity.TargetSubscription)
	}
	return err
}

// ticketLink is a link to a page of the subscription that signs in, for what the scope allows.
func (s *Service) ticketLink(ctx context.Context, b *billingMail, scope string, kind identity.TargetKind) (string, error) {
	target := identity.Target{Kind: kind, ID: string(b.sub.ID)}
	ticket, err := s.Tickets.MintTicket(ctx, identity.MintInput{
		ID: ticketID(b.order.ID, kind), Scope: b.order.Scope, Scopes: []string{scope}, Target: target, ExpiresIn: s.TicketLife,
	})
	return b.settings.Frontend(s.PublicURL) + target.Path() + "#ticket=" + ticket, err
}

var ulidEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// ulidTime is how many characters of a ULID hold its time.
const ulidTime = 10

// ticketID is the id of a mail's portal session.
func ticketID(order string, kind identity.TargetKind) identity.PortalSessionID {
	return identity.PortalSessionID(derivedID(foyer.PrefixPortalSession, order, string(kind)))
}

// derivedID is an id that follows from another one, so that doing something again is recognised: the time of that id, and
// instead of its random part a hash of it and of what this one is for.
func derivedID(p foyer.Prefix, from, what string) string {
	_, ulid, _ := strings.Cut(from, "_")
	sum := sha256.Sum256([]byte(from + "/" + what))
	return string(p) + "_" + ulid[:min(ulidTime, len(ulid))] + ulidEncoding.EncodeToString(sum[:10])
}
