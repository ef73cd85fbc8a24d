// The list of promises.
package eventlogtest

import (
	"testing"

	"tidemark/internal/eventlog"
)

// Partitions is how many partitions a Subject's log must have.
const Partitions = 4

// Subject is one log under test.
type Subject struct {
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
		{"AtomicBatch", atomicBatch},
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
	runSurvival(t, newSubject)
	runBounds(t, newSubject)
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
