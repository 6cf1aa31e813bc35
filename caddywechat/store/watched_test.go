package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// scripted is a store whose calls all end with the same error.
type scripted struct{ err error }

func (s *scripted) Get(context.Context, string) ([]byte, error) { return []byte("got"), s.err }

func (s *scripted) Put(context.Context, string, []byte, time.Duration) error { return s.err }

func (s *scripted) PutIfAbsent(context.Context, string, []byte, time.Duration) ([]byte, error) {
	return []byte("kept"), s.err
}

func (s *scripted) Take(context.Context, string) ([]byte, error) { return []byte("taken"), s.err }

func (s *scripted) Delete(context.Context, string) error { return s.err }

func (s *scripted) Append(context.Context, string, []byte, time.Duration) error { return s.err }

func (s *scripted) Follow(string) store.Reader { return s }

func (s *scripted) Read(context.Context) ([][]byte, error) { return [][]byte{[]byte("read")}, s.err }

var errDown = fmt.Errorf("%w: down", store.ErrStore)

// watch returns a store that is watched, and what is logged. It counts how often it began to fail.
func watch(s store.Store, status *store.Status) (w store.Watched, lines func() []string, failed *int) {
	core, logs := observer.New(zap.InfoLevel)
	failed = new(int)
	w = store.Watch(s, status, zap.New(core), func() string { *failed++; return "and so on" })
	return w, func() (messages []string) {
		for _, entry := range logs.TakeAll() {
			messages = append(messages, entry.Message)
		}
		return messages
	}, failed
}

// calls are all that a store can be asked, each with whether that is to write.
var calls = map[string]struct {
	writes bool
	call   func(context.Context, store.Store) (value string, err error)
}{
	"get": {false, func(ctx context.Context, s store.Store) (string, error) {
		value, err := s.Get(ctx, "key")
		return string(value), err
	}},
	"take": {false, func(ctx context.Context, s store.Store) (string, error) {
		value, err := s.Take(ctx, "key")
		return string(value), err
	}},
	"delete": {false, func(ctx context.Context, s store.Store) (string, error) { return "", s.Delete(ctx, "key") }},
	"read": {false, func(ctx context.Context, s store.Store) (string, error) {
		values, err := s.Follow("log").Read(ctx)
		return string(slices.Concat(values...)), err
	}},
	"put": {true, func(ctx context.Context, s store.Store) (string, error) {
		return "", s.Put(ctx, "key", nil, time.Hour)
	}},
	"put if absent": {true, func(ctx context.Context, s store.Store) (string, error) {
		value, err := s.PutIfAbsent(ctx, "key", nil, time.Hour)
		return string(value), err
	}},
	"append": {true, func(ctx context.Context, s store.Store) (string, error) {
		return "", s.Append(ctx, "log", nil, time.Hour)
	}},
}

func TestWatched_ReturnsWhatItsStoreDoes(t *testing.T) {
	want := map[string]string{"get": "got", "take": "taken", "read": "read", "put if absent": "kept"}
	for name, c := range calls {
		for _, wanted := range []error{nil, errDown, store.ErrNotFound} {
			w, _, _ := watch(&scripted{wanted}, new(store.Status))
			if got, err := c.call(t.Context(), w); got != want[name] || err != wanted {
				t.Errorf("%s: got %q, %v, want %q, %v", name, got, err, want[name], wanted)
			}
		}
	}
}

func TestWatched_LogsEachChangeOnce(t *testing.T) {
	for name, c := range calls {
		t.Run(name, func(t *testing.T) {
			bare, status := &scripted{}, new(store.Status)
			w, lines, failed := watch(bare, status)
			what := "read"
			if c.writes {
				what = "written"
			}
			for round := range 2 {
				bare.err = errDown
				for range 3 {
					_, _ = c.call(t.Context(), w)
				}
				want := []string{"the store cannot be " + what + ": and so on"}
				if got := lines(); !slices.Equal(got, want) {
					t.Errorf("round %d, failing: logged %q, want %q", round, got, want)
				}
				if !status.IsFailing() || status.FailsToWrite() != c.writes || *failed != round+1 {
					t.Errorf("round %d: failing %t, writes %t, told %d times", round,
						status.IsFailing(), status.FailsToWrite(), *failed)
				}
				bare.err = nil
				if round == 1 {
					bare.err = store.ErrNotFound // a store that knows so much works
				}
				for range 3 {
					_, _ = c.call(t.Context(), w)
				}
				if got, want := lines(), []string{"the store can be " + what + " again"}; !slices.Equal(got, want) {
					t.Errorf("round %d, working: logged %q, want %q", round, got, want)
				}
				if status.IsFailing() {
					t.Errorf("round %d: still failing", round)
				}
			}
		})
	}
}

func TestWatched_TellsReadingFromWriting(t *testing.T) {
	bare, status := &scripted{errDown}, new(store.Status)
	w, lines, _ := watch(bare, status)
	_ = w.Put(t.Context(), "key", nil, time.Hour)
	bare.err = nil
	_, _ = w.Get(t.Context(), "key")
	if got := lines(); len(got) != 1 || !status.FailsToWrite() || !status.IsFailing() {
		t.Errorf("a store that is full but can be read: %q, %+v", got, status)
	}
	bare.err = errDown
	_, _ = w.Get(t.Context(), "key")
	bare.err = nil
	_ = w.Put(t.Context(), "key", nil, time.Hour)
	if status.FailsToWrite() || !status.IsFailing() {
		t.Error("a store that can be written works, though it was not read since it failed")
	}
}

func TestWatched_TakesNoLeavingCallerForAFailure(t *testing.T) {
	bare, status := &scripted{}, new(store.Status)
	w, lines, failed := watch(bare, status)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	bare.err = fmt.Errorf("%w: %w", store.ErrStore, context.Canceled)
	_, _ = w.Get(cancelled, "key")
	if got := lines(); len(got) != 0 || status.IsFailing() || *failed != 0 {
		t.Errorf("the caller left: %q", got)
	}
	late, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	bare.err = fmt.Errorf("%w: %w", store.ErrStore, context.DeadlineExceeded)
	_, _ = w.Get(late, "key")
	if got := lines(); len(got) != 1 || !status.IsFailing() {
		t.Errorf("the store took too long: %q", got)
	}
}

func TestWatched_SharesItsStatus(t *testing.T) {
	status := new(store.Status)
	one, oneLines, oneFailed := watch(&scripted{errDown}, status)
	other, otherLines, otherFailed := watch(&scripted{errDown}, status)
	var wg sync.WaitGroup
	for range 20 {
		for _, w := range []store.Watched{one, other} {
			wg.Go(func() {
				if _, err := w.Get(t.Context(), "key"); !errors.Is(err, store.ErrStore) {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if n := len(oneLines()) + len(otherLines()); n != 1 || *oneFailed+*otherFailed != 1 {
		t.Errorf("%d lines, told %d times", n, *oneFailed+*otherFailed)
	}
}
