package storetest

import (
	"context"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// Faulty is a store that fails on demand, for tests of what uses a store. It is as safe for concurrent use as Fail.
type Faulty struct {
	store.Store
	// Fail is asked before each call, by the name of the method, which is Read for a reader, and by the key or journal.
	// An error is the call's; nil lets it through.
	Fail func(method, key string) error
}

// Get implements [store.Store].
func (f Faulty) Get(ctx context.Context, key string) ([]byte, error) {
	if err := f.Fail("Get", key); err != nil {
		return nil, err
	}
	return f.Store.Get(ctx, key)
}

// Put implements [store.Store].
func (f Faulty) Put(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := f.Fail("Put", key); err != nil {
		return err
	}
	return f.Store.Put(ctx, key, value, ttl)
}

// PutIfAbsent implements [store.Store].
func (f Faulty) PutIfAbsent(ctx context.Context, key string, value []byte, ttl time.Duration) ([]byte, error) {
	if err := f.Fail("PutIfAbsent", key); err != nil {
		return nil, err
	}
	return f.Store.PutIfAbsent(ctx, key, value, ttl)
}

// Take implements [store.Store].
func (f Faulty) Take(ctx context.Context, key string) ([]byte, error) {
	if err := f.Fail("Take", key); err != nil {
		return nil, err
	}
	return f.Store.Take(ctx, key)
}

// Delete implements [store.Store].
func (f Faulty) Delete(ctx context.Context, key string) error {
	if err := f.Fail("Delete", key); err != nil {
		return err
	}
	return f.Store.Delete(ctx, key)
}

// Append implements [store.Store].
func (f Faulty) Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error {
	if err := f.Fail("Append", journal); err != nil {
		return err
	}
	return f.Store.Append(ctx, journal, value, ttl)
}

// Follow implements [store.Store].
func (f Faulty) Follow(journal string) store.Reader {
	return faultyReader{f.Store.Follow(journal), f, journal}
}

type faultyReader struct {
	store.Reader
	faulty  Faulty
	journal string
}

// Read implements [store.Reader].
func (r faultyReader) Read(ctx context.Context) ([][]byte, error) {
	if err := r.faulty.Fail("Read", r.journal); err != nil {
		return nil, err
	}
	return r.Reader.Read(ctx)
}

var _ store.Store = Faulty{}
