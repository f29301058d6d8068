package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"foyer/internal/gateway/sandbox"
)

// stopGatewayWithin is how long open requests and webhooks may take once the gateway is asked to stop.
const stopGatewayWithin = 8 * time.Second

// sandboxGatewayCommand runs the sandbox gateway as a process of its own, as a real one is, on a file of its own.
func sandboxGatewayCommand(ctx context.Context, p *program, args []string) error {
	f := p.flags("sandbox-gateway", "sandbox-gateway --data DIR [--addr ADDR] [--webhook-url URL]")
	addr := f.String("addr", "127.0.0.1:8081", "where to listen; the private routes ask for no credential, so not where strangers reach it")
	data := f.String("data", "", "folder of its books; made when missing")
	webhook := f.String("webhook-url", "", "where changes of charges are posted to, signed with FOYER_SANDBOX_GATEWAY_SECRET")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return &usageError{"sandbox-gateway takes flags only; " + f.Arg(0) + " is none"}
	}
	if *data == "" {
		return &usageError{"--data names the folder of its books"}
	}
	e, err := readEnvironment(p.environ)
	if err != nil {
		return err
	}
	if *webhook != "" {
		if u, err := url.Parse(*webhook); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return &usageError{"--webhook-url must be an address like https://billing.example.com/path"}
		}
		if e.SandboxSecret == "" {
			return errors.New("FOYER_SANDBOX_GATEWAY_SECRET is needed to sign webhooks; Foyer must have the same")
		}
	}
	db, err := openGatewayBooks(ctx, *data)
	if err != nil {
		return err
	}
	log := e.logger()
	gateway := sandbox.NewLocal(db, sandbox.Options{Now: time.Now, Log: log, WebhookURL: *webhook, WebhookSecret: e.SandboxSecret})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *addr)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	_, _ = fmt.Fprintf(p.out, "sandbox gateway listens on http://%s\n", listener.Addr())
	return errors.Join(serveGateway(ctx, gateway, listener, log), db.Close())
}

// openGatewayBooks opens the gateway's file, readable by its owner only. One connection: SQLite has one writer, and a queue
// in this process is fairer than its locks. What is committed to the write-ahead log survives the end of the process.
func openGatewayBooks(ctx context.Context, folder string) (*sql.DB, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	path := filepath.Join(folder, "sandbox-gateway.db")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	query := url.Values{
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(1)", "temp_store(2)"}, "_txlock": {"immediate"},
	}
	// Its driver is registered by store.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := sandbox.Migrate(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// serveGateway answers until ctx ends, then lets open requests and webhooks finish.
func serveGateway(ctx context.Context, gateway *sandbox.Local, on net.Listener, log *slog.Logger) error {
	server := &http.Server{
		Handler: gateway.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		// Longer than a charge that hangs, and than a long ledger takes; idle longer than Remote keeps a connection.
		WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(on) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGatewayWithin)
	defer cancel()
	if late := server.Shutdown(stopping); late != nil {
		err = errors.Join(err, server.Close()) // what hangs is cut: its charge is in the books
	}
	return errors.Join(err, gateway.Close(stopping))
}
