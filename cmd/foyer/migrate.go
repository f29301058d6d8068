package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"foyer/internal/app"
)

func migrate(ctx context.Context, p *program, args []string) error {
	if len(args) > 0 && args[0] == "copy" {
		return copyDatabase(ctx, p, args[1:])
	}
	if len(args) != 1 || (args[0] != "up" && args[0] != "status") {
		return &usageError{"say migrate up, migrate status or migrate copy"}
	}
	e, err := readEnvironment(p.environ)
	if err != nil {
		return err
	}
	c, err := e.appConfig()
	if err != nil {
		return err
	}
	a, err := app.New(ctx, c)
	if err != nil {
		return err
	}
	defer a.Close()
	if args[0] == "up" {
		applied, err := a.Migrate(ctx)
		if err != nil {
			return err
		}
		for _, name := range applied {
			_, _ = fmt.Fprintln(p.out, "applied", name)
		}
		if len(applied) == 0 {
			_, _ = fmt.Fprintln(p.out, "up to date")
		}
		return nil
	}
	steps, err := a.Store.Migrations(ctx)
	if err != nil {
		return err
	}
	for _, step := range steps {
		state := "pending"
		if !step.AppliedAt.IsZero() {
			state = step.AppliedAt.UTC().Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(p.out, "%-40s %s\n", step.Name, state)
	}
	return nil
}

// copyDatabase moves an embedded database into the PostgreSQL one of FOYER_DATABASE_URL.
func copyDatabase(ctx context.Context, p *program, args []string) error {
	f := p.flags("migrate copy", "migrate copy --from sqlite:PATH (into the PostgreSQL database of FOYER_DATABASE_URL; stop the server first)")
	from := f.String("from", "", "the embedded database, like sqlite:./foyer.db")
	if err := parse(f, args); err != nil {
		return err
	}
	if !strings.HasPrefix(*from, "sqlite:") {
		return &usageError{"--from names an embedded database, like sqlite:./foyer.db"}
	}
	if _, err := os.Stat(strings.TrimPrefix(*from, "sqlite:")); err != nil {
		return err
	}
	e, err := readEnvironment(p.environ)
	if err != nil {
		return err
	}
	target, err := e.appConfig()
	if err != nil {
		return err
	}
	source := target
	source.DatabaseURL = *from
	old, err := app.New(ctx, source)
	if err != nil {
		return err
	}
	defer old.Close()
	if _, err := old.Migrate(ctx); err != nil {
		return err
	}
	if _, err := old.Identity.Keys(ctx); err != nil {
		return err // the secret is not the one it was written with
	}
	fresh, err := app.New(ctx, target)
	if err != nil {
		return err
	}
	defer fresh.Close()
	if _, err := fresh.Migrate(ctx); err != nil {
		return err
	}
	return old.CopyTo(ctx, fresh, func(table string, rows int64) {
		_, _ = fmt.Fprintf(p.out, "%-18s %8d\n", table, rows)
	})
}
