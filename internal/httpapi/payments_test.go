package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"foyer/internal/billing"
	"foyer/internal/foyer"
	"foyer/internal/foyertest"
	"foyer/internal/merchant"
)

func TestTotalsGrandTotalAndBalanceAreThreeThings(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		at := foyer.Micro(a.Clock.Now().Add(-time.Hour))
		p := a.Payment(t, customer, at, 10000, "EUR", "", func(p *billing.Payment) {
			p.Status = billing.PaymentPastDue
			p.Totals = billing.Totals{Subtotal: 10000, Discount: 1000, Tax: 1710, Total: 10710, Credit: 710, GrandTotal: 10000, Balance: 4000}
		})
		for _, path := range []string{"/v1/payments/" + string(p.ID), "/v1/payments"} {
			answer, prefix := c.Get(path).Must(http.StatusOK), ""
			if path == "/v1/payments" {
				prefix = "data.0."
			}
			for name, want := range map[string]float64{
				"subtotal": 10000, "discount": 1000, "tax": 1710, "total": 10710, "credit": 710, "grand_total": 10000, "balance": 4000, "refunded": 0,
			} {
				assert.InDelta(t, want, answer.At(prefix+"totals."+name+".amount"), 0, name)
			}
			assert.Equal(t, "€40.00", answer.Text(prefix+"totals.balance.display"))
			assert.Equal(t, "past_due", answer.Text(prefix+"status"))
			assert.Nil(t, answer.At(prefix+"invoice"), "an automatic payment has its invoice when it is completed")
		}
		list := c.Get("/v1/payments").At("data.0").(map[string]any)
		for _, left := range []string{"lines", "tax_rates", "attempts"} {
			assert.NotContains(t, list, left, "lists leave it out")
		}
	})
}

func TestAPaymentIsItemised(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		at := foyer.Micro(a.Clock.Now().Add(-time.Hour))
		terms := foyer.Cycle{Interval: foyer.Day, Frequency: 14}
		half := billing.LineTotals{Subtotal: 500, Discount: 100, Tax: 76, Total: 476}
		p := a.Payment(t, customer, at, 1000, "EUR", "AC-7", func(p *billing.Payment) {
			p.Origin, p.CollectionMode = billing.OriginUpdate, billing.CollectManual
			p.BillingDetails = &billing.Terms{PurchaseOrderNumber: "PO 7", PaymentTerms: &terms}
			p.BillingPeriod = &foyer.Period{Start: at, End: at.AddDate(0, 1, 0)}
			p.Lines = append(p.Lines, billing.Line{
				ID: billing.LineID(a.IDs(foyer.PrefixPaymentLine)), Name: "Seats, مقعد 🪑", Description: "added", Quantity: 3, UnitPrice: 333, TaxRate: "0.08875", Totals: half,
				Proration: &billing.Proration{Rate: "0.5", Period: foyer.Period{Start: at.AddDate(0, 0, 15), End: at.AddDate(0, 1, 0)}},
			})
			p.TaxRates = append(p.TaxRates, billing.TaxRateTotals{Rate: "0.08875", Totals: half})
		})
		a.Save(t, merchant.Merchant{ID: customer.Merchant}, billing.ImportBatch{Refunds: []billing.ImportedRefund{
			{Refund: billing.Refund{
				ID: billing.RefundID(a.IDs(foyer.PrefixRefund)), ExternalID: "adj_1", Action: billing.ActionRefund, Status: billing.RefundPending,
				Total: 119, Tax: 19, Reason: "broken", CreatedAt: at.Add(time.Minute), UpdatedAt: at,
			}, Customer: customer.ID, Payment: p.ID},
			{Refund: billing.Refund{
				ID: billing.RefundID(a.IDs(foyer.PrefixRefund)), ExternalID: "adj_2", Action: billing.ActionChargeback, Status: billing.RefundApproved,
				Total: 200, CreatedAt: at.Add(time.Hour), UpdatedAt: at,
			}, Customer: customer.ID, Payment: p.ID},
		}})
		answer := c.Get("/v1/payments/" + string(p.ID)).Must(http.StatusOK)
		assert.Equal(t, "Seats, مقعد 🪑", answer.Text("lines.1.name"))
		assert.Equal(t, "0.08875", answer.Text("lines.1.tax_rate"), "a rate is a fact and stays as it is written")
		assert.Equal(t, "0.08875", answer.Text("tax_rates.1.rate"))
		assert.Equal(t, "0.5", answer.Text("lines.1.proration.rate"))
		assert.Equal(t, at.AddDate(0, 1, 0).Format(time.RFC3339Nano), answer.Text("lines.1.proration.billing_period.ends_at"))
		assert.Nil(t, answer.At("lines.0.proration"))
		assert.InDelta(t, 3, answer.At("lines.1.quantity"), 0)
		assert.Equal(t, "€3.33", answer.Text("lines.1.unit_price.display"))
		assert.Equal(t, "PO 7", answer.Text("purchase_order_number"))
		assert.Equal(t, at.AddDate(0, 0, 14).Format(time.RFC3339Nano), answer.Text("due_at"))
		assert.Equal(t, "subscription_update", answer.Text("origin"))
		assert.Equal(t, []string{"chargeback", "refund"}, []string{answer.Text("refunds.0.action"), answer.Text("refunds.1.action")}, "newest first")
		assert.Equal(t, []string{"approved", "pending"}, []string{answer.Text("refunds.0.status"), answer.Text("refunds.1.status")})
		assert.Equal(t, "AC-7", answer.Text("invoice.number"))
		assert.NotContains(t, string(answer.Body), "sandbox", "nothing of the gateway")
	})
}

