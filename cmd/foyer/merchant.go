package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"foyer/internal/app"
	"foyer/internal/gateway/stripe"
	"foyer/internal/merchant"
)

func createMerchant(ctx context.Context, p *program, args []string) error {
	if len(args) == 0 || args[0] != "create" {
		return &usageError{"say merchant create --name NAME"}
	}
	f := p.flags("merchant create", "merchant create --name NAME [--mode sandbox|live] [--seller FILE] [--frontend-url URL] [--allowed-origin ORIGIN]… [--json]")
	name := f.String("name", "", "the merchant's name, as customers know it")
	mode := f.String("mode", "sandbox", "sandbox or live")
	sellerFile := f.String("seller", "", "JSON file with legal_name, address, tax_id, registration_number, email, logo (path of a PNG or JPEG)")
	frontend := f.String("frontend-url", "", "where links in mails lead")
	asJSON := f.Bool("json", false, "print one JSON object")
	var origins list
	f.Var(&origins, "allowed-origin", "an origin the portal may be used from in browsers; may be given several times")
	if err := parse(f, args[1:]); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return &usageError{"merchant create takes flags only; " + f.Arg(0) + " is none"}
	}
	settings := merchant.Settings{Name: *name, FrontendURL: *frontend, AllowedOrigins: origins}
	var err error
	if *sellerFile != "" {
		if settings.Seller, err = readSeller(*sellerFile); err != nil {
			return err
		}
	}
	a, _, err := p.open(ctx, true)
	if err != nil {
		return err
	}
	defer a.Close()
	m, secret, err := a.Merchants.Create(ctx, merchant.Mode(*mode), settings)
	if err != nil {
		return err
	}
	missing := strings.Join(settings.Seller.MissingForInvoices(), ", ")
	if m.Mode == merchant.Live && missing != "" {
		// Beside the output, so that whoever reads only the JSON is warned, too.
		_, _ = fmt.Fprintf(p.err, "warning: the seller lacks %s: complete it before the first invoice is issued\n", missing)
	}
	if *asJSON {
		return json.NewEncoder(p.out).Encode(map[string]string{
			"merchant_id": string(m.ID), "portal_id": string(m.Portal.ID), "secret_key": secret,
		})
	}
	_, _ = fmt.Fprintf(p.out, "merchant    %s (%s)\nportal      %s\nsecret key  %s\n\nThe secret key is shown this once.\n", m.ID, m.Mode, m.Portal.ID, secret)
	if m.Mode == merchant.Sandbox && missing != "" {
		_, _ = fmt.Fprintf(p.out, "The seller lacks %s: invoices of its own can't be issued live until it is complete.\n", missing)
	}
	if m.Mode == merchant.Live {
		p.sayWhatComesNext(a)
	}
	return nil
}

// sayWhatComesNext leads from a live merchant to its first payment.
func (p *program) sayWhatComesNext(a *app.App) {
	_, _ = fmt.Fprintf(p.out, `
What comes next:
  1. Stripe tells Foyer what changed, at
       %s
     Register it as a webhook endpoint, once for this installation; .github/STRIPE.md has the command.
  2. Start foyer serve, then run foyer doctor: it checks keys, endpoint and secret, and says how to mend what is wrong.
  3. Store a card of your own through your frontend, buy something small, and refund it.
`, a.PublicURL+stripe.WebhookPath)
	if !a.Stripe.Live() {
		_, _ = fmt.Fprintln(p.out, "\nThe keys are Stripe's test keys: no real money moves, and only test cards work.")
	}
}

// sellerFile is the seller as a file gives it: the API's shape, with the logo as a path.
type sellerFile struct {
	LegalName          string           `json:"legal_name"`
	Address            merchant.Address `json:"address"`
	TaxID              string           `json:"tax_id"`
	RegistrationNumber string           `json:"registration_number"`
	Email              string           `json:"email"`
	Logo               string           `json:"logo"`
}

// maxLogo is the largest logo an invoice carries.
const maxLogo = 500 << 10

func readSeller(path string) (merchant.Seller, error) {
	file, err := os.Open(path)
	if err != nil {
		return merchant.Seller{}, err
	}
	defer func() { _ = file.Close() }()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	var read sellerFile
	if err := decoder.Decode(&read); err != nil {
		return merchant.Seller{}, fmt.Errorf("%s: %w", path, err)
	}
	seller := merchant.Seller{
		LegalName: read.LegalName, Address: read.Address, TaxID: read.TaxID, RegistrationNumber: read.RegistrationNumber, Email: read.Email,
	}
	if seller.Address.Country != "" && !seller.Address.Country.Valid() {
		return merchant.Seller{}, fmt.Errorf("%s: address.country %q is not an ISO 3166-1 alpha-2 code like DE", path, seller.Address.Country)
	}
	if read.Logo != "" {
		if seller.Logo, err = os.ReadFile(read.Logo); err != nil {
			return merchant.Seller{}, err
		}
		if len(seller.Logo) > maxLogo {
			return merchant.Seller{}, fmt.Errorf("%s is larger than %d KiB", read.Logo, maxLogo>>10)
		}
	}
	return seller, nil
}
