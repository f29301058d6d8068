package webhook

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
)

var start = time.Date(2026, 3, 14, 15, 9, 26, 535897000, time.UTC)

// Ten tries over 75 hours, the longer waits spread by a tenth, and whoever asks for more time gets it, up to a day.
func TestSchedule(t *testing.T) {
	var sum time.Duration
	for _, wait := range DefaultSchedule {
		sum += wait
	}
	assert.Len(t, DefaultSchedule, 10)
	assert.Equal(t, 75*time.Hour, sum.Truncate(time.Hour))
	for _, c := range []struct {
		made   int
		spread float64
		asked  time.Duration
		want   time.Duration
		again  bool
	}{
		{1, 0, 0, 5 * time.Second, true},
		{1, 1, 0, 5 * time.Second, true}, // short waits are not spread
		{2, 0, 0, 5 * time.Minute, true},
		{2, 1, 0, 5*time.Minute + 30*time.Second, true},
		{2, -1, 0, 5*time.Minute - 30*time.Second, true},
		{9, -1, 0, 24*time.Hour - 144*time.Minute, true},
		{10, 0, 0, 0, false},
		{11, 0, time.Hour, 0, false},
		{1, 0, time.Minute, time.Minute, true},
		{3, 0, time.Minute, 30 * time.Minute, true},
		{1, 0, 1000 * time.Hour, 24 * time.Hour, true},
	} {
		got, again := DefaultSchedule.next(c.made, c.spread, c.asked)
		assert.Equal(t, c.again, again, "%+v", c)
		assert.InDelta(t, c.want, got, float64(time.Microsecond), "%+v", c)
	}
}

func TestEventTypes(t *testing.T) {
	for _, known := range []string{"payment.completed", "subscription.*", "payment_method.deleted", "portal_session.created", "sign_in.created"} {
		assert.True(t, knownEventType(known), known)
	}
	for _, unknown := range []string{"", "*", "payment", "payment.", "payments.completed", "payment.Completed", "payment.*.x", "payment.com*", "*.created", "payment._x", "webhook_endpoint.test"} {
		assert.False(t, knownEventType(unknown), unknown)
	}
	for _, c := range []struct {
		wanted []string
		of     string
		want   bool
	}{
		{nil, "payment.completed", true},
		{[]string{"payment.completed"}, "payment.completed", true},
		{[]string{"payment.completed"}, "payment.past_due", false},
		{[]string{"invoice.*", "payment.*"}, "payment.past_due", true},
		{[]string{"payment.*"}, "payment_method.created", false},
	} {
		assert.Equal(t, c.want, matches(c.wanted, c.of), "%v %s", c.wanted, c.of)
	}
}

// Threat #51: during the overlap both secrets sign, afterwards the old one does not.
func TestSecretsRotateWithAnOverlap(t *testing.T) {
	e, err := newEndpoint("whk_1", "mer_1", EndpointInput{URL: "https://hooks.example.com"}, URLRules{}, start)
	require.NoError(t, err)
	first := e.Secrets[0]
	assert.Len(t, first.Key, 32)
	assert.Regexp(t, `^whsec_[A-Za-z0-9+/]{43}=$`, first.spell())
	e, err = e.rotate(start, 24*time.Hour)
	require.NoError(t, err)
	require.Len(t, e.Secrets, 2)
	assert.NotEqual(t, first.Key, e.Secrets[0].Key)
	assert.Equal(t, start.Add(24*time.Hour), *e.OverlapUntil)
	assert.Len(t, e.Secrets.valid(start.Add(24*time.Hour-time.Microsecond)), 2)
	assert.Equal(t, Secrets{e.Secrets[0]}, e.Secrets.valid(start.Add(24*time.Hour)))

	again, err := e.rotate(start.Add(time.Hour), 24*time.Hour)
	require.NoError(t, err)
	require.Len(t, again.Secrets, 3, "the first one keeps its end")
	assert.Equal(t, start.Add(24*time.Hour), *again.Secrets[2].Until)
	for range 5 {
		again, err = again.rotate(start.Add(2*time.Hour), 24*time.Hour)
		require.NoError(t, err)
	}
	assert.Len(t, again.Secrets, maxSecrets)
	late, err := e.rotate(start.Add(25*time.Hour), 24*time.Hour)
	require.NoError(t, err)
	assert.Len(t, late.Secrets, 2, "what had ended is gone")

	_, err = e.archive(start).rotate(start, time.Hour)
	assert.ErrorIs(t, err, foyer.Conflict)
	assert.Empty(t, e.archive(start).Secrets)
}

