package app

import (
	"encoding/json"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"foyer/internal/notify"
)

// admin answers what is not for the public: liveness, readiness, metrics, profiles, and the mails of the outbox.
func (a *App) admin() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, map[string]string{"status": "ok"}) })
	mux.HandleFunc("GET /readyz", a.readiness)
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.Metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	if a.sandbox != nil {
		private := http.StripPrefix(sandboxPath, a.sandbox.Private())
		mux.Handle("GET "+sandboxPath+"/ledger", private)
		mux.Handle("POST "+sandboxPath+"/methods/{token}/replace", private)
		mux.Handle("POST "+sandboxPath+"/charges/{key}/dispute", private)
		mux.Handle("POST "+sandboxPath+"/charges/{key}/dispute/close", private)
	}
	if a.SMTPURL == "outbox:" {
		mux.HandleFunc("GET /outbox", a.outbox)
	}
	return mux
}

// readiness says whether requests should be sent here: started, not stopping, database there, schema up to date.
func (a *App) readiness(w http.ResponseWriter, r *http.Request) {
	checks := map[string]string{"status": "ok", "database": "ok", "schema": "ok"}
	status := http.StatusOK
	fail := func(check, why string) {
		checks[check], checks["status"], status = why, "unavailable", http.StatusServiceUnavailable
	}
	if !a.ready.Load() {
		fail("server", "starting or stopping")
	}
	if err := a.Store.Ping(r.Context()); err != nil {
		fail("database", "does not answer")
	} else if pending, err := a.Store.Pending(r.Context()); err != nil || pending {
		fail("schema", "run: foyer migrate up")
	}
	say(w, status, checks)
}

// outboxMail is how the outbox shows a mail (contract.md §6).
type outboxMail struct {
	ID        string    `json:"id"`
	To        string    `json:"to"`
	Subject   string    `json:"subject"`
	Text      string    `json:"text"`
	HTML      string    `json:"html"`
	CreatedAt time.Time `json:"created_at"`
	// Attachments are the names of what the mail carries.
	Attachments []string `json:"attachments"`
}

func (a *App) outbox(w http.ResponseWriter, r *http.Request) {
	mails, err := a.Store.Outbox(r.Context(), r.URL.Query().Get("to"))
	if err != nil {
		a.Log.Error("outbox", "error", err)
		say(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable"})
		return
	}
	data := make([]outboxMail, len(mails))
	for i, m := range mails {
		data[i] = showMail(m)
	}
	say(w, http.StatusOK, map[string]any{"data": data})
}

func showMail(m notify.Mail) outboxMail {
	shown := outboxMail{ID: m.ID, To: m.To, Subject: m.Subject, Text: m.Text, HTML: m.HTML, CreatedAt: m.At, Attachments: []string{}}
	for _, a := range m.Attachments {
		shown.Attachments = append(shown.Attachments, a.Name)
	}
	return shown
}

func say(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
