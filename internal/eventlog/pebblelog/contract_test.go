// pebblelog under the conformance suite, on a file system in memory that can
// crash.
package pebblelog

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/eventlog"
	"tidemark/internal/eventlog/eventlogtest"
)

// testConfig is small, so that tables are flushed and compacted in tests.
func testConfig() Config {
	cfg := DefaultConfig()
	cfg.Dir = "log"
	cfg.Partitions = eventlogtest.Partitions
	cfg.MemTableBytes = 256 << 10
	cfg.CacheBytes = 1 << 20
	return cfg
}

func mustOpen(t testing.TB, cfg Config, fs vfs.FS, bug plant) *Log {
	t.Helper()
	l, err := open(cfg, Deps{FS: fs}, bug)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return l
}

// crashable is a file system whose ReuseForWrite is made of other operations: that of MemFS takes
// the lock against CrashClone twice, which hangs if a CrashClone comes in between, and that of
// errorfs gives files whose operations it does not see.
type crashable struct{ vfs.FS }

func (fs crashable) ReuseForWrite(
	oldname, newname string, category vfs.DiskWriteCategory,
) (vfs.File, error) {
	if err := fs.Rename(oldname, newname); err != nil {
		return nil, err
	}
	return fs.OpenReadWrite(newname, category)
}

// subject is a log on a crashable file system, with a bug or without.
func subject(bug plant) eventlogtest.Subject {
	fs := vfs.NewCrashableMem()
	return eventlogtest.Subject{
		Open: func(t testing.TB) eventlog.Log {
			l := mustOpen(t, testConfig(), crashable{fs}, bug)
			t.Cleanup(func() { _ = l.Close() })
			return l
		},
		Crash: func(t testing.TB) {
			fs = fs.CrashClone(vfs.CrashCloneCfg{})
		},
		OpenFull: func(t testing.TB) eventlog.Log {
			cfg := testConfig()
			cfg.MaxBytes = 900_000
			return mustOpen(t, cfg, vfs.NewMem(), bug)
		},
	}
}

func TestPebblelogKeepsTheContract(t *testing.T) {
	eventlogtest.Run(t, func(testing.TB) eventlogtest.Subject { return subject(plantNothing) })
}