func TestEveryReasonAnAttemptFailsForIsToldInEnglishAndGerman(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		require.Len(t, billing.ErrorCodes, 19)
		at := foyer.Micro(a.Clock.Now().Add(-24 * time.Hour))
		p := a.Payment(t, customer, at, 1000, "EUR", "", func(p *billing.Payment) {
			p.Attempts = nil
			for i, code := range billing.ErrorCodes {
				p.Attempts = append(p.Attempts, billing.Attempt{
					ID: billing.AttemptID(a.IDs(foyer.PrefixAttempt)), Status: billing.AttemptFailed, ErrorCode: code, Amount: 1190, MethodType: "card",
					Card: &billing.Card{Brand: "visa", Last4: "3184", ExpiryMonth: 1, ExpiryYear: 2030}, CreatedAt: at.Add(time.Duration(i) * time.Minute),
				})
			}
		})
		english := c.Get("/v1/payments/" + string(p.ID)).Must(http.StatusOK)
		german := c.Get("/v1/payments/" + string(p.ID) + "?locale=de").Must(http.StatusOK)
		require.Equal(t, 19, english.Len("attempts"))
		texts := map[string]bool{}
		for i := range 19 {
			prefix := fmt.Sprintf("attempts.%d.", i)
			code := string(billing.ErrorCodes[18-i])
			assert.Equal(t, code, english.Text(prefix+"error_code"), "newest first")
			assert.Equal(t, code, german.Text(prefix+"error_code"))
			en, de := english.Text(prefix+"error_text"), german.Text(prefix+"error_text")
			assert.NotEqual(t, en, de, code)
			for _, text := range []string{en, de} {
				assert.NotContains(t, text, "attempt_error", code)
				assert.NotContains(t, text, "_", code)
				assert.False(t, texts[text], "%s has another's text", code)
				texts[text] = true
			}
			assert.Equal(t, "3184", english.Text(prefix+"payment_method.last4"))
		}
	})
}

func TestZeroValuePaymentsHaveNoInvoice(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		p := a.Payment(t, customer, a.Clock.Now().Add(-time.Hour), 0, "EUR", "", func(p *billing.Payment) { p.Origin = billing.OriginPaymentMethodChange })
		assert.Nil(t, c.Get("/v1/payments/"+string(p.ID)).Must(http.StatusOK).At("invoice"))
		assert.Empty(t, c.Get("/v1/invoices").Must(http.StatusOK).IDs())
		assert.Empty(t, c.Get("/v1/payments").Must(http.StatusOK).IDs())
		assert.Len(t, c.Get("/v1/payments?include_zero=true").Must(http.StatusOK).IDs(), 1)
	})
}

// paddleCurrencies are those of paddle.md §5, and BHD for its three decimals.
const paddleCurrencies = "USD EUR GBP JPY AUD CAD CHF HKD SGD SEK ARS BRL CNY COP CZK DKK HUF ILS INR KRW MXN NOK NZD PLN RUB THB TRY TWD UAH VND ZAR CLP PEN BHD"

