package caddywechat

import (
	"sync"
	"time"
)

// renewals are the renewals of profiles that this process has going or has lately had. The zero value is ready to use.
type renewals struct {
	mu     sync.Mutex
	of     map[string]*renewalState
	active int
}

type renewalState struct {
	active bool
	result profile   // zero: none
	until  time.Time // when the next one may begin
}

const (
	// maxActiveRenewals bounds the renewals of a process that are going on: those beyond wait for a later request.
	maxActiveRenewals = 32
	// maxRenewals bounds those that are remembered.
	maxRenewals = 10_000
)

// result returns the profile that the last renewal brought.
func (r *renewals) result(key string) (profile, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.of[key]
	if !ok || s.result.at.IsZero() {
		return profile{}, false
	}
	return s.result, true
}

// begin reports whether a renewal is to begin now. Then [renewals.end] must follow.
func (r *renewals) begin(key string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.of[key]
	if s != nil && (s.active || now.Before(s.until)) || r.active == maxActiveRenewals {
		return false
	}
	if s == nil && len(r.of) == maxRenewals && !r.forgetOne(now) {
		return false
	}
	if r.of == nil {
		r.of = make(map[string]*renewalState)
	}
	r.of[key] = &renewalState{active: true}
	r.active++
	return true
}

// forgetOne makes room by forgetting a renewal that says nothing any more: sessions have had time to take it over. Maps
// are gone through in random order, so a few looks will find one, if there are some.
func (r *renewals) forgetOne(now time.Time) bool {
	looks := 0
	for key, s := range r.of {
		if !s.active && !now.Before(s.until) {
			delete(r.of, key)
			return true
		}
		if looks++; looks == 100 {
			break
		}
	}
	return false
}

// end takes note of what a renewal brought, a zero profile being none, and of when the next one may begin.
func (r *renewals) end(key string, p profile, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[key] = &renewalState{result: p, until: next}
	r.active--
}
