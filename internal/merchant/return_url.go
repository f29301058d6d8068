package merchant

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// authority is a host with an optional port as a browser serialises it: ASCII in lower case, an international name in its
// xn-- form, no credentials, no percent signs. What browsers read differently from net/url does not fit it.
var authority = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[::1\])(:[1-9][0-9]{0,4})?$`)

// ValidReturnURL tells whether s can be an entry of the allow-list: an https address, an http one on loopback, or an app's own
// scheme in reverse-domain form.
func ValidReturnURL(s string) bool {
	if _, ok := originOf(s); ok {
		return true
	}
	return appURL(s)
}

// AllowsReturnURL tells whether a customer may be led back to s: its whole origin is that of an entry, compared as text, or
// it is word for word an entry in an app's scheme. Nothing is folded, decoded or repaired: `https:evil.test`,
// `https:/\evil.test` and `https://acme.test@evil.test` mean one thing to net/url and another to a browser, so whatever is
// not spelled as a browser would spell it is no return URL.
func (s Settings) AllowsReturnURL(text string) bool {
	origin, ok := originOf(text)
	if !ok {
		return appURL(text) && slices.Contains(s.ReturnURLs, text)
	}
	return slices.ContainsFunc(s.ReturnURLs, func(entry string) bool {
		allowed, ok := originOf(entry)
		return ok && allowed == origin
	})
}

// originOf returns the serialised origin of an https address, or an http one on loopback.
func originOf(text string) (string, bool) {
	if !plainURL(text) {
		return "", false
	}
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return "", false
	}
	host := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		host = rest[:end]
	}
	u, err := url.Parse(text)
	if err != nil || u.User != nil || u.Host != host || !authority.MatchString(host) {
		return "", false
	}
	origin := scheme + "://" + host
	return origin, ValidOrigin(origin)
}

// appURL tells whether s leads into a mobile app.
func appURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "https" && u.Scheme != "http" && u.Scheme == strings.ToLower(u.Scheme) && plainURL(s) && ValidFrontendURL(s)
}

// plainURL tells whether s is made of characters that need no repair: visible ASCII without those browsers turn into
// others (a backslash is a slash to them; they drop tabs and line breaks), and no hidden control characters.
func plainURL(s string) bool {
	if s == "" || len(s) > maxURLLength {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || strings.IndexByte("\\\"<>^`{|}", s[i]) >= 0 {
			return false
		}
		if s[i] == '%' && (i+2 >= len(s) || s[i+1] < '2' || strings.EqualFold(s[i:i+3], "%7f") || strings.EqualFold(s[i:i+3], "%5c")) {
			return false
		}
	}
	return true
}
