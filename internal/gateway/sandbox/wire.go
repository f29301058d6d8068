package sandbox

import (
	"errors"
	"slices"
	"time"

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
	wireDisputes struct {
		Data []wireDispute `json:"data"`
	}
	wireDispute struct {
		Reference string                `json:"reference"`
		Status    billing.DisputeStatus `json:"status"`
		Reason    string                `json:"reason"`
		Amount    int64                 `json:"amount"`
		Currency  foyer.Currency        `json:"currency"`
		OpenedAt  time.Time             `json:"opened_at"`
		RespondBy *time.Time            `json:"respond_by"`
	}
	wireDisputeEnd struct {
		Won bool `json:"won"`
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

// wireChargeOf leaves out Instead: here nobody pays with another method than was asked for.
func wireChargeOf(c billing.ChargeResult) wireChargeResult {
	return wireChargeResult{Status: c.Status, ErrorCode: c.ErrorCode, ClientSecret: c.ClientSecret}
}

func wireDisputesOf(disputes []billing.GatewayDispute) wireDisputes {
	out := wireDisputes{Data: make([]wireDispute, len(disputes))}
	for i, d := range disputes {
		out.Data[i] = wireDispute{d.Reference, d.Status, d.Reason, d.Amount.Amount, d.Amount.Currency, d.OpenedAt, d.RespondBy}
	}
	return out
}

// disputes reads what was sent. A status we do not know is nothing to book by.
func (w wireDisputes) disputes() ([]billing.GatewayDispute, error) {
	out := make([]billing.GatewayDispute, len(w.Data))
	for i, d := range w.Data {
		if !slices.Contains(billing.DisputeStatuses, d.Status) {
			return nil, dark(errors.New("answered an unknown status"))
		}
		out[i] = billing.GatewayDispute{
			Reference: d.Reference, Status: d.Status, Reason: d.Reason, Amount: foyer.Money{Amount: d.Amount, Currency: d.Currency},
			OpenedAt: d.OpenedAt, RespondBy: d.RespondBy,
		}
	}
	return out, nil
}
