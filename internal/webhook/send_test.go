package webhook

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyertest/tools"
)

const testTimeout = 600 * time.Millisecond

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func testCourier(change func(*route)) *courier {
	r := route{private: loopback, timeout: testTimeout, now: time.Now}
	if change != nil {
		change(&r)
	}
	return newCourier(r)
}

func (c *courier) to(url string) answer {
	return c.send(context.Background(), parcel{url: url, id: "evt_1", body: []byte(`{"id":"evt_1"}`), signature: "v1,x", at: time.Now()})
}

// raw is a server that speaks however it likes; it reads the request first.
func raw(t *testing.T, speak func(conn net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				if req, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
					_, _ = io.Copy(io.Discard, req.Body)
					speak(conn)
				}
			}()
		}
	}()
	return "http://" + listener.Addr().String()
}

// forever writes the same again and again until the other side hangs up.
func forever(conn net.Conn, text string, rest time.Duration) {
	for {
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		time.Sleep(rest)
	}
}

// Threat #50: whatever a receiver does, a try ends in time, in bounded memory, and says what happened in one word.
func TestHostileReceivers(t *testing.T) {
	var bomb bytes.Buffer
	zip := gzip.NewWriter(&bomb)
	_, _ = io.Copy(zip, io.LimitReader(zeros{}, 64<<20))
	_ = zip.Close()
	for _, c := range []struct {
		name  string
		speak func(conn net.Conn)
		want  Outcome
		code  int
	}{
		{"hangs", func(conn net.Conn) { time.Sleep(3 * testTimeout) }, OutcomeTimeout, 0},
		{"hangs up", func(net.Conn) {}, OutcomeBadResponse, 0},
		{"speaks no HTTP", func(conn net.Conn) { _, _ = io.WriteString(conn, "220 mail.example.com ESMTP\r\n") }, OutcomeBadResponse, 0},
		{"drips its header", func(conn net.Conn) { forever(conn, "H", 20*time.Millisecond) }, OutcomeTimeout, 0},
		{"drips header lines", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			forever(conn, "X: 1\r\n", 20*time.Millisecond)
		}, OutcomeTimeout, 0},
		{"sends headers for ever", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
			forever(conn, "X-Header: "+strings.Repeat("x", 1000)+"\r\n", 0)
		}, OutcomeBadResponse, 0},
		{"sends early hints for ever", func(conn net.Conn) { forever(conn, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 0) }, OutcomeBadResponse, 0},
		{"streams for ever", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
			forever(conn, strings.Repeat("x", 1<<16), 0)
		}, OutcomeSucceeded, 200},
		{"drips its body", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
			forever(conn, "x", 20*time.Millisecond)
		}, OutcomeSucceeded, 200},
		{"chunks badly", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\nx")
		}, OutcomeSucceeded, 200},
		{"sends a bomb", func(conn net.Conn) {
			_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", bomb.Len())
			_, _ = conn.Write(bomb.Bytes())
		}, OutcomeSucceeded, 200},
		{"changes the protocol", func(conn net.Conn) {
			_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ws\r\n\r\n")
			forever(conn, "x", time.Millisecond)
		}, OutcomeBadStatus, 101},
		{"is not there any more", func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n") }, OutcomeGone, 410},
		{"fails", func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n") }, OutcomeBadStatus, 500},
		{"has a status of its own", func(conn net.Conn) { _, _ = io.WriteString(conn, "HTTP/1.1 999 Hm\r\nContent-Length: 0\r\n\r\n") }, OutcomeBadStatus, 999},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			url := raw(t, c.speak)
			began := time.Now()
			a := testCourier(nil).to(url)
			assert.Less(t, time.Since(began), testTimeout+drainFor+500*time.Millisecond)
			assert.Equal(t, c.want, a.Outcome)
			assert.Equal(t, c.code, a.Status)
			assert.Positive(t, a.Took)
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Threat #50: an endless answer costs no memory.
func TestAnswersAreNotKept(t *testing.T) {
	url := raw(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		forever(conn, strings.Repeat("x", 1<<20), 0)
	})
	c := testCourier(nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		require.Equal(t, OutcomeSucceeded, c.to(url).Outcome)
	}
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(20*8<<20))
}

