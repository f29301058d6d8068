package stripetest

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// maxBody is the largest body that is read.
const maxBody = 1 << 20

// call is one request of the API, read.
type call struct {
	params
	id   string
	path string
}

// Request is a request of the API as it came.
type Request struct {
	Method, Path   string
	Form           url.Values
	IdempotencyKey string
}

type seen struct {
	mu  sync.Mutex
	all []Request
}

// Requests returns every request of the API, in the order they came.
func (f *Fake) Requests() []Request {
	f.seen.mu.Lock()
	defer f.seen.mu.Unlock()
	return append([]Request(nil), f.seen.all...)
}

// route adds a call of the API. What does it runs with the lock held.
func (f *Fake) route(pattern string, do func(c call) (object, *apiError), allowed ...string) {
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, pattern, do, allowed) })
}

func (f *Fake) serve(w http.ResponseWriter, r *http.Request, pattern string, do func(c call) (object, *apiError), allowed []string) {
	w.Header().Set("Request-Id", newID("req"))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return // who hung up hears nothing
	}
	if refusal := f.admit(r, pattern); refusal != nil {
		refusal.write(w)
		return
	}
	f.mirror.send(r.Context(), r, body)
	c, form, refusal := read(r, body, allowed)
	f.seen.add(Request{Method: r.Method, Path: r.URL.Path, Form: form, IdempotencyKey: r.Header.Get("Idempotency-Key")})
	k := f.knobs.get()
	trouble := k.fault(pattern)
	if trouble == faultRate {
		k.pause(r.Context())
		(&apiError{
			status: http.StatusTooManyRequests, kind: invalidRequest, code: "rate_limit", message: "Request rate limit exceeded.",
			header: map[string]string{"Stripe-Rate-Limited-Reason": "global-rate"},
		}).write(w)
		return
	}
	if trouble == faultBefore {
		k.pause(r.Context())
		outage("true").write(w)
		return
	}
	if refusal != nil {
		refusal.write(w)
		return
	}
	held, refusal := f.keys.hold(r, form)
	switch {
	case refusal != nil:
		refusal.write(w)
		return
	case held != nil && held.done:
		k.pause(r.Context())
		w.Header().Set("Idempotent-Replayed", "true")
		w.Header().Set("Original-Request", held.request)
		for name, value := range held.header {
			w.Header().Set(name, value)
		}
		write(w, held.status, held.body)
		return
	}
	answer := f.answer(c, do, trouble)
	answer.request = w.Header().Get("Request-Id")
	k.pause(r.Context()) // the key is in use until there is an answer
	if trouble == faultHang {
		wait(r.Context(), f.o.HangFor)
	}
	f.keys.finish(r, held, answer)
	if trouble == faultReset {
		panic(http.ErrAbortHandler) // cuts the connection without an answer
	}
	for name, value := range answer.header {
		w.Header().Set(name, value)
	}
	write(w, answer.status, answer.body)
}

func (s *seen) add(r Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, r)
}

// answer does a call and what the fault makes of it.
func (f *Fake) answer(c call, do func(c call) (object, *apiError), trouble fault) result {
	if trouble == faultStuck {
		return resultOf(outage("false"))
	}
	done := f.execute(c, do)
	if trouble == faultAfter {
		return resultOf(outage("false"))
	}
	return done
}

func (f *Fake) execute(c call, do func(c call) (object, *apiError)) result {
	f.mu.Lock()
	defer f.mu.Unlock()
	o, err := do(c)
	if err == nil {
		for _, path := range c.params["expand[]"] {
			if err = f.expand(o, path); err != nil {
				break
			}
		}
	}
	if err != nil {
		return resultOf(err)
	}
	return result{status: http.StatusOK, body: raw(o), kept: true}
}

