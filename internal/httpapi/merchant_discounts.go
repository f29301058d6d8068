package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantListDiscounts shows what is taken off.
func (s *Server) MerchantListDiscounts(ctx context.Context, in api.MerchantListDiscountsRequestObject) (api.MerchantListDiscountsResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	filter := billing.CatalogFilter{ExternalID: value(in.Params.ExternalId), Archived: archivedOnly(in.Params.Status), Code: value(in.Params.Code)}
	found, err := s.Catalog.Discounts(ctx, requestOf(ctx).merchant, filter, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.Discount) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.MerchantListDiscounts200JSONResponse{Body: api.DiscountList{Page: next, Data: each(found, presenterOf(ctx).catalogDiscount)}}, nil
}

// MerchantGetDiscount shows one discount.
func (s *Server) MerchantGetDiscount(ctx context.Context, in api.MerchantGetDiscountRequestObject) (api.MerchantGetDiscountResponseObject, error) {
	found, err := s.Catalog.Discount(ctx, requestOf(ctx).merchant, billing.DiscountID(in.DiscountId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).catalogDiscount(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetDiscount304Response{}, nil
	}
	return api.MerchantGetDiscount200JSONResponse{Body: shown}, nil
}

// MerchantCreateDiscount adds a discount.
func (s *Server) MerchantCreateDiscount(ctx context.Context, in api.MerchantCreateDiscountRequestObject) (api.MerchantCreateDiscountResponseObject, error) {
	b := in.Body
	once := 1
	discount := billing.Discount{
		Type: billing.DiscountType(b.Type), Percent: foyer.Rate(value(b.Percent)), Periods: &once, Code: value(b.Code),
		Description: value(b.Description), ExternalID: value(b.ExternalId), Metadata: value(metadata(b.Metadata)),
	}
	if b.Amount != nil {
		amount := money(*b.Amount)
		discount.Amount = &amount
	}
	if b.Periods.IsSpecified() {
		discount.Periods = nil
		if !b.Periods.IsNull() {
			n := int(b.Periods.MustGet())
			discount.Periods = &n
		}
	}
	made, err := s.Catalog.CreateDiscount(ctx, requestOf(ctx).actor(), discount)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).catalogDiscount(made)
	_, err = unchanged(ctx, made.Version, shown)
	return api.MerchantCreateDiscount201JSONResponse{Body: shown}, err
}

// MerchantUpdateDiscount changes how a discount is described and found.
func (s *Server) MerchantUpdateDiscount(ctx context.Context, in api.MerchantUpdateDiscountRequestObject) (api.MerchantUpdateDiscountResponseObject, error) {
	b := in.Body
	changed, err := s.Catalog.UpdateDiscount(ctx, requestOf(ctx).actor(), billing.DiscountID(in.DiscountId), billing.DiscountChange{
		Code: given(b.Code), Description: given(b.Description), ExternalID: given(b.ExternalId), Metadata: givenMetadata(b.Metadata),
	}, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).catalogDiscount(changed)
	_, err = unchanged(ctx, changed.Version, shown)
	return api.MerchantUpdateDiscount200JSONResponse{Body: shown}, err
}

// MerchantArchiveDiscount makes a discount one that is not given any more.
func (s *Server) MerchantArchiveDiscount(ctx context.Context, in api.MerchantArchiveDiscountRequestObject) (api.MerchantArchiveDiscountResponseObject, error) {
	archived, err := s.Catalog.ArchiveDiscount(ctx, requestOf(ctx).actor(), billing.DiscountID(in.DiscountId))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).catalogDiscount(archived)
	_, err = unchanged(ctx, archived.Version, shown)
	return api.MerchantArchiveDiscount200JSONResponse{Body: shown}, err
}

// catalogDiscount is a discount as the catalog has it; discount shows one that was given.
func (p presenter) catalogDiscount(v billing.Discount) api.Discount {
	shown := api.Discount{
		Id: string(v.ID), ExternalId: orNull(v.ExternalID), Type: api.DiscountType(v.Type), Percent: orNull(v.Percent), Code: orNull(v.Code),
		Description: orNull(v.Description), Status: archivalStatus(v.Archived), Metadata: showMetadata(v.Metadata),
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
	if v.Amount != nil {
		amount := p.money(v.Amount.Amount, v.Amount.Currency)
		shown.Amount = &amount
	}
	if v.Periods != nil {
		n := int32(*v.Periods)
		shown.Periods = &n
	}
	return shown
}
