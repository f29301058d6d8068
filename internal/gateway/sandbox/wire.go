package sandbox

import (
	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// The bodies of the private routes, which Local answers and Remote sends.
type (
	wireSetup struct {
		ID       string `json:"id"`
		Merchant string `json:"merchant"`
		Customer string `json:"customer"`
	}
	wireStarted struct {
		ID           string `json:"id"`
		ClientSecret string `json:"client_secret"`
	}
	wireSetupResult struct {
		Status    billing.SetupStatus `json:"status"`
		Method    *wireMethod         `json:"method"`
		ErrorCode billing.ErrorCode   `json:"error_code,omitempty"`
	}
	wireMethod struct {
		Token       string    `json:"token"`
		Type        string    `json:"type"`
		Card        *wireCard `json:"card"`
		Wallet      string    `json:"wallet,omitempty"`
		Identifier  string    `json:"identifier,omitempty"`
		BillingName string    `json:"billing_name,omitempty"`
		Fingerprint string    `json:"fingerprint"`
	}
	wireCard struct {
		Brand       string `json:"brand"`
		Last4       string `json:"last4"`
		ExpiryMonth int    `json:"expiry_month"`
		ExpiryYear  int    `json:"expiry_year"`
	}
	wireCharge struct {
		Key       string         `json:"key"`
		Merchant  string         `json:"merchant"`
		Reference string         `json:"reference"`
		Amount    int64          `json:"amount"`
		Currency  foyer.Currency `json:"currency"`
		Token     string         `json:"token"`
		OnSession bool           `json:"on_session"`
	}
	wireChargeResult struct {
		Status       billing.ChargeStatus `json:"status"`
		ErrorCode    billing.ErrorCode    `json:"error_code,omitempty"`
		ClientSecret string               `json:"client_secret,omitempty"`
	}
	wireOwner struct {
		Merchant string `json:"merchant"`
	}
	wireRefund struct {
		Key      string         `json:"key"`
		Merchant string         `json:"merchant"`
		Charge   string         `json:"charge"`
		Amount   int64          `json:"amount"`
		Currency foyer.Currency `json:"currency"`
	}
	wireRefundResult struct {
		Refunded  bool              `json:"refunded"`
		ErrorCode billing.ErrorCode `json:"error_code,omitempty"`
	}
	wireEntry struct {
		Key       string         `json:"key"`
		Amount    int64          `json:"amount"`
		Currency  foyer.Currency `json:"currency"`
		Reference string         `json:"reference"`
		Status    EntryStatus    `json:"status"`
		CreatedAt string         `json:"created_at"`
	}
)

func wireMethodOf(m billing.GatewayMethod) *wireMethod {
	w := &wireMethod{Token: m.Token, Type: m.Type, Wallet: m.Wallet, Identifier: m.Identifier, BillingName: m.BillingName, Fingerprint: m.Fingerprint}
	if m.Card != nil {
		c := wireCard(*m.Card)
		w.Card = &c
	}
	return w
}

func (w *wireMethod) method() billing.GatewayMethod {
	m := billing.GatewayMethod{Token: w.Token, Type: w.Type, Wallet: w.Wallet, Identifier: w.Identifier, BillingName: w.BillingName, Fingerprint: w.Fingerprint}
	if w.Card != nil {
		c := billing.Card(*w.Card)
		m.Card = &c
	}
	return m
}
