package billing

import (
	"context"
	"errors"
	"time"

	"foyer/internal/foyer"
)

// Addresses returns a page of a customer's addresses, newest first; archived nil: all of them.
func (c *Customers) Addresses(ctx context.Context, scope foyer.Scope, archived *bool, page foyer.PageRequest) ([]CustomerAddress, error) {
	if _, err := c.store.Customer(ctx, scope); err != nil {
		return nil, err // nobody's addresses are not found, and not an empty list
	}
	return c.store.ListAddresses(ctx, scope, archived, page)
}

// Address returns one address of the customer.
func (c *Customers) Address(ctx context.Context, scope foyer.Scope, id AddressID) (CustomerAddress, error) {
	return c.store.Address(ctx, scope, id)
}

// CreateAddress adds an address to the customer the actor's scope names. The first one is the default one.
//
// Refusals: Invalid with every field at fault; Conflict (address.too_many, external_id.taken).
func (c *Customers) CreateAddress(ctx context.Context, by foyer.Actor, change CustomerAddressChange) (CustomerAddress, error) {
	now, err := c.now(ctx, by.Scope.Merchant)
	if err != nil {
		return CustomerAddress{}, err
	}
	wanted := change.Default != nil && *change.Default
	change.Default = nil
	made, err := CustomerAddress{Merchant: by.Scope.Merchant, Customer: by.Scope.Customer}.Change(change, now)
	if err != nil {
		return CustomerAddress{}, err
	}
	made.ID, made.CreatedAt, made.Version = AddressID(c.ids(foyer.PrefixAddress)), made.UpdatedAt, 1
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		customer, err := c.locked(ctx, by.Scope, 0)
		if err != nil {
			return err
		}
		count, err := c.store.CountAddresses(ctx, by.Scope)
		if err != nil {
			return err
		}
		if count >= MaxAddresses {
			return foyer.Refuse(foyer.Conflict, "address.too_many")
		}
		made.Default = wanted || count == 0
		events, err := c.clearDefault(ctx, made, now)
		if err != nil {
			return err
		}
		if err := c.store.CreateAddress(ctx, made); err != nil {
			return err
		}
		events = append(events, c.addressEvent(made, EventAddressCreated, now))
		return c.lead(ctx, customer, made, events, now)
	})
	return made, c.addressTaken(ctx, made, err)
}

// UpdateAddress changes an address. ifVersion is the version the caller read, 0 when it does not care.
//
// Refusals: Invalid with every field at fault; PreconditionFailed; Conflict (address.default, address.archived,
// external_id.taken).
func (c *Customers) UpdateAddress(ctx context.Context, by foyer.Actor, id AddressID, change CustomerAddressChange, ifVersion int64) (CustomerAddress, error) {
	now, err := c.now(ctx, by.Scope.Merchant)
	if err != nil {
		return CustomerAddress{}, err
	}
	var changed CustomerAddress
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		customer, current, err := c.lockedAddress(ctx, by.Scope, id, ifVersion)
		if err != nil {
			return err
		}
		if changed, err = current.Change(change, now); err != nil || changed.Version == current.Version {
			return err
		}
		var events []foyer.Event
		if changed.Default && !current.Default {
			if events, err = c.clearDefault(ctx, changed, now); err != nil {
				return err
			}
		}
		if err := decided(ifVersion)(c.store.SaveAddress(ctx, changed)); err != nil {
			return err
		}
		events = append(events, c.addressEvent(changed, EventAddressUpdated, now))
		return c.lead(ctx, customer, changed, events, now)
	})
	return changed, c.addressTaken(ctx, changed, err)
}

// ArchiveAddress puts an address away; archived already is fine. Conflict (address.default).
func (c *Customers) ArchiveAddress(ctx context.Context, by foyer.Actor, id AddressID) (CustomerAddress, error) {
	now, err := c.now(ctx, by.Scope.Merchant)
	if err != nil {
		return CustomerAddress{}, err
	}
	var archived CustomerAddress
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		_, current, err := c.lockedAddress(ctx, by.Scope, id, 0)
		if err != nil {
			return err
		}
		if archived, err = current.Archive(now); err != nil || archived.Version == current.Version {
			return err
		}
		if err := decided(0)(c.store.SaveAddress(ctx, archived)); err != nil {
			return err
		}
		return c.store.RecordEvents(ctx, c.addressEvent(archived, EventAddressArchived, now))
	})
	return archived, err
}

func (c *Customers) lockedAddress(ctx context.Context, scope foyer.Scope, id AddressID, ifVersion int64) (Customer, CustomerAddress, error) {
	customer, err := c.locked(ctx, scope, 0)
	if err != nil {
		return Customer{}, CustomerAddress{}, err
	}
	address, err := c.store.Address(ctx, scope, id)
	if err == nil && ifVersion != 0 && ifVersion != address.Version {
		err = errChanged()
	}
	return customer, address, err
}

// clearDefault makes an ordinary one of the address that was the default, before another one that is it is written: the
// database holds one at a time.
func (c *Customers) clearDefault(ctx context.Context, next CustomerAddress, now time.Time) ([]foyer.Event, error) {
	if !next.Default {
		return nil, nil
	}
	former, err := c.store.DefaultAddress(ctx, foyer.Scope{Merchant: next.Merchant, Customer: next.Customer})
	if errors.Is(err, foyer.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	former.Default = false
	former = former.changed(now)
	return []foyer.Event{c.addressEvent(former, EventAddressUpdated, now)}, decided(0)(c.store.SaveAddress(ctx, former))
}

// lead makes the default address the customer's own and writes the events of all that changed.
func (c *Customers) lead(ctx context.Context, customer Customer, address CustomerAddress, events []foyer.Event, now time.Time) error {
	if address.Default && customer.Address != address.Address {
		before := customer
		customer.Address = address.Address
		customer = customer.changed(now)
		if err := c.save(ctx, customer, 0); err != nil {
			return err
		}
		if err := c.moved(ctx, before, customer, now); err != nil {
			return err
		}
		events = append(events, c.event(customer, EventCustomerUpdated, now))
	}
	return c.store.RecordEvents(ctx, events...)
}

func (c *Customers) addressTaken(ctx context.Context, a CustomerAddress, clash error) error {
	return ExternalTaken(ctx, c.store, a.Merchant, foyer.PrefixAddress, string(a.ID), a.ExternalID, clash)
}

func (c *Customers) addressEvent(a CustomerAddress, kind foyer.EventType, at time.Time) foyer.Event {
	return foyer.Event{
		ID: c.ids(foyer.PrefixEvent), Scope: foyer.Scope{Merchant: a.Merchant, Customer: a.Customer}, Type: kind, Subject: string(a.ID),
		At: foyer.Micro(at),
	}
}
