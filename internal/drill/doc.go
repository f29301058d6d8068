// Package drill kills Foyer while it moves money. It holds tests only: they start real processes (workers, and a gateway with
// a ledger of its own), kill -9 them again and again, and compare what the gateway says it charged with what is booked.
//
// `go test ./...` runs a small one. The whole one, 10,000 renewals and 50 kills:
//
//	go test ./internal/drill -run Kill -count=1 -v -renewals 10000 -kills 50
//
// and how fast it is, with a gateway that answers in 5 ms and nobody killed:
//
//	go test ./internal/drill -run Speed -count=1 -v -renewals 10000
//
// Webhooks are drilled too: 10,000 events, a receiver that fails and hangs, a healthy one beside it, and 20 kills of the workers:
//
//	go test ./internal/drill -run Webhook -count=1 -v -events 10000 -eventkills 20
package drill
