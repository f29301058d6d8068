package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// SMTP carries mails by SMTP.
type SMTP struct {
	options []gomail.Option
	host    string
	from    string
	domain  string
	// domains are those it may send for, its own among them.
	domains []string
}

// NewSMTP reads smtp://user:password@host:port?from=address. STARTTLS is used when a port other than loopback's test
// ports offers it; ?tls=none allows plain text, for a mail catcher on the same machine. domains are further domains merchants may
// send from.
func NewSMTP(address string, domains ...string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" {
		return nil, errors.New("SMTP address must look like smtp://user:password@host:587?from=billing@example.com")
	}
	from := u.Query().Get("from")
	if parsed, err := mail.ParseAddress(from); err != nil || parsed.Address != from {
		return nil, errors.New("SMTP address needs ?from=billing@example.com")
	}
	options := []gomail.Option{gomail.WithTimeout(15 * time.Second)}
	port := 587
	if u.Scheme == "smtps" {
		port = 465
	}
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, errors.New("SMTP address has no valid port")
		}
	}
	options = append(options, gomail.WithPort(port))
	switch {
	case u.Scheme == "smtps":
		options = append(options, gomail.WithSSL())
	case u.Query().Get("tls") == "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if u.User != nil {
		password, _ := u.User.Password()
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(u.User.Username()), gomail.WithPassword(password))
	}
	own := domainOf(from)
	return &SMTP{options: options, host: u.Hostname(), from: from, domain: own, domains: append([]string{own}, domains...)}, nil
}

// domainOf is what stands behind the @.
func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndex(address, "@")+1:])
}

// MaySendAs tells whether mails may come from an address: one of its domains. Without this a merchant could send as anybody the
// receiving servers believe this instance about.
func (s *SMTP) MaySendAs(address string) bool {
	return slices.ContainsFunc(s.domains, func(d string) bool { return strings.EqualFold(d, domainOf(address)) })
}

// Send delivers one mail to one recipient. A refusal for good (5xx) is returned like a passing one: the job's tries are
// bounded by the life of what the mail is about.
func (s *SMTP) Send(ctx context.Context, m Mail) error {
	message := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	// Not FromFormat: it puts the name between quotes as it is, and a name with a quote in it breaks the header.
	from := s.from
	if m.From != "" && s.MaySendAs(m.From) {
		from = m.From
		// What can't be delivered comes back to us, and SPF is asked of our domain.
		if err := message.EnvelopeFrom(s.from); err != nil {
			return fmt.Errorf("notify: %w", err)
		}
	}
	message.FromMailAddress(&mail.Address{Name: m.FromName, Address: from})
	if m.ReplyTo != "" {
		if err := message.ReplyTo(m.ReplyTo); err != nil {
			return errors.New("notify: reply address of the merchant is not an address")
		}
	}
	if err := message.To(m.To); err != nil {
		return errors.New("notify: recipient is not an address") // the error would name it
	}
	message.Subject(m.Subject)
	// The same id for every try lets receivers recognise a mail sent twice.
	message.SetMessageIDWithValue(m.ID + "@" + s.domain)
	message.SetDateWithValue(m.At)
	message.SetGenHeader("Content-Language", m.Language)
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	message.SetBodyString(gomail.TypeTextPlain, m.Text)
	message.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	for _, a := range m.Attachments {
		if err := message.AttachReader(a.Name, bytes.NewReader(a.Content), gomail.WithFileContentType(gomail.ContentType(a.ContentType))); err != nil {
			return fmt.Errorf("notify: %w", err)
		}
	}
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	if err := client.DialAndSendWithContext(ctx, message); err != nil {
		var refused *gomail.SendError
		if errors.As(err, &refused) {
			return fmt.Errorf("notify: mail server refused (%s, temporary: %t)", refused.Reason, refused.IsTemp())
		}
		return fmt.Errorf("notify: mail server: %w", err)
	}
	return nil
}

// Check connects and signs in without sending, for doctor.
func (s *SMTP) Check(ctx context.Context) error {
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return err
	}
	if err := client.DialWithContext(ctx); err != nil {
		return err
	}
	return client.Close()
}
