package native

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"foyer/internal/billing"
	"foyer/internal/foyer"
)

// CreateSubscription implements billing.Seller.
func (e *Engine) CreateSubscription(ctx context.Context, by foyer.Actor, in billing.SubscribeInput) (after billing.Subscription, next *billing.NextAction, err error) {
	c, err := e.commandCharge(ctx, by, nothing)
	if err != nil {
		return after, nil, err
	}
	if c != nil {
		// What this very call began before the process died; its payment knows the subscription.
		if c.effect == nil || c.effect.Kind != billing.EffectStart {
			return after, nil, foyer.ErrNotFound()
		}
		after = *c.effect.After
	} else {
		err = e.Store.Conclude(ctx, func(ctx context.Context) error {
			after, c, err = e.planSubscription(ctx, by, in)
			return err
		})
		if err != nil || c == nil {
			return after, nil, err
		}
		if err := e.Store.Proceed(ctx); err != nil {
			return after, nil, err
		}
		e.askAll(ctx, []*charge{c}, e.ask)
	}
	next, err = e.conclude(ctx, c, func(ctx context.Context) error {
		made, err := e.Store.Subscription(ctx, by.Scope, after.ID)
		if errors.Is(err, foyer.NotFound) {
			return nil // declined, or it waits for the customer's confirmation
		}
		after = made
		return err
	})
	return after, next, err
}

// nothing reads nothing: what a command answers is read when it concludes.
func nothing(context.Context) error { return nil }

// planSubscription decides on a new subscription and writes it down, or the bill it begins with.
func (e *Engine) planSubscription(ctx context.Context, by foyer.Actor, in billing.SubscribeInput) (begun billing.Subscription, c *charge, err error) {
	buyer, err := e.lockBuyer(ctx, by.Scope)
	if err != nil {
		return begun, nil, err
	}
	l, err := e.ledger(ctx, by.Scope.Merchant)
	if err != nil {
		return begun, nil, err
	}
	if err := foyer.InvalidFields(in.Faults(l.now)...); err != nil {
		return begun, nil, err
	}
	id := billing.SubscriptionID(e.IDs(foyer.PrefixSubscription))
	if err := e.externalIDFree(ctx, by.Scope.Merchant, in.ExternalID, id); err != nil {
		return begun, nil, err
	}
	begun, period, discount, err := l.newSubscription(ctx, buyer, id, in)
	if err != nil {
		return begun, nil, err
	}
	if period == nil {
		l.begun(begun)
	} else if c, err = l.startCharge(ctx, &begun, period, discount); err != nil {
		return begun, nil, err
	}
	if err := l.write(ctx); err != nil {
		return begun, nil, err
	}
	// Once more after writing: of two that look at the same moment, one sees what the other wrote.
	return begun, c, e.externalIDFree(ctx, by.Scope.Merchant, in.ExternalID, id)
}

// externalIDFree refuses (external_id.taken) a name another subscription has, or will have once it is paid.
func (e *Engine) externalIDFree(ctx context.Context, merchant foyer.MerchantID, externalID string, except billing.SubscriptionID) error {
	if externalID == "" {
		return nil
	}
	taken, err := e.Store.SubscriptionNamed(ctx, merchant, externalID, except)
	if err == nil && taken {
		return billing.ErrExternalIDTaken()
	}
	return err
}

// lockBuyer makes commands about one customer wait for each other, and refuses who can't buy. The customer comes in the body
// of a call: unknown and foreign are told as such, with one text.
func (e *Engine) lockBuyer(ctx context.Context, scope foyer.Scope) (buyer billing.Customer, err error) {
	refuse := func(code string) error {
		return foyer.InvalidFields(foyer.FieldError{Pointer: "/customer_id", Code: code})
	}
	if err := e.Store.LockCustomer(ctx, scope); err != nil {
		if errors.Is(err, foyer.NotFound) {
			return buyer, refuse("input.unknown_reference")
		}
		return buyer, err
	}
	found, err := e.Store.Customers(ctx, scope.Merchant, []foyer.CustomerID{scope.Customer})
	if err != nil {
		return buyer, err
	}
	if buyer = found[scope.Customer]; buyer.Archived {
		return buyer, refuse("customer.archived")
	}
	return buyer, nil
}

// knownMethod refuses a payment method that isn't the customer's; without one there is nothing to refuse.
func (e *Engine) knownMethod(ctx context.Context, scope foyer.Scope, id billing.PaymentMethodID) error {
	if id == "" {
		return nil
	}
	_, err := e.Store.PaymentMethod(ctx, scope, id)
	if errors.Is(err, foyer.NotFound) {
		return foyer.InvalidFields(foyer.FieldError{Pointer: "/payment_method_id", Code: "input.unknown_reference"})
	}
	return err
}

