package app

import (
	"context"
	"iter"
	"maps"
	"slices"

	"foyer/internal/billing"
	"foyer/internal/gateway/sandbox"
	"foyer/internal/merchant"
)

// Finding is one rule of the books and how often it is broken.
type Finding struct {
	Merchant merchant.Merchant
	Rule     string
	Broken   int64
}

// Check compares the books with the gateway's ledger and with themselves, for every merchant. It changes nothing. What is being
// charged while it reads may look broken for a moment: run it again.
func (a *App) Check(ctx context.Context) ([]Finding, error) {
	all, err := a.Merchants.All(ctx)
	if err != nil {
		return nil, err
	}
	booked := map[billing.AttemptID]int64{}
	var findings []Finding
	for _, m := range all {
		faults, err := a.Store.Faults(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		for _, rule := range slices.Sorted(maps.Keys(faults)) {
			findings = append(findings, Finding{m, rule, faults[rule]})
		}
		captured, err := a.Store.Captured(ctx, m.ID)
		if err != nil {
			return nil, err
		}
		for id, amount := range captured {
			if m.Mode == merchant.Sandbox {
				booked[id] = amount
			}
		}
	}
	charges, err := a.compareLedger(ctx, booked)
	return append(findings, charges...), err
}

// ledger is a gateway that shows every charge that really happened.
type ledger interface {
	Ledger(ctx context.Context) iter.Seq2[sandbox.Entry, error]
}

func (a *App) compareLedger(ctx context.Context, booked map[billing.AttemptID]int64) ([]Finding, error) {
	shown, can := a.gateways.sandbox.(ledger)
	if !can {
		return nil, nil
	}
	var unbooked, wrong int64
	for e, err := range shown.Ledger(ctx) {
		if err != nil {
			return nil, err
		}
		id := billing.AttemptID(e.Key)
		amount, known := booked[id]
		switch {
		case !known && a.sandbox == nil:
			// A gateway of its own may serve others too; what is ours and not booked shows as an attempt nobody looks after.
		case !known:
			unbooked++
		case amount != e.Amount.Amount:
			wrong++
		}
		delete(booked, id)
	}
	return []Finding{
		{Rule: "charges of the gateway that are not booked", Broken: unbooked},
		{Rule: "charges booked with another amount", Broken: wrong},
		{Rule: "booked charges the gateway knows nothing of", Broken: int64(len(booked))},
	}, nil
}
