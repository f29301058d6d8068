package httpapi

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/invoice"
	"foyer/internal/retention"
)

// ExportMe writes everything held about the customer.
func (s *Server) ExportMe(ctx context.Context, _ api.ExportMeRequestObject) (api.ExportMeResponseObject, error) {
	customer, err := s.Customers.Details(ctx, requestOf(ctx).scope(), billing.CustomerInclude{})
	if err != nil {
		return nil, err
	}
	show, err := s.subscriptionPresenter(ctx)
	if err != nil {
		return nil, err
	}
	return customerExport{ctx: ctx, server: s, customer: customer, show: show}, nil
}

// exportPage is how many entries are read and kept in memory at a time, exportBuffer how much is held back: a refusal that
// comes before it is full is still told as one.
const (
	exportPage   = 100
	exportBuffer = 64 << 10
)

// customerExport is written while it is read: however long the history is, a page of it is in memory.
type customerExport struct {
	ctx      context.Context
	server   *Server
	customer billing.CustomerDetails
	show     subscriptionPresenter
}

// VisitExportMeResponse implements the generated interface; the generated answer would hold all of it.
func (e customerExport) VisitExportMeResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Disposition", `attachment; filename="export-`+string(e.customer.ID)+`.json"`)
	out := &exportWriter{Writer: bufio.NewWriterSize(w, exportBuffer)}
	if err := e.write(out); err != nil {
		h.Del("Content-Disposition")
		return err
	}
	return out.Flush()
}

func (e customerExport) write(out *exportWriter) error {
	s, r := e.server, requestOf(e.ctx)
	scope := r.scope()
	now := s.clock()
	out.begin("{", "me")
	out.value(showMe(e.customer.Customer))
	out.begin(",", "credit_balances")
	out.value(each(e.customer.Credits, func(c billing.Credit) api.Money { return e.show.money(c.Amount, c.Currency) }))
	for _, section := range []func() error{
		func() error {
			return exported(e.ctx, out, "addresses", func(p foyer.PageRequest) ([]billing.CustomerAddress, error) {
				return s.Customers.Addresses(e.ctx, scope, nil, p)
			}, func(v billing.CustomerAddress) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} }, showExportedAddress)
		},
		func() error {
			return exported(e.ctx, out, "subscriptions", func(p foyer.PageRequest) ([]billing.Subscription, error) {
				return s.Billing.Subscriptions(e.ctx, scope, nil, p)
			}, func(v billing.Subscription) foyer.PageKey {
				return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
			}, e.show.subscription)
		},
		func() error {
			return exported(e.ctx, out, "payments", func(p foyer.PageRequest) ([]billing.Payment, error) {
				return s.Billing.PaymentsInFull(e.ctx, scope, p)
			}, func(v billing.Payment) foyer.PageKey { return foyer.PageKey{At: v.ListedAt(), ID: string(v.ID)} }, e.show.itemised)
		},
		func() error {
			return exported(e.ctx, out, "invoices", func(p foyer.PageRequest) ([]invoice.Invoice, error) {
				return s.Invoices.Invoices(e.ctx, scope, p)
			}, func(v invoice.Invoice) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} }, e.show.invoice)
		},
		func() error {
			return exported(e.ctx, out, "payment_methods", func(p foyer.PageRequest) ([]billing.StampedPaymentMethod, error) {
				return s.Billing.PaymentMethods(e.ctx, scope, billing.MethodFilter{}, p)
			}, func(v billing.StampedPaymentMethod) foyer.PageKey {
				return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
			}, showPaymentMethod)
		},
		func() error {
			return exported(e.ctx, out, "cancellations", func(p foyer.PageRequest) ([]retention.History, error) {
				return s.Retention.Histories(e.ctx, scope, p)
			}, func(v retention.History) foyer.PageKey {
				return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
			}, e.show.history)
		},
		func() error {
			return exported(e.ctx, out, "notices", func(p foyer.PageRequest) ([]retention.Notice, error) {
				return s.Notices.CustomerPage(e.ctx, scope, p)
			}, func(v retention.Notice) foyer.PageKey {
				return foyer.PageKey{At: v.ReceivedAt, ID: string(v.ID)}
			}, e.show.notice)
		},
		func() error {
			return exported(e.ctx, out, "withdrawals", func(p foyer.PageRequest) ([]retention.WithdrawalHistory, error) {
				return s.Retention.WithdrawalHistories(e.ctx, scope, p)
			}, func(v retention.WithdrawalHistory) foyer.PageKey {
				return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
			}, e.show.withdrawalHistory)
		},
		func() error {
			return exported(e.ctx, out, "sessions", func(p foyer.PageRequest) ([]identity.Session, error) {
				return s.Identity.AllSessions(e.ctx, scope, p)
			}, func(v identity.Session) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} }, func(v identity.Session) api.Session {
				shown := showSession(v, r.actor().Session)
				shown.RevokedAt = v.RevokedAt
				return shown
			})
		},
		func() error {
			return exported(e.ctx, out, "portal_sessions", func(p foyer.PageRequest) ([]identity.PortalSession, error) {
				return s.Identity.PortalSessions(e.ctx, scope.Merchant, identity.PortalSessionFilter{Customer: scope.Customer}, p)
			}, func(v identity.PortalSession) foyer.PageKey {
				return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)}
			}, func(v identity.PortalSession) api.PortalSession { return showPortalSession(v, now) })
		},
		func() error {
			return exported(e.ctx, out, "email_changes", func(p foyer.PageRequest) ([]identity.EmailChange, error) {
				return s.Identity.EmailChanges(e.ctx, scope, p)
			}, func(v identity.EmailChange) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} }, showEmailChange)
		},
		func() error {
			return exported(e.ctx, out, "mails", func(p foyer.PageRequest) ([]foyer.Activity, error) {
				return s.Notify.Activity(e.ctx, scope, p)
			}, activityKey, showSentMail)
		},
		func() error {
			return exported(e.ctx, out, "activity", func(p foyer.PageRequest) ([]foyer.Activity, error) {
				return s.Notify.Activity(e.ctx, scope, p)
			}, activityKey, func(v foyer.Activity) api.Activity { return showActivity(r.locale, v) })
		},
	} {
		if err := section(); err != nil {
			return err
		}
	}
	out.text("}\n")
	return out.err
}

