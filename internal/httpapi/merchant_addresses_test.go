package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyertest"
)

// The default address and the customer's own are one, whoever changes which.
func TestTheDefaultAddressIsTheCustomersOwn(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test", func(c *billing.Customer) { c.Address = billing.Address{} })
		path := customers + "/" + string(c.ID)
		city := func() any { return key.Get(path).Must(http.StatusOK).At("address.city") }
		defaults := func() (out []string) {
			list := key.Get(path + "/addresses").Must(http.StatusOK)
			for i := range list.Len("data") {
				if list.At(fmt.Sprintf("data.%d.default", i)) == any(true) {
					out = append(out, list.Text(fmt.Sprintf("data.%d.city", i)))
				}
			}
			return out
		}
		require.Zero(t, key.Get(path+"/addresses").Must(http.StatusOK).Len("data"))
		first := key.Post(path+"/addresses", map[string]any{
			"line1": "Hauptstraße 1", "city": "Berlin", "country": "DE", "description": "Home", "external_id": "home", "metadata": map[string]any{"k": "v"},
		}).Must(http.StatusCreated)
		assert.Equal(t, []any{true, "active", "Home", "home", "v", string(c.ID)}, []any{
			first.At("default"), first.At("status"), first.At("description"), first.At("external_id"), first.At("metadata.k"), first.At("customer_id"),
		})
		assert.Equal(t, first.JSON, key.Get(path+"/addresses/"+first.Text("id")).Must(http.StatusOK).JSON)
		assert.Equal(t, "Berlin", city())
		assert.Equal(t, first.JSON, lastObject(t, key, first.Text("id")))

		second := key.Post(path+"/addresses", map[string]any{"city": "Bonn", "country": "DE"}).Must(http.StatusCreated)
		assert.Equal(t, false, second.At("default"))
		assert.Equal(t, "Berlin", city())
		secondPath := path + "/addresses/" + second.Text("id")
		key.Patch(secondPath, map[string]any{"default": true}, "If-Match", second.Header.Get("ETag")).Must(http.StatusOK)
		assert.Equal(t, []any{"Bonn", []string{"Bonn"}}, []any{city(), defaults()})
		assert.Equal(t, []string{"address.created", "address.updated"}, eventsOf(t, key, first.Text("id")), "the former default is an event, too")
		key.Patch(secondPath, map[string]any{"city": "Bonn-Beuel"}).Must(http.StatusOK)
		assert.Equal(t, "Bonn-Beuel", city())
		key.Patch(secondPath, map[string]any{"description": "Office"}).Must(http.StatusOK)
		third := key.Post(path+"/addresses", map[string]any{"city": "Köln", "default": true}).Must(http.StatusCreated)
		assert.Equal(t, []any{"Köln", []string{"Köln"}}, []any{city(), defaults()})

		// The other way round: the customer's own address, changed by the merchant and by the customer.
		key.Patch(path, map[string]any{"address": map[string]any{"city": "Mainz"}}).Must(http.StatusOK)
		assert.Equal(t, []string{"Mainz"}, defaults())
		assert.Equal(t, "Mainz", key.Get(path+"/addresses/"+third.Text("id")).Text("city"))
		mia := a.SignIn(t, m, c.Email)
		mia.Patch("/v1/me", map[string]any{"address": map[string]any{"city": "Trier"}}).Must(http.StatusOK)
		assert.Equal(t, []string{"Trier"}, defaults())
		key.Patch(path, map[string]any{"address": nil}).Must(http.StatusOK)
		assert.Empty(t, defaults())
		assert.Equal(t, 3, key.Get(path+"/addresses").Len("data"), "what was the default is kept as an ordinary one")
		mia.Patch("/v1/me", map[string]any{"address": map[string]any{"city": "Worms"}}).Must(http.StatusOK)
		assert.Equal(t, []string{"Worms"}, defaults())
		assert.Equal(t, 4, key.Get(path+"/addresses").Len("data"))
		// Every change of the customer is one event: Berlin, Bonn, Beuel, Köln, Mainz, Trier, none, Worms; the customer itself was imported.
		list := key.Get("/v1/merchant/events?limit=100&type=customer.updated&subject_id=" + string(c.ID)).Must(http.StatusOK)
		assert.Equal(t, 8, list.Len("data"))
		assert.EqualValues(t, 8, list.At("data.0.sequence"))
	})
}

