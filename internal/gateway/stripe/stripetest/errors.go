package stripetest

import (
	"encoding/json"
	"net/http"
)

// The types of errors.
const (
	invalidRequest = "invalid_request_error"
	cardError      = "card_error"
	apiErrorType   = "api_error"
	idempotency    = "idempotency_error"
)

// apiError is a refusal as Stripe writes it.
type apiError struct {
	status                              int
	kind, code, decline, message, param string
	// more is what else stands in the error: the intent, the payment method, the charge.
	more object
	// executed says that it was found while doing and not while reading: an idempotency key remembers it.
	executed bool
	header   map[string]string
}

func (e *apiError) object() object {
	o := object{"type": e.kind, "message": e.message}
	for name, value := range map[string]string{"code": e.code, "decline_code": e.decline, "param": e.param} {
		if value != "" {
			o[name] = value
		}
	}
	if e.code != "" {
		o["doc_url"] = "https://stripe.com/docs/error-codes/" + e.code
	}
	for name, value := range e.more {
		o[name] = value
	}
	return o
}

func (e *apiError) write(w http.ResponseWriter) {
	for name, value := range e.header {
		w.Header().Set(name, value)
	}
	write(w, e.status, e.body())
}

func (e *apiError) body() []byte { return raw(object{"error": e.object()}) }

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Stripe-Version", APIVersion)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func writeJSON(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // only values of this package are written
	}
	write(w, http.StatusOK, body)
}

func refused(code, param, message string) *apiError {
	return &apiError{status: http.StatusBadRequest, kind: invalidRequest, code: code, param: param, message: message}
}

// missing is the error of an id nobody knows: 404 in a path, 400 in a parameter.
func missing(status int, kind, id, param string) *apiError {
	return &apiError{
		status: status, kind: invalidRequest, code: "resource_missing", param: param, message: "No such " + kind + ": '" + id + "'",
	}
}

func notFound(kind, id, param string) *apiError { return missing(http.StatusNotFound, kind, id, param) }

// outage is Stripe's own failure. Its retry header says what its idempotency layer makes of asking again.
func outage(retry string) *apiError {
	return &apiError{
		status: http.StatusInternalServerError, kind: apiErrorType, executed: retry == "false",
		message: "Sorry! There was an error while talking to one of our backends.",
		header:  map[string]string{"Stripe-Should-Retry": retry},
	}
}