// A 410 disables at once, days of nothing but failures do, one success forgets them all.
func TestEndpointsHealth(t *testing.T) {
	const patience = 5 * 24 * time.Hour
	e := Endpoint{Status: Enabled, Version: 1}
	ok, changed := e.heard(OutcomeSucceeded, start, patience)
	assert.False(t, changed)
	assert.Equal(t, e, ok)
	failing, changed := e.heard(OutcomeTimeout, start, patience)
	assert.True(t, changed)
	assert.Equal(t, start, *failing.FailingSince)
	assert.EqualValues(t, 1, failing.Version, "no news for who edits it")
	_, changed = failing.heard(OutcomeBadStatus, start.Add(patience-time.Microsecond), patience)
	assert.False(t, changed)
	better, changed := failing.heard(OutcomeSucceeded, start.Add(patience), patience)
	assert.True(t, changed)
	assert.Nil(t, better.FailingSince)
	dead, changed := failing.heard(OutcomeConnection, start.Add(patience), patience)
	assert.True(t, changed)
	assert.Equal(t, []any{Disabled, DisabledFailing, int64(2)}, []any{dead.Status, dead.DisabledReason, dead.Version})
	gone, changed := e.heard(OutcomeGone, start, patience)
	assert.True(t, changed)
	assert.Equal(t, []any{Disabled, DisabledGone}, []any{gone.Status, gone.DisabledReason})
	_, changed = gone.heard(OutcomeGone, start, patience)
	assert.False(t, changed, "told once")

	on, err := gone.apply(EndpointChange{Status: ptr(Enabled)}, URLRules{}, start)
	require.NoError(t, err)
	assert.Equal(t, []any{Enabled, DisabledReason(""), true, true}, []any{on.Status, on.DisabledReason, on.DisabledAt == nil, on.FailingSince == nil})
	off, err := on.apply(EndpointChange{Status: ptr(Disabled)}, URLRules{}, start)
	require.NoError(t, err)
	assert.Equal(t, DisabledByMerchant, off.DisabledReason)
	assert.ErrorIs(t, off.reachable(), foyer.Conflict)
}

func ptr[T any](v T) *T { return &v }

// Everything that is wrong is told at once; what is not changed is not judged.
func TestEndpointInput(t *testing.T) {
	_, err := newEndpoint("whk_1", "mer_1", EndpointInput{
		URL: "https://127.0.0.1", EventTypes: []string{"payment.*", "nothing.at_all"}, Description: "a\x00b", Metadata: map[string]string{"a\u202e": "b"},
	}, URLRules{}, start)
	refusal, ok := foyer.AsError(err)
	require.True(t, ok)
	var told []string
	for _, f := range refusal.Fields {
		told = append(told, f.Pointer+" "+f.Code)
	}
	assert.Equal(t, []string{"/url webhook.url", "/event_types/1 webhook.event_type", "/description input.text_characters", "/metadata input.text_characters"}, told)

	old := Endpoint{URL: "http://10.0.0.1", Status: Enabled}
	_, err = old.apply(EndpointChange{Status: ptr(Disabled)}, URLRules{}, start)
	assert.NoError(t, err)
}

func TestDeliveriesLife(t *testing.T) {
	fresh := NewDelivery("dlv_1", "whk_1", foyer.Event{ID: "evt_1", Type: "payment.completed", At: start}, start)
	failed := func(o Outcome) answer { return answer{Attempt: Attempt{At: start, Outcome: o, Status: 500}} }
	ended := start.Add(3 * time.Second)

	d := fresh.tried(answer{Attempt: Attempt{At: start, Outcome: OutcomeSucceeded, Status: 204}}, DefaultSchedule, 0, ended)
	assert.Equal(t, []any{Succeeded, 1, true, ended}, []any{d.Status, d.Tries, d.DueAt == nil, *d.CompletedAt})
	assert.Equal(t, Pending, d.again(ended).Status, "what succeeded can be had again")

	d = fresh.tried(failed(OutcomeBadStatus), DefaultSchedule, 0, ended)
	assert.Equal(t, []any{Pending, ended.Add(5 * time.Second)}, []any{d.Status, *d.DueAt})
	d = fresh.tried(failed(OutcomeConnection), DefaultSchedule, 0, ended)
	assert.Equal(t, start.Add(5*time.Second), *d.DueAt, "how long it took to fail does not show in the next try (threat #49)")
	d = fresh.tried(answer{Attempt: Attempt{At: start, Outcome: OutcomeBadStatus, Status: 503}, retryAfter: time.Hour}, DefaultSchedule, 0, ended)
	assert.Equal(t, ended.Add(time.Hour), *d.DueAt)
	d = fresh.tried(failed(OutcomeGone), DefaultSchedule, 0, ended)
	assert.Equal(t, Failed, d.Status)

	d = fresh
	for range DefaultSchedule {
		require.Equal(t, Pending, d.Status)
		d = d.tried(failed(OutcomeTimeout), DefaultSchedule, 0, ended)
	}
	assert.Equal(t, []any{Failed, 10, 10, true}, []any{d.Status, d.Tries, len(d.Attempts), d.DueAt == nil})
	d = d.again(ended)
	assert.Equal(t, []any{Pending, 10, 0, "evt_1"}, []any{d.Status, d.Tries, d.Step, d.Event})
	for range 30 {
		d = d.again(ended).tried(failed(OutcomeTimeout), DefaultSchedule, 0, ended)
	}
	assert.Equal(t, []any{40, maxAttempts}, []any{d.Tries, len(d.Attempts)})

	d.Lease = "somebody"
	assert.Equal(t, d, d.again(ended.Add(time.Hour)), "it is being sent now")

	test := fresh
	test.EventType = TestType
	assert.Equal(t, Failed, test.tried(failed(OutcomeTimeout), DefaultSchedule, 0, ended).Status, "a test is tried once")
}
