package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"

	"foyer/internal/foyer"
)

// maxDepth is deeper than any body of ours; it bounds what a bomb of brackets costs.
const maxDepth = 32

// readBody reads a JSON body strictly: its type, no content encoding (a bomb), of a bounded size, valid UTF-8, one value, no
// key twice. Operations without a body take none, or an empty object; one sent with a GET means nothing (RFC 9110 §9.3.1) and is not read.
func (s *Server) readBody(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := requestOf(c.Request().Context())
		req := c.Request()
		if r.operation == nil || req.Method == http.MethodGet {
			return next(c)
		}
		if encoding := req.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
			return foyer.Refuse(foyer.Unsupported, "encoding.unsupported")
		}
		limit := maxBody(r.operation)
		if req.ContentLength > limit {
			return foyer.Refuse(foyer.TooLarge, "body.too_large")
		}
		body, err := io.ReadAll(http.MaxBytesReader(c.Response(), req.Body, limit))
		if err != nil {
			var tooLarge *http.MaxBytesError
			if errors.As(err, &tooLarge) {
				return foyer.Refuse(foyer.TooLarge, "body.too_large")
			}
			return &foyer.Error{Kind: foyer.Malformed, Code: "json.invalid", Err: err} // the client broke off
		}
		if r.operation.RequestBody == nil {
			r.body = body // validate refuses what it says
			return next(c)
		}
		if len(body) == 0 && !r.operation.RequestBody.Value.Required {
			return next(c)
		}
		media, parameters, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
		charset, told := parameters["charset"]
		if err != nil || media != echo.MIMEApplicationJSON || told && !strings.EqualFold(charset, "utf-8") {
			return foyer.Refuse(foyer.Unsupported, "media_type.unsupported")
		}
		if len(bytes.TrimSpace(body)) == 0 {
			return foyer.Refuse(foyer.Malformed, "body.required")
		}
		if !signedBody(r.operation) {
			if err := checkJSON(body); err != nil {
				return err
			}
		}
		r.body = body
		return next(c)
	}
}

// maxBody is the size of the largest body an operation takes.
func maxBody(op *openapi3.Operation) int64 {
	if signedBody(op) {
		return maxSignedBytes
	}
	return maxBodyBytes
}

// checkJSON refuses what decoders disagree about: invalid UTF-8, a key twice, something behind the value.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return foyer.Refuse(foyer.Malformed, "json.invalid")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := checkValue(decoder, 0); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return foyer.Refuse(foyer.Malformed, "json.invalid")
	}
	return nil
}

func checkValue(decoder *json.Decoder, depth int) error {
	invalid := foyer.Refuse(foyer.Malformed, "json.invalid")
	token, err := decoder.Token()
	if err != nil || depth > maxDepth {
		return invalid
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for decoder.More() {
		if delim == '{' {
			key, err := decoder.Token()
			if err != nil {
				return invalid
			}
			name, _ := key.(string)
			if seen[name] {
				return &foyer.Error{Kind: foyer.Malformed, Code: "json.duplicate_field", Params: map[string]any{"Field": shown(name)}}
			}
			seen[name] = true
		}
		if err := checkValue(decoder, depth+1); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil {
		return invalid
	}
	return nil
}

// checkUnasked refuses an object with keys that is sent to an operation without a body: whoever sends {"amount": 500} means it.
func checkUnasked(body []byte) error {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(body, &object) // what is no object has no keys
	if len(object) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(object))
	var fields []foyer.FieldError
	for _, key := range keys[:min(len(keys), maxFaults)] {
		fields = append(fields, foyer.FieldError{Pointer: pointer([]string{key}), Code: "input.unknown"})
	}
	return unknownField(keys[:1], fields)
}

// shown cuts a name a client sent to what may stand in an answer.
func shown(name string) string {
	if holdsCardNumber("", name) {
		return "…"
	}
	var b strings.Builder
	for _, r := range name {
		if b.Len() >= 40 {
			b.WriteString("…")
			break
		}
		if r < ' ' || r > '~' {
			r = '?'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// binder gives the generated code the body that was checked, and nothing of path or query.
type binder struct{}

// Bind implements echo.Binder.
func (binder) Bind(target any, c echo.Context) error {
	r := requestOf(c.Request().Context())
	if len(r.body) == 0 {
		return io.EOF
	}
	var wrong *json.UnmarshalTypeError
	if err := json.Unmarshal(r.body, target); errors.As(err, &wrong) && wrong.Field != "" {
		// 1.0 and 1e2 are whole numbers to the description, and none to the decoder.
		return foyer.InvalidFields(foyer.FieldError{Pointer: "/" + strings.ReplaceAll(wrong.Field, ".", "/"), Code: "input.type"})
	} else if err != nil {
		return &foyer.Error{Kind: foyer.Malformed, Code: "json.invalid", Err: err}
	}
	return nil
}
