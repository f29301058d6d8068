package httpapi_test

import (
	"crypto/rand"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"foyer/internal/foyertest"
)

// Contract §2: an unknown key is 400, where an operation knows no key at all too. Whoever sends an amount to what takes none means it.
func TestAnOperationWithoutABodyRefusesOneThatSaysSomething(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		s, e := newStreet(t, a), newEstate(t, a, "estate")
		before, seen := s.seen(), 0
		for _, o := range foyertest.Operations() {
			if o.TakesBody() || o.Method == http.MethodGet {
				continue
			}
			seen++
			client, path := s.asMia, at(o, s.own[parameter(o)])
			if o.Permission != "" {
				client, path = e.key, e.path(o, e.own)
			}
			for body, pointers := range map[string][]string{`{"x": 1}`: {"/x"}, ` {"b": null, "a": {}, "b": 2}`: {"/a", "/b"}} {
				for _, kind := range []string{"application/json", "text/plain"} {
					answer := client.Raw(o.Method, path, []byte(body), "Content-Type", kind, idempotencyKey, rand.Text()).Refused(http.StatusBadRequest, "json.unknown_field")
					assert.Equal(t, len(pointers), answer.Len("errors"), o.ID)
					assert.Equal(t, pointers[0], answer.Text("errors.0.pointer"), o.ID)
					assert.Equal(t, "input.unknown", answer.Text("errors.0.code"), o.ID)
				}
			}
		}
		assert.Greater(t, seen, 15)
		assert.Equal(t, before, s.seen(), "nothing was changed")
		try, key := "/v1/merchant/webhook-endpoints/"+e.own["webhook_endpoint_id"]+"/test", rand.Text()
		made := e.key.Raw(http.MethodPost, try, []byte(" {} "), "Content-Type", "application/json", idempotencyKey, key).Must(http.StatusCreated)
		again := e.key.Post(try, nil, idempotencyKey, key).Must(http.StatusCreated)
		assert.Equal(t, made.Text("id"), again.Text("id"), "an empty object is the same call as no body")
	})
}
