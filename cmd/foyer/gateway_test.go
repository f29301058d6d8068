package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/gateway/stripe"
)

const (
	testSecret = "sk_test_51GeheimGeheim"
	testPublic = "pk_test_51OeffentlichOeffentlich"
	testHook   = "whsec_GeheimGeheim"
)

func stripeSettings(more ...string) []string {
	return append([]string{
		"FOYER_GATEWAY=stripe", "FOYER_STRIPE_SECRET_KEY=" + testSecret, "FOYER_STRIPE_PUBLISHABLE_KEY=" + testPublic,
		"FOYER_STRIPE_WEBHOOK_SECRET=" + testHook,
	}, more...)
}

func TestAWrongStripeSettingNamesItsVariableAndShowsNoValue(t *testing.T) {
	t.Parallel()
	const secret, public, hook, address = "FOYER_STRIPE_SECRET_KEY", "FOYER_STRIPE_PUBLISHABLE_KEY", "FOYER_STRIPE_WEBHOOK_SECRET", "FOYER_STRIPE_API_URL"
	for name, row := range map[string]struct {
		settings []string // later ones win
		says     []string
		hides    string
	}{
		"another gateway":              {[]string{"FOYER_GATEWAY=adyen"}, []string{"FOYER_GATEWAY: must be stripe"}, ""},
		"nothing but the gateway":      {[]string{secret + "=", public + "=", hook + "="}, []string{secret + ": is required", public + ": is required", hook + ": is required"}, ""},
		"keys without the gateway":     {[]string{"FOYER_GATEWAY="}, []string{secret + ": is set, but FOYER_GATEWAY is not", public, hook}, testSecret},
		"a publishable key as secret":  {[]string{secret + "=" + testPublic}, []string{secret + ": holds the publishable key"}, testPublic},
		"a signing secret as secret":   {[]string{secret + "=" + testHook}, []string{secret + ": holds a webhook's signing secret"}, testHook},
		"an unknown kind of secret":    {[]string{secret + "=sk_org_51Geheim"}, []string{secret + ": is not like rk_live_"}, "51Geheim"},
		"a placeholder":                {[]string{secret + "=sk_live_…"}, []string{secret + ": is not like"}, ""},
		"two lines":                    {[]string{secret + "=sk_test_51Geh\neim"}, []string{secret + ": has a space or a line break"}, "51Geh"},
		"a secret key as publishable":  {[]string{public + "=sk_live_51Geheim"}, []string{public + ": holds a secret key", "roll that key"}, "51Geheim"},
		"not a publishable key":        {[]string{public + "=51Geheim"}, []string{public + ": is not like pk_live_"}, "51Geheim"},
		"keys of two modes":            {[]string{public + "=pk_live_51Geheim"}, []string{public + ": and " + secret + " are of different modes"}, "51Geheim"},
		"the endpoint's id as secret":  {[]string{hook + "=we_51Geheim"}, []string{hook + ": holds the endpoint's id"}, "51Geheim"},
		"one of two secrets is broken": {[]string{hook + "=" + testHook + ",Geheim"}, []string{hook + ": is not like whsec_"}, "Geheim"},
		"only a comma":                 {[]string{hook + "=,"}, []string{hook + ": is required"}, ""},
		"no address":                   {[]string{address + "=stripe-mock:12111"}, []string{address + ": must be the address"}, ""},
		"an address with a password":   {[]string{address + "=https://u:geheim@mock.example"}, []string{address + ": must be the address"}, "geheim"},
		"a live key in the clear": {
			[]string{secret + "=rk_live_51Geheim", public + "=pk_live_51Offen", address + "=http://mock.example"}, []string{address + ": is http"}, "51Geheim",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t, stripeSettings(row.settings...)...)
			got := s.run("keys", "list")
			assert.Equal(t, 1, got.status)
			for _, says := range row.says {
				assert.Contains(t, got.err, says)
			}
			doctor := s.run("doctor")
			assert.Equal(t, 1, doctor.status)
			for _, hides := range []string{row.hides, testSecret, testPublic, testHook} {
				if hides != "" {
					assert.NotContains(t, got.out+got.err+doctor.out+doctor.err, hides)
				}
			}
		})
	}
}

