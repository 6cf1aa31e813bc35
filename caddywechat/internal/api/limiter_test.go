package api

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// clientAt names a client at an account.
func clientAt(account, network string) client {
	parsed, _ := netip.ParsePrefix(network) // "" is nobody in particular
	return client{account, parsed}
}

// refuse has a code of a client refused, and reports whether it was let try it.
func (r *Limiter) refuse(at client, now time.Time) bool {
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // nobody waits
	if r.acquire(ctx, at, func() time.Time { return now }) != nil {
		return false
	}
	r.release(at, true, now)
	return true
}

func TestLimiter_CountsByNetwork(t *testing.T) {
	var r Limiter
	now := time.Now()
	for range maxRefused {
		r.refuse(clientAt("a", "2001:db8::/64"), now)
	}
	for address, want := range map[string]bool{
		"2001:db8::/64": false, "2001:db8:0:1::/64": true, "192.0.2.1/32": true, "": true,
	} {
		if got := r.refuse(clientAt("a", address), now); got != want {
			t.Errorf("%q may try: %v", address, got)
		}
	}
	if !r.refuse(clientAt("b", "2001:db8::/64"), now) {
		t.Error("what is refused at one account counts at another")
	}
	for range 2 * maxRefused {
		if !r.refuse(clientAt("a", ""), now) {
			t.Fatal("nobody in particular is counted")
		}
	}
}

// There are never more than ten within any minute.
func TestLimiter_HoldsWithinAnyMinute(t *testing.T) {
	var r Limiter
	at, begun := clientAt("a", "192.0.2.1/32"), time.Now()
	var tried []time.Duration
	for since := time.Duration(0); since < 5*time.Minute; since += time.Second {
		if r.refuse(at, begun.Add(since)) {
			tried = append(tried, since)
		}
	}
	if len(tried) != 5*maxRefused {
		t.Errorf("%d tries in five minutes", len(tried))
	}
	for i := maxRefused; i < len(tried); i++ {
		if tried[i]-tried[i-maxRefused] < time.Minute {
			t.Errorf("eleven between %s and %s", tried[i-maxRefused], tried[i])
		}
	}
	var limit tooMany
	r.refuse(at, begun.Add(10*time.Minute))
	err := r.fill(at, begun.Add(10*time.Minute+20*time.Second))
	if !errors.As(err, &limit) || limit.wait != 40*time.Second {
		t.Errorf("the first place is free in %s", limit.wait)
	}
}

// fill has codes refused until the client has to wait, and returns the error that says so.
func (r *Limiter) fill(at client, now time.Time) error {
	for range maxRefused {
		r.refuse(at, now)
	}
	return r.acquire(context.Background(), at, func() time.Time { return now })
}

func TestLimiter_TellsOfTheLastTryOnce(t *testing.T) {
	var r Limiter
	now := time.Now()
	at := clientAt("a", "192.0.2.1/32")
	acquire := func() {
		if err := r.acquire(t.Context(), at, func() time.Time { return now }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxRefused - 1 {
		acquire()
		if r.release(at, true, now) {
			t.Errorf("it was the last after %d", i+1)
		}
	}
	acquire()
	if !r.release(at, true, now) {
		t.Error("nobody is told of the last one")
	}
	now = now.Add(refusedWithin)
	for range maxRefused - 2 {
		acquire()
		r.release(at, true, now)
	}
	acquire()
	acquire()
	if r.release(at, true, now); r.release(at, false, now) {
		t.Error("one that was not refused is the last")
	}
}

func TestTries_OfThoseWhoWaitAreNotForgotten(t *testing.T) {
	for _, one := range []tries{{open: 1}, {waiting: 1}} {
		if one.isIdle() {
			t.Errorf("%+v is", one)
		}
	}
	if one := (tries{}); !one.isIdle() {
		t.Error("nobody is idle")
	}
}

func TestLimiter_IsBounded(t *testing.T) {
	var r Limiter
	now := time.Now()
	busy := clientAt("a", "192.0.2.1/32")
	if err := r.acquire(t.Context(), busy, func() time.Time { return now }); err != nil {
		t.Fatal(err)
	}
	for i := range maxAddresses + 1000 {
		r.refuse(clientAt("a", fmt.Sprintf("10.%d.%d.%d/32", i>>16, i>>8&255, i&255)), now)
	}
	if len(r.of) > maxAddresses {
		t.Errorf("%d addresses are remembered", len(r.of))
	}
	r.release(busy, false, now) // which is there still
	if _, ok := r.of[busy]; ok {
		t.Error("what was not refused is remembered")
	}
}

func TestLimiter_WhoWaitsForOthersLeavesInTime(t *testing.T) {
	var r Limiter
	now := time.Now
	at := clientAt("a", "192.0.2.1/32")
	for range maxRefused {
		if err := r.acquire(t.Context(), at, now); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := r.acquire(ctx, at, now); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	for range maxRefused {
		r.release(at, false, now())
	}
	if err := r.acquire(t.Context(), at, now); err != nil {
		t.Errorf("when all are decided: %v", err)
	}
}