func TestAddressesAreRefused(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test")
		path := customers + "/" + string(c.ID) + "/addresses"
		own := key.Get(path).Must(http.StatusOK).Text("data.0.id")
		key.Post(path+"/"+own+"/archive", nil).Refused(http.StatusConflict, "address.default")
		key.Patch(path+"/"+own, map[string]any{"default": false}).Refused(http.StatusConflict, "address.default")
		other := key.Post(path, map[string]any{"city": "Bonn", "external_id": "x"}).Must(http.StatusCreated)
		otherPath := path + "/" + other.Text("id")
		key.Post(path, map[string]any{"city": "Bonn", "external_id": "x"}).Refused(http.StatusConflict, "external_id.taken")
		key.Patch(path+"/"+own, map[string]any{"external_id": "x"}).Refused(http.StatusConflict, "external_id.taken")
		archived := key.Post(otherPath+"/archive", nil).Must(http.StatusOK)
		assert.Equal(t, "archived", archived.Text("status"))
		assert.Equal(t, archived.JSON, key.Post(otherPath+"/archive", nil).Must(http.StatusOK).JSON)
		key.Patch(otherPath, map[string]any{"default": true}).Refused(http.StatusConflict, "address.archived")
		assert.Equal(t, []string{"address.created", "address.archived"}, eventsOf(t, key, other.Text("id")))
		assert.Equal(t, 1, key.Get(path+"?status=archived").Len("data"))
		assert.Equal(t, 1, key.Get(path+"?status=active").Len("data"))
		for _, empty := range []map[string]any{{}, {"line1": nil}, {"line1": "  "}, {"description": "nowhere"}} {
			refused := key.Post(path, empty).Refused(http.StatusUnprocessableEntity, "input.invalid")
			assert.Equal(t, "/line1", refused.Text("errors.0.pointer"), empty)
		}
		key.Patch(path+"/"+own, map[string]any{"line1": nil, "city": nil, "postal_code": nil, "country": nil}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		key.Patch(path+"/"+own, map[string]any{"country": "XX"}).Refused(http.StatusUnprocessableEntity, "input.invalid")
		key.Patch(path+"/"+own, map[string]any{"city": "Cork"}, "If-Match", `"9-x"`).Refused(http.StatusPreconditionFailed, "precondition.failed")
		for range billing.MaxAddresses - 1 {
			key.Post(path, map[string]any{"city": "Bonn"}).Must(http.StatusCreated)
		}
		key.Post(path, map[string]any{"city": "Bonn"}).Refused(http.StatusConflict, "address.too_many")
		assert.Equal(t, billing.MaxAddresses, key.Get(path+"?limit=100&status=active").Len("data"))
	})
}

// Whatever happens at once, one address is the default one and it is the customer's own.
func TestDefaultsAtOnce(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		m := a.Merchant(t, "acme")
		key := a.Key(t, m)
		c := a.Customer(t, m, "mia@mailbox.test")
		path := customers + "/" + string(c.ID)
		var ids []string
		for i := range 4 {
			ids = append(ids, key.Post(path+"/addresses", map[string]any{"city": fmt.Sprint("City ", i)}).Must(http.StatusCreated).Text("id"))
		}
		statuses := together(24, func(i int) int {
			switch i % 6 {
			case 5:
				return key.Patch(path, map[string]any{"address": map[string]any{"city": fmt.Sprint("Own ", i)}}).Status
			case 4:
				return key.Patch(path+"/addresses/"+ids[i%4], map[string]any{"city": fmt.Sprint("City ", i)}).Status
			}
			return key.Patch(path+"/addresses/"+ids[i%4], map[string]any{"default": true}).Status
		})
		assert.Equal(t, map[int]int{http.StatusOK: 24}, statuses)
		list := key.Get(path + "/addresses").Must(http.StatusOK)
		var chosen []string
		for i := range list.Len("data") {
			if list.At(fmt.Sprintf("data.%d.default", i)) == any(true) {
				chosen = append(chosen, list.Text(fmt.Sprintf("data.%d.city", i)))
			}
		}
		assert.Equal(t, []string{key.Get(path).Text("address.city")}, chosen)
		for _, id := range ids {
			assert.True(t, strings.HasPrefix(eventsOf(t, key, id)[0], "address."), "and sequence has no gap")
		}
	})
}
