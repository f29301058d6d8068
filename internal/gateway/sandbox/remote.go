package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

var (
	_ billing.Gateway        = (*Remote)(nil)
	_ billing.TokenResolver  = (*Remote)(nil)
	_ billing.ChargeCanceler = (*Remote)(nil)
	_ billing.MethodRemover  = (*Remote)(nil)
	_ billing.MethodReader   = (*Remote)(nil)
	_ billing.WebhookReader  = (*Remote)(nil)
	_ billing.DisputeReader  = (*Remote)(nil)
)

// atOnce is how many connections are kept for the next call.
const atOnce = 64

// maxAnswer bounds what is read of an answer; the ledger is read as a stream.
const maxAnswer = 1 << 20

// RemoteOptions are what a Remote needs besides the address.
type RemoteOptions struct {
	// WebhookSecret is the one the gateway signs with.
	WebhookSecret string
	// Timeout of one call; 0 is 10 seconds.
	Timeout time.Duration
}

// Remote is the gateway in another process. It asks once per call: what it can't read is foyer.Unavailable, never a guess.
type Remote struct {
	base   *url.URL
	secret string
	client *http.Client
	// reader has no time-out: a long ledger takes its caller's time.
	reader *http.Client
}

// NewRemote returns the gateway at an address; it calls nobody yet.
func NewRemote(address string, o RemoteOptions) (*Remote, error) {
	u, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, errors.New("must be the address of a sandbox gateway, like http://127.0.0.1:8081")
	}
	client := newClient(or(o.Timeout, 10*time.Second), atOnce)
	reader := *client
	reader.Timeout = 0
	return &Remote{base: u, secret: o.WebhookSecret, client: client, reader: &reader}, nil
}

// Close lets go of the connections that are not in use.
func (r *Remote) Close() { r.client.CloseIdleConnections() }

// Name implements billing.Gateway.
func (r *Remote) Name() string { return name }

// PublicKey implements billing.Gateway.
func (r *Remote) PublicKey() string { return publicKey }

// StartSetup implements billing.Gateway.
func (r *Remote) StartSetup(ctx context.Context, s billing.SetupRequest) (billing.StartedSetup, error) {
	var out wireStarted
	err := r.call(ctx, http.MethodPost, []string{"setups"}, nil, wireSetup{string(s.ID), string(s.Merchant), string(s.Customer)}, &out)
	return billing.StartedSetup{Reference: out.ID, ClientSecret: out.ClientSecret}, err
}

// Setup implements billing.Gateway.
func (r *Remote) Setup(ctx context.Context, reference string) (billing.SetupResult, error) {
	var out wireSetupResult
	err := r.call(ctx, http.MethodGet, []string{"setups", reference}, nil, nil, &out)
	result := billing.SetupResult{Status: out.Status, ErrorCode: out.ErrorCode}
	if out.Method != nil {
		result.Method = out.Method.method()
	}
	return result, err
}

// Charge implements billing.Gateway.
func (r *Remote) Charge(ctx context.Context, c billing.ChargeRequest) (billing.ChargeResult, error) {
	return r.charge(ctx, http.MethodPost, []string{"charges"}, nil, wireCharge{
		Key: c.Key, Merchant: string(c.Merchant), Reference: string(c.Payment), Amount: c.Amount.Amount, Currency: c.Amount.Currency,
		Token: c.Token, OnSession: c.OnSession,
	})
}

// ChargeByKey implements billing.Gateway.
func (r *Remote) ChargeByKey(ctx context.Context, merchant foyer.MerchantID, key string) (billing.ChargeResult, error) {
	return r.charge(ctx, http.MethodGet, []string{"charges", key}, url.Values{"merchant": {string(merchant)}}, nil)
}

// CancelCharge implements billing.ChargeCanceler.
func (r *Remote) CancelCharge(ctx context.Context, merchant foyer.MerchantID, key string) (billing.ChargeResult, error) {
	return r.charge(ctx, http.MethodPost, []string{"charges", key, "cancel"}, nil, wireOwner{string(merchant)})
}

// charge is a call that answers a charge. A status we do not know is nothing to book by.
func (r *Remote) charge(ctx context.Context, method string, path []string, query url.Values, in any) (billing.ChargeResult, error) {
	var out wireChargeResult
	if err := r.call(ctx, method, path, query, in, &out); err != nil {
		return billing.ChargeResult{}, err
	}
	switch out.Status {
	case billing.ChargeCaptured, billing.ChargeDeclined, billing.ChargeRequiresAction, billing.ChargePending:
		return billing.ChargeResult{Status: out.Status, ErrorCode: out.ErrorCode, ClientSecret: out.ClientSecret}, nil
	default:
		return billing.ChargeResult{}, dark(errors.New("answered an unknown status"))
	}
}