// digits keeps the figures of an amount, Arabic ones as ASCII, with the decimal separator as a dot.
func digits(display string, decimals int) string {
	var figures []rune
	for _, r := range display {
		if r >= '٠' && r <= '٩' {
			r = '0' + r - '٠'
		}
		if r >= '0' && r <= '9' {
			figures = append(figures, r)
		}
	}
	if decimals > 0 && len(figures) > decimals {
		figures = append(figures[:len(figures)-decimals], append([]rune{'.'}, figures[len(figures)-decimals:]...)...)
	}
	return string(figures)
}

func TestEveryCurrencyIsShownWithItsOwnDecimals(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		currencies := strings.Fields(paddleCurrencies)
		require.Len(t, currencies, 34)
		none := map[string]bool{"JPY": true, "KRW": true, "CLP": true, "VND": true}
		ids := map[string]string{}
		for i, currency := range currencies {
			ids[currency] = string(a.Payment(t, customer, a.Clock.Now().Add(-time.Duration(i+1)*time.Hour), 1234567, foyer.Currency(currency), "N-"+currency).ID)
		}
		for _, locale := range []string{"en", "de", "ja", "ar"} {
			list := c.Get("/v1/payments?limit=100&locale=" + locale).Must(http.StatusOK)
			require.Equal(t, len(currencies), list.Len("data"))
			for i, currency := range currencies {
				prefix := fmt.Sprintf("data.%d.totals.subtotal.", i)
				want, decimals := "12345.67", 2
				switch {
				case none[currency]:
					want, decimals = "1234567", 0
				case currency == "BHD":
					want, decimals = "1234.567", 3
				}
				assert.InDelta(t, 1234567, list.At(prefix+"amount"), 0)
				assert.Equal(t, currency, list.Text(prefix+"currency"))
				assert.Equal(t, want, digits(list.Text(prefix+"display"), decimals), "%s in %s: %s", currency, locale, list.Text(prefix+"display"))
			}
		}
		for _, row := range []struct{ currency, locale, want string }{
			{"EUR", "en", "€12,345.67"},
			{"EUR", "de", "12.345,67 €"},
			{"JPY", "en", "¥1,234,567"},
			{"JPY", "de", "1.234.567 ¥"},
			{"JPY", "ja", "￥1,234,567"},
			{"KRW", "en", "₩1,234,567"},
			{"CLP", "en", "CLP 1,234,567"},
			{"BHD", "en", "BHD 1,234.567"},
			{"BHD", "de", "1.234,567 BHD"},
		} {
			shown := c.Get("/v1/payments/" + ids[row.currency] + "?locale=" + row.locale).Must(http.StatusOK).Text("totals.subtotal.display")
			assert.Equal(t, row.want, strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(shown), row.currency+" in "+row.locale)
		}
	})
}

func TestAmountsAreNeverRounded(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		for _, amount := range []int64{0, -1, 1<<31 - 1, 1 << 31, 1<<53 + 1, 1<<63 - 1, -1 << 63} {
			p := a.Payment(t, customer, a.Clock.Now().Add(-time.Hour), 100, "EUR", "", func(p *billing.Payment) { p.Totals.Balance = amount })
			body := string(c.Get("/v1/payments/" + string(p.ID)).Must(http.StatusOK).Body)
			assert.Contains(t, body, fmt.Sprintf(`"balance":{"amount":%d,`, amount))
		}
	})
}

