// No goroutine of a log outlives it, except inside a database that gave up.
package pebblelog

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if left := awaitNoGoroutines(); code == 0 && left != "" {
		fmt.Fprintln(os.Stderr, "goroutines are left behind:\n\n"+left)
		code = 1
	}
	os.Exit(code)
}

// awaitNoGoroutines gives goroutines time to end, and returns what is left.
func awaitNoGoroutines() string {
	deadline, again := time.NewTimer(10*time.Second), time.NewTicker(10*time.Millisecond)
	defer deadline.Stop()
	defer again.Stop()
	for {
		left := leftBehind()
		if left == "" {
			return ""
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return left
		}
	}
}

// leftBehind returns the stacks of goroutines of this package. Those that hang
// in a database that gave up are meant to; so is the finisher of such a one,
// which waits for its committer.
func leftBehind() string {
	buf := make([]byte, 32<<20)
	var left, finishers []string
	stuck := 0
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		switch has := func(name string) bool { return strings.Contains(stack, name) }; {
		case !has("/pebblelog.") || has("pebblelog.TestMain"):
		case has("pebblelog.(*Log).commitLoop") && has("pebble/v2."):
			stuck++
		case has("pebblelog.park") || has("pebblelog.(*Log).launch") || has("pebble/v2."):
		case has("pebblelog.(*Log).finishLoop") || has("pebblelog.(*Log).start"):
			finishers = append(finishers, stack)
		default:
			left = append(left, stack)
		}
	}
	if len(finishers) > stuck {
		left = append(left, finishers[stuck:]...)
	}
	return strings.Join(left, "\n\n")
}
