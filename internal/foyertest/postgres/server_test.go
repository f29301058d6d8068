package postgres_test

import (
	"bufio"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"foyer/internal/foyertest/postgres"
	"foyer/internal/foyertest/tools"
)

// TestKilled kills a test binary that has a server, as a time-out or the kernel would: the server must not stay.
func TestKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), self, "-test.run=^TestChildWaits$", "-test.v")
	child.Env = append(os.Environ(), "FOYER_TEST_CHILD=1", postgres.EnvURL+"=", tools.Required+"=")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var address string
	skipped := false
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		if _, after, ok := strings.Cut(lines.Text(), "serving at "); ok {
			address = after
		}
		skipped = skipped || strings.Contains(lines.Text(), "--- SKIP")
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // says that it was killed
	if skipped {
		tools.Missing(t, "no PostgreSQL on this machine: "+tools.Install("postgres"))
	}
	if address == "" {
		t.Fatal("the child started no server")
	}
	dialer := net.Dialer{Timeout: time.Second}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		if err != nil {
			return // gone
		}
		_ = conn.Close()
	}
	t.Errorf("the server at %s is still there 20 s after its test binary was killed", address)
}

// TestChildWaits is TestKilled's child, and nothing when run by itself.
func TestChildWaits(t *testing.T) {
	if os.Getenv("FOYER_TEST_CHILD") == "" {
		return
	}
	u, err := url.Parse(postgres.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("serving at " + u.Host)
	time.Sleep(time.Minute)
}
