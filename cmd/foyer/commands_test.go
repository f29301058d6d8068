package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/foyertest/postgres"
	"foyer/internal/foyertest/tools"
)

func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }

// said is what a command did.
type said struct {
	status int
	out    string
	err    string
}

// shell runs commands on one embedded database.
type shell struct {
	t       *testing.T
	environ []string
}

func newShell(t *testing.T, environ ...string) shell {
	return shell{t, append([]string{"FOYER_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "foyer.db"), "FOYER_LOG=error"}, environ...)}
}

func (s shell) run(args ...string) said {
	s.t.Helper()
	var out, err bytes.Buffer
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	p := &program{environ: s.environ, out: &out, err: &err}
	return said{status: p.run(ctx, args), out: out.String(), err: err.String()}
}

func (s shell) must(args ...string) said {
	s.t.Helper()
	got := s.run(args...)
	require.Equal(s.t, 0, got.status, "foyer %v: %s%s", args, got.out, got.err)
	return got
}

// merchant makes a merchant and returns what --json printed.
func (s shell) merchant(args ...string) map[string]string {
	s.t.Helper()
	got := s.must(append([]string{"merchant", "create", "--json", "--name", "Aeroedit"}, args...)...)
	var printed map[string]string
	require.NoError(s.t, json.Unmarshal([]byte(got.out), &printed), got.out)
	return printed
}

func file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func paddleFile(name string) string {
	return filepath.Join("..", "..", "internal", "provider", "paddle", "testdata", name+".json")
}

func TestAWrongCallEndsWith2AndSaysHow(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, args := range [][]string{
		{"nonsense"},
		{"demo", "--nonsense"},
		{"demo", "--addr"},
		{"serve", "--role", "king"},
		{"serve", "--nonsense"},
		{"migrate"},
		{"migrate", "down"},
		{"migrate", "up", "now"},
		{"merchant"},
		{"merchant", "delete"},
		{"merchant", "create", "--nonsense"},
		{"import"},
		{"import", "stripe"},
		{"import", "paddle"},
		{"import", "paddle", "--merchant", "x", "f"},
		{"import", "paddle", "--merchant", "mer_01kb3v5q8r9s0t1v2w3x4y5z6a"},
		{"keys"},
		{"keys", "burn"},
		{"doctor", "now"},
	} {
		got := s.run(args...)
		assert.Equal(t, 2, got.status, "%v: %s%s", args, got.out, got.err)
		assert.NotEmpty(t, got.err, "%v", args)
		assert.Empty(t, got.out, "%v", args)
	}
	for _, args := range [][]string{{}, {"help"}, {"-h"}, {"--help"}} {
		assert.Contains(t, s.must(args...).out, "foyer demo")
	}
	for _, args := range [][]string{{"demo", "-h"}, {"serve", "-h"}, {"merchant", "create", "-h"}, {"import", "paddle", "-h"}} {
		assert.Contains(t, s.must(args...).err, "usage: foyer "+args[0])
	}
}

func TestAWrongSettingNamesItsVariable(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ setting, says string }{
		{"FOYER_PUBLIC_URL=ftp://x", "FOYER_PUBLIC_URL"},
		{"FOYER_PUBLIC_URL=https://user:pass@x", "FOYER_PUBLIC_URL"},
		{"FOYER_SECRET=short", "FOYER_SECRET"},
		{"FOYER_TRUSTED_PROXIES=10.0.0.0/33", "FOYER_TRUSTED_PROXIES"},
		{"FOYER_WEBHOOK_ALLOW_CIDRS=everything", "FOYER_WEBHOOK_ALLOW_CIDRS"},
		{"FOYER_LIMITS=nonsense=1/1m", "FOYER_LIMITS"},
		{"FOYER_LIMITS=sign_in.ip=0/1m", "FOYER_LIMITS"},
		{"FOYER_LIMITS=sign_in.ip=5", "FOYER_LIMITS"},
		{"FOYER_LIFETIMES=access=-1m", "FOYER_LIFETIMES"},
		{"FOYER_LIFETIMES=nonsense=1m", "FOYER_LIFETIMES"},
		{"FOYER_SECRET_FILE=/nowhere/at/all", "FOYER_SECRET_FILE"},
	} {
		got := newShell(t, row.setting).run("keys", "list")
		assert.Equal(t, 1, got.status, row.setting)
		assert.Contains(t, got.err, row.says, row.setting)
	}
	both := newShell(t, "FOYER_SECRET="+strings.Repeat("s", 40), "FOYER_SECRET_FILE="+file(t, "secret", strings.Repeat("f", 40))).run("keys", "list")
	assert.Contains(t, both.err, "both set")
	newShell(t, "FOYER_SECRET_FILE="+file(t, "secret", strings.Repeat("f", 40)+"\n"), "FOYER_LIMITS=sign_in.address=1/1m+5/1h,verify.ip=30/5m", "FOYER_LIFETIMES=magic_link=5m,refresh_idle=7d").must("keys", "list")
}

func TestMerchantCreatePrintsWhatIsNeededOnce(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	made := s.merchant("--allowed-origin", "https://app.example.com", "--allowed-origin", "http://localhost:5173", "--frontend-url", "https://app.example.com/billing")
	assert.Len(t, made, 3)
	assert.True(t, foyer.ValidID(foyer.PrefixMerchant, made["merchant_id"]))
	assert.True(t, foyer.ValidID(foyer.PrefixPortal, made["portal_id"]))
	assert.True(t, strings.HasPrefix(made["secret_key"], "fsk_sandbox_"))
	assert.NotEqual(t, made, s.merchant())

	plain := s.must("merchant", "create", "--name", "Plain")
	assert.Contains(t, plain.out, "shown this once")
	assert.Contains(t, plain.out, "legal_name", "what the seller lacks is told")
	whole := `{"legal_name":"Aurora GmbH","address":{"line1":"Kartenweg 12","city":"Berlin","postal_code":"10115","country":"DE"},"tax_id":"DE311222333","email":"b@a.example"}`
	assert.NotContains(t, s.must("merchant", "create", "--name", "Whole", "--seller", file(t, "seller.json", whole)).out, "lacks")

	for _, row := range []struct {
		args []string
		says string
	}{
		{[]string{"--name", ""}, "name"},
		{[]string{}, "name"},
		{[]string{"--name", "x", "--mode", "test"}, "mode"},
		{[]string{"--name", "x", "--mode", "live"}, "FOYER_GATEWAY"},
		{[]string{"--name", "x", "--allowed-origin", "https://x.example/"}, "allowed_origins"},
		{[]string{"--name", "x", "--allowed-origin", "*"}, "allowed_origins"},
		{[]string{"--name", "x", "--frontend-url", "javascript:alert(1)"}, "frontend_url"},
		{[]string{"--name", "x\x00"}, "name"},
		{[]string{"--name", "x", "--seller", "/nowhere.json"}, "nowhere"},
		{[]string{"--name", "x", "--seller", file(t, "s.json", `{"nonsense":1}`)}, "nonsense"},
		{[]string{"--name", "x", "--seller", file(t, "s.json", `{"address":{"country":"XX"}}`)}, "country"},
		{[]string{"--name", "x", "--seller", file(t, "s.json", `{"logo":"/nowhere.png"}`)}, "nowhere"},
	} {
		got := s.run(append([]string{"merchant", "create"}, row.args...)...)
		assert.Equal(t, 1, got.status, "%v", row.args)
		assert.Contains(t, got.err, row.says, "%v", row.args)
		assert.NotContains(t, got.out+got.err, "fsk_")
	}
}

func TestImportTellsBrokenFilesFromSkippedRecordsAndIsRepeatable(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	merchant := s.merchant()["merchant_id"]
	in := func(files ...string) said {
		return s.run(append([]string{"import", "paddle", "--merchant", merchant}, files...)...)
	}

	broken := in(paddleFile("transactions"), file(t, "broken.json", `{"data":[{"id":"txn_01hv8wptq8987qeep44cyrewp9","customer_id":5}]}`), file(t, "cut.json", `{"data":[`))
	assert.Equal(t, 1, broken.status)
	assert.Contains(t, broken.err, "broken.json")
	assert.Contains(t, broken.err, "cut.json")
	assert.Contains(t, broken.err, "2 of 3 files")

	first := in(paddleFile("customers"), paddleFile("events"), paddleFile("transaction"), paddleFile("transactions"))
	require.Equal(t, 0, first.status, first.err)
	assert.Contains(t, first.out, "skipped: payment txn_01hv8xxw3etar07vaxsqbyqasy has no customer")
	assert.Regexp(t, `customer\s+4\s+0\s+0\s+0`, first.out)
	assert.Empty(t, first.err, "no progress bar where there is no terminal")
	again := in(paddleFile("transactions"), paddleFile("customers"), paddleFile("events"), paddleFile("transaction"))
	assert.Equal(t, 0, again.status)
	assert.Regexp(t, `customer\s+0\s+0\s+4\s+0`, again.out)
	assert.Regexp(t, `payment\s+0\s+0\s+4\s+2`, again.out)

	assert.Equal(t, 1, in("/nowhere.json").status)
	assert.Equal(t, 1, in(t.TempDir()).status, "a folder is no file")
	stranger := s.run("import", "paddle", "--merchant", "mer_01kb3v5q8r9s0t1v2w3x4y5z6a", paddleFile("customers"))
	assert.Equal(t, 1, stranger.status)
	assert.Contains(t, stranger.err, "no merchant")
	assert.Equal(t, 1, s.run("import", "paddle", "--merchant", merchant, "--issuer", "/nowhere.json", paddleFile("customers")).status)
}

func TestKeysAreListedAndRotated(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	assert.Contains(t, s.must("keys", "list").out, "no keys yet")
	first := s.must("keys", "rotate").out
	assert.Equal(t, 1, strings.Count(first, "signs"))
	second := s.must("keys", "rotate").out
	assert.Equal(t, 1, strings.Count(second, "signs"), "one key signs")
	assert.Equal(t, 1, strings.Count(second, "still verifies"), "the old one verifies until its tokens have expired")
	assert.Equal(t, second, s.must("keys", "list").out)
}

func TestMigrateIsForwardOnlyAndRepeatable(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	assert.Contains(t, s.must("migrate", "status").out, "pending")
	assert.Contains(t, s.must("migrate", "up").out, "applied")
	assert.Contains(t, s.must("migrate", "up").out, "up to date")
	assert.NotContains(t, s.must("migrate", "status").out, "pending")
}

func TestPostgreSQLIsMigratedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	url := postgres.Open(t)
	bare := shell{t, []string{"FOYER_DATABASE_URL=" + url}}
	assert.Contains(t, bare.run("migrate", "up").err, "FOYER_SECRET", "with PostgreSQL a secret is required")
	s := shell{t, []string{"FOYER_DATABASE_URL=" + url, "FOYER_SECRET=" + strings.Repeat("s", 40), "FOYER_LOG=error"}}
	early := s.run("merchant", "create", "--name", "x")
	assert.Equal(t, 1, early.status)
	assert.Contains(t, early.err, "foyer migrate up")
	assert.Contains(t, s.run("doctor").out, "run foyer migrate up")
	s.must("migrate", "up")
	assert.NotEmpty(t, s.merchant()["portal_id"])
	s.must("doctor")
	other := shell{t, []string{"FOYER_DATABASE_URL=" + url, "FOYER_SECRET=" + strings.Repeat("o", 40), "FOYER_LOG=error"}}
	s.must("keys", "rotate")
	assert.Contains(t, other.run("doctor").out, "put the old FOYER_SECRET behind the new one")
	rotated := shell{t, []string{"FOYER_DATABASE_URL=" + url, "FOYER_SECRET=" + strings.Repeat("o", 40) + "," + strings.Repeat("s", 40), "FOYER_LOG=error"}}
	rotated.must("doctor")
}

func TestDoctorTellsHowToMend(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	empty := s.must("doctor").out
	for _, want := range []string{"database", "schema", "mail", "clock", "fonts", "foyer merchant create", "FOYER_SMTP_URL"} {
		assert.Contains(t, empty, want)
	}
	s.merchant()
	assert.Contains(t, s.must("doctor").out, "complete the seller")
	bad := newShell(t, "FOYER_PUBLIC_URL=nonsense").run("doctor")
	assert.Equal(t, 1, bad.status)
	assert.Contains(t, bad.out, "BAD")
	assert.Contains(t, newShell(t, "FOYER_PUBLIC_URL=http://billing.example.com").must("doctor").out, "put TLS in front")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	gone := listener.Addr().String()
	require.NoError(t, listener.Close())
	assert.Contains(t, newShell(t, "FOYER_SMTP_URL=smtp://u:geheim@"+gone+"?from=b@a.example").run("doctor").out, "FOYER_SMTP_URL")
	nowhere := shell{t, []string{"FOYER_DATABASE_URL=postgres://u:geheim@" + gone + "/x?sslmode=disable", "FOYER_SECRET=" + strings.Repeat("s", 40)}}.run("doctor")
	assert.Equal(t, 1, nowhere.status)
	assert.NotContains(t, nowhere.out+nowhere.err, "geheim", "no password is shown")
}

// The first thing anybody sees (issue 2, "It is done when").
func TestDemoWalksTheWholeJourney(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := filepath.Join(t.TempDir(), "demo")
	got := s.run("demo", "--exit", "--data", dir, "--addr", "127.0.0.1:0")
	require.Equal(t, 0, got.status, "%s%s", got.out, got.err)
	assert.Contains(t, got.out, "Every step did what it must.")
	assert.NotContains(t, got.out, "✗")
	assert.Contains(t, got.out, dir)
	pdf := filepath.Join(dir, "invoice.pdf")
	content, err := os.ReadFile(pdf)
	require.NoError(t, err)
	assert.True(t, bytes.HasPrefix(content, []byte("%PDF-")))
	again := s.run("demo", "--exit", "--data", dir)
	assert.Equal(t, 1, again.status, "it never writes into data that is there")
	assert.Contains(t, again.err, "not empty")
	out, err := exec.CommandContext(t.Context(), tools.RequireTool(t, "pdftotext"), "-layout", pdf, "-").Output()
	require.NoError(t, err)
	for _, want := range []string{"Invoice", "Aurora Maps GmbH", "Total"} {
		assert.Contains(t, string(out), want)
	}
}

func TestDemoTakesFreePortsWhenItsOwnAreTaken(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1:8080", "127.0.0.1:9090"} {
		if listener, err := net.Listen("tcp", addr); err == nil {
			defer listener.Close()
		} // else somebody has it already, which is as good
	}
	got := newShell(t).run("demo", "--exit", "--data", filepath.Join(t.TempDir(), "demo"))
	require.Equal(t, 0, got.status, "%s%s", got.out, got.err)
	assert.NotContains(t, got.out, "http://localhost:8080,")
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	asked := newShell(t).run("demo", "--exit", "--data", filepath.Join(t.TempDir(), "demo"), "--addr", taken.Addr().String())
	assert.Equal(t, 1, asked.status, "an address that was asked for is not exchanged")
}

func TestServeStopsWhenItIsAskedTo(t *testing.T) {
	t.Parallel()
	s := newShell(t, "FOYER_ADDR=127.0.0.1:0", "FOYER_ADMIN_ADDR=127.0.0.1:0")
	var out, errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	p := &program{environ: s.environ, out: &out, err: &errs}
	assert.Equal(t, 0, p.run(ctx, []string{"serve"}), errs.String())
}
