package stripetest

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// params are the parameters of a call; an array's elements stand under "name[]".
type params map[string][]string

var index = regexp.MustCompile(`\[\d*\]`)

// readParams reads what was sent and refuses what the call does not have. In allowed, "metadata[*]" stands for every member.
func readParams(values url.Values, allowed []string) (params, *apiError) {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { // so that [2] comes before [10]
		if d := len(a) - len(b); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	p := params{}
	for _, name := range names {
		plain := index.ReplaceAllString(name, "[]")
		if !allows(allowed, plain) {
			return nil, refused("parameter_unknown", name, "Received unknown parameter: "+name)
		}
		p[plain] = append(p[plain], values[name]...)
	}
	return p, nil
}

func allows(allowed []string, name string) bool {
	if name == "expand[]" || slices.Contains(allowed, name) {
		return true
	}
	head, member, nested := strings.Cut(name, "[")
	return nested && strings.HasSuffix(member, "]") && !strings.Contains(member, "[") && slices.Contains(allowed, head+"[*]")
}

func (p params) text(name string) string {
	if v := p[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (p params) has(name string) bool { return len(p[name]) > 0 }

// flag reads a boolean; off_session has words besides, which mean true.
func (p params) flag(name string) (bool, *apiError) {
	switch v := p.text(name); v {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	case "one_off", "recurring":
		if name == "off_session" {
			return true, nil
		}
	}
	return false, refused("parameter_invalid_boolean", name, "Invalid boolean: "+p.text(name))
}

func (p params) integer(name string) (int64, *apiError) {
	n, err := strconv.ParseInt(p.text(name), 10, 64)
	if err != nil {
		return 0, refused("parameter_invalid_integer", name, "Invalid integer: "+p.text(name))
	}
	return n, nil
}

// need refuses a call without one of these.
func (p params) need(names ...string) *apiError {
	for _, name := range names {
		if p.text(name) == "" {
			return refused("parameter_missing", name, "Missing required param: "+name+".")
		}
	}
	return nil
}

// metadata merges what was sent into what is there; an empty value removes a name.
func (p params) metadata(into map[string]string) (map[string]string, *apiError) {
	out := map[string]string{}
	for name, value := range into {
		out[name] = value
	}
	for name := range p {
		key, ok := strings.CutPrefix(name, "metadata[")
		if !ok {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		value := p.text(name)
		switch {
		case len(key) > 40:
			return nil, refused("", "metadata", "Invalid metadata: key is longer than 40 characters.")
		case len(value) > 500:
			return nil, refused("", name, "Metadata values can have up to 500 characters.")
		case value == "":
			delete(out, key)
		default:
			out[key] = value
		}
	}
	if len(out) > 50 {
		return nil, refused("", "metadata", "Metadata can have up to 50 keys.")
	}
	return out, nil
}

// created tells whether a time lies in created, created[gte] and so on.
func (p params) created(at int64) (bool, *apiError) {
	for name, in := range map[string]func(int64) bool{
		"created":      func(n int64) bool { return at == n },
		"created[gte]": func(n int64) bool { return at >= n },
		"created[gt]":  func(n int64) bool { return at > n },
		"created[lte]": func(n int64) bool { return at <= n },
		"created[lt]":  func(n int64) bool { return at < n },
	} {
		if !p.has(name) {
			continue
		}
		n, err := p.integer(name)
		if err != nil {
			return false, err
		}
		if !in(n) {
			return false, nil
		}
	}
	return true, nil
}

// listParams are what every list takes.
var listParams = []string{"limit", "starting_after"}

// page cuts a list, which stands newest first.
func (p params) page(url string, all []object) (object, *apiError) {
	limit := int64(10)
	if p.has("limit") {
		n, err := p.integer("limit")
		if err != nil {
			return nil, err
		}
		if limit = n; limit < 1 || limit > 100 {
			return nil, refused("", "limit", "This value must be between 1 and 100 (inclusive).")
		}
	}
	if after := p.text("starting_after"); after != "" {
		at := slices.IndexFunc(all, func(o object) bool { return o["id"] == after })
		if at < 0 {
			return nil, missing(400, "object", after, "starting_after")
		}
		all = all[at+1:]
	}
	data := all[:min(int(limit), len(all))]
	if data == nil {
		data = []object{}
	}
	return object{"object": "list", "data": data, "has_more": len(all) > len(data), "url": url}, nil
}
