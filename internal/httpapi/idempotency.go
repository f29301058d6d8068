package httpapi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
)

// IdempotencyKeys keeps which calls were made and what they were answered, for all processes.
type IdempotencyKeys interface {
	// ClaimIdempotencyKey makes the key the caller's until lockedUntil, or returns the stored answer of a call that
	// finished before. Refusals: Invalid (idempotency.key_reused), Conflict (idempotency.in_progress).
	ClaimIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey, now, lockedUntil time.Time) ([]byte, error)
	// FinishIdempotencyKey keeps the answer. Conflict when another call has taken the key over and finished.
	FinishIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey, answer []byte) error
	// ReleaseIdempotencyKey forgets a call that came to nothing.
	ReleaseIdempotencyKey(ctx context.Context, k foyer.IdempotencyKey) error
	// WithConclusion holds the last transaction of what is done under held open until finish, which runs fn, if there is one,
	// in it and commits both, or abandon, which must be called in any case and undoes what finish has not committed.
	WithConclusion(ctx context.Context) (held context.Context, finish func(fn func(ctx context.Context) error) error, abandon func())
}

// changesNothing marks operations of the description that are POST because they take a body, and leave no line in the audit log.
const changesNothing = "x-changes-nothing"

// idempotencyLock is how long a key stays locked by a process that died; longer than any handler may take.
const idempotencyLock = 3 * handlerTimeout

// purposeCommand keys the names of commands, from which nobody can guess the caller's key.
const purposeCommand foyer.Purpose = "command"

// idempotent holds an authenticated write open to its end, so that it is committed together with its line in the audit log, and
// makes it safe to repeat with the same Idempotency-Key: the stored answer is given again. Refusals (4xx) are answers too; what
// failed on our side (5xx) is forgotten, so that it can be tried again.
func (s *Server) idempotent(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		if r.operation == nil || !r.known() || c.Request().Method == http.MethodGet {
			return next(c)
		}
		keys := c.Request().Header.Values("Idempotency-Key")
		if len(keys) == 0 {
			_, err := s.conclude(c, next, nil)
			return err
		}
		if len(keys) > 1 || !validIdempotencyKey(keys[0]) {
			return foyer.Refuse(foyer.Malformed, "idempotency.key_invalid")
		}
		key := foyer.IdempotencyKey{
			Merchant: r.merchant, Caller: r.caller(), Operation: r.operation.OperationID, Key: keys[0],
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
		kept, err := s.conclude(c, next, &key)
		if kept {
			return nil
		}
		// The transaction, if there was one, is undone by now: the embedded database has one writer at a time.
		return errors.Join(err, s.Keys.ReleaseIdempotencyKey(ctx, key))
	}
}

// conclude runs the call and commits its last transaction together with its answer, if it has a key, and its line in the audit
// log. The answer is sent only then: it is stored if, and only if, what it tells has happened. False when the call came to
// nothing: the key is free again.
func (s *Server) conclude(c echo.Context, next echo.HandlerFunc, key *foyer.IdempotencyKey) (kept bool, err error) {
	request := c.Request()
	r := requestOf(request.Context())
	s.decideOrigin(r)
	held, finish, abandon := s.Keys.WithConclusion(context.WithoutCancel(request.Context()))
	defer abandon()
	if end, bounded := request.Context().Deadline(); bounded {
		var cancel context.CancelFunc
		held, cancel = context.WithDeadline(held, end)
		defer cancel()
	}
	if key != nil {
		held = foyer.WithCommand(held, s.command(*key))
	}
	c.SetRequest(request.WithContext(held))
	defer c.SetRequest(request)
	answer := holdBack(c)
	if err := guarded(next, c); err != nil {
		s.writeProblem(err, c)
	}
	if c.Response().Status >= http.StatusInternalServerError {
		abandon()
		answer.send()
		return false, nil
	}
	if err := finish(s.leaveBehind(r, answer, key)); err != nil {
		answer.takeBack()
		return false, err
	}
	for _, run := range r.committed {
		run()
	}
	answer.send()
	return true, nil
}

// leaveBehind is what is written with the last transaction of a call; nil when nothing is.
func (s *Server) leaveBehind(r *request, answer *heldAnswer, key *foyer.IdempotencyKey) func(ctx context.Context) error {
	_, nothing := r.operation.Extensions[changesNothing]
	done := answer.status < http.StatusMultipleChoices && !nothing
	if key == nil && !done {
		return nil
	}
	return func(ctx context.Context) error {
		if done {
			if err := s.Audit.RecordAudit(ctx, s.auditEntry(r, answer)); err != nil {
				return err
			}
		}
		if key == nil {
			return nil
		}
		encoded, err := json.Marshal(answer.stored(r.secrets))
		if err != nil {
			return err
		}
		return s.Keys.FinishIdempotencyKey(ctx, *key, encoded)
	}
}

// command names a call for what it leaves behind before it is finished. The oldest secret is used, so that the name stays
// the same while a new one is put in front.
func (s *Server) command(k foyer.IdempotencyKey) string {
	names := s.Keyring.MACs(purposeCommand, []byte(strings.Join([]string{string(k.Merchant), k.Caller, k.Operation, k.Key}, "\x00")))
	return base64.RawURLEncoding.EncodeToString(names[len(names)-1])
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
