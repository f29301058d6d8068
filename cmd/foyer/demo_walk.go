package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// walk is a client that goes through the customer's journey over HTTP, one readable line per call.
type walk struct {
	out    io.Writer
	public string
	admin  string
	dir    string
	data   *demoData
	client *http.Client
	token  string
	locale string
	failed error
}

func newWalk(out io.Writer, public, admin, dir string, d *demoData) *walk {
	return &walk{out: out, public: public, admin: admin, dir: dir, data: d, client: &http.Client{Timeout: 15 * time.Second}}
}

// answer is what came back; its methods read JSON loosely, as a script would.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   any
}

// at returns the value at a path like "data.0.totals.total.display", nil when there is none.
func (a answer) at(path string) any {
	v := a.json
	for part := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}

func (a answer) count(path string) int {
	l, _ := a.at(path).([]any)
	return len(l)
}

// run goes through the journey and stops at the first step that does not do what it must.
func (w *walk) run(ctx context.Context) error {
	w.say("Foyer demo: %s, admin %s, data in %s\n", w.public, w.admin, w.dir)
	for _, chapter := range []func(context.Context){w.signIn, w.lookAround, w.documents, w.german, w.leave} {
		if chapter(ctx); w.failed != nil {
			return w.failed
		}
	}
	return nil
}

func (w *walk) say(format string, args ...any) { _, _ = fmt.Fprintf(w.out, format+"\n", args...) }

// must notes a step that went wrong.
func (w *walk) must(ok bool, format string, args ...any) {
	if !ok && w.failed == nil {
		w.failed = errors.New("the walk expected " + fmt.Sprintf(format, args...))
		w.say("  ✗ expected %s", fmt.Sprintf(format, args...))
	}
}

// call makes one request and prints one line.
func (w *walk) call(ctx context.Context, want int, method, path string, body any, note func(answer) string) answer {
	if w.failed != nil {
		return answer{}
	}
	a, took, err := w.send(ctx, method, path, body)
	if err != nil {
		w.must(false, "an answer from %s %s: %v", method, path, err)
		return a
	}
	text := ""
	if note != nil && a.status == want {
		text = note(a)
	}
	shown := path
	if len(shown) > 58 {
		shown = shown[:57] + "…"
	}
	w.say("%-6s %-58s %d %5d ms  %s", method, shown, a.status, took.Milliseconds(), text)
	w.must(a.status == want, "status %d: %s", want, a.body)
	return a
}

func (w *walk) send(ctx context.Context, method, path string, body any) (answer, time.Duration, error) {
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer{}, 0, err
		}
		reader = bytes.NewReader(encoded)
	}
	base := w.public
	if strings.HasPrefix(path, "/outbox") {
		base = w.admin
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, reader)
	if err != nil {
		return answer{}, 0, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	if w.locale != "" {
		req.Header.Set("Accept-Language", w.locale)
	}
	started := time.Now()
	res, err := w.client.Do(req)
	if err != nil {
		return answer{}, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return a, 0, err
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(a.body, &a.json)
	}
	return a, time.Since(started), err
}

// mail waits for the newest mail to an address; a worker sends it within moments.
func (w *walk) mail(ctx context.Context, to string) answer {
	for range 100 {
		a, _, err := w.send(ctx, http.MethodGet, "/outbox?to="+url.QueryEscape(to), nil)
		if err == nil && a.count("data") > 0 {
			w.say("  ✉ %q to %s", a.text("data.0.subject"), to)
			return a
		}
		time.Sleep(50 * time.Millisecond)
	}
	w.must(false, "a mail to %s", to)
	return answer{}
}

var (
	tokenInMail = regexp.MustCompile(`#token=([A-Za-z0-9_-]+)`)
	codeInMail  = regexp.MustCompile(`\b([A-Z0-9]{4}-[A-Z0-9]{4})\b`)
)

