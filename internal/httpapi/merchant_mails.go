package httpapi

import (
	"context"

	"foyer/api"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/notify"
)

// MerchantListMails shows the kinds of mail customers get.
func (s *Server) MerchantListMails(ctx context.Context, _ api.MerchantListMailsRequestObject) (api.MerchantListMailsResponseObject, error) {
	locale := requestOf(ctx).locale
	return api.MerchantListMails200JSONResponse{Body: api.MailKindList{Data: each(notify.PreviewKinds, func(kind string) api.MailKind {
		return api.MailKind{Kind: kind, About: locale.Text("mail.kind."+kind, nil), Wordable: notify.Wordable(kind)}
	})}}, nil
}

// MerchantGetMailTexts shows what can be worded in a language.
func (s *Server) MerchantGetMailTexts(ctx context.Context, in api.MerchantGetMailTextsRequestObject) (api.MerchantGetMailTextsResponseObject, error) {
	locale, err := languageOf(in.Language)
	if err != nil {
		return nil, err
	}
	texts, err := s.Notify.Texts(ctx, requestOf(ctx).merchant, locale)
	if err != nil {
		return nil, err
	}
	shown := showMailTexts(texts)
	same, err := unchanged(ctx, texts.Version+1, shown)
	if err != nil {
		return nil, err
	}
	if same {
		return api.MerchantGetMailTexts304Response{}, nil
	}
	return api.MerchantGetMailTexts200JSONResponse{Body: shown}, nil
}

// MerchantUpdateMailTexts words mails.
func (s *Server) MerchantUpdateMailTexts(ctx context.Context, in api.MerchantUpdateMailTextsRequestObject) (api.MerchantUpdateMailTextsResponseObject, error) {
	locale, err := languageOf(in.Language)
	if err != nil {
		return nil, err
	}
	var ifVersion *int64
	if version := versionWanted(ctx); version != 0 {
		version-- // texts nobody has touched are version 0, and no tag begins with that
		ifVersion = &version
	}
	texts, err := s.Notify.Reword(ctx, requestOf(ctx).merchant, locale, ifVersion, in.Body.Texts)
	if err != nil {
		return nil, err
	}
	shown := showMailTexts(texts)
	_, err = unchanged(ctx, texts.Version+1, shown)
	return api.MerchantUpdateMailTexts200JSONResponse{Body: shown}, err
}

// MerchantPreviewMail draws a mail that is not sent.
func (s *Server) MerchantPreviewMail(ctx context.Context, in api.MerchantPreviewMailRequestObject) (api.MerchantPreviewMailResponseObject, error) {
	m, err := s.Merchants.ByID(ctx, requestOf(ctx).merchant)
	if err != nil {
		return nil, err
	}
	wanted := notify.PreviewInput{Kind: in.Body.Kind, Locale: spoken(m.Portal.Settings), Texts: value(in.Body.Texts)}
	if in.Body.Language != nil {
		var known bool
		if wanted.Locale, known = i18n.Find(*in.Body.Language); !known {
			return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/language", Code: "input.locale"})
		}
	}
	mail, err := s.Notify.Preview(ctx, m.ID, wanted)
	if err != nil {
		return nil, err
	}
	shown := api.MailPreview{
		Kind: in.Body.Kind, Language: mail.Language, Direction: api.Ltr, FromName: mail.FromName, FromAddress: orNull(mail.From), ReplyTo: orNull(mail.ReplyTo),
		Subject: mail.Subject, Preheader: mail.Preheader, Text: mail.Text, Html: mail.HTML,
	}
	if wanted.Locale.RightToLeft() {
		shown.Direction = api.Rtl
	}
	return api.MerchantPreviewMail200JSONResponse{Body: shown}, nil
}

// languageOf reads a language in a path; one there is none of is NotFound, like whatever else a path names.
func languageOf(tag string) (i18n.Locale, error) {
	locale, known := i18n.Find(tag)
	if !known {
		return i18n.Locale{}, foyer.ErrNotFound()
	}
	return locale, nil
}

func showMailTexts(v notify.LanguageTexts) api.MailTexts {
	return api.MailTexts{
		Language: v.Locale.Tag, Translated: v.Locale.Language == v.Locale.Tag, UpdatedVersion: v.Version,
		Texts: each(v.Wordings, func(w notify.Wording) api.MailText {
			return api.MailText{Key: w.Key, Mail: w.Mail, Text: w.Text, OwnText: orNull(w.Own), Placeholders: listed(w.Placeholders)}
		}),
	}
}
