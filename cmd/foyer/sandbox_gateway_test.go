package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/sandbox"
)

// gatewayProcessData names the variable that makes this test binary a sandbox gateway instead: it can be killed at any
// line, and no program has to be built for it.
const gatewayProcessData = "FOYER_TEST_SANDBOX_GATEWAY_DATA"

func TestSandboxGatewayProcess(t *testing.T) {
	data := os.Getenv(gatewayProcessData)
	if data == "" {
		t.Skip("only what TestSandboxGateway… start")
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() { // ends with its parent
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	p := &program{environ: []string{"FOYER_LOG=error"}, out: os.Stdout, err: os.Stderr}
	require.NoError(t, sandboxGatewayCommand(ctx, p, []string{"--addr", "127.0.0.1:0", "--data", data}))
}

// startGateway starts a gateway process and returns its address, what kills it, and what asks it to stop and waits.
func startGateway(t testing.TB, data string) (url string, kill func(), stop func() error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestSandboxGatewayProcess$")
	cmd.Env = append(os.Environ(), gatewayProcessData+"="+data)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	_, url, found := strings.Cut(strings.TrimSpace(line), "listens on ")
	require.True(t, found, line)
	var once sync.Once
	ended := func() error {
		var err error
		once.Do(func() { err = cmd.Wait() })
		return err
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGKILL)
		_ = ended()
	})
	return url, func() { _ = cmd.Process.Signal(syscall.SIGKILL); _ = ended() }, func() error { _ = stdin.Close(); return ended() }
}

func gatewayCharge(t testing.TB, g *sandbox.Remote, token string) (billing.ChargeRequest, error) {
	t.Helper()
	c := billing.ChargeRequest{
		Key: gatewayIDs(foyer.PrefixAttempt), Merchant: "mer_1", Payment: billing.PaymentID(gatewayIDs(foyer.PrefixPayment)),
		Amount: foyer.Money{Amount: 1999, Currency: "EUR"}, Token: token,
	}
	_, err := g.Charge(t.Context(), c)
	return c, err
}

var gatewayIDs = foyer.NewIDs(time.Now)

func gatewayAt(t testing.TB, url string) (*sandbox.Remote, string) {
	t.Helper()
	g, err := sandbox.NewRemote(url, sandbox.RemoteOptions{})
	require.NoError(t, err)
	t.Cleanup(g.Close)
	m, err := g.MethodByToken(t.Context(), foyer.Scope{}, "tok_4242")
	require.NoError(t, err)
	return g, m.Token
}

// TestSandboxGatewaySurvivesKill kills a gateway while many charge: what it answered is in its books afterwards, once.
func TestSandboxGatewaySurvivesKill(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "gateway")
	url, kill, _ := startGateway(t, data)
	info, err := os.Stat(data)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
	info, err = os.Stat(filepath.Join(data, "sandbox-gateway.db"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	g, token := gatewayAt(t, url)
	var clients sync.WaitGroup
	var answered atomic.Int64
	var mu sync.Mutex
	known, doubtful := map[string]bool{}, []billing.ChargeRequest{}
	for range 8 {
		clients.Go(func() {
			for {
				c, err := gatewayCharge(t, g, token)
				mu.Lock()
				if err != nil {
					doubtful = append(doubtful, c)
					mu.Unlock()
					return
				}
				known[c.Key] = true
				mu.Unlock()
				answered.Add(1)
			}
		})
	}
	assert.Eventually(t, func() bool { return answered.Load() > 200 }, 20*time.Second, time.Millisecond)
	kill()
	clients.Wait()

	url, _, stop := startGateway(t, data)
	g, _ = gatewayAt(t, url)
	for _, c := range doubtful {
		got, err := g.Charge(t.Context(), c)
		require.NoError(t, err)
		assert.Equal(t, billing.ChargeCaptured, got.Status)
		known[c.Key] = true
	}
	count := 0
	for e, err := range g.Ledger(t.Context()) {
		require.NoError(t, err)
		assert.True(t, known[e.Key])
		delete(known, e.Key)
		count++
	}
	assert.Empty(t, known)
	assert.Greater(t, count, 200)
	require.NoError(t, stop(), "asked to stop it ends well")
}

func TestSandboxGatewayIsCalledRightly(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{}, {"--data", t.TempDir(), "more"}, {"--data", t.TempDir(), "--webhook-url", "nowhere"}, {"--what"}} {
		p := &program{out: &bytes.Buffer{}, err: &bytes.Buffer{}}
		var wrong *usageError
		require.ErrorAs(t, sandboxGatewayCommand(t.Context(), p, args), &wrong, "%v", args)
	}
	p := &program{out: &bytes.Buffer{}, err: &bytes.Buffer{}}
	err := sandboxGatewayCommand(t.Context(), p, []string{"--data", t.TempDir(), "--webhook-url", "http://127.0.0.1:1/"})
	require.ErrorContains(t, err, "FOYER_SANDBOX_GATEWAY_SECRET")
}

func BenchmarkSandboxGateway(b *testing.B) {
	url, _, _ := startGateway(b, b.TempDir())
	g, token := gatewayAt(b, url)
	b.SetParallelism(16) // 32 clients on two processors
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := gatewayCharge(b, g, token); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "charges/s")
}
