package foyertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"foyer/api"
)

// Operation is one operation of openapi.yaml.
type Operation struct {
	ID     string
	Method string
	// Path is the template: /v1/payments/{payment_id}.
	Path string
	// Secured operations need a customer's access token, those with a Permission an API key that has it.
	Secured    bool
	Permission string
	route      *routers.Route
	pattern    *regexp.Regexp
}

// Example is the operation's body as openapi.yaml shows it; nil when it takes none or needs none.
func (o Operation) Example() any {
	b := o.route.Operation.RequestBody
	if b == nil {
		return nil
	}
	media := b.Value.Content.Get("application/json")
	if media.Example != nil {
		return media.Example
	}
	return media.Schema.Value.Example
}

// TakesBody tells whether openapi.yaml describes a body for it.
func (o Operation) TakesBody() bool { return o.route.Operation.RequestBody != nil }

// QueryIDs are the names of the query parameters that take an id.
func (o Operation) QueryIDs() (names []string) {
	for _, p := range o.route.Operation.Parameters {
		if p.Value.In == openapi3.ParameterInQuery && strings.HasSuffix(p.Value.Name, "_id") {
			names = append(names, p.Value.Name)
		}
	}
	return names
}

var spec = sync.OnceValue(func() *openapi3.T {
	doc, err := api.Spec()
	if err != nil {
		panic(err)
	}
	for _, media := range []string{"application/pdf", "application/yaml", "text/html"} { // files, as far as the contract goes
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.FileBodyDecoder)
	}
	return doc
})

// MerchantOperations lists the operations an API key is for.
var MerchantOperations = sync.OnceValue(func() []Operation {
	return slices.DeleteFunc(slices.Clone(Operations()), func(o Operation) bool { return o.Permission == "" })
})

// CustomerOperations lists the operations that are not the merchant's.
var CustomerOperations = sync.OnceValue(func() []Operation {
	return slices.DeleteFunc(slices.Clone(Operations()), func(o Operation) bool { return o.Permission != "" })
})

// Operations lists every operation of openapi.yaml, ordered by path and method.
var Operations = sync.OnceValue(func() []Operation {
	var out []Operation
	for _, path := range spec().Paths.InMatchingOrder() {
		item := spec().Paths.Value(path)
		pattern := regexp.MustCompile("^" + regexp.MustCompile(`\\\{[^/]+\\\}`).ReplaceAllString(regexp.QuoteMeta(path), "[^/]*") + "$")
		for method, op := range item.Operations() {
			permission, _ := op.Extensions["x-permission"].(string)
			out = append(out, Operation{
				ID: op.OperationID, Method: method, Path: path, Secured: permission == "" && (op.Security == nil || len(*op.Security) > 0),
				Permission: permission, pattern: pattern,
				route: &routers.Route{Spec: spec(), Path: path, PathItem: item, Method: method, Operation: op},
			})
		}
	}
	return out
})

// operationOf finds the operation of a request; a path without parameters goes before one with.
func operationOf(req *http.Request) (Operation, bool) {
	var found Operation
	ok := false
	for _, o := range Operations() {
		if o.Method == req.Method && o.pattern.MatchString(req.URL.EscapedPath()) && (!ok || strings.Count(o.Path, "{") < strings.Count(found.Path, "{")) {
			found, ok = o, true
		}
	}
	return found, ok
}

// checkAnswer checks an answer against openapi.yaml: its status must be documented, its body must fit the schema, with
// no field more.
func checkAnswer(req *http.Request, a *Answer) error {
	if a.Status >= http.StatusInternalServerError && a.Status != http.StatusServiceUnavailable {
		return errors.New("nothing a client sends gives a 5xx")
	}
	for _, name := range []string{"X-Request-Id", "X-Content-Type-Options", "Referrer-Policy", "Content-Security-Policy"} {
		if a.Header.Get(name) == "" {
			return fmt.Errorf("header %s is missing", name)
		}
	}
	o, ok := operationOf(req)
	if !ok {
		if a.Status < http.StatusBadRequest || req.Method == http.MethodHead {
			return nil
		}
		return spec().Components.Schemas["Problem"].Value.VisitJSON(a.JSON)
	}
	if o.route.Operation.Responses.Status(a.Status) == nil {
		return fmt.Errorf("status %d is not documented for %s", a.Status, o.ID)
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true, MultiError: true, AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	return openapi3filter.ValidateResponse(context.Background(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, Route: o.route, Options: options},
		Status:                 a.Status, Header: a.Header, Body: io.NopCloser(bytes.NewReader(a.Body)), Options: options,
	})
}
