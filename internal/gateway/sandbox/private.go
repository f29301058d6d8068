package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// Private returns the routes of Foyer itself and of whoever runs it. They ask for no credential: they must be reachable
// only from where the gateway's operator wants them to be.
func (l *Local) Private() http.Handler {
	mux := http.NewServeMux()
	l.addPrivate(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, codeNotFound) })
	return mux
}

// Handler returns the public and the private routes, for a gateway that is a process of its own.
func (l *Local) Handler() http.Handler {
	mux := http.NewServeMux()
	l.addPublic(mux)
	l.addPrivate(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, codeNotFound) })
	return mux
}

func (l *Local) addPrivate(mux *http.ServeMux) {
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /knobs", handle(l.log, func(context.Context, *http.Request, nothing) (any, error) { return l.Knobs(), nil }))
	mux.HandleFunc("POST /knobs", handle(l.log, func(_ context.Context, _ *http.Request, k Knobs) (any, error) {
		return k, l.SetKnobs(k)
	}))
	mux.HandleFunc("GET /ledger", l.serveLedger)
	mux.HandleFunc("POST /setups", handle(l.log, func(ctx context.Context, _ *http.Request, in wireSetup) (any, error) {
		s, err := l.StartSetup(ctx, billing.SetupRequest{
			ID: billing.SetupID(in.ID), Merchant: foyer.MerchantID(in.Merchant), Customer: foyer.CustomerID(in.Customer),
		})
		return wireStarted{s.Reference, s.ClientSecret}, err
	}))
	mux.HandleFunc("GET /setups/{id}", handle(l.log, func(ctx context.Context, r *http.Request, _ nothing) (any, error) {
		s, err := l.Setup(ctx, r.PathValue("id"))
		out := wireSetupResult{Status: s.Status, ErrorCode: s.ErrorCode}
		if s.Status == billing.SetupSucceeded {
			out.Method = wireMethodOf(s.Method)
		}
		return out, err
	}))
	mux.HandleFunc("GET /methods/{token}", handle(l.log, func(ctx context.Context, r *http.Request, _ nothing) (any, error) {
		q := r.URL.Query()
		owner := foyer.Scope{Merchant: foyer.MerchantID(q.Get("merchant")), Customer: foyer.CustomerID(q.Get("customer"))}
		m, err := l.MethodByToken(ctx, owner, r.PathValue("token"))
		return wireMethodOf(m), err
	}))
	mux.HandleFunc("POST /methods/{token}/replace", handle(l.log, func(ctx context.Context, r *http.Request, in Replacement) (any, error) {
		return nil, l.ReplaceCard(ctx, r.PathValue("token"), in)
	}))
	mux.HandleFunc("DELETE /methods/{token}", handle(l.log, func(ctx context.Context, r *http.Request, _ nothing) (any, error) {
		return nil, l.RemoveMethod(ctx, r.PathValue("token"))
	}))
	l.addCharges(mux)
}

func (l *Local) addCharges(mux *http.ServeMux) {
	mux.HandleFunc("POST /charges", l.serveCharge)
	mux.HandleFunc("GET /charges/{key}", handle(l.log, func(ctx context.Context, r *http.Request, _ nothing) (any, error) {
		c, err := l.ChargeByKey(ctx, foyer.MerchantID(r.URL.Query().Get("merchant")), r.PathValue("key"))
		return wireChargeOf(c), err
	}))
	mux.HandleFunc("POST /charges/{key}/cancel", handle(l.log, func(ctx context.Context, r *http.Request, in wireOwner) (any, error) {
		c, err := l.CancelCharge(ctx, foyer.MerchantID(in.Merchant), r.PathValue("key"))
		return wireChargeOf(c), err
	}))
	mux.HandleFunc("POST /charges/{key}/dispute", handle(l.log, func(ctx context.Context, r *http.Request, _ nothing) (any, error) {
		return nil, l.Dispute(ctx, r.PathValue("key"))
	}))
	mux.HandleFunc("POST /charges/{key}/dispute/close", handle(l.log, func(ctx context.Context, r *http.Request, in wireDisputeEnd) (any, error) {
		return nil, l.CloseDispute(ctx, r.PathValue("key"), in.Won)
	}))
	mux.HandleFunc("GET /charges/{key}/disputes", handle(l.log, func(ctx context.Context, r *http.Request, _ nothing) (any, error) {
		found, err := l.Disputes(ctx, foyer.MerchantID(r.URL.Query().Get("merchant")), r.PathValue("key"))
		return wireDisputesOf(found), err
	}))
	mux.HandleFunc("POST /refunds", handle(l.log, func(ctx context.Context, _ *http.Request, in wireRefund) (any, error) {
		refund, err := l.Refund(ctx, billing.RefundRequest{
			Key: in.Key, Merchant: foyer.MerchantID(in.Merchant), Charge: in.Charge, Amount: foyer.Money{Amount: in.Amount, Currency: in.Currency},
		})
		return wireRefundResult(refund), err
	}))
}

// serveCharge is the one route the knobs break.
func (l *Local) serveCharge(w http.ResponseWriter, r *http.Request) {
	var in wireCharge
	if err := decode(w, r, &in); err != nil {
		respond(w, r, l.log, nil, err)
		return
	}
	c, f, err := l.bank.troubled(r.Context(), billing.ChargeRequest{
		Key: in.Key, Merchant: foyer.MerchantID(in.Merchant), Payment: billing.PaymentID(in.Reference),
		Amount: foyer.Money{Amount: in.Amount, Currency: in.Currency}, Token: in.Token, OnSession: in.OnSession,
	})
	switch f {
	case faultReset:
		panic(http.ErrAbortHandler) // cuts the connection without an answer
	case faultBefore, faultAfter:
		refuse(w, http.StatusInternalServerError, "unavailable")
	case faultNone, faultHang:
		respond(w, r, l.log, wireChargeOf(c), err)
	}
}

// serveLedger writes entry by entry. When the books fail half-way the connection is cut: a shorter list would look whole.
func (l *Local) serveLedger(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	out := bufio.NewWriterSize(w, 32<<10)
	started := false
	for e, err := range l.Ledger(r.Context()) {
		if err != nil && !started {
			respond(w, r, l.log, nil, err)
			return
		}
		if err != nil {
			logFailure(r, l.log, err)
			panic(http.ErrAbortHandler)
		}
		separator := ","
		if !started {
			started, separator = true, `{"data":[`
		}
		line, err := json.Marshal(wireEntry{
			Key: e.Key, Amount: e.Amount.Amount, Currency: e.Amount.Currency, Reference: e.Reference, Status: e.Status,
			CreatedAt: e.CreatedAt.Format(time.RFC3339Nano),
		})
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_, _ = out.WriteString(separator)
		_, _ = out.Write(line)
	}
	if !started {
		_, _ = out.WriteString(`{"data":[`)
	}
	_, _ = out.WriteString("]}")
	_ = out.Flush()
}
