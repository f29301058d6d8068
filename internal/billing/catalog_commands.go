package billing

import (
	"context"
	"errors"
	"time"

	"foyer/internal/foyer"
)

// CatalogFilter narrows a list of the catalog; empty fields do not.
type CatalogFilter struct {
	ExternalID string
	Archived   *bool
	// Product is for prices, Code for discounts.
	Product ProductID
	Code    string
}

// CatalogStore keeps what a merchant sells. Methods join the transaction in ctx when there is one; what is another
// merchant's is foyer.NotFound. Lists come newest first. Create… is Conflict (conflict) when the external id, or the code of
// a discount, is another's; Save… saves what is changed if nobody changed it since (its version is one more than the row's),
// is false when somebody did, and Conflict as Create… is.
type CatalogStore interface {
	Conclude(ctx context.Context, fn func(ctx context.Context) error) error

	ListProducts(ctx context.Context, merchant foyer.MerchantID, filter CatalogFilter, page foyer.PageRequest) ([]Product, error)
	Product(ctx context.Context, merchant foyer.MerchantID, id ProductID) (Product, error)
	Products(ctx context.Context, merchant foyer.MerchantID, ids []ProductID) (map[ProductID]Product, error)
	CreateProduct(ctx context.Context, p Product) error
	SaveProduct(ctx context.Context, p Product) (bool, error)

	ListPrices(ctx context.Context, merchant foyer.MerchantID, filter CatalogFilter, page foyer.PageRequest) ([]Price, error)
	Price(ctx context.Context, merchant foyer.MerchantID, id PriceID) (Price, error)
	Prices(ctx context.Context, merchant foyer.MerchantID, ids []PriceID) (map[PriceID]CatalogPrice, error)
	// PricesOf returns the newest prices of each of the products that are not archived, at most most of each.
	PricesOf(ctx context.Context, merchant foyer.MerchantID, products []ProductID, most int) ([]Price, error)
	CreatePrice(ctx context.Context, p Price) error
	SavePrice(ctx context.Context, p Price) (bool, error)

	ListDiscounts(ctx context.Context, merchant foyer.MerchantID, filter CatalogFilter, page foyer.PageRequest) ([]Discount, error)
	Discount(ctx context.Context, merchant foyer.MerchantID, id DiscountID) (Discount, error)
	// DiscountByCode returns a discount of the code that is not archived.
	DiscountByCode(ctx context.Context, merchant foyer.MerchantID, code string) (Discount, error)
	CreateDiscount(ctx context.Context, d Discount) error
	SaveDiscount(ctx context.Context, d Discount) (bool, error)

	// ExternalOwner returns the id of the merchant's thing of the kind that has the external id, empty when none has.
	ExternalOwner(ctx context.Context, merchant foyer.MerchantID, kind foyer.Prefix, externalID string) (string, error)
	RecordEvents(ctx context.Context, events ...foyer.Event) error
}

// Catalog is a merchant's products, prices and discounts. What is archived can't be newly subscribed to; subscriptions to
// it go on.
type Catalog struct {
	store CatalogStore
	ids   foyer.IDs
	now   Clock
}

// NewCatalog returns a Catalog.
func NewCatalog(store CatalogStore, ids foyer.IDs, now Clock) *Catalog {
	return &Catalog{store: store, ids: ids, now: now}
}

// ProductDetails is a product with its prices; nil unless they were asked for.
type ProductDetails struct {
	Product
	Prices []Price
}

// Products returns a page of the merchant's products, newest first; withPrices adds the newest prices of each that are
// not archived.
func (c *Catalog) Products(ctx context.Context, merchant foyer.MerchantID, filter CatalogFilter, withPrices bool, page foyer.PageRequest) ([]ProductDetails, error) {
	found, err := c.store.ListProducts(ctx, merchant, filter, page)
	if err != nil {
		return nil, err
	}
	return c.priced(ctx, merchant, withPrices, found...)
}

// Product returns one product.
func (c *Catalog) Product(ctx context.Context, merchant foyer.MerchantID, id ProductID, withPrices bool) (ProductDetails, error) {
	found, err := c.store.Product(ctx, merchant, id)
	if err != nil {
		return ProductDetails{}, err
	}
	return one(c.priced(ctx, merchant, withPrices, found))
}

func (c *Catalog) priced(ctx context.Context, merchant foyer.MerchantID, withPrices bool, found ...Product) ([]ProductDetails, error) {
	out, place, ids := make([]ProductDetails, len(found)), map[ProductID]int{}, make([]ProductID, len(found))
	for i, p := range found {
		out[i].Product, place[p.ID], ids[i] = p, i, p.ID
		if withPrices {
			out[i].Prices = []Price{}
		}
	}
	if !withPrices {
		return out, nil
	}
	prices, err := c.store.PricesOf(ctx, merchant, ids, IncludedPerOne)
	for _, p := range prices {
		d := &out[place[p.Product]]
		d.Prices = append(d.Prices, p)
	}
	return out, err
}

