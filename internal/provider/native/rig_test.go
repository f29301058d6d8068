package native_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
	"foyer/internal/provider/native"
	"foyer/internal/store"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// each runs a test on both databases.
func each(t *testing.T, run func(t *testing.T, r *rig)) {
	t.Helper()
	for _, dialect := range foyertest.Dialects() {
		t.Run(string(dialect), func(t *testing.T) {
			t.Parallel()
			run(t, newRig(t, dialect))
		})
	}
}

// rig is an engine on a fresh database with a gateway whose ledger is the truth.
type rig struct {
	*native.Engine
	store     *store.Store
	url       string
	clock     *clock
	gateway   *till
	merchants *merchant.Service
	billing   *billing.Service
	catalog   *billing.Catalog
	merchant  merchant.Merchant
	customer  billing.Customer
	by        foyer.Actor
	mails     *post
}

// clock is real time that can be moved, for leases and everything else.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

var start = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

const secret = "a-secret-of-a-test-long-enough-to-be-one-0123456789"

func newRig(t testing.TB, dialect store.Dialect) *rig {
	t.Helper()
	ctx := context.Background()
	c := &clock{at: start}
	keyring, err := foyer.NewKeyring(secret)
	require.NoError(t, err)
	open := func(url string) (*store.Store, error) {
		return store.Open(ctx, url, store.Options{Keyring: keyring, IDs: foyer.NewIDs(c.now), Now: c.now, Log: slog.New(slog.DiscardHandler)})
	}
	migrate := func(url string) error {
		s, err := open(url)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = s.Migrate(ctx)
		return err
	}
	var url string
	if dialect == store.Postgres {
		url = postgres.OpenTemplate(t, "native", migrate) + "&lock_timeout=60000&statement_timeout=60000&connect_timeout=60"
	} else {
		url = "sqlite:" + filepath.Join(t.TempDir(), "foyer.db")
		require.NoError(t, migrate(url))
	}
	s, err := open(url)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	ids := foyer.NewIDs(c.now)
	r := &rig{store: s, url: url, clock: c, gateway: newTill(), merchants: merchant.NewService(s, ids, c.now, false, nil), mails: &post{store: s}}
	r.Engine = r.engine(s, r.gateway)
	r.billing = billing.NewService(s, ids, r.merchants.Clock, r.gateway, r.mails, r.Engine)
	r.catalog = billing.NewCatalog(s, ids, r.merchants.Clock)
	r.merchant, _, err = r.merchants.Create(ctx, merchant.Sandbox, merchant.Settings{
		Name: "Acme", Seller: merchant.Seller{LegalName: "Acme GmbH", Address: merchant.Address{Line1: "Hauptstraße 1", City: "Berlin", Country: "DE"}},
	})
	require.NoError(t, err)
	r.customer = r.newCustomer(t, "mia@mailbox.test")
	r.by = foyer.Actor{Kind: foyer.ActorCustomer, Scope: foyer.Scope{Merchant: r.merchant.ID, Customer: r.customer.ID}}
	return r
}

// engine is another worker on the same database.
func (r *rig) engine(s native.Store, gateways billing.Gateways) *native.Engine {
	return native.NewEngine(native.Config{
		Store: s, Merchants: r.merchants, Gateways: gateways, Mails: r.mails, MerchantMails: r.mails, Methods: r.mails, IDs: foyer.NewIDs(r.clock.now), Now: r.merchants.Clock,
		Real: r.clock.now, Log: slog.New(slog.DiscardHandler),
	})
}

func (r *rig) newCustomer(t testing.TB, email string) billing.Customer {
	t.Helper()
	now := foyer.Micro(r.clock.now())
	c := billing.Customer{
		ID: foyer.CustomerID(foyer.NewIDs(r.clock.now)(foyer.PrefixCustomer)), Merchant: r.merchant.ID, Email: email, Name: "Mia Test",
		CreatedAt: now, UpdatedAt: now, Version: 1,
	}
	require.NoError(t, r.store.Importing(invoice.Party{}).Save(context.Background(), r.merchant.ID,
		billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: c}}}))
	return c
}

