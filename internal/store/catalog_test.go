package store_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/store"
)

// address makes an address nobody keeps yet; change may alter it first.
func (f *fixture) address(c billing.Customer, change ...func(*billing.CustomerAddress)) billing.CustomerAddress {
	a := billing.CustomerAddress{
		ID: billing.AddressID(f.ids(foyer.PrefixAddress)), Merchant: c.Merchant, Customer: c.ID, Address: billing.Address{City: "Bonn"},
		CreatedAt: start, UpdatedAt: start, Version: 1,
	}
	for _, alter := range change {
		alter(&a)
	}
	return a
}

func (f *fixture) product(m foyer.MerchantID, change ...func(*billing.Product)) billing.Product {
	p := billing.Product{ID: billing.ProductID(f.ids(foyer.PrefixProduct)), Merchant: m, Name: "P", CreatedAt: start, UpdatedAt: start, Version: 1}
	for _, alter := range change {
		alter(&p)
	}
	return p
}

func (f *fixture) price(m foyer.MerchantID, product billing.ProductID, change ...func(*billing.Price)) billing.Price {
	p := billing.Price{
		ID: billing.PriceID(f.ids(foyer.PrefixPrice)), Merchant: m, Product: product, UnitPrice: foyer.Money{Amount: 100, Currency: "EUR"}, TaxRate: "0",
		TaxBehavior: billing.TaxExclusive, CreatedAt: start, UpdatedAt: start, Version: 1,
	}
	for _, alter := range change {
		alter(&p)
	}
	return p
}

func (f *fixture) discount(m foyer.MerchantID, change ...func(*billing.Discount)) billing.Discount {
	d := billing.Discount{
		ID: billing.DiscountID(f.ids(foyer.PrefixDiscount)), Merchant: m, Type: billing.DiscountPercent, Percent: "5", CreatedAt: start, UpdatedAt: start, Version: 1,
	}
	for _, alter := range change {
		alter(&d)
	}
	return d
}

// merchantList is one of the lists a merchant reads page by page.
type merchantList struct {
	name string
	page func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey
	// most is how many there are of the thousand everyCatalog makes.
	most int
}

const soldProduct = billing.ProductID("pro_00000000000000000000000000")

