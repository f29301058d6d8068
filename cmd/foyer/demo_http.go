package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// answer is what came back; its methods read JSON loosely, as a script would.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   any
}

// at returns the value at a path like "data.0.totals.total.display", nil when there is none.
func (a answer) at(path string) any {
	v := a.json
	for part := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(node) {
				return nil
			}
			v = node[i]
		default:
			return nil
		}
	}
	return v
}

func (a answer) text(path string) string {
	s, _ := a.at(path).(string)
	return s
}

// number is -1 when there is none, so that nothing equals it by chance.
func (a answer) number(path string) int64 {
	if n, is := a.at(path).(float64); is {
		return int64(n)
	}
	return -1
}

func (a answer) count(path string) int {
	l, _ := a.at(path).([]any)
	return len(l)
}

// under is a part of the answer as an answer of its own.
func (a answer) under(path string) answer {
	return answer{status: a.status, header: a.header, json: a.at(path)}
}

func (a answer) yes(path string) bool {
	is, _ := a.at(path).(bool)
	return is
}

// find returns the entry of a list in which the value at a path is the one given.
func (a answer) find(path, value string) answer {
	for i := range a.count("data") {
		if entry := a.under(fmt.Sprintf("data.%d", i)); entry.text(path) == value {
			return entry
		}
	}
	return answer{}
}

// gatewayPath is where the sandbox gateway's own form lies: it gets cards and never sees a token of ours.
const gatewayPath = "/sandbox-gateway"

func (w *walk) send(ctx context.Context, method, path string, body any) (answer, time.Duration, error) {
	var reader io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer{}, 0, err
		}
		reader = bytes.NewReader(encoded)
	}
	base := w.public
	switch {
	case w.gateway != "" && strings.HasPrefix(path, gatewayPath+"/"):
		base = w.gateway
	case strings.HasPrefix(path, "/outbox"), path == gatewayPath+"/ledger":
		base = w.admin
	}
	req, err := http.NewRequestWithContext(ctx, method, base+path, reader)
	if err != nil {
		return answer{}, 0, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if ours := strings.HasPrefix(path, "/v1/"); ours && w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
		if method != http.MethodGet {
			req.Header.Set("Idempotency-Key", w.nextKey())
		}
	}
	if w.locale != "" {
		req.Header.Set("Accept-Language", w.locale)
	}
	started := time.Now()
	res, err := w.client.Do(req)
	if err != nil {
		return answer{}, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header}
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return a, 0, err
	}
	if strings.Contains(res.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(a.body, &a.json)
	}
	return a, time.Since(started), err
}

// nextKey is an Idempotency-Key: every write of a careful client has one, and repeats it when it did not hear the answer.
func (w *walk) nextKey() string {
	if w.key != "" {
		return w.key
	}
	return rand.Text()
}
