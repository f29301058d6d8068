// Package postgres gives a test an empty PostgreSQL database of its own.
//
// The server is the one of FOYER_TEST_DATABASE_URL (PostgreSQL 14 or newer, a role that may create databases). Without that
// variable it is one started from the machine's own PostgreSQL programs, once per test binary and only when a test
// asks for it:
//
//	looked for in    pg_config --bindir, /usr/lib/postgresql/*/bin (newest first), PATH
//	lives in         a temporary folder, in memory (/dev/shm) where 4 GiB are free there, and listens on a free port of
//	                 127.0.0.1, with a random password
//	runs as          postgres or nobody when the tests run as root, because initdb refuses root
//	ends             with the test binary, also when that is killed: a watchdog waits for the end of a pipe that
//	                 only the test binary holds, stops the server and removes the folder
//
// A package that uses it says so once, which makes the end orderly:
//
//	func TestMain(m *testing.M) { os.Exit(postgres.Main(m)) }
//
// Without a server the test is skipped, saying what to install, and fails where FOYER_REQUIRE_TOOLS=1. A server that
// is there and doesn't start, or doesn't answer, is always a failure.
//
// The package knows no schema: the caller's prepare function makes that (OpenTemplate).
package postgres
