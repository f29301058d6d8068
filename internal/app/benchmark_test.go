package app_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"foyer/api"
	"foyer/internal/app"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/i18n"
	"foyer/internal/store"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// silent leaves the log out of the measurement: where it goes is not ours.
func silent(c *app.Config) { c.Log = slog.New(slog.DiscardHandler) }

// BenchmarkRead measures reads through the whole HTTP stack over loopback, on both databases, and beside them a handler
// of net/http and pgx that gives the same answer and does nothing else: no sign-in, no validation, no limits. The client
// runs on the same processors. Figures: .github/BENCHMARKS.md.
func BenchmarkRead(b *testing.B) {
	for _, dialect := range []store.Dialect{store.SQLite, store.Postgres} {
		a := foyertest.New(b, dialect, silent)
		client, scope, payment := benchmarkData(b, a)
		b.Run("listPayments/"+string(dialect), func(b *testing.B) { get(b, a.URL+"/v1/payments", client.Token) })
		b.Run("getPayment/"+string(dialect), func(b *testing.B) { get(b, a.URL+"/v1/payments/"+payment, client.Token) })
		if dialect == store.Postgres {
			url := bare(b, a.Store.Pool(), scope)
			sameAnswer(b, a.URL+"/v1/payments", url, client.Token)
			b.Run("listPayments/bare", func(b *testing.B) { get(b, url, "") })
		}
	}
}

// benchmarkData is a customer with 100 payments of five lines each.
func benchmarkData(b *testing.B, a *foyertest.App) (*foyertest.Client, foyer.Scope, string) {
	b.Helper()
	m := a.Merchant(b, "bench")
	c := a.Customer(b, m, "bench@mailbox.test")
	var id string
	for i := range 100 {
		p := a.Payment(b, c, a.Clock.Now().Add(-time.Duration(i)*time.Hour), int64(1000+i*37), "EUR", "", func(p *billing.Payment) {
			for range 4 {
				p.Lines = append(p.Lines, p.Lines[0])
			}
		})
		id = string(p.ID)
	}
	return a.SignIn(b, m, c.Email), foyertest.Scope(m.ID, c.ID), id
}

// get asks for the same thing from 16 connections at once.
func get(b *testing.B, url, token string) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, status := fetch(b, client, url, token); status != http.StatusOK {
				b.Errorf("status %d", status)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

func fetch(b *testing.B, client *http.Client, url, token string) ([]byte, int) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		b.Error(err)
		return nil, 0
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	if err != nil {
		b.Error(err)
		return nil, 0
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.Error(err)
	}
	return body, res.StatusCode
}

// sameAnswer makes sure the comparison is fair: both say the same, but for the cursor, which is sealed anew each time.
func sameAnswer(b *testing.B, ours, bare, token string) {
	b.Helper()
	var a, c struct {
		Data json.RawMessage `json:"data"`
	}
	first, _ := fetch(b, http.DefaultClient, ours, token)
	second, _ := fetch(b, http.DefaultClient, bare, "")
	require.NoError(b, json.Unmarshal(first, &a))
	require.NoError(b, json.Unmarshal(second, &c))
	require.JSONEq(b, string(a.Data), string(c.Data))
}

// bare serves the first page of payments with nothing between net/http and pgx.
func bare(b *testing.B, pool *pgxpool.Pool, scope foyer.Scope) string {
	b.Helper()
	locale := i18n.English
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list, err := barePayments(r.Context(), pool, scope, locale)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list)
	})}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _ = server.Close() })
	return "http://" + listener.Addr().String()
}

func barePayments(ctx context.Context, pool *pgxpool.Pool, scope foyer.Scope, locale i18n.Locale) (api.PaymentList, error) {
	rows, err := pool.Query(ctx, `SELECT id, external_id, status, origin, collection_mode, currency, description, subscription_id, period_starts_at,
period_ends_at, subtotal, discount, tax, total, credit, grand_total, balance, refunded, invoice_id, invoice_number, created_at, billed_at
FROM payments WHERE merchant_id = $1 AND customer_id = $2 AND status <> 'draft' AND total <> 0 ORDER BY listed_at DESC, id DESC LIMIT 26`,
		string(scope.Merchant), string(scope.Customer))
	if err != nil {
		return api.PaymentList{}, err
	}
	defer rows.Close()
	list := api.PaymentList{Data: make([]api.Payment, 0, 26)}
	for rows.Next() {
		p := api.Payment{Refunds: []api.Refund{}}
		var t [8]int64
		var invoiceID *string
		var number, currency string
		var starts, ends *time.Time
		err := rows.Scan(&p.Id, &p.ExternalId, &p.Status, &p.Origin, &p.CollectionMode, &currency, &p.Description, &p.SubscriptionId, &starts, &ends,
			&t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7], &invoiceID, &number, &p.CreatedAt, &p.BilledAt)
		if err != nil {
			return list, err
		}
		money := func(i int) api.Money {
			m := foyer.Money{Amount: t[i], Currency: foyer.Currency(currency)}
			return api.Money{Amount: m.Amount, Currency: currency, Display: locale.Money(m)}
		}
		p.Currency, p.StatusText = currency, locale.Text("payment.status."+string(p.Status), nil)
		p.CreatedAt = p.CreatedAt.UTC()
		if p.BilledAt != nil {
			utc := p.BilledAt.UTC()
			p.BilledAt = &utc
		}
		if starts != nil && ends != nil {
			p.BillingPeriod = &api.Period{StartsAt: *starts, EndsAt: *ends}
		}
		p.Totals = api.PaymentTotals{
			Subtotal: money(0), Discount: money(1), Tax: money(2), Total: money(3), Credit: money(4), GrandTotal: money(5), Balance: money(6), Refunded: money(7),
		}
		if invoiceID != nil {
			p.Invoice = &api.InvoiceRef{Id: *invoiceID, Number: number}
		}
		list.Data = append(list.Data, p)
	}
	next := "more"
	list.Page.Next, list.Data = &next, list.Data[:25]
	return list, rows.Err()
}
