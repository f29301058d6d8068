// Package webhook tells merchants' systems what happened: webhook endpoints, their secrets, and deliveries with their tries.
//
// An endpoint is where a merchant listens:
//
//	enabled ⇄ disabled     by the merchant; by itself after a 410 ("gone") or days of nothing but failures ("failing")
//	   └──────┴→ archived  its secrets are forgotten, it can't come back
//
// A delivery is one event for one endpoint, written in the transaction of the event:
//
//	pending → succeeded    a 2xx, nothing else
//	   ↑   └→ failed       the schedule is used up, or the endpoint answered 410, or is disabled when it falls due
//	   └─ redelivered ┘
//
// What is pending has a due time, and that is all the queue there is: a worker claims what is due by moving the due time to
// the end of a lease, sends, and writes down what came of it. A worker that dies leaves a lease that runs out. So everything
// is delivered at least once, always under the event's id.
//
// Merchants choose the addresses, so a request is an attack until shown otherwise (threats #45–#50): where it may go is decided
// when it is dialed, after the name was resolved; nothing is followed, reused or kept of the answer but its status.
//
// It does not own the events or how they look (the store renders them), mails (notify) or rows.
package webhook
