package notify

import (
	"bytes"
	"io"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// delivery is one mail a server was given.
type delivery struct {
	from string
	to   []string
	data []byte
}

// catcher is a mail server that keeps what it gets, or refuses it.
type catcher struct {
	address string
	mu      sync.Mutex
	got     []delivery
	refuse  error
}

func (c *catcher) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{catcher: c}, nil }

func (c *catcher) refusing(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refuse = err
}

func (c *catcher) deliveries() []delivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

type session struct {
	catcher *catcher
	now     delivery
}

func (s *session) Reset()        { s.now = delivery{} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.now.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.now.to = append(s.now.to, to)
	s.catcher.mu.Lock()
	defer s.catcher.mu.Unlock()
	return s.catcher.refuse
}

func (s *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.now.data = data
	s.catcher.mu.Lock()
	defer s.catcher.mu.Unlock()
	s.catcher.got = append(s.catcher.got, s.now)
	return nil
}

func newCatcher(t *testing.T) *catcher {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &catcher{address: listener.Addr().String()}
	server := smtp.NewServer(c)
	server.Domain, server.EnableSMTPUTF8 = "catcher.test", true
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return c
}

func (c *catcher) sender(t *testing.T, domains ...string) *SMTP {
	t.Helper()
	s, err := NewSMTP("smtp://"+c.address+"?from=billing@acme.test&tls=none", domains...)
	require.NoError(t, err)
	return s
}

var letterToMia = Mail{
	ID: "mail_01hzy7v8k9m0n1p2q3r4s5t6v7", To: "mia@mailbox.test", FromName: "Acme", Language: "de", Subject: "Ihr Link für Acme",
	Text: "Hallo\nhttps://acme.test/sign-in#token=abc", HTML: "<p>Hallo</p>", At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
}

func TestSMTPSendsOneMailToOne(t *testing.T) {
	t.Parallel()
	c := newCatcher(t)
	s := c.sender(t)
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, s.Send(t.Context(), letterToMia))
	require.NoError(t, s.Send(t.Context(), letterToMia), "a retry")
	got := c.deliveries()
	require.Len(t, got, 2)
	var ids []string
	for _, d := range got {
		assert.Equal(t, "billing@acme.test", d.from)
		assert.Equal(t, []string{"mia@mailbox.test"}, d.to)
		m, err := mail.ReadMessage(bytes.NewReader(d.data))
		require.NoError(t, err)
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		require.NoError(t, err)
		assert.Equal(t, letterToMia.Subject, subject)
		assert.Equal(t, "de", m.Header.Get("Content-Language"))
		assert.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
		assert.Contains(t, m.Header.Get("Content-Type"), "multipart/alternative")
		at, err := m.Header.Date()
		require.NoError(t, err)
		assert.True(t, at.Equal(letterToMia.At))
		ids = append(ids, m.Header.Get("Message-Id"))
	}
	assert.Equal(t, []string{"<" + letterToMia.ID + "@acme.test>", "<" + letterToMia.ID + "@acme.test>"}, ids, "a retry is recognised")
}

// Names are a merchant's and a customer's; whatever stands in them makes no header and no recipient (#39).
func TestHeaderInjection(t *testing.T) {
	t.Parallel()
	c := newCatcher(t)
	s := c.sender(t)
	for _, hostile := range []string{
		"Acme\r\nBcc: evil@evil.test", "Acme\nBcc: evil@evil.test", "Acme\rBcc: evil@evil.test", "Acme\u2028Bcc: evil@evil.test", "Acme\u2029Bcc: evil@evil.test", "Acme\u0085Bcc: evil@evil.test", "Acme\x00\x0b\x0cBcc: evil@evil.test",
		"=?utf-8?q?Acme=0D=0ABcc:_evil@evil.test?=", "=?utf-8?b?QWNtZQ0KQmNjOiBldmlsQGV2aWwudGVzdA==?=",
		`Acme" <evil@evil.test>, "x`, `Acme <evil@evil.test>`, `The "Best" Shop`, `Back\slash`, "Müller & Söhne, GmbH; (Berlin)", "株式会社テスト", "🦊", strings.Repeat("long ", 400), "", "\r\n.\r\nMAIL FROM:<evil@evil.test>",
	} {
		m := letterToMia
		m.FromName, m.Subject = oneLine(hostile, 100), oneLine("Sign in to "+hostile, 150)
		m.Text, m.HTML = hostile+"\r\n.\r\nMAIL FROM:<evil@evil.test>\r\n", "<p>.</p>\r\n.\r\nQUIT\r\n"
		require.NoError(t, s.Send(t.Context(), m), "%q", hostile)
		got := c.deliveries()
		d := got[len(got)-1]
		assert.Equal(t, "billing@acme.test", d.from)
		assert.Equal(t, []string{"mia@mailbox.test"}, d.to, "%q", hostile)
		read, err := mail.ReadMessage(bytes.NewReader(d.data))
		require.NoError(t, err)
		for name := range read.Header {
			assert.Contains(t, []string{
				"Auto-Submitted", "Content-Language", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To", "User-Agent", "X-Mailer",
			}, name, "%q", hostile)
		}
		for _, once := range []string{"Subject", "From", "To", "Message-Id", "Date"} {
			assert.Len(t, read.Header[once], 1, "%s of %q", once, hostile)
		}
		from, err := read.Header.AddressList("From")
		require.NoError(t, err, "%q", read.Header.Get("From"))
		require.Len(t, from, 1)
		assert.Equal(t, "billing@acme.test", from[0].Address, "%q", hostile)
		if !strings.HasPrefix(hostile, "=?") {
			assert.Equal(t, strings.TrimSpace(m.FromName), from[0].Name, "%q", hostile)
		}
		to, err := read.Header.AddressList("To")
		require.NoError(t, err)
		require.Len(t, to, 1)
	}
}