// CreateProduct adds a product of the merchant that acts; its id, times and version are set here.
//
// Refusals: Invalid with every field at fault; Conflict (external_id.taken).
func (c *Catalog) CreateProduct(ctx context.Context, by foyer.Actor, p Product) (Product, error) {
	now, err := c.now(ctx, by.Scope.Merchant)
	if err != nil {
		return Product{}, err
	}
	p, err = Product{Merchant: by.Scope.Merchant}.Change(ProductChange{
		Name: &p.Name, Description: &p.Description, ImageURL: &p.ImageURL, ExternalID: &p.ExternalID, Metadata: &p.Metadata,
	}, now)
	if err != nil {
		return Product{}, err
	}
	p.ID, p.CreatedAt, p.Version = ProductID(c.ids(foyer.PrefixProduct)), p.UpdatedAt, 1
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		if err := c.store.CreateProduct(ctx, p); err != nil {
			return err
		}
		return c.record(ctx, by, EventProductCreated, string(p.ID), now)
	})
	return p, c.productTaken(ctx, p, err)
}

// UpdateProduct changes a product. ifVersion is the version the caller read, 0 when it does not care.
//
// Refusals: Invalid with every field at fault; PreconditionFailed; Conflict (external_id.taken, conflict).
func (c *Catalog) UpdateProduct(ctx context.Context, by foyer.Actor, id ProductID, change ProductChange, ifVersion int64) (Product, error) {
	return c.changeProduct(ctx, by, id, EventProductUpdated, ifVersion, func(p Product, now time.Time) (Product, error) { return p.Change(change, now) })
}

// ArchiveProduct takes a product and its prices out of sale; archived already is fine.
func (c *Catalog) ArchiveProduct(ctx context.Context, by foyer.Actor, id ProductID) (Product, error) {
	return c.changeProduct(ctx, by, id, EventProductArchived, 0, func(p Product, now time.Time) (Product, error) { return p.Archive(now), nil })
}

func (c *Catalog) changeProduct(
	ctx context.Context, by foyer.Actor, id ProductID, kind foyer.EventType, ifVersion int64, change func(Product, time.Time) (Product, error),
) (Product, error) {
	var changed Product
	err := c.change(ctx, by, func(ctx context.Context, now time.Time) error {
		current, err := c.store.Product(ctx, by.Scope.Merchant, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != current.Version {
			return errChanged()
		}
		if changed, err = change(current, now); err != nil || changed.Version == current.Version {
			return err
		}
		if err := decided(ifVersion)(c.store.SaveProduct(ctx, changed)); err != nil {
			return err
		}
		return c.record(ctx, by, kind, string(id), now)
	})
	return changed, c.productTaken(ctx, changed, err)
}

func (c *Catalog) productTaken(ctx context.Context, p Product, clash error) error {
	return ExternalTaken(ctx, c.store, p.Merchant, foyer.PrefixProduct, string(p.ID), p.ExternalID, clash)
}

// Prices returns a page of the merchant's prices, newest first; withProducts adds what each is a price of.
func (c *Catalog) Prices(ctx context.Context, merchant foyer.MerchantID, filter CatalogFilter, withProducts bool, page foyer.PageRequest) ([]CatalogPrice, error) {
	found, err := c.store.ListPrices(ctx, merchant, filter, page)
	if err != nil {
		return nil, err
	}
	return c.named(ctx, merchant, withProducts, found...)
}

// Price returns one price.
func (c *Catalog) Price(ctx context.Context, merchant foyer.MerchantID, id PriceID, withProduct bool) (CatalogPrice, error) {
	found, err := c.store.Price(ctx, merchant, id)
	if err != nil {
		return CatalogPrice{}, err
	}
	return one(c.named(ctx, merchant, withProduct, found))
}

// UnknownPrices returns those of the ids that are no price of the merchant's, archived ones among them or not.
func (c *Catalog) UnknownPrices(ctx context.Context, merchant foyer.MerchantID, ids []PriceID) ([]PriceID, error) {
	var wellFormed []PriceID
	for _, id := range ids {
		if foyer.ValidID(foyer.PrefixPrice, string(id)) {
			wellFormed = append(wellFormed, id)
		}
	}
	found, err := c.store.Prices(ctx, merchant, wellFormed)
	if err != nil {
		return nil, err
	}
	var unknown []PriceID
	for _, id := range ids {
		if _, known := found[id]; !known {
			unknown = append(unknown, id)
		}
	}
	return unknown, nil
}

func (c *Catalog) named(ctx context.Context, merchant foyer.MerchantID, withProducts bool, found ...Price) ([]CatalogPrice, error) {
	out, ids := make([]CatalogPrice, len(found)), make([]ProductID, len(found))
	for i, p := range found {
		out[i].Price, ids[i] = p, p.Product
	}
	if !withProducts {
		return out, nil
	}
	products, err := c.store.Products(ctx, merchant, ids)
	for i := range out {
		out[i].Of = products[out[i].Product]
	}
	return out, err
}

// CreatePrice adds a price of a product of the merchant that acts; its id, times and version are set here.
//
// Refusals: Invalid with every field at fault: an unknown currency, an amount below zero or beyond what can be charged, a
// cycle, rate or bounds that make no sense, another merchant's product or one that is archived; Conflict (external_id.taken).
func (c *Catalog) CreatePrice(ctx context.Context, by foyer.Actor, p Price) (Price, error) {
	p.Merchant = by.Scope.Merchant
	p, err := p.checked()
	if err != nil {
		return Price{}, err
	}
	now, err := c.now(ctx, p.Merchant)
	if err != nil {
		return Price{}, err
	}
	p.ID, p.CreatedAt, p.UpdatedAt, p.Version = PriceID(c.ids(foyer.PrefixPrice)), foyer.Micro(now), foyer.Micro(now), 1
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		product, err := c.store.Product(ctx, p.Merchant, p.Product)
		if err != nil {
			return unknownReference(err, "/product_id")
		}
		if product.Archived {
			return foyer.InvalidFields(foyer.FieldError{Pointer: "/product_id", Code: "product.archived"})
		}
		if err := c.store.CreatePrice(ctx, p); err != nil {
			return err
		}
		return c.record(ctx, by, EventPriceCreated, string(p.ID), now)
	})
	return p, c.priceTaken(ctx, p, err)
}

