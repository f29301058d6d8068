package httpapi

import (
	"context"
	"time"

	"github.com/oapi-codegen/nullable"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
)

// GetMe shows the signed-in customer.
func (s *Server) GetMe(ctx context.Context, _ api.GetMeRequestObject) (api.GetMeResponseObject, error) {
	customer, err := s.Billing.Customer(ctx, requestOf(ctx).scope())
	if err != nil {
		return nil, err
	}
	shown := showMe(customer)
	same, err := unchanged(ctx, customer.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetMe304Response{}, nil
	}
	return api.GetMe200JSONResponse{Body: shown}, nil
}

func showMe(c billing.Customer) api.Me {
	return api.Me{
		Id: string(c.ID), Email: c.Email, Name: orNull(c.Name), Locale: orNull(c.Locale), Company: orNull(c.Company), TaxId: orNull(c.TaxID),
		Address: address(c.Address),
	}
}

// UpdateMe changes the signed-in customer.
func (s *Server) UpdateMe(ctx context.Context, in api.UpdateMeRequestObject) (api.UpdateMeResponseObject, error) {
	r := requestOf(ctx)
	change, err := customerChange(*in.Body, billing.CustomerChange{})
	if err != nil {
		return nil, err
	}
	customer, err := s.Customers.Update(ctx, r.actor(), change, versionWanted(ctx), r.place())
	if err != nil {
		return nil, err
	}
	s.locales.put(r.scope(), customer.Locale, s.Now())
	if change.Locale != nil && r.echo.QueryParam("locale") == "" {
		if r.locale, err = s.locale(ctx, r, ""); err != nil {
			return nil, err
		}
	}
	shown := showMe(customer.Customer)
	if _, err := unchanged(ctx, customer.Version, shown); err != nil {
		return nil, err
	}
	return api.UpdateMe200JSONResponse{Body: shown}, nil
}

// customerChange reads what a customer may change about themselves into a change that may have more in it.
func customerChange(body api.UpdateMe, change billing.CustomerChange) (billing.CustomerChange, error) {
	change.Name, change.Locale, change.Company, change.TaxID = given(body.Name), given(body.Locale), given(body.Company), given(body.TaxId)
	if body.Address.IsSpecified() {
		change.Address = &billing.AddressChange{Clear: body.Address.IsNull()}
		if !body.Address.IsNull() {
			change.Address = addressChange(body.Address.MustGet())
		}
	}
	return change, knownLanguage(&change)
}

func addressChange(a api.UpdateAddress) *billing.AddressChange {
	return &billing.AddressChange{
		Line1: given(a.Line1), Line2: given(a.Line2), City: given(a.City), Region: given(a.Region),
		PostalCode: given(a.PostalCode), Country: given(a.Country),
	}
}

// knownLanguage refuses a tag that is none. What languages there are is not billing's to know; its own rules are asked too, so
// that all faults are told at once.
func knownLanguage(change *billing.CustomerChange) error {
	l := change.Locale
	if l == nil || *l == "" {
		return nil
	}
	if _, ok := i18n.Parse(*l); ok {
		return nil
	}
	faults := []foyer.FieldError{{Pointer: "/locale", Code: "input.locale"}}
	change.Locale = nil
	if _, err := (billing.Customer{}).Change(*change, time.Time{}); err != nil {
		if others, ok := foyer.AsError(err); ok {
			faults = append(faults, others.Fields...)
		}
	}
	return foyer.InvalidFields(faults...)
}

// given reads a field of a PATCH: nil when it is absent, empty when it is null.
func given(f nullable.Nullable[string]) *string {
	if !f.IsSpecified() {
		return nil
	}
	text := ""
	if !f.IsNull() {
		text = f.MustGet()
	}
	return &text
}

// ListActivity shows what happened to the customer, in plain words.
func (s *Server) ListActivity(ctx context.Context, in api.ListActivityRequestObject) (api.ListActivityResponseObject, error) {
	r := requestOf(ctx)
	p, err := s.page(ctx, listing{limit: in.Params.Limit, after: in.Params.After, from: in.Params.From, to: in.Params.To})
	if err != nil {
		return nil, err
	}
	found, err := s.Notify.Activity(ctx, r.scope(), p)
	if err != nil {
		return nil, err
	}
	found, next := cut(ctx, s, found, p, func(v foyer.Activity) foyer.PageKey { return foyer.PageKey{At: v.At, ID: v.ID} })
	return api.ListActivity200JSONResponse{Body: api.ActivityList{Page: next, Data: each(found, func(v foyer.Activity) api.Activity {
		return showActivity(r.locale, v)
	})}}, nil
}

func showActivity(locale i18n.Locale, v foyer.Activity) api.Activity {
	return api.Activity{
		Id: v.ID, Type: string(v.Type), Text: activityText(locale, v), SubjectId: orNull(v.Subject), Device: orNull(v.Place.Device), Ip: orNull(v.Place.IP), CreatedAt: v.At,
	}
}

func activityText(locale i18n.Locale, a foyer.Activity) string {
	params := map[string]any{}
	for name, text := range a.Params {
		if name == "Mail" {
			text = locale.Text("mail.kind."+text, nil)
		}
		params[name] = text
	}
	return locale.Text("activity."+string(a.Type), params)
}
