package httpapi

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"
)

// storedAnswer is what a repeated call gets.
type storedAnswer struct {
	Status int         `json:"status"`
	Header http.Header `json:"header"`
	Body   []byte      `json:"body"`
}

// replayed are the headers of an answer that are kept with it; the others belong to the request.
var replayed = []string{"Content-Type", "Content-Language", "ETag", "Location", "Retry-After", "Cache-Control"}

// heldAnswer keeps an answer back until it is known that it may be given.
type heldAnswer struct {
	http.ResponseWriter
	response *echo.Response
	status   int
	body     bytes.Buffer
}

// holdBack makes whatever is answered from now on wait for send.
func holdBack(c echo.Context) *heldAnswer {
	a := &heldAnswer{ResponseWriter: c.Response().Writer, response: c.Response(), status: http.StatusOK}
	c.Response().Writer = a
	return a
}

// WriteHeader implements http.ResponseWriter.
func (a *heldAnswer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *heldAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }

// stored is what a repeated call gets: the same, but for the secrets, fields of the answer that are told once.
func (a *heldAnswer) stored(secrets []string) storedAnswer {
	stored := storedAnswer{Status: a.status, Header: http.Header{}, Body: withoutSecrets(a.body.Bytes(), secrets)}
	for _, name := range replayed {
		if v := a.Header().Values(name); len(v) > 0 {
			stored.Header[name] = v
		}
	}
	return stored
}

func withoutSecrets(body []byte, secrets []string) []byte {
	var fields map[string]json.RawMessage
	if len(secrets) == 0 || json.Unmarshal(body, &fields) != nil {
		return body
	}
	for _, name := range secrets {
		if _, told := fields[name]; told {
			fields[name] = json.RawMessage("null")
		}
	}
	clean, err := json.Marshal(fields)
	if err != nil {
		return nil // nothing rather than a secret
	}
	return clean
}

// send gives the answer. Who has gone away asks again.
func (a *heldAnswer) send() {
	a.response.Writer = a.ResponseWriter
	a.ResponseWriter.WriteHeader(a.status)
	_, _ = a.ResponseWriter.Write(a.body.Bytes())
}

// takeBack forgets the answer, so that another can be given.
func (a *heldAnswer) takeBack() {
	a.response.Writer = a.ResponseWriter
	a.response.Committed, a.response.Status, a.response.Size = false, 0, 0
	for _, name := range replayed {
		a.Header().Del(name)
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