// UpdatePrice changes how a price is described and how many may be bought, never what is paid. ifVersion is the version the
// caller read, 0 when it does not care.
//
// Refusals: Invalid with every field at fault; PreconditionFailed; Conflict (external_id.taken, conflict).
func (c *Catalog) UpdatePrice(ctx context.Context, by foyer.Actor, id PriceID, change PriceChange, ifVersion int64) (Price, error) {
	return c.changePrice(ctx, by, id, EventPriceUpdated, ifVersion, func(p Price, now time.Time) (Price, error) { return p.Change(change, now) })
}

// ArchivePrice takes a price out of sale; archived already is fine.
func (c *Catalog) ArchivePrice(ctx context.Context, by foyer.Actor, id PriceID) (Price, error) {
	return c.changePrice(ctx, by, id, EventPriceArchived, 0, func(p Price, now time.Time) (Price, error) { return p.Archive(now), nil })
}

func (c *Catalog) changePrice(
	ctx context.Context, by foyer.Actor, id PriceID, kind foyer.EventType, ifVersion int64, change func(Price, time.Time) (Price, error),
) (Price, error) {
	var changed Price
	err := c.change(ctx, by, func(ctx context.Context, now time.Time) error {
		current, err := c.store.Price(ctx, by.Scope.Merchant, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != current.Version {
			return errChanged()
		}
		if changed, err = change(current, now); err != nil || changed.Version == current.Version {
			return err
		}
		if err := decided(ifVersion)(c.store.SavePrice(ctx, changed)); err != nil {
			return err
		}
		return c.record(ctx, by, kind, string(id), now)
	})
	return changed, c.priceTaken(ctx, changed, err)
}

func (c *Catalog) priceTaken(ctx context.Context, p Price, clash error) error {
	return ExternalTaken(ctx, c.store, p.Merchant, foyer.PrefixPrice, string(p.ID), p.ExternalID, clash)
}

// Discounts returns a page of the merchant's discounts, newest first.
func (c *Catalog) Discounts(ctx context.Context, merchant foyer.MerchantID, filter CatalogFilter, page foyer.PageRequest) ([]Discount, error) {
	return c.store.ListDiscounts(ctx, merchant, filter, page)
}

// Discount returns one discount.
func (c *Catalog) Discount(ctx context.Context, merchant foyer.MerchantID, id DiscountID) (Discount, error) {
	return c.store.Discount(ctx, merchant, id)
}

// CreateDiscount adds a discount of the merchant that acts; its id, times and version are set here.
//
// Refusals: Invalid with every field at fault; Conflict (discount.code_taken, external_id.taken).
func (c *Catalog) CreateDiscount(ctx context.Context, by foyer.Actor, d Discount) (Discount, error) {
	d.Merchant = by.Scope.Merchant
	d, err := d.checked()
	if err != nil {
		return Discount{}, err
	}
	now, err := c.now(ctx, d.Merchant)
	if err != nil {
		return Discount{}, err
	}
	d.ID, d.CreatedAt, d.UpdatedAt, d.Version = DiscountID(c.ids(foyer.PrefixDiscount)), foyer.Micro(now), foyer.Micro(now), 1
	err = c.store.Conclude(ctx, func(ctx context.Context) error {
		if err := c.codeFree(ctx, d); err != nil {
			return err
		}
		if err := c.store.CreateDiscount(ctx, d); err != nil {
			return err
		}
		return c.record(ctx, by, EventDiscountCreated, string(d.ID), now)
	})
	return d, c.discountTaken(ctx, d, err)
}

// UpdateDiscount changes how a discount is described and found, never what it takes off. ifVersion is the version the
// caller read, 0 when it does not care.
//
// Refusals: Invalid with every field at fault; PreconditionFailed; Conflict (discount.code_taken, external_id.taken, conflict).
func (c *Catalog) UpdateDiscount(ctx context.Context, by foyer.Actor, id DiscountID, change DiscountChange, ifVersion int64) (Discount, error) {
	return c.changeDiscount(ctx, by, id, EventDiscountUpdated, ifVersion, func(d Discount, now time.Time) (Discount, error) { return d.Change(change, now) })
}

// ArchiveDiscount makes a discount one that is not given any more; archived already is fine. Its code is free again.
func (c *Catalog) ArchiveDiscount(ctx context.Context, by foyer.Actor, id DiscountID) (Discount, error) {
	return c.changeDiscount(ctx, by, id, EventDiscountArchived, 0, func(d Discount, now time.Time) (Discount, error) { return d.Archive(now), nil })
}

func (c *Catalog) changeDiscount(
	ctx context.Context, by foyer.Actor, id DiscountID, kind foyer.EventType, ifVersion int64, change func(Discount, time.Time) (Discount, error),
) (Discount, error) {
	var changed Discount
	err := c.change(ctx, by, func(ctx context.Context, now time.Time) error {
		current, err := c.store.Discount(ctx, by.Scope.Merchant, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != current.Version {
			return errChanged()
		}
		if changed, err = change(current, now); err != nil || changed.Version == current.Version {
			return err
		}
		if changed.Code != current.Code {
			if err := c.codeFree(ctx, changed); err != nil {
				return err
			}
		}
		if err := decided(ifVersion)(c.store.SaveDiscount(ctx, changed)); err != nil {
			return err
		}
		return c.record(ctx, by, kind, string(id), now)
	})
	return changed, c.discountTaken(ctx, changed, err)
}

// codeFree is Conflict (discount.code_taken) when another discount that is given has the code. Two that are written at the
// same moment the database tells apart, unless one was imported: then it knows no better than this.
func (c *Catalog) codeFree(ctx context.Context, d Discount) error {
	if d.Code == "" || d.Archived {
		return nil
	}
	other, err := c.store.DiscountByCode(ctx, d.Merchant, d.Code)
	switch {
	case errors.Is(err, foyer.NotFound), err == nil && other.ID == d.ID:
		return nil
	case err != nil:
		return err
	}
	return foyer.Refuse(foyer.Conflict, "discount.code_taken")
}

func (c *Catalog) discountTaken(ctx context.Context, d Discount, clash error) error {
	if !unnamed(clash) {
		return clash
	}
	if err := c.codeFree(ctx, d); err != nil {
		return err
	}
	return ExternalTaken(ctx, c.store, d.Merchant, foyer.PrefixDiscount, string(d.ID), d.ExternalID, clash)
}

// change runs a command on one thing of the catalog.
func (c *Catalog) change(ctx context.Context, by foyer.Actor, fn func(ctx context.Context, now time.Time) error) error {
	now, err := c.now(ctx, by.Scope.Merchant)
	if err != nil {
		return err
	}
	return c.store.Conclude(ctx, func(ctx context.Context) error { return fn(ctx, now) })
}

// record writes the event of a change. The catalog is no customer's.
func (c *Catalog) record(ctx context.Context, by foyer.Actor, kind foyer.EventType, subject string, at time.Time) error {
	return c.store.RecordEvents(ctx, foyer.Event{
		ID: c.ids(foyer.PrefixEvent), Scope: foyer.Scope{Merchant: by.Scope.Merchant}, Type: kind, Subject: subject, At: foyer.Micro(at),
	})
}