// Refund implements billing.Gateway.
func (r *Remote) Refund(ctx context.Context, f billing.RefundRequest) (billing.RefundResult, error) {
	var out wireRefundResult
	err := r.call(ctx, http.MethodPost, []string{"refunds"}, nil, wireRefund{
		Key: f.Key, Merchant: string(f.Merchant), Charge: f.Charge, Amount: f.Amount.Amount, Currency: f.Amount.Currency,
	}, &out)
	return billing.RefundResult(out), err
}

// Disputes implements billing.DisputeReader.
func (r *Remote) Disputes(ctx context.Context, merchant foyer.MerchantID, key string) ([]billing.GatewayDispute, error) {
	var out wireDisputes
	err := r.call(ctx, http.MethodGet, []string{"charges", key, "disputes"}, url.Values{"merchant": {string(merchant)}}, nil, &out)
	if err != nil {
		return nil, err
	}
	return out.disputes()
}

// MethodByToken implements billing.TokenResolver.
func (r *Remote) MethodByToken(ctx context.Context, owner foyer.Scope, token string) (billing.GatewayMethod, error) {
	return r.method(ctx, token, url.Values{"merchant": {string(owner.Merchant)}, "customer": {string(owner.Customer)}})
}

// Method implements billing.MethodReader. Unlike a backend's token it makes nothing.
func (r *Remote) Method(ctx context.Context, token string) (billing.GatewayMethod, error) {
	if _, backend := numberOf(token); backend {
		return billing.GatewayMethod{}, foyer.ErrNotFound()
	}
	return r.method(ctx, token, nil)
}

func (r *Remote) method(ctx context.Context, token string, owner url.Values) (billing.GatewayMethod, error) {
	var out wireMethod
	if err := r.call(ctx, http.MethodGet, []string{"methods", token}, owner, nil, &out); err != nil {
		return billing.GatewayMethod{}, err
	}
	return out.method(), nil
}

// RemoveMethod implements billing.MethodRemover.
func (r *Remote) RemoveMethod(ctx context.Context, token string) error {
	return r.call(ctx, http.MethodDelete, []string{"methods", token}, nil, nil, nil)
}

// ReadWebhook implements billing.WebhookReader.
func (r *Remote) ReadWebhook(_ context.Context, header map[string][]string, body []byte, now time.Time) (billing.GatewayNotice, error) {
	return readWebhook(r.secret, header, body, now)
}

// call sends one request and reads its answer into out, unless that is nil.
func (r *Remote) call(ctx context.Context, method string, path []string, query url.Values, in, out any) error {
	answer, err := r.send(ctx, r.client, method, path, query, in)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch {
	case err != nil:
		return dark(err)
	case out == nil && answer.StatusCode == http.StatusNoContent:
		return nil
	case out != nil && answer.StatusCode == http.StatusOK:
		if err := json.Unmarshal(content, out); err != nil {
			return dark(errors.New("answered what is not its JSON"))
		}
		return nil
	default:
		return refusalOf(answer, content)
	}
}

func (r *Remote) send(ctx context.Context, client *http.Client, method string, path []string, query url.Values, in any) (*http.Response, error) {
	u := *r.base
	for _, part := range path {
		// Our ids are plain; anything else would ask for another path.
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "/\\") || len(part) > 500 {
			return nil, foyer.ErrNotFound()
		}
	}
	u.Path += "/" + strings.Join(path, "/")
	u.RawQuery = query.Encode()
	var body io.Reader
	if in != nil {
		content, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(content)
	}
	request, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, dark(withoutURL(err))
	}
	return answer, nil
}

// kinds are the refusals the gateway itself makes.
var kinds = map[int]foyer.Kind{
	http.StatusNotFound: foyer.NotFound, http.StatusConflict: foyer.Conflict, http.StatusUnprocessableEntity: foyer.Invalid,
}

// refusalOf reads a refusal. It must be the gateway's own problem: a 404 of something in between, or of a wrong address,
// must not say that a charge never was.
func refusalOf(answer *http.Response, content []byte) error {
	var p problem
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	kind, known := kinds[answer.StatusCode]
	if !known || media != "application/problem+json" || json.Unmarshal(content, &p) != nil || p.Code == "" || p.Status != answer.StatusCode {
		return dark(fmt.Errorf("answered %d", answer.StatusCode))
	}
	return foyer.Refuse(kind, p.Code)
}

// dark says that nobody knows what happened.
func dark(err error) error {
	return &foyer.Error{Kind: foyer.Unavailable, Code: "unavailable", Err: fmt.Errorf("sandbox gateway: %w", err)}
}

// withoutURL drops the address from a client's error: the path of a method holds its token.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
