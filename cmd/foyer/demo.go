package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"foyer/internal/app"
)

// demo shows the main job on a machine with Go only: a merchant with history, the customer's journey over real HTTP, and
// then a server to go on with.
func demo(ctx context.Context, p *program, args []string) error {
	f := p.flags("demo", "demo [--data DIR] [--exit] [--addr ADDR] [--frontend-url URL] [--allowed-origin ORIGIN]…")
	data := f.String("data", "", "folder for the database and the PDF; it must be new or empty (default: a temporary one, kept)")
	leave := f.Bool("exit", false, "leave after the walk; status 0 only if every step did what it must")
	addr := f.String("addr", "", "where to serve (default 127.0.0.1:8080, or a free port)")
	frontend := f.String("frontend-url", "", "where links in mails lead")
	var origins list
	f.Var(&origins, "allowed-origin", "an origin browsers may use the portal from (default http://localhost:5173 and http://localhost:3000)")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return &usageError{"demo takes flags only; " + f.Arg(0) + " is none"}
	}
	if len(origins) == 0 {
		origins = list{"http://localhost:5173", "http://localhost:3000"}
	}
	dir, err := demoFolder(*data)
	if err != nil {
		return err
	}
	admin := ""
	for _, pair := range p.environ {
		if value, given := strings.CutPrefix(pair, "FOYER_ADMIN_ADDR="); given {
			admin = value
		}
	}
	on, err := demoListeners(ctx, *addr, admin)
	if err != nil {
		return err
	}
	c, err := p.demoConfig(dir, on)
	if err != nil {
		return err
	}
	return p.showDemo(ctx, c, on, demoShow{dir: dir, frontend: *frontend, origins: origins, leave: *leave})
}

// demoShow says where a demo lies, where its mails lead, and whether it ends with the walk.
type demoShow struct {
	dir, frontend string
	// gateway is where the gateway is that moves the money, when it is not in this process.
	gateway string
	origins []string
	leave   bool
}

// showDemo makes the data, serves it, and walks.
func (p *program) showDemo(ctx context.Context, c app.Config, on app.Listeners, show demoShow) error {
	a, err := app.New(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	if _, err := a.Migrate(ctx); err != nil {
		return err
	}
	d, err := newDemoMerchant(ctx, a, show.frontend, show.origins)
	if err != nil {
		return err
	}

	serving, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- a.Serve(serving, app.RoleAll, on, 0) }()

	w := newWalk(p.out, a.PublicURL, "http://"+on.Admin.Addr().String(), show.dir, d)
	w.gateway = show.gateway
	d.backend = newWalk(p.out, a.PublicURL, w.admin, show.dir, d)
	d.backend.token = d.secret
	walked := w.run(serving)
	if walked == nil {
		_, _ = fmt.Fprintf(p.out, "\nEvery step did what it must.\n")
	}
	if show.leave || walked != nil {
		stop()
		return errors.Join(walked, <-done)
	}
	w.howToGoOn()
	return <-done
}

// ownOfDemo are the settings the demo makes itself: the environment's database, secret and mail server are left alone.
var ownOfDemo = []string{
	"FOYER_DATABASE_URL", "FOYER_SECRET", "FOYER_SMTP_URL", "FOYER_MAIL_DOMAINS", "FOYER_PUBLIC_URL", "FOYER_GATEWAY", "FOYER_SANDBOX_GATEWAY_URL",
	"FOYER_SANDBOX_GATEWAY_SECRET",
}

// demoConfig is an app of its own in the folder.
func (p *program) demoConfig(dir string, on app.Listeners) (app.Config, error) {
	var environ []string
	for _, pair := range p.environ {
		name, _, _ := strings.Cut(pair, "=")
		if !slices.Contains(ownOfDemo, strings.TrimSuffix(name, "_FILE")) {
			environ = append(environ, pair)
		}
	}
	e, err := readEnvironment(append(environ, "FOYER_DATABASE_URL=sqlite:"+filepath.Join(dir, "foyer.db"), "FOYER_PUBLIC_URL="+publicAddress(on.Public),
		"FOYER_WEBHOOK_ALLOW_CIDRS=127.0.0.0/8")) // the merchant's receiver is on this machine
	if err != nil {
		return app.Config{}, err
	}
	c, err := e.appConfig()
	if e.Log == "info" {
		c.Log = slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn})) // the walk is the log
	}
	return c, err
}

// demoFolder returns a fresh folder: the demo never writes into data that is there.
func demoFolder(asked string) (string, error) {
	if asked == "" {
		return os.MkdirTemp("", "foyer-demo-")
	}
	if err := os.MkdirAll(asked, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(asked)
	if err != nil {
		return "", err
	}
	if len(entries) > 0 {
		return "", fmt.Errorf("%s is not empty; name a new folder", asked)
	}
	return asked, nil
}

// demoListeners takes the usual addresses, or free ports where they are taken and none was asked for.
func demoListeners(ctx context.Context, public, admin string) (on app.Listeners, err error) {
	if on.Public, err = listenOr(ctx, public, "127.0.0.1:8080"); err != nil {
		return on, err
	}
	on.Admin, err = listenOr(ctx, admin, "127.0.0.1:9090")
	return on, err
}

func listenOr(ctx context.Context, asked, usual string) (net.Listener, error) {
	var config net.ListenConfig
	if asked != "" {
		return config.Listen(ctx, "tcp", asked)
	}
	if l, err := config.Listen(ctx, "tcp", usual); err == nil {
		return l, nil
	}
	return config.Listen(ctx, "tcp", "127.0.0.1:0")
}

// publicAddress is where a browser on this machine reaches a listener.
func publicAddress(l net.Listener) string {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
