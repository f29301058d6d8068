// Package foyertest is for tests only: the whole app, as it is shipped, on a fresh database with a clock that can be
// moved, mails that can be read, and a client that checks every answer against openapi.yaml.
//
// A test says which database it runs on with Each or New. It never reaches behind HTTP for what HTTP can show.
package foyertest