func (r *rig) price(t testing.TB, name string, amount int64, change ...func(*billing.Price)) billing.Price {
	t.Helper()
	ctx := context.Background()
	product, err := r.catalog.CreateProduct(ctx, r.by, billing.Product{Name: name})
	require.NoError(t, err)
	p := billing.Price{
		Product: product.ID, Name: name, UnitPrice: foyer.Money{Amount: amount, Currency: "EUR"},
		Cycle: &foyer.Cycle{Interval: foyer.Month, Frequency: 1}, TaxRate: "0.19",
	}
	for _, c := range change {
		c(&p)
	}
	p, err = r.catalog.CreatePrice(ctx, r.by, p)
	require.NoError(t, err)
	return p
}

// method stores a card that behaves as its token says: "good", "declined", "3ds", "debit" (which takes days), or any error code.
func (r *rig) method(t testing.TB, by foyer.Actor, token string) billing.PaymentMethod {
	t.Helper()
	m, err := r.billing.AddMethodByToken(context.Background(), by, billing.TokenMethodInput{Token: token, Default: true})
	require.NoError(t, err)
	return m
}

func (r *rig) subscribe(t testing.TB, price billing.Price, method billing.PaymentMethod, change ...func(*billing.SubscribeInput)) billing.Subscription {
	t.Helper()
	in := billing.SubscribeInput{Items: []billing.ItemInput{{Price: price.ID, Quantity: 1}}, PaymentMethod: method.ID}
	for _, c := range change {
		c(&in)
	}
	sub, next, err := r.CreateSubscription(context.Background(), r.by, in)
	require.NoError(t, err)
	require.Nil(t, next)
	return sub
}

func (r *rig) due(t testing.TB) {
	t.Helper()
	require.NoError(t, r.RunDue(context.Background(), r.merchant.ID))
}

// until moves the clock to a day, running what falls due on the way.
func (r *rig) until(t testing.TB, to time.Time) {
	t.Helper()
	_, done, err := r.Advance(context.Background(), r.merchants, r.merchant.ID, to)
	require.NoError(t, err)
	require.True(t, done)
}

func (r *rig) subscription(t testing.TB, id billing.SubscriptionID) billing.Subscription {
	t.Helper()
	s, err := r.store.Subscription(context.Background(), r.by.Scope, id)
	require.NoError(t, err)
	return s
}

// payments are all of the customer's, oldest first, itemised.
func (r *rig) payments(t testing.TB) []billing.Payment {
	t.Helper()
	list, err := r.store.Payments(context.Background(), r.by.Scope, billing.PaymentFilter{IncludeZero: true}, foyer.PageRequest{Limit: 1000})
	require.NoError(t, err)
	out := make([]billing.Payment, len(list))
	for i, p := range list {
		whole, err := r.store.Payment(context.Background(), r.by.Scope, p.ID)
		require.NoError(t, err)
		out[len(list)-1-i] = whole
	}
	return out
}

// numbers are the numbers of the customer's documents, sorted.
func (r *rig) numbers(t testing.TB) []string {
	t.Helper()
	list, err := r.store.Invoices(context.Background(), r.by.Scope, foyer.PageRequest{Limit: 1000})
	require.NoError(t, err)
	out := make([]string, len(list))
	for i, in := range list {
		out[i] = in.Number
	}
	slices.Sort(out)
	return out
}

// audit is R22: what the gateway's ledger says and what is booked are the same, numbers have no gap, nothing is half done.
func (r *rig) audit(t testing.TB) {
	t.Helper()
	booked := map[string]int64{}
	for _, p := range r.payments(t) {
		for _, a := range p.Attempts {
			require.False(t, a.Unfinished(), "attempt %s is %s", a.ID, a.Status)
			if a.Status == billing.AttemptCaptured {
				booked[string(a.ID)] = a.Amount
				require.Equal(t, billing.PaymentCompleted, p.Status)
			}
		}
		if p.Status == billing.PaymentCompleted && p.Totals.Total > 0 {
			require.NotEmpty(t, p.InvoiceNumber, "%s has no invoice", p.ID)
		}
	}
	require.Equal(t, r.gateway.ledger(), booked, "the gateway's ledger and the books")
	seen := map[string]bool{}
	for _, n := range r.numbers(t) {
		require.False(t, seen[n], "%s twice", n)
		seen[n] = true
	}
	series := map[string]int{}
	for n := range seen {
		prefix, _, _ := strings.Cut(n, "-")
		series[prefix]++
	}
	for prefix, last := range series {
		for n := 1; n <= last; n++ {
			require.True(t, seen[fmt.Sprintf("%s-%06d", prefix, n)], "%s has a gap at %d", prefix, n)
		}
	}
}

