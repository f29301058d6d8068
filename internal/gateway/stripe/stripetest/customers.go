package stripetest

import "net/http"

type customer struct {
	id, name, email, description string
	created                      int64
	metadata                     map[string]string
}

func (f *Fake) addCustomers() {
	fields := []string{"name", "email", "description", "metadata[*]"}
	f.route("POST /v1/customers", f.createCustomer, fields...)
	f.route("GET /v1/customers/{id}", func(c call) (object, *apiError) {
		was, err := f.customer(c)
		if err != nil {
			return nil, err
		}
		return was.show(f), nil
	})
	f.route("POST /v1/customers/{id}", func(c call) (object, *apiError) {
		was, err := f.customer(c)
		if err != nil {
			return nil, err
		}
		if err := was.update(c.params); err != nil {
			return nil, err
		}
		return was.show(f), nil
	}, fields...)
}

func (f *Fake) customer(c call) (*customer, *apiError) {
	if was := f.customers[c.id]; was != nil {
		return was, nil
	}
	return nil, notFound("customer", c.id, "id")
}

func (f *Fake) createCustomer(c call) (object, *apiError) {
	made := &customer{id: newID("cus"), created: f.now()}
	if err := made.update(c.params); err != nil {
		return nil, err
	}
	f.customers[made.id] = made
	return made.show(f), nil
}

func (u *customer) update(p params) *apiError {
	metadata, err := p.metadata(u.metadata)
	if err != nil {
		return err
	}
	u.metadata = metadata
	for name, into := range map[string]*string{"name": &u.name, "email": &u.email, "description": &u.description} {
		if p.has(name) {
			*into = p.text(name)
		}
	}
	return nil
}

// knownCustomer checks the customer a parameter names; none is fine.
func (f *Fake) knownCustomer(p params) *apiError {
	if id := p.text("customer"); id != "" && f.customers[id] == nil {
		return missing(http.StatusBadRequest, "customer", id, "customer")
	}
	return nil
}

func (u *customer) show(f *Fake) object {
	return object{
		"id": u.id, "object": "customer", "created": u.created, "livemode": f.live(), "metadata": u.metadata, "name": orNull(u.name),
		"email": orNull(u.email), "description": orNull(u.description), "balance": 0, "currency": nil, "delinquent": false,
		"default_source": nil, "invoice_settings": object{"default_payment_method": nil}, "preferred_locales": []string{},
	}
}
