package billing

import "foyer/internal/foyer"

// The changes of customers, their addresses and the catalog.
const (
	EventCustomerCreated  foyer.EventType = "customer.created"
	EventCustomerUpdated  foyer.EventType = "customer.updated"
	EventCustomerArchived foyer.EventType = "customer.archived"
	EventAddressCreated   foyer.EventType = "address.created"
	EventAddressUpdated   foyer.EventType = "address.updated"
	EventAddressArchived  foyer.EventType = "address.archived"
	EventProductCreated   foyer.EventType = "product.created"
	EventProductUpdated   foyer.EventType = "product.updated"
	EventProductArchived  foyer.EventType = "product.archived"
	EventPriceCreated     foyer.EventType = "price.created"
	EventPriceUpdated     foyer.EventType = "price.updated"
	EventPriceArchived    foyer.EventType = "price.archived"
	EventDiscountCreated  foyer.EventType = "discount.created"
	EventDiscountUpdated  foyer.EventType = "discount.updated"
	EventDiscountArchived foyer.EventType = "discount.archived"
)
