package stripe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	sdk "github.com/stripe/stripe-go/v85"
)

// WebhookPath is where Stripe's messages arrive, behind the public URL.
const WebhookPath = "/v1/gateways/stripe/webhooks"

// WebhookEvents are the messages the endpoint must be sent: Stripe delivers only what it was asked for.
var WebhookEvents = []string{
	"payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.processing",
	"payment_intent.requires_action",
	"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed", "charge.dispute.funds_withdrawn",
	"charge.dispute.funds_reinstated",
	"refund.created", "refund.updated", "refund.failed",
	"payment_method.automatically_updated", "payment_method.updated", "payment_method.detached",
}

// Live tells whether the keys move real money.
func (o Options) Live() bool {
	return strings.HasPrefix(o.SecretKey, "sk_live_") || strings.HasPrefix(o.SecretKey, "rk_live_")
}

// Mode is what Stripe calls it: "live" or "test".
func (o Options) Mode() string {
	if o.Live() {
		return "live"
	}
	return "test"
}

// Finding is one thing Check looked at: what it is, how it stands, and how to mend it. What is bad keeps a merchant from charging; a
// warning does not.
type Finding struct {
	What    string
	Bad     bool
	Warning bool
	Detail  string
	Mend    string
}

const (
	// checkTimeout bounds each call of Check: whoever runs it waits in front of a terminal.
	checkTimeout = 15 * time.Second
	// undelivered is how far back messages are looked at that were not accepted: so long Stripe sends them again.
	undelivered = 72 * time.Hour
	// underWay is how young a message may be that still counts as on its way.
	underWay = 5 * time.Minute
)

// checker collects what it finds. Nothing it says holds a key, a secret or a message of Stripe's, which may quote one.
type checker struct {
	Options

	public string
	now    time.Time
	api    *sdk.Client
	http   *http.Client
	// here is the id of the endpoint that leads to this Foyer; empty when none does.
	here  string
	found []Finding
}