// newSubscription checks what was asked for and begins the subscription.
func (l *ledger) newSubscription(ctx context.Context, buyer billing.Customer, id billing.SubscriptionID, in billing.SubscribeInput) (billing.Subscription, *foyer.Period, *billing.SubscriptionDiscount, error) {
	none, scope := billing.Subscription{}, buyer.Scope()
	chosen, err := l.choose(ctx, in.Items, "")
	if err != nil {
		return none, nil, nil, err
	}
	mode := in.CollectionMode
	if mode == "" {
		mode = billing.CollectAutomatic
	}
	if err := l.engine.knownMethod(ctx, scope, in.PaymentMethod); err != nil {
		return none, nil, nil, err
	}
	discount, err := l.discount(ctx, in.Discount, chosen.currency)
	if err != nil {
		return none, nil, nil, err
	}
	trialEnd := in.TrialEnd
	if trialEnd == nil && chosen.trial != nil {
		end := chosen.trial.After(l.now)
		trialEnd = &end
	}
	sub, period, lowered := billing.NewSubscription{
		ID: id, Scope: scope, Items: chosen.items, Currency: chosen.currency, Cycle: chosen.cycle, CollectionMode: mode,
		PaymentMethod: in.PaymentMethod, Discount: discount, TrialEnd: trialEnd, BillingDetails: billing.TermsOf(mode, in.BillingDetails),
		ExternalID: in.ExternalID, Metadata: in.Metadata, Territory: billing.TerritoryOf(buyer.Address),
	}.Begin(l.now)
	// Priced once here, so that what can't be charged is refused before anything is made.
	_, err = billing.PriceBill(whole(chosen.items), discount, l.engine.IDs)
	return sub, period, lowered, err
}

// startCharge bills the first period. What costs nothing or is collected by invoice makes the subscription at once.
func (l *ledger) startCharge(ctx context.Context, sub *billing.Subscription, period *foyer.Period, discount *billing.SubscriptionDiscount) (*charge, error) {
	credits, err := l.creditsOf(ctx, []foyer.CustomerID{sub.Customer})
	if err != nil {
		return nil, err
	}
	methods, err := l.engine.Store.ChargeableMethods(ctx, sub.Merchant, []billing.PaymentMethodID{sub.PaymentMethod})
	if err != nil {
		return nil, err
	}
	effect := &billing.Effect{Kind: billing.EffectStart, After: sub}
	if sub.CollectionMode == billing.CollectManual {
		effect = &billing.Effect{Kind: billing.EffectPeriod}
	}
	p, err := l.price(draft{
		scope: scopeOf(*sub), subscription: sub, currency: sub.Currency, mode: sub.CollectionMode, method: sub.PaymentMethod, terms: sub.BillingDetails,
		origin: billing.OriginAPI, items: whole(sub.Items), discount: discount, period: period, effect: effect,
		credit: credits[purse{sub.Customer, sub.Currency}],
	})
	if err != nil {
		return nil, err
	}
	method := methodOr(methods, sub.PaymentMethod)
	attempt := l.bill(p, method, present(ctx))
	if attempt == nil {
		l.begun(*sub)
		return nil, nil
	}
	return &charge{attempt: *attempt, currency: p.Currency, token: method.Token}, nil
}

// chosen is what prices and quantities come to.
type chosen struct {
	items    []billing.SubscriptionItem
	currency foyer.Currency
	cycle    foyer.Cycle
	trial    *foyer.Cycle
}

// choose looks prices up and checks that they can be subscribed to together: known, the merchant's own, not archived, of one
// currency and one cycle, in the quantities they allow. currency, when given, is the one they must have.
func (l *ledger) choose(ctx context.Context, inputs []billing.ItemInput, currency foyer.Currency) (chosen, error) {
	var out chosen
	if len(inputs) == 0 || len(inputs) > billing.MaxItems {
		return out, foyer.InvalidFields(foyer.FieldError{Pointer: "/items", Code: "input.too_many", Params: map[string]any{"Max": billing.MaxItems}})
	}
	ids := make([]billing.PriceID, len(inputs))
	for i, in := range inputs {
		ids[i] = in.Price
	}
	prices, err := l.engine.Store.Prices(ctx, l.merchant.ID, ids)
	if err != nil {
		return out, err
	}
	var faults []foyer.FieldError
	fault := func(i int, field, code string) {
		faults = append(faults, foyer.FieldError{Pointer: "/items/" + strconv.Itoa(i) + "/" + field, Code: code})
	}
	out.currency = currency
	for i, in := range inputs {
		price, known := prices[in.Price]
		switch {
		case slices.Index(ids, in.Price) != i:
			fault(i, "price_id", "input.duplicate")
			continue
		case !known:
			fault(i, "price_id", "input.unknown_reference")
			continue
		case price.Cycle == nil:
			fault(i, "price_id", "price.one_time")
			continue
		case price.Archived || price.Of.Archived:
			fault(i, "price_id", "price.archived")
			continue
		case in.Quantity < max(1, price.QuantityMin) || in.Quantity > billing.MaxQuantity || price.QuantityMax > 0 && in.Quantity > price.QuantityMax:
			fault(i, "quantity", "input.quantity")
			continue
		}
		if out.currency == "" {
			out.currency = price.UnitPrice.Currency
		}
		if out.cycle == (foyer.Cycle{}) {
			out.cycle, out.trial = *price.Cycle, price.Trial
		}
		if price.UnitPrice.Currency != out.currency {
			fault(i, "price_id", "subscription.mixed_currencies")
		}
		if *price.Cycle != out.cycle {
			fault(i, "price_id", "subscription.mixed_cycles")
		}
		out.items = append(out.items, price.Item(in.Quantity))
	}
	return out, foyer.InvalidFields(faults...)
}

