package foyertest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"foyer/internal/merchant"
	"foyer/internal/notify"
)

// Client calls an app as a frontend would. Every answer is checked against openapi.yaml: an undocumented status or field
// fails the test.
type Client struct {
	t    testing.TB
	base string
	// gateway is where the device reaches the gateway's form.
	gateway string
	http    *http.Client
	// Token is sent as the bearer when it is not empty.
	Token string
	// Refresh is the refresh token of the last sign-in.
	Refresh string
	// Session is the id of the session of the last sign-in.
	Session string
	// Header is sent with every request.
	Header http.Header
}

// Client returns a client nobody has signed in with.
func (a *App) Client(t testing.TB) *Client {
	t.Helper()
	return &Client{t: t, base: a.URL, gateway: cmp.Or(a.gateway, a.URL), Header: http.Header{}, http: &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Answer is what came back.
type Answer struct {
	t      testing.TB
	Status int
	Header http.Header
	Body   []byte
	JSON   any
}

// Call sends a request with a JSON body (nil: none) and extra headers as name, value, name, value….
func (c *Client) Call(method, path string, body any, headers ...string) *Answer {
	c.t.Helper()
	var raw []byte
	if body != nil {
		var err error
		raw, err = json.Marshal(body)
		require.NoError(c.t, err)
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	return c.Raw(method, path, raw, headers...)
}

// Raw sends bytes as they are.
func (c *Client) Raw(method, path string, body []byte, headers ...string) *Answer {
	c.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, c.base+path, bytes.NewReader(body))
	require.NoError(c.t, err)
	for name, values := range c.Header {
		req.Header[name] = values
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	if c.Token != "" && req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	res, err := c.http.Do(req)
	require.NoError(c.t, err)
	defer func() { _ = res.Body.Close() }()
	a := &Answer{t: c.t, Status: res.StatusCode, Header: res.Header}
	a.Body, err = io.ReadAll(res.Body)
	require.NoError(c.t, err)
	if strings.Contains(res.Header.Get("Content-Type"), "json") && len(a.Body) > 0 {
		require.NoError(c.t, json.Unmarshal(a.Body, &a.JSON), "%s %s answers no JSON: %s", method, path, a.Body)
	}
	if err := checkAnswer(req, a); err != nil {
		c.t.Errorf("%s %s → %d is not as openapi.yaml says: %v\n%s", method, path, a.Status, err, a.Body)
	}
	return a
}

// Get sends a GET.
func (c *Client) Get(path string, headers ...string) *Answer {
	c.t.Helper()
	return c.Call(http.MethodGet, path, nil, headers...)
}

// Post sends a POST.
func (c *Client) Post(path string, body any, headers ...string) *Answer {
	c.t.Helper()
	return c.Call(http.MethodPost, path, body, headers...)
}

// Patch sends a PATCH.
func (c *Client) Patch(path string, body any, headers ...string) *Answer {
	c.t.Helper()
	return c.Call(http.MethodPatch, path, body, headers...)
}

// Delete sends a DELETE.
func (c *Client) Delete(path string, headers ...string) *Answer {
	c.t.Helper()
	return c.Call(http.MethodDelete, path, nil, headers...)
}

// Must fails the test unless the status is the one given, and returns the answer.
func (a *Answer) Must(status int) *Answer {
	a.t.Helper()
	require.Equal(a.t, status, a.Status, "%s", a.Body)
	return a
}

// Refused fails the test unless the answer is a problem document with the status and code.
func (a *Answer) Refused(status int, code string) *Answer {
	a.t.Helper()
	a.Must(status)
	require.Equal(a.t, "application/problem+json", a.Header.Get("Content-Type"))
	require.Equal(a.t, code, a.Text("code"), "%s", a.Body)
	require.NotEqual(a.t, "problem."+code, a.Text("detail"), "the code has no text")
	return a
}

// At returns the value at a path like "data.0.totals.total.amount", nil when there is none.
func (a *Answer) At(path string) any {
	v := a.JSON
	for part := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i < 0 || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

// Text returns the string at a path, empty when there is none.
func (a *Answer) Text(path string) string {
	s, _ := a.At(path).(string)
	return s
}

// Len returns the length of the list at a path.
func (a *Answer) Len(path string) int {
	l, _ := a.At(path).([]any)
	return len(l)
}

// IDs returns the ids of the list at data.
func (a *Answer) IDs() []string {
	var out []string
	for i := range a.Len("data") {
		out = append(out, a.Text(fmt.Sprintf("data.%d.id", i)))
	}
	return out
}

var (
	tokenInMail = regexp.MustCompile(`#token=([A-Za-z0-9_-]+)`)
	codeInMail  = regexp.MustCompile(`\b([A-Z0-9]{4}-[A-Z0-9]{4})\b`)
)

// Mails returns what was mailed to an address, newest first.
func (a *App) Mails(t testing.TB, to string) []notify.Mail {
	t.Helper()
	mails, err := a.Store.Outbox(context.Background(), to)
	require.NoError(t, err)
	return mails
}

// AwaitMails waits until n mails went to an address and returns them, newest first.
func (a *App) AwaitMails(t testing.TB, to string, n int) []notify.Mail {
	t.Helper()
	for range 400 {
		if mails := a.Mails(t, to); len(mails) >= n {
			return mails
		}
		time.Sleep(25 * time.Millisecond)
	}
	require.Failf(t, "no mail", "%d mails to %s did not come", n, to)
	return nil
}

// LinkToken returns the token of the link in a mail.
func LinkToken(m notify.Mail) string { return firstMatch(tokenInMail, m.Text) }

// Code returns the code in a mail, as it is spelled there.
func Code(m notify.Mail) string { return firstMatch(codeInMail, m.Text) }

func firstMatch(pattern *regexp.Regexp, text string) string {
	if m := pattern.FindStringSubmatch(text); m != nil {
		return m[1]
	}
	return ""
}

// RequestSignIn asks for a sign-in mail and returns the answer.
func (c *Client) RequestSignIn(m merchant.Merchant, email string, extra ...map[string]any) *Answer {
	c.t.Helper()
	body := map[string]any{"email": email}
	for _, e := range extra {
		for k, v := range e {
			body[k] = v
		}
	}
	return c.Post("/v1/portals/"+string(m.Portal.ID)+"/sign-ins", body)
}

// SignIn signs in through the mailed link and keeps the tokens.
func (a *App) SignIn(t testing.TB, m merchant.Merchant, email string) *Client {
	t.Helper()
	c := a.Client(t)
	links := func() (tokens []string) { // other mails may come at the same time
		for _, mail := range a.Mails(t, email) {
			if token := LinkToken(mail); token != "" {
				tokens = append(tokens, token)
			}
		}
		return tokens
	}
	before := len(links())
	c.RequestSignIn(m, email).Must(http.StatusAccepted)
	require.Eventually(t, func() bool { return len(links()) > before }, 10*time.Second, 25*time.Millisecond, "no mail came")
	c.Adopt(c.Post("/v1/sign-ins/verify", map[string]any{"token": links()[0]}).Must(http.StatusOK))
	return c
}

// Adopt keeps the tokens of an answer.
func (c *Client) Adopt(a *Answer) {
	c.Token, c.Refresh, c.Session = a.Text("access_token"), a.Text("refresh_token"), a.Text("session_id")
}

// Query joins names and values as a query string, escaped.
func Query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return "?" + v.Encode()
}