func TestSubscriptionsAreListedInEveryStateWithTheirNextPayment(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		now := foyer.Micro(a.Clock.Now())
		later := now.AddDate(0, 0, 20)
		next := int64(1500)
		rows := []struct {
			name     string
			change   func(*billing.Subscription)
			nextWant any // amount of the next payment; nil: none
		}{
			{"active", nil, 2000},
			{"trialing", func(s *billing.Subscription) {
				s.Status, s.Trial = billing.SubscriptionTrialing, &foyer.Period{Start: now, End: later}
			}, 2000},
			{"past due", func(s *billing.Subscription) { s.Status = billing.SubscriptionPastDue }, 2000},
			{"paused", func(s *billing.Subscription) { s.Status, s.PausedAt = billing.SubscriptionPaused, &now }, nil},
			{"canceled", func(s *billing.Subscription) { s.Status, s.CanceledAt = billing.SubscriptionCanceled, &now }, nil},
			{"cancel scheduled", func(s *billing.Subscription) {
				s.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleCancel, EffectiveAt: later}
			}, nil},
			{"pause scheduled", func(s *billing.Subscription) {
				s.ScheduledChange = &billing.ScheduledChange{Action: billing.SchedulePause, EffectiveAt: later, ResumeAt: &later}
			}, nil},
			{"change scheduled", func(s *billing.Subscription) {
				s.NextTotal = &next
				s.ScheduledChange = &billing.ScheduledChange{Action: billing.ScheduleChange, EffectiveAt: later}
			}, 1500},
			{"amounts unknown", func(s *billing.Subscription) { s.AmountsUnknown = true }, "unknown"},
			{"never billed again", func(s *billing.Subscription) { s.NextBilledAt = nil }, nil},
		}
		for _, row := range rows {
			s := a.Subscription(t, customer, func(s *billing.Subscription) {
				s.NextBilledAt = &later
				if row.change != nil {
					row.change(s)
				}
			})
			answer := c.Get("/v1/subscriptions/" + string(s.ID)).Must(http.StatusOK)
			switch want := row.nextWant.(type) {
			case nil:
				assert.Nil(t, answer.At("next_payment"), row.name)
			case string:
				assert.NotNil(t, answer.At("next_payment"), row.name)
				assert.Nil(t, answer.At("next_payment.total"), row.name)
				assert.Nil(t, answer.At("recurring_total"), row.name)
				assert.Nil(t, answer.At("items.0.unit_price"), row.name)
			case int:
				assert.InDelta(t, want, answer.At("next_payment.total.amount"), 0, row.name)
				assert.Equal(t, later.Format(time.RFC3339Nano), answer.Text("next_payment.at"), row.name)
			}
			if s.ScheduledChange != nil {
				assert.Equal(t, string(s.ScheduledChange.Action), answer.Text("scheduled_change.action"))
			}
			german := c.Get("/v1/subscriptions/" + string(s.ID) + "?locale=de").Must(http.StatusOK)
			for _, action := range []string{"cancel", "pause", "resume", "change", "keep", "update_payment_method"} {
				en, de := answer.Text("actions."+action+".text"), german.Text("actions."+action+".text")
				assert.NotContains(t, en, "action_reason", row.name)
				assert.NotEqual(t, en, de, "%s %s", row.name, action)
			}
		}
		list := c.Get("/v1/subscriptions?limit=100").Must(http.StatusOK)
		assert.Equal(t, len(rows), list.Len("data"), "canceled ones too")
		assert.Equal(t, 1, c.Get("/v1/subscriptions?status=canceled").Must(http.StatusOK).Len("data"))
		assert.Equal(t, 2, c.Get("/v1/subscriptions?status=canceled,paused").Must(http.StatusOK).Len("data"))
		c.Get("/v1/subscriptions?status=ended").Refused(http.StatusBadRequest, "query.invalid")
		for _, page := range pages(t, c, "/v1/subscriptions?limit=3&status=active") {
			assert.NotEmpty(t, page)
		}
	})
}

func TestPaymentMethodsSayWhatTheyAreWorth(t *testing.T) {
	t.Parallel()
	foyertest.Each(t, func(t *testing.T, a *foyertest.App) {
		c, customer := mia(t, a)
		now := a.Clock.Now().UTC()
		last := now.AddDate(0, -1, -now.Day()+1)
		for status, expires := range map[string]time.Time{"valid": now.AddDate(2, 0, 0), "expired": last} {
			m := a.PaymentMethod(t, customer, func(m *billing.PaymentMethod) {
				m.Card.ExpiryMonth, m.Card.ExpiryYear = int(expires.Month()), expires.Year()
			})
			used := a.Subscription(t, customer, func(s *billing.Subscription) { s.PaymentMethod = m.ID })
			a.Subscription(t, customer, func(s *billing.Subscription) { s.PaymentMethod, s.Status = m.ID, billing.SubscriptionCanceled })
			answer := c.Get("/v1/payment-methods/" + string(m.ID)).Must(http.StatusOK)
			assert.Equal(t, status, answer.Text("status"))
			assert.Equal(t, []any{string(used.ID)}, answer.At("used_by"), "canceled subscriptions don't count")
			assert.NotContains(t, string(answer.Body), "gateway", "nothing of the gateway is shown")
		}
	})
}
