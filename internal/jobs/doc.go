// Package jobs owns the queue of what happens after an answer: River, its workers and the periodic list.
//
// A job is enqueued in the caller's transaction, so it exists exactly when what it follows from does. Arguments hold ids
// only, never a secret or personal data. A job runs at least once: what it does must bear a second run.
//
// It does not know what a job does; the features do.
package jobs
