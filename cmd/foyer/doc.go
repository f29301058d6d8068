// Command foyer runs the customer portal: its API and workers, and the commands of whoever runs it.
//
// It reads flags and environment, and decides nothing: internal/app fits the parts together.
package main
