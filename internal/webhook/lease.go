package webhook

import (
	"context"
	"time"

	"foyer/internal/foyer"
)

// A lease is short, so that what a killed worker had claimed is late by little, and a try may take longer than it: while the worker
// lives, it renews the leases of what it holds.

// hold remembers what was claimed, and returns it without what this process holds already: that is being sent, and its lease had
// run out because it was not renewed in time.
func (p *posts) hold(claimed []Delivery, until time.Time) []Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	var fresh []Delivery
	for _, d := range claimed {
		if _, already := p.held[d.ID]; !already {
			fresh = append(fresh, d)
		}
		p.held[d.ID] = until
	}
	return fresh
}

func (p *posts) drop(ids ...DeliveryID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		delete(p.held, id)
	}
}

// ending are those whose lease ends before a moment.
func (p *posts) ending(before time.Time) []DeliveryID {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []DeliveryID
	for id, until := range p.held {
		if until.Before(before) {
			ids = append(ids, id)
		}
	}
	return ids
}

func (p *posts) renewed(ids []DeliveryID, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if _, still := p.held[id]; still {
			p.held[id] = until
		}
	}
}

// renew keeps others from what this process holds, until ctx ends. What is done within a quarter of the lease costs nothing.
func (s *Service) renew(ctx context.Context) {
	every := s.Options.Lease / 4
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
		now := s.now()
		ids := s.posts.ending(now.Add(3 * every))
		if len(ids) == 0 {
			continue
		}
		until := foyer.Micro(now.Add(s.Options.Lease))
		if err := s.Store.RenewDeliveries(ctx, ids, s.posts.lease, until); err != nil {
			if ctx.Err() == nil {
				s.Log.ErrorContext(ctx, "leases of deliveries can't be renewed", "error", err)
			}
			continue
		}
		s.posts.renewed(ids, until)
	}
}
