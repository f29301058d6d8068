package paddle

import (
	"time"

	"foyer/internal/billing"
)

var refundStatuses = map[string]billing.RefundStatus{
	"pending_approval": billing.RefundPending, "approved": billing.RefundApproved, "rejected": billing.RefundRejected,
	"reversed": billing.RefundReversed,
}

// refundAction is what an adjustment does to the customer's money. A reversal takes back what an earlier adjustment gave.
type refundAction struct {
	action   billing.RefundAction
	reversal bool
	// warning: the bank announced a chargeback, nothing has moved.
	warning bool
}

var refundActions = map[string]refundAction{
	"refund":                     {action: billing.ActionRefund},
	"credit":                     {action: billing.ActionCredit},
	"credit_reverse":             {action: billing.ActionCredit, reversal: true},
	"chargeback":                 {action: billing.ActionChargeback},
	"chargeback_reverse":         {action: billing.ActionChargeback, reversal: true},
	"chargeback_warning":         {warning: true},
	"chargeback_warning_reverse": {warning: true},
}

// adjustment reads an adjustment (adj_). Warnings of chargebacks are between the merchant and its bank and only counted;
// should Paddle give the money back because of one, the transaction's own totals say so. Amounts of reversals are
// negative. The reason is left out: Paddle keeps it for the merchant's records.
func (r *reader) adjustment(n *node, occurred time.Time) {
	created, updated := stamps(n, occurred)
	action := oneOf(n.at("action"), refundActions)
	totals := n.object("totals")
	if currency := n.at("currency_code"); !currency.absent() {
		totals.at("currency_code").sameCurrency(currency.currency())
	}
	refund := billing.ImportedRefund{
		ExternalCustomerID: n.at("customer_id").optionalReference("ctm"),
		ExternalPaymentID:  n.at("transaction_id").reference("txn"),
		Refund: billing.Refund{
			ExternalID: n.at("id").reference("adj"),
			Action:     action.action,
			Status:     oneOf(n.at("status"), refundStatuses),
			Total:      totals.at("total").amount(),
			Tax:        totals.at("tax").amount(),
			CreatedAt:  created,
			UpdatedAt:  updated,
		},
	}
	for _, item := range n.items("items") {
		line := billing.RefundLine{LineID: item.at("item_id").optionalReference("txnitm")}
		if totals, ok := item.optionalObject("totals"); ok {
			line.Amount = totals.at("total").amount()
		} else {
			line.Amount = item.at("amount").amount()
		}
		refund.Refund.Lines = append(refund.Refund.Lines, line)
	}
	switch {
	case action.warning:
		r.ignore("adj (chargeback warning)")
		return
	case action.reversal:
		refund.Refund = reverse(refund.Refund)
	}
	r.batch.Refunds = append(r.batch.Refunds, refund)
}

// reverse turns the signs, whichever Paddle gave them.
func reverse(r billing.Refund) billing.Refund {
	r.Total, r.Tax = -abs(r.Total), -abs(r.Tax)
	for i := range r.Lines {
		r.Lines[i].Amount = -abs(r.Lines[i].Amount)
	}
	return r
}

func abs(amount int64) int64 {
	if amount < 0 && -amount > 0 {
		return -amount
	}
	return amount
}
