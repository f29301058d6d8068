package main

import (
	"context"
	"errors"
	"fmt"
)

// check compares the books with the gateway's ledger and with themselves; status 1 when anything is wrong.
func check(ctx context.Context, p *program, args []string) error {
	if len(args) > 0 {
		return &usageError{"check takes nothing; " + args[0] + " is too much"}
	}
	a, _, err := p.open(ctx, true)
	if err != nil {
		return err
	}
	defer a.Close()
	if all, err := a.Merchants.All(ctx); err != nil {
		return err
	} else if len(all) == 0 {
		return errors.New("there is no merchant in this database, so nothing was checked: is FOYER_DATABASE_URL the right one, and this the right folder?")
	}
	findings, err := a.Check(ctx)
	if err != nil {
		return err
	}
	broken := false
	for _, f := range findings {
		mark, where := "ok", "all merchants"
		if f.Broken != 0 {
			mark, broken = "WRONG", true
		}
		if f.Merchant.ID != "" {
			where = string(f.Merchant.ID)
		}
		_, _ = fmt.Fprintf(p.out, "%-5s  %-30s  %s: %d\n", mark, where, f.Rule, f.Broken)
	}
	if broken {
		return errors.New("the books are not right; nothing was changed. If charges are under way, run it again")
	}
	return nil
}
