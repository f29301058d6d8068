package retention

import (
	"context"
	"errors"
	"strings"
	"time"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/i18n"
	"foyer/internal/identity"
)

// NoticesConfig holds what Notices depend on.
type NoticesConfig struct {
	Store   NoticeStore
	Service *Service
	Jobs    NoticeJobs
	Gate    identity.Gate
	// Real is the real time, by which abuse is counted; a notice is received by the merchant's.
	Real func() time.Time
}

// Notices takes what people declare without signing in, finds out whose contract it is about, and ends that.
type Notices struct{ NoticesConfig }

// NewNotices returns a Notices.
func NewNotices(c NoticesConfig) *Notices { return &Notices{c} }

// NoticeInput is somebody's declaration.
type NoticeInput struct {
	Merchant foyer.MerchantID
	Kind     NoticeKind
	Declaration
	// IP is the network address it came from.
	IP string
}

// Submit takes the same steps for every declaration, whoever makes it and whatever it is about: it is written down with its receipt.
// Whose it is, is found out afterwards by a job, so neither the answer nor its time can tell who is a customer (CWE-204, CWE-208).
//
// Refusals: Invalid, RateLimited (by network address). Over the merchant's limit, or the address's own at that merchant, the answer is
// the usual one: the notice is received and receipted, nothing is mailed there, and the merchant says what comes of it. A statutory exit
// that others could shut by using it would be none.
func (n *Notices) Submit(ctx context.Context, in NoticeInput, r Reader) (Notice, error) {
	s := n.Service
	now, err := s.clock(ctx, in.Merchant)
	if err != nil {
		return Notice{}, err
	}
	declared, err := in.checked(in.Kind, now)
	if err != nil {
		return Notice{}, err
	}
	counted := foyer.Micro(n.Real())
	if err := n.Gate.TakeIP(ctx, identity.LimitNoticeIP, in.IP, counted); err != nil {
		return Notice{}, err
	}
	notice := Notice{
		ID: NoticeID(s.ids(foyer.PrefixNotice)), Merchant: in.Merchant, Kind: in.Kind, State: NoticeReceived, Declaration: declared, Locale: r.Locale.Tag,
		ReceivedAt: now, UpdatedAt: now, Version: 1,
	}
	err = s.store.InTx(ctx, func(ctx context.Context) error {
		if notice.Problem, err = n.held(ctx, in, counted); err != nil {
			return err
		}
		notice.Silent = notice.Problem != ""
		if err := n.Store.CreateNotice(ctx, notice); err != nil {
			return err
		}
		receipt := notice.receipt(r)
		if err := s.store.CreateReceipt(ctx, receipt); err != nil {
			return err
		}
		document := receipt.Document(r.Locale)
		shown := Shown{Locale: r.Locale.Tag, Headline: document.Title, Body: strings.Join(document.Paragraphs, "\n")}
		if err := n.record(ctx, notice, EvidenceReceived, foyer.ActorSystem, shown, "created", now); err != nil {
			return err
		}
		return n.Jobs.EnqueueNotice(ctx, notice.Merchant, notice.ID, NoticeReceiptMail, NoticeMatch)
	})
	return notice, err
}

// held tells why a notice is not matched by itself, and not mailed about; empty when it is.
func (n *Notices) held(ctx context.Context, in NoticeInput, counted time.Time) (NoticeProblem, error) {
	busy, err := exceeded(n.Gate.Take(ctx, identity.LimitNoticeMerchant, string(in.Merchant), counted))
	if err != nil {
		return "", err
	}
	often, err := exceeded(n.Gate.TakeAddress(ctx, identity.LimitNoticeAddress, in.Merchant, in.Email, counted))
	switch {
	case err != nil:
		return "", err
	case busy:
		return ProblemBusy, nil
	case often:
		return ProblemTooMany, nil
	}
	return "", nil
}

// exceeded tells whether counting was refused because it was too often.
func exceeded(err error) (bool, error) {
	if errors.Is(err, foyer.RateLimited) {
		return true, nil
	}
	return false, err
}

// record writes what happened to a notice: evidence, and an event of the name.
func (n *Notices) record(ctx context.Context, notice Notice, kind EvidenceKind, by foyer.ActorKind, shown Shown, event string, now time.Time) error {
	s := n.Service
	err := s.store.RecordEvidence(ctx, Evidence{
		ID: s.ids(foyer.PrefixEvidence), Merchant: notice.Merchant, Subject: string(notice.ID), Kind: kind, Actor: by, At: now, Shown: shown,
		Answers: Answers{Comment: notice.Note},
	})
	if err != nil {
		return err
	}
	return s.store.RecordEvents(ctx, s.event(notice.Scope(), foyer.EventType("notice."+event), string(notice.ID), now))
}