func TestStripeSettingsAreReadFromFilesAndTrimmed(t *testing.T) {
	t.Parallel()
	e, err := readEnvironment([]string{
		"FOYER_GATEWAY=stripe", "FOYER_STRIPE_SECRET_KEY_FILE=" + file(t, "key", " rk_live_51Geheim\n"), "FOYER_STRIPE_PUBLISHABLE_KEY= pk_live_51Offen ",
		"FOYER_STRIPE_WEBHOOK_SECRET=whsec_New, whsec_Old ,", "FOYER_STRIPE_API_URL=http://127.0.0.1:12111/", "FOYER_SECRET=" + strings.Repeat("s", 40),
	})
	require.NoError(t, err)
	c, err := e.appConfig()
	require.NoError(t, err)
	assert.Equal(t, &stripe.Options{
		SecretKey: "rk_live_51Geheim", PublishableKey: "pk_live_51Offen", WebhookSecrets: []string{"whsec_New", "whsec_Old"}, APIURL: "http://127.0.0.1:12111",
	}, c.Stripe)
}

var composed = regexp.MustCompile(`(?m)^ +(FOYER_[A-Z_]+): \$\{(FOYER_[A-Z_]+):-(.*?)\}(?: +#.*)?$`)

// Docker Compose passes every setting of the gateway on, and what nobody set as an empty text, which is no setting.
func TestDockerComposePassesTheGatewayOn(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(filepath.Join("..", "..", "docker-compose.yml"))
	require.NoError(t, err)
	passed := map[string]string{} // what a container has when nothing is set, by name
	for _, line := range composed.FindAllStringSubmatch(string(file), -1) {
		require.Equal(t, line[1], line[2], "passed on under its own name")
		passed[line[1]] = line[3]
	}
	container := func(set ...string) []string {
		environ := []string{"FOYER_SECRET=" + strings.Repeat("s", 40)}
		for name, value := range passed {
			environ = append(environ, name+"="+value)
		}
		for _, pair := range set {
			name, _, _ := strings.Cut(pair, "=")
			require.Contains(t, passed, name)
			environ = append(environ, pair)
		}
		return environ
	}
	read := func(environ []string) *stripe.Options {
		e, err := readEnvironment(environ)
		require.NoError(t, err)
		c, err := e.appConfig()
		require.NoError(t, err)
		return c.Stripe
	}
	assert.Nil(t, read(container()))
	want := &stripe.Options{SecretKey: testSecret, PublishableKey: testPublic, WebhookSecrets: []string{testHook}}
	assert.Equal(t, want, read(container(stripeSettings()...)))
	files := []string{"FOYER_GATEWAY=stripe", "FOYER_STRIPE_PUBLISHABLE_KEY=" + testPublic}
	for name, value := range map[string]string{"FOYER_STRIPE_SECRET_KEY": testSecret, "FOYER_STRIPE_WEBHOOK_SECRET": testHook} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, os.WriteFile(path, []byte(value+"\n"), 0o600))
		files = append(files, name+"_FILE="+path)
	}
	assert.Equal(t, want, read(container(files...)))
}

