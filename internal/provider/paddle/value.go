package paddle

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// The methods of this file read one value each. A value that can't be read becomes the fault of the document and a zero
// value; "optional" ones may be null or not there at all.

// object returns the object under the key.
func (n *node) object(key string) *node {
	child := n.at(key)
	child.must(objectNode)
	return child
}

// optionalObject returns the object under the key, and whether there is one.
func (n *node) optionalObject(key string) (*node, bool) {
	child := n.at(key)
	return child, !child.absent() && child.must(objectNode)
}

// items returns the elements of the list under the key, none when it is absent.
func (n *node) items(key string) []*node {
	child := n.at(key)
	if child.absent() || !child.must(listNode) {
		return nil
	}
	for _, item := range child.list {
		if !item.must(objectNode) {
			return nil
		}
	}
	return child.list
}

// must tells whether the node is of the kind, and makes it a fault when not.
func (n *node) must(kind nodeKind) bool {
	switch n.kind {
	case kind:
		return true
	case missingNode:
		n.fail("is missing")
	default:
		n.fail("must be %s, not %s", kindNames[kind], kindNames[n.kind])
	}
	return false
}

// word returns the string as it is: an id, a code, an enumerated value.
func (n *node) word() string {
	if !n.must(textNode) {
		return ""
	}
	return n.text
}

// line returns a text of one line that may be shown: what would break a line or turn its direction is taken out.
func (n *node) line() string {
	return cleanText(n.word(), false)
}

// optionalLine is line for a value that may be absent.
func (n *node) optionalLine() string {
	if n.absent() {
		return ""
	}
	return n.line()
}

// optionalProse is optionalLine for a text that may have several lines.
func (n *node) optionalProse() string {
	if n.absent() {
		return ""
	}
	return cleanText(n.word(), true)
}

// cleanText takes out of a text what foyer.CleanText refuses. Customers typed many of these texts into a checkout, so
// they are not to be trusted; refusing the file for them would punish the merchant.
func cleanText(s string, multiline bool) string {
	if !foyer.CleanText(s, multiline) {
		s = strings.ReplaceAll(s, "\r\n", "\n")
		s = strings.Map(func(r rune) rune {
			switch {
			case foyer.CleanText(string(r), multiline):
				return r
			case unicode.IsSpace(r):
				return ' '
			}
			return -1
		}, s)
	}
	return strings.TrimSpace(s)
}

// reference returns an id with the prefix.
func (n *node) reference(prefix string) string {
	id := n.word()
	if n.kind == textNode && (prefixOf(id) != prefix || !plainID(id)) {
		n.fail("must be an id beginning with %s_", prefix)
	}
	return id
}

// optionalReference is reference for a value that may be absent.
func (n *node) optionalReference(prefix string) string {
	if n.absent() {
		return ""
	}
	return n.reference(prefix)
}

// prefixOf returns what stands before the underscore of an id.
func prefixOf(id string) string {
	prefix, _, found := strings.Cut(id, "_")
	if !found {
		return ""
	}
	return prefix
}