// post keeps what was ordered to be mailed.
type post struct {
	store *store.Store
	mu    sync.Mutex
	kinds []billing.MailKind
	// toMerchant are mails to the merchant itself.
	toMerchant []string
	// followed are whose methods were to be looked at.
	followed []foyer.Scope
}

// EnqueueDisputeMail implements native.MerchantMails.
func (p *post) EnqueueDisputeMail(_ context.Context, _ foyer.MerchantID, d billing.Dispute, _ string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toMerchant = append(p.toMerchant, map[bool]string{false: "disputed", true: "ended"}[d.Status.Ended()])
	return nil
}

// EnqueueRefundMail implements native.MerchantMails.
func (p *post) EnqueueRefundMail(context.Context, foyer.MerchantID, billing.RefundID, string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toMerchant = append(p.toMerchant, "refund")
	return nil
}

// EnqueueFollowMethods implements native.MethodFollower.
func (p *post) EnqueueFollowMethods(_ context.Context, scope foyer.Scope) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.followed = append(p.followed, scope)
	return nil
}

// EnqueueMails implements billing.Mails.
func (p *post) EnqueueMails(ctx context.Context, orders []billing.MailOrder) error {
	if err := p.store.CreateMailOrders(ctx, orders...); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, o := range orders {
		p.kinds = append(p.kinds, o.Kind)
	}
	return nil
}

func (p *post) take() []billing.MailKind {
	p.mu.Lock()
	defer p.mu.Unlock()
	kinds := p.kinds
	p.kinds = nil
	return kinds
}

// till is a gateway in memory. A token behaves as it is called; faults can be switched on.
type till struct {
	mu      sync.Mutex
	charges map[string]billing.ChargeResult
	amounts map[string]int64
	refunds map[string]int64
	methods int
	// disputes are of charges, by key; sentBack are refunds the customer's bank did not take.
	disputes map[string][]billing.GatewayDispute
	sentBack map[string]bool
	// behavior overrides what a token does, by token.
	behavior map[string]string
	// before and after are asked once per charge; what they return is the caller's answer instead.
	before, after func(key string) error
	calls         int
}

func newTill() *till {
	return &till{
		charges: map[string]billing.ChargeResult{}, amounts: map[string]int64{}, refunds: map[string]int64{}, behavior: map[string]string{},
		disputes: map[string][]billing.GatewayDispute{}, sentBack: map[string]bool{},
	}
}

var errLost = errors.New("connection reset")

func (g *till) GatewayOf(context.Context, foyer.MerchantID) (billing.Gateway, error) { return g, nil }

func (g *till) Name() string      { return "till" }
func (g *till) PublicKey() string { return "pk" }

func (g *till) StartSetup(_ context.Context, r billing.SetupRequest) (billing.StartedSetup, error) {
	return billing.StartedSetup{Reference: string(r.ID), ClientSecret: "cs"}, nil
}

func (g *till) Setup(_ context.Context, reference string) (billing.SetupResult, error) {
	m, err := g.MethodByToken(context.Background(), foyer.Scope{}, "good/"+reference)
	return billing.SetupResult{Status: billing.SetupSucceeded, Method: m}, err
}

// MethodByToken implements billing.TokenResolver.
func (g *till) MethodByToken(_ context.Context, _ foyer.Scope, token string) (billing.GatewayMethod, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.methods++
	return billing.GatewayMethod{
		Token: fmt.Sprintf("%s#%d", token, g.methods), Type: "card", Card: &billing.Card{Brand: "visa", Last4: "4242", ExpiryMonth: 12, ExpiryYear: 2040},
		Fingerprint: fmt.Sprintf("fp-%s-%d", token, g.methods),
	}, nil
}

