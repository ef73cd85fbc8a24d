// No goroutine of a collector, ticker or directory outlives it.
package collect

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
		var left []string
		buf := make([]byte, 8<<20)
		for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
			if strings.Contains(stack, "/collect.") && !strings.Contains(stack, "collect.TestMain") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return ""
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return strings.Join(left, "\n\n")
		}
	}
}
