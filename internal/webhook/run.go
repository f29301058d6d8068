package webhook

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"foyer/internal/foyer"
)

// batch is how many deliveries of an endpoint are claimed and rendered together.
const batch = 32

// sweep is how many deliveries of a disabled endpoint are ended together.
const sweep = 500

// grace is how long tries under way may take once Run is asked to stop.
const grace = 3 * time.Second

// posts are the endpoints this process is sending to.
type posts struct {
	mu      sync.Mutex
	open    map[EndpointID]*post
	working sync.WaitGroup
	// lease is this process's name on what it has claimed, held until when each of those leases ends.
	lease string
	held  map[DeliveryID]time.Time
	// regular is for endpoints that answer, suspect for those whose last tries all failed: however many of them hang, they take
	// places from each other only.
	regular, suspect chan struct{}
}

func newPosts(o Options) posts {
	return posts{open: map[EndpointID]*post{}, lease: rand.Text(), held: map[DeliveryID]time.Time{}, regular: make(chan struct{}, o.AtOnce), suspect: make(chan struct{}, o.AtOnce/2+1)}
}

// Run delivers what is due, until ctx ends. Any number of processes may run it at once: they share the work. What is under way then
// has a moment to finish; what does not is due again.
func (s *Service) Run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	var beating sync.WaitGroup
	beating.Go(func() { s.renew(sending) })
	defer beating.Wait()
	defer stop()
	for {
		due, err := s.Store.EndpointsDue(ctx, s.now())
		if err != nil && ctx.Err() == nil {
			s.Log.ErrorContext(ctx, "due deliveries can't be read", "error", err)
		}
		for _, e := range due {
			s.attend(ctx, sending, e)
		}
		select {
		case <-ctx.Done():
			late := time.AfterFunc(grace, stop)
			s.posts.working.Wait()
			late.Stop()
			return
		case <-time.After(s.Options.Poll):
		}
	}
}

// attend sees to it that somebody sends what is due for the endpoint.
func (s *Service) attend(ctx, sending context.Context, e Endpoint) {
	s.posts.mu.Lock()
	defer s.posts.mu.Unlock()
	p := s.posts.open[e.ID]
	if p == nil {
		p = &post{service: s, id: e.ID, merchant: e.Merchant, lanes: make(chan struct{}, s.Options.PerEndpoint), few: make(chan struct{}, max(1, s.Options.PerEndpoint/4))}
		if e.FailingSince != nil {
			p.streak = s.Options.PerEndpoint
		}
		s.posts.open[e.ID] = p
	}
	if p.feeding {
		return
	}
	p.feeding = true
	s.posts.working.Go(func() {
		p.feed(ctx, sending)
		s.posts.closing(p, func() { p.feeding = false })
	})
}

// closing changes a post and forgets it when nobody works for it any more.
func (p *posts) closing(o *post, change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	if !o.feeding && o.sending == 0 {
		delete(p.open, o.id)
	}
}

// post is an endpoint with deliveries on their way.
type post struct {
	service  *Service
	id       EndpointID
	merchant foyer.MerchantID
	// lanes bound what is on its way at once, few what is until it has answered once, and while it is suspect.
	lanes, few chan struct{}
	// Under posts.mu: whether somebody claims for it, how many tries are on their way, how many failed in a row, whether one succeeded.
	feeding bool
	sending int
	streak  int
	proven  bool
}

// suspect tells whether it would only hold up others: as many tries as it may have at once have failed, and none succeeded since.
func (p *post) suspect() bool {
	p.service.posts.mu.Lock()
	defer p.service.posts.mu.Unlock()
	return p.streak >= p.service.Options.PerEndpoint
}

// cautious tells whether it gets few places: it may hang, and would take the others' then.
func (p *post) cautious() bool {
	p.service.posts.mu.Lock()
	defer p.service.posts.mu.Unlock()
	return !p.proven || p.streak >= p.service.Options.PerEndpoint
}

// feed claims what is due and sends it, until there is no more.
func (p *post) feed(ctx, sending context.Context) {
	for ctx.Err() == nil {
		more, err := p.claim(ctx, sending)
		if err != nil && ctx.Err() == nil {
			p.service.Log.ErrorContext(ctx, "deliveries can't be claimed", "endpoint", p.id, "error", err)
		}
		if err != nil || !more {
			return
		}
	}
}

// claim sends one batch. A lane is free before anything is claimed, so that others may have what we could only keep waiting.
func (p *post) claim(ctx, sending context.Context) (more bool, err error) {
	release, ok := p.lane(ctx)
	if !ok {
		return false, nil
	}
	defer func() {
		if release != nil {
			release()
		}
	}()
	s, n := p.service, batch
	if p.cautious() {
		n = cap(p.few)
	}
	e, err := s.Store.WebhookEndpoint(ctx, p.merchant, p.id)
	if err != nil {
		return false, err
	}
	now := s.now()
	if e.Status != Enabled || e.ArchivedAt != nil {
		ended, err := s.Store.FailDeliveries(ctx, e, OutcomeDisabled, now, sweep)
		return ended > 0, err
	}
	until := foyer.Micro(now.Add(s.Options.Lease))
	claimed, err := s.Store.ClaimDeliveries(ctx, e, s.posts.lease, now, until, n)
	if err != nil || len(claimed) == 0 {
		return false, err
	}
	if claimed = s.posts.hold(claimed, until); len(claimed) == 0 {
		return true, nil
	}
	messages, err := p.messages(ctx, claimed)
	if err != nil {
		return false, errors.Join(err, p.giveBack(ctx, claimed...))
	}
	for i, d := range claimed {
		if release == nil {
			if release, ok = p.lane(ctx); !ok || n == batch && p.suspect() {
				return ok, p.giveBack(ctx, claimed[i:]...)
			}
		}
		free := release
		release = nil
		s.posts.mu.Lock()
		p.sending++
		s.posts.mu.Unlock()
		s.posts.working.Go(func() {
			defer s.posts.closing(p, func() { p.sending-- })
			defer free()
			p.deliver(sending, e, d, messages[d.Event])
		})
	}
	return true, nil
}

// lane waits for a free place on the endpoint's way and returns what frees it again.
func (p *post) lane(ctx context.Context) (release func(), ok bool) {
	select {
	case p.lanes <- struct{}{}:
	case <-ctx.Done():
		return nil, false
	}
	if !p.cautious() {
		return func() { <-p.lanes }, true
	}
	select {
	case p.few <- struct{}{}:
		return func() { <-p.few; <-p.lanes }, true
	case <-ctx.Done():
		<-p.lanes
		return nil, false
	}
}

// giveBack makes due again what was claimed and not sent.
func (p *post) giveBack(ctx context.Context, claimed ...Delivery) error {
	ids := make([]DeliveryID, len(claimed))
	for i, d := range claimed {
		ids[i] = d.ID
	}
	defer p.service.posts.drop(ids...)
	return p.service.Store.ReleaseDeliveries(context.WithoutCancel(ctx), p.merchant, ids, p.service.posts.lease, p.service.now())
}

// messages renders what is to be sent, by event.
func (p *post) messages(ctx context.Context, claimed []Delivery) (map[string][]byte, error) {
	var events []string
	for _, d := range claimed {
		if d.Message == nil {
			events = append(events, d.Event)
		}
	}
	out := map[string][]byte{}
	if len(events) > 0 {
		var err error
		if out, err = p.service.Messages.EventMessages(ctx, p.merchant, events); err != nil {
			return nil, err
		}
	}
	for _, d := range claimed {
		if d.Message != nil {
			out[d.Event] = d.Message
		}
	}
	return out, nil
}