func (g *till) Charge(_ context.Context, r billing.ChargeRequest) (billing.ChargeResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	if g.before != nil {
		if err := g.before(r.Key); err != nil {
			return billing.ChargeResult{}, err
		}
	}
	result, known := g.charges[r.Key]
	if !known {
		result = billing.ChargeResult{Status: billing.ChargeCaptured}
		token, _, _ := strings.Cut(r.Token, "#")
		if b, set := g.behavior[token]; set {
			token = b
		}
		switch token, _, _ := strings.Cut(token, "/"); {
		case token == "good", token == "first":
		case token == "3ds" && r.OnSession:
			result = billing.ChargeResult{Status: billing.ChargeRequiresAction, ClientSecret: "secret of " + r.Key}
		case token == "3ds":
		case token == "debit":
			result = billing.ChargeResult{Status: billing.ChargePending}
		default:
			result = billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: billing.ErrorCode(token)}
		}
		g.charges[r.Key] = result
		g.amounts[r.Key] = r.Amount.Amount
	}
	if g.after != nil {
		if err := g.after(r.Key); err != nil {
			return billing.ChargeResult{}, err
		}
	}
	return result, nil
}

func (g *till) ChargeByKey(_ context.Context, _ foyer.MerchantID, key string) (billing.ChargeResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	result, known := g.charges[key]
	if !known {
		return billing.ChargeResult{}, foyer.ErrNotFound()
	}
	return result, nil
}

func (g *till) Refund(_ context.Context, r billing.RefundRequest) (billing.RefundResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refunds[r.Key] = r.Amount.Amount
	if g.after != nil {
		if err := g.after(r.Key); err != nil {
			return billing.RefundResult{}, err
		}
	}
	return billing.RefundResult{Refunded: true}, nil
}

// CancelCharge implements billing.ChargeCanceler.
func (g *till) CancelCharge(_ context.Context, _ foyer.MerchantID, key string) (billing.ChargeResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.charges[key].Status == billing.ChargeRequiresAction {
		g.charges[key] = billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: "authentication_failed"}
	}
	return g.charges[key], nil
}

// Disputes implements billing.DisputeReader.
func (g *till) Disputes(_ context.Context, _ foyer.MerchantID, key string) ([]billing.GatewayDispute, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.disputes[key]), nil
}

// RefundByKey implements billing.RefundReader.
func (g *till) RefundByKey(_ context.Context, _ foyer.MerchantID, _, key string) (billing.RefundResult, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.refunds[key]; !known {
		return billing.RefundResult{}, foyer.ErrNotFound()
	}
	return billing.RefundResult{Refunded: !g.sentBack[key]}, nil
}

// sendBack is the customer's bank sending a refund back.
func (g *till) sendBack(id billing.RefundID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sentBack[string(id)] = true
}

// dispute is the customer's bank taking a charge back, or deciding about it.
func (g *till) dispute(key string, status billing.DisputeStatus, amount int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.disputes[key] = []billing.GatewayDispute{{
		Reference: "dp_" + key, Status: status, Reason: "fraudulent", Amount: foyer.Money{Amount: amount, Currency: "EUR"}, OpenedAt: start,
	}}
}

// settle is the bank deciding about a debit: a code declines it.
func (g *till) settle(key string, code billing.ErrorCode) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.charges[key] = billing.ChargeResult{Status: billing.ChargeCaptured}
	if code != "" {
		g.charges[key] = billing.ChargeResult{Status: billing.ChargeDeclined, ErrorCode: code}
	}
}

// confirm is the customer confirming with their bank.
func (g *till) confirm(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.charges[key] = billing.ChargeResult{Status: billing.ChargeCaptured}
}

// ledger is every charge that really happened.
func (g *till) ledger() map[string]int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := map[string]int64{}
	for key, result := range g.charges {
		if result.Status == billing.ChargeCaptured {
			out[key] = g.amounts[key]
		}
	}
	return out
}
