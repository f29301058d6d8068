package stripetest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// mirror sends every request of the API on to stripe-mock, which checks it against Stripe's own specification.
type mirror struct {
	mu         sync.Mutex
	url        string
	complaints []string
}

// Mirror sends every request of the API that comes from now on to stripe-mock at this address, too.
func (f *Fake) Mirror(url string) {
	f.mirror.mu.Lock()
	defer f.mirror.mu.Unlock()
	f.mirror.url = url
}

// MirrorComplaints returns what stripe-mock did not take: method, path and why.
func (f *Fake) MirrorComplaints() []string {
	f.mirror.mu.Lock()
	defer f.mirror.mu.Unlock()
	return append([]string(nil), f.mirror.complaints...)
}

func (m *mirror) send(r *http.Request, body []byte) {
	m.mu.Lock()
	url := m.url
	m.mu.Unlock()
	if url == "" {
		return
	}
	if why := ask(r, url, body); why != "" {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.complaints = append(m.complaints, r.Method+" "+r.URL.Path+": "+why)
	}
}

// ask returns why stripe-mock does not take a request, empty when it does. It does not run as long as the request: a caller who hangs up
// has asked all the same.
func ask(r *http.Request, url string, body []byte) string {
	out, err := http.NewRequest(r.Method, url+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		return err.Error()
	}
	for _, name := range []string{"Content-Type", "Stripe-Version"} {
		if value := r.Header.Get(name); value != "" {
			out.Header.Set(name, value)
		}
	}
	out.Header.Set("Authorization", "Bearer sk_test_123")
	answer, err := http.DefaultClient.Do(out)
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
	return answer.Status + " " + said.Error.Message
}