var merchantLists = func() []merchantList {
	archived, active := true, false
	customers := func(filter billing.CustomerFilter) func(testing.TB, *fixture, foyer.MerchantID, foyer.PageRequest) []foyer.PageKey {
		return func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.ListCustomers(t.Context(), m, filter, p)
			return keysOf(t, got, err, func(v billing.Customer) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
		}
	}
	products := func(filter billing.CatalogFilter) func(testing.TB, *fixture, foyer.MerchantID, foyer.PageRequest) []foyer.PageKey {
		return func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.ListProducts(t.Context(), m, filter, p)
			return keysOf(t, got, err, func(v billing.Product) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
		}
	}
	prices := func(filter billing.CatalogFilter) func(testing.TB, *fixture, foyer.MerchantID, foyer.PageRequest) []foyer.PageKey {
		return func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.ListPrices(t.Context(), m, filter, p)
			return keysOf(t, got, err, func(v billing.Price) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
		}
	}
	discounts := func(filter billing.CatalogFilter) func(testing.TB, *fixture, foyer.MerchantID, foyer.PageRequest) []foyer.PageKey {
		return func(t testing.TB, f *fixture, m foyer.MerchantID, p foyer.PageRequest) []foyer.PageKey {
			t.Helper()
			got, err := f.ListDiscounts(t.Context(), m, filter, p)
			return keysOf(t, got, err, func(v billing.Discount) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
		}
	}
	return []merchantList{
		{"customers", customers(billing.CustomerFilter{}), 1000},
		{"archived customers", customers(billing.CustomerFilter{Archived: &archived}), 500},
		{"active customers", customers(billing.CustomerFilter{Archived: &active}), 500},
		{"products", products(billing.CatalogFilter{}), 1000},
		{"archived products", products(billing.CatalogFilter{Archived: &archived}), 500},
		{"prices", prices(billing.CatalogFilter{}), 1000},
		{"active prices", prices(billing.CatalogFilter{Archived: &active}), 500},
		{"prices of a product", prices(billing.CatalogFilter{Product: soldProduct}), 500},
		{"discounts", discounts(billing.CatalogFilter{}), 1000},
		{"archived discounts", discounts(billing.CatalogFilter{Archived: &archived}), 500},
		{"discounts of a code", discounts(billing.CatalogFilter{Code: "COMMON"}), 500},
	}
}()

// everyCatalog makes n of everything of a merchant, at times of which many are the same.
func (f *fixture) everyCatalog(t testing.TB, m foyer.MerchantID, n int) {
	t.Helper()
	var batch billing.ImportBatch
	for i := range n {
		at := start.Add(-time.Duration(i/9) * time.Microsecond)
		batch.Customers = append(batch.Customers, billing.ImportedCustomer{Customer: billing.Customer{
			ID: foyer.CustomerID(f.ids(foyer.PrefixCustomer)), Merchant: m, Email: fmt.Sprintf("c%d@catalog.test", i), ExternalID: fmt.Sprint("c", i),
			Archived: i%2 == 0, CreatedAt: at, UpdatedAt: at, Version: 1,
		}})
		batch.Products = append(batch.Products, f.product(m, func(p *billing.Product) { p.ExternalID, p.Archived, p.CreatedAt = fmt.Sprint(i), i%2 == 0, at }))
		product := billing.ProductID("pro_other")
		if i%2 == 0 {
			product = soldProduct
		}
		batch.Prices = append(batch.Prices, f.price(m, product, func(p *billing.Price) { p.ExternalID, p.Archived, p.CreatedAt = fmt.Sprint(i), i%2 == 0, at }))
		batch.Discounts = append(batch.Discounts, f.discount(m, func(d *billing.Discount) {
			d.ExternalID, d.Archived, d.CreatedAt = fmt.Sprint(i), i%2 == 0, at
			if d.Code = "Rare" + fmt.Sprint(i); i%2 == 0 {
				d.Code = "Common"
			}
		}))
	}
	f.save(t, m, batch)
}

// Every entry comes exactly once, newest first, and none of another merchant; a page far in is one range of an index.
func TestPagesOfAMerchant(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		f.fastWrites(t)
		m := f.newMerchant(t, "large")
		f.everyCatalog(t, m.ID, 1000)
		f.everyCatalog(t, f.stranger.ID, 200)
		f.exec(t, "ANALYZE")
		var statement string
		var args []any
		callbacks := f.GORM(t.Context()).Callback()
		require.NoError(t, callbacks.Query().After("gorm:query").Register("test:statement", func(db *gorm.DB) {
			statement, args = db.Statement.SQL.String(), slices.Clone(db.Statement.Vars)
		}))
		for _, l := range merchantLists {
			seen, all, after := map[string]bool{}, []foyer.PageKey{}, (*foyer.PageKey)(nil)
			for {
				page := l.page(t, f, m.ID, foyer.PageRequest{Limit: 26, After: after})
				all = append(all, page...)
				if len(page) < 26 {
					break
				}
				after = &page[len(page)-1]
			}
			for _, k := range all {
				seen[k.ID] = true
			}
			require.Len(t, all, l.most, l.name)
			require.Len(t, seen, l.most, l.name)
			require.True(t, slices.IsSortedFunc(all, func(a, b foyer.PageKey) int {
				if c := b.At.Compare(a.At); c != 0 {
					return c
				}
				return strings.Compare(b.ID, a.ID)
			}), l.name)
			require.Empty(t, l.page(t, f, f.merchant.ID, foyer.PageRequest{Limit: 26, To: ptr(start)}), "%s of another merchant", l.name)

			require.Len(t, l.page(t, f, m.ID, foyer.PageRequest{Limit: 26, After: &all[len(all)/2]}), 26)
			plan := f.plan(t, statement, args)
			if f.Dialect() == store.Postgres {
				assert.Contains(t, plan, "Index Scan", l.name)
				assert.NotContains(t, plan, "Sort", l.name)
				assert.NotContains(t, plan, "Filter", "%s: every row of the range is shown", l.name)
			} else {
				assert.Contains(t, plan, "USING INDEX", l.name)
				assert.NotContains(t, plan, "TEMP B-TREE", l.name)
			}
		}
	})
}

