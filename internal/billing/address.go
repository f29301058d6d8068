package billing

import (
	"reflect"
	"time"

	"foyer/internal/foyer"
)

// AddressID is `add_…`.
type AddressID string

// MaxAddresses is how many addresses a customer may have that are not archived.
const MaxAddresses = 50

// CustomerAddress is one of the addresses a merchant keeps of a customer. The default one is the customer's own address,
// Customer.Address, which future documents show: whatever changes one changes the other in the same transaction.
type CustomerAddress struct {
	ID          AddressID
	Merchant    foyer.MerchantID
	Customer    foyer.CustomerID
	ExternalID  string
	Description string
	Address
	Metadata foyer.Metadata
	// Default is at most one of a customer's, never an archived one.
	Default   bool
	Archived  bool
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64
}

// CustomerAddressChange is what may be changed of an address. A nil field stays as it is; a pointer to an empty string
// clears.
type CustomerAddressChange struct {
	Address     AddressChange
	Description *string
	ExternalID  *string
	Metadata    *foyer.Metadata
	// Default makes it the default one. Which one is none any more, another one that becomes it says.
	Default *bool
}

// Change returns the address with the change applied, or a refusal that names every field at fault. An address that says
// nothing at all is none. Conflict (address.default) for the default one that is to be an ordinary one: a customer who has
// addresses has one that documents show.
func (a CustomerAddress) Change(change CustomerAddressChange, now time.Time) (CustomerAddress, error) {
	before := a
	var check checks
	check.address("", &a.Address, &change.Address)
	check.description(&a.Description, change.Description)
	check.text("/external_id", &a.ExternalID, change.ExternalID, maxExternalIDLength)
	check.metadata(&a.Metadata, change.Metadata)
	if len(check.faults) == 0 && a.Empty() {
		check.fault("/line1", "input.required")
	}
	if err := check.refusal(); err != nil {
		return CustomerAddress{}, err
	}
	if change.Default != nil {
		switch {
		case *change.Default && a.Archived:
			return CustomerAddress{}, foyer.Refuse(foyer.Conflict, "address.archived")
		case !*change.Default && a.Default:
			return CustomerAddress{}, foyer.Refuse(foyer.Conflict, "address.default")
		}
		a.Default = *change.Default
	}
	if reflect.DeepEqual(a, before) {
		return before, nil
	}
	return a.changed(now), nil
}

// Archive returns the address put away. Conflict (address.default) for the default one.
func (a CustomerAddress) Archive(now time.Time) (CustomerAddress, error) {
	switch {
	case a.Archived:
		return a, nil
	case a.Default:
		return CustomerAddress{}, foyer.Refuse(foyer.Conflict, "address.default")
	}
	a.Archived = true
	return a.changed(now), nil
}

func (a CustomerAddress) changed(now time.Time) CustomerAddress {
	a.UpdatedAt = foyer.Micro(now)
	a.Version++
	return a
}

// FollowCustomer returns the default address as it must be once the customer's own address is what it is now, given the one
// they have (nil: none), and false when nothing is to be written. One of version 1 is new. A customer whose address was
// cleared keeps the old one as an ordinary address.
func FollowCustomer(c Customer, current *CustomerAddress, ids foyer.IDs, now time.Time) (CustomerAddress, bool) {
	switch {
	case current == nil && c.Address.Empty(), current != nil && current.Address == c.Address:
		return CustomerAddress{}, false
	case current == nil:
		at := foyer.Micro(now)
		return CustomerAddress{
			ID: AddressID(ids(foyer.PrefixAddress)), Merchant: c.Merchant, Customer: c.ID, Address: c.Address, Default: true,
			CreatedAt: at, UpdatedAt: at, Version: 1,
		}, true
	}
	next := *current
	if c.Address.Empty() {
		next.Default = false
	} else {
		next.Address = c.Address
	}
	return next.changed(now), true
}
