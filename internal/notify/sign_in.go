package notify

import (
	"context"
	"html/template"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/merchant"
)

// Config holds what a Service depends on.
type Config struct {
	Sender    Sender
	SignIns   SignIns
	Merchants Merchants
	Wordings  Wordings
	Customers Customers
	Orders    Orders
	Bills     Bills
	Documents Documents
	// Receipts may be nil: nothing is attached then.
	Receipts  Receipts
	Notices   Notices
	Tickets   Tickets
	Endpoints Endpoints
	// Withdrawals tells of those that need the merchant.
	Withdrawals Withdrawals
	// Aftermath tells of disputes and refunds that came back.
	Aftermath Aftermath
	Activity  ActivityStore
	EventLog  EventStore
	// Now is the real time, which links expire by; what a mail tells of happened in the merchant's.
	Now func() time.Time
	// PublicURL is where links lead when a merchant has no frontend.
	PublicURL string
	// LinkLife is how long a sign-in link works, for the text of the mail.
	LinkLife time.Duration
	// TicketLife is how long the links of billing mails sign somebody in.
	TicketLife time.Duration
}

// SignIns is what notify asks of identity.
type SignIns interface {
	PrepareMail(ctx context.Context, merchant foyer.MerchantID, id identity.SignInID) (identity.Letter, bool, error)
	PrepareNewSignIn(ctx context.Context, merchant foyer.MerchantID, id identity.SignInID, session foyer.SessionID) (identity.NewSignIn, bool, error)
	PrepareEmailChange(ctx context.Context, merchant foyer.MerchantID, id identity.EmailChangeID, step identity.EmailChangeStep) (identity.EmailChangeLetter, bool, error)
}

// Merchants is what notify asks of merchant.
type Merchants interface {
	ByID(ctx context.Context, id foyer.MerchantID) (merchant.Merchant, error)
}

// Customers is what notify asks of billing.
type Customers interface {
	Customer(ctx context.Context, scope foyer.Scope) (billing.Customer, error)
}

// ActivityStore keeps what happened. An entry whose id exists already is foyer.Conflict.
type ActivityStore interface {
	RecordActivity(ctx context.Context, a foyer.Activity) error
	// Activity returns a page of the customer's activity, newest first.
	Activity(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]foyer.Activity, error)
}

// Service tells people.
type Service struct{ Config }

// NewService returns a Service.
func NewService(c Config) *Service { return &Service{c} }

// SendSignIn makes and sends the mail of a sign-in, if its address is a customer's and it can still be used. Running it
// again gives the same mail.
func (s *Service) SendSignIn(ctx context.Context, id foyer.MerchantID, signIn identity.SignInID) error {
	prepared, ok, err := s.SignIns.PrepareMail(ctx, id, signIn)
	if err != nil || !ok {
		return err
	}
	m, err := s.Merchants.ByID(ctx, id)
	if err != nil {
		return err
	}
	scope := foyer.Scope{Merchant: id, Customer: prepared.SignIn.Customer}
	customer, err := s.Customers.Customer(ctx, scope)
	if err != nil {
		return err
	}
	st, err := s.stationeryOf(ctx, m, customer.Locale, prepared.SignIn.Locale)
	if err != nil {
		return err
	}
	now := foyer.Micro(s.Now())
	mail, err := signInMail(st, customer.Name, prepared, s.link(st.settings, prepared.Token), s.LinkLife)
	if err != nil {
		return err
	}
	// To the address the customer has, not the one that was asked for: they are the same but for what EmailKey folds, and
	// whoever found two spellings it folds wrongly must not get the link (GitHub's password reset, 2019).
	mail.To = customer.Email
	// Ids follow from the sign-in's: a second run is recognised.
	_, ulid, _ := strings.Cut(string(signIn), "_")
	mail.ID, mail.Merchant, mail.At = string(foyer.PrefixMail)+"_"+ulid, id, now
	if err := s.Sender.Send(ctx, mail); err != nil {
		return err
	}
	return s.recordSent(ctx, scope, mail.ID, "sign_in", now)
}

// link leads to the frontend, never to a Host header. The token stands in the fragment, which browsers send to nobody.
func (s *Service) link(settings merchant.Settings, token string) string {
	return settings.Frontend(s.PublicURL) + "/sign-in#token=" + token
}

// signInMail asks nothing and tells nothing but how to sign in. It has neither the seller nor legal pages: the shorter it is, the sooner
// the code is seen.
func signInMail(st stationery, name string, prepared identity.Letter, link string, life time.Duration) (Mail, error) {
	minutes := int(life / time.Minute)
	params := map[string]any{"Merchant": st.merchantName(), "Name": oneLine(name, 80), "Minutes": minutes, "Count": minutes}
	text := func(key string) string { return st.text("mail.sign_in."+key, params) }
	l := st.letter()
	l.Subject, l.Preheader, l.Greeting = text("subject"), text("preheader"), text("greeting")
	if params["Name"] != "" {
		l.Greeting = text("greeting_name")
	}
	l.Paragraphs = []string{text("intro")}
	l.Button = &hyperlink{text("button"), template.URL(link)} //nolint:gosec // made of the portal's checked URL and a base64url token
	l.Code = &typedCode{text("code_intro"), identity.SpellCode(prepared.Code)}
	l.Notes, l.Footer = []string{text("expires"), text("ignore")}, text("footer")
	return st.seal(l)
}
