package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"time"

	"foyer/api"
	"foyer/internal/foyer"
)

// defaultLimit is how many entries a page has when nothing is asked for.
const defaultLimit = 25

const purposeCursor foyer.Purpose = "cursor"

// cursor is the place in a list a page ended at. It is sealed: it tells nothing and can't be made up.
type cursor struct {
	At int64  `json:"t"` // microseconds
	ID string `json:"i"`
}

// listing is the part of a request that all lists share.
type listing struct {
	limit *int
	after *string
	from  *time.Time
	to    *time.Time
}

// page reads a listing. The cursor is bound to the operation, its filters and the caller: anybody else's, another
// list's, one changed by a bit is refused.
func (s *Server) page(ctx context.Context, l listing) (foyer.PageRequest, error) {
	p := foyer.PageRequest{Limit: defaultLimit, From: l.from, To: l.to}
	if l.limit != nil {
		p.Limit = *l.limit
	}
	p.Limit++ // one more tells whether there is a next page
	if l.after == nil {
		return p, nil
	}
	plain, err := s.opened(purposeCursor, *l.after, listName(ctx))
	if err != nil {
		return p, foyer.Refuse(foyer.Malformed, "cursor.invalid")
	}
	var c cursor
	if err := json.Unmarshal(plain, &c); err != nil {
		return p, foyer.Refuse(foyer.Malformed, "cursor.invalid")
	}
	p.After = &foyer.PageKey{At: time.UnixMicro(c.At).UTC(), ID: c.ID}
	return p, nil
}

// opened reads a sealed value that came in a URL, in the one spelling it was given out in.
func (s *Server) opened(purpose foyer.Purpose, text string, bound []byte) ([]byte, error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || base64.RawURLEncoding.EncodedLen(len(sealed)) != len(text) { // the decoder skips line breaks
		return nil, foyer.ErrSealBroken
	}
	return s.Keyring.Open(purpose, sealed, bound)
}

// listName is what a cursor is bound to.
func listName(ctx context.Context) []byte {
	r := requestOf(ctx)
	query := r.echo.Request().URL.Query()
	for _, free := range []string{"after", "limit", "locale"} {
		query.Del(free)
	}
	return []byte(r.operation.OperationID + "\n" + string(r.merchant) + "\n" + r.caller() + "\n" + query.Encode())
}

// cut returns the entries of the page and, if there are more, the value for `after`.
func cut[T any](ctx context.Context, s *Server, found []T, p foyer.PageRequest, key func(T) foyer.PageKey) ([]T, api.Page) {
	if len(found) < p.Limit {
		return found, api.Page{}
	}
	found = found[:p.Limit-1]
	last := key(found[len(found)-1])
	plain, _ := json.Marshal(cursor{At: last.At.UnixMicro(), ID: last.ID})
	next := base64.RawURLEncoding.EncodeToString(s.Keyring.Seal(purposeCursor, plain, listName(ctx)))
	return found, api.Page{Next: &next}
}
