//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"
)

// sample is what the process uses at a moment.
type sample struct {
	at     time.Duration // since the soak began
	logins int           // since then
	uses   [len(resources)]float64
}

// resources are what may grow.
var resources = [...]struct {
	name     string
	decimals int
}{
	{"heap in use after a collection, MiB", 2},
	{"resident memory, MiB", 1},
	{"goroutines", 0},
	{"open files", 0},
	{"files in its storage, swept daily", 0},
}

const (
	heap = iota
	resident
	goroutines
	files
	stored
)

const mebibyte = 1 << 20

// sample measures what the process uses now.
func (c *traffic) sample(ctx context.Context, at time.Duration) (s sample, err error) {
	s.at, s.logins = at, c.logins()
	if err := c.site.collectGarbage(ctx); err != nil {
		return s, err
	}
	m, err := c.site.memory(ctx)
	if err != nil {
		return s, err
	}
	bytes, err := residentMemory(c.site.pid())
	if err != nil {
		return s, err
	}
	running, err := c.site.goroutines(ctx)
	if err != nil {
		return s, err
	}
	open, err := openFiles(c.site.pid())
	if err != nil {
		return s, err
	}
	s.uses[heap] = float64(m.HeapAlloc) / mebibyte
	s.uses[resident] = float64(bytes) / mebibyte
	s.uses[goroutines] = float64(running)
	s.uses[files] = float64(open)
	s.uses[stored] = float64(countFiles(c.site.storage))
	return s, nil
}

// countFiles returns how many files are in a folder, those not counted that go while it looks.
func countFiles(folder string) (n int) {
	filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			n++
		}
		return nil
	})
	return n
}

// String tells of a sample while the soak runs.
func (s sample) String() string {
	return fmt.Sprintf("heap %.2f MiB, resident %.1f MiB, %.0f goroutines, %.0f open files, %.0f stored, %d logins",
		s.uses[heap], s.uses[resident], s.uses[goroutines], s.uses[files], s.uses[stored], s.logins)
}

// growth is how a resource developed in the second half of a soak: in the first, what the process remembers fills.
type growth struct {
	before, last          float64 // medians of the third and of the last quarter
	hourly, thousandLogin float64 // slopes
}

func growthOf(samples []sample, resource int) growth {
	var hours, thousands, values []float64
	for _, s := range samples[len(samples)/2:] {
		hours = append(hours, s.at.Hours())
		thousands = append(thousands, float64(s.logins)/1000)
		values = append(values, s.uses[resource])
	}
	return growth{
		before:        median(values[:len(values)/2]),
		last:          median(values[len(values)/2:]),
		hourly:        slope(hours, values),
		thousandLogin: slope(thousands, values),
	}
}

// writeGrowth writes how everything developed.
func writeGrowth(out io.Writer, samples []sample) error {
	t := newTable(out)
	t.row("", []string{"third quarter", "last quarter", "slope per hour", "slope per 1,000 logins"})
	for i, r := range resources {
		g := growthOf(samples, i)
		t.row(r.name, []string{
			fmt.Sprintf("%.*f", r.decimals, g.before),
			fmt.Sprintf("%.*f", r.decimals, g.last),
			fmt.Sprintf("%+.*f", r.decimals+1, g.hourly),
			fmt.Sprintf("%+.*f", r.decimals+3, g.thousandLogin),
		})
	}
	return t.Flush()
}

const (
	// grossGrowth is how much larger than in its third quarter the heap may be in the last.
	grossGrowth = 1.1
	// verdictFrom is the length of a soak from which its growth may fail it: it takes some 50,000 logins until nearly
	// all places for opened sessions are taken.
	verdictFrom = 10 * time.Minute
)

// verdict says whether the heap grew beyond all measure. Lesser growth is for people to judge, who have the table.
func verdict(samples []sample, length time.Duration) error {
	g := growthOf(samples, heap)
	if length >= verdictFrom && g.last > grossGrowth*g.before && g.hourly > 0 {
		return fmt.Errorf("the heap grew from %.1f to %.1f MiB, and is growing by %.1f MiB an hour",
			g.before, g.last, g.hourly)
	}
	return nil
}
