package main

import (
	"context"
	"fmt"
	"time"
)

func keys(ctx context.Context, p *program, args []string) error {
	if len(args) != 1 || (args[0] != "list" && args[0] != "rotate") {
		return &usageError{"say keys list or keys rotate"}
	}
	a, _, err := p.open(ctx, true)
	if err != nil {
		return err
	}
	defer a.Close()
	if args[0] == "rotate" {
		if err := a.Identity.RotateKey(ctx); err != nil {
			return err
		}
	}
	all, err := a.Identity.Keys(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	for _, k := range all {
		state := "signs"
		if k.RetiredAt != nil {
			state = "retired " + k.RetiredAt.Format(time.RFC3339)
			if k.Verifies(now, a.Lifetimes.Access) {
				state += ", still verifies"
			}
		}
		_, _ = fmt.Fprintf(p.out, "%s  made %s  %s\n", k.ID, k.CreatedAt.Format(time.RFC3339), state)
	}
	if len(all) == 0 {
		_, _ = fmt.Fprintln(p.out, "no keys yet; the first is made when the server starts")
	}
	return nil
}