// What is shown besides each of many comes in one query for all of them, the newest of each.
func TestNewestOfEach(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		var batch billing.ImportBatch
		for i, c := range []billing.Customer{f.customer, f.customer, f.customer, f.neighbor} {
			batch.Subscriptions = append(batch.Subscriptions, billing.ImportedSubscription{Subscription: f.subscription(func(s *billing.Subscription) {
				s.Merchant, s.Customer, s.CreatedAt, s.ExternalID = c.Merchant, c.ID, start.Add(time.Duration(i)*time.Hour), fmt.Sprint(i)
				s.PaymentMethod = billing.PaymentMethodID(fmt.Sprint("paymtd_", i))
			})})
		}
		f.save(t, f.merchant.ID, batch)
		f.save(t, f.stranger.ID, billing.ImportBatch{Subscriptions: []billing.ImportedSubscription{{Subscription: f.subscription(func(s *billing.Subscription) {
			s.Merchant, s.Customer, s.ExternalID = f.foreigner.Merchant, f.foreigner.ID, "x"
		})}}})
		everybody := []foyer.CustomerID{f.customer.ID, f.neighbor.ID, f.foreigner.ID}
		subs, err := f.SubscriptionsOf(t.Context(), f.merchant.ID, everybody, 2)
		require.NoError(t, err)
		var got []string
		for _, s := range subs {
			got = append(got, s.ExternalID)
		}
		require.Equal(t, []string{"3", "2", "1"}, got, "the newest two of each, none of another merchant")

		for i, c := range []billing.Customer{f.customer, f.customer, f.customer, f.foreigner} {
			f.paymentMethod(t, func(m *billing.PaymentMethod) {
				m.ID, m.Merchant, m.Customer, m.CreatedAt = billing.PaymentMethodID(fmt.Sprint("paymtd_", i)), c.Merchant, c.ID, start.Add(time.Duration(i)*time.Hour)
			})
		}
		methods, err := f.PaymentMethodsOf(t.Context(), f.merchant.ID, everybody, 2)
		require.NoError(t, err)
		require.Len(t, methods, 2)
		require.Equal(t, []billing.PaymentMethodID{"paymtd_2", "paymtd_1"}, []billing.PaymentMethodID{methods[0].ID, methods[1].ID})
		require.Equal(t, []billing.SubscriptionID{subs[1].ID}, methods[0].UsedBy)

		live, err := f.LiveSubscriptions(t.Context(), scope(f.customer), 2)
		require.NoError(t, err)
		require.Len(t, live, 2)
		for _, c := range []billing.Customer{f.customer, f.foreigner} {
			require.NoError(t, f.AddCredit(t.Context(), billing.Credit{Scope: scope(c), Currency: "EUR", Amount: 5}))
		}
		credits, err := f.Credits(t.Context(), f.merchant.ID, everybody)
		require.NoError(t, err)
		require.Equal(t, []billing.Credit{{Scope: scope(f.customer), Currency: "EUR", Amount: 5}}, credits)
	})
}

