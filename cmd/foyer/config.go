package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"golang.org/x/term"

	"foyer/internal/app"
	"foyer/internal/identity"
)

// environment is every variable Foyer reads, with its default. Each can also be given as NAME_FILE, a file that holds
// the value (secrets of container engines).
type environment struct {
	Addr           string   `env:"FOYER_ADDR" envDefault:":8080"`
	AdminAddr      string   `env:"FOYER_ADMIN_ADDR" envDefault:"127.0.0.1:9090"`
	DatabaseURL    string   `env:"FOYER_DATABASE_URL" envDefault:"sqlite:./foyer.db"`
	PublicURL      string   `env:"FOYER_PUBLIC_URL" envDefault:"http://localhost:8080"`
	Secret         string   `env:"FOYER_SECRET"`
	SMTPURL        string   `env:"FOYER_SMTP_URL" envDefault:"outbox:"`
	MailDomains    []string `env:"FOYER_MAIL_DOMAINS"`
	TrustedProxies []string `env:"FOYER_TRUSTED_PROXIES"`
	WebhookAllow   []string `env:"FOYER_WEBHOOK_ALLOW_CIDRS"`
	Gateway        string   `env:"FOYER_GATEWAY"`
	StripeSecret   string   `env:"FOYER_STRIPE_SECRET_KEY"`
	StripePublic   string   `env:"FOYER_STRIPE_PUBLISHABLE_KEY"`
	StripeWebhook  string   `env:"FOYER_STRIPE_WEBHOOK_SECRET"`
	StripeURL      string   `env:"FOYER_STRIPE_API_URL"`
	SandboxURL     string   `env:"FOYER_SANDBOX_GATEWAY_URL"`
	SandboxSecret  string   `env:"FOYER_SANDBOX_GATEWAY_SECRET"`
	Limits         string   `env:"FOYER_LIMITS"`
	Lifetimes      string   `env:"FOYER_LIFETIMES"`
	Log            string   `env:"FOYER_LOG" envDefault:"info"`
}

// readEnvironment reads the variables, and the files that NAME_FILE variables name.
func readEnvironment(environ []string) (environment, error) {
	values := map[string]string{}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		values[name] = value
	}
	for name, path := range values {
		plain, isFile := strings.CutSuffix(name, "_FILE")
		if !isFile || !strings.HasPrefix(name, "FOYER_") || path == "" {
			continue
		}
		if values[plain] != "" {
			return environment{}, fmt.Errorf("%s and %s are both set: use one", plain, name)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return environment{}, fmt.Errorf("%s: %w", name, err)
		}
		values[plain] = strings.TrimSpace(string(content))
	}
	var e environment
	if err := env.ParseWithOptions(&e, env.Options{Environment: values}); err != nil {
		return environment{}, err
	}
	return e, nil
}

// appConfig turns the variables into what an App is made of; every mistake says which variable and how to mend it.
func (e environment) appConfig() (app.Config, error) {
	c := app.Config{DatabaseURL: e.DatabaseURL, SMTPURL: e.SMTPURL, SandboxGatewayURL: e.SandboxURL, SandboxGatewaySecret: e.SandboxSecret, Now: time.Now, Log: e.logger()}
	var problems []error
	note := func(name string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", name, err))
		}
	}
	var err error
	c.PublicURL, err = publicURL(e.PublicURL)
	note("FOYER_PUBLIC_URL", err)
	c.Secrets, err = e.secret()
	note("FOYER_SECRET", err)
	for _, domain := range e.MailDomains {
		domain = strings.ToLower(strings.TrimSpace(domain))
		if strings.ContainsAny(domain, "@/: ") || !strings.Contains(domain, ".") {
			note("FOYER_MAIL_DOMAINS", fmt.Errorf("%q is not a domain like example.com", domain))
		}
		c.MailDomains = append(c.MailDomains, domain)
	}
	for _, text := range e.TrustedProxies {
		prefix, err := parsePrefix(strings.TrimSpace(text))
		note("FOYER_TRUSTED_PROXIES", err)
		c.TrustedProxies = append(c.TrustedProxies, prefix)
	}
	for _, text := range e.WebhookAllow {
		prefix, err := parsePrefix(strings.TrimSpace(text))
		note("FOYER_WEBHOOK_ALLOW_CIDRS", err)
		c.Webhooks.Private = append(c.Webhooks.Private, prefix)
	}
	c.Limits, err = parseLimits(e.Limits)
	note("FOYER_LIMITS", err)
	c.Lifetimes, err = parseLifetimes(e.Lifetimes)
	note("FOYER_LIFETIMES", err)
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, strings.ToLower(e.Log)) {
		note("FOYER_LOG", errors.New("must be debug, info, warn or error"))
	}
	c.Stripe = e.gateway(note)
	return c, errors.Join(problems...)
}

