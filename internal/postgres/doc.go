// Package postgres is what all adapters on PostgreSQL need alike: a pool of
// connections, schema upgrades, calls that end in bounded time, and repeats where
// they are safe.
//
// It knows no table. Each adapter opens a pool of its own, so that a flood of
// logins cannot keep a node from renewing its lease.
//
// Guarantees:
//
//	PG1  Each call ends within Config.CallTimeout, also when the server is
//	     frozen, unreachable or holds a lock for ever. The error is then ErrAway.
//	PG2  A transaction is repeated only if it surely did not commit (deadlock,
//	     serialization failure, connection lost before the commit was sent), or if
//	     the caller said that twice is as good as once. Otherwise a connection
//	     that is lost during the commit is ErrUnknown: it may have happened.
//	PG3  What a call acknowledged is on the server's disk, also if the server's
//	     own default would not wait for it (synchronous_commit).
//	PG4  A transaction that its client has left open is ended by the server after
//	     CallTimeout, so that a frozen node holds no lock for longer.
//	PG5  Programs that start together upgrade a schema once, and a program does
//	     not work on a schema that is newer than it knows.
//
// Connections are made by need and again after they were lost: nobody has to
// reopen a DB after the server came back. Settings are sent when a connection
// begins, so a pooler in between must pool sessions, not transactions.
//
// Concurrency: all methods may be called from any goroutine. Start reading at
// DB.Ask and DB.Change.
package postgres
