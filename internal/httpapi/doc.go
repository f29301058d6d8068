// Package httpapi is the edge to HTTP: Echo, middleware, validation against the spec, one file of handlers per tag of
// openapi.yaml, and the one place where an error becomes a status and a problem document.
//
// A handler turns the API's types into an input, makes one call to a feature, and turns the result back. It decides
// nothing. Authentication comes before validation, so that a stranger learns nothing of a request's faults.
//
// A write with an Idempotency-Key is held open to its end: the last transaction of what it does is committed together with the
// answer, and only then is the answer sent. While it is held nothing is read that needs another connection.
//
// It owns no rules and no persistence; idempotency keys are kept by store behind an interface of this package.
package httpapi
