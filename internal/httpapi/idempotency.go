package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
)

// IdempotencyKeys keeps which calls were made and what they were answered, for all processes.
type IdempotencyKeys interface {
	// ClaimIdempotencyKey makes the key the caller's until lockedUntil, or returns the stored answer of a call that
	// finished before. Refusals: Invalid (idempotency.key_reused), Conflict (idempotency.in_progress).
	ClaimIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey, now, lockedUntil time.Time) ([]byte, error)
	// FinishIdempotencyKey keeps the answer.
	FinishIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey, answer []byte) error
	// ReleaseIdempotencyKey forgets a call that came to nothing.
	ReleaseIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey) error
}

// idempotencyLock is how long a key stays locked by a process that died; longer than any handler may take.
const idempotencyLock = 3 * handlerTimeout

// storedAnswer is what a repeated call gets.
type storedAnswer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// replayed are the headers of an answer that are kept with it; the others belong to the request.
var replayed = []string{"Content-Type", "Content-Language", "ETag", "Location", "Retry-After", "Cache-Control"}

// idempotent makes an authenticated write safe to repeat with the same Idempotency-Key: the stored answer is given again.
// Refusals (4xx) are answers too; what failed on our side (5xx) is forgotten, so that it can be tried again.
func (s *Server) idempotent(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		keys := c.Request().Header.Values("Idempotency-Key")
		if r.operation == nil || r.access == nil || c.Request().Method == http.MethodGet || len(keys) == 0 {
			return next(c)
		}
		if len(keys) > 1 || !validIdempotencyKey(keys[0]) {
			return foyer.Refuse(foyer.Malformed, "idempotency.key_invalid")
		}
		key := foyer.IdempotencyKey{
			Merchant: r.merchant, Caller: string(r.scope().Customer), Operation: r.operation.OperationID, Key: keys[0],
			Fingerprint: fingerprint(c.Request(), r.body),
		}
		if key.Operation == "signOut" {
			// It is about the session that calls: another device's answer would leave this one signed in.
			key.Caller += "/" + string(r.actor().Session)
		}
		// What follows must be finished even if the client goes away.
		ctx := context.WithoutCancel(c.Request().Context())
		now := s.clock()
		stored, err := s.Keys.ClaimIdempotencyKey(ctx, key, now, now.Add(idempotencyLock))
		if err != nil {
			return err
		}
		if stored != nil {
			return replay(c, stored)
		}
		tap := &bodyTap{ResponseWriter: c.Response().Writer}
		c.Response().Writer = tap
		if err := guarded(next, c); err != nil {
			s.writeProblem(err, c)
		}
		c.Response().Writer = tap.ResponseWriter
		if c.Response().Status >= http.StatusInternalServerError {
			return s.Keys.ReleaseIdempotencyKey(ctx, key)
		}
		answer := storedAnswer{Status: c.Response().Status, Header: http.Header{}, Body: tap.body.Bytes()}
		for _, name := range replayed {
			if v := c.Response().Header().Values(name); len(v) > 0 {
				answer.Header[name] = v
			}
		}
		encoded, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		return s.Keys.FinishIdempotencyKey(ctx, key, encoded)
	}
}

// replay gives the stored answer.
func replay(c echo.Context, stored []byte) error {
	var answer storedAnswer
	if err := json.Unmarshal(stored, &answer); err != nil {
		return err
	}
	h := c.Response().Header()
	for name, values := range answer.Header {
		h[name] = values
	}
	h.Set("Idempotency-Replayed", "true")
	c.Response().WriteHeader(answer.Status)
	_, err := c.Response().Write(answer.Body)
	return err
}

// validIdempotencyKey: 1 to 255 visible ASCII characters.
func validIdempotencyKey(key string) bool {
	if key == "" || len(key) > 255 {
		return false
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

// fingerprint is what makes two calls the same: path, query and the meaning of the body.
func fingerprint(req *http.Request, body []byte) []byte {
	h := sha256.New()
	h.Write([]byte(req.URL.EscapedPath() + "?" + req.URL.Query().Encode() + "\n" + req.Header.Get("If-Match") + "\n"))
	var compact bytes.Buffer
	if json.Compact(&compact, body) == nil {
		body = compact.Bytes()
	}
	h.Write(body)
	return h.Sum(nil)
}

// bodyTap keeps a copy of what is written.
type bodyTap struct {
	http.ResponseWriter
	body bytes.Buffer
}

// Write implements http.ResponseWriter.
func (t *bodyTap) Write(b []byte) (int, error) {
	t.body.Write(b)
	return t.ResponseWriter.Write(b)
}
