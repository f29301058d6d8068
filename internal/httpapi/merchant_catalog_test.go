package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
)

const (
	products  = "/v1/merchant/products"
	prices    = "/v1/merchant/prices"
	discounts = "/v1/merchant/discounts"
)

// monthly is the body of a price of a product.
func monthly(product string, extra ...map[string]any) map[string]any {
	body := map[string]any{
		"product_id": product, "unit_price": map[string]any{"amount": 2900, "currency": "EUR"},
		"billing_cycle": map[string]any{"interval": "month", "frequency": 1},
	}
	for _, e := range extra {
		for k, v := range e {
			body[k] = v
		}
	}
	return body
}

func TestMerchantKeepsACatalog(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		product := key.Post(products, map[string]any{
			"name": " Pro ", "description": "Every map,\nevery day.", "image_url": "https://cdn.acme.test/pro.png?size=2", "external_id": "p", "metadata": map[string]any{"k": "v"},
		}).Must(http.StatusCreated)
		productPath := products + "/" + product.Text("id")
		assert.Equal(t, []any{"Pro", "Every map,\nevery day.", "https://cdn.acme.test/pro.png?size=2", "active", "p", "v"}, []any{
			product.At("name"), product.At("description"), product.At("image_url"), product.At("status"), product.At("external_id"), product.At("metadata.k"),
		})
		price := key.Post(prices, monthly(product.Text("id"), map[string]any{
			"name": "Monthly", "trial": map[string]any{"interval": "day", "frequency": 14}, "tax_rate": "0.19", "tax_behavior": "inclusive",
			"quantity": map[string]any{"max": 50}, "external_id": "p",
		})).Must(http.StatusCreated)
		pricePath := prices + "/" + price.Text("id")
		assert.Equal(t, []any{2900.0, "EUR", "month", "day", 14.0, "0.19", "inclusive", nil, 50.0, product.Text("id")}, []any{
			price.At("unit_price.amount"), price.At("unit_price.currency"), price.At("billing_cycle.interval"), price.At("trial.interval"), price.At("trial.frequency"),
			price.At("tax_rate"), price.At("tax_behavior"), price.At("quantity.min"), price.At("quantity.max"), price.At("product_id"),
		})
		plain := key.Post(prices, monthly(product.Text("id"), map[string]any{"billing_cycle": nil})).Must(http.StatusCreated)
		assert.Equal(t, []any{nil, nil, "0", "exclusive", nil}, []any{plain.At("billing_cycle"), plain.At("trial"), plain.At("tax_rate"), plain.At("tax_behavior"), plain.At("quantity")})
		share := key.Post(discounts, map[string]any{"type": "percent", "percent": "12.5", "code": "Welcome-1", "description": "Hello"}).Must(http.StatusCreated)
		sharePath := discounts + "/" + share.Text("id")
		assert.Equal(t, []any{"12.5", nil, 1.0, "Welcome-1", "active"}, []any{share.At("percent"), share.At("amount"), share.At("periods"), share.At("code"), share.At("status")})
		fixed := key.Post(discounts, map[string]any{"type": "fixed", "amount": map[string]any{"amount": 500, "currency": "JPY"}, "periods": nil}).Must(http.StatusCreated)
		assert.Equal(t, []any{nil, 500.0, nil, nil}, []any{fixed.At("percent"), fixed.At("amount.amount"), fixed.At("periods"), fixed.At("code")})

		for _, made := range []struct {
			path   string
			answer *foyertest.Answer
		}{{productPath, product}, {pricePath, price}, {sharePath, share}} {
			read := key.Get(made.path + "?locale=en").Must(http.StatusOK)
			assert.Equal(t, made.answer.JSON, read.JSON)
			key.Get(made.path+"?locale=en", "If-None-Match", read.Header.Get("ETag")).Must(http.StatusNotModified)
			assert.Equal(t, made.answer.JSON, lastObject(t, key, made.answer.Text("id")), "the event shows what the API shows")
			change := map[string]any{"description": "Changed", "metadata": map[string]any{"a": "b"}, "external_id": "new"}
			changed := key.Patch(made.path, change, "If-Match", read.Header.Get("ETag")).Must(http.StatusOK)
			assert.Equal(t, []any{"Changed", "b", "new"}, []any{changed.At("description"), changed.At("metadata.a"), changed.At("external_id")})
			key.Patch(made.path, map[string]any{"description": "Late"}, "If-Match", read.Header.Get("ETag")).Refused(http.StatusPreconditionFailed, "precondition.failed")
			assert.Equal(t, changed.Header.Get("ETag"), key.Patch(made.path, change).Must(http.StatusOK).Header.Get("ETag"), "nothing was changed")
			cleared := key.Patch(made.path, map[string]any{"description": nil, "metadata": nil, "external_id": nil}).Must(http.StatusOK)
			assert.Equal(t, []any{nil, map[string]any{}, nil}, []any{cleared.At("description"), cleared.At("metadata"), cleared.At("external_id")})
			archived := key.Post(made.path+"/archive", nil).Must(http.StatusOK)
			assert.Equal(t, "archived", archived.Text("status"))
			assert.Equal(t, archived.JSON, key.Post(made.path+"/archive", nil).Must(http.StatusOK).JSON)
			noun := map[string]string{"pro": "product", "pri": "price", "dsc": "discount"}[made.answer.Text("id")[:3]]
			assert.Equal(t, []string{noun + ".created", noun + ".updated", noun + ".updated", noun + ".archived"}, eventsOf(t, key, made.answer.Text("id")))
			assert.Nil(t, key.Get("/v1/merchant/events?limit=1&subject_id="+made.answer.Text("id")).At("data.0.customer_id"))
		}
		assert.Equal(t, "Renamed", key.Patch(productPath, map[string]any{"name": "Renamed", "image_url": nil}).Must(http.StatusOK).At("name"))
		bounds := key.Patch(pricePath, map[string]any{"quantity": map[string]any{"min": 2, "max": nil}}).Must(http.StatusOK)
		assert.Equal(t, []any{2.0, nil}, []any{bounds.At("quantity.min"), bounds.At("quantity.max")})
		assert.Nil(t, key.Patch(pricePath, map[string]any{"quantity": nil}).Must(http.StatusOK).At("quantity"))
	})
}

