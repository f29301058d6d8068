package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"foyer/api"
	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// MerchantGetPortal shows the portal and what it is set to.
func (s *Server) MerchantGetPortal(ctx context.Context, _ api.MerchantGetPortalRequestObject) (api.MerchantGetPortalResponseObject, error) {
	m, err := s.Merchants.ByID(ctx, requestOf(ctx).merchant)
	if err != nil {
		return nil, err
	}
	shown := showSettings(m)
	same, err := unchanged(ctx, m.Portal.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetPortal304Response{}, nil
	}
	return api.MerchantGetPortal200JSONResponse{Body: shown}, nil
}

// MerchantUpdatePortal changes settings: the body is laid over what is shown, and the whole is read back.
func (s *Server) MerchantUpdatePortal(ctx context.Context, in api.MerchantUpdatePortalRequestObject) (api.MerchantUpdatePortalResponseObject, error) {
	r := requestOf(ctx)
	m, err := s.Merchants.ByID(ctx, r.merchant)
	if err != nil {
		return nil, err
	}
	if err := s.unknownPaths(ctx, value(in.Body.PlanPaths)); err != nil {
		return nil, err
	}
	changed, err := s.Merchants.UpdatePortal(ctx, r.merchant, versionWanted(ctx), func(current merchant.Settings) (merchant.Settings, error) {
		m.Portal.Settings = current
		return patchedSettings(m, r.body)
	})
	if err != nil {
		return nil, err
	}
	r.committed = append(r.committed, func() { s.Merchants.Forget(changed) })
	shown := showSettings(changed)
	_, err = unchanged(ctx, changed.Portal.Version, shown)
	return api.MerchantUpdatePortal200JSONResponse{Body: shown}, err
}

// patchedSettings are the merchant's settings with a merge patch (RFC 7396) applied to how they are shown.
func patchedSettings(m merchant.Merchant, patch []byte) (merchant.Settings, error) {
	target, err := asObject(showSettings(m))
	if err != nil {
		return merchant.Settings{}, err
	}
	logo := m.Portal.Settings.Seller.Logo
	m.Portal.Settings = merchant.Settings{Name: m.Name}
	defaults, err := asObject(showSettings(m))
	if err != nil {
		return merchant.Settings{}, err
	}
	var change map[string]any
	if err := json.Unmarshal(patch, &change); err != nil {
		return merchant.Settings{}, foyer.Refuse(foyer.Malformed, "json.invalid")
	}
	if err := spellKeys(change); err != nil {
		return merchant.Settings{}, err
	}
	merged, err := json.Marshal(mergePatch(target, change, defaults))
	if err != nil {
		return merchant.Settings{}, err
	}
	var wanted api.PortalSettings
	if err := json.Unmarshal(merged, &wanted); err != nil {
		return merchant.Settings{}, foyer.Refuse(foyer.Invalid, "input.invalid")
	}
	settings := settingsOf(wanted)
	settings.Seller.Logo = logo
	if seller, ok := change["seller"].(map[string]any); ok {
		if logo, told := seller["logo"]; told {
			text, _ := logo.(string)
			settings.Seller.Logo, err = base64.StdEncoding.DecodeString(text)
			if err != nil || logo != nil && !merchant.ValidLogo(settings.Seller.Logo) {
				return settings, foyer.InvalidFields(foyer.FieldError{Pointer: "/seller/logo", Code: "input.logo"})
			}
		}
	}
	return settings, spellLanguages(&settings)
}

// unknownPaths refuses paths from or to prices that are not the merchant's: a path with a slip in it would quietly allow nothing.
func (s *Server) unknownPaths(ctx context.Context, paths map[string]*[]string) error {
	pointers := map[billing.PriceID][]string{}
	for from, to := range paths {
		pointer := "/plan_paths/" + from
		pointers[billing.PriceID(from)] = append(pointers[billing.PriceID(from)], pointer)
		for i, price := range value(to) {
			pointers[billing.PriceID(price)] = append(pointers[billing.PriceID(price)], pointer+"/"+strconv.Itoa(i))
		}
	}
	unknown, err := s.Catalog.UnknownPrices(ctx, requestOf(ctx).merchant, slices.Collect(maps.Keys(pointers)))
	if err != nil {
		return err
	}
	var faults []foyer.FieldError
	for _, price := range unknown {
		for _, pointer := range pointers[price] {
			faults = append(faults, foyer.FieldError{Pointer: pointer, Code: "input.unknown_reference"})
		}
	}
	slices.SortFunc(faults, func(a, b foyer.FieldError) int { return strings.Compare(a.Pointer, b.Pointer) })
	return foyer.InvalidFields(faults...)
}

func asObject(v any) (object map[string]any, err error) {
	encoded, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return object, json.Unmarshal(encoded, &object)
}

