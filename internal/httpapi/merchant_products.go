package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantListProducts shows what is sold.
func (s *Server) MerchantListProducts(ctx context.Context, in api.MerchantListProductsRequestObject) (api.MerchantListProductsResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	filter := billing.CatalogFilter{ExternalID: value(in.Params.ExternalId), Archived: archivedOnly(in.Params.Status)}
	found, err := s.Catalog.Products(ctx, requestOf(ctx).merchant, filter, in.Params.Include != nil, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.ProductDetails) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.MerchantListProducts200JSONResponse{Body: api.ProductList{Page: next, Data: each(found, presenterOf(ctx).productDetails)}}, nil
}

// MerchantGetProduct shows one product.
func (s *Server) MerchantGetProduct(ctx context.Context, in api.MerchantGetProductRequestObject) (api.MerchantGetProductResponseObject, error) {
	found, err := s.Catalog.Product(ctx, requestOf(ctx).merchant, billing.ProductID(in.ProductId), in.Params.Include != nil)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).productDetails(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetProduct304Response{}, nil
	}
	return api.MerchantGetProduct200JSONResponse{Body: shown}, nil
}

// MerchantCreateProduct adds a product.
func (s *Server) MerchantCreateProduct(ctx context.Context, in api.MerchantCreateProductRequestObject) (api.MerchantCreateProductResponseObject, error) {
	b := in.Body
	made, err := s.Catalog.CreateProduct(ctx, requestOf(ctx).actor(), billing.Product{
		Name: b.Name, Description: value(b.Description), ImageURL: value(b.ImageUrl), ExternalID: value(b.ExternalId), Metadata: value(metadata(b.Metadata)),
	})
	if err != nil {
		return nil, err
	}
	shown := showProduct(made)
	_, err = unchanged(ctx, made.Version, shown)
	return api.MerchantCreateProduct201JSONResponse{Body: shown}, err
}

// MerchantUpdateProduct changes a product.
func (s *Server) MerchantUpdateProduct(ctx context.Context, in api.MerchantUpdateProductRequestObject) (api.MerchantUpdateProductResponseObject, error) {
	b := in.Body
	changed, err := s.Catalog.UpdateProduct(ctx, requestOf(ctx).actor(), billing.ProductID(in.ProductId), billing.ProductChange{
		Name: b.Name, Description: given(b.Description), ImageURL: given(b.ImageUrl), ExternalID: given(b.ExternalId), Metadata: givenMetadata(b.Metadata),
	}, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown := showProduct(changed)
	_, err = unchanged(ctx, changed.Version, shown)
	return api.MerchantUpdateProduct200JSONResponse{Body: shown}, err
}

// MerchantArchiveProduct takes a product out of sale.
func (s *Server) MerchantArchiveProduct(ctx context.Context, in api.MerchantArchiveProductRequestObject) (api.MerchantArchiveProductResponseObject, error) {
	archived, err := s.Catalog.ArchiveProduct(ctx, requestOf(ctx).actor(), billing.ProductID(in.ProductId))
	if err != nil {
		return nil, err
	}
	shown := showProduct(archived)
	_, err = unchanged(ctx, archived.Version, shown)
	return api.MerchantArchiveProduct200JSONResponse{Body: shown}, err
}

func (p presenter) productDetails(v billing.ProductDetails) api.Product {
	shown := showProduct(v.Product)
	if v.Prices != nil {
		list := each(v.Prices, p.price)
		shown.Prices = &list
	}
	return shown
}

func showProduct(v billing.Product) api.Product {
	return api.Product{
		Id: string(v.ID), ExternalId: orNull(v.ExternalID), Name: v.Name, Description: orNull(v.Description), ImageUrl: orNull(v.ImageURL),
		Status: archivalStatus(v.Archived), Metadata: showMetadata(v.Metadata), CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
}
