package profile

import (
	"sync"
	"time"
)

// Jobs are the refreshes of profiles that a process has going or has lately had. They outlive reloads. The zero Jobs is
// ready to use.
type Jobs struct {
	mu     sync.Mutex
	of     map[string]*jobState
	active int
}

type jobState struct {
	active bool
	result profile   // zero: none
	until  time.Time // when the next one may start
}

const (
	// maxActive bounds the refreshes of a process that are going on: those beyond wait for a later request.
	maxActive = 32
	// maxJobs bounds those that are remembered.
	maxJobs = 10_000
)

// result returns the profile that the last refresh brought, a zero one being none.
func (j *Jobs) result(key string) profile {
	j.mu.Lock()
	defer j.mu.Unlock()
	if s := j.of[key]; s != nil {
		return s.result
	}
	return profile{}
}

// start reports whether a refresh is to start now. Then [Jobs.end] must follow.
func (j *Jobs) start(key string, now time.Time) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := j.of[key]
	if s != nil && (s.active || now.Before(s.until)) || j.active == maxActive {
		return false
	}
	if s == nil && len(j.of) == maxJobs && !j.forgetOne(now) {
		return false
	}
	if j.of == nil {
		j.of = make(map[string]*jobState)
	}
	j.of[key] = &jobState{active: true}
	j.active++
	return true
}

// forgetOne makes room by forgetting a refresh that says nothing any more: sessions have had time to take it over. Maps
// are gone through in random order, so a few looks will find one, if there are some.
func (j *Jobs) forgetOne(now time.Time) bool {
	looks := 0
	for key, s := range j.of {
		if !s.active && !now.Before(s.until) {
			delete(j.of, key)
			return true
		}
		if looks++; looks == 100 {
			break
		}
	}
	return false
}

// end keeps what a refresh brought, a zero profile being none, and the next one may start.
func (j *Jobs) end(key string, p profile, next time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.of[key] = &jobState{result: p, until: next}
	j.active--
}
