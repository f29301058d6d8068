package merchant

import "strings"

// Frontend is the base of links to customers: the merchant's frontend, else Foyer itself, which public is the address of;
// never a Host header, and without a slash at its end.
func (s Settings) Frontend(public string) string {
	base := s.FrontendURL
	if base == "" {
		base = public
	}
	return strings.TrimRight(base, "/")
}