func TestWhatIsPaidCantBeChanged(t *testing.T) {
	t.Parallel()
	a := foyertest.New(t, "sqlite")
	m := a.Merchant(t, "acme")
	key := a.Key(t, m)
	product := key.Post(products, map[string]any{"name": "Pro"}).Must(http.StatusCreated).Text("id")
	price := key.Post(prices, monthly(product)).Must(http.StatusCreated)
	discount := key.Post(discounts, map[string]any{"type": "percent", "percent": "10"}).Must(http.StatusCreated)
	for path, fields := range map[string]map[string]any{
		prices + "/" + price.Text("id"): {
			"unit_price": map[string]any{"amount": 1, "currency": "EUR"}, "billing_cycle": nil, "trial": nil, "tax_rate": "0", "tax_behavior": "inclusive", "product_id": product,
		},
		discounts + "/" + discount.Text("id"): {"type": "fixed", "percent": "99", "amount": nil, "periods": nil},
		products + "/" + product:              {"prices": []any{}},
	} {
		before := key.Get(path).JSON
		for field, value := range fields {
			key.Patch(path, map[string]any{field: value}).Refused(http.StatusBadRequest, "json.unknown_field")
		}
		for _, field := range []string{"id", "created_at", "updated_at", "version", "merchant_id", "status", "archived", "Name"} {
			key.Patch(path, map[string]any{field: "x"}).Refused(http.StatusBadRequest, "json.unknown_field")
		}
		assert.Equal(t, before, key.Get(path).JSON)
	}
	for path, body := range map[string]map[string]any{products: {"name": "x"}, prices: monthly(product), discounts: {"type": "percent", "percent": "1"}, customers: {"email": "x@mailbox.test"}} {
		for _, field := range []string{"id", "created_at", "version", "merchant_id", "status", "balance", "credit_balances"} {
			over := map[string]any{field: "x"}
			for k, v := range body {
				over[k] = v
			}
			key.Post(path, over).Refused(http.StatusBadRequest, "json.unknown_field")
		}
	}
	assert.Zero(t, key.Get(customers).Len("data"))
}