func TestALiveMerchantIsMadeWithAGateway(t *testing.T) {
	t.Parallel()
	s := newShell(t, stripeSettings("FOYER_PUBLIC_URL=https://billing.example.com")...)
	made := s.must("merchant", "create", "--name", "Acme", "--mode", "live")
	for _, want := range []string{"(live)", "fsk_live_", "https://billing.example.com" + stripe.WebhookPath, "foyer doctor", "no real money moves"} {
		assert.Contains(t, made.out, want)
	}
	assert.Contains(t, made.err, "warning: the seller lacks legal_name")

	asJSON := s.must("merchant", "create", "--name", "Acme", "--mode", "live", "--json")
	var printed map[string]string
	require.NoError(t, json.Unmarshal([]byte(asJSON.out), &printed), asJSON.out)
	assert.Len(t, printed, 3)
	assert.Contains(t, asJSON.err, "legal_name")

	sandbox := s.must("merchant", "create", "--name", "Acme")
	assert.NotContains(t, sandbox.out, "What comes next")

	withoutGateway := shell{t, []string{s.environ[0], "FOYER_ADDR=127.0.0.1:0", "FOYER_ADMIN_ADDR=127.0.0.1:0"}}.run("serve")
	assert.Equal(t, 1, withoutGateway.status)
	assert.Contains(t, withoutGateway.err, "FOYER_GATEWAY names no gateway")
	doctor := shell{t, s.environ[:1]}.run("doctor")
	assert.Equal(t, 1, doctor.status)
	assert.Contains(t, doctor.out, "set FOYER_GATEWAY=stripe")
}

func TestServeSaysWhichGatewayAndWarnsOfTestKeys(t *testing.T) {
	// Not parallel: the log goes to the process's standard error.
	for name, row := range map[string]struct {
		settings []string
		live     bool // a live merchant exists
		mode     string
		warns    int
	}{
		"test keys, no live merchant": {stripeSettings(), false, "test", 0},
		"test keys, live merchants":   {stripeSettings(), true, "test", 1},
		"live keys":                   {stripeSettings("FOYER_STRIPE_SECRET_KEY=rk_live_51Geheim", "FOYER_STRIPE_PUBLISHABLE_KEY=pk_live_51Offen"), true, "live", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t, append(row.settings, "FOYER_ADDR=127.0.0.1:0", "FOYER_ADMIN_ADDR=127.0.0.1:0", "FOYER_LOG=info")...)
			if row.live {
				s.must("merchant", "create", "--name", "One", "--mode", "live")
				s.must("merchant", "create", "--name", "Two", "--mode", "live")
			}
			log := standardError(t, func() {
				var out, errs bytes.Buffer
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				assert.Equal(t, 0, (&program{environ: s.environ, out: &out, err: &errs}).run(ctx, []string{"serve"}), errs.String())
			})
			assert.Contains(t, log, `"gateway":"stripe","mode":"`+row.mode+`"`)
			assert.Equal(t, row.warns, strings.Count(log, "no real money moves"), log)
			for _, hidden := range []string{"Geheim", testPublic, "51Offen"} {
				assert.NotContains(t, log, hidden)
			}
		})
	}
}

// Each finding has its test beside the gateway; here it is that doctor asks, shows and counts them.
func TestDoctorAsksStripe(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":{"type":"invalid_request_error","message":"Invalid API Key provided: ` + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") + `"}}`))
	}))
	t.Cleanup(api.Close)
	foyer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.NotEmpty(t, r.Header.Get("Stripe-Signature"))
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(foyer.Close)
	s := newShell(t, stripeSettings("FOYER_STRIPE_API_URL="+api.URL, "FOYER_PUBLIC_URL="+foyer.URL)...)
	s.merchant("--mode", "live")
	got := s.run("doctor")
	assert.Equal(t, 1, got.status)
	assert.Contains(t, got.out, "put Stripe's live keys in place")
	assert.Contains(t, got.out, "BAD  stripe account Stripe does not know FOYER_STRIPE_SECRET_KEY")
	assert.Contains(t, got.out, "ok   stripe secret")
	assert.NotContains(t, got.out+got.err, testSecret)
	assert.NotContains(t, newShell(t).must("doctor").out, "stripe", "without it nothing is asked")
}

// standardError returns what is written to the process's standard error meanwhile.
func standardError(t *testing.T, do func()) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	was := os.Stderr
	os.Stderr = writer
	t.Cleanup(func() { os.Stderr = was })
	read := make(chan string)
	go func() {
		content, _ := io.ReadAll(reader)
		read <- string(content)
	}()
	do()
	os.Stderr = was
	require.NoError(t, writer.Close())
	return <-read
}