// mergePatch is the algorithm of RFC 7396 §2, but that null brings back the default where there is one.
func mergePatch(target, patch, defaults map[string]any) map[string]any {
	if target == nil {
		target = map[string]any{}
	}
	for name, value := range patch {
		switch v := value.(type) {
		case nil:
			if standard, known := defaults[name]; known {
				target[name] = standard
			} else {
				delete(target, name)
			}
		case map[string]any:
			below, _ := target[name].(map[string]any)
			standard, _ := defaults[name].(map[string]any)
			target[name] = mergePatch(below, v, standard)
		default:
			target[name] = value
		}
	}
	return target
}

// spellKeys writes the languages of texts in a patch as they are kept, so that "pt-br" changes what "pt-BR" is; two spellings of one are
// refused: which of them would count?
func spellKeys(change map[string]any) error {
	var faults []foyer.FieldError
	for _, of := range [][2]string{{"legal", "texts"}, {"invoices", "footers"}, {"invoices", "notes"}} {
		group, _ := change[of[0]].(map[string]any)
		texts, _ := group[of[1]].(map[string]any)
		spelled := map[string]any{}
		for _, tag := range slices.Sorted(maps.Keys(texts)) {
			as := tag
			if locale, known := i18n.Find(tag); known {
				as = locale.Tag
			}
			if _, twice := spelled[as]; twice {
				faults = append(faults, foyer.FieldError{Pointer: "/" + of[0] + "/" + of[1] + "/" + tag, Code: "input.duplicate"})
			}
			spelled[as] = texts[tag]
		}
		if texts != nil {
			group[of[1]] = spelled
		}
	}
	return foyer.InvalidFields(faults...)
}

// spellLanguages writes tags as they are compared (pt-br is pt-BR), and refuses languages there are no formats for.
func spellLanguages(s *merchant.Settings) error {
	var faults []foyer.FieldError
	spelled := func(pointer, tag string) string {
		locale, known := i18n.Find(tag)
		if !known {
			faults = append(faults, foyer.FieldError{Pointer: pointer, Code: "input.locale"})
		}
		return locale.Tag
	}
	if s.DefaultLocale != "" {
		s.DefaultLocale = spelled("/default_locale", s.DefaultLocale)
	}
	var languages []string
	for i, tag := range s.Languages {
		if tag = spelled("/languages/"+strconv.Itoa(i), tag); !slices.Contains(languages, tag) {
			languages = append(languages, tag)
		}
	}
	s.Languages = languages
	for _, of := range []struct {
		pointer string
		texts   *map[string]string
		any     bool // may have a text for every language without one of its own
	}{
		{"/legal/texts/", &s.Legal.Texts, false},
		{"/invoices/footers/", &s.Invoices.Footers, true},
		{"/invoices/notes/", &s.Invoices.Notes, true},
	} {
		var texts map[string]string
		for tag, text := range *of.texts {
			if texts == nil {
				texts = map[string]string{}
			}
			if !of.any || tag != merchant.AnyLanguage {
				tag = spelled(of.pointer+tag, tag)
			}
			texts[tag] = text
		}
		*of.texts = texts
	}
	return foyer.InvalidFields(faults...)
}

func showSettings(m merchant.Merchant) api.PortalSettings {
	set := m.Portal.Settings
	shown := api.PortalSettings{
		Id: string(m.Portal.ID), MerchantId: string(m.ID), Mode: api.PortalSettingsMode(m.Mode), Name: set.Name,
		Branding: api.Branding{LogoUrl: orNull(set.Branding.LogoURL), Color: orNull(set.Branding.Color)},
		Seller: api.Seller{
			LegalName: orNull(set.Seller.LegalName), TaxId: orNull(set.Seller.TaxID), RegistrationNumber: orNull(set.Seller.RegistrationNumber),
			Email: orNull(set.Seller.Email), HasLogo: len(set.Seller.Logo) > 0, Missing: listed(set.Seller.MissingForInvoices()),
		},
		FrontendUrl: orNull(set.FrontendURL), AllowedOrigins: listed(set.AllowedOrigins), ReturnUrls: listed(set.ReturnURLs), Languages: listed(set.Languages),
		DefaultLocale: orNull(set.DefaultLocale),
		Features: api.PortalFeatures{
			Pause: !set.Features.PauseOff, Change: !set.Features.ChangeOff, Quantity: !set.Features.QuantityOff, EmailChange: !set.Features.EmailChangeOff,
			Revisions: !set.Features.RevisionsOff,
		},
		SignIn:     api.SignInPolicy{DeviceBindingRequired: set.RequireDeviceBinding},
		MailSender: api.MailSender{Name: orNull(set.MailSender.Name), ReplyTo: orNull(set.MailSender.ReplyTo), Address: orNull(set.MailSender.Address)},
		Invoices: api.InvoiceSettings{
			Footers: orEmpty(set.Invoices.Footers), Notes: orEmpty(set.Invoices.Notes), Bilingual: set.Invoices.Bilingual,
			Revisions: set.Invoices.RevisionLimit(), RefundTax: set.Invoices.RefundTax,
		},
		Legal: api.LegalSettings{
			TermsUrl: orNull(set.Legal.TermsURL), PrivacyUrl: orNull(set.Legal.PrivacyURL), ImprintUrl: orNull(set.Legal.ImprintURL),
			SupportUrl: orNull(set.Legal.SupportURL), Texts: orEmpty(set.Legal.Texts),
		},
		Dunning:        api.Dunning{Days: billing.DefaultDunning.Days, Then: api.DunningThen(billing.DefaultDunning.Then)},
		PlanPaths:      orEmpty(set.PlanPaths),
		UpdatedVersion: m.Portal.Version,
	}
	if a := set.Seller.Address; a != (merchant.Address{}) {
		shown.Seller.Address = &api.Address{
			Line1: orNull(a.Line1), Line2: orNull(a.Line2), City: orNull(a.City), Region: orNull(a.Region), PostalCode: orNull(a.PostalCode), Country: orNull(a.Country),
		}
	}
	if len(set.Dunning.Days) > 0 {
		shown.Dunning.Days = set.Dunning.Days
	}
	if set.Dunning.Then != "" {
		shown.Dunning.Then = api.DunningThen(set.Dunning.Then)
	}
	return shown
}

