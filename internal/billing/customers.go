package billing

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"foyer/internal/foyer"
)

// CustomerFilter narrows a list of customers; empty fields do not.
type CustomerFilter struct {
	// Email is compared as sign-in compares it: see EmailKey.
	Email      string
	ExternalID string
	Archived   *bool
}

// CustomerInclude says what is shown of customers besides themselves.
type CustomerInclude struct {
	Subscriptions  bool
	PaymentMethods bool
}

// IncludedPerOne is how many of each kind are shown with one thing of a list, the newest: a page is one answer of a bounded
// size. Whoever has more is asked for by itself.
const IncludedPerOne = 25

// CustomerDetails is a customer with what a merchant sees of them.
type CustomerDetails struct {
	Customer
	// Credits are what is to their credit, by currency.
	Credits []Credit
	// Subscriptions and PaymentMethods are nil unless they were asked for.
	Subscriptions  []Subscription
	PaymentMethods []StampedPaymentMethod
}

// CustomerStore keeps customers and their addresses. Methods join the transaction in ctx when there is one; what is
// another's is foyer.NotFound.
type CustomerStore interface {
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error
	LockCustomer(ctx context.Context, scope foyer.Scope) error

	Customer(ctx context.Context, scope foyer.Scope) (Customer, error)
	// ListCustomers returns a page of the merchant's customers, newest first.
	ListCustomers(ctx context.Context, merchant foyer.MerchantID, filter CustomerFilter, page foyer.PageRequest) ([]Customer, error)
	// CustomerByKey returns whose address it is, archived or not.
	CustomerByKey(ctx context.Context, merchant foyer.MerchantID, emailKey string) (foyer.CustomerID, error)
	// CreateCustomer and SaveCustomer are Conflict (conflict) when the e-mail address or external id is another's.
	CreateCustomer(ctx context.Context, c Customer) error
	// SaveCustomer saves a changed customer if nobody changed it since (its version is one more than the row's); false
	// when somebody did.
	SaveCustomer(ctx context.Context, c Customer) (bool, error)

	// Customers returns the merchant's customers with the ids, by id.
	Customers(ctx context.Context, merchant foyer.MerchantID, ids []foyer.CustomerID) (map[foyer.CustomerID]Customer, error)
	Credits(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID) ([]Credit, error)
	// SubscriptionsOf and PaymentMethodsOf return the newest of each of the customers, at most most of each.
	SubscriptionsOf(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID, most int) ([]Subscription, error)
	PaymentMethodsOf(ctx context.Context, merchant foyer.MerchantID, customers []foyer.CustomerID, most int) ([]PaymentMethod, error)
	// LiveSubscriptions returns at most most of the customer's subscriptions that are not canceled.
	LiveSubscriptions(ctx context.Context, scope foyer.Scope, most int) ([]SubscriptionID, error)
	// UndecidedPayments returns at most most of the customer's payments that may yet be charged.
	UndecidedPayments(ctx context.Context, scope foyer.Scope, most int) ([]PaymentID, error)
	SubscriptionsForUpdate(ctx context.Context, merchant foyer.MerchantID, ids ...SubscriptionID) ([]Subscription, error)
	SaveSubscriptions(ctx context.Context, subs ...Subscription) error

	// ListAddresses returns a page of the customer's addresses, newest first; archived nil: all of them.
	ListAddresses(ctx context.Context, scope foyer.Scope, archived *bool, page foyer.PageRequest) ([]CustomerAddress, error)
	Address(ctx context.Context, scope foyer.Scope, id AddressID) (CustomerAddress, error)
	// DefaultAddress is foyer.NotFound when the customer has none.
	DefaultAddress(ctx context.Context, scope foyer.Scope) (CustomerAddress, error)
	// CountAddresses counts those that are not archived.
	CountAddresses(ctx context.Context, scope foyer.Scope) (int, error)
	CreateAddress(ctx context.Context, a CustomerAddress) error
	SaveAddress(ctx context.Context, a CustomerAddress) (bool, error)

	// ExternalOwner returns the id of the merchant's thing of the kind that has the external id, empty when none has.
	ExternalOwner(ctx context.Context, merchant foyer.MerchantID, kind foyer.Prefix, externalID string) (string, error)

	RecordActivity(ctx context.Context, a foyer.Activity) error
	RecordEvents(ctx context.Context, events ...foyer.Event) error
}

// Access is what lets customers in.
type Access interface {
	// EndCustomer ends everything the customer is or could be signed in with: sessions, links and tickets, sign-ins under
	// way. It joins the transaction in ctx.
	EndCustomer(ctx context.Context, scope foyer.Scope) error
}

