package retention_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/retention"
)

var noticed = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func runs(id string, status billing.SubscriptionStatus, products ...string) billing.Subscription {
	s := billing.Subscription{ID: billing.SubscriptionID(id), Customer: "ctm_1", Status: status}
	for _, p := range products {
		s.Items = append(s.Items, billing.SubscriptionItem{ProductName: p, Quantity: 1})
	}
	return s
}

// Somebody else's contract can't be ended with an address alone, and one is never taken for another.
func TestWhatANoticeMatches(t *testing.T) {
	t.Parallel()
	const basic, plus, gone = "sub_01kb3v5q8r9s0t1v2w3x4y5z6a", "sub_01kb3v5q8r9s0t1v2w3x4y5z6b", "sub_01kb3v5q8r9s0t1v2w3x4y5z6c"
	one := []billing.Subscription{runs(basic, billing.SubscriptionActive, "Plan")}
	two := []billing.Subscription{runs(basic, billing.SubscriptionActive, "Plan"), runs(plus, billing.SubscriptionPastDue, "Plan Plus")}
	twins := []billing.Subscription{runs(basic, billing.SubscriptionActive, "Plan"), runs(plus, billing.SubscriptionPaused, "Plan")}
	ended := []billing.Subscription{runs(gone, billing.SubscriptionCanceled, "Plan"), runs(basic, billing.SubscriptionTrialing, "Plan")}
	legacy := []billing.Subscription{runs(basic, billing.SubscriptionActive, "Plan"), runs(plus, billing.SubscriptionActive, "Plan")}
	legacy[1].ExternalID = "Legacy-77"
	numbered := func(id string) []billing.Subscription {
		subs := []billing.Subscription{runs(basic, billing.SubscriptionActive, "Plan"), runs(plus, billing.SubscriptionActive, "Plan")}
		subs[1].ExternalID = id
		return subs
	}
	for name, c := range map[string]struct {
		name, contract string
		clues          retention.Clues
		want           string
		why            retention.NoticeProblem
	}{
		"the name":                               {"Mia Reyes", "my subscription", retention.Clues{Name: "Mia Reyes", Subscriptions: one}, basic, ""},
		"case, spaces, accents and punctuation":  {"  MIA-LOUÏSE  Strauss ", "x", retention.Clues{Name: "Mia Louise Strauß", Subscriptions: one}, basic, ""},
		"another name":                           {"Mia Rey", "Plan", retention.Clues{Name: "Mia Reyes", Subscriptions: one}, "", retention.ProblemNoMatch},
		"no name known is nobody's name":         {"...", "Plan", retention.Clues{Subscriptions: one}, "", retention.ProblemNoMatch},
		"a subscription's id":                    {"Nobody", "It is (" + strings.ToUpper(basic) + ").", retention.Clues{Name: "Mia", Subscriptions: two}, basic, ""},
		"the merchant's id of it":                {"Nobody", "legacy-77", retention.Clues{Name: "Mia", Subscriptions: legacy}, plus, ""},
		"an invoice of it":                       {"Nobody", "invoice AC-2026-1", retention.Clues{Name: "Mia", Subscriptions: two, Invoiced: []billing.SubscriptionID{plus}}, plus, ""},
		"an invoice of none, one subscription":   {"Nobody", "AC-2026-1", retention.Clues{Name: "Mia", Subscriptions: one, Invoiced: []billing.SubscriptionID{""}}, basic, ""},
		"an invoice of none, two subscriptions":  {"Nobody", "AC-2026-1", retention.Clues{Name: "Mia", Subscriptions: twins, Invoiced: []billing.SubscriptionID{""}}, "", retention.ProblemSeveral},
		"somebody else's subscription":           {"Mia", "sub_01kb3v5q8r9s0t1v2w3x4y5z6z", retention.Clues{Name: "Mia", Subscriptions: one}, "", retention.ProblemNoMatch},
		"the name, and two":                      {"Mia", "my plan", retention.Clues{Name: "Mia", Subscriptions: twins}, "", retention.ProblemSeveral},
		"the name, and the product":              {"Mia", "the PLAN plus!", retention.Clues{Name: "Mia", Subscriptions: two}, plus, ""},
		"the shorter of two products":            {"Mia", "Plan", retention.Clues{Name: "Mia", Subscriptions: two}, basic, ""},
		"both products":                          {"Mia", "Plan and Plan Plus", retention.Clues{Name: "Mia", Subscriptions: two}, "", retention.ProblemSeveral},
		"a part of a word is no product":         {"Mia", "Planet", retention.Clues{Name: "Mia", Subscriptions: two}, "", retention.ProblemSeveral},
		"what has ended isn't meant":             {"Mia", "Plan", retention.Clues{Name: "Mia", Subscriptions: ended}, basic, ""},
		"unless it is named":                     {"Mia", gone, retention.Clues{Name: "Mia", Subscriptions: ended}, gone, ""},
		"both ids, one runs":                     {"Mia", gone + " " + basic, retention.Clues{Name: "Mia", Subscriptions: ended}, basic, ""},
		"both ids, both run":                     {"Mia", plus + "," + basic, retention.Clues{Name: "Mia", Subscriptions: two}, "", retention.ProblemSeveral},
		"nothing runs":                           {"Mia", "Plan", retention.Clues{Name: "Mia", Subscriptions: ended[:1]}, "", retention.ProblemNoMatch},
		"more than are looked at":                {"Mia", "Plan", retention.Clues{Name: "Mia", Subscriptions: one, More: true}, "", retention.ProblemSeveral},
		"more than three references are guesses": {"x", "1001 1002 1003 " + basic, retention.Clues{Name: "Mia", Subscriptions: one}, "", retention.ProblemNoMatch},
		"a short id of the merchant's":           {"x", "A-117", retention.Clues{Name: "Mia", Subscriptions: numbered("A-117")}, "", retention.ProblemNoMatch},
		"a short id, and the name":               {"Mia", "A-117", retention.Clues{Name: "Mia", Subscriptions: numbered("A-117")}, plus, ""},
		"a short number of the merchant's":       {"x", "1234567", retention.Clues{Name: "Mia", Subscriptions: numbered("1234567")}, "", retention.ProblemNoMatch},
		"a long number of the merchant's":        {"x", "12345678", retention.Clues{Name: "Mia", Subscriptions: numbered("12345678")}, plus, ""},
		"an invoice among other numbers":         {"x", "AC-2026-1 AC-2026-2", retention.Clues{Name: "Mia", Subscriptions: two, Invoiced: []billing.SubscriptionID{plus}}, "", retention.ProblemNoMatch},
		"an invoice of several, and the name":    {"Mia", "AC-2026-1 AC-2026-2", retention.Clues{Name: "Mia", Subscriptions: two, Invoiced: []billing.SubscriptionID{plus}}, plus, ""},
		"ended, and still to be withdrawn from":  {"Mia", "Plan", retention.Clues{Name: "Mia", Subscriptions: ended[:1], Ended: []billing.SubscriptionID{gone}}, gone, ""},
		"one of those, and one that runs":        {"Mia", "Plan", retention.Clues{Name: "Mia", Subscriptions: ended, Ended: []billing.SubscriptionID{gone}}, "", retention.ProblemSeveral},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sub, why := retention.Declaration{Name: c.name, Email: "mia@mailbox.test", Contract: c.contract}.Match(c.clues)
			assert.Equal(t, c.why, why)
			assert.Equal(t, c.want, string(sub.ID))
		})
	}
}