// What was written is read back, whole; the version decides which of two changes is made.
func TestCatalogRoundTrip(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx, m := t.Context(), f.merchant.ID
		notes := foyer.Metadata{"ключ": "值\nzwei", "a": ""}
		product := f.product(m, func(p *billing.Product) {
			p.ExternalID, p.Description, p.ImageURL, p.Metadata = "x", "d", "https://x.test/", notes
		})
		require.NoError(t, f.CreateProduct(ctx, product))
		gotProduct, err := f.Product(ctx, m, product.ID)
		require.NoError(t, err)
		require.Equal(t, product, gotProduct)
		product.Name, product.Archived, product.Metadata, product.ExternalID, product.UpdatedAt, product.Version = "Q", true, nil, "", start.Add(time.Hour), 2
		for _, want := range []bool{true, false} {
			saved, err := f.SaveProduct(ctx, product)
			require.NoError(t, err)
			require.Equal(t, want, saved)
		}
		gotProduct, err = f.Product(ctx, m, product.ID)
		require.NoError(t, err)
		require.Equal(t, product, gotProduct)

		price := f.price(m, product.ID, func(p *billing.Price) {
			p.ExternalID, p.Name, p.Description, p.QuantityMin, p.QuantityMax, p.Metadata = "x", "n", "d", 2, 5, notes
			p.Cycle, p.Trial = &foyer.Cycle{Interval: foyer.Month, Frequency: 3}, &foyer.Cycle{Interval: foyer.Day, Frequency: 14}
		})
		require.NoError(t, f.CreatePrice(ctx, price))
		changed := price
		changed.Name, changed.QuantityMax, changed.Metadata, changed.Archived, changed.Version = "o", 0, nil, true, 2
		changed.UnitPrice.Amount, changed.TaxRate, changed.Cycle = 1, "1", nil // can't be changed, whoever asks
		saved, err := f.SavePrice(ctx, changed)
		require.NoError(t, err)
		require.True(t, saved)
		gotPrice, err := f.Price(ctx, m, price.ID)
		require.NoError(t, err)
		changed.UnitPrice, changed.TaxRate, changed.Cycle = price.UnitPrice, price.TaxRate, price.Cycle
		require.Equal(t, changed, gotPrice)

		discount := f.discount(m, func(d *billing.Discount) {
			d.ExternalID, d.Code, d.Description, d.Metadata, d.Periods = "x", "Code", "d", notes, ptr(3)
		})
		require.NoError(t, f.CreateDiscount(ctx, discount))
		refused(t, foyer.Conflict, f.CreateDiscount(ctx, f.discount(m, func(d *billing.Discount) { d.Code = "cODE" })))
		require.NoError(t, f.CreateDiscount(ctx, f.discount(f.stranger.ID, func(d *billing.Discount) { d.Code = "cODE" })))
		gotDiscount, err := f.DiscountByCode(ctx, m, "CODE")
		require.NoError(t, err)
		require.Equal(t, discount, gotDiscount)
		discount.Archived, discount.Version = true, 2
		saved, err = f.SaveDiscount(ctx, discount)
		require.NoError(t, err)
		require.True(t, saved)
		_, err = f.DiscountByCode(ctx, m, "CODE")
		refused(t, foyer.NotFound, err)
		require.NoError(t, f.CreateDiscount(ctx, f.discount(m, func(d *billing.Discount) { d.Code = "cODE" })), "an archived one's code is free")

		customer := billing.Customer{
			ID: "ctm_new", Merchant: m, ExternalID: "y", Email: "New@x.test", Metadata: notes, CreatedAt: start, UpdatedAt: start, Version: 1,
			Address: billing.Address{Line1: "1", Country: "DE"},
		}
		require.NoError(t, f.CreateCustomer(ctx, customer))
		refused(t, foyer.Conflict, f.CreateCustomer(ctx, billing.Customer{ID: "ctm_other", Merchant: m, Email: "nEW@x.test", CreatedAt: start, UpdatedAt: start}))
		customer.Email, customer.ExternalID, customer.Metadata, customer.Archived, customer.Version = "newer@x.test", "", foyer.Metadata{"b": "c"}, true, 2
		saved, err = f.SaveCustomer(ctx, customer)
		require.NoError(t, err)
		require.True(t, saved)
		gotCustomer, err := f.Customer(ctx, scope(customer))
		require.NoError(t, err)
		require.Equal(t, customer, gotCustomer)
		owner, err := f.CustomerByKey(ctx, m, "newer@x.test")
		require.NoError(t, err)
		require.Equal(t, customer.ID, owner)

		address := f.address(customer, func(a *billing.CustomerAddress) {
			a.ExternalID, a.Description, a.Metadata, a.Default = "z", "d", notes, true
			a.Address = billing.Address{Line1: "1", Line2: "2", City: "3", Region: "4", PostalCode: "5", Country: "DE"}
		})
		require.NoError(t, f.CreateAddress(ctx, address))
		refused(t, foyer.Conflict, f.CreateAddress(ctx, f.address(customer, func(a *billing.CustomerAddress) { a.Default = true })))
		gotAddress, err := f.DefaultAddress(ctx, scope(customer))
		require.NoError(t, err)
		require.Equal(t, address, gotAddress)
		_, err = f.Address(ctx, scope(f.neighbor), address.ID)
		refused(t, foyer.NotFound, err)

		for kind, want := range map[foyer.Prefix]string{foyer.PrefixAddress: string(address.ID), foyer.PrefixPrice: "", foyer.PrefixProduct: ""} {
			owner, err := f.ExternalOwner(ctx, m, kind, "z")
			require.NoError(t, err)
			require.Equal(t, want, owner, kind)
			owner, err = f.ExternalOwner(ctx, f.stranger.ID, kind, "z")
			require.NoError(t, err)
			require.Empty(t, owner)
		}
	})
}

