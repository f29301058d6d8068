package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

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

// signInMail waits for the mail with link and code.
func (w *walk) signInMail(ctx context.Context, to string) string {
	return w.mail(ctx, to, "a sign-in mail", func(m answer) bool { return tokenInMail.MatchString(m.text("text")) }).text("text")
}

func (w *walk) signIn(ctx context.Context) {
	w.say("── Sign in by the mailed link, bound to this device")
	portal := "/v1/portals/" + string(w.data.merchant.Portal.ID)
	w.call(ctx, 200, "GET", portal, nil, func(a answer) string {
		return a.text("name") + ", cards go to the " + a.text("gateway.name") + " gateway"
	})
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	verifier := base64.RawURLEncoding.EncodeToString(random)
	sum := sha256.Sum256([]byte(verifier))
	body := map[string]any{"email": demoEmail, "code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256"}
	w.call(ctx, 202, "POST", portal+"/sign-ins", body, func(answer) string { return "the same answer for everybody" })
	w.call(ctx, 202, "POST", portal+"/sign-ins", map[string]any{"email": "nobody@customer.example"}, func(answer) string { return "for an unknown address too" })
	token := first(tokenInMail, w.signInMail(ctx, demoEmail))
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
		return fmt.Sprintf("%d more, the oldest %s on %.10s", a.count("data"), a.text(last(a)+"totals.total.display"), a.text(last(a)+"billed_at"))
	})
	w.must(rest.count("data") == 9, "9 more payments on the second page")
	oldest := rest.text(last(rest) + "id")
	a = w.call(ctx, 200, "GET", "/v1/payments/"+oldest, nil, func(a answer) string {
		return fmt.Sprintf("%d lines, discount %s, refunded %s", a.count("lines"), a.text("totals.discount.display"), a.text("totals.refunded.display"))
	})
	w.must(a.number("totals.discount.amount") > 0, "a discount on the first payment")
	past := w.call(ctx, 200, "GET", "/v1/payments?status=past_due", nil, func(a answer) string { return a.text("data.0.totals.balance.display") + " to pay" })
	w.must(past.count("data") == 1, "one debt")
	a = w.call(ctx, 200, "GET", "/v1/payments/"+past.text("data.0.id"), nil, func(a answer) string {
		return fmt.Sprintf("tried %d times: %s", a.count("attempts"), a.text("attempts.0.error_text"))
	})
	w.must(a.count("attempts") > 1 && a.text("attempts.0.status") == "failed", "several declined attempts")
	w.call(ctx, 404, "GET", "/v1/payments/"+w.data.foreign, nil, func(a answer) string { return "another customer's: " + a.text("code") })
	a = w.call(ctx, 200, "GET", "/v1/subscriptions", nil, func(a answer) string { return fmt.Sprintf("%d, canceled ones too", a.count("data")) })
	w.must(a.count("data") == 7, "7 subscriptions")
	for _, status := range []string{"trialing", "active", "past_due", "paused", "canceled"} {
		w.must(a.find("status", status).json != nil, "a subscription that is %s", status)
	}
	w.must(a.find("scheduled_change.action", "cancel").json != nil, "a subscription about to end")
	w.must(a.find("collection_mode", "manual").json != nil, "a subscription collected by invoice")
	for i := range a.count("data") {
		w.subscription(a.under(fmt.Sprintf("data.%d", i)))
	}
}

// last is the path of the last entry of a list.
func last(a answer) string { return fmt.Sprintf("data.%d.", a.count("data")-1) }

// subscription prints one subscription in a line.
func (w *walk) subscription(s answer) {
	next := "no next payment"
	if at := s.text("next_payment.at"); at != "" {
		next = "next " + s.text("next_payment.total.display") + " on " + at[:10]
	}
	if s.text("scheduled_change.action") != "" {
		next += fmt.Sprintf(", %s on %.10s", s.text("scheduled_change.action"), s.text("scheduled_change.effective_at"))
	}
	if s.text("collection_mode") == "manual" {
		next += ", by invoice"
	}
	w.say("         %-16s %-10s %s", s.text("items.0.product.name"), s.text("status"), next)
}

func (w *walk) documents(ctx context.Context) {
	w.say("── Invoices")
	a := w.call(ctx, 200, "GET", "/v1/invoices", nil, func(a answer) string { return fmt.Sprintf("%d, newest %s", a.count("data"), a.text("data.0.number")) })
	note := a.find("kind", "credit_note")
	w.must(note.text("number") == "CN-000001", "a credit note of the refund")
	w.say("         %s over %s", note.text("number"), note.text("total.display"))
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
	w.corrections(ctx, a.find("kind", "invoice"))
	w.call(ctx, 200, "GET", "/v1/me/activity", nil, func(a answer) string { return a.text("data.0.text") })
	w.call(ctx, 200, "GET", "/v1/sessions", nil, func(a answer) string { return fmt.Sprintf("%d session", a.count("data")) })
}

// corrections puts a company on an invoice, looks at it in languages of four scripts, and takes all documents along.
func (w *walk) corrections(ctx context.Context, in answer) {
	id := in.text("id")
	made := w.call(ctx, 201, "POST", "/v1/invoices/"+id+"/revisions", map[string]any{"company": "Reyes Aviation", "line2": "Hangar 7"}, func(a answer) string {
		return fmt.Sprintf("%s for %s: revision %d", a.text("number"), a.text("buyer.company"), a.number("revision"))
	})
	w.must(made.text("number") == in.text("number") && made.text("replaces") == id, "a revision under the same number")
	w.call(ctx, 409, "POST", "/v1/invoices/"+id+"/revisions", map[string]any{"company": "Another"}, func(a answer) string { return "the old one stays as it was: " + a.text("code") })
	for _, language := range []string{"fr", "ar", "ja", "zh-Hant"} {
		pdf := w.call(ctx, 200, "GET", "/v1/invoices/"+made.text("id")+"/pdf?locale="+language, nil, func(a answer) string { return fmt.Sprintf("%d KiB", len(a.body)>>10) })
		path := filepath.Join(w.dir, "invoice-"+language+".pdf")
		if err := os.WriteFile(path, pdf.body, 0o600); err != nil {
			w.must(false, "to save %s: %v", path, err)
		}
	}
	zip := w.call(ctx, 200, "GET", "/v1/invoices/export", nil, func(a answer) string { return fmt.Sprintf("all of them: %d KiB", len(a.body)>>10) })
	w.must(bytes.HasPrefix(zip.body, []byte("PK")), "a ZIP")
}

func (w *walk) leave(ctx context.Context) {
	w.say("── And out")
	w.call(ctx, 204, "DELETE", "/v1/sessions", nil, func(answer) string { return "signed out everywhere" })
	w.call(ctx, 401, "GET", "/v1/me", nil, func(a answer) string { return a.text("code") })
}
