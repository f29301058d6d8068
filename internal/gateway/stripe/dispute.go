package stripe

import (
	"context"
	"slices"
	"time"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// disputeStates are Stripe's states in our words. A warning is a bank that asks first; "prevented" is one that was settled by a
// refund before money moved.
var disputeStates = map[sdk.DisputeStatus]billing.DisputeStatus{
	sdk.DisputeStatusWarningNeedsResponse: billing.DisputeInquiry,
	sdk.DisputeStatusWarningUnderReview:   billing.DisputeInquiry,
	sdk.DisputeStatusWarningClosed:        billing.DisputeClosed,
	sdk.DisputeStatusPrevented:            billing.DisputeClosed,
	sdk.DisputeStatusNeedsResponse:        billing.DisputeOpen,
	sdk.DisputeStatusUnderReview:          billing.DisputeUnderReview,
	sdk.DisputeStatusWon:                  billing.DisputeWon,
	sdk.DisputeStatusLost:                 billing.DisputeLost,
}

// Disputes implements billing.DisputeReader.
func (g *Gateway) Disputes(ctx context.Context, merchant foyer.MerchantID, key string) ([]billing.GatewayDispute, error) {
	ctx, cancel := g.within(ctx)
	defer cancel()
	intent, err := g.References.GatewayReference(ctx, merchant, Name, key)
	if err != nil {
		return nil, err
	}
	params := &sdk.DisputeListParams{PaymentIntent: &intent}
	params.Limit = sdk.Int64(100)
	var found []billing.GatewayDispute
	for d, err := range g.client.V1Disputes.List(ctx, params).All(ctx) {
		if err != nil {
			return nil, dark("list disputes", err)
		}
		amount, known := fromStripe(d.Amount, d.Currency)
		status, read := disputeStates[d.Status]
		if !known || !read {
			return nil, g.unlike(ctx, "dispute", d.ID)
		}
		dispute := billing.GatewayDispute{
			Reference: d.ID, Status: status, Reason: string(d.Reason), Amount: amount, OpenedAt: time.Unix(d.Created, 0).UTC(),
		}
		if d.EvidenceDetails != nil && d.EvidenceDetails.DueBy > 0 {
			due := time.Unix(d.EvidenceDetails.DueBy, 0).UTC()
			dispute.RespondBy = &due
		}
		found = append(found, dispute)
	}
	slices.SortStableFunc(found, func(a, b billing.GatewayDispute) int { return a.OpenedAt.Compare(b.OpenedAt) })
	return found, nil
}
