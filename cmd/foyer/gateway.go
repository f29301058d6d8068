package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"foyer/internal/gateway/stripe"
)

// stripeKey is what Stripe's keys and secrets consist of after their prefix.
var stripeKey = regexp.MustCompile(`^[A-Za-z0-9_+/=-]+$`)

// gateway returns the gateway of live merchants, nil for none. No message holds a value: they end in logs and tickets.
func (e environment) gateway(note func(name string, err error)) *stripe.Options {
	settings := []struct{ name, value string }{
		{"FOYER_STRIPE_SECRET_KEY", e.StripeSecret},
		{"FOYER_STRIPE_PUBLISHABLE_KEY", e.StripePublic},
		{"FOYER_STRIPE_WEBHOOK_SECRET", e.StripeWebhook},
		{"FOYER_STRIPE_API_URL", e.StripeURL},
	}
	switch strings.TrimSpace(e.Gateway) {
	case "":
		for _, s := range settings {
			if strings.TrimSpace(s.value) != "" {
				note(s.name, errors.New("is set, but FOYER_GATEWAY is not: set FOYER_GATEWAY=stripe, or take this one away"))
			}
		}
		return nil
	case "stripe":
	default:
		note("FOYER_GATEWAY", errors.New("must be stripe, or empty while there are only sandbox merchants"))
		return nil
	}
	o := &stripe.Options{SecretKey: strings.TrimSpace(e.StripeSecret), PublishableKey: strings.TrimSpace(e.StripePublic)}
	secretErr, publicErr := secretKeyShape(o.SecretKey), publishableKeyShape(o.PublishableKey)
	note("FOYER_STRIPE_SECRET_KEY", secretErr)
	note("FOYER_STRIPE_PUBLISHABLE_KEY", publicErr)
	if secretErr == nil && publicErr == nil && o.Live() != strings.HasPrefix(o.PublishableKey, "pk_live_") {
		note("FOYER_STRIPE_PUBLISHABLE_KEY", errors.New("and FOYER_STRIPE_SECRET_KEY are of different modes, one test and one live: take both from the same page of Stripe's dashboard"))
	}
	var err error
	o.WebhookSecrets, err = webhookSecrets(e.StripeWebhook)
	note("FOYER_STRIPE_WEBHOOK_SECRET", err)
	o.APIURL, err = stripeURL(strings.TrimSpace(e.StripeURL), o.Live())
	note("FOYER_STRIPE_API_URL", err)
	return o
}

func secretKeyShape(key string) error {
	switch {
	case key == "":
		return errors.New("is required with FOYER_GATEWAY=stripe: a restricted key rk_live_… of Stripe's dashboard (Developers, API keys), or the secret key sk_live_…; rk_test_… or sk_test_… to try it out")
	case strings.HasPrefix(key, "pk_"):
		return errors.New("holds the publishable key: the secret one begins with rk_ or sk_")
	case strings.HasPrefix(key, "whsec_"):
		return errors.New("holds a webhook's signing secret: that belongs into FOYER_STRIPE_WEBHOOK_SECRET")
	}
	return keyShape(key, "rk_live_", "rk_test_", "sk_live_", "sk_test_")
}

func publishableKeyShape(key string) error {
	switch {
	case key == "":
		return errors.New("is required with FOYER_GATEWAY=stripe: the key pk_live_… or pk_test_… that stands beside the secret key in Stripe's dashboard")
	case strings.HasPrefix(key, "sk_"), strings.HasPrefix(key, "rk_"):
		return errors.New("holds a secret key, and what stands here is given to every browser: put pk_… here, and roll that key in Stripe's dashboard if Foyer ever ran with it")
	}
	return keyShape(key, "pk_live_", "pk_test_")
}

// webhookSecrets reads the signing secrets; there are several while one is replaced.
func webhookSecrets(value string) ([]string, error) {
	var secrets []string
	for secret := range strings.SplitSeq(value, ",") {
		if secret = strings.TrimSpace(secret); secret == "" {
			continue
		}
		if strings.HasPrefix(secret, "we_") {
			return nil, errors.New("holds the endpoint's id: its signing secret begins with whsec_ (Stripe's dashboard, the endpoint, Signing secret)")
		}
		if err := keyShape(secret, "whsec_"); err != nil {
			return nil, err
		}
		secrets = append(secrets, secret)
	}
	if len(secrets) == 0 {
		return nil, errors.New("is required with FOYER_GATEWAY=stripe: the signing secret whsec_… of the webhook endpoint; several, comma-separated, while one is replaced")
	}
	return secrets, nil
}

func keyShape(key string, prefixes ...string) error {
	if strings.ContainsFunc(key, unicode.IsSpace) {
		return errors.New("has a space or a line break in it: copy it again, as a whole and in one line")
	}
	for _, prefix := range prefixes {
		if rest, ok := strings.CutPrefix(key, prefix); ok && stripeKey.MatchString(rest) {
			return nil
		}
	}
	return fmt.Errorf("is not like %s…: copy it again from Stripe's dashboard, as a whole", strings.Join(prefixes, "…, "))
}

// stripeURL checks where Stripe's API is said to be. A live key is sent in the clear to nobody but this machine.
func stripeURL(s string, live bool) (string, error) {
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", errors.New("must be the address of Stripe's API or of a mock, like http://localhost:12111; leave it empty for the real one")
	}
	if live && u.Scheme == "http" && !isLocal(u) {
		return "", errors.New("is http, and a live key would travel readable: use https, or a test key")
	}
	return strings.TrimRight(s, "/"), nil
}

// isLocal tells whether an address is this machine's own.
func isLocal(u *url.URL) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}
