//go:build linux

package main

import (
	"strings"
	"testing"
	"time"
)

func TestWriteComparison_ComparesRunByRun(t *testing.T) {
	of := func(name string, rates ...float64) *setup {
		s := &setup{site: &site{process: &process{name: name}}}
		for _, rate := range rates {
			s.rounds = append(s.rounds, round{
				rate: rate, p50: time.Millisecond, p99: 2500 * time.Microsecond, cpu: 80 * time.Microsecond,
				allocations: 61, opened: 64,
			})
		}
		return s
	}
	var out strings.Builder
	// The machine was at half its speed in the second round, which is none of the setups' doing.
	if err := writeComparison(&out, []*setup{of("plain", 1000, 500, 1000), of("ours", 900, 450, 950)}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1000 (500–1000)    900 (450–950)", "0.90 (0.90–0.95)", "2.50 (2.50–2.50)",
		"80.0 (80.0–80.0)",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in the table:\n%s", want, out.String())
		}
	}
}
