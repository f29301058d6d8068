package foyer

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what sort of refusal an Error is. A Kind is itself an error, so that errors.Is(err, foyer.NotFound)
// works through any wrapping. Only httpapi turns a kind into an HTTP status.
type Kind string

// The kinds of refusal.
const (
	// Malformed: the request could not be read (JSON, query parameter, cursor).
	Malformed Kind = "malformed"
	// Unauthenticated: no credential, or one that is not valid.
	Unauthenticated Kind = "unauthenticated"
	// Declined: the payment gateway refused to move money.
	Declined Kind = "declined"
	// Forbidden: known, but not allowed to do this.
	Forbidden Kind = "forbidden"
	// NotFound: there is no such thing, or it is somebody else's. The two are never told apart.
	NotFound Kind = "not_found"
	// Conflict: the state of the thing does not allow it now.
	Conflict Kind = "conflict"
	// PreconditionFailed: the caller's If-Match is not the current version.
	PreconditionFailed Kind = "precondition_failed"
	// Invalid: readable, but it breaks a rule.
	Invalid Kind = "invalid"
	// RateLimited: too many; Error.Params["retry_after"] holds the seconds to wait.
	RateLimited Kind = "rate_limited"
	// Unavailable: something we need does not answer now.
	Unavailable Kind = "unavailable"
	// Unsupported: a media type or content encoding we do not read.
	Unsupported Kind = "unsupported"
	// TooLarge: the request is larger than allowed.
	TooLarge Kind = "too_large"
	// NotAllowed: the HTTP method does not exist for this path.
	NotAllowed Kind = "not_allowed"
)

// Error makes a Kind usable with errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is a refusal a caller may be told about. Everything else that goes wrong is an ordinary error, which the
// edge logs and answers with a 5xx that says nothing.
type Error struct {
	// Kind decides the status.
	Kind Kind
	// Code is the stable, dotted code of the API and at the same time the key of the text in i18n.
	Code string
	// Params fill the placeholders of the text. They may be shown: never a secret, never another's data.
	Params map[string]any
	// Fields names the inputs at fault, when there are any.
	Fields []FieldError
	// Extra holds extension members of the problem document (RFC 9457 §3.2).
	Extra map[string]any
	// Merchant is the tenant a refused credential belongs to, when it is known: CORS answers by it.
	Merchant MerchantID
	// Err is the cause, for the log only.
	Err error
}

// FieldError is one problem with one input.
type FieldError struct {
	// Pointer is the JSON pointer (RFC 6901) of the field, or the name of the query parameter.
	Pointer string
	// Code is the stable code of the problem and the key of its text.
	Code string
	// Params fill the placeholders of the text.
	Params map[string]any
}

// Error returns the code, the fields at fault and the cause. It never holds an input value.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " %s:%s", f.Pointer, f.Code)
	}
	if e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap gives the kind and the cause to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// Refuse returns an Error of the kind with the code.
func Refuse(kind Kind, code string) *Error { return &Error{Kind: kind, Code: code} }

// InvalidFields returns the refusal of an input that breaks the rules named, or nil when fields is empty.
func InvalidFields(fields ...FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Code: "input.invalid", Fields: fields}
}

// ErrNotFound is the one body for a thing that does not exist and a thing that is somebody else's.
func ErrNotFound() *Error { return Refuse(NotFound, "not_found") }

// AsError returns the Error inside err, if there is one.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
