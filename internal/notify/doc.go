// Package notify owns telling people: mails, one template source for all languages with the texts in i18n, and the senders
// that carry them; and the customer's activity, what happened in plain words.
//
// Billing mails share one template; what each kind says is composed by a function of its own (billing_letter.go lists them).
//
// A mail is made and sent by a job, never on a request's path. Making it again gives the same mail (same id, same links),
// so that a job that runs twice sends no second, different one.
//
// It does not decide when somebody is told; the feature enqueues the job in the transaction of what happened.
package notify