func TestTheCatalogIsRefused(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, stranger := a.Merchant(t, "acme"), a.Merchant(t, "other")
		key, other := a.Key(t, m), a.Key(t, stranger)
		product := key.Post(products, map[string]any{"name": "Pro", "external_id": "x"}).Must(http.StatusCreated).Text("id")
		theirs := other.Post(products, map[string]any{"name": "Theirs", "external_id": "x"}).Must(http.StatusCreated).Text("id")
		refused := func(path string, body map[string]any, pointer, code string) {
			t.Helper()
			answer := key.Post(path, body).Must(http.StatusUnprocessableEntity)
			assert.Equal(t, []string{pointer, code}, []string{answer.Text("errors.0.pointer"), answer.Text("errors.0.code")}, "%v: %s", body, answer.Body)
		}
		for _, id := range []string{theirs, "pro_01kb3v5q8r9s0t1v2w3x4y5z6a", "nonsense", "' OR 1=1--"} {
			refused(prices, monthly(id), "/product_id", "input.unknown_reference")
		}
		for pointer, bad := range map[string][]map[string]any{
			"/unit_price/amount": {
				{"unit_price": map[string]any{"amount": -1, "currency": "EUR"}},
				{"unit_price": map[string]any{"amount": int64(1) << 53, "currency": "EUR"}},
				{"unit_price": map[string]any{"amount": billing.MaxAmount + 1, "currency": "EUR"}},
				{"unit_price": map[string]any{"amount": 1.5, "currency": "EUR"}},
				{"unit_price": map[string]any{"amount": "5", "currency": "EUR"}},
			},
			"/unit_price/currency": {{"unit_price": map[string]any{"amount": 1, "currency": "XXX"}}, {"unit_price": map[string]any{"amount": 1, "currency": "eur"}}, {"unit_price": map[string]any{"amount": 1, "currency": "EURO"}}},
			"/billing_cycle":       {{"billing_cycle": map[string]any{"interval": "month", "frequency": 0}}, {"billing_cycle": map[string]any{"interval": "year", "frequency": 11}}},
			"/trial":               {{"trial": map[string]any{"interval": "day", "frequency": -1}}, {"trial": map[string]any{"interval": "day", "frequency": 1}, "billing_cycle": nil}},
			"/tax_rate":            {{"tax_rate": "19"}, {"tax_rate": "-0.1"}, {"tax_rate": "1.1"}, {"tax_rate": "1e-1"}, {"tax_rate": ""}, {"tax_rate": "0,19"}, {"tax_rate": 0.19}},
			"/tax_behavior":        {{"tax_behavior": "both"}},
			"/quantity":            {{"quantity": map[string]any{"min": 5, "max": 4}}, {"quantity": map[string]any{"max": billing.MaxQuantity + 1}}},
			"/quantity/min":        {{"quantity": map[string]any{"min": 0}}},
		} {
			for _, extra := range bad {
				answer := key.Post(prices, monthly(product, extra)).Must(http.StatusUnprocessableEntity)
				assert.Equal(t, pointer, answer.Text("errors.0.pointer"), "%v: %s", extra, answer.Body)
			}
		}
		for _, raw := range []string{"1e400", "9223372036854775808", "9223372036854775807", "1e2", "NaN"} {
			status := key.Raw(http.MethodPost, prices, []byte(`{"product_id":"`+product+`","unit_price":{"amount":`+raw+`,"currency":"EUR"},"billing_cycle":null}`), "Content-Type", "application/json").Status
			assert.Contains(t, []int{http.StatusBadRequest, http.StatusUnprocessableEntity}, status, raw)
		}
		for pointer, bad := range map[string][]map[string]any{
			"/percent":         {{"type": "percent"}, {"type": "percent", "percent": "0"}, {"type": "percent", "percent": "100.1"}, {"type": "percent", "percent": "-5"}, {"type": "fixed", "amount": map[string]any{"amount": 1, "currency": "EUR"}, "percent": "5"}},
			"/amount":          {{"type": "fixed"}, {"type": "fixed", "amount": map[string]any{"amount": 0, "currency": "EUR"}}, {"type": "percent", "percent": "5", "amount": map[string]any{"amount": 1, "currency": "EUR"}}},
			"/amount/currency": {{"type": "fixed", "amount": map[string]any{"amount": 1, "currency": "ABC"}}},
			"/periods":         {{"type": "percent", "percent": "5", "periods": 0}, {"type": "percent", "percent": "5", "periods": 1201}},
			"/code":            {{"type": "percent", "percent": "5", "code": "10 % off"}, {"type": "percent", "percent": "5", "code": "ＷＥＬＣＯＭＥ"}},
			"/type":            {{"type": "gift"}, {}},
		} {
			for _, body := range bad {
				answer := key.Post(discounts, body).Must(http.StatusUnprocessableEntity)
				assert.Equal(t, pointer, answer.Text("errors.0.pointer"), "%v: %s", body, answer.Body)
			}
		}
		for _, link := range []string{"http://cdn.acme.test/x.png", "javascript:alert(1)", "//cdn.acme.test/x.png", "https:evil.test", "https:/\\evil.test", "https://user:pass@cdn.acme.test/", "https://", "data:image/png;base64,AA", "https://cdn.acme.test/\"onload=", "/x.png", "ftp://x.test"} {
			refused(products, map[string]any{"name": "x", "image_url": link}, "/image_url", "input.https_url")
		}
		key.Post(products, map[string]any{"name": "x", "external_id": "x"}).Refused(http.StatusConflict, "external_id.taken")
		refused(products, map[string]any{"name": "  "}, "/name", "input.required")
		answer := key.Patch(products+"/"+product, map[string]any{"name": nil}).Must(http.StatusUnprocessableEntity)
		assert.Equal(t, "/name", answer.Text("errors.0.pointer"))

		// Another merchant's are not found, in one body.
		unknown := told(key.Get(products+"/pro_01kb3v5q8r9s0t1v2w3x4y5z6a").Refused(http.StatusNotFound, "not_found"))
		price := other.Post(prices, monthly(theirs)).Must(http.StatusCreated).Text("id")
		discount := other.Post(discounts, map[string]any{"type": "percent", "percent": "5"}).Must(http.StatusCreated).Text("id")
		for _, path := range []string{products + "/" + theirs, prices + "/" + price, discounts + "/" + discount, products + "/x", prices + "/" + product, discounts + "/%00"} {
			assert.Equal(t, unknown, told(key.Get(path)), path)
			assert.Equal(t, unknown, told(key.Patch(path, map[string]any{"description": "mine"})), path)
			assert.Equal(t, unknown, told(key.Post(path+"/archive", nil)), path)
		}
		assert.Equal(t, "active", other.Get(products+"/"+theirs).Text("status"))

		key.Post(products+"/"+product+"/archive", nil).Must(http.StatusOK)
		refused(prices, monthly(product), "/product_id", "product.archived")
	})
}

