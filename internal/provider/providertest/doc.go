// Package providertest is the suite every billing provider must pass: what a customer can rely on, whoever owns their
// subscriptions. It owns no provider, and asks only what billing.Provider and its optional powers promise.
package providertest
