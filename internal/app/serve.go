package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"foyer/internal/httpapi"
)

// Role says which part of the work a process does.
type Role string

// The roles of a process.
const (
	RoleAll    Role = "all"
	RoleAPI    Role = "api"
	RoleWorker Role = "worker"
)

// stopWithin is how long open requests and running jobs may take once the process is asked to stop.
const stopWithin = 8 * time.Second

// dueEvery is how often a worker looks for what has fallen due.
const dueEvery = time.Second

// Listeners are where a process answers; Public is nil for a worker.
type Listeners struct {
	Public net.Listener
	Admin  net.Listener
}

// Serve answers requests and works on jobs until ctx ends. Then it first says it is not ready, for drain, so that load
// balancers send nothing more; lets open requests and running jobs finish; and returns.
func (a *App) Serve(ctx context.Context, role Role, on Listeners, drain time.Duration) error {
	group, failed := errgroup.WithContext(ctx)
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()

	loaded := make(chan error, 1)
	go a.Identity.Run(running, func(err error) { loaded <- err })
	if err := <-loaded; err != nil {
		return fmt.Errorf("signing keys: %w", err)
	}
	var servers []*http.Server
	serve := func(server *http.Server, listener net.Listener) {
		servers = append(servers, server)
		group.Go(func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
	}
	if role != RoleWorker {
		serve(httpapi.NewHTTPServer("", a.closing(a.Public), a.Log), on.Public)
	}
	admin := httpapi.NewHTTPServer("", a.Admin, a.Log)
	admin.WriteTimeout = 0 // a CPU profile takes as long as it was asked for
	serve(admin, on.Admin)
	if role != RoleAPI {
		if err := a.Workers.Start(running); err != nil {
			return fmt.Errorf("workers: %w", err)
		}
		working, halt := context.WithCancel(running)
		var loops sync.WaitGroup
		loops.Go(func() { a.Engine.Run(working, a.Merchants, dueEvery) })
		loops.Go(func() { a.Hooks.Run(failed) }) // it claims nothing more as soon as the process is asked to stop
		// What is under way is finished by whoever comes next: a charge that was begun has its key, a delivery its lease.
		defer func() { halt(); loops.Wait() }()
	}
	a.ready.Store(true)
	<-failed.Done()
	a.ready.Store(false)
	if drain > 0 && ctx.Err() != nil {
		time.Sleep(drain)
	}
	return errors.Join(a.stop(servers, role), group.Wait()) //nolint:contextcheck // ctx has ended; stopping has a time of its own
}

// stop lets open requests and running jobs finish.
func (a *App) stop(servers []*http.Server, role Role) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	var group errgroup.Group
	for _, server := range servers {
		group.Go(func() error {
			if err := server.Shutdown(ctx); err != nil {
				return errors.Join(err, server.Close())
			}
			return nil
		})
	}
	if role != RoleAPI {
		group.Go(func() error { return a.Workers.Stop(ctx) })
	}
	return group.Wait()
}

// closing says "Connection: close" with every answer of a process that stops: clients let go of their connections by
// themselves, instead of having one cut while their next request is on its way.
func (a *App) closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.ready.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}