func publicURL(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", errors.New("must be the address customers reach Foyer at, like https://billing.example.com")
	}
	return strings.TrimRight(s, "/"), nil
}

func parsePrefix(s string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(s); err == nil {
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is not a network like 10.0.0.0/8", s)
	}
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

// secret returns FOYER_SECRET, or with the embedded database one that is generated next to it: the first start needs no
// set-up, and a copy of both files is a whole backup.
func (e environment) secret() (string, error) {
	path, embedded := strings.CutPrefix(e.DatabaseURL, "sqlite:")
	if e.Secret != "" {
		return e.Secret, nil
	}
	if !embedded && !strings.HasPrefix(e.DatabaseURL, "postgres") {
		return "", errors.New("is not looked for: FOYER_DATABASE_URL must start with sqlite: or postgres://")
	}
	if !embedded {
		return "", errors.New("is required with PostgreSQL: 32 bytes or more, for example from: openssl rand -base64 48")
	}
	path += ".secret"
	content, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	random := make([]byte, 48)
	_, _ = rand.Read(random) // crypto/rand never returns an error since Go 1.24
	generated := base64.RawURLEncoding.EncodeToString(random)
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return "", fmt.Errorf("can't be made next to the embedded database: %w", err) // a typo must not look like lost data
	}
	// Written aside and linked: of two processes that start at once both read one whole secret, never half of one.
	aside := path + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(aside, []byte(generated+"\n"), 0o600); err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(aside) }()
	if err := os.Link(aside, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	content, err = os.ReadFile(path)
	return strings.TrimSpace(string(content)), err
}

// logger writes JSON lines, or readable ones on a terminal.
func (e environment) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(e.Log)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return slog.New(slog.NewTextHandler(os.Stderr, options))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, options))
}

// parseLimits reads name=count/period+count/period,… over the defaults.
func parseLimits(s string) (identity.Limits, error) {
	limits := identity.DefaultLimits()
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, text, _ := strings.Cut(part, "=")
		if _, known := limits[identity.LimitName(name)]; !known {
			return nil, fmt.Errorf("%q is not a limit", name)
		}
		var rules []identity.LimitRule
		for rule := range strings.SplitSeq(text, "+") {
			count, period, _ := strings.Cut(rule, "/")
			n, err := strconv.Atoi(count)
			per, perErr := parsePeriod(period)
			if err != nil || perErr != nil || n < 1 || per < time.Second {
				return nil, fmt.Errorf("%q is not a rule like 5/1h", rule)
			}
			rules = append(rules, identity.LimitRule{Count: n, Per: per})
		}
		limits[identity.LimitName(name)] = rules
	}
	return limits, nil
}

// parsePeriod reads a duration; days too (1d), which time.ParseDuration does not know.
func parsePeriod(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// parseLifetimes reads name=duration,… over the defaults.
func parseLifetimes(s string) (identity.Lifetimes, error) {
	l := identity.DefaultLifetimes
	targets := map[string]*time.Duration{
		"magic_link": &l.MagicLink, "access": &l.Access, "refresh_idle": &l.RefreshIdle, "refresh_absolute": &l.RefreshAbsolute,
		"refresh_grace": &l.RefreshGrace, "ticket": &l.Ticket, "mail_ticket": &l.MailTicket, "download": &l.Download,
	}
	for part := range strings.SplitSeq(s, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		name, text, _ := strings.Cut(part, "=")
		target, known := targets[name]
		if !known {
			return l, fmt.Errorf("%q is not a lifetime", name)
		}
		d, err := parsePeriod(text)
		if err != nil || d <= 0 {
			return l, fmt.Errorf("%q is not a duration like 10m", text)
		}
		*target = d
	}
	return l, nil
}
