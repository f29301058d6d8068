package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantListAddresses shows a customer's addresses.
func (s *Server) MerchantListAddresses(ctx context.Context, in api.MerchantListAddressesRequestObject) (api.MerchantListAddressesResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	found, err := s.Customers.Addresses(ctx, actingFor(ctx, foyer.CustomerID(in.CustomerId)).Scope, archivedOnly(in.Params.Status), p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.CustomerAddress) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.MerchantListAddresses200JSONResponse{Body: api.CustomerAddressList{Page: next, Data: each(found, showAddress)}}, nil
}

// MerchantGetAddress shows one address.
func (s *Server) MerchantGetAddress(ctx context.Context, in api.MerchantGetAddressRequestObject) (api.MerchantGetAddressResponseObject, error) {
	found, err := s.Customers.Address(ctx, actingFor(ctx, foyer.CustomerID(in.CustomerId)).Scope, billing.AddressID(in.AddressId))
	if err != nil {
		return nil, err
	}
	shown := showAddress(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetAddress304Response{}, nil
	}
	return api.MerchantGetAddress200JSONResponse{Body: shown}, nil
}

// MerchantCreateAddress adds an address.
func (s *Server) MerchantCreateAddress(ctx context.Context, in api.MerchantCreateAddressRequestObject) (api.MerchantCreateAddressResponseObject, error) {
	b := in.Body
	made, err := s.Customers.CreateAddress(ctx, actingFor(ctx, foyer.CustomerID(in.CustomerId)), billing.CustomerAddressChange{
		Address:     billing.AddressChange{Line1: b.Line1, Line2: b.Line2, City: b.City, Region: b.Region, PostalCode: b.PostalCode, Country: b.Country},
		Description: b.Description, ExternalID: b.ExternalId, Metadata: metadata(b.Metadata), Default: b.Default,
	})
	if err != nil {
		return nil, err
	}
	shown := showAddress(made)
	_, err = unchanged(ctx, made.Version, shown)
	return api.MerchantCreateAddress201JSONResponse{Body: shown}, err
}

// MerchantUpdateAddress changes an address.
func (s *Server) MerchantUpdateAddress(ctx context.Context, in api.MerchantUpdateAddressRequestObject) (api.MerchantUpdateAddressResponseObject, error) {
	b := in.Body
	change := billing.CustomerAddressChange{
		Address: *addressChange(api.UpdateAddress{
			Line1: b.Line1, Line2: b.Line2, City: b.City, Region: b.Region, PostalCode: b.PostalCode, Country: b.Country,
		}),
		Description: given(b.Description), ExternalID: given(b.ExternalId), Metadata: givenMetadata(b.Metadata), Default: b.Default,
	}
	by := actingFor(ctx, foyer.CustomerID(in.CustomerId))
	changed, err := s.Customers.UpdateAddress(ctx, by, billing.AddressID(in.AddressId), change, versionWanted(ctx))
	if err != nil {
		return nil, err
	}
	shown := showAddress(changed)
	_, err = unchanged(ctx, changed.Version, shown)
	return api.MerchantUpdateAddress200JSONResponse{Body: shown}, err
}

// MerchantArchiveAddress puts an address away.
func (s *Server) MerchantArchiveAddress(ctx context.Context, in api.MerchantArchiveAddressRequestObject) (api.MerchantArchiveAddressResponseObject, error) {
	archived, err := s.Customers.ArchiveAddress(ctx, actingFor(ctx, foyer.CustomerID(in.CustomerId)), billing.AddressID(in.AddressId))
	if err != nil {
		return nil, err
	}
	shown := showAddress(archived)
	_, err = unchanged(ctx, archived.Version, shown)
	return api.MerchantArchiveAddress200JSONResponse{Body: shown}, err
}

func showAddress(v billing.CustomerAddress) api.CustomerAddress {
	return api.CustomerAddress{
		Id: string(v.ID), CustomerId: string(v.Customer), ExternalId: orNull(v.ExternalID), Description: orNull(v.Description),
		Line1: orNull(v.Line1), Line2: orNull(v.Line2), City: orNull(v.City), Region: orNull(v.Region), PostalCode: orNull(v.PostalCode),
		Country: orNull(v.Country), Default: v.Default, Status: archivalStatus(v.Archived), Metadata: showMetadata(v.Metadata),
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
	}
}
