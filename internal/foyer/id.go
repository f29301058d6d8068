package foyer

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"time"
)

// Prefix is the part of an id before the underscore; it names the kind of thing.
type Prefix string

// The prefixes of contract.md §2.
const (
	PrefixMerchant           Prefix = "mer"
	PrefixPortal             Prefix = "cpl"
	PrefixCustomer           Prefix = "ctm"
	PrefixAddress            Prefix = "add"
	PrefixProduct            Prefix = "pro"
	PrefixPrice              Prefix = "pri"
	PrefixDiscount           Prefix = "dsc"
	PrefixSubscription       Prefix = "sub"
	PrefixPayment            Prefix = "pay"
	PrefixPaymentLine        Prefix = "lin"
	PrefixAttempt            Prefix = "att"
	PrefixRefund             Prefix = "ref"
	PrefixInvoice            Prefix = "inv"
	PrefixPaymentMethod      Prefix = "paymtd"
	PrefixPaymentMethodSetup Prefix = "pms"
	PrefixCancellation       Prefix = "can"
	PrefixSignIn             Prefix = "sgn"
	PrefixSession            Prefix = "ses"
	PrefixPortalSession      Prefix = "cpls"
	PrefixEmailChange        Prefix = "emc"
	PrefixAPIKey             Prefix = "key"
	PrefixEvent              Prefix = "evt"
	PrefixActivity           Prefix = "act"
	PrefixMail               Prefix = "eml"
	PrefixWebhookEndpoint    Prefix = "whk"
	PrefixDelivery           Prefix = "dlv"
	PrefixAuditEntry         Prefix = "aud"
	PrefixOffer              Prefix = "ofr"
	PrefixWithdrawal         Prefix = "wdr"
	PrefixNotice             Prefix = "ntc"
	PrefixEvidence           Prefix = "evd"
	PrefixDispute            Prefix = "dsp"
)

// The ids that cross package borders. Every other id is a named type of the package that owns the thing.
type (
	// MerchantID is `mer_…`, the tenant.
	MerchantID string
	// PortalID is `cpl_…`, the public name of a merchant's portal.
	PortalID string
	// CustomerID is `ctm_…`.
	CustomerID string
	// SessionID is `ses_…`.
	SessionID string
)

// ulidAlphabet is Crockford's base 32 in lower case, the alphabet of a ULID.
const ulidAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// ulidLength is the number of characters of a ULID: 48 bits of milliseconds and 80 random bits.
const ulidLength = 26

// IDs makes new ids. Tests inject one that counts, so that golden files are stable.
type IDs func(p Prefix) string

// NewIDs returns ids in ULID layout (48 bits of time in milliseconds, 80 random bits from crypto/rand).
func NewIDs(now func() time.Time) IDs {
	return func(p Prefix) string {
		var raw [16]byte
		ms := uint64(now().UnixMilli())
		binary.BigEndian.PutUint16(raw[0:2], uint16(ms>>32))
		binary.BigEndian.PutUint32(raw[2:6], uint32(ms))
		_, _ = rand.Read(raw[6:]) // crypto/rand never returns an error since Go 1.24
		return string(p) + "_" + encodeULID(raw)
	}
}

// encodeULID writes 128 bits as 26 characters, most significant first; the first character holds 3 bits.
func encodeULID(raw [16]byte) string {
	hi, lo := binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])
	var out [ulidLength]byte
	for i := ulidLength - 1; i >= 0; i-- {
		out[i] = ulidAlphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out[:])
}

// ValidID tells whether s is an id of the kind: prefix, underscore, 26 lower-case ULID characters that fit 128 bits.
func ValidID(p Prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, string(p)+"_")
	if !ok || len(rest) != ulidLength || rest[0] > '7' {
		return false
	}
	for i := range ulidLength {
		if strings.IndexByte(ulidAlphabet, rest[i]) < 0 {
			return false
		}
	}
	return true
}