func TestACodeIsOneDiscounts(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key, other := a.Key(t, m), a.Key(t, a.Merchant(t, "other"))
		body := func(code string) map[string]any {
			return map[string]any{"type": "percent", "percent": "5", "code": code}
		}
		first := key.Post(discounts, body("Spring")).Must(http.StatusCreated)
		key.Post(discounts, body("SPRING")).Refused(http.StatusConflict, "discount.code_taken")
		other.Post(discounts, body("Spring")).Must(http.StatusCreated)
		second := key.Post(discounts, body("")).Must(http.StatusCreated)
		key.Post(discounts, body("")).Must(http.StatusCreated)
		key.Patch(discounts+"/"+second.Text("id"), map[string]any{"code": "spring"}).Refused(http.StatusConflict, "discount.code_taken")
		assert.Equal(t, "sPring", key.Patch(discounts+"/"+first.Text("id"), map[string]any{"code": "sPring"}).Must(http.StatusOK).Text("code"), "its own")
		assert.Equal(t, first.Text("id"), key.Get(discounts+"?code=SPRING").Must(http.StatusOK).Text("data.0.id"))
		key.Post(discounts+"/"+first.Text("id")+"/archive", nil).Must(http.StatusOK)
		key.Patch(discounts+"/"+second.Text("id"), map[string]any{"code": "spring"}).Must(http.StatusOK)
		assert.Equal(t, 2, key.Get(discounts+"?code=Spring").Len("data"))
		assert.Equal(t, second.Text("id"), key.Get(discounts+"?code=Spring&status=active").Text("data.0.id"))
		// Imported ones may share a code; a new one may not take it.
		at := foyer.Micro(a.Clock.Now())
		var batch billing.ImportBatch
		for i := range 2 {
			batch.Discounts = append(batch.Discounts, billing.Discount{
				ID: billing.DiscountID(a.IDs(foyer.PrefixDiscount)), Merchant: m.ID, ExternalID: fmt.Sprint("dsc_", i), Type: billing.DiscountPercent, Percent: "5",
				Code: "OLD", CreatedAt: at, UpdatedAt: at, Version: 1,
			})
		}
		a.Save(t, m, batch)
		key.Post(discounts, body("old")).Refused(http.StatusConflict, "discount.code_taken")
		statuses := together(20, func(int) string {
			answer := key.Post(discounts, body("crowd"))
			return fmt.Sprint(answer.Status, answer.Text("code"))
		})
		require.Equal(t, map[string]int{"201crowd": 1, "409discount.code_taken": 19}, statuses)
	})
}

