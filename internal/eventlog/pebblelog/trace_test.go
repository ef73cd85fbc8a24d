// The file operations of a log as text, so that durability can be reviewed by
// reading testdata/trace. Run with -rewrite and read the diff.
//
//	open | append RECORDS | truncate PARTITION BEFORE | close
package pebblelog

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tidemark/internal/event"
	"tidemark/internal/eventlog"
)

// noise are operations that change nothing that must last, or whose moment is
// not fixed: Pebble removes old files in the background.
var noise = regexp.MustCompile(`^(lock|prefetch|remove|read-at|open|open-dir|close)\b.*: `)

func TestTrace(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	fs := vfs.WithLogging(vfs.NewCrashableMem(), func(format string, args ...any) {
		line := fmt.Sprintf(format, args...)
		if noise.MatchString(line) {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	})
	var l *Log
	datadriven.RunTest(t, "testdata/trace", func(t *testing.T, d *datadriven.TestData) string {
		switch d.Cmd {
		case "open":
			l = mustOpen(t, testConfig(), fs, plantNothing)
		case "append":
			b := &eventlog.Batch{}
			for _, text := range d.CmdArgs {
				b.Records = append(b.Records, eventlog.Record{Payload: []byte(text.Key)})
			}
			if err := l.Append(t.Context(), b); err != nil {
				return err.Error()
			}
		case "truncate":
			var p, before int
			d.ScanArgs(t, "partition", &p)
			d.ScanArgs(t, "before", &before)
			if err := l.Truncate(t.Context(), event.Partition(p), event.Offset(before)); err != nil {
				return err.Error()
			}
		case "close":
			if err := l.Close(); err != nil {
				return err.Error()
			}
		default:
			t.Fatalf("unknown command %s", d.Cmd)
		}
		mu.Lock()
		defer mu.Unlock()
		out := strings.Join(lines, "\n") + "\n"
		lines = lines[:0]
		return out
	})
}