// discount is a discount of the merchant's as a subscription keeps it.
func (l *ledger) discount(ctx context.Context, id billing.DiscountID, currency foyer.Currency) (*billing.SubscriptionDiscount, error) {
	if id == "" {
		return nil, nil
	}
	d, err := l.engine.Store.Discount(ctx, l.merchant.ID, id)
	unusable := errors.Is(err, foyer.NotFound) || err == nil && (d.Archived || d.Amount != nil && d.Amount.Currency != currency)
	if unusable {
		return nil, foyer.InvalidFields(foyer.FieldError{Pointer: "/discount_id", Code: "input.unknown_reference"})
	}
	if err != nil {
		return nil, err
	}
	return d.Given(l.now), nil
}

// planChange reckons a change of items.
func (l *ledger) planChange(ctx context.Context, by foyer.Actor, sub billing.Subscription, inputs []billing.ItemInput) (billing.PlanChange, error) {
	if err := sub.Actions(billing.ActionRules{})[billing.ActionChange].Refusal(); err != nil {
		return billing.PlanChange{}, err
	}
	chosen, err := l.choose(ctx, inputs, sub.Currency)
	if err != nil {
		return billing.PlanChange{}, err
	}
	if by.Kind == foyer.ActorCustomer { // the paths are the merchant's, for its customers
		if err := l.allowed(sub, chosen.items); err != nil {
			return billing.PlanChange{}, err
		}
	}
	return sub.Change(chosen.items, chosen.cycle, l.now)
}

// allowed checks what the merchant lets customers change: another plan and how many of it only where that is on, and from each price
// subscribed to only to those its paths name.
func (l *ledger) allowed(sub billing.Subscription, items []billing.SubscriptionItem) error {
	features := l.merchant.Portal.Settings.Features
	if features.QuantityOff && sub.OtherQuantity(items) || features.ChangeOff && sub.OtherPrices(items) {
		return foyer.Refuse(foyer.Forbidden, "feature.off")
	}
	paths := l.merchant.Portal.Settings.PlanPaths
	for i, to := range items {
		for _, from := range sub.Items {
			allowed, limited := paths[string(from.PriceID)]
			if limited && to.PriceID != from.PriceID && !slices.Contains(allowed, string(to.PriceID)) {
				return foyer.InvalidFields(foyer.FieldError{Pointer: "/items/" + strconv.Itoa(i) + "/price_id", Code: "price.not_allowed"})
			}
		}
	}
	return nil
}

// PreviewChange implements billing.Changer: the change, reckoned and not saved.
func (e *Engine) PreviewChange(ctx context.Context, by foyer.Actor, id billing.SubscriptionID, items []billing.ItemInput) (billing.ChangePreview, error) {
	sub, err := e.Store.Subscription(ctx, by.Scope, id)
	if err != nil {
		return billing.ChangePreview{}, err
	}
	l, err := e.ledger(ctx, by.Scope.Merchant)
	if err != nil {
		return billing.ChangePreview{}, err
	}
	change, err := l.planChange(ctx, by, sub, items)
	if err != nil {
		return billing.ChangePreview{}, err
	}
	preview := billing.ChangePreview{
		EffectiveAt: change.EffectiveAt, Currency: sub.Currency, RecurringTotal: change.After.RecurringTotal, NextPayment: change.After.NextPayment(),
	}
	if change.Scheduled() {
		preview.RecurringTotal = change.After.PendingTotal()
	}
	if change.Bill == nil {
		return preview, nil
	}
	credits, err := l.creditsOf(ctx, []foyer.CustomerID{sub.Customer})
	if err != nil {
		return billing.ChangePreview{}, err
	}
	p, err := l.price(draft{
		scope: by.Scope, subscription: &sub, currency: sub.Currency, mode: sub.CollectionMode, origin: billing.OriginUpdate, items: change.Bill,
		discount: change.Discount, period: &change.Period, credit: credits[purse{sub.Customer, sub.Currency}],
	})
	if err != nil {
		return billing.ChangePreview{}, err
	}
	preview.Credit = p.Totals.CreditToBalance
	if p.Totals.Total > 0 {
		preview.Immediate = &p
	}
	return preview, nil
}
