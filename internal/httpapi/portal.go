package httpapi

import (
	"context"
	"errors"
	"slices"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/merchant"
)

// GetPortal shows what a frontend needs before anybody has signed in.
func (s *Server) GetPortal(ctx context.Context, _ api.GetPortalRequestObject) (api.GetPortalResponseObject, error) {
	m := portalOf(ctx)
	shown := presenterOf(ctx).portal(*m)
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