// Check asks Stripe, and the Foyer that serves at publicURL, whether they fit together. It charges nothing: it begins one setup, which it
// cancels again, and sends Foyer one signed message that is about nothing.
func (o Options) Check(ctx context.Context, publicURL string, now time.Time) []Finding {
	c := &checker{Options: o, public: publicURL, now: now, http: &http.Client{
		Timeout:       checkTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	c.api = c.client(o.SecretKey)
	if c.account(ctx) {
		c.rights(ctx)
		c.keys(ctx)
		c.endpoint(ctx)
		c.events(ctx)
	}
	c.delivery(ctx)
	return c.found
}

func (c *checker) client(key string) *sdk.Client {
	config := &sdk.BackendConfig{
		HTTPClient: c.http, MaxNetworkRetries: sdk.Int64(1), EnableTelemetry: sdk.Bool(false), LeveledLogger: &sdk.LeveledLogger{Level: sdk.LevelNull},
	}
	if c.APIURL != "" {
		config.URL = sdk.String(c.APIURL)
	}
	return sdk.NewClient(key, sdk.WithBackends(sdk.NewBackendsWithConfig(config)))
}

func (c *checker) ok(what, detail string) {
	c.found = append(c.found, Finding{What: what, Detail: detail})
}

func (c *checker) bad(what, detail, mend string) {
	c.found = append(c.found, Finding{What: what, Bad: true, Detail: detail, Mend: mend})
}

func (c *checker) warn(what, detail, mend string) {
	c.found = append(c.found, Finding{What: what, Warning: true, Detail: detail, Mend: mend})
}

// serious is bad in live mode and a warning while it is only tried out.
func (c *checker) serious(bad bool, what, detail, mend string) {
	if bad {
		c.bad(what, detail, mend)
		return
	}
	c.warn(what, detail, mend)
}

// status is the HTTP status of Stripe's answer; 0 when there was none.
func status(err error) int {
	var e *sdk.Error
	if errors.As(err, &e) {
		return e.HTTPStatusCode
	}
	return 0
}

// right is how Stripe names the permission a restricted key lacks.
var right = regexp.MustCompile(`\brak_[a-z0-9_]+`)

// lacking names a permission as the dashboard does, with Stripe's own name of it where the answer tells it.
func lacking(name string, err error) string {
	var e *sdk.Error
	if errors.As(err, &e) {
		if own := right.FindString(e.Msg); own != "" {
			return name + " (" + own + ")"
		}
	}
	return name
}

// unread says that something could not be looked at.
func (c *checker) unread(what, permission string, err error) {
	if status(err) == http.StatusForbidden {
		c.warn(what, "could not be looked at: the key lacks the right "+lacking(permission, err),
			"give the restricted key that right in Stripe's dashboard, or look there by yourself")
		return
	}
	c.warn(what, "could not be looked at: "+outage(err), "run foyer doctor again in a while")
}

func outage(err error) string {
	if code := status(err); code != 0 {
		return fmt.Sprintf("Stripe answered with status %d", code)
	}
	return "Stripe did not answer"
}

// account asks whose key it is; false when there is no use in asking Stripe anything more.
func (c *checker) account(ctx context.Context) bool {
	const what = "stripe account"
	account, err := c.api.V1Accounts.Retrieve(ctx, nil)
	switch status(err) {
	case http.StatusUnauthorized:
		c.bad(what, "Stripe does not know FOYER_STRIPE_SECRET_KEY", "copy the key again from Stripe's dashboard (Developers, API keys); one that was rolled, deleted or has expired is refused")
		return false
	case http.StatusForbidden:
		c.warn(what, "the key works, but may not read the account: it lacks "+lacking("Account: Read", err),
			"give the restricted key that right, or see in the dashboard whether the account may charge")
		return true
	}
	if err != nil {
		c.bad(what, outage(err), "let this machine reach api.stripe.com on port 443 (FOYER_STRIPE_API_URL where it is set); whether Stripe is down stands at status.stripe.com")
		return false
	}
	detail := fmt.Sprintf("%s (%s), %s mode", account.ID, account.Country, c.Mode())
	if account.ChargesEnabled {
		c.ok(what, detail)
		return true
	}
	detail += ", can't charge yet"
	if account.Requirements != nil && account.Requirements.DisabledReason != "" {
		detail += ": " + string(account.Requirements.DisabledReason)
	}
	// An account that was never activated takes test payments all the same.
	c.serious(c.Live(), what, detail, "finish activating the account in Stripe's dashboard: who you are, your bank account, what you sell")
	return true
}

// rights asks a restricted key for everything the gateway will ask, about things that don't exist: without the right the answer is 403, with
// it 404, and nothing is changed.
func (c *checker) rights(ctx context.Context) {
	if !strings.HasPrefix(c.SecretKey, "rk_") {
		return
	}
	const what, nothing = "stripe rights", "foyer_doctor_asks"
	attempts := []struct {
		name string
		ask  func() error
	}{
		{"Customers: Write", func() error {
			_, err := c.api.V1Customers.Update(ctx, "cus_"+nothing, &sdk.CustomerUpdateParams{Metadata: map[string]string{"foyer": "doctor"}})
			return err
		}},
		{"SetupIntents: Write", func() error { _, err := c.api.V1SetupIntents.Cancel(ctx, "seti_"+nothing, nil); return err }},
		{"PaymentIntents: Write", func() error { _, err := c.api.V1PaymentIntents.Cancel(ctx, "pi_"+nothing, nil); return err }},
		{"PaymentMethods: Write", func() error { _, err := c.api.V1PaymentMethods.Detach(ctx, "pm_"+nothing, nil); return err }},
		{"Charges and Refunds: Write", func() error {
			_, err := c.api.V1Refunds.Create(ctx, &sdk.RefundCreateParams{PaymentIntent: sdk.String("pi_" + nothing)})
			return err
		}},
		{"Disputes: Read", func() error { _, err := c.api.V1Disputes.Retrieve(ctx, "dp_"+nothing, nil); return err }},
	}
	var missing []string
	for _, a := range attempts {
		err := a.ask()
		switch code := status(err); {
		case err == nil: // a mock, where everything exists
		case code == http.StatusForbidden:
			missing = append(missing, lacking(a.name, err))
		case code == 0 || code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
			c.unread(what, a.name, err)
			return
		}
	}
	if len(missing) > 0 {
		c.bad(what, "the restricted key lacks "+strings.Join(missing, ", "), "give it these rights in Stripe's dashboard (Developers, API keys, Edit key); the key itself stays")
		return
	}
	c.ok(what, "the restricted key has those that charging needs")
}

// keys begins a setup with the secret key and looks at it with the publishable one, as a customer's device does: it can, when both are of one
// account and mode.
func (c *checker) keys(ctx context.Context) {
	const what = "stripe keys"
	begun, err := c.api.V1SetupIntents.Create(ctx, &sdk.SetupIntentCreateParams{
		Usage: sdk.String("off_session"), Metadata: map[string]string{"foyer": "doctor"},
		AutomaticPaymentMethods: &sdk.SetupIntentCreateAutomaticPaymentMethodsParams{Enabled: sdk.Bool(true)},
	})
	if status(err) == http.StatusBadRequest {
		c.bad(what, "Stripe refuses to begin storing a payment method", "switch on at least one payment method that can be stored, like cards, in Stripe's dashboard (Settings, Payments, Payment methods)")
		return
	}
	if err != nil {
		c.unread(what, "SetupIntents: Write", err)
		return
	}
	defer func() { _, _ = c.api.V1SetupIntents.Cancel(ctx, begun.ID, nil) }() // left open it is forgotten, and charges nobody
	_, err = c.client(c.PublishableKey).V1SetupIntents.Retrieve(ctx, begun.ID, &sdk.SetupIntentRetrieveParams{ClientSecret: sdk.String(begun.ClientSecret)})
	switch {
	case status(err) == http.StatusUnauthorized:
		c.bad(what, "Stripe does not know FOYER_STRIPE_PUBLISHABLE_KEY", "copy it again from Stripe's dashboard (Developers, API keys)")
	case status(err) == http.StatusNotFound:
		c.bad(what, "FOYER_STRIPE_PUBLISHABLE_KEY is of another account than FOYER_STRIPE_SECRET_KEY", "take both from the same account and mode of Stripe's dashboard: else no customer can store a card")
	case err != nil:
		c.unread(what, "SetupIntents: Write", err)
	case begun.Livemode != c.Live():
		c.bad(what, "Stripe answers in the other mode than the keys are of", "see where FOYER_STRIPE_API_URL leads")
	default:
		c.ok(what, "both of one account; customers can store: "+strings.Join(begun.PaymentMethodTypes, ", "))
	}
}

// endpoint looks for the webhook endpoint that leads here.
func (c *checker) endpoint(ctx context.Context) {
	const what = "stripe webhook"
	address, local := c.public+WebhookPath, localURL(c.public)
	if c.Live() && !strings.HasPrefix(c.public, "https://") {
		c.bad(what, "live messages come over https only, and FOYER_PUBLIC_URL is http", "put TLS in front of Foyer and set FOYER_PUBLIC_URL to the https:// address")
	}
	var here, elsewhere []*sdk.WebhookEndpoint
	for e, err := range c.api.V1WebhookEndpoints.List(ctx, &sdk.WebhookEndpointListParams{ListParams: sdk.ListParams{Limit: sdk.Int64(100)}}).All(ctx) {
		if err != nil {
			c.unread(what, "Webhook Endpoints: Read", err)
			return
		}
		switch {
		case e.URL == address && e.Livemode == c.Live():
			here = append(here, e)
		case strings.HasSuffix(strings.TrimRight(e.URL, "/"), WebhookPath):
			elsewhere = append(elsewhere, e)
		}
	}
	if len(here) == 0 {
		mend := c.command("create", "", address)
		if local {
			mend = "Stripe can't reach this machine: let its command line pass the messages on with: stripe listen --forward-to " + address +
				" (it prints the secret for FOYER_STRIPE_WEBHOOK_SECRET)"
		} else if len(elsewhere) > 0 {
			mend = "there is one for " + elsewhere[0].URL + ": if that is this Foyer, correct its address or FOYER_PUBLIC_URL; else " + mend
		}
		c.serious(!local, what, "no endpoint leads to "+address+": disputes, late refunds and replaced cards go unnoticed", mend)
		return
	}
	on := slices.DeleteFunc(slices.Clone(here), func(e *sdk.WebhookEndpoint) bool { return e.Status != "enabled" })
	if len(on) == 0 {
		c.bad(what, here[0].ID+" is switched off: Stripe does that after days without an answer", fmt.Sprintf("stripe webhook_endpoints update %s%s -d disabled=false", here[0].ID, c.liveFlag()))
		return
	}
	if len(on) > 1 {
		c.warn(what, fmt.Sprintf("%d endpoints lead here: every message comes so often, each with a secret of its own", len(on)), "delete all but one in Stripe's dashboard")
	}
	c.subscribed(what, address, on)
}

// subscribed looks at what the endpoint is sent, and how.
func (c *checker) subscribed(what, address string, on []*sdk.WebhookEndpoint) {
	asked := map[string]bool{}
	for _, e := range on {
		for _, name := range e.EnabledEvents {
			asked[name] = true
		}
	}
	missing := slices.DeleteFunc(slices.Clone(WebhookEvents), func(name string) bool { return asked["*"] || asked[name] })
	if len(missing) > 0 {
		c.bad(what, on[0].ID+" is not sent "+strings.Join(missing, ", "), c.command("update", on[0].ID, ""))
		return
	}
	if version := on[0].APIVersion; version != sdk.APIVersion {
		if version == "" {
			version = "the account's own"
		}
		// Only ids are read of a message, and those are where they were in every version.
		c.warn(what, fmt.Sprintf("%s sends API version %s, Foyer speaks %s: it works, because Foyer reads nothing but ids", on[0].ID, version, sdk.APIVersion),
			"an endpoint's version can't be changed; when it suits, make a new one and delete this: "+c.command("create", "", address))
		return
	}
	c.here = on[0].ID
	c.ok(what, on[0].ID+" leads here and is sent all that is needed")
}

func (c *checker) liveFlag() string {
	if c.Live() {
		return " --live"
	}
	return ""
}

// command is what makes or changes the endpoint, with Stripe's command line.
func (c *checker) command(verb, id, address string) string {
	var b strings.Builder
	b.WriteString("stripe webhook_endpoints " + verb)
	if id != "" {
		b.WriteString(" " + id)
	}
	b.WriteString(c.liveFlag())
	if address != "" {
		fmt.Fprintf(&b, " -d url=%s -d api_version=%s", address, sdk.APIVersion)
	}
	for _, name := range WebhookEvents {
		fmt.Fprintf(&b, ` -d "enabled_events[]=%s"`, name)
	}
	if address != "" {
		b.WriteString(" (it prints the secret for FOYER_STRIPE_WEBHOOK_SECRET)")
	}
	return b.String()
}

// events asks how many of our messages were not accepted lately.
func (c *checker) events(ctx context.Context) {
	const what, most = "stripe events", 100
	params := &sdk.EventListParams{
		ListParams:      sdk.ListParams{Limit: sdk.Int64(most), Single: true},
		DeliverySuccess: sdk.Bool(false), Types: sdk.StringSlice(WebhookEvents),
		CreatedRange: &sdk.RangeQueryParams{GreaterThanOrEqual: c.now.Add(-undelivered).Unix(), LesserThanOrEqual: c.now.Add(-underWay).Unix()},
	}
	count, newest := 0, ""
	for e, err := range c.api.V1Events.List(ctx, params).All(ctx) {
		if err != nil {
			c.unread(what, "Events: Read", err)
			return
		}
		if count++; newest == "" {
			newest = e.ID
		}
		if count == most {
			break
		}
	}
	if count == 0 {
		c.ok(what, "all of the last 3 days were accepted")
		return
	}
	many := fmt.Sprint(count)
	if count == most {
		many += " or more"
	}
	c.warn(what, "messages of the last 3 days that not every endpoint of the account accepted: "+many+", the newest "+newest,
		"see the endpoint's log in Stripe's dashboard: 401 is a wrong secret, no answer a wrong address; then: stripe events resend "+newest+c.liveFlag()+" --webhook-endpoint="+cmp.Or(c.here, "we_…"))
}

// localURL tells whether an address is one that Stripe can't reach.
func localURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || u.Hostname() == "::1")
}
