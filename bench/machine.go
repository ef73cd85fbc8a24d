// Machine: what the kernel says about this machine and about processes. Linux
// only.
package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// busyLoad is the load from which on results are marked as disturbed.
const busyLoad = 1.5

// ticksPerSecond is the unit of /proc/pid/stat on Linux.
const ticksPerSecond = 100

// cpuOf returns the processor time that a process has used.
func cpuOf(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read processor time: %w", err)
	}
	// The name may hold spaces and parentheses; the numbers follow the last one.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	const user, system = 11, 12
	var ticks int64
	for _, i := range []int{user, system} {
		n, err := strconv.ParseInt(string(fields[i]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// cpuBelow returns the processor time of the processes of a program that descend from pid.
func cpuBelow(pid int, program string) (sum time.Duration, err error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, fmt.Errorf("list processes: %w", err)
	}
	parents, names := map[int]int{}, map[int]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		id, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err != nil {
			return 0, fmt.Errorf("list processes: %w", err)
		}
		open, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
		fields := bytes.Fields(text[end+1:])
		if parents[id], err = strconv.Atoi(string(fields[1])); err != nil {
			return 0, fmt.Errorf("list processes: %w", err)
		}
		names[id] = string(text[open+1 : end])
	}
	for id, name := range names {
		of := parents[id]
		for of != pid && of > 1 {
			of = parents[of]
		}
		if name != program || of != pid {
			continue
		}
		cpu, err := cpuOf(id)
		if err != nil {
			continue // it has ended
		}
		sum += cpu
	}
	return sum, nil
}

// ownCPU returns the processor time of this process: the load generator.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memoryOf returns resident memory now and at its highest, in bytes.
func memoryOf(pid int) (now, peak float64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, fmt.Errorf("read memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		for key, to := range map[string]*float64{"VmRSS:": &now, "VmHWM:": &peak} {
			if rest, ok := strings.CutPrefix(line, key); ok {
				kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
				if err != nil {
					return 0, 0, fmt.Errorf("read memory: %w", err)
				}
				*to = kib * 1024
			}
		}
	}
	return now, peak, nil
}

// machineFacts describes the machine class and the code, for RESULTS.md.
func machineFacts(root string) []string {
	facts := []string{fmt.Sprintf("machine: %d shared cores, %s memory, %s/%s, %s",
		runtime.NumCPU(), memoryTotal(), runtime.GOOS, runtime.GOARCH, runtime.Version())}
	cmd := exec.Command("git", "describe", "--always", "--dirty", "--abbrev=12")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil {
		facts = append(facts, "commit: "+strings.TrimSpace(string(out)))
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		fields := strings.Fields(string(load))
		facts = append(facts, "load of the machine before the run: "+strings.Join(fields[:2], ", ")+" (1 and 5 minutes)")
		if recent, err := strconv.ParseFloat(fields[0], 64); err == nil && recent > busyLoad {
			facts = append(facts, "**the machine was busy with other work**: rates are too low, and so are ratios of what needs "+
				"the disk or several threads; measure again at rest")
		}
	}
	return facts
}

func memoryTotal() string {
	var info syscall.Sysinfo_t
	if err := syscall.Sysinfo(&info); err != nil {
		return "unknown"
	}
	return fmt.Sprintf("%.0f GiB", float64(info.Totalram)*float64(info.Unit)/(1<<30))
}
