package identity

import (
	"net/netip"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// limitAddress is the form of a mail address under which its mails are counted: what reaches the same inbox at the usual
// providers counts once (letter case, compatibility forms, a +tag, dots at Gmail). It never decides who somebody is.
func limitAddress(email string) string {
	local, domain, _ := strings.Cut(strings.ToLower(norm.NFKC.String(email)), "@")
	local, _, _ = strings.Cut(local, "+")
	if domain == "gmail.com" || domain == "googlemail.com" {
		local, domain = strings.ReplaceAll(local, ".", ""), "gmail.com"
	}
	return local + "@" + domain
}

// limitIP is the form of a network address under which it is counted: all of an IPv4 address, the /64 of an IPv6 one,
// because one subscriber has at least a /64.
func limitIP(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return addr.String()
	}
	prefix, _ := addr.WithZone("").Prefix(64)
	return prefix.String()
}

// CutIP returns what is kept of a network address: the /24 of an IPv4 address, the /48 of an IPv6 one.
func CutIP(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, _ := addr.Prefix(bits)
	return prefix.String()
}

// Device returns a readable name for a User-Agent header, for example "Firefox on Windows"; empty when it says nothing
// known. The header itself is not kept.
func Device(userAgent string) string {
	browser := firstOf(userAgent, [][2]string{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"okhttp", "Android app"},
		{"CFNetwork", "iOS app"},
		{"curl/", "curl"},
	})
	system := firstOf(userAgent, [][2]string{
		{"iPhone", "iPhone"},
		{"iPad", "iPad"},
		{"Android", "Android"},
		{"Windows", "Windows"},
		{"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"},
		{"Linux", "Linux"},
	})
	switch {
	case browser == "":
		return system
	case system == "" || strings.HasSuffix(browser, "app"):
		return browser
	default:
		return browser + " on " + system
	}
}

func firstOf(s string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(s, n[0]) {
			return n[1]
		}
	}
	return ""
}
