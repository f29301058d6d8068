package stripetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// mirror sends every request of the API on to stripe-mock, which checks it against Stripe's own specification.
type mirror struct {
	mu         sync.Mutex
	address    string
	complaints []string
	client     http.Client
}

// Mirror sends every request of the API that comes from now on to stripe-mock at this address, too.
func (f *Fake) Mirror(address string) {
	f.mirror.mu.Lock()
	defer f.mirror.mu.Unlock()
	f.mirror.address = address
}

// MirrorComplaints returns what stripe-mock did not take: method, path and why.
func (f *Fake) MirrorComplaints() []string {
	f.mirror.mu.Lock()
	defer f.mirror.mu.Unlock()
	return append([]string(nil), f.mirror.complaints...)
}

func (m *mirror) send(ctx context.Context, r *http.Request, body []byte) {
	m.mu.Lock()
	address := m.address
	m.mu.Unlock()
	if address == "" {
		return
	}
	if why := m.ask(ctx, r, address, body); why != "" {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.complaints = append(m.complaints, r.Method+" "+r.URL.Path+": "+why)
	}
}

// ask returns why stripe-mock does not take a request, empty when it does. It does not run as long as the request: a caller who hangs up
// has asked all the same.
func (m *mirror) ask(ctx context.Context, r *http.Request, address string, body []byte) string {
	out, err := http.NewRequestWithContext(context.WithoutCancel(ctx), r.Method, address+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	for _, name := range []string{"Content-Type", "Stripe-Version"} {
		if value := r.Header.Get(name); value != "" {
			out.Header.Set(name, value)
		}
	}
	out.Header.Set("Authorization", "Bearer sk_test_123")
	answer, err := m.client.Do(out)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return err.Error()
	}
	if answer.StatusCode/100 == 2 {
		return ""
	}
	var said struct {
		Error struct{ Message string }
	}
	_ = json.Unmarshal(content, &said)
	// It does not say which parameter it is about, so all that were sent are named; values are nobody's business.
	form, _ := url.ParseQuery(string(body))
	return fmt.Sprintf("%s %s (%s)", answer.Status, said.Error.Message, strings.Join(slices.Sorted(maps.Keys(form)), ", "))
}