// admit refuses a wrong key, and calls this key may not make.
func (f *Fake) admit(r *http.Request, pattern string) *apiError {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if ok && same(key, f.o.PublishableKey) {
		if pattern == "GET /v1/setup_intents/{id}" && r.URL.Query().Has("client_secret") {
			return nil
		}
		return &apiError{
			status: http.StatusForbidden, kind: invalidRequest, code: "secret_key_required",
			message: "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of your " +
				"API keys at https://dashboard.stripe.com/account/apikeys.",
		}
	}
	if !ok || !same(key, f.o.SecretKey) {
		message := "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth."
		if ok {
			message = "Invalid API Key provided: " + mask(key)
		}
		return &apiError{status: http.StatusUnauthorized, kind: invalidRequest, message: message}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, forbidden := range f.forbids {
		if strings.HasPrefix(pattern, forbidden) {
			return &apiError{
				status: http.StatusForbidden, kind: invalidRequest, code: "more_permissions_required_for_application",
				message: "The provided key '" + mask(key) + "' does not have the required permissions for this endpoint.",
			}
		}
	}
	return nil
}

func mask(key string) string {
	if len(key) < 12 {
		return "****"
	}
	return key[:8] + strings.Repeat("*", len(key)-12) + key[len(key)-4:]
}

// Forbid makes the key a restricted one, which may not make these calls: patterns' beginnings as in "POST /v1/refunds".
func (f *Fake) Forbid(calls ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forbids = calls
}

// read reads a call's parameters, from the query of a GET and the body of a POST.
func read(r *http.Request, body []byte, allowed []string) (call, url.Values, *apiError) {
	text := r.URL.RawQuery
	if r.Method == http.MethodPost {
		text = string(body)
	}
	form, err := url.ParseQuery(text)
	if err != nil {
		return call{}, nil, refused("", "", "Invalid request body.")
	}
	p, refusal := readParams(form, allowed)
	return call{params: p, id: r.PathValue("id"), path: r.URL.Path}, form, refusal
}

func (f *Fake) unknownPath(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Request-Id", newID("req"))
	body, _ := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if strings.HasPrefix(r.URL.Path, "/v1/") {
		f.mirror.send(r.Context(), r, body)
	}
	(&apiError{
		status: http.StatusNotFound, kind: invalidRequest,
		message: "Unrecognized request URL (" + r.Method + ": " + r.URL.Path + ").",
	}).write(w)
}

// result is what a key remembers.
type result struct {
	path, params, request string
	status                int
	body                  []byte
	header                map[string]string
	kept, done            bool
}

func resultOf(e *apiError) result {
	return result{status: e.status, body: e.body(), header: e.header, kept: e.executed}
}

// keys are the idempotency keys.
type keys struct {
	mu      sync.Mutex
	results map[string]*result
}

// ForgetKeys forgets every idempotency key: 24 hours went by.
func (f *Fake) ForgetKeys() {
	f.keys.mu.Lock()
	defer f.keys.mu.Unlock()
	for key, r := range f.keys.results {
		if r.done {
			delete(f.keys.results, key)
		}
	}
}

// hold takes the key of a request, or returns what is remembered of it.
func (k *keys) hold(r *http.Request, form url.Values) (*result, *apiError) {
	key := r.Header.Get("Idempotency-Key")
	if r.Method != http.MethodPost || key == "" {
		return nil, nil //nolint:nilnil // there is no key
	}
	if len(key) > 255 {
		return nil, refused("", "", "Idempotency keys can have up to 255 characters.")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	sum := sha256.Sum256([]byte(form.Encode()))
	now := &result{path: r.URL.Path, params: hex.EncodeToString(sum[:])}
	was := k.results[key]
	switch {
	case was == nil:
		k.results[key] = now
		return now, nil
	case was.path != now.path:
		return nil, &apiError{
			status: http.StatusBadRequest, kind: idempotency,
			message: "Keys for idempotent requests can only be used for the same endpoint they were first used for ('" + now.path +
				"' vs '" + was.path + "').",
		}
	case was.params != now.params:
		return nil, &apiError{
			status: http.StatusBadRequest, kind: idempotency,
			message: "Keys for idempotent requests can only be used with the same parameters they were first used with.",
		}
	case !was.done:
		return nil, &apiError{
			status: http.StatusConflict, kind: idempotency, code: "idempotency_key_in_use",
			message: "There is currently another in-progress request using this Idempotent Key.",
			header:  map[string]string{"Stripe-Should-Retry": "true"},
		}
	}
	return was, nil
}

// finish remembers what came of a request; what was refused before anything was done is tried again.
func (k *keys) finish(r *http.Request, held *result, came result) {
	if held == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !came.kept {
		delete(k.results, r.Header.Get("Idempotency-Key"))
		return
	}
	came.path, came.params, came.done = held.path, held.params, true
	*held = came
}