// Customers keeps a merchant's customers and their addresses.
type Customers struct {
	store  CustomerStore
	access Access
	ids    foyer.IDs
	now    Clock
}

// NewCustomers returns Customers.
func NewCustomers(store CustomerStore, access Access, ids foyer.IDs, now Clock) *Customers {
	return &Customers{store: store, access: access, ids: ids, now: now}
}

// List returns a page of the merchant's customers, newest first: a handful of queries, however many there are on it.
func (c *Customers) List(ctx context.Context, merchant foyer.MerchantID, filter CustomerFilter, include CustomerInclude, page foyer.PageRequest) ([]CustomerDetails, error) {
	found, err := c.store.ListCustomers(ctx, merchant, filter, page)
	if err != nil {
		return nil, err
	}
	return c.details(ctx, merchant, include, found...)
}

// Details returns one customer.
func (c *Customers) Details(ctx context.Context, scope foyer.Scope, include CustomerInclude) (CustomerDetails, error) {
	found, err := c.store.Customer(ctx, scope)
	if err != nil {
		return CustomerDetails{}, err
	}
	return one(c.details(ctx, scope.Merchant, include, found))
}

// one takes the only entry of a list.
func one[T any](list []T, err error) (T, error) {
	if err != nil || len(list) == 0 {
		var none T
		return none, err
	}
	return list[0], nil
}

// Of returns the customers things belong to, by id: two queries for a whole page.
func (c *Customers) Of(ctx context.Context, merchant foyer.MerchantID, ids []foyer.CustomerID) (map[foyer.CustomerID]CustomerDetails, error) {
	found, err := c.store.Customers(ctx, merchant, distinct(ids))
	if err != nil {
		return nil, err
	}
	all, err := c.details(ctx, merchant, CustomerInclude{}, slices.Collect(maps.Values(found))...)
	out := make(map[foyer.CustomerID]CustomerDetails, len(all))
	for _, d := range all {
		out[d.ID] = d
	}
	return out, err
}

func (c *Customers) details(ctx context.Context, merchant foyer.MerchantID, include CustomerInclude, found ...Customer) ([]CustomerDetails, error) {
	out, place, ids := make([]CustomerDetails, len(found)), map[foyer.CustomerID]int{}, make([]foyer.CustomerID, len(found))
	for i, customer := range found {
		out[i].Customer, place[customer.ID], ids[i] = customer, i, customer.ID
	}
	credits, err := c.store.Credits(ctx, merchant, ids)
	if err != nil {
		return nil, err
	}
	for _, credit := range credits {
		d := &out[place[credit.Scope.Customer]]
		d.Credits = append(d.Credits, credit)
	}
	if include.Subscriptions {
		subs, err := c.store.SubscriptionsOf(ctx, merchant, ids, IncludedPerOne)
		if err != nil {
			return nil, err
		}
		for i := range out {
			out[i].Subscriptions = []Subscription{}
		}
		for _, sub := range subs {
			d := &out[place[sub.Customer]]
			d.Subscriptions = append(d.Subscriptions, sub)
		}
	}
	if include.PaymentMethods {
		now, err := c.now(ctx, merchant)
		if err != nil {
			return nil, err
		}
		methods, err := c.store.PaymentMethodsOf(ctx, merchant, ids, IncludedPerOne)
		if err != nil {
			return nil, err
		}
		for i := range out {
			out[i].PaymentMethods = []StampedPaymentMethod{}
		}
		for _, m := range methods {
			d := &out[place[m.Customer]]
			d.PaymentMethods = append(d.PaymentMethods, StampedPaymentMethod{m, m.Status(now)})
		}
	}
	return out, nil
}

// Create makes a customer of the merchant that acts.
//
// Refusals: Invalid with every field at fault; Conflict (customer.exists, with the customer who has the e-mail address;
// external_id.taken).
func (c *Customers) Create(ctx context.Context, by foyer.Actor, change CustomerChange) (CustomerDetails, error) {
	merchant := by.Scope.Merchant
	now, err := c.now(ctx, merchant)
	if err != nil {
		return CustomerDetails{}, err
	}
	if change.Email == nil {
		change.Email = new(string) // refused for what it is, together with everything else
	}
	made, err := Customer{Merchant: merchant}.Change(change, now)
	if err != nil {
		return CustomerDetails{}, err
	}
	made.ID, made.CreatedAt, made.Version = foyer.CustomerID(c.ids(foyer.PrefixCustomer)), made.UpdatedAt, 1
	var out CustomerDetails
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		if err := c.store.CreateCustomer(ctx, made); err != nil {
			return err
		}
		events, err := c.follow(ctx, made, now)
		if err != nil {
			return err
		}
		return c.finish(ctx, &out, made, append(events, c.event(made, EventCustomerCreated, now)))
	})
	return out, c.taken(ctx, made, err)
}

