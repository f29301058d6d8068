package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// signatureHeader carries t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">; several v1 while a secret is rotated.
const signatureHeader = "Sandbox-Signature"

// signatureTolerance is how old a message may be, or how far ahead its sender's clock: a recorded one can't be replayed
// for longer.
const signatureTolerance = 5 * time.Minute

// maxSignatures bounds the work a forged header can cause.
const maxSignatures = 8

// message is the body of a webhook.
type message struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Merchant string `json:"merchant"`
	// Key is the charge's, Customer whose method changed.
	Key       string `json:"key,omitempty"`
	Customer  string `json:"customer,omitempty"`
	CreatedAt string `json:"created_at"`
}

const (
	chargeUpdated = "charge.updated"
	methodUpdated = "method.updated"
)

func newMessageID() string { return "msg_" + hex.EncodeToString(random(12)) }

// Sign returns the value of the Sandbox-Signature header for a body sent at a time.
func Sign(secret string, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(sign(secret, t, body))
}

func sign(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// readWebhook checks a message's signature before reading anything of it. Without a secret every message is refused.
func readWebhook(secret string, header map[string][]string, body []byte, now time.Time) (billing.GatewayNotice, error) {
	if secret == "" || !signed(secret, http.Header(header).Get(signatureHeader), body, now) {
		return billing.GatewayNotice{}, foyer.Refuse(foyer.Unauthenticated, "unauthenticated")
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil || m.ID == "" || strings.ContainsRune(m.Merchant+m.Key+m.Customer, 0) { // no database takes a NUL
		return billing.GatewayNotice{}, foyer.Refuse(foyer.Malformed, "malformed")
	}
	notice := billing.GatewayNotice{ID: m.ID, Merchant: foyer.MerchantID(m.Merchant)}
	switch m.Type {
	case chargeUpdated:
		notice.ChargeKey = m.Key
	case methodUpdated:
		notice.Customer = foyer.CustomerID(m.Customer)
	}
	return notice, nil
}

func signed(secret, header string, body []byte, now time.Time) bool {
	var t string
	var signatures []string
	for part := range strings.SplitSeq(header, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case name == "t" && t == "":
			t = value
		case name == "v1" && len(signatures) < maxSignatures:
			signatures = append(signatures, value)
		}
	}
	unix, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		return false
	}
	if age := now.Sub(time.Unix(unix, 0)); age > signatureTolerance || age < -signatureTolerance {
		return false
	}
	want := sign(secret, t, body)
	found := false
	for _, s := range signatures {
		got, err := hex.DecodeString(s)
		found = (err == nil && hmac.Equal(got, want)) || found
	}
	return found
}
