package caddystore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// Caddy's storage knows no expiry, so entries carry their own, and those that are over are removed from time to time.
// An entry is the second of its end, 0 for none, as eight bytes, and the value.
const endLength = 8

// load returns the value of the entry at a path of the storage.
func (s *Store) load(ctx context.Context, path string) ([]byte, error) {
	entry, err := s.storage.Load(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", store.ErrNotFound, path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: reading %s from Caddy's storage: %w", store.ErrStore, path, err)
	}
	if len(entry) < endLength || s.isOver(entry) {
		return nil, fmt.Errorf("%w: %s", store.ErrNotFound, path)
	}
	return entry[endLength:], nil
}

// isOver reports whether an entry's time is over.
func (s *Store) isOver(entry []byte) bool {
	end := binary.BigEndian.Uint64(entry)
	return end != 0 && end <= uint64(s.now().Unix())
}

// save keeps a value at a path of the storage.
func (s *Store) save(ctx context.Context, path string, value []byte, ttl time.Duration) error {
	end := s.now().Add(ttl + time.Second - 1).Unix()
	if ttl == store.Forever {
		end = 0
	}
	entry := append(binary.BigEndian.AppendUint64(nil, uint64(end)), value...)
	if err := s.storage.Store(ctx, path, entry); err != nil {
		return fmt.Errorf("%w: writing %s to Caddy's storage: %w", store.ErrStore, path, err)
	}
	s.sweepNowAndThen()
	return nil
}

// remove removes the entry at a path of the storage, if there is one.
func (s *Store) remove(ctx context.Context, path string) error {
	if err := s.storage.Delete(ctx, path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: removing %s from Caddy's storage: %w", store.ErrStore, path, err)
	}
	return nil
}

// listTries is how often a folder is listed until it stands still for long enough.
const listTries = 10

// list returns what is in a folder of the storage, nothing where there is no such folder.
func (s *Store) list(ctx context.Context, folder string, recursive bool) ([]string, error) {
	var paths []string
	var err error
	for range listTries {
		// Certmagic's folders are listed in two steps, and a file that vanishes between them is an error: the storage's
		// own temporary ones do so at every writing.
		if paths, err = s.storage.List(ctx, folder, recursive); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if !s.storage.Exists(ctx, folder) {
			return nil, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: listing %s in Caddy's storage: %w", store.ErrStore, folder, err)
	}
	return paths, nil
}
