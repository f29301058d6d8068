package stripe

import (
	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
)

// paidInstead is the card that paid when it is not the one that was asked for: whoever has the client secret of an intent may confirm it
// with another one. Nil otherwise. Only cards are asked, and an intent takes no method of another type.
func paidInstead(intent *sdk.PaymentIntent) *billing.GatewayMethod {
	return otherCharged(intent.Metadata[metaMethod], intent.LatestCharge)
}

// otherCharged is the card of a charge, paid or not, when it is not the one that was asked for.
func otherCharged(asked string, charge *sdk.Charge) *billing.GatewayMethod {
	if asked == "" || charge == nil || charge.PaymentMethod == "" || charge.PaymentMethod == asked ||
		charge.PaymentMethodDetails == nil || charge.PaymentMethodDetails.Card == nil {
		return nil
	}
	card := charge.PaymentMethodDetails.Card
	m := shown(billing.Card{Brand: string(card.Brand), Last4: card.Last4, ExpiryMonth: int(card.ExpMonth), ExpiryYear: int(card.ExpYear)})
	if card.Wallet != nil {
		m.Wallet = string(card.Wallet.Type)
	}
	return m
}

// otherMethod is a card that was tried when it is not the one that was asked for.
func otherMethod(asked string, tried *sdk.PaymentMethod) *billing.GatewayMethod {
	if asked == "" || tried == nil || tried.ID == "" || tried.ID == asked || tried.Card == nil {
		return nil
	}
	m := shown(billing.Card{
		Brand: string(tried.Card.Brand), Last4: tried.Card.Last4, ExpiryMonth: int(tried.Card.ExpMonth), ExpiryYear: int(tried.Card.ExpYear),
	})
	if tried.Card.Wallet != nil {
		m.Wallet = string(tried.Card.Wallet.Type)
	}
	return m
}

// shown is a card without what charges it: it is recognised, and never stored.
func shown(card billing.Card) *billing.GatewayMethod {
	return &billing.GatewayMethod{Type: string(sdk.PaymentMethodTypeCard), Card: &card}
}
