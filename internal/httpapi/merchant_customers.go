package httpapi

import (
	"context"
	"slices"

	"github.com/oapi-codegen/nullable"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// MerchantListCustomers shows the merchant's customers.
func (s *Server) MerchantListCustomers(ctx context.Context, in api.MerchantListCustomersRequestObject) (api.MerchantListCustomersResponseObject, error) {
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	show, err := s.customerPresenter(ctx, in.Params.Include)
	if err != nil {
		return nil, err
	}
	filter := billing.CustomerFilter{Email: value(in.Params.Email), ExternalID: value(in.Params.ExternalId), Archived: archivedOnly(in.Params.Status)}
	found, err := s.Customers.List(ctx, requestOf(ctx).merchant, filter, show.include, p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v billing.CustomerDetails) foyer.PageKey { return foyer.PageKey{At: v.CreatedAt, ID: string(v.ID)} })
	return api.MerchantListCustomers200JSONResponse{Body: api.CustomerList{Page: next, Data: each(found, show.customer)}}, nil
}

// MerchantGetCustomer shows one customer.
func (s *Server) MerchantGetCustomer(ctx context.Context, in api.MerchantGetCustomerRequestObject) (api.MerchantGetCustomerResponseObject, error) {
	show, err := s.customerPresenter(ctx, in.Params.Include)
	if err != nil {
		return nil, err
	}
	found, err := s.Customers.Details(ctx, actingFor(ctx, foyer.CustomerID(in.CustomerId)).Scope, show.include)
	if err != nil {
		return nil, err
	}
	shown := show.customer(found)
	same, err := unchanged(ctx, found.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetCustomer304Response{}, nil
	}
	return api.MerchantGetCustomer200JSONResponse{Body: shown}, nil
}

// MerchantCreateCustomer makes a customer.
func (s *Server) MerchantCreateCustomer(ctx context.Context, in api.MerchantCreateCustomerRequestObject) (api.MerchantCreateCustomerResponseObject, error) {
	change := billing.CustomerChange{
		Email: &in.Body.Email, Name: in.Body.Name, Locale: in.Body.Locale, Company: in.Body.Company, TaxID: in.Body.TaxId,
		ExternalID: in.Body.ExternalId, Metadata: metadata(in.Body.Metadata),
	}
	if a := in.Body.Address; a != nil {
		change.Address = addressChange(*a)
	}
	if err := knownLanguage(&change); err != nil {
		return nil, err
	}
	made, err := s.Customers.Create(ctx, requestOf(ctx).actor(), change)
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).customer(made)
	_, err = unchanged(ctx, made.Version, shown)
	return api.MerchantCreateCustomer201JSONResponse{Body: shown}, err
}

// MerchantUpdateCustomer changes a customer.
func (s *Server) MerchantUpdateCustomer(ctx context.Context, in api.MerchantUpdateCustomerRequestObject) (api.MerchantUpdateCustomerResponseObject, error) {
	r := requestOf(ctx)
	change, err := customerChange(api.UpdateMe{
		Name: in.Body.Name, Locale: in.Body.Locale, Company: in.Body.Company, TaxId: in.Body.TaxId, Address: in.Body.Address,
	}, billing.CustomerChange{Email: in.Body.Email, ExternalID: given(in.Body.ExternalId), Metadata: givenMetadata(in.Body.Metadata)})
	if err != nil {
		return nil, err
	}
	by := actingFor(ctx, foyer.CustomerID(in.CustomerId))
	changed, err := s.Customers.Update(ctx, by, change, versionWanted(ctx), r.place())
	if err != nil {
		return nil, err
	}
	if change.Locale != nil {
		s.locales.put(by.Scope, changed.Locale, s.Now())
	}
	shown := presenterOf(ctx).customer(changed)
	_, err = unchanged(ctx, changed.Version, shown)
	return api.MerchantUpdateCustomer200JSONResponse{Body: shown}, err
}

// MerchantArchiveCustomer puts a customer away.
func (s *Server) MerchantArchiveCustomer(ctx context.Context, in api.MerchantArchiveCustomerRequestObject) (api.MerchantArchiveCustomerResponseObject, error) {
	archived, err := s.Customers.Archive(ctx, actingFor(ctx, foyer.CustomerID(in.CustomerId)))
	if err != nil {
		return nil, err
	}
	shown := presenterOf(ctx).customer(archived)
	_, err = unchanged(ctx, archived.Version, shown)
	return api.MerchantArchiveCustomer200JSONResponse{Body: shown}, err
}

// customerPresenter shows customers with what was asked for.
type customerPresenter struct {
	subscriptionPresenter
	include billing.CustomerInclude
}

func (s *Server) customerPresenter(ctx context.Context, include *[]api.CustomerInclude) (customerPresenter, error) {
	show := customerPresenter{subscriptionPresenter: subscriptionPresenter{presenter: presenterOf(ctx)}}
	if include == nil {
		return show, nil
	}
	show.include = billing.CustomerInclude{
		Subscriptions:  slices.Contains(*include, api.IncludeSubscriptions),
		PaymentMethods: slices.Contains(*include, api.IncludePaymentMethods),
	}
	if !show.include.Subscriptions {
		return show, nil
	}
	var err error
	show.subscriptionPresenter, err = s.subscriptionPresenter(ctx)
	return show, err
}

func (p customerPresenter) customer(v billing.CustomerDetails) api.Customer {
	shown := p.presenter.customer(v)
	if v.Subscriptions != nil {
		list := each(v.Subscriptions, p.subscription)
		shown.Subscriptions = &list
	}
	if v.PaymentMethods != nil {
		list := each(v.PaymentMethods, merchantPaymentMethod)
		shown.PaymentMethods = &list
	}
	return shown
}

// customer is a customer as the merchant sees them.
func (p presenter) customer(v billing.CustomerDetails) api.Customer {
	me := showMe(v.Customer)
	return api.Customer{
		Id: me.Id, ExternalId: orNull(v.ExternalID), Email: me.Email, Name: me.Name, Locale: me.Locale, Company: me.Company, TaxId: me.TaxId,
		Address: me.Address, Status: archivalStatus(v.Archived), Metadata: showMetadata(v.Metadata), CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
		CreditBalances: each(v.Credits, func(c billing.Credit) api.Money { return p.money(c.Amount, c.Currency) }),
	}
}

func archivalStatus(archived bool) api.ArchivalStatus {
	if archived {
		return api.ArchivalStatusArchived
	}
	return api.ArchivalStatusActive
}

// archivedOnly reads the filter every archivable thing has; nil is both.
func archivedOnly(status *api.ArchivalStatus) *bool {
	if status == nil {
		return nil
	}
	archived := *status == api.ArchivalStatusArchived
	return &archived
}

func showMetadata(m foyer.Metadata) api.Metadata {
	if m == nil {
		return api.Metadata{}
	}
	return api.Metadata(m)
}

func metadata(m *api.Metadata) *foyer.Metadata {
	if m == nil {
		return nil
	}
	given := foyer.Metadata(*m)
	return &given
}

// givenMetadata reads the metadata of a PATCH: nil when they are absent, none when they are null.
func givenMetadata(f nullable.Nullable[api.Metadata]) *foyer.Metadata {
	if !f.IsSpecified() {
		return nil
	}
	var m foyer.Metadata
	if !f.IsNull() {
		m = foyer.Metadata(f.MustGet())
	}
	return &m
}