// save writes a changed notice, and sees to it that the merchant is told where it must be.
func (n *Notices) save(ctx context.Context, before, after Notice, by foyer.ActorKind, now time.Time) error {
	if err := n.Store.SaveNotice(ctx, after, before.Version); err != nil {
		return err
	}
	if err := n.record(ctx, after, EvidenceKind(after.State), by, Shown{Locale: after.Locale}, string(after.State), now); err != nil {
		return err
	}
	if !after.ForMerchant() {
		return nil
	}
	return n.Jobs.EnqueueNotice(ctx, after.Merchant, after.ID, NoticeMerchantMail)
}

// reader is for whom what comes of a notice is put into words: whoever wrote it. None of the merchant's words are in it.
func (n Notice) reader() Reader {
	locale, ok := i18n.Parse(n.Locale)
	if !ok {
		locale = i18n.English
	}
	return Reader{Locale: locale, Portal: locale.Tag}
}

// Notice returns one as it is; NotFound when the merchant has none of the id.
func (n *Notices) Notice(ctx context.Context, merchant foyer.MerchantID, id NoticeID) (Notice, error) {
	return n.Store.Notice(ctx, merchant, id)
}

// NoticeHistory is a notice with its evidence, oldest first.
type NoticeHistory struct {
	Notice
	Evidence []Evidence
}

// History returns one with its evidence.
func (n *Notices) History(ctx context.Context, merchant foyer.MerchantID, id NoticeID) (NoticeHistory, error) {
	notice, err := n.Store.Notice(ctx, merchant, id)
	if err != nil {
		return NoticeHistory{}, err
	}
	evidence, err := n.Service.store.Evidence(ctx, merchant, []string{string(id)})
	return NoticeHistory{notice, evidence}, err
}

// Page returns a page of the merchant's, newest first.
func (n *Notices) Page(ctx context.Context, merchant foyer.MerchantID, filter NoticeFilter, page foyer.PageRequest) ([]Notice, error) {
	return n.Store.Notices(ctx, merchant, filter, page)
}

// CustomerPage returns a page of those that are about the customer, newest first.
func (n *Notices) CustomerPage(ctx context.Context, scope foyer.Scope, page foyer.PageRequest) ([]Notice, error) {
	return n.Store.CustomerNotices(ctx, scope, page)
}

// Resolution is what the merchant decides about a notice. Without a subscription nothing comes of it.
type Resolution struct {
	Subscription billing.SubscriptionID
	Note         string
}

// Resolve closes a notice for the merchant. With a subscription it is done to it what was declared, from the moment it was received; a
// merchant can take a withdrawal that came too late, because that is good for the customer.
//
// Refusals: NotFound; Conflict (notice.closed), or why it can't be done; Invalid for a subscription that is not the merchant's.
func (n *Notices) Resolve(ctx context.Context, by foyer.Actor, id NoticeID, in Resolution) (NoticeHistory, error) {
	s, merchant := n.Service, by.Scope.Merchant
	found, err := n.Store.Notice(ctx, merchant, id)
	if err != nil {
		return NoticeHistory{}, err
	}
	if found.Closed() {
		return NoticeHistory{}, errNoticeClosed()
	}
	in.Note = strings.TrimSpace(in.Note)
	if !foyer.CleanText(in.Note, true) {
		return NoticeHistory{}, foyer.InvalidFields(foyer.FieldError{Pointer: "/note", Code: "input.text_characters"})
	}
	var sub billing.Subscription
	if in.Subscription != "" {
		if sub, err = s.subscriptions.MerchantSubscription(ctx, merchant, in.Subscription); errors.Is(err, foyer.NotFound) {
			err = foyer.InvalidFields(foyer.FieldError{Pointer: "/subscription_id", Code: "input.unknown_reference"})
		}
		if err != nil {
			return NoticeHistory{}, err
		}
	}
	var history NoticeHistory
	err = s.summing(ctx, merchant, s.store.Conclude, func(ctx context.Context) error {
		if err := n.resolve(ctx, by, id, sub, in.Note); err != nil {
			return err
		}
		history, err = n.History(ctx, merchant, id)
		return err
	})
	return history, err
}

func (n *Notices) resolve(ctx context.Context, by foyer.Actor, id NoticeID, sub billing.Subscription, note string) error {
	s := n.Service
	if sub.ID != "" {
		by.Scope.Customer = sub.Customer
		if err := s.store.LockCustomer(ctx, by.Scope); err != nil {
			return err
		}
	}
	before, err := n.Store.Notice(ctx, by.Scope.Merchant, id)
	if err != nil {
		return err
	}
	now, err := s.clock(ctx, by.Scope.Merchant)
	if err != nil {
		return err
	}
	if sub.ID == "" {
		after, err := before.Dismissed(note, now)
		if err != nil {
			return err
		}
		return n.save(ctx, before, after, by.Kind, now)
	}
	after, err := before.Resolved(sub, note, now)
	if err != nil {
		return err
	}
	if sub, err = s.subscriptions.Subscription(ctx, by.Scope, sub.ID); err != nil {
		return err
	}
	if after, err = n.apply(ctx, by, after, sub, now); err != nil {
		return err
	}
	return n.save(ctx, before, after, by.Kind, now)
}
