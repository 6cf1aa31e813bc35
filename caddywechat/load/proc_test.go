//go:build linux

package main

import (
	"os"
	"testing"
	"time"
)

func TestParseCPUTime_ReadsTheFieldsBehindTheName(t *testing.T) {
	const numbers = " S 1 2 3 0 -1 4194560 5 6 7 8 1234 66 9 10 20 0 12 0 99 1000 200"
	for _, name := range []string{"(caddywechat)", "(a b)", "(x) 1 2 3)"} {
		got, err := parseCPUTime("77 " + name + numbers)
		if err != nil || got != 13*time.Second {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	for _, stat := range []string{"", "77 (x) S 1 2", "77 (x) S 1 2 3 0 -1 4194560 5 6 7 8 many 66 9"} {
		if got, err := parseCPUTime(stat); err == nil {
			t.Errorf("%q: %s", stat, got)
		}
	}
}

func TestParseResident_CountsPages(t *testing.T) {
	if got, err := parseResident("5000 1200 300 1 0 900 0\n", 4096); err != nil || got != 1200*4096 {
		t.Errorf("%d, %v", got, err)
	}
	for _, statm := range []string{"", "5000", "5000 many"} {
		if got, err := parseResident(statm, 4096); err == nil {
			t.Errorf("%q: %d", statm, got)
		}
	}
}

func TestProc_KnowsThisProcess(t *testing.T) {
	if _, err := cpuTime(os.Getpid()); err != nil {
		t.Error(err)
	}
	if n, err := residentMemory(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("%d bytes in memory, %v", n, err)
	}
	if n, err := openFiles(os.Getpid()); err != nil || n < 3 {
		t.Errorf("%d open files, %v", n, err)
	}
}