func activityKey(v foyer.Activity) foyer.PageKey { return foyer.PageKey{At: v.At, ID: v.ID} }

// showSentMail shows an entry that tells of a mail; nil for any other.
func showSentMail(v foyer.Activity) *api.SentMail {
	if v.Type != foyer.ActivityMailSent {
		return nil
	}
	return &api.SentMail{Kind: v.Params["Mail"], SentAt: v.At}
}

// showExportedAddress shows an address without what the merchant calls it.
func showExportedAddress(v billing.CustomerAddress) api.ExportedAddress {
	return api.ExportedAddress{
		Id: string(v.ID), Line1: orNull(v.Line1), Line2: orNull(v.Line2), City: orNull(v.City), Region: orNull(v.Region), PostalCode: orNull(v.PostalCode),
		Country: orNull(v.Country), Default: v.Default, CreatedAt: v.CreatedAt,
	}
}

func showEmailChange(v identity.EmailChange) api.ExportedEmailChange {
	return api.ExportedEmailChange{Id: string(v.ID), Email: v.Email, CreatedAt: v.CreatedAt, ExpiresAt: v.ExpiresAt, CompletedAt: v.CompletedAt}
}

// exported writes one list, page by page; what is shown as a nil pointer is left out.
func exported[T, A any](ctx context.Context, out *exportWriter, name string, load func(p foyer.PageRequest) ([]T, error), key func(T) foyer.PageKey, show func(T) A) error {
	out.begin(",", name)
	separator := "["
	p := foyer.PageRequest{Limit: exportPage}
	for {
		found, err := load(p)
		if err != nil {
			return err
		}
		for _, v := range found {
			shown := any(show(v))
			if mail, ok := shown.(*api.SentMail); ok && mail == nil {
				continue
			}
			out.text(separator)
			out.value(shown)
			separator = ","
		}
		if out.err != nil || ctx.Err() != nil || len(found) < p.Limit {
			break
		}
		last := key(found[len(found)-1])
		p.After = &last
	}
	if separator == "[" {
		out.text("[")
	}
	out.text("]")
	if out.err == nil {
		out.err = ctx.Err()
	}
	return out.err
}

// exportWriter writes JSON and remembers the first error.
type exportWriter struct {
	*bufio.Writer
	err error
}

func (w *exportWriter) text(s string) {
	if w.err == nil {
		_, w.err = w.WriteString(s)
	}
}

func (w *exportWriter) begin(separator, name string) { w.text(separator + `"` + name + `":`) }

func (w *exportWriter) value(v any) {
	encoded, err := json.Marshal(v)
	if w.err == nil && err != nil {
		w.err = err
	}
	w.text(string(encoded))
}
