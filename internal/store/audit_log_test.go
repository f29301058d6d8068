package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
	"foyer/internal/merchant"
	"foyer/internal/store"
)

const auditRule = "entries of the audit log changed, removed or inserted"

func (f *fixture) audit(t *testing.T, n int, at time.Time) {
	t.Helper()
	for i := range n {
		require.NoError(t, f.RecordAudit(t.Context(), merchant.AuditEntry{
			ID: f.ids(foyer.PrefixAuditEntry), Merchant: f.merchant.ID, Actor: foyer.ActorMerchant, ActorID: "key_x", Action: "act", Subject: fmt.Sprint(i), At: at,
		}))
	}
}

func (f *fixture) auditFaults(t *testing.T) int64 {
	t.Helper()
	faults, err := f.Faults(t.Context(), f.merchant.ID)
	require.NoError(t, err)
	return faults[auditRule]
}

// Threat #78: nobody changes what was written, not even the program.
func TestTheAuditLogIsAppendOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		f.audit(t, 3, start)
		_, err := f.ChainAudit(t.Context(), f.merchant.ID, 10)
		require.NoError(t, err)
		for _, statement := range []string{
			"UPDATE audit_log SET action = 'nothing'", "DELETE FROM audit_log", "UPDATE audit_chain SET position = position + 1", "DELETE FROM audit_chain",
			"INSERT INTO audit_log SELECT * FROM audit_log",
		} {
			_, err := f.SQL().ExecContext(t.Context(), statement)
			assert.Error(t, err, statement)
		}
		assert.Zero(t, f.auditFaults(t))
	})
}

// Entries that commit late are chained too, each once, whoever else is chaining; what is changed behind the triggers' back shows.
func TestTheAuditChainShowsWhatWasChanged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		f.audit(t, 40, start)
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				_, err := f.ChainAudit(t.Context(), f.merchant.ID, 10)
				assert.NoError(t, err)
			})
		}
		group.Wait()
		f.audit(t, 5, start.Add(-time.Minute)) // written earlier, committed later
		for {
			n, err := f.ChainAudit(t.Context(), f.merchant.ID, 10)
			require.NoError(t, err)
			if n == 0 {
				break
			}
		}
		var links int
		require.NoError(t, f.SQL().QueryRowContext(t.Context(), "SELECT count(*) FROM audit_chain").Scan(&links))
		assert.GreaterOrEqual(t, links, 45)
		require.Zero(t, f.auditFaults(t))

		if f.Dialect() == store.Postgres {
			f.exec(t, "ALTER TABLE audit_log DISABLE TRIGGER USER")
			f.exec(t, "GRANT UPDATE ON audit_log TO CURRENT_USER")
		} else {
			f.exec(t, "DROP TRIGGER audit_log_no_update")
		}
		f.exec(t, "UPDATE audit_log SET ip = '198.51.100.1' WHERE subject_id = '7'")
		assert.Positive(t, f.auditFaults(t))
	})
}
