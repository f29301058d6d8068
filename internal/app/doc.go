// Package app fits the parts together, by plain constructor calls, into the program that cmd/foyer runs and that tests
// start: the same struct in both, so that a test exercises what is shipped.
//
// It alone imports every package. It decides nothing and reads no environment; cmd/foyer does.
package app