// Threat #47: a redirect is a failure, and nobody goes there.
func TestRedirectsAreNotFollowed(t *testing.T) {
	var canary atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { canary.Add(1) }))
	defer target.Close()
	for _, code := range []int{300, 301, 302, 303, 304, 305, 307, 308} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target.URL)
			w.Header().Set("Refresh", "0; url="+target.URL)
			w.WriteHeader(code)
		}))
		a := testCourier(nil).to(server.URL)
		server.Close()
		assert.Equal(t, OutcomeRedirected, a.Outcome, code)
		assert.Equal(t, code, a.Status)
	}
	assert.Zero(t, canary.Load())
}

// names is a DNS server that answers each question for an IPv4 address with what answers says at the time.
func names(t *testing.T, answers func() netip.Addr) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			question := buffer[12:n]
			end := bytes.IndexByte(question, 0) + 5
			reply := append([]byte{}, buffer[:12]...)
			binary.BigEndian.PutUint16(reply[2:], 0x8580) // an answer, authoritative
			binary.BigEndian.PutUint16(reply[4:], 1)
			for i := 6; i < 12; i++ {
				reply[i] = 0
			}
			reply = append(reply, question[:end]...)
			if binary.BigEndian.Uint16(question[end-4:]) == 1 {
				binary.BigEndian.PutUint16(reply[6:], 1)
				addr := answers().As4()
				reply = append(append(reply, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), addr[:]...) // TTL 0
			}
			_, _ = conn.WriteTo(reply, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// Threat #46: a name that led to the public internet when it was looked at leads to ourselves when it is dialed; nobody is called
// there. The port is one deliveries may go to, so only the address keeps them away.
func TestDNSRebindingReachesNobody(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.77:8443")
	if err != nil {
		tools.Missing(t, "port 8443 of 127.0.0.77 can't be had: "+err.Error())
	}
	defer listener.Close()
	var canary atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			canary.Add(1)
			_ = conn.Close()
		}
	}()
	var asked atomic.Int64
	resolver := names(t, func() netip.Addr {
		if asked.Add(1) == 1 {
			return netip.MustParseAddr("93.184.216.34")
		}
		return netip.MustParseAddr("127.0.0.77")
	})
	looked, err := resolver.LookupNetIP(t.Context(), "ip4", "rebind.example.com")
	require.NoError(t, err)
	require.Equal(t, []netip.Addr{netip.MustParseAddr("93.184.216.34")}, looked, "what a check at another time sees")
	c := testCourier(func(r *route) { r.private, r.resolver = nil, resolver })
	for range 3 {
		assert.Equal(t, OutcomeConnection, c.to("https://rebind.example.com:8443/").Outcome)
	}
	for _, direct := range []string{"https://127.0.0.77:8443/", "https://[::ffff:127.0.0.77]:8443/", "https://0x7f00004d:8443/", "http://127.0.0.77:8443/", "https://localhost:8443/"} {
		assert.Equal(t, OutcomeConnection, testCourier(func(r *route) { r.private = nil }).to(direct).Outcome, "%s: whatever an older version let pass is judged again", direct)
	}
	assert.Zero(t, canary.Load())
	assert.Greater(t, asked.Load(), int64(3))
}

// Threat #46: proxy variables are not used. They never are for loopback addresses, so the receiver has a name.
func TestProxyVariablesAreNotUsed(t *testing.T) {
	var canary, got atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { canary.Add(1) }))
	defer proxy.Close()
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	defer receiver.Close()
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	_, port, err := net.SplitHostPort(receiver.Listener.Addr().String())
	require.NoError(t, err)
	c := testCourier(func(r *route) { r.resolver = names(t, func() netip.Addr { return netip.MustParseAddr("127.0.0.1") }) })
	assert.Equal(t, OutcomeSucceeded, c.to("http://hooks.example.com:"+port).Outcome)
	assert.EqualValues(t, 1, got.Load())
	assert.Zero(t, canary.Load())
}

