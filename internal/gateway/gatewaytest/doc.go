// Package gatewaytest owns the tests any payment gateway must pass, whoever moves the money behind it: charges once per key,
// decisions as results, doubts as errors.
//
// It plays Foyer, and through a Harness the customer. What only one gateway has (its routes, its test cards, its signatures)
// is that gateway's own to test.
package gatewaytest
