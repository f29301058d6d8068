package httpapi

import (
	"context"
	"errors"
	"slices"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
	"foyer/internal/retention"
)

// GetPortal shows what a frontend needs before anybody has signed in.
func (s *Server) GetPortal(ctx context.Context, in api.GetPortalRequestObject) (api.GetPortalResponseObject, error) {
	m := portalOf(ctx)
	shown := presenterOf(ctx).portal(*m)
	settings, err := s.Retention.Settings(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	country := foyer.Country(value(in.Params.Country))
	shown.Exits = presenterOf(ctx).exits(*m, country, retention.ProfileOf(country, value(in.Params.Region)).Tightened(settings.Legal))
	if gateway, err := s.Billing.GatewayOf(ctx, m.ID); err == nil {
		shown.Gateway = &api.Gateway{Name: gateway.Name(), PublicKey: orNull(gateway.PublicKey())}
	} else if !errors.Is(err, foyer.Conflict) {
		return nil, err
	}
	same, err := unchanged(ctx, m.Portal.Version, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.GetPortal304Response{}, nil
	}
	return api.GetPortal200JSONResponse{Body: shown}, nil
}

// exits shows the ways out that need no sign-in to a visitor from a country.
func (p presenter) exits(m merchant.Merchant, country foyer.Country, law retention.LegalProfile) api.PortalExits {
	path := "/v1/portals/" + string(m.Portal.ID)
	label := func(b retention.Button) string { return p.locale.Text(b.TextKey(), nil) }
	return api.PortalExits{
		Profile: api.PortalExitsProfile(law.ID), Demanded: law.LoginFreeExit, WithdrawalDays: law.WithdrawalDays,
		CancellationNotices: path + "/cancellation-notices", WithdrawalNotices: path + "/withdrawal-notices", Statutory: showStatutory(law.Statutory(country, p.locale)),
		Labels: api.ExitLabels{
			Cancel: label(retention.ButtonCancel), ConfirmCancel: label(retention.ButtonConfirmCancel),
			Withdraw: label(retention.ButtonWithdraw), ConfirmWithdraw: label(retention.ButtonConfirmWithdraw),
		},
	}
}

func (p presenter) portal(m merchant.Merchant) api.Portal {
	set := m.Portal.Settings
	languages := i18n.Locales
	if len(set.Languages) > 0 {
		languages = set.Languages
	}
	portal := api.Portal{
		Id:            string(m.Portal.ID),
		Name:          set.Name,
		Branding:      api.Branding{LogoUrl: orNull(set.Branding.LogoURL), Color: orNull(set.Branding.Color)},
		DefaultLocale: spoken(set).Tag,
		Languages:     languages,
		Features: api.Features{
			Cancel: true, Pause: !set.Features.PauseOff, Change: !set.Features.ChangeOff,
			Quantity: !set.Features.QuantityOff, EmailChange: !set.Features.EmailChangeOff, Revisions: !set.Features.RevisionsOff,
		},
		Sandbox:               m.Mode == merchant.Sandbox,
		DeviceBindingRequired: set.RequireDeviceBinding,
		Legal: api.LegalLinks{
			TermsUrl: orNull(set.Legal.TermsURL), PrivacyUrl: orNull(set.Legal.PrivacyURL),
			ImprintUrl: orNull(set.Legal.ImprintURL), SupportUrl: orNull(set.Legal.SupportURL),
		},
		TranslatedLanguages:  []string{},
		RightToLeftLanguages: []string{},
	}
	if text := set.Legal.Texts[p.locale.Tag]; text != "" {
		portal.Legal.Text = &text
	} else {
		portal.Legal.Text = orNull(set.Legal.Texts[portal.DefaultLocale])
	}
	for _, tag := range languages {
		locale, _ := i18n.Parse(tag)
		if locale.Language == tag && !slices.Contains(portal.TranslatedLanguages, tag) {
			portal.TranslatedLanguages = append(portal.TranslatedLanguages, tag)
		}
		if (i18n.Locale{Tag: tag, Language: tag}).RightToLeft() {
			portal.RightToLeftLanguages = append(portal.RightToLeftLanguages, tag)
		}
	}
	return portal
}