// The job's tries are bounded; the error says whether it may pass, and not whose mail it was.
func TestSMTPRefusals(t *testing.T) {
	t.Parallel()
	c := newCatcher(t)
	s := c.sender(t)
	for _, refusal := range []struct {
		err       *smtp.SMTPError
		temporary string
	}{
		{&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted, <mia@mailbox.test> try later"}, "temporary: true"},
		{&smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user <mia@mailbox.test>"}, "temporary: false"},
	} {
		c.refusing(refusal.err)
		err := s.Send(t.Context(), letterToMia)
		require.Error(t, err)
		assert.Contains(t, err.Error(), refusal.temporary)
		assert.NotContains(t, err.Error(), "mia")
		assert.Empty(t, c.deliveries())
	}
	c.refusing(nil)
	require.NoError(t, s.Send(t.Context(), letterToMia))
	wrong := letterToMia
	for _, to := range []string{"", "mia", "mia@mailbox.test, evil@evil.test", "mia@mailbox.test\r\nRCPT TO:<evil@evil.test>", "mia@mailbox.test> NOTIFY=NEVER"} {
		wrong.To = to
		err := s.Send(t.Context(), wrong)
		require.Error(t, err, "%q", to)
		assert.NotContains(t, err.Error(), "mailbox", "%q", to)
	}
	assert.Len(t, c.deliveries(), 1)
}

// A link that signs somebody in does not go over the wire in plain text unless whoever runs Foyer says so.
func TestSMTPDemandsEncryption(t *testing.T) {
	t.Parallel()
	c := newCatcher(t)
	s, err := NewSMTP("smtp://" + c.address + "?from=billing@acme.test")
	require.NoError(t, err)
	require.Error(t, s.Send(t.Context(), letterToMia))
	assert.Empty(t, c.deliveries())
}

func TestSMTPAddress(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"smtp://mail.test?from=a@b.test", "smtp://u:p%40@mail.test:2525?from=a@b.test", "smtps://mail.test?from=a@b.test"} {
		_, err := NewSMTP(good)
		require.NoError(t, err, good)
	}
	for _, bad := range []string{"", "mail.test", "http://mail.test?from=a@b.test", "smtp://?from=a@b.test", "smtp://mail.test", "smtp://mail.test?from=a", "smtp://mail.test?from=A%20<a@b.test>", "smtp://mail.test?from=a@b.test%0d%0aBcc:x@y.test", "smtp://u:secret@mail.test:x?from=a@b.test"} {
		_, err := NewSMTP(bad)
		require.Error(t, err, bad)
		assert.NotContains(t, err.Error(), "secret")
	}
}

// A merchant's own address stands in From only if its domain is one the instance sends for; what can't be delivered comes back to us.
func TestMailsComeFromDomainsThatAreAllowed(t *testing.T) {
	t.Parallel()
	c := newCatcher(t)
	s := c.sender(t, "Zenith.Test")
	for from, want := range map[string]string{
		"": "billing@acme.test", "shop@zenith.test": "shop@zenith.test", "shop@ACME.test": "shop@ACME.test", "ceo@bank.example": "billing@acme.test",
		"x@sub.zenith.test": "billing@acme.test",
	} {
		m := letterToMia
		m.From = from
		require.NoError(t, s.Send(t.Context(), m))
		got := c.deliveries()
		d := got[len(got)-1]
		assert.Equal(t, "billing@acme.test", d.from, "the envelope is ours")
		read, err := mail.ReadMessage(bytes.NewReader(d.data))
		require.NoError(t, err)
		addresses, err := read.Header.AddressList("From")
		require.NoError(t, err)
		assert.Equal(t, want, addresses[0].Address)
		assert.Equal(t, addresses[0].Address == from, from != "" && s.MaySendAs(from))
	}
}
