package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest"
	"foyer/internal/store"
)

// built returns the program as it is shipped: what several processes do together is tried with several processes.
func built(t *testing.T) (program string) {
	t.Helper()
	program = filepath.Join(t.TempDir(), "foyer")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return program
}

// process is a running `foyer serve`.
type process struct {
	url, admin string
	cmd        *exec.Cmd
	log        *bytes.Buffer
	logged     chan struct{}
}

// serving starts a process on ports of its own and waits until it is ready.
func serving(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, log: &bytes.Buffer{}, logged: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	lines := bufio.NewReader(stderr)
	for p.url == "" {
		line, err := lines.ReadBytes('\n')
		require.NoError(t, err, "foyer serve ended: %s", p.log)
		p.log.Write(line)
		var entry struct{ Msg, Addr, Admin string }
		if json.Unmarshal(line, &entry) == nil && entry.Msg == "foyer serves" {
			p.url, p.admin = "http://"+entry.Addr, "http://"+entry.Admin
		}
	}
	go func() {
		defer close(p.logged)
		_, _ = io.Copy(p.log, lines)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // if it has not been stopped: only this process, by its id
		<-p.logged
	})
	require.Eventually(t, func() bool {
		res, err := http.Get(p.admin + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	}, 20*time.Second, 20*time.Millisecond)
	return p
}

// stop asks the process to end and waits until it has.
func (p *process) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	<-p.logged
	assert.NoError(t, p.cmd.Wait())
}

var client = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

// call sends JSON and returns what came back, the body as it is and read.
func call(t *testing.T, method, url, token string, body any) (int, map[string]any) {
	t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(raw))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := client.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	var answer map[string]any
	if res.StatusCode != http.StatusNoContent {
		require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
	}
	delete(answer, "request_id")
	return res.StatusCode, answer
}

var (
	mailedToken = regexp.MustCompile(`#token=([A-Za-z0-9_-]+)`)
	mailedCode  = regexp.MustCompile(`\b([A-Z0-9]{4}-[A-Z0-9]{4})\b`)
)

// mail waits for the newest mail to an address, as the admin listener shows it.
func mail(t *testing.T, p *process, to string) (token, code string) {
	t.Helper()
	var text string
	require.Eventually(t, func() bool {
		_, outbox := call(t, http.MethodGet, p.admin+"/outbox?to="+url.QueryEscape(to), "", nil)
		mails, _ := outbox["data"].([]any)
		if len(mails) == 0 {
			return false
		}
		text, _ = mails[0].(map[string]any)["text"].(string)
		return true
	}, 20*time.Second, 20*time.Millisecond)
	return mailedToken.FindStringSubmatch(text)[1], mailedCode.FindStringSubmatch(text)[1]
}

