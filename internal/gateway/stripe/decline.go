package stripe

import (
	"errors"
	"net/http"

	sdk "github.com/stripe/stripe-go/v85"

	"foyer/internal/billing"
)

// reasons are Stripe's decline codes (docs.stripe.com/declines/codes) and error codes in our words. What is not listed is a decline
// without a reason. A customer is never told that a card was reported stolen or a payment taken for fraud: the texts of those codes
// don't say it, because whoever holds the card may be the thief.
var reasons = map[string]billing.ErrorCode{
	"authentication_required":                    "authentication_failed",
	"authentication_not_handled":                 "authentication_failed",
	"offline_pin_required":                       "authentication_failed",
	"online_or_offline_pin_required":             "authentication_failed",
	"payment_intent_authentication_failure":      "authentication_failed",
	"setup_intent_authentication_failure":        "authentication_failed",
	"insufficient_funds":                         "not_enough_balance",
	"withdrawal_count_limit_exceeded":            "not_enough_balance",
	"card_velocity_exceeded":                     "not_enough_balance",
	"charge_exceeds_source_limit":                "not_enough_balance",
	"expired_card":                               "expired_card",
	"stolen_card":                                "blocked_card",
	"lost_card":                                  "blocked_card",
	"pickup_card":                                "blocked_card",
	"restricted_card":                            "blocked_card",
	"bank_account_restricted":                    "blocked_card",
	"pin_try_exceeded":                           "blocked_card",
	"fraudulent":                                 "fraud",
	"merchant_blacklist":                         "fraud",
	"highest_risk_level":                         "fraud",
	"security_violation":                         "fraud",
	"do_not_try_again":                           "declined_not_retryable",
	"revocation_of_all_authorizations":           "declined_not_retryable",
	"revocation_of_authorization":                "declined_not_retryable",
	"stop_payment_order":                         "declined_not_retryable",
	"debit_not_authorized":                       "declined_not_retryable",
	"account_closed":                             "declined_not_retryable",
	"recipient_deceased":                         "declined_not_retryable",
	"payment_intent_mandate_invalid":             "declined_not_retryable",
	"incorrect_number":                           "invalid_payment_details",
	"invalid_number":                             "invalid_payment_details",
	"incorrect_cvc":                              "invalid_payment_details",
	"invalid_cvc":                                "invalid_payment_details",
	"incorrect_zip":                              "invalid_payment_details",
	"incorrect_address":                          "invalid_payment_details",
	"incorrect_pin":                              "invalid_payment_details",
	"invalid_pin":                                "invalid_payment_details",
	"invalid_expiry_month":                       "invalid_payment_details",
	"invalid_expiry_year":                        "invalid_payment_details",
	"invalid_account":                            "invalid_payment_details",
	"new_account_information_available":          "invalid_payment_details",
	"no_account":                                 "invalid_payment_details",
	"bank_account_unusable":                      "invalid_payment_details",
	"card_not_supported":                         "transaction_not_permitted",
	"currency_not_supported":                     "transaction_not_permitted",
	"payment_method_currency_mismatch":           "transaction_not_permitted",
	"transaction_not_allowed":                    "transaction_not_permitted",
	"service_not_allowed":                        "transaction_not_permitted",
	"not_permitted":                              "transaction_not_permitted",
	"testmode_decline":                           "transaction_not_permitted",
	"live_mode_test_card":                        "transaction_not_permitted",
	"invalid_amount":                             "invalid_amount",
	"amount_too_small":                           "invalid_amount",
	"amount_too_large":                           "invalid_amount",
	"issuer_not_available":                       "issuer_unavailable",
	"reenter_transaction":                        "issuer_unavailable",
	"try_again_later":                            "issuer_unavailable",
	"approve_with_id":                            "issuer_unavailable",
	"payment_method_provider_timeout":            "issuer_unavailable",
	"payment_method_not_available":               "issuer_unavailable",
	"processing_error":                           "psp_error",
	"generic_could_not_process":                  "psp_error",
	"payment_intent_payment_attempt_expired":     "canceled",
	"payment_method_customer_decline":            "canceled",
	"invalid_card_type":                          "preferred_network_not_supported",
	"charge_already_refunded":                    "already_refunded",
	"charge_disputed":                            "transaction_not_permitted",
	"payment_method_unactivated":                 "invalid_payment_details",
	"payment_intent_incompatible_payment_method": "transaction_not_permitted",
}

// reason is the first of Stripe's words that says something; the decline code says more than the error code.
func reason(words ...string) billing.ErrorCode {
	for _, word := range words {
		if code, known := reasons[word]; known {
			return code
		}
	}
	return "declined"
}

func reasonOf(e *sdk.Error) billing.ErrorCode {
	return reason(string(e.DeclineCode), string(e.Code))
}

// refusalOf is Stripe's own refusal of a request, which certainly did nothing; nil for anything else: a limit, an outage, a wrong key,
// a connection that broke. What it did then nobody knows.
func refusalOf(err error) *sdk.Error {
	var e *sdk.Error
	if !errors.As(err, &e) {
		return nil
	}
	switch e.HTTPStatusCode {
	case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusNotFound:
		if e.Type == sdk.ErrorTypeCard || e.Type == sdk.ErrorTypeInvalidRequest {
			return e
		}
	}
	return nil
}
