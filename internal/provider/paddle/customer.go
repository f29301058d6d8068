package paddle

import (
	"time"

	"foyer/internal/billing"
)

// readCustomer reads a customer (ctm_).
func readCustomer(n *node, occurred time.Time) billing.Customer {
	created, updated := stamps(n, occurred)
	return billing.Customer{
		ExternalID: n.at("id").reference("ctm"),
		Email:      n.at("email").email(),
		Name:       n.at("name").optionalLine(),
		Locale:     n.at("locale").locale(),
		Archived:   archived(n),
		CreatedAt:  created,
		UpdatedAt:  updated,
	}
}

// readAddress reads an address (add_).
func readAddress(n *node, occurred time.Time) billing.ImportedAddress {
	_, updated := stamps(n, occurred)
	return billing.ImportedAddress{
		ExternalID:         n.at("id").reference("add"),
		ExternalCustomerID: n.at("customer_id").optionalReference("ctm"),
		Address:            postalAddress(n),
		Archived:           archived(n),
		UpdatedAt:          updated,
	}
}

func postalAddress(n *node) billing.Address {
	return billing.Address{
		Line1:      n.at("first_line").optionalLine(),
		Line2:      n.at("second_line").optionalLine(),
		City:       n.at("city").optionalLine(),
		Region:     n.at("region").optionalLine(),
		PostalCode: n.at("postal_code").optionalLine(),
		Country:    n.at("country_code").country(),
	}
}

// readBusiness reads a business (biz_).
func readBusiness(n *node, occurred time.Time) billing.ImportedBusiness {
	_, updated := stamps(n, occurred)
	return billing.ImportedBusiness{
		ExternalID:         n.at("id").reference("biz"),
		ExternalCustomerID: n.at("customer_id").optionalReference("ctm"),
		Name:               n.at("name").optionalLine(),
		TaxID:              n.at("tax_identifier").optionalLine(),
		RegistrationNumber: n.at("company_number").optionalLine(),
		Archived:           archived(n),
		UpdatedAt:          updated,
	}
}

// buyer reads the customer, address and business a transaction was asked to include: whom its invoice names. They are
// records of their own too, unless the transaction was revised: then they show the revised invoice, which changed
// neither the customer nor later invoices.
func (r *reader) buyer(n *node, p *billing.ImportedPayment) {
	revised := p.RevisedAt != nil
	if c, ok := n.optionalObject("customer"); ok {
		p.Buyer.Email = c.at("email").email()
		p.Buyer.Name = c.at("name").optionalLine()
		if !revised && dated(c) {
			r.batch.Customers = append(r.batch.Customers, billing.ImportedCustomer{Customer: readCustomer(c, time.Time{})})
		}
	}
	if a, ok := n.optionalObject("address"); ok {
		p.Buyer.Address = postalAddress(a)
		p.ExternalAddressID = ""
		if !revised && dated(a) {
			address := readAddress(a, time.Time{})
			if address.ExternalCustomerID == "" {
				address.ExternalCustomerID = p.ExternalCustomerID
			}
			r.batch.Addresses = append(r.batch.Addresses, address)
		}
	}
	if b, ok := n.optionalObject("business"); ok {
		if !revised && dated(b) {
			business := readBusiness(b, time.Time{})
			if business.ExternalCustomerID == "" {
				business.ExternalCustomerID = p.ExternalCustomerID
			}
			r.batch.Businesses = append(r.batch.Businesses, business)
		}
		p.Buyer.Company = b.at("name").optionalLine()
		p.Buyer.TaxID = b.at("tax_identifier").optionalLine()
		p.Buyer.RegistrationNumber = b.at("company_number").optionalLine()
		p.ExternalBusinessID = ""
	}
}
