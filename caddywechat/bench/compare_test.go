package bench

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// perSample is how many requests one sample takes: enough for several cycles of the garbage collector, which has to be
// paid for as well, and few enough that other work of the machine affects both sides of a comparison alike.
const perSample = 4096

// side is one side of a comparison.
type side struct {
	chain   chain
	request requests
	status  int
}

// requests appends the request with a number to a buffer.
type requests func(buffer []byte, i int) []byte

// always is a request that is the same every time.
func always(request []byte) requests {
	return func(buffer []byte, _ int) []byte { return append(buffer, request...) }
}

// compare measures what requests cost on this side and on that one in turn, in as many samples of each as there are
// iterations. goal is the highest ratio of the medians that is wished for; 0: none.
func compare(b *testing.B, goal float64, this, that side) { compareBy(b, goal, 1, this, that) }

// compareBy is compare with as many visitors at a time.
func compareBy(b *testing.B, goal float64, visitors int, this, that side) {
	b.Helper()
	one, other := measure(b, visitors, this), measure(b, visitors, that)
	for i := 0; b.Loop(); i++ {
		if i%2 == 0 {
			one.sample(b)
			other.sample(b)
		} else {
			other.sample(b)
			one.sample(b)
		}
	}
	r := result{
		name: strings.TrimPrefix(b.Name(), "Benchmark"), goal: goal, samples: len(one.times),
		plain:       median(other.times),
		time:        medianRatio(one.times, other.times),
		least:       slices.Min(one.times) / slices.Min(other.times),
		cpu:         medianRatio(one.cpu, other.cpu),
		allocations: median(one.allocations) - median(other.allocations),
	}
	results = append(results, r)
	b.ReportMetric(r.time, "x-plain")
	b.ReportMetric(r.allocations, "more-allocs/op")
	b.ReportMetric(median(one.times), "ns/op")
}

// medianRatio returns the median of the ratios of samples that were taken one after the other.
func medianRatio(these, those []float64) float64 {
	ratios := make([]float64, len(these))
	for i := range these {
		ratios[i] = these[i] / those[i]
	}
	return median(ratios)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// measured is a side with what a request has cost in each sample.
type measured struct {
	side
	conns       []*conn
	sent        int
	times, cpu  []float64 // in nanoseconds
	allocations []float64
}

func measure(b *testing.B, visitors int, s side) *measured {
	b.Helper()
	m := &measured{side: s}
	for range visitors {
		m.conns = append(m.conns, s.chain.conn())
	}
	m.sample(b) // caches of all kinds get warm
	m.times, m.cpu, m.allocations = nil, nil, nil
	return m
}

// sample sends requests on all connections at a time.
func (m *measured) sample(b *testing.B) {
	b.Helper()
	perConn := perSample / len(m.conns)
	allocations := allocated()
	begun, cpu := time.Now(), cpuTime()
	var all sync.WaitGroup
	var wrong atomic.Int64 // the last status that was not the one to be had
	for i, c := range m.conns {
		send := func() {
			for n := range perConn {
				if status := c.sendNumber(m.request, m.sent+i*perConn+n); status != m.status {
					wrong.Store(int64(status))
				}
			}
		}
		if len(m.conns) == 1 {
			send()
			continue
		}
		all.Go(send)
	}
	all.Wait()
	took, used := time.Since(begun), cpuTime()-cpu
	if status := wrong.Load(); status != 0 {
		b.Fatalf("status %d, want %d", status, m.status)
	}
	requests := perConn * len(m.conns)
	m.times = append(m.times, float64(took.Nanoseconds())/float64(requests))
	m.cpu = append(m.cpu, float64(used.Nanoseconds())/float64(requests))
	m.allocations = append(m.allocations, float64(allocated()-allocations)/float64(requests))
	m.sent += requests
}

// allocated returns how many things the process has allocated.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
