package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/foyer"
)

// Of many that keep a reference for one subject at once, one decides, and all are told the same: that intent is confirmed, no other.
func TestOneGatewayReferenceIsKept(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		kept := make([]string, 50)
		var crowd sync.WaitGroup
		for i := range kept {
			crowd.Go(func() {
				var err error
				kept[i], err = f.KeepGatewayReference(t.Context(), f.merchant.ID, "stripe", "att_1", fmt.Sprintf("pi_%d", i))
				assert.NoError(t, err)
			})
		}
		crowd.Wait()
		for _, reference := range kept {
			assert.Equal(t, kept[0], reference)
		}
		known, err := f.GatewayReference(t.Context(), f.merchant.ID, "stripe", "att_1")
		require.NoError(t, err)
		assert.Equal(t, kept[0], known)
		merchant, subject, err := f.GatewaySubject(t.Context(), "stripe", known)
		require.NoError(t, err)
		assert.Equal(t, f.merchant.ID, merchant)
		assert.Equal(t, "att_1", subject)
	})
}

func TestGatewayReferencesAreAMerchantsOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		_, err := f.KeepGatewayReference(t.Context(), f.merchant.ID, "stripe", "ctm_1", "cus_1")
		require.NoError(t, err)
		_, err = f.GatewayReference(t.Context(), f.stranger.ID, "stripe", "ctm_1")
		require.ErrorIs(t, err, foyer.NotFound)
		_, err = f.GatewayReference(t.Context(), f.merchant.ID, "sandbox", "ctm_1")
		require.ErrorIs(t, err, foyer.NotFound)
		_, err = f.KeepGatewayReference(t.Context(), f.stranger.ID, "stripe", "ctm_2", "cus_1")
		require.ErrorIs(t, err, foyer.Conflict, "what is somebody's is nobody else's")
		_, _, err = f.GatewaySubject(t.Context(), "stripe", "cus_2")
		require.ErrorIs(t, err, foyer.NotFound)
	})
}