// orEmpty is an empty map for none.
func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// some is nil for an empty list.
func some[T any](all []T) []T {
	if len(all) == 0 {
		return nil
	}
	return all
}

func listed(all []string) []string { return each(all, func(s string) string { return s }) }

// settingsOf reads settings as they are shown; what is not set is the default.
func settingsOf(v api.PortalSettings) merchant.Settings {
	set := merchant.Settings{
		Name: v.Name, Branding: merchant.Branding{LogoURL: value(v.Branding.LogoUrl), Color: value(v.Branding.Color)},
		Seller: merchant.Seller{
			LegalName: value(v.Seller.LegalName), TaxID: value(v.Seller.TaxId), RegistrationNumber: value(v.Seller.RegistrationNumber), Email: value(v.Seller.Email),
		},
		FrontendURL: value(v.FrontendUrl), AllowedOrigins: some(v.AllowedOrigins), ReturnURLs: some(v.ReturnUrls), Languages: some(v.Languages), DefaultLocale: value(v.DefaultLocale),
		Features: merchant.Features{
			PauseOff: !v.Features.Pause, ChangeOff: !v.Features.Change, QuantityOff: !v.Features.Quantity, EmailChangeOff: !v.Features.EmailChange,
			RevisionsOff: !v.Features.Revisions,
		},
		RequireDeviceBinding: v.SignIn.DeviceBindingRequired,
		MailSender:           merchant.MailSender{Name: value(v.MailSender.Name), ReplyTo: value(v.MailSender.ReplyTo), Address: value(v.MailSender.Address)},
		Invoices:             merchant.InvoiceSettings{Bilingual: v.Invoices.Bilingual, RefundTax: v.Invoices.RefundTax},
		Legal: merchant.LegalLinks{
			TermsURL: value(v.Legal.TermsUrl), PrivacyURL: value(v.Legal.PrivacyUrl), ImprintURL: value(v.Legal.ImprintUrl), SupportURL: value(v.Legal.SupportUrl),
		},
	}
	// What is the default is not set: a later Foyer may have a better one.
	if !slices.Equal(v.Dunning.Days, billing.DefaultDunning.Days) {
		set.Dunning.Days = some(v.Dunning.Days)
	}
	if v.Dunning.Then != api.DunningThen(billing.DefaultDunning.Then) {
		set.Dunning.Then = string(v.Dunning.Then)
	}
	if v.Invoices.Revisions != merchant.DefaultRevisions {
		set.Invoices.Revisions = &v.Invoices.Revisions
	}
	for _, of := range []struct {
		to    *map[string]string
		shown map[string]string
	}{
		{&set.Legal.Texts, v.Legal.Texts}, {&set.Invoices.Footers, v.Invoices.Footers}, {&set.Invoices.Notes, v.Invoices.Notes},
	} {
		if len(of.shown) > 0 {
			*of.to = of.shown
		}
	}
	if len(v.PlanPaths) > 0 {
		set.PlanPaths = v.PlanPaths
	}
	if a := v.Seller.Address; a != nil {
		set.Seller.Address = merchant.Address{
			Line1: value(a.Line1), Line2: value(a.Line2), City: value(a.City), Region: value(a.Region), PostalCode: value(a.PostalCode),
			Country: foyer.Country(value(a.Country)),
		}
	}
	return set
}
