//go:build linux

package main

import (
	"math"
	"testing"
	"time"
)

// soaked returns samples of ten minutes whose heap is what at says of each minute.
func soaked(at func(minute float64) float64) []sample {
	var samples []sample
	for i := range 200 {
		t := time.Duration(i) * sampleEvery
		s := sample{at: t, logins: i * 300}
		s.uses[heap] = at(t.Minutes())
		samples = append(samples, s)
	}
	return samples
}

func TestGrowthOf_TakesTheSecondHalf(t *testing.T) {
	g := growthOf(soaked(func(minute float64) float64 {
		if minute < 5 {
			return 4 // warming up
		}
		return 10 + minute
	}), heap)
	// A minute has 6,000 logins.
	if math.Abs(g.hourly-60) > 1e-9 || math.Abs(g.thousandLogin-1./6) > 1e-9 || math.Abs(g.before-16.25) > 0.1 ||
		math.Abs(g.last-18.75) > 0.1 {
		t.Errorf("%+v", g)
	}
}

func TestVerdict_FailsForGrossGrowthOnly(t *testing.T) {
	level := func(float64) float64 { return 10 }
	creeping := func(minute float64) float64 { return 10 + minute/10 }
	gross := func(minute float64) float64 { return 10 + minute }
	for _, tt := range []struct {
		name   string
		heap   func(float64) float64
		length time.Duration
		well   bool
	}{
		{"level", level, 10 * time.Minute, true},
		{"creeping", creeping, 10 * time.Minute, true},
		{"gross", gross, 10 * time.Minute, false},
		{"gross, in a soak too short to tell", gross, 2 * time.Minute, true},
	} {
		if err := verdict(soaked(tt.heap), tt.length); (err == nil) != tt.well {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