func TestTheCatalogIsFilteredAndPaged(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m, stranger := a.Merchant(t, "acme"), a.Merchant(t, "other")
		key := a.Key(t, m)
		at := foyer.Micro(a.Clock.Now())
		var batch billing.ImportBatch
		for i := range 1000 {
			batch.Products = append(batch.Products, billing.Product{
				ID: billing.ProductID(a.IDs(foyer.PrefixProduct)), Merchant: m.ID, ExternalID: fmt.Sprint(i), Name: "P", Archived: i%4 == 0, CreatedAt: at, UpdatedAt: at, Version: 1,
			})
		}
		for i := range 100 {
			batch.Prices = append(batch.Prices, billing.Price{
				ID: billing.PriceID(a.IDs(foyer.PrefixPrice)), Merchant: m.ID, ExternalID: fmt.Sprint(i), Product: batch.Products[i%2].ID, TaxRate: "0", TaxBehavior: billing.TaxExclusive,
				UnitPrice: foyer.Money{Amount: 100, Currency: "EUR"}, Archived: i >= 90, CreatedAt: at, UpdatedAt: at, Version: 1,
			})
		}
		a.Save(t, m, batch)
		a.Price(t, stranger, "Theirs", 100)
		seen, next := map[string]bool{}, ""
		for {
			page := key.Get(products + "?limit=100&include=prices" + next).Must(http.StatusOK)
			for i := range page.Len("data") {
				id := page.Text(fmt.Sprintf("data.%d.id", i))
				require.False(t, seen[id])
				seen[id] = true
				want := 0
				if id == string(batch.Products[0].ID) || id == string(batch.Products[1].ID) {
					want = 25 // of 45 that are sold
				}
				require.Equal(t, want, page.Len(fmt.Sprintf("data.%d.prices", i)))
			}
			if page.At("page.next") == nil {
				break
			}
			next = "&after=" + page.Text("page.next")
		}
		assert.Len(t, seen, 1000)
		assert.Equal(t, "17", key.Get(products+"?external_id=17").Must(http.StatusOK).Text("data.0.external_id"))
		assert.Zero(t, key.Get(products+"?external_id=17&status=archived").Len("data"))
		of := key.Get(prices + "?limit=100&include=product&product_id=" + string(batch.Products[0].ID)).Must(http.StatusOK)
		require.Equal(t, 50, of.Len("data"))
		assert.Equal(t, "0", of.Text("data.0.product.external_id"))
		assert.Equal(t, 5, key.Get(prices+"?limit=100&status=archived&product_id="+string(batch.Products[0].ID)).Len("data"))
		assert.Zero(t, key.Get(prices+"?product_id=pro_01kb3v5q8r9s0t1v2w3x4y5z6a").Must(http.StatusOK).Len("data"))
		one := key.Get(prices + "/" + string(batch.Prices[1].ID) + "?include=product").Must(http.StatusOK)
		assert.Equal(t, "1", one.Text("product.external_id"))
		assert.Equal(t, 25, key.Get(products+"/"+string(batch.Products[0].ID)+"?include=prices").Must(http.StatusOK).Len("prices"))
		for _, list := range []string{products, prices, discounts} {
			for _, odd := range []string{"' OR 1=1--", "%", "日本", "\u202e", "a\\"} {
				key.Get(list + foyertest.Query("external_id", odd)).Must(http.StatusOK)
				assert.Less(t, key.Get(list+foyertest.Query("product_id", odd)).Status, 500)
				assert.Less(t, key.Get(list+foyertest.Query("code", odd)).Status, 500)
			}
			key.Get(list + "?include=everything").Must(http.StatusBadRequest)
			key.Get(list + foyertest.Query("external_id", foyertest.CardGood)).Must(http.StatusBadRequest)
		}
	})
}

