package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/gateway/sandbox"
)

// A dispute is told alike here and in another process, ended once, and forgotten by refunds once it is won.
func TestDisputes(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) *sandbox.Local{
		"sqlite": func(t *testing.T) *sandbox.Local {
			return newLocal(t, onSQLite(t), sandbox.Options{DisputeAfter: time.Nanosecond})
		},
		"postgres": func(t *testing.T) *sandbox.Local {
			return newLocal(t, onPostgres(t), sandbox.Options{DisputeAfter: time.Nanosecond})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := open(t)
			url := serve(t, l.Handler())
			remote := newRemote(t, url, sandbox.RemoteOptions{})
			told := func(c billing.ChargeRequest) []billing.GatewayDispute {
				here, err := l.Disputes(t.Context(), c.Merchant, c.Key)
				require.NoError(t, err)
				there, err := remote.Disputes(t.Context(), c.Merchant, c.Key)
				require.NoError(t, err)
				require.ElementsMatch(t, here, there)
				return here
			}
			end := func(c billing.ChargeRequest, body string) int {
				r, err := http.Post(url+"/charges/"+c.Key+"/dispute/close", "application/json", strings.NewReader(body))
				require.NoError(t, err)
				require.NoError(t, r.Body.Close())
				return r.StatusCode
			}
			charge := func(last4 string) billing.ChargeRequest {
				c := newCharge(token(t, l, last4))
				_, err := l.Charge(t.Context(), c)
				require.NoError(t, err)
				return c
			}
			good, won, lost := charge("4242"), charge("0259"), charge("0259")
			require.Equal(t, http.StatusNoContent, end(good, `{"won": true}`), "there is nothing to end")
			assert.Empty(t, told(good))
			open := told(won)
			require.Len(t, open, 1)
			assert.Equal(t, []any{billing.DisputeOpen, "fraudulent", won.Amount}, []any{open[0].Status, open[0].Reason, open[0].Amount})
			assert.NotNil(t, open[0].RespondBy)
			require.Equal(t, http.StatusNoContent, end(won, `{"won": true}`))
			require.Equal(t, http.StatusNoContent, end(won, `{"won": false}`), "it is decided")
			require.Equal(t, http.StatusNoContent, end(lost, `{"won": false}`))
			assert.Equal(t, http.StatusNotFound, end(billing.ChargeRequest{Key: "att_unknown"}, `{"won": false}`))
			after := told(won)
			assert.Equal(t, []any{billing.DisputeWon, open[0].Reference, open[0].OpenedAt, (*time.Time)(nil)}, []any{after[0].Status, after[0].Reference, after[0].OpenedAt, after[0].RespondBy})
			assert.Equal(t, billing.DisputeLost, told(lost)[0].Status)
			require.NoError(t, l.Dispute(t.Context(), won.Key))
			assert.Equal(t, billing.DisputeWon, told(won)[0].Status, "a bank decides once")
			_, err := l.Disputes(t.Context(), "mer_other", won.Key)
			require.ErrorIs(t, err, foyer.NotFound)
			_, err = remote.Disputes(t.Context(), "mer_other", won.Key)
			require.ErrorIs(t, err, foyer.NotFound)
			refund := func(c billing.ChargeRequest) bool {
				result, err := l.Refund(t.Context(), billing.RefundRequest{Key: "ref_" + c.Key, Merchant: c.Merchant, Charge: c.Key, Amount: c.Amount})
				require.NoError(t, err)
				return result.Refunded
			}
			assert.True(t, refund(won))
			assert.False(t, refund(lost))
		})
	}
}