// Every transition from every state, allowed or refused.
func TestStatesOfANotice(t *testing.T) {
	t.Parallel()
	sub := runs("sub_1", billing.SubscriptionActive, "Plan")
	steps := map[string]func(n retention.Notice) (retention.Notice, error){
		"match": func(n retention.Notice) (retention.Notice, error) { return n.Matched(sub, noticed) },
		"unmatched": func(n retention.Notice) (retention.Notice, error) {
			return n.Waiting(retention.ProblemOutOfTime, noticed)
		},
		"ambiguous": func(n retention.Notice) (retention.Notice, error) {
			return n.Waiting(retention.ProblemSeveral, noticed)
		},
		"resolve": func(n retention.Notice) (retention.Notice, error) { return n.Resolved(sub, "by phone", noticed) },
		"dismiss": func(n retention.Notice) (retention.Notice, error) { return n.Dismissed("spam", noticed) },
	}
	open := map[string]retention.NoticeState{"resolve": retention.NoticeResolved, "dismiss": retention.NoticeDismissed}
	allowed := map[retention.NoticeState]map[string]retention.NoticeState{
		retention.NoticeReceived: {
			"match": retention.NoticeMatched, "unmatched": retention.NoticeUnmatched, "ambiguous": retention.NoticeAmbiguous,
			"resolve": retention.NoticeResolved, "dismiss": retention.NoticeDismissed,
		},
		retention.NoticeUnmatched: open, retention.NoticeAmbiguous: open,
	}
	for _, state := range retention.NoticeStates {
		for name, step := range steps {
			t.Run(string(state)+" "+name, func(t *testing.T) {
				t.Parallel()
				before := retention.Notice{ID: "ntc_1", State: state, Version: 3}
				after, err := step(before)
				want, may := allowed[state][name]
				if !may {
					refusal, _ := foyer.AsError(err)
					require.NotNil(t, refusal)
					assert.Equal(t, "notice.closed", refusal.Code)
					assert.Equal(t, before, after)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, want, after.State)
				assert.Equal(t, int64(4), after.Version)
				assert.Equal(t, noticed, after.UpdatedAt)
				assert.Equal(t, name == "match" || name == "resolve", after.Subscription == sub.ID)
			})
		}
	}
}

// The merchant is told once there is something to decide, and of what may have to end sooner than it will.
func TestWhenTheMerchantIsTold(t *testing.T) {
	t.Parallel()
	for _, state := range retention.NoticeStates {
		waits := state == retention.NoticeUnmatched || state == retention.NoticeAmbiguous
		assert.Equal(t, waits, retention.Notice{State: state}.ForMerchant(), state)
		extraordinary := retention.Notice{State: state, Declaration: retention.Declaration{Grounds: retention.GroundsExtraordinary}}
		assert.Equal(t, waits || state == retention.NoticeMatched, extraordinary.ForMerchant(), state)
	}
}
