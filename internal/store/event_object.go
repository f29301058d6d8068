package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"gorm.io/gorm"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/identity"
	"foyer/internal/invoice"
	"foyer/internal/merchant"
	"foyer/internal/retention"
)

// PresentObject writes a domain value as the API shows it to its merchant.
type PresentObject func(m merchant.Merchant, object any) (json.RawMessage, error)

// eventObjects reads what the events are about, as it stands now in the open transaction, and writes it as the API shows it: a few
// queries for each kind of thing, however many there are. What can't be read any more is left out.
func (s *Store) eventObjects(ctx context.Context, merchantID foyer.MerchantID, events []foyer.Event) (map[string]json.RawMessage, error) {
	if s.present == nil {
		return nil, nil
	}
	kinds := map[foyer.Prefix][]string{}
	seen := map[string]bool{}
	for _, e := range events {
		if kind, _, ok := strings.Cut(e.Subject, "_"); ok && !seen[e.Subject] {
			kinds[foyer.Prefix(kind)], seen[e.Subject] = append(kinds[foyer.Prefix(kind)], e.Subject), true
		}
	}
	out := map[string]json.RawMessage{}
	var m merchant.Merchant
	if len(kinds[foyer.PrefixSubscription]) > 0 { // their links lead to the merchant's frontend
		var err error
		if m, err = s.MerchantByID(ctx, merchantID); err != nil {
			return nil, err
		}
	}
	for kind, ids := range kinds {
		found, err := s.objectsOf(ctx, merchantID, kind, ids)
		if err != nil {
			return nil, err
		}
		for id, object := range found {
			if out[id], err = s.present(m, object); err != nil {
				return nil, fmt.Errorf("store: object of %s: %w", kind, err)
			}
		}
	}
	return out, nil
}

// objectsOf reads the merchant's things of one kind.
func (s *Store) objectsOf(ctx context.Context, merchant foyer.MerchantID, kind foyer.Prefix, ids []string) (map[string]any, error) {
	query := s.db(ctx).Where("merchant_id = ? AND id IN ?", merchant, ids)
	switch kind {
	case foyer.PrefixCustomer:
		return s.customerObjects(ctx, merchant, query)
	case foyer.PrefixAddress:
		return rowObjects[addressRow](query, func(v billing.CustomerAddress) string { return string(v.ID) })
	case foyer.PrefixProduct:
		return rowObjects[productRow](query, func(v billing.Product) string { return string(v.ID) })
	case foyer.PrefixPrice:
		return rowObjects[priceRow](query, func(v billing.Price) string { return string(v.ID) })
	case foyer.PrefixDiscount:
		return rowObjects[discountRow](query, func(v billing.Discount) string { return string(v.ID) })
	case foyer.PrefixSubscription:
		found, err := subscriptions(query)
		return byID(found, err, func(v billing.Subscription) string { return string(v.ID) })
	case foyer.PrefixPayment:
		found, err := payments(query)
		if err == nil {
			err = s.addDetails(ctx, merchant, found)
		}
		return byID(found, err, func(v billing.Payment) string { return string(v.ID) })
	case foyer.PrefixInvoice:
		found, err := merchantInvoices(query, merchant)
		return byID(found, err, func(v invoice.Invoice) string { return string(v.ID) })
	case foyer.PrefixPaymentMethod:
		var rows []paymentMethodRow
		if err := query.Find(&rows).Error; err != nil {
			return nil, translate(err)
		}
		methods := domains(rows)
		err := s.usedByAny(ctx, merchant, methods)
		return byID(methods, err, func(v billing.PaymentMethod) string { return string(v.ID) })
	case foyer.PrefixCancellation:
		found, err := s.cancellations(ctx, merchant, query)
		return byID(found, err, func(v retention.Cancellation) string { return string(v.ID) })
	case foyer.PrefixOffer:
		found, err := offersOf(query)
		return byID(found, err, func(v retention.Offer) string { return string(v.ID) })
	case foyer.PrefixWithdrawal:
		found, err := withdrawals(query)
		return byID(found, err, func(v retention.Withdrawal) string { return string(v.ID) })
	case foyer.PrefixNotice:
		found, err := notices(query)
		return byID(found, err, func(v retention.Notice) string { return string(v.ID) })
	case foyer.PrefixSignIn:
		var rows []signInRow
		err := query.Find(&rows).Error
		return byID(domains(rows), translate(err), func(v identity.SignIn) string { return string(v.ID) })
	case foyer.PrefixSession:
		var rows []sessionRow
		err := query.Find(&rows).Error
		return byID(domains(rows), translate(err), func(v identity.Session) string { return string(v.ID) })
	case foyer.PrefixPortalSession:
		var rows []portalSessionRow
		err := query.Find(&rows).Error
		return byID(domains(rows), translate(err), func(v identity.PortalSession) string { return string(v.ID) })
	}
	return nil, nil
}

// rowObjects reads things that are one row each.
func rowObjects[R interface{ domain() D }, D any](query *gorm.DB, id func(D) string) (map[string]any, error) {
	var rows []R
	err := query.Find(&rows).Error
	return byID(domains(rows), translate(err), id)
}

// customerObjects reads customers with what is to their credit.
func (s *Store) customerObjects(ctx context.Context, merchant foyer.MerchantID, query *gorm.DB) (map[string]any, error) {
	var rows []customerRow
	if err := query.Find(&rows).Error; err != nil {
		return nil, translate(err)
	}
	ids, found := make([]foyer.CustomerID, len(rows)), map[foyer.CustomerID]billing.CustomerDetails{}
	for i, r := range rows {
		ids[i], found[r.ID] = r.ID, billing.CustomerDetails{Customer: r.domain()}
	}
	credits, err := s.Credits(ctx, merchant, ids)
	for _, c := range credits {
		details := found[c.Scope.Customer]
		details.Credits = append(details.Credits, c)
		found[c.Scope.Customer] = details
	}
	out := make(map[string]any, len(found))
	for id, v := range found {
		out[string(id)] = v
	}
	return out, err
}

func byID[T any](found []T, err error, id func(T) string) (map[string]any, error) {
	out := make(map[string]any, len(found))
	for _, v := range found {
		out[id(v)] = v
	}
	return out, err
}

// addDetails fills in attempts, disputes and refunds of payments: one query for each.
func (s *Store) addDetails(ctx context.Context, merchant foyer.MerchantID, found []billing.Payment) error {
	place := map[billing.PaymentID]int{}
	ids := make([]billing.PaymentID, len(found))
	for i, p := range found {
		place[p.ID], ids[i] = i, p.ID
	}
	var attempts []attemptRow
	err := s.db(ctx).Where("payment_id IN ? AND merchant_id = ?", ids, merchant).Order("created_at DESC, id DESC").Find(&attempts).Error
	if err != nil {
		return translate(err)
	}
	for _, a := range attempts {
		p := &found[place[a.PaymentID]]
		p.Attempts = append(p.Attempts, a.domain())
	}
	if err := s.addDisputes(ctx, merchant, found, place); err != nil {
		return err
	}
	return s.addRefunds(ctx, merchant, found, place)
}