// Threat #49: closed, unknown and forbidden look the same: one code, no status, no time.
func TestConnectionsThatFailAllLookTheSame(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	open := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
	defer open.Close()
	none := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) { return nil, io.EOF }}
	for name, a := range map[string]answer{
		"closed":           testCourier(nil).to(closed.URL),
		"unknown name":     testCourier(func(r *route) { r.resolver = none }).to("https://nowhere.example.com/"),
		"forbidden, open":  testCourier(func(r *route) { r.private = nil }).to(open.URL),
		"forbidden, close": testCourier(func(r *route) { r.private = nil }).to(closed.URL),
		"forbidden port":   testCourier(func(r *route) { r.private = nil }).to("https://8.8.8.8:22/"),
		"public, plain":    testCourier(nil).to("http://8.8.8.8:443/"),
		"metadata":         testCourier(nil).to("http://169.254.169.254/latest/meta-data"),
	} {
		assert.Equal(t, Attempt{At: a.At, Outcome: OutcomeConnection}, a.Attempt, name)
	}
}

func TestTLSIsVerified(t *testing.T) {
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }))
	defer receiver.Close()
	plain := httptest.NewServer(nil)
	defer plain.Close()
	assert.Equal(t, OutcomeTLS, testCourier(nil).to(receiver.URL).Outcome, "a certificate nobody vouches for")
	assert.Equal(t, OutcomeTLS, testCourier(nil).to(strings.Replace(plain.URL, "http://", "https://", 1)).Outcome, "no TLS")
	roots := x509.NewCertPool()
	roots.AddCert(receiver.Certificate())
	trusting := testCourier(func(r *route) { r.roots = roots })
	assert.Equal(t, OutcomeSucceeded, trusting.to(receiver.URL).Outcome)
	assert.Equal(t, OutcomeTLS, trusting.to(strings.Replace(receiver.URL, "127.0.0.1", "localhost", 1)).Outcome, "another name")
}

// A connection is never used twice.
func TestConnectionsAreNotReused(t *testing.T) {
	var opened atomic.Int64
	receiver := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	receiver.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	receiver.Start()
	defer receiver.Close()
	c := testCourier(nil)
	for range 3 {
		require.Equal(t, OutcomeSucceeded, c.to(receiver.URL).Outcome)
	}
	assert.EqualValues(t, 3, opened.Load())
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 14, 15, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "120": 2 * time.Minute, "-5": 0, "soon": 0, "1.5": 0, "99999999999999": 0, "Sat, 14 Mar 2026 15:01:00 GMT": time.Minute, "Sat, 14 Mar 2026 14:00:00 GMT": 0,
	} {
		assert.Equal(t, want, retryAfter(header, now), header)
	}
	url := raw(t, func(conn net.Conn) {
		_, _ = io.WriteString(conn, "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n")
	})
	assert.Equal(t, time.Hour, testCourier(nil).to(url).retryAfter)
}

// verified checks a signature by the letter of Standard Webhooks, with code of its own.
func verified(secret string, header http.Header, body []byte) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.%s", header.Get("webhook-id"), header.Get("webhook-timestamp"), body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	for got := range strings.SplitSeq(header.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(got), []byte(want)) {
			return true
		}
	}
	return false
}

// Threat #51: what arrives carries the id, a fresh time and a signature for each secret that signs.
func TestWhatArrives(t *testing.T) {
	var header http.Header
	var body []byte
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	defer receiver.Close()
	until := time.Now().Add(time.Hour)
	current, old, gone := newSecret(), newSecret(), newSecret()
	old.Until, gone.Until = &until, &start
	message, now := []byte(`{"id":"evt_1","text":"Grüße ✓"}`), time.Now()
	signature, err := Secrets{current, old, gone}.sign("evt_1", now, message)
	require.NoError(t, err)
	a := testCourier(nil).send(t.Context(), parcel{url: receiver.URL, id: "evt_1", body: message, signature: signature, at: now})
	require.Equal(t, OutcomeSucceeded, a.Outcome)
	assert.Equal(t, message, body)
	assert.Equal(t, "application/json", header.Get("Content-Type"))
	assert.Equal(t, strconv.FormatInt(now.Unix(), 10), header.Get("webhook-timestamp"))
	assert.True(t, verified(current.spell(), header, body))
	assert.True(t, verified(old.spell(), header, body))
	assert.False(t, verified(gone.spell(), header, body))
	assert.False(t, verified(current.spell(), header, append(body, ' ')))
	assert.NotContains(t, header, "Accept-Encoding")
}
