package webhook

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"foyer/internal/foyer"
)

// Options are how deliveries are made. What is zero is the default.
type Options struct {
	// Private are networks deliveries may reach although they are not public; none by default.
	Private []netip.Prefix
	// Schedule is when each try comes.
	Schedule Schedule
	// Timeout bounds a try [15 s].
	Timeout time.Duration
	// Lease is after how long others take what a worker claimed and does not renew, because it was killed [1.5 s]. The clocks of
	// workers may differ by less than that.
	Lease time.Duration
	// Patience is how long every try may fail before the endpoint is disabled [5 days].
	Patience time.Duration
	// Overlap is how long an exchanged secret still signs [24 h].
	Overlap time.Duration
	// Poll is how often a worker looks for what is due [200 ms].
	Poll time.Duration
	// PerEndpoint is how many tries of one endpoint a worker has on their way at once [8], AtOnce how many of all together [128].
	PerEndpoint int
	AtOnce      int
	// Resolver and Roots are for tests; nil are the system's.
	Resolver *net.Resolver
	Roots    *x509.CertPool
}

func (o Options) withDefaults() Options {
	if o.Schedule == nil {
		o.Schedule = DefaultSchedule
	}
	for _, d := range []struct {
		option *time.Duration
		value  time.Duration
	}{
		{&o.Timeout, 15 * time.Second},
		{&o.Lease, 1500 * time.Millisecond},
		{&o.Patience, 5 * 24 * time.Hour},
		{&o.Overlap, 24 * time.Hour},
		{&o.Poll, 200 * time.Millisecond},
	} {
		if *d.option == 0 {
			*d.option = d.value
		}
	}
	if o.PerEndpoint == 0 {
		o.PerEndpoint = 8
	}
	if o.AtOnce == 0 {
		o.AtOnce = 128
	}
	return o
}

// Config holds what a Service depends on.
type Config struct {
	Store    Store
	Messages Messages
	Mails    Mails
	IDs      foyer.IDs
	// Now is the real time: deliveries live in it, whatever a sandbox merchant's clock says.
	Now     func() time.Time
	Options Options
	Log     *slog.Logger
	// Observe is told what came of every try; nil tells nobody.
	Observe func(Outcome)
}

// Service keeps merchants' endpoints and delivers to them. Safe for concurrent use, by many processes on one database.
type Service struct {
	Config
	rules   URLRules
	courier *courier
	posts   posts
}

// NewService returns a Service.
func NewService(c Config) *Service {
	c.Options = c.Options.withDefaults()
	if c.Observe == nil {
		c.Observe = func(Outcome) {}
	}
	o := c.Options
	return &Service{
		Config: c, rules: URLRules{Private: o.Private}, posts: newPosts(o),
		courier: newCourier(route{private: o.Private, timeout: o.Timeout, resolver: o.Resolver, roots: o.Roots, now: c.Now}),
	}
}

func (s *Service) now() time.Time { return foyer.Micro(s.Now()) }

// Endpoints returns a page of the merchant's endpoints, newest first; archived ones are left out.
func (s *Service) Endpoints(ctx context.Context, merchant foyer.MerchantID, page foyer.PageRequest) ([]Endpoint, error) {
	return s.Store.WebhookEndpoints(ctx, merchant, page)
}

// Endpoint returns one of the merchant's endpoints, archived or not.
func (s *Service) Endpoint(ctx context.Context, merchant foyer.MerchantID, id EndpointID) (Endpoint, error) {
	return s.Store.WebhookEndpoint(ctx, merchant, id)
}

// CreateEndpoint makes an endpoint and returns its secret, which is shown once.
//
// Refusals: Invalid with every field at fault; Conflict (webhook_endpoint.too_many).
func (s *Service) CreateEndpoint(ctx context.Context, merchant foyer.MerchantID, in EndpointInput) (Endpoint, string, error) {
	e, err := newEndpoint(EndpointID(s.IDs(foyer.PrefixWebhookEndpoint)), merchant, in, s.rules, s.now())
	if err != nil {
		return Endpoint{}, "", err
	}
	err = s.Store.Conclude(ctx, func(ctx context.Context) error { return s.Store.CreateWebhookEndpoint(ctx, e, MaxEndpoints) })
	return e, e.Secrets[0].spell(), err
}

// UpdateEndpoint changes an endpoint; enabling one that was disabled forgets its failures. ifVersion is the version the caller read, 0
// when it does not care.
//
// Refusals: Invalid with every field at fault; Conflict (webhook_endpoint.archived); PreconditionFailed.
func (s *Service) UpdateEndpoint(ctx context.Context, merchant foyer.MerchantID, id EndpointID, change EndpointChange, ifVersion int64) (Endpoint, error) {
	return s.change(ctx, merchant, id, func(e Endpoint) (Endpoint, error) {
		if ifVersion != 0 && ifVersion != e.Version {
			return e, foyer.Refuse(foyer.PreconditionFailed, "precondition.failed")
		}
		return e.apply(change, s.rules, s.now())
	})
}

// ArchiveEndpoint ends an endpoint for good. Archiving it again changes nothing.
func (s *Service) ArchiveEndpoint(ctx context.Context, merchant foyer.MerchantID, id EndpointID) (Endpoint, error) {
	return s.change(ctx, merchant, id, func(e Endpoint) (Endpoint, error) {
		if e.ArchivedAt != nil {
			return e, nil
		}
		return e.archive(s.now()), nil
	})
}

// RotateSecret gives an endpoint a new secret and returns it, once. The one before signs beside it until the overlap ends.
//
// Refusals: Conflict (webhook_endpoint.archived).
func (s *Service) RotateSecret(ctx context.Context, merchant foyer.MerchantID, id EndpointID) (Endpoint, string, error) {
	e, err := s.change(ctx, merchant, id, func(e Endpoint) (Endpoint, error) { return e.rotate(s.now(), s.Options.Overlap) })
	if err != nil {
		return Endpoint{}, "", err
	}
	return e, e.Secrets[0].spell(), nil
}

// change saves what change makes of an endpoint, unless that is the same version.
func (s *Service) change(ctx context.Context, merchant foyer.MerchantID, id EndpointID, change func(Endpoint) (Endpoint, error)) (Endpoint, error) {
	var changed Endpoint
	err := s.Store.Conclude(ctx, func(ctx context.Context) error {
		e, err := s.Store.WebhookEndpointForUpdate(ctx, merchant, id)
		if err != nil {
			return err
		}
		if changed, err = change(e); err != nil || changed.Version == e.Version {
			return err
		}
		return s.Store.SaveWebhookEndpoint(ctx, changed)
	})
	return changed, err
}