// A customer who came by an import, or was there before there were addresses, has their address as the default one.
func TestDefaultAddressOfWhoWasThereBefore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		c := billing.Customer{
			ID: foyer.CustomerID(f.ids(foyer.PrefixCustomer)), Merchant: f.merchant.ID, ExternalID: "i", Email: "i@x.test", CreatedAt: start, UpdatedAt: start, Version: 1,
			Address: billing.Address{City: "Bonn", Country: "DE"},
		}
		save := func() {
			f.save(t, f.merchant.ID, billing.ImportBatch{Customers: []billing.ImportedCustomer{{Customer: c}}})
		}
		save()
		first, err := f.DefaultAddress(ctx, scope(c))
		require.NoError(t, err)
		require.Equal(t, c.Address, first.Address)
		save()
		again, err := f.DefaultAddress(ctx, scope(c))
		require.NoError(t, err)
		require.Equal(t, first, again, "importing again changes nothing")
		c.Address.City, c.Version = "Köln", 2
		save()
		moved, err := f.DefaultAddress(ctx, scope(c))
		require.NoError(t, err)
		require.Equal(t, []any{first.ID, "Köln", int64(2)}, []any{moved.ID, moved.City, moved.Version})
		c.Address, c.Version = billing.Address{}, 3
		save()
		_, err = f.DefaultAddress(ctx, scope(c))
		refused(t, foyer.NotFound, err)
		kept, err := f.Address(ctx, scope(c), first.ID)
		require.NoError(t, err)
		require.Equal(t, "Köln", kept.City)
		none, err := f.CountAddresses(ctx, scope(f.customer))
		require.NoError(t, err)
		require.Zero(t, none, "no address is no row")

		c.Address, c.Version = billing.Address{City: "Mainz"}, 4
		save()
		f.exec(t, "DELETE FROM addresses")
		migration, err := os.ReadFile("migrations/00006_catalog.sql")
		require.NoError(t, err)
		f.exec(t, regexp.MustCompile(`(?s)INSERT INTO addresses.*?;`).FindString(string(migration)))
		require.Equal(t, 1, f.count(t, "SELECT count(*) FROM addresses"))
		filled, err := f.DefaultAddress(ctx, scope(c))
		require.NoError(t, err)
		require.Equal(t, "Mainz", filled.City)
		require.True(t, foyer.ValidID(foyer.PrefixAddress, string(filled.ID)), filled.ID)
	})
}
