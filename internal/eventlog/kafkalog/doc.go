// Package kafkalog keeps the event log in topics of an Apache Kafka cluster.
//
// It is not a processor: it knows records, offsets and counts, and nothing of
// what is in a payload. It uses no Kafka transactions: what reads the log is
// made exactly-once by event keys and by the state's own commit (S7, S26).
//
// How it works: Append cuts a batch into its partitions (cut.go) and hands each
// part to one idempotent producer (append.go). Acknowledged records, and those
// that the follower fetches (follow.go), move the ends of the partitions
// (slot.go). Readers are served from the tail in memory, or by fetching from the
// leader (read.go).
//
// What the contract means here:
//
//	L1, L4  Durable is: held by min.insync.replicas in-sync replicas, and below
//	        the high watermark. That is replication, not fsync: records survive
//	        the loss of all but one in-sync replica, not of all at once. With a
//	        replication factor of 1 they survive the process, not the disk.
//	L2      The unit is the partition: each takes a first part of its records.
//	        Append tells by a PartialError what is durable. Brokers that do not
//	        answer make the outcome unknown, for the producer goes on trying.
//	L3      Kafka's offsets are ours, plus the base of the partition (base.go). A gap can only come from transactions or
//	        compaction, and is ErrCorrupt.
//	L5      Adjacent as far as one process appends, and the records of an Append
//	        fit into one of Kafka's batches; in order always.
//	L6      Counts ride in a header of the record that they count, or of the first
//	        record of their partition, so they are durable with it and before
//	        those behind it. Counts of a batch without records are records of the
//	        topic ".counts".
//	L7      Kafka's checksum covers batches, ours each record and its partition.
//
// Invariants:
//
//	K1  Only records whose acknowledgement or whose fetch by a consumer says that
//	    they are below the high watermark move an end.
//	K2  slot.sending is held while the records of one Append are handed over.
//	K3  The counts of a record are in the sums before the end moves over it, both
//	    under slot.mu.
//	K4  Records are deleted only below where sums are saved (truncate.go), and a
//	    saved sum says through which offset it counts (save.go).
//	K5  A record that was handed over is never taken back: those behind it would
//	    overtake it. A caller that gives up leaves it to the producer, and while
//	    there is such a record, its partition takes no others (ErrFull).
//	K6  Sums of a partition are saved by the process that owns it (Deps.Saves). Two that
//	    do for a moment, while it changes hands, do no harm: each sum says through which offset it
//	    counts, so the mark may go back with no event counted twice.
//
// Limits, stated: sums of all days are in memory, some 100 bytes for each
// partition, property, day and reason. A process that reads follows all
// partitions.
//
// Concurrency: all methods of Log may be called from any goroutine. slot.mu is
// taken before sums.mu; slot.reading before slot.mu.
//
// Start reading at Log in log.go, then append.go, slot.go, follow.go, read.go.
// docs/format/kafka.md has the bytes, docs/design/0011-kafka-as-the-event-log.md
// the reasons.
package kafkalog