// Update changes a customer, for future documents only. ifVersion is the version the caller read, 0 when it does not care.
// What a customer changes about themselves is noted in their activity. Another e-mail address, which only a merchant gives here,
// ends everything the customer is signed in with.
//
// Refusals: Invalid with every field at fault, PreconditionFailed, those of Create.
func (c *Customers) Update(ctx context.Context, by foyer.Actor, change CustomerChange, ifVersion int64, place foyer.Place) (CustomerDetails, error) {
	now, err := c.now(ctx, by.Scope.Merchant)
	if err != nil {
		return CustomerDetails{}, err
	}
	var out CustomerDetails
	var changed Customer
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		current, err := c.locked(ctx, by.Scope, ifVersion)
		if err != nil {
			return err
		}
		if changed, err = current.Change(change, now); err != nil {
			return err
		}
		if changed.Version == current.Version {
			return c.finish(ctx, &out, changed, nil)
		}
		if err := c.save(ctx, changed, ifVersion); err != nil {
			return err
		}
		if err := c.moved(ctx, current, changed, now); err != nil {
			return err
		}
		events, err := c.follow(ctx, changed, now)
		if err != nil {
			return err
		}
		if EmailKey(changed.Email) != EmailKey(current.Email) {
			// The mailbox was another's, perhaps: whoever reads it may not stay in, nor come in with what lies there.
			if err := c.access.EndCustomer(ctx, by.Scope); err != nil {
				return err
			}
		}
		if by.Kind == foyer.ActorCustomer {
			err := c.store.RecordActivity(ctx, foyer.Activity{
				ID: c.ids(foyer.PrefixActivity), Scope: by.Scope, Session: by.Session, Type: foyer.ActivityUpdated, Place: place, At: foyer.Micro(now),
			})
			if err != nil {
				return err
			}
		}
		return c.finish(ctx, &out, changed, append(events, c.event(changed, EventCustomerUpdated, now)))
	})
	return out, c.taken(ctx, changed, err)
}

// Archive puts a customer away: they can't sign in any more, and what they are signed in with ends. Archived already is
// fine.
//
// Refusals: Conflict (customer.charge_pending) while a payment is not decided, which a subscription may begin with that nobody could sign
// in to cancel; Conflict (customer.has_subscriptions) while there are subscriptions that are not canceled. Each names them.
func (c *Customers) Archive(ctx context.Context, by foyer.Actor) (CustomerDetails, error) {
	now, err := c.now(ctx, by.Scope.Merchant)
	if err != nil {
		return CustomerDetails{}, err
	}
	var out CustomerDetails
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		current, err := c.locked(ctx, by.Scope, 0)
		if err != nil {
			return err
		}
		if current.Archived {
			return c.finish(ctx, &out, current, nil)
		}
		// First: a subscription that begins meanwhile is found by what is read next.
		undecided, err := c.store.UndecidedPayments(ctx, by.Scope, IncludedPerOne)
		if err != nil {
			return err
		}
		live, err := c.store.LiveSubscriptions(ctx, by.Scope, IncludedPerOne)
		if err != nil {
			return err
		}
		if len(live) > 0 {
			refusal := foyer.Refuse(foyer.Conflict, "customer.has_subscriptions")
			refusal.Extra = map[string]any{"subscription_ids": live}
			return refusal
		}
		if len(undecided) > 0 {
			refusal := foyer.Refuse(foyer.Conflict, "customer.charge_pending")
			refusal.Extra = map[string]any{"payment_ids": undecided}
			return refusal
		}
		current.Archived = true
		archived := current.changed(now)
		if err := c.save(ctx, archived, 0); err != nil {
			return err
		}
		if err := c.access.EndCustomer(ctx, by.Scope); err != nil {
			return err
		}
		return c.finish(ctx, &out, archived, []foyer.Event{c.event(archived, EventCustomerArchived, now)})
	})
	return out, err
}

// locked reads a customer whom nobody else changes until the transaction ends.
func (c *Customers) locked(ctx context.Context, scope foyer.Scope, ifVersion int64) (Customer, error) {
	if err := c.store.LockCustomer(ctx, scope); err != nil {
		return Customer{}, err
	}
	current, err := c.store.Customer(ctx, scope)
	if err == nil && ifVersion != 0 && ifVersion != current.Version {
		err = errChanged()
	}
	return current, err
}

func (c *Customers) save(ctx context.Context, changed Customer, ifVersion int64) error {
	return decided(ifVersion)(c.store.SaveCustomer(ctx, changed))
}

// everySubscription is more than anybody has.
const everySubscription = 1000

