//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which /proc counts processor time: 1/100 s on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpuTime returns the processor time that a process has used, of its own and the kernel's for it.
func cpuTime(pid int) (time.Duration, error) {
	stat, err := readProc(pid, "stat")
	if err != nil {
		return 0, err
	}
	return parseCPUTime(stat)
}

// parseCPUTime reads /proc/<pid>/stat: utime and stime are its fields 14 and 15. The second is the program's name in
// parentheses, with any character in it.
func parseCPUTime(stat string) (time.Duration, error) {
	const utime, stime = 14 - 3, 15 - 3 // counted from 0, behind the name
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) <= stime {
		return 0, fmt.Errorf("/proc/<pid>/stat has an unknown form: %q", stat)
	}
	var ticks int64
	for _, field := range fields[utime : stime+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("/proc/<pid>/stat has an unknown form: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// residentMemory returns how many bytes of a process are in memory.
func residentMemory(pid int) (int64, error) {
	statm, err := readProc(pid, "statm")
	if err != nil {
		return 0, err
	}
	return parseResident(statm, os.Getpagesize())
}

// parseResident reads /proc/<pid>/statm, whose second field counts the pages in memory.
func parseResident(statm string, pageSize int) (int64, error) {
	fields := strings.Fields(statm)
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/<pid>/statm has an unknown form: %q", statm)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("/proc/<pid>/statm has an unknown form: %w", err)
	}
	return pages * int64(pageSize), nil
}

// openFiles returns how many file descriptors a process has open.
func openFiles(pid int) (int, error) {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0, fmt.Errorf("counting open files: %w", err)
	}
	return len(entries), nil
}

func readProc(pid int, name string) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err != nil {
		return "", fmt.Errorf("reading what a process uses: %w", err)
	}
	return string(text), nil
}
