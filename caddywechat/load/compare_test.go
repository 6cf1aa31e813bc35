//go:build linux

package main

import "testing"

func TestCheck_ComparesWithWhatTheAppSaw(t *testing.T) {
	for _, tt := range []struct {
		name       string
		identifies bool
		wrk        wrkResult
		app        counts
		well       bool
	}{
		{"all served", false, wrkResult{requests: 1000}, counts{Requests: 1000}, true},
		{"all served, some were under way", false, wrkResult{requests: 1000}, counts{Requests: 1128}, true},
		{"all served, to somebody", true, wrkResult{requests: 1000}, counts{Requests: 1010, Identified: 1010}, true},
		{"nothing", true, wrkResult{}, counts{}, false},
		{"answers that wrk takes for failures", false, wrkResult{
			requests: 1000,
			failures: "Non-2xx or 3xx responses: 1",
		}, counts{Requests: 1000}, false},
		{"a redirect", true, wrkResult{requests: 1000}, counts{Requests: 999, Identified: 999}, false},
		{"requests of somebody else's", false, wrkResult{requests: 1000}, counts{Requests: 1129}, false},
		{"one to no user", true, wrkResult{requests: 1000}, counts{Requests: 1000, Identified: 999}, false},
		{
			"one to a user whom no proxy identified", false,
			wrkResult{requests: 1000},
			counts{Requests: 1000, Identified: 1},
			false,
		},
	} {
		s := &setup{identifies: tt.identifies}
		if err := s.check(tt.wrk, tt.app); (err == nil) != tt.well {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}
