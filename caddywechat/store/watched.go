package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// Status is whether a store works, by what those who use it saw last. All who use the same place share one, by pointer.
// The zero value is that of a store that works. It is safe for concurrent use.
type Status struct{ readFails, writeFails atomic.Bool }

// IsFailing reports whether the store failed when it was last read or last written.
func (s *Status) IsFailing() bool { return s.readFails.Load() || s.writeFails.Load() }

// FailsToWrite reports whether the store failed when it was last written.
func (s *Status) FailsToWrite() bool { return s.writeFails.Load() }

// Watched is a store that keeps a [Status], and logs when that changes: one line when it begins to fail and one when it
// works again, for all who share the status, whatever the number of their calls. What it returns is the store's.
//
// An entry that is not there is no failure, and neither is a call whose caller left. Nobody is told that the store
// works again before somebody calls it.
type Watched struct {
	// Store is the one that is watched. Calls of it are not.
	Store

	status  *Status
	logger  *zap.Logger
	failing func() (consequences string)
}

// Watch returns a store that is watched. The logger is that of whoever uses it, who says by it what failed.
//
// Where the store begins to fail to be read, or to be written, failing is called before the line is logged, on the
// goroutine of the call that failed: it may see to it that somebody asks the store until it works again, and returns
// what a store that fails means to those who use it, which ends the line. It must not call the store itself.
func Watch(s Store, status *Status, logger *zap.Logger, failing func() (consequences string)) Watched {
	return Watched{Store: s, status: status, logger: logger, failing: failing}
}

// Get implements [Store].
func (w Watched) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := w.Store.Get(ctx, key)
	w.observeRead(ctx, err)
	return value, err
}

// Put implements [Store].
func (w Watched) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	err := w.Store.Put(ctx, key, value, ttl)
	w.observeWrite(ctx, err)
	return err
}

// PutIfAbsent implements [Store].
func (w Watched) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	kept, err := w.Store.PutIfAbsent(ctx, key, value, ttl)
	w.observeWrite(ctx, err)
	return kept, err
}

// Take implements [Store].
func (w Watched) Take(ctx context.Context, key string) ([]byte, error) {
	value, err := w.Store.Take(ctx, key)
	w.observeRead(ctx, err)
	return value, err
}

// Delete implements [Store]. It counts as reading: a store that is full can still remove.
func (w Watched) Delete(ctx context.Context, key string) error {
	err := w.Store.Delete(ctx, key)
	w.observeRead(ctx, err)
	return err
}

// Append implements [Store].
func (w Watched) Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error {
	err := w.Store.Append(ctx, journal, value, ttl)
	w.observeWrite(ctx, err)
	return err
}

// Follow implements [Store].
func (w Watched) Follow(journal string) Reader {
	return watchedReader{w.Store.Follow(journal), w}
}

type watchedReader struct {
	Reader
	store Watched
}

// Read implements [Reader].
func (r watchedReader) Read(ctx context.Context) ([][]byte, error) {
	values, err := r.Reader.Read(ctx)
	r.store.observeRead(ctx, err)
	return values, err
}

func (w Watched) observeRead(ctx context.Context, err error) {
	w.observe(ctx, &w.status.readFails, "read", err)
}

func (w Watched) observeWrite(ctx context.Context, err error) {
	w.observe(ctx, &w.status.writeFails, "written", err)
}

func (w Watched) observe(ctx context.Context, fails *atomic.Bool, what string, err error) {
	switch {
	case err == nil || errors.Is(err, ErrNotFound):
		if fails.CompareAndSwap(true, false) {
			w.logger.Info("the store can be " + what + " again")
		}
	case errors.Is(ctx.Err(), context.Canceled): // the caller left, which says nothing about the store
	default:
		if fails.CompareAndSwap(false, true) {
			w.logger.Error("the store cannot be "+what+": "+w.failing(), zap.Error(err))
		}
	}
}

var _ Store = Watched{}