// plainID tells whether an id is of characters ids are made of. Paddle's are 26 lower-case ULID characters behind the
// prefix; the length is not ours to check.
func plainID(id string) bool {
	_, rest, _ := strings.Cut(id, "_")
	return rest != "" && len(id) <= 100 && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

// amount returns money in minor units. Paddle writes it as a string, so that no reader makes a float of it.
func (n *node) amount() int64 {
	s := n.word()
	if n.kind != textNode {
		return 0
	}
	amount, err := strconv.ParseInt(s, 10, 64)
	if err != nil || s[0] == '+' {
		n.fail("must be a whole number of minor units that fits 64 bits, not %s", quoted(s))
	}
	return amount
}

// optionalAmount is amount for a value that may be absent, which then is 0.
func (n *node) optionalAmount() int64 {
	if n.absent() {
		return 0
	}
	return n.amount()
}

// currency returns a currency of ISO 4217.
func (n *node) currency() foyer.Currency {
	c := foyer.Currency(n.word())
	if n.kind == textNode && !c.Valid() {
		n.fail("must be a currency of ISO 4217, not %s", quoted(string(c)))
	}
	return c
}

// sameCurrency makes it a fault when the value is there and another currency: sums in two currencies are no sums.
func (n *node) sameCurrency(want foyer.Currency) {
	if got := n; !got.absent() && got.currency() != want && want.Valid() {
		n.fail("is %s, but the amounts belong to something in %s", quoted(n.text), want)
	}
}

// rate returns a share such as "0.08875".
func (n *node) rate() foyer.Rate {
	r := foyer.Rate(n.word())
	if n.kind == textNode && !r.Valid() {
		n.fail("must be a decimal number, not %s", quoted(string(r)))
	}
	return r
}

// time returns a moment, cut to the microsecond.
func (n *node) time() time.Time {
	s := n.word()
	if n.kind != textNode {
		return time.Time{}
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(s)); err != nil || t.UTC().Year() < 1970 || t.UTC().Year() > 9999 {
		n.fail("must be a time of RFC 3339 since 1970, not %s", quoted(s))
	}
	return foyer.Micro(t)
}

// optionalTime is time for a value that may be absent.
func (n *node) optionalTime() *time.Time {
	if n.absent() {
		return nil
	}
	t := n.time()
	return &t
}

// period returns a span of time; nil when it is absent.
func (n *node) period() *foyer.Period {
	if n.absent() || !n.must(objectNode) {
		return nil
	}
	return &foyer.Period{Start: n.at("starts_at").time(), End: n.at("ends_at").time()}
}

// cycle returns a span in calendar units, of at least the frequency least; nil when it is absent.
func (n *node) cycle(least int64) *foyer.Cycle {
	if n.absent() || !n.must(objectNode) {
		return nil
	}
	return &foyer.Cycle{
		Interval:  oneOf(n.at("interval"), intervals),
		Frequency: int(n.at("frequency").integer(least, 10_000)),
	}
}

var intervals = map[string]foyer.Interval{"day": foyer.Day, "week": foyer.Week, "month": foyer.Month, "year": foyer.Year}

// integer returns a whole number between least and most.
func (n *node) integer(least, most int64) int64 {
	if !n.must(numberNode) {
		return 0
	}
	i, err := strconv.ParseInt(n.text, 10, 64)
	if err != nil || i < least || i > most {
		n.fail("must be a whole number from %d to %d, not %s", least, most, quoted(n.text))
		return 0
	}
	return i
}

// optionalInteger returns a whole number from 0 to most; 0 when it is absent.
func (n *node) optionalInteger(most int64) int64 {
	if n.absent() {
		return 0
	}
	return n.integer(0, most)
}

// boolean returns true or false, and what is assumed when the value is absent.
func (n *node) boolean(assumed bool) bool {
	if n.absent() || !n.must(boolNode) {
		return assumed
	}
	return n.text == "true"
}

// country returns a country, empty when it is absent.
func (n *node) country() foyer.Country {
	if n.absent() {
		return ""
	}
	c := foyer.Country(n.word())
	if n.kind == textNode && !c.Valid() {
		n.fail("must be a country of ISO 3166-1, not %s", quoted(string(c)))
	}
	return c
}

// email returns an address that is one plain addr-spec. The message does not repeat it.
func (n *node) email() string {
	s := n.word()
	if n.kind == textNode && !billing.ValidEmail(s) {
		n.fail("must be one plain e-mail address")
	}
	return s
}

// locale returns a language tag, empty when it is absent.
func (n *node) locale() string {
	if n.absent() || n.kind == textNode && n.text == "" {
		return ""
	}
	tag := strings.ReplaceAll(n.word(), "_", "-")
	for part := range strings.SplitSeq(tag, "-") {
		if part == "" || len(part) > 8 || strings.Trim(strings.ToLower(part), "abcdefghijklmnopqrstuvwxyz0123456789") != "" || len(tag) > 35 {
			n.fail("must be a language tag of BCP 47, not %s", quoted(tag))
			break
		}
	}
	return tag
}

// oneOf returns what the enumerated value stands for. A state nobody knows can't be shown, so it is a fault.
func oneOf[T any](n *node, known map[string]T) T {
	s := n.word()
	value, ok := known[s]
	if !ok && n.kind == textNode {
		n.fail("must be one of %s, not %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "), quoted(s))
	}
	return value
}

// quoted returns a value for a message: short, and with nothing a terminal would obey.
func quoted(s string) string {
	if utf8.RuneCountInString(s) > 40 {
		s = string([]rune(s)[:40]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
