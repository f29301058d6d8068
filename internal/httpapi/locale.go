package httpapi

import (
	"context"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// chooseLocale decides the language of the answer: ?locale=, else the customer's, else that of the link the session came from,
// else Accept-Language, else the portal's default. A language we have no formats for counts as no wish; a malformed tag is refused.
func (s *Server) chooseLocale(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		if r.operation == nil {
			return next(c)
		}
		locale, err := s.locale(c.Request().Context(), r, c.QueryParam("locale"))
		if err != nil {
			return err
		}
		r.locale = locale
		return next(c)
	}
}

func (s *Server) locale(ctx context.Context, r *request, asked string) (i18n.Locale, error) {
	settings, err := s.settingsFor(ctx, r)
	if err != nil {
		return i18n.English, err
	}
	if asked != "" {
		if _, wellFormed := i18n.Parse(asked); !wellFormed {
			return i18n.English, badQuery("locale", "input.locale")
		}
		if locale, ok := i18n.Find(asked); ok && settings.Speaks(locale.Tag) {
			return locale, nil
		}
	}
	if r.access != nil {
		tag, err := s.customerLocale(ctx, r.scope())
		if err != nil {
			return i18n.English, err
		}
		if tag == "" {
			tag = r.access.Locale
		}
		if locale, ok := i18n.Find(tag); ok && settings.Speaks(locale.Tag) {
			return locale, nil
		}
	}
	if locale, ok := i18n.MatchAccept(r.echo.Request().Header.Get("Accept-Language")); ok && settings.Speaks(locale.Tag) {
		return locale, nil
	}
	return spoken(settings), nil
}

// settingsFor are those of the portal the request is about; none for a merchant's own calls, which are in any language.
func (s *Server) settingsFor(ctx context.Context, r *request) (merchant.Settings, error) {
	if r.merchant == "" {
		return merchant.Settings{}, nil
	}
	m, err := s.Merchants.ByID(ctx, r.merchant)
	settings := m.Portal.Settings
	if r.key != nil {
		settings.Languages = nil
	}
	return settings, err
}

// spoken is the language of a portal when nothing better is known.
func spoken(settings merchant.Settings) i18n.Locale {
	locale, _ := i18n.Find(settings.Fallback())
	return locale
}

// speakLink makes the answer that opens a link's session speak as the following ones will.
func (s *Server) speakLink(ctx context.Context, session identity.Session) error {
	r := requestOf(ctx)
	if session.Locale == "" || r.echo.QueryParam("locale") != "" {
		return nil
	}
	following := *r
	following.access = &identity.Access{Actor: foyer.Actor{Scope: session.Scope()}, Locale: session.Locale}
	locale, err := s.locale(ctx, &following, "")
	if err == nil {
		r.locale = locale
	}
	return err
}

// customerLocale is asked for on every request, so it is remembered for a moment: this process sees its own changes at
// once, another's after localeLife.
func (s *Server) customerLocale(ctx context.Context, scope foyer.Scope) (string, error) {
	now := s.Now()
	if tag, ok := s.locales.get(scope, now); ok {
		return tag, nil
	}
	customer, err := s.Billing.Customer(ctx, scope)
	if err != nil {
		return "", err
	}
	s.locales.put(scope, customer.Locale, now)
	return customer.Locale, nil
}

const (
	localeLife = 5 * time.Second
	localeSize = 16384
)

type localeCache struct {
	mu   sync.Mutex
	tags map[foyer.Scope]cachedLocale
}

type cachedLocale struct {
	tag   string
	until time.Time
}

func (l *localeCache) get(scope foyer.Scope, now time.Time) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.tags[scope]
	return c.tag, ok && now.Before(c.until)
}

func (l *localeCache) put(scope foyer.Scope, tag string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tags == nil || len(l.tags) >= localeSize {
		l.tags = map[foyer.Scope]cachedLocale{}
	}
	l.tags[scope] = cachedLocale{tag: tag, until: now.Add(localeLife)}
}
