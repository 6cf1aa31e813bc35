package bench

import (
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// perSample is how many requests one sample takes: enough for several cycles of the garbage collector, which has to be
// paid for as well, and few enough that the machine's moods touch both sides of a comparison alike.
const perSample = 1024

// side is one side of a comparison.
type side struct {
	chain   chain
	request func(i int) []byte
	status  int
}

// always is a request that is the same every time.
func always(request []byte) func(int) []byte { return func(int) []byte { return request } }

// compare measures what requests cost on this side and on that one in turn, in as many samples of each as there are
// iterations, and reports medians and minima. goal is the highest ratio that is wished for; 0: none.
func compare(b *testing.B, goal float64, this, that side) { compareBy(b, goal, 1, this, that) }

// compareBy is compare with as many visitors at a time.
func compareBy(b *testing.B, goal float64, visitors int, this, that side) {
	b.Helper()
	sides := [2]*measured{measure(b, visitors, this), measure(b, visitors, that)}
	for i := 0; b.Loop(); i++ {
		sides[i%2].sample()
		sides[1-i%2].sample()
	}
	b.ReportMetric(ratio(sides, func(m *measured) []float64 { return m.times }, median), "x-time")
	b.ReportMetric(ratio(sides, func(m *measured) []float64 { return m.times }, slices.Min), "x-min-time")
	b.ReportMetric(ratio(sides, func(m *measured) []float64 { return m.cpu }, median), "x-cpu")
	b.ReportMetric(ratio(sides, func(m *measured) []float64 { return m.cpu }, slices.Min), "x-min-cpu")
	if goal != 0 {
		b.ReportMetric(goal, "x-goal")
	}
	b.ReportMetric(median(sides[0].times), "ns/op")
	b.ReportMetric(median(sides[1].times), "base-ns/op")
}

func ratio(sides [2]*measured, what func(*measured) []float64, of func([]float64) float64) float64 {
	return of(what(sides[0])) / of(what(sides[1]))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// measured is a side with what it has cost so far, in nanoseconds per request.
type measured struct {
	side
	conns      []*conn
	sent       int // requests, on each connection
	times, cpu []float64
}

func measure(b *testing.B, visitors int, s side) *measured {
	b.Helper()
	m := &measured{side: s}
	for range visitors {
		m.conns = append(m.conns, s.chain.conn())
	}
	if got := m.conns[0].send(s.request(0)); got != s.status {
		b.Fatalf("status %d, want %d", got, s.status)
	}
	m.sample() // caches of all kinds get warm
	m.times, m.cpu = nil, nil
	return m
}

// sample sends requests on all connections at a time.
func (m *measured) sample() {
	perConn := perSample / len(m.conns)
	begun, cpu := time.Now(), cpuTime()
	var all sync.WaitGroup
	for i, c := range m.conns {
		send := func() {
			for n := range perConn {
				c.send(m.request(m.sent + i*perConn + n))
			}
		}
		if len(m.conns) == 1 {
			send()
			continue
		}
		all.Go(send)
	}
	all.Wait()
	requests := perConn * len(m.conns)
	m.times = append(m.times, float64(time.Since(begun).Nanoseconds())/float64(requests))
	m.cpu = append(m.cpu, float64((cpuTime()-cpu).Nanoseconds())/float64(requests))
	m.sent += requests
}

// cpuTime is what the process has used, the garbage collector's included.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
