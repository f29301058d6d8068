package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantListPrices shows what products cost.
func (s *Server) MerchantListPrices(ctx context.Context, in api.MerchantListPricesRequestObject) (api.MerchantListPricesResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	filter := billing.CatalogFilter{
		ExternalID: value(in.Params.ExternalId), Archived: archivedOnly(in.Params.Status), Product: billing.ProductID(value(in.Params.ProductId)),
	}
	found, err := s.Catalog.Prices(ctx, requestOf(ctx).merchant, filter, in.Params.Include != nil, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.CatalogPrice) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.MerchantListPrices200JSONResponse{Body: api.PriceList{Page: next, Data: each(found, presenterOf(ctx).catalogPrice)}}, nil
}

// MerchantGetPrice shows one price.
func (s *Server) MerchantGetPrice(ctx context.Context, in api.MerchantGetPriceRequestObject) (api.MerchantGetPriceResponseObject, error) {
	found, err := s.Catalog.Price(ctx, requestOf(ctx).merchant, billing.PriceID(in.PriceId), in.Params.Include != nil)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).catalogPrice(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetPrice304Response{}, nil
	}
	return api.MerchantGetPrice200JSONResponse{Body: shown}, nil
}

// MerchantCreatePrice adds a price.
func (s *Server) MerchantCreatePrice(ctx context.Context, in api.MerchantCreatePriceRequestObject) (api.MerchantCreatePriceResponseObject, error) {
	b := in.Body
	price := billing.Price{
		Product: billing.ProductID(b.ProductId), Name: value(b.Name), Description: value(b.Description), UnitPrice: money(b.UnitPrice),
		Cycle: cycleOf(b.BillingCycle), Trial: cycleOf(b.Trial), TaxRate: foyer.Rate(value(b.TaxRate)), ExternalID: value(b.ExternalId),
		TaxBehavior: billing.TaxBehavior(value(b.TaxBehavior)), Metadata: value(metadata(b.Metadata)),
	}
	if b.Quantity != nil {
		price.QuantityMin, price.QuantityMax = value(b.Quantity.Min), value(b.Quantity.Max)
	}
	made, err := s.Catalog.CreatePrice(ctx, requestOf(ctx).actor(), price)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).price(made)
	_, err = unchanged(ctx, made.Version, shown)
	return api.MerchantCreatePrice201JSONResponse{Body: shown}, err
}

// MerchantUpdatePrice changes how a price is described and how many may be bought.
func (s *Server) MerchantUpdatePrice(ctx context.Context, in api.MerchantUpdatePriceRequestObject) (api.MerchantUpdatePriceResponseObject, error) {
	b := in.Body
	change := billing.PriceChange{
		Name: given(b.Name), Description: given(b.Description), ExternalID: given(b.ExternalId), Metadata: givenMetadata(b.Metadata),
	}
	if b.Quantity.IsSpecified() {
		change.Quantity = &billing.Quantity{}
		if !b.Quantity.IsNull() {
			bounds := b.Quantity.MustGet()
			*change.Quantity = billing.Quantity{Min: value(bounds.Min), Max: value(bounds.Max)}
		}
	}
	changed, err := s.Catalog.UpdatePrice(ctx, requestOf(ctx).actor(), billing.PriceID(in.PriceId), change, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).price(changed)
	_, err = unchanged(ctx, changed.Version, shown)
	return api.MerchantUpdatePrice200JSONResponse{Body: shown}, err
}

// MerchantArchivePrice takes a price out of sale.
func (s *Server) MerchantArchivePrice(ctx context.Context, in api.MerchantArchivePriceRequestObject) (api.MerchantArchivePriceResponseObject, error) {
	archived, err := s.Catalog.ArchivePrice(ctx, requestOf(ctx).actor(), billing.PriceID(in.PriceId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).price(archived)
	_, err = unchanged(ctx, archived.Version, shown)
	return api.MerchantArchivePrice200JSONResponse{Body: shown}, err
}

func (p presenter) catalogPrice(v billing.CatalogPrice) api.Price {
	shown := p.price(v.Price)
	if v.Of.ID != "" {
		of := showProduct(v.Of)
		shown.Product = &of
	}
	return shown
}

func (p presenter) price(v billing.Price) api.Price {
	shown := api.Price{
		Id: string(v.ID), ExternalId: orNull(v.ExternalID), ProductId: orNull(v.Product), Name: orNull(v.Name), Description: orNull(v.Description),
		UnitPrice: p.money(v.UnitPrice.Amount, v.UnitPrice.Currency), BillingCycle: showCycle(v.Cycle), Trial: showCycle(v.Trial),
		TaxRate: string(v.TaxRate), TaxBehavior: api.TaxBehavior(v.TaxBehavior), Status: archivalStatus(v.Archived),
		Metadata: showMetadata(v.Metadata), CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
	if v.QuantityMin > 0 || v.QuantityMax > 0 {
		shown.Quantity = &api.QuantityBounds{Min: bound(v.QuantityMin), Max: bound(v.QuantityMax)}
	}
	return shown
}

// bound shows a bound that is none as null.
func bound(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func showCycle(c *foyer.Cycle) *api.BillingCycle {
	if c == nil {
		return nil
	}
	return &api.BillingCycle{Interval: api.Interval(c.Interval), Frequency: int32(c.Frequency)}
}

func cycleOf(c *api.BillingCycle) *foyer.Cycle {
	if c == nil {
		return nil
	}
	return &foyer.Cycle{Interval: foyer.Interval(c.Interval), Frequency: int(c.Frequency)}
}

func money(a api.Amount) foyer.Money {
	return foyer.Money{Amount: a.Amount, Currency: foyer.Currency(a.Currency)}
}
