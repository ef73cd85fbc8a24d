// Package watch is the observer's side of package node: what a process concludes
// from leases, DNS and health checks, and how it keeps its own lease.
//
//   - Living takes leases that stand still out of what a registry lists.
//   - Watcher asks a source (Living, or DNS) again and again, checks each node's
//     health, and shows a node.View.
//   - Keeper registers a node and renews its lease.
//
// Guarantees:
//
//	W1  No wall clock has a part in it: not that of a node, of the database, or of
//	    the observer. A lease ages only by what the observer's monotonic clock says
//	    passed between two answers of the database, and only if meanwhile some other
//	    lease moved. A jump of any clock, a frozen observer, a database that takes no
//	    writes: all of that ages nobody.
//	W2  While the source does not answer, the last view holds: nobody appears, and
//	    nobody goes. Health checks go on.
//	W3  A node that is killed is not routable within 2 s: a refused connection tells at
//	    once, anything else at the second failed check. The checks of one node do not
//	    wait for another's, nor for the source.
//	W4  A node becomes routable by a good check, never by its lease alone.
//
// Intervals of less than a second would make a busy machine look dead. Views of
// two observers may differ for some seconds: what must not happen twice is decided by
// package intent, not by a view.
//
// Concurrency: View and Changed may be called from any goroutine; Run is called
// once. Start reading at Watcher.
package watch
