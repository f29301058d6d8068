package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net/http"
	"time"

	"foyer/internal/foyer"
)

// Ledger returns every charge that really happened, in order, as it arrives. A list that ends early is an error.
func (r *Remote) Ledger(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		answer, err := r.send(ctx, r.reader, http.MethodGet, []string{"ledger"}, nil, nil)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		if answer.StatusCode != http.StatusOK {
			content, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
			yield(Entry{}, refusalOf(answer, content))
			return
		}
		d := json.NewDecoder(answer.Body)
		if err := expect(d, json.Delim('{'), "data", json.Delim('[')); err != nil {
			yield(Entry{}, dark(err))
			return
		}
		for d.More() {
			e, err := readEntry(d)
			if err != nil {
				yield(Entry{}, dark(err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := expect(d, json.Delim(']'), json.Delim('}')); err != nil {
			yield(Entry{}, dark(err))
		}
	}
}

func expect(d *json.Decoder, tokens ...json.Token) error {
	for _, want := range tokens {
		if got, err := d.Token(); err != nil || got != want {
			return errors.New("answered what is not its ledger")
		}
	}
	return nil
}

func readEntry(d *json.Decoder) (Entry, error) {
	var w wireEntry
	if err := d.Decode(&w); err != nil {
		return Entry{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, w.CreatedAt)
	return Entry{
		Key: w.Key, Amount: foyer.Money{Amount: w.Amount, Currency: w.Currency}, Reference: w.Reference, Status: w.Status, CreatedAt: at,
	}, err
}
