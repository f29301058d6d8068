// Package store keeps everything: rows, transactions, migrations, on SQLite (embedded, the default) and PostgreSQL. It
// implements the Store interface of every feature and is the one place where SQL and driver errors are known.
//
// Tenancy has two walls. Methods that touch a customer's or a merchant's rows take the scope and can't be called without
// it; behind them the guard (guard.go) refuses any statement on a tenant's table that does not compare merchant_id.
// What starts from a secret or sweeps over all merchants says so with acrossMerchants.
//
// Isolation is READ COMMITTED on PostgreSQL and serial on SQLite (BEGIN IMMEDIATE). What must happen once is decided by
// a guarded update and its row count, which holds on both.
//
// It holds no rules: what may change when is decided by the features.
package store