// What is archived can't be newly subscribed to, and goes on for who has it.
func TestArchivedIsNotSoldAnyMore(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test")
		first, second := a.Price(t, m, "One", 1000), a.Price(t, m, "Two", 1000)
		sub := a.Subscribe(t, c, first, "tok_4242")
		key.Post(products+"/"+string(first.Product)+"/archive", nil).Must(http.StatusOK)
		key.Post(prices+"/"+string(second.ID)+"/archive", nil).Must(http.StatusOK)
		for _, price := range []billing.PriceID{first.ID, second.ID} {
			_, _, err := a.Engine.CreateSubscription(t.Context(), foyertest.As(c), billing.SubscribeInput{
				Items: []billing.ItemInput{{Price: price, Quantity: 1}}, PaymentMethod: sub.PaymentMethod,
			})
			require.ErrorIs(t, err, foyer.Invalid)
		}
		a.Until(t, m, sub.CurrentPeriod.End.AddDate(0, 0, 1))
		renewed, err := a.Billing.Subscription(t.Context(), c.Scope(), sub.ID)
		require.NoError(t, err)
		assert.Equal(t, billing.SubscriptionActive, renewed.Status)
		assert.True(t, renewed.CurrentPeriod.End.After(sub.CurrentPeriod.End), "it was renewed")
	})
}

// One of many changes at once is made by who named the version; without one each is made or told to try again.
func TestCatalogChangesAtOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		key := a.Key(t, a.Merchant(t, "acme"))
		made := key.Post(products, map[string]any{"name": "Pro"}).Must(http.StatusCreated)
		path := products + "/" + made.Text("id")
		statuses := together(20, func(i int) int {
			return key.Patch(path, map[string]any{"name": fmt.Sprint("Name ", i)}, "If-Match", made.Header.Get("ETag")).Status
		})
		assert.Equal(t, map[int]int{http.StatusOK: 1, http.StatusPreconditionFailed: 19}, statuses)
		statuses = together(20, func(i int) int { return key.Patch(path, map[string]any{"name": fmt.Sprint("Again ", i)}).Status })
		assert.Equal(t, 20, statuses[http.StatusOK]+statuses[http.StatusConflict])
		assert.Len(t, eventsOf(t, key, made.Text("id")), 2+statuses[http.StatusOK])
	})
}
