package stripetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"foyer/internal/foyertest/tools"
)

// mockModule is stripe-mock, whose specification is the one of APIVersion.
const (
	mockModule  = "github.com/stripe/stripe-mock"
	mockVersion = "v0.203.0"
)

// buildMock returns the path of stripe-mock, built once per machine and version.
var buildMock = sync.OnceValues(func() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	folder := filepath.Join(cache, "foyer-tests", "stripe-mock-"+mockVersion)
	path := filepath.Join(folder, "stripe-mock")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	// Into a folder of its own first: other test processes may build it at the same time, and a program must be whole when it is found.
	fresh, err := os.MkdirTemp(folder, "build")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, "go", "install", mockModule+"@"+mockVersion)
	install.Dir = fresh
	install.Env = append(os.Environ(), "GOBIN="+fresh, "GOFLAGS=")
	if out, err := install.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install: %w: %s", err, out)
	}
	return path, os.Rename(filepath.Join(fresh, "stripe-mock"), path)
})

var listening = regexp.MustCompile(`Listening for HTTP at address: (\S+)`)

// shared is the stripe-mock of this process: it keeps nothing, so tests that run together have one.
var shared struct {
	mu      sync.Mutex
	users   int
	address string
	command *exec.Cmd
}

// StartMock builds stripe-mock, runs it until the test ends and returns its address. Where it can't be built the test is not run, or
// fails, as tools.Missing says.
func StartMock(t testing.TB) string {
	t.Helper()
	path, err := buildMock()
	if err != nil {
		tools.Missing(t, "stripe-mock "+mockVersion+" can't be built: "+err.Error())
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.users == 0 {
		shared.command, shared.address, err = runMock(path)
		if err != nil {
			t.Fatal(err)
		}
	}
	shared.users++
	t.Cleanup(func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.users--; shared.users == 0 {
			stop(shared.command)
		}
	})
	return shared.address
}

// runMock returns stripe-mock when it listens.
func runMock(path string) (*exec.Cmd, string, error) {
	// Without an address of its own for HTTPS it takes the one port it has for that, and a second one ends.
	mock := exec.Command(path, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	out, err := mock.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	mock.Stderr = mock.Stdout
	if err := mock.Start(); err != nil {
		return nil, "", err
	}
	address := make(chan string, 1)
	go func() {
		defer close(address)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- "http://" + found[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, out) // to its end, so that the pipe never fills up
	}()
	select {
	case url, ok := <-address:
		if ok {
			return mock, url, nil
		}
	case <-time.After(time.Minute):
	}
	stop(mock)
	return nil, "", errors.New("stripe-mock does not listen")
}

func stop(mock *exec.Cmd) {
	_ = mock.Process.Kill()
	_ = mock.Wait()
}
