package caddystore

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// A journal is a folder of entries with random names, and beside it the name of one that was lately appended, by which
// readers know that there is something new without listing the folder. The order of things is that whoever appends writes
// the entry and then the name, and whoever reads does it the other way round.
func journalFolder(journal string) string { return folder + "journal." + journal }

func latest(journal string) string { return journalFolder(journal) + ".latest" }

// Names of entries are those that rand.Text makes, in lower case. A storage's own temporary files have others.
var entryName = regexp.MustCompile(`^[a-z2-7]{26,}$`)

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, journal string, value []byte, life time.Duration) error {
	if err := store.CheckPut(ctx, journal, value, life); err != nil {
		return err
	}
	name := strings.ToLower(rand.Text())
	if err := s.save(ctx, path.Join(journalFolder(journal), name), value, life); err != nil {
		return err
	}
	return s.save(ctx, latest(journal), []byte(name), store.Forever)
}

// Follow implements [store.Store].
func (s *Store) Follow(journal string) store.Reader { return &reader{store: s, journal: journal} }

type reader struct {
	store   *Store
	journal string
	latest  string              // what the journal's latest was when all was read
	seen    map[string]struct{} // the names of entries that were read
}

// Read implements [store.Reader].
func (r *reader) Read(ctx context.Context) ([][]byte, error) {
	if err := store.Check(ctx, r.journal); err != nil {
		return nil, err
	}
	latest, err := r.store.load(ctx, latest(r.journal))
	if errors.Is(err, store.ErrNotFound) || err == nil && string(latest) == r.latest {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	paths, err := r.store.list(ctx, journalFolder(r.journal), false)
	if err != nil {
		return nil, err
	}
	before := r.seen
	r.seen = make(map[string]struct{}, len(paths))
	var values [][]byte
	for _, p := range paths {
		name := path.Base(p)
		if !entryName.MatchString(name) {
			continue
		}
		if _, ok := before[name]; !ok {
			value, err := r.readEntry(ctx, name)
			if err != nil && !errors.Is(err, store.ErrNotFound) { // an entry that is not there is over
				maps.Copy(r.seen, before)
				return values, err
			}
			if err == nil {
				values = append(values, value)
			}
		}
		r.seen[name] = struct{}{}
	}
	r.latest = string(latest)
	return values, nil
}

func (r *reader) readEntry(ctx context.Context, name string) ([]byte, error) {
	if err := store.Check(ctx, r.journal); err != nil {
		return nil, err
	}
	return r.store.load(ctx, path.Join(journalFolder(r.journal), name))
}
