//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// connections is how many wrk has open at a time.
const connections = 64

// wrkResult is what wrk says of a run.
type wrkResult struct {
	requests int
	rate     float64 // requests a second
	p50, p99 time.Duration
	failures string // what wrk counted as failed, "" for nothing. Redirects are none to it.
}

func findWrk() error {
	if _, err := exec.LookPath("wrk"); err != nil {
		return errors.New("wrk is missing: install it (apt-get install wrk), " +
			"or leave the comparison out with -compare=false")
	}
	return nil
}

// runWrk asks for an address over and over with as many connections as there may be.
func runWrk(ctx context.Context, url string, length time.Duration, headers ...string) (wrkResult, error) {
	ctx, cancel := context.WithTimeout(ctx, length+30*time.Second)
	defer cancel()
	args := []string{
		"-t2", "-c" + strconv.Itoa(connections), "-d" + strconv.Itoa(int(length/time.Second)) + "s", "--latency",
	}
	for _, header := range headers {
		args = append(args, "-H", header)
	}
	cmd := exec.CommandContext(ctx, "wrk", append(args, url)...)
	cmd.WaitDelay = time.Second
	said, err := cmd.CombinedOutput()
	if err != nil {
		return wrkResult{}, fmt.Errorf("wrk %s: %w: %s", url, err, strings.TrimSpace(string(said)))
	}
	return parseWrk(string(said))
}

var (
	wrkRequests = regexp.MustCompile(`(?m)^\s*(\d+) requests in `)
	wrkRate     = regexp.MustCompile(`(?m)^Requests/sec:\s+([\d.]+)$`)
	wrkLatency  = regexp.MustCompile(`(?m)^\s+(50|99)%\s+(\S+)$`)
	wrkFailures = regexp.MustCompile(`(?m)^\s*((?:Socket errors|Non-2xx).*)$`)
)

// parseWrk reads what wrk prints with --latency. Its units of time, us ms s m h, are also Go's.
func parseWrk(said string) (r wrkResult, err error) {
	requests, rate := wrkRequests.FindStringSubmatch(said), wrkRate.FindStringSubmatch(said)
	latencies := wrkLatency.FindAllStringSubmatch(said, -1)
	if requests == nil || rate == nil || len(latencies) != 2 {
		return r, fmt.Errorf("wrk said what is not understood: %s", said)
	}
	var errs [4]error
	r.requests, errs[0] = strconv.Atoi(requests[1])
	r.rate, errs[1] = strconv.ParseFloat(rate[1], 64)
	r.p50, errs[2] = time.ParseDuration(latencies[0][2])
	r.p99, errs[3] = time.ParseDuration(latencies[1][2])
	if err := errors.Join(errs[:]...); err != nil {
		return r, fmt.Errorf("wrk said what is not understood: %w", err)
	}
	var failures []string
	for _, match := range wrkFailures.FindAllStringSubmatch(said, -1) {
		failures = append(failures, match[1])
	}
	r.failures = strings.Join(failures, "; ")
	return r, nil
}
