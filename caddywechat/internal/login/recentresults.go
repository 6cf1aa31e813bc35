package login

import (
	"context"
	"sync"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// Result is what an attempt led to: a session and where the visitor returned to with it, or an error.
type Result struct {
	Session session.Session
	Target  string
	Err     error
}

// Recent makes sure that an instance finishes an attempt once, however often its callback comes: WeChat takes a code
// once, and its browser asks twice now and then. Results are kept for a minute. It is safe for concurrent use. The zero
// Recent is ready to use.
type Recent struct {
	mu      sync.Mutex
	results map[string]*flight
	keys    []string // the oldest first
}

const (
	recentFor = time.Minute
	// recentMax takes about 10 MB, more with long addresses. Under such a load the oldest go before their minute is
	// over.
	recentMax = 10_000
)

type flight struct {
	started time.Time
	done    chan struct{}
	result  Result
}

// Do calls finish, or, when that was done for the same key within the last minute, waits for and returns that result.
// The key must name the attempt and everything that the result depends on. Do gives up waiting when ctx ends.
func (r *Recent) Do(ctx context.Context, key string, now time.Time, finish func() Result) Result {
	f, first := r.join(key, now)
	if first {
		defer close(f.done)
		f.result = Result{Err: context.Canceled} // for those who wait, should finish panic
		f.result = finish()
		return f.result
	}
	select {
	case <-f.done:
		return f.result
	case <-ctx.Done():
		return Result{Err: ctx.Err()}
	}
}

// Last returns the result for key, if there is one from the last minute. It waits for one that is under way.
func (r *Recent) Last(ctx context.Context, key string, now time.Time) (Result, bool) {
	r.mu.Lock()
	f := r.results[key]
	r.mu.Unlock()
	if f == nil || now.Sub(f.started) >= recentFor {
		return Result{}, false
	}
	select {
	case <-f.done:
		return f.result, true
	case <-ctx.Done():
		return Result{Err: ctx.Err()}, true
	}
}

// Known returns the result for key and when it was started, if there is one from the last minute by now. It waits for
// none.
func (r *Recent) Known(key string, now time.Time) (result Result, started time.Time, ok bool) {
	r.mu.Lock()
	f := r.results[key]
	r.mu.Unlock()
	if f == nil || now.Sub(f.started) >= recentFor {
		return Result{}, time.Time{}, false
	}
	select {
	case <-f.done:
		return f.result, f.started, true
	default:
		return Result{}, time.Time{}, false
	}
}

func (r *Recent) join(key string, now time.Time) (f *flight, first bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.results == nil {
		r.results = make(map[string]*flight)
	}
	for len(r.keys) > 0 && (len(r.keys) >= recentMax || now.Sub(r.results[r.keys[0]].started) >= recentFor) {
		delete(r.results, r.keys[0])
		r.keys = r.keys[1:]
	}
	if f, ok := r.results[key]; ok && now.Sub(f.started) < recentFor {
		return f, false
	} else if !ok {
		r.keys = append(r.keys, key)
	}
	f = &flight{started: now, done: make(chan struct{})}
	r.results[key] = f
	return f, true
}