// One link, two real processes on one PostgreSQL, 50 calls at once, 100 rounds: one session each (CVE-2026-3590). In
// every fifth round half of the calls of the first process bring the code instead. Then the same for a refresh token.
//
// Mutant: UseSignIn without `used_at IS NULL` fails in the first round, because several were first.
func TestOneUseOverTwoProcesses(t *testing.T) {
	t.Parallel()
	const rounds, at = 100, 50
	began := time.Now()
	database := foyertest.DatabaseURL(t, store.Postgres) // first: it says whether the test can run at all
	program := built(t)
	environ := []string{
		"FOYER_DATABASE_URL=" + database, "FOYER_SECRET=" + foyertest.Secret, "FOYER_ADDR=127.0.0.1:0", "FOYER_ADMIN_ADDR=127.0.0.1:0",
		"FOYER_PUBLIC_URL=https://billing.test", "FOYER_LIMITS=sign_in.ip=100000/1m,sign_in.merchant=100000/1h,verify.ip=1000000/5m",
	}
	command := func(args ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), program, args...)
		c.Env, c.Dir = environ, t.TempDir()
		return c
	}
	created, err := command("merchant", "create", "--name", "acme", "--json").Output()
	require.NoError(t, err)
	var merchant struct {
		ID     string `json:"merchant_id"`
		Portal string `json:"portal_id"`
	}
	require.NoError(t, json.Unmarshal(created, &merchant))
	var customers []map[string]any
	for i := range rounds {
		customers = append(customers, map[string]any{
			"id": fmt.Sprintf("ctm_01hv6y1jedq4p1n0yqn5ba%04d", i), "name": "Test", "email": foyertest.Email(i), "status": "active", "locale": "en",
			"marketing_consent": false, "custom_data": nil, "import_meta": nil, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
		})
	}
	file := filepath.Join(t.TempDir(), "customers.json")
	content, err := json.Marshal(map[string]any{"data": customers})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, content, 0o600))
	imported, err := command("import", "paddle", "--merchant", merchant.ID, file).CombinedOutput()
	require.NoError(t, err, "%s", imported)

	processes := []*process{serving(t, command("serve")), serving(t, command("serve"))}
	var ids [rounds]string
	for i := range rounds {
		status, answer := call(t, http.MethodPost, processes[i%2].url+"/v1/portals/"+merchant.Portal+"/sign-ins", "", map[string]any{"email": foyertest.Email(i)})
		require.Equal(t, http.StatusAccepted, status, "%v", answer)
		ids[i], _ = answer["sign_in_id"].(string)
	}

	prepared := time.Since(began)
	var took []time.Duration
	var won []map[string]any
	var refused map[string]any
	for i := range rounds {
		token, code := mail(t, processes[0], foyertest.Email(i))
		var mu sync.Mutex
		winners := 0
		atOnce(at, func(n int) {
			proof := map[string]any{"token": token}
			if i%5 == 0 && n%10 == 0 { // as many as there are tries
				proof = map[string]any{"sign_in_id": ids[i], "code": code}
			}
			started := time.Now()
			status, answer := call(t, http.MethodPost, processes[n%2].url+"/v1/sign-ins/verify", "", proof)
			elapsed := time.Since(started)
			mu.Lock()
			defer mu.Unlock()
			took = append(took, elapsed)
			if status == http.StatusOK {
				winners++
				won = append(won, answer)
				return
			}
			assert.Equal(t, http.StatusUnauthorized, status)
			if refused == nil {
				refused = answer
			}
			assert.Equal(t, refused, answer)
		})
		require.Equal(t, 1, winners, "were first in round %d", i)
	}
	assert.Equal(t, "sign_in.invalid", refused["code"])
	assert.Equal(t, rounds, count(t, database, "SELECT count(*) FROM sessions"), "one row each")
	assert.Equal(t, rounds, count(t, database, "SELECT count(DISTINCT customer_id) FROM sessions WHERE revoked_at IS NULL"))
	slices.Sort(took)
	t.Logf("prepared in %v, %d verifications: median %v, 99th of 100 %v, slowest %v", prepared, len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])

	// One refresh token in two processes: one successor.
	for i, session := range won[:10] {
		var mu sync.Mutex
		successors := map[any]bool{}
		atOnce(at, func(n int) {
			status, answer := call(t, http.MethodPost, processes[n%2].url+"/v1/sessions/refresh", "", map[string]any{"refresh_token": session["refresh_token"]})
			mu.Lock()
			defer mu.Unlock()
			assert.Equal(t, http.StatusOK, status)
			successors[answer["refresh_token"]] = true
		})
		require.Len(t, successors, 1, "round %d", i)
	}

	// What one process revokes the other knows within a minute.
	access, _ := won[0]["access_token"].(string)
	status, _ := call(t, http.MethodGet, processes[1].url+"/v1/me", access, nil)
	require.Equal(t, http.StatusOK, status)
	status, _ = call(t, http.MethodDelete, processes[0].url+"/v1/sessions/current", access, nil)
	require.Equal(t, http.StatusNoContent, status)
	revoked := time.Now()
	require.Eventually(t, func() bool {
		status, _ := call(t, http.MethodGet, processes[1].url+"/v1/me", access, nil)
		return status == http.StatusUnauthorized
	}, time.Minute, 50*time.Millisecond)
	t.Logf("the other process knew after %v", time.Since(revoked))

	for _, p := range processes {
		p.stop(t)
		for _, secret := range []string{"mailbox.test", access, fmt.Sprint(won[0]["refresh_token"]), "#token"} {
			assert.NotContains(t, p.log.String(), secret)
		}
	}
}

// atOnce calls f n times at the same moment, each with its number, and waits for all.
func atOnce(n int, f func(i int)) {
	var done sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		done.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	done.Wait()
}

func count(t *testing.T, database, query string) int {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, database)
	require.NoError(t, err)
	defer conn.Close(ctx)
	var n int
	require.NoError(t, conn.QueryRow(ctx, query).Scan(&n))
	return n
}
