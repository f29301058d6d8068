package billing

import (
	"context"
	"math/big"
	"unicode/utf8"

	"foyer/internal/foyer"
)

// CatalogStore keeps what a merchant sells.
type CatalogStore interface {
	CreateProduct(ctx context.Context, p Product) error
	Product(ctx context.Context, merchant foyer.MerchantID, id ProductID) (Product, error)
	CreatePrice(ctx context.Context, p Price) error
	CreateDiscount(ctx context.Context, d Discount) error
}

// Catalog is a merchant's products, prices and discounts.
type Catalog struct {
	store CatalogStore
	ids   foyer.IDs
	now   Clock
}

// NewCatalog returns a Catalog.
func NewCatalog(store CatalogStore, ids foyer.IDs, now Clock) *Catalog {
	return &Catalog{store: store, ids: ids, now: now}
}

// CreateProduct adds a product; its ID and times are set here. Refusal: Invalid with every field at fault.
func (c *Catalog) CreateProduct(ctx context.Context, p Product) (Product, error) {
	if err := foyer.InvalidFields(nameFaults("/name", p.Name)...); err != nil {
		return Product{}, err
	}
	now, err := c.now(ctx, p.Merchant)
	if err != nil {
		return Product{}, err
	}
	p.ID, p.CreatedAt, p.UpdatedAt = ProductID(c.ids(foyer.PrefixProduct)), foyer.Micro(now), foyer.Micro(now)
	return p, c.store.CreateProduct(ctx, p)
}

// CreatePrice adds a price of a product; its ID and times are set here. Refusal: Invalid with every field at fault: an
// unknown currency, an amount below zero or beyond what can be charged, a cycle, rate or bounds that make no sense, another
// merchant's product.
func (c *Catalog) CreatePrice(ctx context.Context, p Price) (Price, error) {
	if err := foyer.InvalidFields(p.faults()...); err != nil {
		return Price{}, err
	}
	if _, err := c.store.Product(ctx, p.Merchant, p.Product); err != nil {
		return Price{}, unknownReference(err, "/product_id")
	}
	now, err := c.now(ctx, p.Merchant)
	if err != nil {
		return Price{}, err
	}
	if p.TaxRate == "" {
		p.TaxRate = "0"
	}
	if p.TaxBehavior == "" {
		p.TaxBehavior = TaxExclusive
	}
	p.ID, p.CreatedAt, p.UpdatedAt = PriceID(c.ids(foyer.PrefixPrice)), foyer.Micro(now), foyer.Micro(now)
	return p, c.store.CreatePrice(ctx, p)
}

func (p Price) faults() (faults []foyer.FieldError) {
	fault := func(pointer, code string) { faults = append(faults, foyer.FieldError{Pointer: pointer, Code: code}) }
	if !p.UnitPrice.Currency.Valid() {
		fault("/unit_price/currency", "input.currency")
	}
	if p.UnitPrice.Amount < 0 || p.UnitPrice.Amount > MaxAmount {
		fault("/unit_price/amount", "input.invalid")
	}
	if p.Cycle != nil && !p.Cycle.Valid() {
		fault("/billing_cycle", "input.invalid")
	}
	if p.Trial != nil && (!p.Trial.Valid() || p.Cycle == nil) {
		fault("/trial", "input.invalid")
	}
	if rate, ok := p.TaxRate.Rat(); p.TaxRate != "" && (!ok || rate.Sign() < 0 || rate.Cmp(big.NewRat(1, 1)) > 0) {
		fault("/tax_rate", "input.invalid")
	}
	if p.TaxBehavior != "" && p.TaxBehavior != TaxExclusive && p.TaxBehavior != TaxInclusive {
		fault("/tax_behavior", "input.enum")
	}
	if p.QuantityMin < 0 || p.QuantityMax < 0 || p.QuantityMax > MaxQuantity || p.QuantityMax > 0 && p.QuantityMin > p.QuantityMax {
		fault("/quantity", "input.quantity")
	}
	return faults
}

// CreateDiscount adds a discount; its ID and times are set here. Refusal: Invalid with every field at fault.
func (c *Catalog) CreateDiscount(ctx context.Context, d Discount) (Discount, error) {
	var faults []foyer.FieldError
	fault := func(pointer, code string) { faults = append(faults, foyer.FieldError{Pointer: pointer, Code: code}) }
	switch d.Type {
	case DiscountPercent:
		if percent, ok := d.Percent.Rat(); !ok || percent.Sign() <= 0 || percent.Cmp(big.NewRat(100, 1)) > 0 {
			fault("/percent", "input.invalid")
		}
	case DiscountFixed:
		if d.Amount == nil || d.Amount.Amount <= 0 || d.Amount.Amount > MaxAmount {
			fault("/amount", "input.invalid")
		} else if !d.Amount.Currency.Valid() {
			fault("/amount/currency", "input.currency")
		}
	default:
		fault("/type", "input.enum")
	}
	if d.Periods != nil && *d.Periods < 1 {
		fault("/periods", "input.invalid")
	}
	if err := foyer.InvalidFields(faults...); err != nil {
		return Discount{}, err
	}
	now, err := c.now(ctx, d.Merchant)
	if err != nil {
		return Discount{}, err
	}
	d.ID, d.CreatedAt, d.UpdatedAt = DiscountID(c.ids(foyer.PrefixDiscount)), foyer.Micro(now), foyer.Micro(now)
	return d, c.store.CreateDiscount(ctx, d)
}

func nameFaults(pointer, name string) []foyer.FieldError {
	switch {
	case name == "":
		return []foyer.FieldError{{Pointer: pointer, Code: "input.required"}}
	case !foyer.CleanText(name, false):
		return []foyer.FieldError{{Pointer: pointer, Code: "input.text_characters"}}
	case utf8.RuneCountInString(name) > maxNameLength:
		return []foyer.FieldError{{Pointer: pointer, Code: "input.too_long", Params: map[string]any{"Max": maxNameLength}}}
	}
	return nil
}

// AddMethodByToken stores a payment method a merchant's backend has a gateway's token of. Invalid for a token the gateway does
// not know, or when the gateway takes none.
func (s *Service) AddMethodByToken(ctx context.Context, by foyer.Actor, token string, isDefault bool) (PaymentMethod, error) {
	gateway, err := s.gateways.GatewayOf(ctx, by.Scope.Merchant)
	if err != nil {
		return PaymentMethod{}, err
	}
	resolver, can := gateway.(TokenResolver)
	if !can {
		return PaymentMethod{}, unknownReference(foyer.ErrNotFound(), "/gateway_token")
	}
	found, err := resolver.MethodByToken(ctx, token)
	if err != nil {
		return PaymentMethod{}, unknownReference(err, "/gateway_token")
	}
	now, err := s.now(ctx, by.Scope.Merchant)
	if err != nil {
		return PaymentMethod{}, err
	}
	method := NewPaymentMethod(Setup{
		Merchant: by.Scope.Merchant, Customer: by.Scope.Customer, Gateway: gateway.Name(),
		PaymentMethod: PaymentMethodID(s.ids(foyer.PrefixPaymentMethod)),
	}, found, foyer.Micro(now))
	err = s.store.Conclude(ctx, func(ctx context.Context) error {
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
		if err := s.installMethod(ctx, by.Scope, method, AddMethodInput{Default: isDefault}, method.CreatedAt); err != nil {
			return err
		}
		method, err = s.store.PaymentMethod(ctx, by.Scope, method.ID)
		return err
	})
	return method, err
}
