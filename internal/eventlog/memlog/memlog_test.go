// The conformance suite on the log in memory.
package memlog_test

import (
	"testing"

	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
	"tidemark/internal/eventlog/memlog"
)

func TestMemlogKeepsTheContract(t *testing.T) {
	eventlogtest.Run(t, func(t testing.TB) eventlogtest.Subject {
		return eventlogtest.Subject{
			Open: func(testing.TB) eventlog.Log {
				return memlog.New(memlog.Config{Partitions: eventlogtest.Partitions})
			},
			OpenFull: func(testing.TB) eventlog.Log {
				return memlog.New(memlog.Config{Partitions: eventlogtest.Partitions, MaxBytes: 500_000})
			},
		}
	})
}
