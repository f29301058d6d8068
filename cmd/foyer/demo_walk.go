package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"time"
)

// walk is a client that goes through the customer's journey over HTTP, one readable line per call.
type walk struct {
	out    io.Writer
	public string
	admin  string
	dir    string
	// gateway is where the gateway's form and ledger are, when it runs by itself.
	gateway string
	data    *demoData
	client  *http.Client
	token   string
	locale  string
	// key is the Idempotency-Key of the next writes; empty for a new one each time.
	key string
	// quiet keeps calls that do what they must from being shown.
	quiet  bool
	failed error
}

func newWalk(out io.Writer, public, admin, dir string, d *demoData) *walk {
	return &walk{out: out, public: public, admin: admin, dir: dir, data: d, client: &http.Client{Timeout: 15 * time.Second}}
}

// run goes through the journey and stops at the first step that does not do what it must.
func (w *walk) run(ctx context.Context) error {
	w.say("Foyer demo: %s, admin %s, data in %s", w.public, w.admin, w.dir)
	w.data.open(ctx)
	if w.data.backend.failed == nil {
		w.say("\nThe sandbox merchant opened today and has lived until %s by its own clock, in %d ms: what you see below was billed\nby the engine and charged at the sandbox gateway on the way, and lies in your future.\n",
			w.data.clock(ctx).Format(time.DateOnly), w.data.took.Milliseconds())
	}
	chapters := []func(context.Context){
		w.signIn, w.lookAround, w.documents, w.cards, w.strongCard, w.debts, w.plans, w.pauses, w.cancellations, w.exits, w.german, w.links, w.aMonthLater, w.told,
		w.books, w.leave,
	}
	for _, chapter := range chapters {
		if w.data.backend.failed == nil {
			chapter(ctx)
		}
		if err := errors.Join(w.failed, w.data.backend.failed); err != nil {
			return err
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

// idInPath is an id; a line shows its kind and its end, so that there is room for what is done with it.
var idInPath = regexp.MustCompile(`([a-z]+)_[0-9a-z]{22}([0-9a-z]{4})`)

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
	shown := []rune(idInPath.ReplaceAllString(path, "${1}_…$2"))
	if len(shown) > 58 {
		shown = append(shown[:57], '…')
	}
	if !w.quiet || a.status != want {
		w.say("%-6s %-58s %d %5d ms  %s", method, string(shown), a.status, took.Milliseconds(), text)
	}
	w.must(a.status == want, "status %d: %s", want, a.body)
	return a
}

// patience is how long the walk waits for what workers do by themselves.
const patience = 15 * time.Second

// until reads a resource again until it is as it must be: what the bank or a worker does happens moments later.
func (w *walk) until(ctx context.Context, path, what string, ready func(answer) bool, note func(answer) string) answer {
	if w.failed != nil {
		return answer{}
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(30 * time.Millisecond) {
		if a, _, err := w.send(ctx, http.MethodGet, path, nil); err == nil && a.status == http.StatusOK && ready(a) {
			return w.call(ctx, http.StatusOK, http.MethodGet, path, nil, note)
		}
	}
	w.must(false, "%s at %s", what, path)
	return answer{}
}

// mail waits for the newest mail to an address that is the one asked for; a worker sends it within moments.
func (w *walk) mail(ctx context.Context, to, what string, is func(answer) bool) answer {
	for deadline := time.Now().Add(patience); w.failed == nil && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		a, _, err := w.send(ctx, http.MethodGet, "/outbox?to="+url.QueryEscape(to), nil)
		if err != nil {
			continue
		}
		for i := range a.count("data") {
			if found := a.under(fmt.Sprintf("data.%d", i)); is(found) {
				w.say("  ✉ %q to %s", found.text("subject"), to)
				return found
			}
		}
	}
	w.must(false, "%s to %s", what, to)
	return answer{}
}

func (w *walk) howToGoOn() {
	w.say(`
Go on by hand; this server keeps running (Ctrl-C ends it).

  # ask for a sign-in mail (a minute after the walk's own), read it, sign in
  curl -s %[1]s/v1/portals/%[2]s/sign-ins -H 'Content-Type: application/json' -d '{"email":"%[3]s"}'
  curl -s '%[4]s/outbox?to=%[3]s'
  curl -s %[1]s/v1/sign-ins/verify -H 'Content-Type: application/json' -d '{"token":"…"}'
  curl -s %[1]s/v1/payments -H 'Authorization: Bearer …'

  # store a card: begin here, enter it at the gateway (never here), store it here
  curl -s -X POST %[1]s/v1/payment-methods/setups -H 'Authorization: Bearer …'
  curl -s %[1]s/sandbox-gateway/setups/pms_…/confirm -H 'Content-Type: application/json' \
    -d '{"client_secret":"…","card":{"number":"4242424242424242","expiry_month":12,"expiry_year":2040,"cvc":"123"}}'
  curl -s %[1]s/v1/payment-methods -H 'Authorization: Bearer …' -H 'Content-Type: application/json' \
    -H 'Idempotency-Key: my-first-card' -d '{"setup_id":"pms_…"}'

  # compare the gateway's ledger with the books
  FOYER_DATABASE_URL=sqlite:%[6]s go run ./cmd/foyer check

API documentation   %[1]s/docs
metrics, outbox     %[4]s/metrics  %[4]s/outbox
gateway's ledger    %[4]s/sandbox-gateway/ledger
merchant's key      %[5]s`, w.public, w.data.merchant.Portal.ID, demoEmail, w.admin, w.data.secret, filepath.Join(w.dir, "foyer.db"))
}