func first(pattern *regexp.Regexp, text string) string {
	if m := pattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

func (w *walk) signIn(ctx context.Context) {
	w.say("── Sign in by the mailed link, bound to this device")
	portal := "/v1/portals/" + string(w.data.merchant.Portal.ID)
	w.call(ctx, 200, "GET", portal, nil, func(a answer) string { return a.text("name") })
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	verifier := base64.RawURLEncoding.EncodeToString(random)
	sum := sha256.Sum256([]byte(verifier))
	body := map[string]any{"email": demoEmail, "code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256"}
	w.call(ctx, 202, "POST", portal+"/sign-ins", body, func(answer) string { return "the same answer for everybody" })
	w.call(ctx, 202, "POST", portal+"/sign-ins", map[string]any{"email": "nobody@customer.example"}, func(answer) string { return "for an unknown address too" })
	token := first(tokenInMail, w.mail(ctx, demoEmail).text("data.0.text"))
	w.must(token != "", "a link in the mail")
	w.call(ctx, 404, "GET", "/sign-in", nil, func(answer) string { return "a scanner opens the link: nothing is used up" })
	w.call(ctx, 401, "POST", "/v1/sign-ins/verify", map[string]any{"token": token}, func(answer) string { return "somebody else has the link, not the verifier" })
	proof := map[string]any{"token": token, "code_verifier": verifier}
	a := w.call(ctx, 200, "POST", "/v1/sign-ins/verify", proof, func(a answer) string { return "signed in as " + a.text("customer_id") })
	w.call(ctx, 401, "POST", "/v1/sign-ins/verify", proof, func(a answer) string { return "a link works once: " + a.text("code") })
	old := a.text("refresh_token")
	a = w.call(ctx, 200, "POST", "/v1/sessions/refresh", map[string]any{"refresh_token": old}, func(answer) string { return "the refresh token rotates" })
	w.must(a.text("refresh_token") != old && a.text("refresh_token") != "", "another refresh token")
	w.token = a.text("access_token")
	w.call(ctx, 200, "GET", "/.well-known/jwks.json", nil, func(a answer) string { return fmt.Sprintf("%d public key", a.count("keys")) })
}

func (w *walk) lookAround(ctx context.Context) {
	w.say("── What a customer sees")
	w.call(ctx, 200, "GET", "/v1/me", nil, func(a answer) string { return a.text("name") + ", " + a.text("address.city") })
	w.call(ctx, 200, "PATCH", "/v1/me", map[string]any{"company": "Okafor Charts Ltd", "tax_id": "GB123456789"}, func(a answer) string { return a.text("company") })
	w.call(ctx, 422, "PATCH", "/v1/me", map[string]any{"address": map[string]any{"country": "XX"}}, func(a answer) string { return a.text("errors.0.detail") })
	a := w.call(ctx, 200, "GET", "/v1/payments?limit=10", nil, func(a answer) string { return fmt.Sprintf("%d payments, then a next page", a.count("data")) })
	w.must(a.count("data") == 10, "10 payments on the first page")
	rest := w.call(ctx, 200, "GET", "/v1/payments?limit=10&after="+url.QueryEscape(a.text("page.next")), nil, func(a answer) string {
		return fmt.Sprintf("%d more", a.count("data"))
	})
	w.must(rest.count("data") == 3, "3 more payments on the second page")
	past := w.call(ctx, 200, "GET", "/v1/payments?status=past_due", nil, func(a answer) string { return a.text("data.0.totals.balance.display") + " to pay" })
	w.call(ctx, 200, "GET", "/v1/payments/"+past.text("data.0.id"), nil, func(a answer) string { return a.text("attempts.0.error_text") })
	w.call(ctx, 404, "GET", "/v1/payments/"+string(w.data.foreign), nil, func(a answer) string { return "another customer's: " + a.text("code") })
	a = w.call(ctx, 200, "GET", "/v1/subscriptions", nil, func(a answer) string { return fmt.Sprintf("%d, canceled ones too", a.count("data")) })
	w.must(a.count("data") == 6, "6 subscriptions")
	for i := range a.count("data") {
		item := fmt.Sprintf("data.%d.", i)
		next := "no next payment"
		if at := a.text(item + "next_payment.at"); at != "" {
			next = "next " + a.text(item+"next_payment.total.display") + " on " + at[:10]
		}
		w.say("         %-16s %-10s %s", a.text(item+"items.0.product.name"), a.text(item+"status"), next)
	}
	w.call(ctx, 200, "GET", "/v1/payment-methods", nil, func(a answer) string {
		return a.text("data.0.card.brand") + " " + a.text("data.0.status") + ", " + a.text("data.1.card.brand") + " " + a.text("data.1.status")
	})
}

func (w *walk) documents(ctx context.Context) {
	w.say("── Invoices")
	a := w.call(ctx, 200, "GET", "/v1/invoices", nil, func(a answer) string { return fmt.Sprintf("%d, newest %s", a.count("data"), a.text("data.0.number")) })
	w.must(a.count("data") == 12, "12 invoices")
	id := a.text("data.0.id")
	pdf := w.call(ctx, 200, "GET", "/v1/invoices/"+id+"/pdf", nil, func(a answer) string { return fmt.Sprintf("%d KiB", len(a.body)>>10) })
	w.must(bytes.HasPrefix(pdf.body, []byte("%PDF-")), "a PDF")
	path := filepath.Join(w.dir, "invoice.pdf")
	if err := os.WriteFile(path, pdf.body, 0o600); err != nil {
		w.must(false, "to save %s: %v", path, err)
	}
	w.say("         saved as %s", path)
	link := w.call(ctx, 201, "POST", "/v1/invoices/"+id+"/download-links", map[string]any{"disposition": "inline", "locale": "de"}, func(answer) string {
		return "for a plain link"
	})
	token := w.token
	w.token = ""
	w.call(ctx, 200, "GET", strings.TrimPrefix(link.text("url"), w.public), nil, func(a answer) string {
		return "in German, without a token: " + a.header.Get("Content-Disposition")
	})
	w.token = token
	w.call(ctx, 200, "GET", "/v1/me/activity", nil, func(a answer) string { return a.text("data.0.text") })
	w.call(ctx, 200, "GET", "/v1/sessions", nil, func(a answer) string { return fmt.Sprintf("%d session", a.count("data")) })
}

func (w *walk) german(ctx context.Context) {
	w.say("── Another customer, on another device: the typed code, in German")
	token := w.token
	w.token = ""
	a := w.call(ctx, 202, "POST", "/v1/portals/"+string(w.data.merchant.Portal.ID)+"/sign-ins", map[string]any{"email": demoGermanEmail}, nil)
	code := first(codeInMail, w.mail(ctx, demoGermanEmail).text("data.0.text"))
	w.must(code != "", "a code in the mail")
	id := a.text("sign_in_id")
	w.call(ctx, 401, "POST", "/v1/sign-ins/verify", map[string]any{"sign_in_id": id, "code": "AAAA-AAAA"}, func(answer) string { return "a guess" })
	a = w.call(ctx, 200, "POST", "/v1/sign-ins/verify", map[string]any{"sign_in_id": id, "code": strings.ToLower(code)}, nil)
	w.token = a.text("access_token")
	a = w.call(ctx, 200, "GET", "/v1/payments", nil, func(a answer) string {
		return a.text("data.0.totals.total.display") + ", " + a.text("data.0.status_text")
	})
	w.must(a.header.Get("Content-Language") == "de", "an answer in German")
	w.call(ctx, 204, "DELETE", "/v1/sessions/current", nil, func(answer) string { return "signed out" })
	w.call(ctx, 401, "GET", "/v1/payments", nil, func(a answer) string { return a.text("detail") })
	w.token = token
}

func (w *walk) leave(ctx context.Context) {
	w.say("── And out")
	w.call(ctx, 204, "DELETE", "/v1/sessions", nil, func(answer) string { return "signed out everywhere" })
	w.call(ctx, 401, "GET", "/v1/me", nil, func(a answer) string { return a.text("code") })
}

func (w *walk) howToGoOn() {
	portal := w.data.merchant.Portal.ID
	w.say(`
Go on by hand; this server keeps running (Ctrl-C ends it).

  # ask for a sign-in mail (a minute after the walk's own), read it, sign in
  curl -s %[1]s/v1/portals/%[2]s/sign-ins -H 'Content-Type: application/json' -d '{"email":"%[3]s"}'
  curl -s '%[4]s/outbox?to=%[3]s'
  curl -s %[1]s/v1/sign-ins/verify -H 'Content-Type: application/json' -d '{"token":"…"}'
  curl -s %[1]s/v1/payments -H 'Authorization: Bearer …'

API documentation   %[1]s/docs
metrics, outbox     %[4]s/metrics  %[4]s/outbox
merchant's key      %[5]s`, w.public, portal, demoEmail, w.admin, w.data.secret)
}
