// Package node is the contract of who is there: the nodes of an installation, by
// role and address, as a database or DNS knows them.
//
// A node is one running process. It registers under a lease, renews it about
// once a second, and deregisters when it stops. What is seen of all that is judged by
// each observer for itself, in package watch: leases that stand still end there, and
// health checks say who is worth a request. The database decides none of it.
//
// It is not a list of whom to trust, and not who owns what: that is package intent.
//
// Guarantees of a Registry:
//
//	N1  Each Register makes a new lease with a larger Incarnation than any before,
//	    and ends the one that had the id. Who renews an ended lease hears why: another
//	    process took the id (ErrReplaced), or the lease was evicted or never there
//	    (ErrEvicted).
//	N2  Renew changes the lease's Renewals. Nothing else does. There is no time in a
//	    lease: no clock of a node or of the database has a part in whether it lives.
//	N3  Evict ends a lease only if it has not been renewed since the evicter saw it.
//	N4  Leases returns all leases of one moment, by id, or an error. A database that
//	    does not answer is never an empty list.
//	N5  What a node holds (Backlogs) stays until that node releases it: neither the end of its lease
//	    nor a restart of the database takes it away.
//
// Concurrency: all methods may be called from any goroutine and any process. The
// suite in nodetest holds every adapter to this.
package node
