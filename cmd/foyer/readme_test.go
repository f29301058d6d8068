package main

import (
	"context"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// The merchant's server of the README is compiled and run as it stands there, against a running Foyer.
func TestTheMerchantsServerOfTheReadmeWorks(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	require.NoError(t, err)
	source := goBlock.FindSubmatch(readme)
	require.NotNil(t, source)
	assert.LessOrEqual(t, strings.Count(string(source[1]), "\n"), 60)

	// Inside the module, so that its libraries are those of go.mod; a name with an underscore is no package of it.
	folder, err := os.MkdirTemp(".", "_readme-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	file := filepath.Join(folder, "main.go")
	require.NoError(t, os.WriteFile(file, source[1], 0o600))
	program := filepath.Join(t.TempDir(), "backend")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, file).CombinedOutput()
	require.NoError(t, err, "%s", out)

	a := foyertest.New(t, "sqlite", foyertest.WithWebhooks(nil))
	a.Deliver(t)
	_, secret, err := a.Merchants.Create(t.Context(), merchant.Sandbox, merchant.Settings{Name: "Acme"})
	require.NoError(t, err)
	server := httptest.NewServer(a.Public)
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	run := exec.CommandContext(ctx, program)
	run.Env = []string{"FOYER_URL=" + server.URL, "FOYER_KEY=" + secret, "LISTEN=" + freeAddress(t)}
	out, err = run.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Regexp(t, `(?s)^send Mia to https://billing.test/#ticket=[A-Za-z0-9_-]{43}\nverified: subscription.created active\n$`, string(out))
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
