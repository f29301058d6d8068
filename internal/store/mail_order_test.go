package store_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

func TestMailOrders(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		full := billing.MailOrder{
			ID: f.ids(foyer.PrefixMail), Scope: scope(f.customer), Kind: billing.MailPaymentFailed, Subscription: "sub_1", Payment: "pay_1", Invoice: "inv_1",
			Facts: billing.MailFacts{
				EffectiveAt: ptr(start.Add(1)), ResumeAt: &start, Amount: ptr(int64(-1)), Attempt: 3, Last: true, ErrorCode: "declined", Then: "pause",
				Brand: "visa", Last4: "0042",
			},
			At: start,
		}
		bare := billing.MailOrder{ID: f.ids(foyer.PrefixMail), Scope: scope(f.foreigner), Kind: billing.MailKept, At: start}
		require.NoError(t, f.CreateMailOrders(ctx))
		require.NoError(t, f.CreateMailOrders(ctx, full, bare), "of several customers")
		for _, want := range []billing.MailOrder{full, bare} {
			got, err := f.MailOrder(ctx, want.Scope.Merchant, want.ID)
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
		_, err := f.MailOrder(ctx, f.stranger.ID, full.ID)
		refused(t, foyer.NotFound, err)
		_, err = f.MailOrder(ctx, f.merchant.ID, "eml_unknown")
		refused(t, foyer.NotFound, err)
		refused(t, foyer.Conflict, f.CreateMailOrders(ctx, full))

		many := make([]billing.MailOrder, 250)
		for i := range many {
			many[i] = bare
			many[i].ID = f.ids(foyer.PrefixMail)
		}
		require.NoError(t, f.CreateMailOrders(ctx, many...))
		require.Equal(t, 252, f.count(t, "SELECT count(*) FROM mail_orders"))

		// What is told and what is told of stand or fall together.
		undone := errors.New("undone")
		more := bare
		more.ID = f.ids(foyer.PrefixMail)
		require.ErrorIs(t, f.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, f.CreateMailOrders(ctx, more))
			return undone
		}), undone)
		_, err = f.MailOrder(ctx, f.stranger.ID, more.ID)
		refused(t, foyer.NotFound, err)
	})
}
