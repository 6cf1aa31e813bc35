package login

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/session"
)

// counted returns a finish that counts its calls and makes another session each time.
func counted(calls *int) func() Result {
	return func() Result {
		*calls++
		return Result{Session: session.Session{ID: session.ID{byte(*calls)}}}
	}
}

func TestCallbacksThatComeAtOnceShareOneExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Recent
		var calls atomic.Int32
		answer := make(chan struct{})
		results := make([]Result, 8)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				results[i] = r.Do(t.Context(), "key", now, func() Result {
					calls.Add(1)
					<-answer
					return Result{Session: session.Session{ID: session.ID{7}}}
				})
			})
		}
		synctest.Wait() // until one is in the exchange and the others wait for it
		close(answer)
		wg.Wait()
		if n := calls.Load(); n != 1 {
			t.Errorf("%d exchanges", n)
		}
		for i, got := range results {
			if got.Err != nil || got.Session.ID != (session.ID{7}) {
				t.Errorf("callback %d got %+v", i, got)
			}
		}
	})
}

func TestDifferentAttemptsDoNotShare(t *testing.T) {
	var r Recent
	calls := 0
	a := r.Do(t.Context(), "a", now, counted(&calls))
	b := r.Do(t.Context(), "b", now, counted(&calls))
	if calls != 2 || a.Session.ID == b.Session.ID {
		t.Errorf("%d exchanges", calls)
	}
	if got, ok := r.Last(t.Context(), "a", now); !ok || got.Session.ID != a.Session.ID {
		t.Errorf("the last of a is %+v, %v", got, ok)
	}
}

func TestResultsLastAMinute(t *testing.T) {
	var r Recent
	calls := 0
	r.Do(t.Context(), "key", now, counted(&calls))
	for _, tt := range []struct {
		after time.Duration
		calls int
	}{
		{0, 1}, {59 * time.Second, 1}, {60 * time.Second, 2}, {119 * time.Second, 2}, {time.Hour, 3},
	} {
		at := now.Add(tt.after)
		if r.Do(t.Context(), "key", at, counted(&calls)); calls != tt.calls {
			t.Errorf("after %s: %d exchanges, want %d", tt.after, calls, tt.calls)
		}
	}
}

func TestLastTellsResultsOfTheLastMinuteOnly(t *testing.T) {
	var r Recent
	if _, ok := r.Last(t.Context(), "key", now); ok {
		t.Error("there is a result of nothing")
	}
	want := errors.New("refused")
	r.Do(t.Context(), "key", now, func() Result { return Result{Err: want} })
	if got, ok := r.Last(t.Context(), "key", now.Add(59*time.Second)); !ok || got.Err != want {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok := r.Last(t.Context(), "key", now.Add(time.Minute)); ok {
		t.Error("there is a result after a minute")
	}
	if _, ok := r.Last(t.Context(), "other", now); ok {
		t.Error("there is a result of another attempt")
	}
}

func TestRecentIsBoundedAndForgetsWhatIsOver(t *testing.T) {
	var r Recent
	calls := 0
	for i := range recentMax + 100 {
		r.Do(t.Context(), strconv.Itoa(i), now, counted(&calls))
	}
	if len(r.results) > recentMax || len(r.keys) > recentMax {
		t.Errorf("%d results and %d keys are kept", len(r.results), len(r.keys))
	}
	if _, ok := r.Last(t.Context(), strconv.Itoa(recentMax+99), now); !ok {
		t.Error("the newest was forgotten")
	}
	if _, ok := r.Last(t.Context(), "0", now); ok {
		t.Error("the oldest is kept")
	}
	r.Do(t.Context(), "later", now.Add(time.Minute), counted(&calls))
	if len(r.results) != 1 || len(r.keys) != 1 {
		t.Errorf("%d results and %d keys are kept after a minute", len(r.results), len(r.keys))
	}
}

func TestWaitingEndsWithTheVisitor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Recent
		answer := make(chan struct{})
		go r.Do(t.Context(), "key", now, func() Result { <-answer; return Result{} })
		synctest.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		var do, last Result
		var wg sync.WaitGroup
		wg.Go(func() { do = r.Do(ctx, "key", now, func() Result { t.Error("exchanged twice"); return Result{} }) })
		wg.Go(func() { last, _ = r.Last(ctx, "key", now) })
		synctest.Wait()
		cancel()
		wg.Wait()
		if !errors.Is(do.Err, context.Canceled) || !errors.Is(last.Err, context.Canceled) {
			t.Errorf("got %v and %v", do.Err, last.Err)
		}
		close(answer)
	})
}

func TestLastWaitsForTheExchangeUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Recent
		answer := make(chan struct{})
		go r.Do(t.Context(), "key", now, func() Result {
			<-answer
			return Result{Session: session.Session{ID: session.ID{7}}}
		})
		synctest.Wait()
		var got Result
		var ok bool
		var wg sync.WaitGroup
		wg.Go(func() { got, ok = r.Last(t.Context(), "key", now) })
		synctest.Wait()
		close(answer)
		wg.Wait()
		if !ok || got.Session.ID != (session.ID{7}) {
			t.Errorf("got %+v, %v", got, ok)
		}
	})
}

func TestAPanicInTheExchangeHangsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Recent
		answer := make(chan struct{})
		panicked := make(chan any, 1)
		go func() {
			defer func() { panicked <- recover() }()
			r.Do(t.Context(), "key", now, func() Result { <-answer; panic("exchange") })
		}()
		synctest.Wait()
		var others [2]Result
		var wg sync.WaitGroup
		wg.Go(func() { others[0] = r.Do(t.Context(), "key", now, func() Result { return Result{} }) })
		wg.Go(func() { others[1], _ = r.Last(t.Context(), "key", now) })
		synctest.Wait()
		close(answer)
		if p := <-panicked; p != "exchange" {
			t.Errorf("the panic became %v", p)
		}
		wg.Wait()
		for i, got := range others {
			if got.Err == nil {
				t.Errorf("number %d who waited got a session of nobody", i)
			}
		}
	})
}
