//go:build linux

package main

import (
	"strings"
	"testing"
	"time"
)

// report is what wrk prints, with its latencies and its failures.
func report(p50, p99, failures string) string {
	return `Running 5s test @ http://127.0.0.1:40001/
  2 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.83ms    1.40ms  10.42ms   70.12%
    Req/Sec   516.45     58.34     1.21k    75.00%
  Latency Distribution
     50%    ` + p50 + `
     75%    4.64ms
     90%    5.67ms
     99%    ` + p99 + `
  51399 requests in 5.02s, 7.11MB read
` + failures + `Requests/sec:  10238.84
Transfer/sec:      1.42MB
`
}

func TestParseWrk_ReadsFiguresAndFailures(t *testing.T) {
	for _, tt := range []struct {
		p50, p99, failures string
		want               wrkResult
	}{
		{"3.77ms", "7.81ms", "", wrkResult{p50: 3770 * time.Microsecond, p99: 7810 * time.Microsecond}},
		{"812.00us", "1.20s", "", wrkResult{p50: 812 * time.Microsecond, p99: 1200 * time.Millisecond}},
		{"0.99s", "1.25m", "", wrkResult{p50: 990 * time.Millisecond, p99: 75 * time.Second}},
		{
			"1.00ms", "2.00ms",
			"  Socket errors: connect 0, read 1, write 0, timeout 2\n  Non-2xx or 3xx responses: 3\n",
			wrkResult{
				p50: time.Millisecond, p99: 2 * time.Millisecond,
				failures: "Socket errors: connect 0, read 1, write 0, timeout 2; Non-2xx or 3xx responses: 3",
			},
		},
	} {
		tt.want.requests, tt.want.rate = 51399, 10238.84
		got, err := parseWrk(report(tt.p50, tt.p99, tt.failures))
		if err != nil || got != tt.want {
			t.Errorf("%s, %s: %+v, %v, want %+v", tt.p50, tt.p99, got, err, tt.want)
		}
	}
}

func TestParseWrk_FailsForOtherOutput(t *testing.T) {
	whole := report("3.77ms", "7.81ms", "")
	for _, said := range []string{
		"",
		"unable to connect to 127.0.0.1:40001 Connection refused\n",
		strings.Replace(whole, "requests in", "in", 1),
		strings.Replace(whole, "Requests/sec", "Requests", 1),
		strings.Replace(whole, "     99%    7.81ms\n", "", 1),
		strings.Replace(whole, "3.77ms", "3.77fortnights", 1),
	} {
		if got, err := parseWrk(said); err == nil {
			t.Errorf("%q: %+v", said, got)
		}
	}
}
