package native

import (
	"context"
	"slices"
	"strconv"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// CreatePayment implements billing.Seller: plan, charge, book. What is declined was not bought: its payment is canceled. With a
// next action it is bought once the customer has confirmed.
func (e *Engine) CreatePayment(ctx context.Context, by foyer.Actor, in billing.BillInput) (after billing.Payment, next *billing.NextAction, err error) {
	var id billing.PaymentID
	read := func(ctx context.Context) (err error) {
		after, err = e.Store.Payment(ctx, by.Scope, id)
		return err
	}
	c, err := e.commandCharge(ctx, by, nothing)
	if err != nil {
		return after, nil, err
	}
	if c == nil {
		err = e.Store.Conclude(ctx, func(ctx context.Context) error {
			if id, c, err = e.planPayment(ctx, by, in); err != nil {
				return err
			}
			return read(ctx)
		})
		if err != nil {
			return after, nil, billing.ExternalTaken(ctx, e.Store, by.Scope.Merchant, foyer.PrefixPayment, string(id), in.ExternalID, err)
		}
		if c == nil {
			return after, nil, nil
		}
		if err := e.Store.Proceed(ctx); err != nil {
			return after, nil, err
		}
		e.askAll(ctx, []*charge{c}, e.ask)
	}
	id = c.attempt.Payment
	next, err = e.conclude(ctx, c, read)
	return after, next, err
}

// planPayment bills something once and plans to collect it; no charge when it is to be paid by invoice or costs nothing.
func (e *Engine) planPayment(ctx context.Context, by foyer.Actor, in billing.BillInput) (billing.PaymentID, *charge, error) {
	if _, err := e.lockBuyer(ctx, by.Scope); err != nil {
		return "", nil, err
	}
	l, err := e.ledger(ctx, by.Scope.Merchant)
	if err != nil {
		return "", nil, err
	}
	if err := foyer.InvalidFields(in.Faults()...); err != nil {
		return "", nil, err
	}
	items, currency, err := l.chooseOnce(ctx, in.Items)
	if err != nil {
		return "", nil, err
	}
	if err := e.knownMethod(ctx, by.Scope, in.PaymentMethod); err != nil {
		return "", nil, err
	}
	credits, err := l.creditsOf(ctx, []foyer.CustomerID{by.Scope.Customer})
	if err != nil {
		return "", nil, err
	}
	methods, err := e.Store.ChargeableMethods(ctx, by.Scope.Merchant, []billing.PaymentMethodID{in.PaymentMethod})
	if err != nil {
		return "", nil, err
	}
	mode := in.CollectionMode
	if mode == "" {
		mode = billing.CollectAutomatic
	}
	p, err := l.price(draft{
		scope: by.Scope, currency: currency, mode: mode, method: in.PaymentMethod, terms: billing.TermsOf(mode, in.BillingDetails),
		origin: billing.OriginAPI, items: whole(items), effect: &billing.Effect{Kind: billing.EffectOnce},
		credit: credits[purse{by.Scope.Customer, currency}],
	})
	if err != nil {
		return "", nil, err
	}
	p.ExternalID, p.Metadata = in.ExternalID, in.Metadata.Kept()
	method := methodOr(methods, in.PaymentMethod)
	attempt := l.bill(p, method, present(ctx))
	if err := l.write(ctx); err != nil || attempt == nil {
		return p.ID, nil, err
	}
	return p.ID, &charge{attempt: *attempt, currency: currency, token: method.Token}, nil
}

// chooseOnce looks up what is bought once: prices without a billing cycle, and what is in no catalog, all in one currency.
func (l *ledger) chooseOnce(ctx context.Context, inputs []billing.BillItemInput) (items []billing.SubscriptionItem, currency foyer.Currency, err error) {
	if len(inputs) == 0 || len(inputs) > billing.MaxItems {
		return nil, "", foyer.InvalidFields(foyer.FieldError{Pointer: "/items", Code: "input.too_many", Params: map[string]any{"Max": billing.MaxItems}})
	}
	var ids []billing.PriceID
	for _, in := range inputs {
		if in.Price != "" {
			ids = append(ids, in.Price)
		}
	}
	prices, err := l.engine.Store.Prices(ctx, l.merchant.ID, ids)
	if err != nil {
		return nil, "", err
	}
	var faults []foyer.FieldError
	for i, in := range inputs {
		item, of, found := in.Item(), in.UnitPrice.Currency, in.Faults(i)
		if in.Price != "" {
			price, known := prices[in.Price]
			item, of, found = price.Item(in.Quantity), price.UnitPrice.Currency, priceFaults(i, price, known, in.Quantity)
		}
		faults = append(faults, found...)
		if len(found) > 0 {
			continue
		}
		if currency == "" {
			currency = of
		}
		if of != currency {
			faults = append(faults, foyer.FieldError{Pointer: "/items/" + strconv.Itoa(i), Code: "payment.mixed_currencies"})
		}
		items = append(items, item)
	}
	return items, currency, foyer.InvalidFields(faults...)
}

// priceFaults says why a price can't be bought once in this quantity.
func priceFaults(i int, price billing.CatalogPrice, known bool, quantity int64) []foyer.FieldError {
	field := "price_id"
	var code string
	switch {
	case !known:
		code = "input.unknown_reference"
	case price.Cycle != nil:
		code = "price.recurring"
	case price.Archived || price.Of.Archived:
		code = "price.archived"
	case quantity < max(1, price.QuantityMin) || quantity > billing.MaxQuantity || price.QuantityMax > 0 && quantity > price.QuantityMax:
		field, code = "quantity", "input.quantity"
	default:
		return nil
	}
	return []foyer.FieldError{{Pointer: "/items/" + strconv.Itoa(i) + "/" + field, Code: code}}
}

// refundOf finds a refund among a payment's.
func refundOf(p billing.Payment, id billing.RefundID) billing.Refund {
	if i := slices.IndexFunc(p.Refunds, func(r billing.Refund) bool { return r.ID == id }); i >= 0 {
		return p.Refunds[i]
	}
	return billing.Refund{}
}