// moved tells the subscriptions of a customer who lives elsewhere now: another law says of what they are told ahead of time.
func (c *Customers) moved(ctx context.Context, before, after Customer, now time.Time) error {
	place := TerritoryOf(after.Address)
	if place == TerritoryOf(before.Address) {
		return nil
	}
	ids, err := c.store.LiveSubscriptions(ctx, after.Scope(), everySubscription)
	if err != nil || len(ids) == 0 {
		return err
	}
	subs, err := c.store.SubscriptionsForUpdate(ctx, after.Merchant, ids...)
	if err != nil {
		return err
	}
	var moved []Subscription
	for _, sub := range subs {
		if sub.Provider != "" { // whoever keeps it elsewhere tells of it, too
			moved = append(moved, sub.LivesIn(place, now))
		}
	}
	return c.store.SaveSubscriptions(ctx, moved...)
}

// decided turns what a save of one version says into the refusal for who came second: PreconditionFailed for a caller who
// named a version, Conflict for one who did not.
func decided(ifVersion int64) func(saved bool, err error) error {
	return func(saved bool, err error) error {
		switch {
		case err != nil || saved:
			return err
		case ifVersion != 0:
			return errChanged()
		}
		return foyer.Refuse(foyer.Conflict, "conflict")
	}
}

// follow keeps the default address the customer's own.
func (c *Customers) follow(ctx context.Context, customer Customer, now time.Time) ([]foyer.Event, error) {
	var current *CustomerAddress
	switch found, err := c.store.DefaultAddress(ctx, customer.Scope()); {
	case err == nil:
		current = &found
	case !errors.Is(err, foyer.NotFound):
		return nil, err
	}
	next, write := FollowCustomer(customer, current, c.ids, now)
	if !write {
		return nil, nil
	}
	if next.Version == 1 {
		return []foyer.Event{c.addressEvent(next, EventAddressCreated, now)}, c.store.CreateAddress(ctx, next)
	}
	return []foyer.Event{c.addressEvent(next, EventAddressUpdated, now)}, decided(0)(c.store.SaveAddress(ctx, next))
}

// finish writes the events of a change and reads what is answered, while the transaction is open: afterwards nothing is
// read any more.
func (c *Customers) finish(ctx context.Context, out *CustomerDetails, customer Customer, events []foyer.Event) error {
	if err := c.store.RecordEvents(ctx, events...); err != nil {
		return err
	}
	details, err := one(c.details(ctx, customer.Merchant, CustomerInclude{}, customer))
	*out = details
	return err
}

// taken gives a clash its name: the e-mail address or the external id is another customer's. It is asked after the
// transaction was undone; a clash of versions stays what it is.
func (c *Customers) taken(ctx context.Context, customer Customer, clash error) error {
	if !unnamed(clash) {
		return clash
	}
	owner, err := c.store.CustomerByKey(ctx, customer.Merchant, EmailKey(customer.Email))
	switch {
	case err == nil && owner != customer.ID:
		refusal := foyer.Refuse(foyer.Conflict, "customer.exists")
		refusal.Extra = map[string]any{"customer_id": owner}
		return refusal
	case err != nil && !errors.Is(err, foyer.NotFound):
		return err
	}
	return ExternalTaken(ctx, c.store, customer.Merchant, foyer.PrefixCustomer, string(customer.ID), customer.ExternalID, clash)
}

// unnamed tells whether a unique index refused, which does not say by itself what is not unique.
func unnamed(err error) bool {
	refusal, ok := foyer.AsError(err)
	return ok && refusal.Kind == foyer.Conflict && refusal.Code == "conflict"
}

// ExternalOwners tell what has an external id.
type ExternalOwners interface {
	// ExternalOwner returns the id of the merchant's thing of the kind that has the external id, empty when none has.
	ExternalOwner(ctx context.Context, merchant foyer.MerchantID, kind foyer.Prefix, externalID string) (string, error)
}

// ExternalTaken is Conflict (external_id.taken) when the external id is another thing's; else the clash as it was. It asks after
// the transaction was undone.
func ExternalTaken(ctx context.Context, store ExternalOwners, merchant foyer.MerchantID, kind foyer.Prefix, id, externalID string, clash error) error {
	if !unnamed(clash) || externalID == "" {
		return clash
	}
	owner, err := store.ExternalOwner(ctx, merchant, kind, externalID)
	switch {
	case err != nil:
		return err
	case owner == "" || owner == id:
		return clash
	}
	return ErrExternalIDTaken()
}

func (c *Customers) event(customer Customer, kind foyer.EventType, at time.Time) foyer.Event {
	return foyer.Event{
		ID: c.ids(foyer.PrefixEvent), Scope: customer.Scope(), Type: kind, Subject: string(customer.ID), At: foyer.Micro(at),
	}
}
