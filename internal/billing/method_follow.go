package billing

import (
	"context"
	"errors"
	"time"

	"foyer/internal/foyer"
)

// Follow returns the method as the gateway knows it now; the same one when nothing is different. sameNumber tells whether the
// fingerprint is the stored one. A gateway that tells of no card takes none away. renewed says that NoticeAt counts anew: the customer
// is told of another date.
func (m PaymentMethod) Follow(found GatewayMethod, sameNumber bool, now time.Time) (next PaymentMethod, renewed bool) {
	next = m
	if found.Card != nil {
		card := *found.Card
		next.Card = &card
	}
	next.Wallet, next.Identifier, next.Fingerprint, next.GoneAt = found.Wallet, found.Identifier, found.Fingerprint, nil
	if sameCard(m.Card, next.Card) && next.Wallet == m.Wallet && next.Identifier == m.Identifier && sameNumber && m.GoneAt == nil {
		return m, false
	}
	next.NoticeAt, next.UpdatedAt, next.Version = next.notice(), now, m.Version+1
	was, had := m.expiry()
	is, has := next.expiry()
	return next, had != has || !was.Equal(is) || m.GoneAt != nil
}

func sameCard(a, b *Card) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// Gone returns the method the gateway can't charge any more: it counts as expired, so that the customer is asked for another. Nobody is
// told a second time that it ends.
func (m PaymentMethod) Gone(now time.Time) PaymentMethod {
	if m.GoneAt != nil {
		return m
	}
	m.GoneAt, m.NoticeAt, m.UpdatedAt, m.Version = &now, nil, now, m.Version+1
	return m
}

// followTries is how often a method is read again because it was changed here meanwhile.
const followTries = 5

// FollowMethods takes over what the gateway knows anew of a customer's stored methods: card networks replace numbers and dates by
// themselves. A method the gateway removed is deleted, or kept as expired while subscriptions are charged with it. Asked again it
// finds nothing to do.
func (s *Service) FollowMethods(ctx context.Context, scope foyer.Scope) error {
	gateway, err := s.gateways.GatewayOf(ctx, scope.Merchant)
	if errors.Is(err, foyer.Conflict) {
		return nil // no gateway, nothing to follow
	}
	if err != nil {
		return err
	}
	reader, can := gateway.(MethodReader)
	if !can {
		return nil
	}
	methods, err := s.store.StoredMethods(ctx, scope)
	if err != nil {
		return err
	}
	var failed error // one method that can't be read keeps no other from being followed
	for _, m := range methods {
		if m.Gateway != gateway.Name() || m.Token == "" {
			continue
		}
		failed = errors.Join(failed, s.followMethod(ctx, scope, reader, m))
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

// followMethod reads one method at the gateway and saves what is different, unless it was changed here while the gateway was asked:
// then what was read may be older than what is stored, and it is read again.
func (s *Service) followMethod(ctx context.Context, scope foyer.Scope, reader MethodReader, m PaymentMethod) error {
	for range followTries {
		found, err := reader.Method(ctx, m.Token)
		gone := errors.Is(err, foyer.NotFound)
		if err != nil && !gone {
			return err
		}
		now, err := s.now(ctx, scope.Merchant)
		if err != nil {
			return err
		}
		now = foyer.Micro(now)
		again := false
		err = s.store.InTx(ctx, func(ctx context.Context) error {
			if err := s.store.LockCustomer(ctx, scope); err != nil {
				return err
			}
			// First: a subscription that begins meanwhile is found by what is read next.
			underWay, err := s.store.PaymentsUnderWay(ctx, scope, m.ID)
			if err != nil {
				return err
			}
			current, err := s.store.PaymentMethod(ctx, scope, m.ID)
			if err != nil {
				return err
			}
			again, m.Version = current.Version != m.Version, current.Version
			switch {
			case again:
				return nil
			case gone:
				return s.methodGone(ctx, scope, current, current.removable(underWay) != nil, now)
			default:
				return s.saveFollowed(ctx, scope, current, found, now)
			}
		})
		if errors.Is(err, foyer.NotFound) {
			return nil // deleted meanwhile
		}
		if err != nil || !again {
			return err
		}
	}
	return errChanged()
}

func (s *Service) saveFollowed(ctx context.Context, scope foyer.Scope, current PaymentMethod, found GatewayMethod, now time.Time) error {
	same := found.Fingerprint == "" // a gateway that tells none takes none away
	if !same {
		var err error
		if same, err = s.store.HasFingerprint(ctx, scope, current.ID, found.Fingerprint); err != nil {
			return err
		}
	}
	next, renewed := current.Follow(found, same, now)
	if next.Version == current.Version {
		return nil
	}
	return s.followed(ctx, scope, next, renewed, now)
}

func (s *Service) followed(ctx context.Context, scope foyer.Scope, next PaymentMethod, renewed bool, now time.Time) error {
	saved, err := s.store.SaveFollowedMethod(ctx, next, renewed)
	if err != nil {
		return err
	}
	if !saved {
		return errChanged()
	}
	return s.store.RecordEvents(ctx, s.event(scope, EventMethodUpdated, string(next.ID), now))
}

// methodGone draws the consequences of a method the gateway removed. What nothing is charged with is deleted as if it had been here;
// otherwise the subscriptions keep it, because without one they would look as if they had never been paid.
func (s *Service) methodGone(ctx context.Context, scope foyer.Scope, current PaymentMethod, charged bool, now time.Time) error {
	if charged {
		next := current.Gone(now)
		if next.Version == current.Version {
			return nil
		}
		return s.followed(ctx, scope, next, true, now)
	}
	current.Version++
	return s.deleteMethod(ctx, scope, current, now)
}

// deleteMethod forgets a method here and tells so.
func (s *Service) deleteMethod(ctx context.Context, scope foyer.Scope, method PaymentMethod, now time.Time) error {
	if err := s.store.DeletePaymentMethod(ctx, method, foyer.Micro(now)); err != nil {
		return err
	}
	if err := s.order(ctx, scope, MailMethodRemoved, "", MailFacts{}.Named(method.Name()), now); err != nil {
		return err
	}
	return s.store.RecordEvents(ctx, s.event(scope, EventMethodDeleted, string(method.ID), now))
}
