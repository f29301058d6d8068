package stripetest

// Account is what Stripe knows of the merchant.
type Account struct {
	ID, Country, DefaultCurrency, BusinessName       string
	ChargesEnabled, PayoutsEnabled, DetailsSubmitted bool
}

// WebhookEndpoint is where Stripe posts events to, as set up at its Dashboard.
type WebhookEndpoint struct {
	ID, URL string
	// APIVersion is the version events are written in; empty is the account's.
	APIVersion    string
	EnabledEvents []string
	Disabled      bool
}

func defaultAccount() Account {
	return Account{
		ID: "acct_1Foyer", Country: "DE", DefaultCurrency: "eur", BusinessName: "Foyer's tests", ChargesEnabled: true, PayoutsEnabled: true,
		DetailsSubmitted: true,
	}
}

// SetAccount changes the merchant's account.
func (f *Fake) SetAccount(a Account) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.account = a
}

// SetWebhookEndpoints sets the endpoints /v1/webhook_endpoints lists. Where events really go is Options.WebhookURL.
func (f *Fake) SetWebhookEndpoints(all ...WebhookEndpoint) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks = all
}

func (f *Fake) addAccount() {
	f.route("GET /v1/account", func(call) (object, *apiError) { return f.account.show(), nil })
	f.route("GET /v1/webhook_endpoints", func(c call) (object, *apiError) {
		var all []object
		for _, e := range f.hooks {
			all = append(all, e.show(f))
		}
		return c.page("/v1/webhook_endpoints", all)
	}, listParams...)
}

func (a Account) show() object {
	return object{
		"id": a.ID, "object": "account", "country": a.Country, "default_currency": a.DefaultCurrency, "charges_enabled": a.ChargesEnabled,
		"payouts_enabled": a.PayoutsEnabled, "details_submitted": a.DetailsSubmitted, "email": nil, "type": "standard",
		"business_profile": object{"name": a.BusinessName}, "capabilities": object{"card_payments": "active"},
		"settings": object{"dashboard": object{"display_name": a.BusinessName}}, "metadata": object{},
	}
}

func (e WebhookEndpoint) show(f *Fake) object {
	id, status := e.ID, "enabled"
	if id == "" {
		id = "we_" + fingerprint(e.URL)
	}
	if e.Disabled {
		status = "disabled"
	}
	return object{
		"id": id, "object": "webhook_endpoint", "url": e.URL, "enabled_events": e.EnabledEvents, "status": status,
		"api_version": orNull(e.APIVersion), "livemode": f.live(), "created": f.now(), "metadata": object{}, "application": nil,
		"description": nil,
	}
}
