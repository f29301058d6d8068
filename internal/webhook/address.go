package webhook

import "net/netip"

// special are the networks no delivery goes to unless whoever runs the instance allows it: IANA's special-purpose registries
// (RFC 6890 and its updates), multicast, and addresses of clouds' metadata services that lie outside of them.
var special = networks(
	// IPv4
	"0.0.0.0/8",        // this network
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared, carrier-grade NAT
	"127.0.0.0/8",      // loopback
	"168.63.129.16/32", // Azure's host, reachable from its machines only
	"169.254.0.0/16",   // link-local, metadata services
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation
	"192.31.196.0/24",  // AS112
	"192.52.193.0/24",  // AMT
	"192.88.99.0/24",   // 6to4 relays
	"192.168.0.0/16",   // private
	"192.175.48.0/24",  // AS112
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, broadcast
	// IPv6, within 2000::/3; everything outside of it is refused anyway
	"2001::/23",         // protocol assignments: Teredo, ORCHID, benchmarks
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4, which holds an IPv4 address
	"2620:4f:8000::/48", // AS112
	"3fff::/20",         // documentation
)

// globalIPv6 is all that is given out as global unicast. What is outside of it is loopback, unspecified, mapped, compatible,
// NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard-only, unique-local, link-local, site-local, multicast or not given out.
var globalIPv6 = netip.MustParsePrefix("2000::/3")

func networks(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

func within(addr netip.Addr, networks []netip.Prefix) bool {
	for _, n := range networks {
		if n.Contains(addr) {
			return true
		}
	}
	return false
}

// global tells whether an address is one of the public internet's.
func global(addr netip.Addr) bool {
	addr = addr.Unmap()
	if !addr.IsValid() || addr.Zone() != "" || within(addr, special) {
		return false
	}
	return addr.Is4() || globalIPv6.Contains(addr)
}

// allowed tells whether whoever runs the instance lets deliveries reach the address although it is not public.
func allowed(addr netip.Addr, allow []netip.Prefix) bool {
	return addr.IsValid() && addr.Zone() == "" && within(addr.Unmap(), allow)
}
