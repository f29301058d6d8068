package webhook

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// maxURL is how long an address may be.
const maxURL = 2048

// ports are where deliveries may go: others belong to mail servers, databases and the like, which must not be spoken to.
var ports = []string{"443", "8443"}

// local are the endings of names that are nobody's in the public DNS.
var local = []string{"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa"}

// URLRules say what an endpoint's address may look like. They are for telling a mistake early, and are no wall: a name may
// resolve to anything, so the address is judged again when it is dialed.
type URLRules struct {
	// Private are networks deliveries may reach although they are not public. With any, plain http, other ports and local names
	// are taken too; they work only when they lead there.
	Private []netip.Prefix
}

// Allow tells whether an endpoint may have the address.
func (r URLRules) Allow(raw string) bool {
	if raw == "" || len(raw) > maxURL || strings.ContainsFunc(raw, unusual) {
		return false
	}
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil || strings.HasSuffix(u.Host, ":") {
		return false
	}
	private := len(r.Private) > 0
	if u.Scheme != "https" && (u.Scheme != "http" || !private) {
		return false
	}
	if port := u.Port(); port != "" && !slices.Contains(ports, port) && !private {
		return false
	}
	host := strings.ToLower(u.Hostname())
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return !strings.HasPrefix(u.Host, "[") && hostName(host, private)
	}
	if allowed(addr, r.Private) {
		return true
	}
	return global(addr) && u.Scheme == "https" && (u.Port() == "" || slices.Contains(ports, u.Port()))
}

// unusual are characters no address needs: anything but visible ASCII, a fragment, which nobody is sent, and the backslash,
// which some take for a slash. Other scripts' names are given in their ASCII form (xn--).
func unusual(r rune) bool {
	return r <= ' ' || r >= 0x7f || r == '#' || r == '\\' || r == '"' || r == '<' || r == '>'
}

// hostName tells whether a host is a name that the public DNS may know. Its last label is no number, in any spelling: those are
// IPv4 addresses to some (2130706433, 0x7f.1, 127.1, 0177.0.0.1), and netip knows only the usual one.
func hostName(host string, private bool) bool {
	if len(host) > 253 {
		return false
	}
	labels := strings.Split(host, ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" ||
			strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	last := labels[len(labels)-1]
	if last[0] >= '0' && last[0] <= '9' {
		return false
	}
	if private {
		return true
	}
	for _, ending := range local {
		if host == ending || strings.HasSuffix(host, "."+ending) {
			return false
		}
	}
	return len(labels) > 1
}
