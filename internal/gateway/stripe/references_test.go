package stripe_test

import (
	"context"
	"sync"

	"foyer/internal/foyer"
	"foyer/internal/gateway/stripe"
)

// references is billing.GatewayReferences in memory.
type references struct {
	mu       sync.Mutex
	kept     map[string]string
	subjects map[string][2]string
	// failing makes the next ones to be kept fail, as when the database is gone.
	failing bool
}

func newReferences() *references {
	return &references{kept: map[string]string{}, subjects: map[string][2]string{}}
}

// GatewayReference implements billing.GatewayReferences.
func (r *references) GatewayReference(_ context.Context, merchant foyer.MerchantID, gateway, subject string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, is := r.kept[string(merchant)+"/"+gateway+"/"+subject]
	if !is {
		return "", foyer.ErrNotFound()
	}
	return known, nil
}

// KeepGatewayReference implements billing.GatewayReferences.
func (r *references) KeepGatewayReference(_ context.Context, merchant foyer.MerchantID, gateway, subject, reference string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failing {
		return "", foyer.Refuse(foyer.Unavailable, "unavailable")
	}
	key := string(merchant) + "/" + gateway + "/" + subject
	if known, is := r.kept[key]; is {
		return known, nil
	}
	if _, taken := r.subjects[gateway+"/"+reference]; taken {
		return "", foyer.Refuse(foyer.Conflict, "conflict")
	}
	r.kept[key], r.subjects[gateway+"/"+reference] = reference, [2]string{string(merchant), subject}
	return reference, nil
}

// GatewaySubject implements billing.GatewayReferences.
func (r *references) GatewaySubject(_ context.Context, gateway, reference string) (foyer.MerchantID, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, is := r.subjects[gateway+"/"+reference]
	if !is {
		return "", "", foyer.ErrNotFound()
	}
	return foyer.MerchantID(known[0]), known[1], nil
}

func (r *references) fail(on bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing = on
}

// forgetful is another installation: the same account, another database.
func forgetful(o *stripe.Options) { o.References = newReferences() }
