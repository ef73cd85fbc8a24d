// The list of promises.
package eventlogtest

import (
	"testing"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// Partitions is how many partitions a Subject's log must have.
const Partitions = 4

// Unit is how much of a batch a log commits at once.
type Unit int

const (
	// WholeBatch: one batch is all or nothing (L2).
	WholeBatch Unit = iota
	// EachPartition: the records of one batch may be durable in one partition and
	// not in another, and Append says so by a PartialError.
	EachPartition
)

// Subject is one log under test.
type Subject struct {
	// Unit is what the log promises by L2.
	Unit Unit
	// Break makes the log refuse records for one partition until mend is called.
	// It is needed where the unit is the partition.
	Break func(t testing.TB, p event.Partition) (mend func())
	// Rounds is how many appends a test makes that looks for a rare moment. Zero
	// means 7,500; a log whose appends cross a network wants fewer.
	Rounds int
	// Open opens the log: a new one at the first call, later the same again.
	// The suite closes what it opens, except before Crash.
	Open func(t testing.TB) eventlog.Log
	// Crash leaves the open log behind and loses everything that was not
	// durable; the next Open gives what survived. Nil: the log does not claim
	// to survive, and the tests of survival are not part of its suite.
	Crash func(t testing.TB)
	// OpenFull opens a new log that has room for fewer than 1,000,000 payload
	// bytes. Nil: the log has no bound.
	OpenFull func(t testing.TB) eventlog.Log
}

// Run holds the logs that newSubject makes to the contract.
func Run(t *testing.T, newSubject func(t testing.TB) Subject) {
	promises := []struct {
		name string
		test func(t *testing.T, s Subject)
	}{
		{"EmptyLogIsAtOffsetZero", emptyLogIsAtOffsetZero},
		{"OffsetsStartAtZeroWithoutGaps", offsetsStartAtZeroWithoutGaps},
		{"OrderedWithinPartition", orderedWithinPartition},
		{"RefusedBatchLeavesNothing", refusedBatchLeavesNothing},
		{"AppendKeepsNoBuffers", appendKeepsNoBuffers},
		{"PayloadsBelongToTheReader", payloadsBelongToTheReader},
		{"ReadReturnsAtLeastOne", readReturnsAtLeastOne},
		{"ReadStopsAtMaxBytes", readStopsAtMaxBytes},
		{"ReadAtAndBeyondTheEndReturnsNothing", readAtAndBeyondTheEndReturnsNothing},
		{"ReadExtendsDst", readExtendsDst},
		{"ReadingRemovesNothing", readingRemovesNothing},
		{"PayloadsOfEverySizeComeBack", payloadsOfEverySizeComeBack},
		{"ConcurrentAppendersShareNoOffset", concurrentAppendersShareNoOffset},
		{"ConcurrentReadersSeePrefixes", concurrentReadersSeePrefixes},
		{"CountsRideWithRecords", countsRideWithRecords},
		{"CountsWithEqualKeysAddUp", countsWithEqualKeysAddUp},
		{"CountsOfAddUpOverDays", countsOfAddUpOverDays},
		{"CountsOfHoldWhatCanBeRead", countsOfHoldWhatCanBeRead},
		{"TruncateKeepsOffsets", truncateKeepsOffsets},
		{"TruncateIsIdempotent", truncateIsIdempotent},
		{"TruncateStopsAtTheEnd", truncateStopsAtTheEnd},
		{"TruncateLeavesCounts", truncateLeavesCounts},
		{"WaitReturnsAtOnceIfThereIsMore", waitReturnsAtOnceIfThereIsMore},
		{"WaitWakesOnAppend", waitWakesOnAppend},
		{"WaitEndsWithItsContext", waitEndsWithItsContext},
		{"WaitEndsWhenTheLogCloses", waitEndsWhenTheLogCloses},
		{"ClosedLogSaysSo", closedLogSaysSo},
		{"CancelledContextAppendsNothing", cancelledContextAppendsNothing},
		{"UnknownPartitionIsAnError", unknownPartitionIsAnError},
		{"MatchesModel", matchesModel},
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.test(t, newSubject(t)) })
	}
	runUnit(t, newSubject)
	runSurvival(t, newSubject)
	runBounds(t, newSubject)
}

// runUnit adds the promises of logs whose unit is the partition.
func runUnit(t *testing.T, newSubject func(t testing.TB) Subject) {
	if newSubject(t).Unit != EachPartition {
		return
	}
	promises := []struct {
		name string
		test func(t *testing.T, s Subject)
	}{
		{"PartialBatchSaysWhatIsDurable", partialBatchSaysWhatIsDurable},
		{"RestOfAPartialBatchCompletesIt", restOfAPartialBatchCompletesIt},
		{"CountsGoWithTheirPartition", countsGoWithTheirPartition},
		{"CountsGoWithTheirRecord", countsGoWithTheirRecord},
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.test(t, newSubject(t)) })
	}
}

// runSurvival adds the promises of logs that claim to survive.
func runSurvival(t *testing.T, newSubject func(t testing.TB) Subject) {
	if newSubject(t).Crash == nil {
		return
	}
	promises := []struct {
		name string
		test func(t *testing.T, s Subject)
	}{
		{"DurableBeforeAck", durableBeforeAck},
		{"ReadStopsAtDurableEnd", readStopsAtDurableEnd},
		{"EverythingSurvivesReopen", everythingSurvivesReopen},
		{"TruncateSurvivesReopen", truncateSurvivesReopen},
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.test(t, newSubject(t)) })
	}
}

// runBounds adds the promises of logs that have a bound.
func runBounds(t *testing.T, newSubject func(t testing.TB) Subject) {
	if newSubject(t).OpenFull == nil {
		return
	}
	promises := []struct {
		name string
		test func(t *testing.T, s Subject)
	}{
		{"FullLogSaysSo", fullLogSaysSo},
		{"FullLogTakesEssentialBatches", fullLogTakesEssentialBatches},
		{"FullLogTakesMoreAfterTruncate", fullLogTakesMoreAfterTruncate},
	}
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) { p.test(t, newSubject(t)) })
	}
}
