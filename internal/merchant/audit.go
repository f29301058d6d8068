package merchant

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"foyer/internal/foyer"
)

// AuditEntry is one line of a merchant's audit log: who did what to what, from where, in which request. It is written in the
// transaction of what was done and never changed.
type AuditEntry struct {
	ID       string
	Merchant foyer.MerchantID
	Actor    foyer.ActorKind
	// ActorID is the API key, or the session of a customer; empty for Foyer itself.
	ActorID string
	// Customer is who acted, when a customer did.
	Customer foyer.CustomerID
	// Action is the operationId, or the name of a command ("merchant.create").
	Action string
	// Subject is the id of what it was done to; empty for the merchant as a whole.
	Subject string
	// IP is the network address: a customer's is cut, a server's is not.
	IP        string
	RequestID string
	At        time.Time
}

// Chained returns the entry's place in the chain: SHA-256 over the hash before it (none for the first) and every field,
// each with its length, so that no two entries read alike. Whoever changes, removes or inserts one entry must rewrite all
// that follow; the last hash, noted elsewhere, shows that too.
func (e AuditEntry) Chained(before []byte) []byte {
	h := sha256.New()
	h.Write(before)
	for _, field := range []string{
		e.ID, string(e.Merchant), string(e.Actor), e.ActorID, string(e.Customer), e.Action, e.Subject, e.IP, e.RequestID,
		e.At.UTC().Format(time.RFC3339Nano),
	} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(field)))
		h.Write(length[:])
		h.Write([]byte(field))
	}
	return h.Sum(nil)
}

// AuditFilter narrows the audit log; empty fields do not.
type AuditFilter struct {
	Actor   string
	Subject string
	Action  string
}

// AuditLog returns a page of the merchant's audit log, newest first.
func (s *Service) AuditLog(ctx context.Context, id foyer.MerchantID, filter AuditFilter, page foyer.PageRequest) ([]AuditEntry, error) {
	return s.store.AuditLog(ctx, id, filter, page)
}

// chainBatch is how many entries one transaction chains.
const chainBatch = 1000

// ChainAudit chains what was committed since the last time, for every merchant. Running it twice at once does no harm.
func (s *Service) ChainAudit(ctx context.Context) error {
	all, err := s.store.Merchants(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		for more := true; more; {
			n, err := s.store.ChainAudit(ctx, m.ID, chainBatch)
			if err != nil {
				return err
			}
			more = n == chainBatch
		}
	}
	return nil
}
