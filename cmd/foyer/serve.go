package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"foyer/internal/app"
	"foyer/internal/merchant"
)

// drain is how long a stopping process says "not ready" before it closes its listener.
const drain = time.Second

func serve(ctx context.Context, p *program, args []string) error {
	f := p.flags("serve", "serve [--role all|api|worker] [--migrate]")
	role := f.String("role", "all", "all, api or worker")
	up := f.Bool("migrate", false, "bring a PostgreSQL schema up to date first")
	if err := parse(f, args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return &usageError{"serve takes flags only; " + f.Arg(0) + " is none"}
	}
	if *role != "all" && *role != "api" && *role != "worker" {
		return &usageError{"--role is all, api or worker"}
	}
	a, e, err := p.open(ctx, !*up)
	if err != nil {
		return err
	}
	defer a.Close()
	if *up {
		if _, err := a.Migrate(ctx); err != nil {
			return err
		}
	}
	if err := checkLiveMerchants(ctx, a); err != nil {
		return err
	}
	on, err := listen(ctx, e.Addr, e.AdminAddr, app.Role(*role))
	if err != nil {
		return err
	}
	logStart(a, on, *role)
	return a.Serve(ctx, app.Role(*role), on, drain)
}

// checkLiveMerchants stops a start that could not collect a live merchant's money, and says when test keys move none.
func checkLiveMerchants(ctx context.Context, a *app.App) error {
	if a.Stripe != nil && a.Stripe.Live() {
		return nil
	}
	all, err := a.Merchants.All(ctx)
	if err != nil {
		return err
	}
	live := 0
	for _, m := range all {
		if m.Mode != merchant.Live {
			continue
		}
		if a.Stripe == nil {
			return fmt.Errorf("merchant %s is live, but FOYER_GATEWAY names no gateway", m.ID)
		}
		live++
	}
	if live > 0 {
		a.Log.Warn("live merchants charge with Stripe's test keys: no real money moves", "merchants", live)
	}
	return nil
}

func listen(ctx context.Context, public, admin string, role app.Role) (app.Listeners, error) {
	var on app.Listeners
	var config net.ListenConfig
	var err error
	if role != app.RoleWorker {
		if on.Public, err = config.Listen(ctx, "tcp", public); err != nil {
			return on, fmt.Errorf("FOYER_ADDR: %w", err)
		}
	}
	if on.Admin, err = config.Listen(ctx, "tcp", admin); err != nil {
		if on.Public != nil {
			err = errors.Join(err, on.Public.Close())
		}
		return on, fmt.Errorf("FOYER_ADMIN_ADDR: %w", err)
	}
	return on, nil
}

// logStart says what a process is, with the limits and lifetimes in force; no address of a database, which may hold a
// password.
func logStart(a *app.App, on app.Listeners, role string) {
	attributes := []any{"role", role, "database", string(a.Store.Dialect()), "public_url", a.PublicURL, "admin", on.Admin.Addr().String()}
	if on.Public != nil {
		attributes = append(attributes, "addr", on.Public.Addr().String())
	}
	if a.Stripe != nil {
		attributes = append(attributes, "gateway", "stripe", "mode", a.Stripe.Mode())
	}
	for name, rules := range a.Limits {
		attributes = append(attributes, "limit."+string(name), fmt.Sprint(rules))
	}
	a.Log.Info("foyer serves", attributes...)
}
