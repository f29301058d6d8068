package identity

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"foyer/internal/foyer"
)

func TestSessionTouched(t *testing.T) {
	t.Parallel()
	const idle = 7 * 24 * time.Hour
	end := noon.Add(30 * 24 * time.Hour)
	s := Session{CreatedAt: noon, LastUsedAt: noon, IdleExpiresAt: noon.Add(idle), ExpiresAt: end, AuthenticatedAt: noon}
	for _, after := range []time.Duration{0, time.Hour, 6 * 24 * time.Hour, 22*24*time.Hour + 23*time.Hour} {
		now := noon.Add(after)
		touched := s.Touched(now, idle)
		assert.Equal(t, now, touched.LastUsedAt)
		assert.Equal(t, now.Add(idle), touched.IdleExpiresAt)
		assert.Equal(t, end, touched.ExpiresAt, "no refresh moves the end")
		assert.Equal(t, noon, touched.AuthenticatedAt, "nor when the customer proved who they are")
	}
	late := s.Touched(end.Add(-time.Hour), idle)
	assert.Equal(t, end, late.IdleExpiresAt, "never idle beyond the end")
	assert.Equal(t, noon.Add(idle), s.IdleExpiresAt, "the session itself is as it was")
}

func TestSessionOpen(t *testing.T) {
	t.Parallel()
	revoked := noon
	for name, c := range map[string]struct {
		session Session
		want    bool
	}{
		"open":    {Session{IdleExpiresAt: noon.Add(1), ExpiresAt: noon.Add(1)}, true},
		"idle":    {Session{IdleExpiresAt: noon, ExpiresAt: noon.Add(time.Hour)}, false},
		"ended":   {Session{IdleExpiresAt: noon.Add(time.Hour), ExpiresAt: noon}, false},
		"revoked": {Session{IdleExpiresAt: noon.Add(time.Hour), ExpiresAt: noon.Add(time.Hour), RevokedAt: &revoked}, false},
	} {
		assert.Equal(t, c.want, c.session.Open(noon), name)
	}
}

func TestSuccessorsFollowFromTheToken(t *testing.T) {
	t.Parallel()
	token := newRefreshToken()
	next := successors(keyring(t, oldSecret), token)
	again := successors(keyring(t, oldSecret), token)
	assert.Equal(t, next, again, "the same answer without keeping it")
	assert.NotEqual(t, next, successors(keyring(t, oldSecret), newRefreshToken()))
	rotated := successors(keyring(t, newSecret, oldSecret), token)
	assert.Len(t, rotated, 2)
	assert.Equal(t, next[0], rotated[1], "after a rotation the grace still gives the same")
	assert.Len(t, rotated[0], len(refreshPrefix)+43)
}

func TestSigningKeyVerifies(t *testing.T) {
	t.Parallel()
	retired := noon
	assert.True(t, SigningKey{}.Verifies(noon, time.Minute))
	k := SigningKey{RetiredAt: &retired}
	assert.True(t, k.Verifies(noon.Add(time.Minute), time.Minute), "the last token it signed may still live")
	assert.False(t, k.Verifies(noon.Add(time.Minute+clockTolerance), time.Minute))
}

func TestRevocationsAreForgottenWithTheTokensTheyStop(t *testing.T) {
	t.Parallel()
	r := revocations{sessions: map[foyer.SessionID]time.Time{}}
	_, known := r.has("ses_1", noon)
	assert.False(t, known, "before the first look nothing is known")
	r.looked(noon, noon.Add(-time.Hour))
	r.add(noon, "ses_1")
	revoked, known := r.has("ses_1", noon.Add(staleAfter-1))
	assert.True(t, revoked)
	assert.True(t, known)
	_, known = r.has("ses_1", noon.Add(staleAfter))
	assert.False(t, known, "an old look promises nothing")
	r.looked(noon.Add(time.Hour), noon.Add(time.Hour-time.Minute))
	revoked, _ = r.has("ses_1", noon.Add(time.Hour))
	assert.False(t, revoked)
}
