package invoice

import (
	"context"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
)

// Customers is what sending asks of billing.
type Customers interface {
	Customer(ctx context.Context, scope foyer.Scope) (billing.Customer, error)
}

// Concluder is what sending asks of the store: see billing.Store.
type Concluder interface {
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error
}

// SenderConfig holds what a Sender depends on.
type SenderConfig struct {
	Store     Concluder
	Customers Customers
	Mails     billing.Mails
	Limiter   identity.Limiter
	// Rules say how often one document may be sent.
	Rules []identity.LimitRule
	IDs   foyer.IDs
	// Now is the merchant's clock, Real the machine's: limits are of real days.
	Now  billing.Clock
	Real func() time.Time
}

// Sender mails documents again.
type Sender struct{ SenderConfig }

// NewSender returns a Sender.
func NewSender(c SenderConfig) *Sender { return &Sender{c} }

// Send orders a mail with the document to its customer, in the customer's language.
//
// Refusals: RateLimited, Conflict (customer.archived, invoice.replaced).
func (s *Sender) Send(ctx context.Context, in Invoice) error {
	if in.Status == StatusReplaced {
		return foyer.Refuse(foyer.Conflict, "invoice.replaced")
	}
	scope := foyer.Scope{Merchant: in.Merchant, Customer: in.Customer}
	customer, err := s.Customers.Customer(ctx, scope)
	if err != nil {
		return err
	}
	if customer.Archived {
		return foyer.Refuse(foyer.Conflict, "customer.archived")
	}
	now, err := s.Now(ctx, in.Merchant)
	if err != nil {
		return err
	}
	wait, err := s.Limiter.Take(ctx, identity.LimitInvoiceSend, []byte(in.ID), s.Rules, foyer.Micro(s.Real()))
	if err != nil {
		return err
	}
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		return &foyer.Error{Kind: foyer.RateLimited, Code: "rate_limited", Params: map[string]any{"Seconds": seconds, "Count": seconds}}
	}
	return s.Store.Conclude(ctx, func(ctx context.Context) error {
		return s.Mails.EnqueueMails(ctx, []billing.MailOrder{{
			ID: s.IDs(foyer.PrefixMail), Scope: scope, Kind: billing.MailInvoiceCopy, Payment: in.Payment, Invoice: string(in.ID),
			Facts: billing.MailFacts{Amount: &in.Total, Number: in.Number, Document: string(in.Kind)}, At: foyer.Micro(now),
		}})
	})
}
