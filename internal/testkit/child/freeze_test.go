// Freeze returns when nothing moves any more.
package child_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"tidemark/internal/testkit/child"
)

// TestMain is the program that is frozen, when it is told to: it answers each line.
func TestMain(m *testing.M) {
	if os.Getenv("TIDEMARK_TEST_ECHO") == "" {
		os.Exit(m.Run())
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		fmt.Println(in.Text())
	}
}

func TestFrozenProcessDoesNothingUntilItIsThawed(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TIDEMARK_TEST_ECHO=1")
	child.BindLife(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = cmd.Wait() }()
	answers := bufio.NewScanner(out)
	ask := func(line string) {
		t.Helper()
		if _, err := fmt.Fprintln(in, line); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(line string) {
		t.Helper()
		if !answers.Scan() || answers.Text() != line {
			t.Fatalf("heard %q, want %q", answers.Text(), line)
		}
	}
	ask("hello")
	hear("hello")
	for range 20 {
		if err := child.Freeze(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
		for _, letter := range states(t, cmd.Process.Pid) {
			if letter != "T" {
				t.Fatalf("a thread is in state %s after Freeze", letter)
			}
		}
		ask("still there")
		if err := child.Thaw(cmd.Process.Pid); err != nil {
			t.Fatal(err)
		}
		hear("still there")
	}
}

func TestFreezeOfNobodyReturns(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if err := child.Freeze(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if err := child.Thaw(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
}

// states returns the state of each thread.
func states(t *testing.T, pid int) (out []string) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/task", pid)
	threads, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(dir + "/" + thread.Name() + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')'):]))
		out = append(out, fields[1])
	}
	return out
}
