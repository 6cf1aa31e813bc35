package caddystore

import (
	"context"
	"errors"
	"maps"
	"path"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// A journal is made of entries, heads, and the name of the last head. Each entry has its writer's name and a number,
// see [writer]; a head has the same, and says that the writer has written the entries up to it. Whoever appends writes
// the entry, then the head, and then the last head's name; whoever reads does it the other way round. So a reader that
// knows up to where it has read each writer's entries sees by the name whether anything is new, and by the heads, of
// which there are a few for each writer, what that is. What it costs to read on depends on that alone: not on how many
// entries there are, nor on any clock.
func journalFolder(journal string) string { return folder + "journal." + journal }

func entries(journal string) string { return journalFolder(journal) + ".entries" }

func heads(journal string) string { return journalFolder(journal) + ".heads" }

func latest(journal string) string { return journalFolder(journal) + ".latest" }

// Append implements [store.Store].
func (s *Store) Append(ctx context.Context, journal string, value []byte, ttl time.Duration) error {
	if err := store.CheckPut(ctx, journal, value, ttl); err != nil {
		return err
	}
	w, err := s.writers.take(ctx, journal)
	if err != nil {
		return err
	}
	defer s.writers.giveBack(journal, w)
	name, headTTL := w.next(s.now(), ttl)
	if err := s.save(ctx, path.Join(entries(journal), name), value, ttl); err != nil {
		return err
	}
	if err := s.save(ctx, path.Join(heads(journal), name), nil, headTTL); err != nil {
		return err
	}
	if err := s.save(ctx, latest(journal), []byte(name), store.Forever); err != nil {
		return err
	}
	if former := w.written(name); former != "" {
		_ = s.remove(ctx, path.Join(heads(journal), former)) // one that stays ends by itself
	}
	return nil
}

// Follow implements [store.Store].
func (s *Store) Follow(journal string) store.Reader { return &reader{store: s, journal: journal} }

type reader struct {
	store   *Store
	journal string
	latest  string            // what the journal's latest was when all was read
	last    map[string]uint64 // the number of the last entry that was read, by writer
	old     map[string]bool   // the entries of the first layout that were read
	oldRead bool              // whether all of those were that were there
}

// few is how many entries of a writer are tried one by one, some of which may be over. Beyond it the folder is listed.
const few = 64

// Read implements [store.Reader].
func (r *reader) Read(ctx context.Context) ([][]byte, error) {
	if err := store.Check(ctx, r.journal); err != nil {
		return nil, err
	}
	content, err := r.store.load(ctx, latest(r.journal))
	latest := string(content)
	if errors.Is(err, store.ErrNotFound) || err == nil && latest == r.latest {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	values, err := r.readOld(ctx, latest)
	if err != nil {
		return values, err
	}
	more, err := r.readOn(ctx, latest)
	values = append(values, more...)
	if err == nil {
		r.latest = latest
	}
	return values, err
}

// readOn returns the entries that each writer has written since the last time.
func (r *reader) readOn(ctx context.Context, latest string) (values [][]byte, err error) {
	paths, err := r.store.list(ctx, heads(r.journal), false)
	if err != nil {
		return nil, err
	}
	heads := make(map[string]uint64)
	for _, p := range append(paths, latest) {
		if writer, number, ok := parseName(path.Base(p)); ok {
			heads[writer] = max(heads[writer], number)
		}
	}
	if r.last == nil {
		r.last = make(map[string]uint64)
	}
	listed := sync.OnceValues(func() (map[string][]uint64, error) { return r.listed(ctx) })
	for writer, head := range heads {
		numbers := numbersBetween(r.last[writer], head)
		if head-min(head, r.last[writer]) > few {
			all, err := listed()
			if err != nil {
				return values, err
			}
			numbers = all[writer]
		}
		for _, number := range numbers {
			if number <= r.last[writer] {
				continue
			}
			value, err := r.entry(ctx, entryName(writer, number))
			if err != nil {
				return values, err
			}
			if value != nil {
				values = append(values, value)
			}
			r.last[writer] = number
		}
		r.last[writer] = max(r.last[writer], head)
	}
	maps.DeleteFunc(r.last, func(writer string, _ uint64) bool { return heads[writer] == 0 }) // all of theirs is over
	return values, nil
}

func numbersBetween(last, head uint64) (numbers []uint64) {
	for number := last + 1; number <= head && number <= last+few; number++ {
		numbers = append(numbers, number)
	}
	return numbers
}

// listed returns the numbers of all entries, in order, by writer.
func (r *reader) listed(ctx context.Context) (map[string][]uint64, error) {
	paths, err := r.store.list(ctx, entries(r.journal), false)
	if err != nil {
		return nil, err
	}
	numbers := make(map[string][]uint64)
	for _, p := range paths {
		if writer, number, ok := parseName(path.Base(p)); ok {
			numbers[writer] = append(numbers[writer], number)
		}
	}
	for _, of := range numbers {
		slices.Sort(of)
	}
	return numbers, nil
}

// entry returns the value of an entry, nil for one that is over, or was never written.
func (r *reader) entry(ctx context.Context, name string) ([]byte, error) {
	return r.load(ctx, path.Join(entries(r.journal), name))
}

func (r *reader) load(ctx context.Context, path string) ([]byte, error) {
	if err := store.Check(ctx, r.journal); err != nil {
		return nil, err
	}
	value, err := r.store.load(ctx, path)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return value, err
}

// In the first layout a journal was a folder of entries with random names, one of which was the latest. They are read
// once, and again where an instance that knows no other layout has written one.
var oldName = regexp.MustCompile(`^[a-z2-7]{26,}$`)

func (r *reader) readOld(ctx context.Context, latest string) (values [][]byte, err error) {
	if r.oldRead && !oldName.MatchString(latest) {
		return nil, nil
	}
	paths, err := r.store.list(ctx, journalFolder(r.journal), false)
	if err != nil {
		return nil, err
	}
	before := r.old
	r.old = make(map[string]bool)
	for _, p := range paths {
		name := path.Base(p)
		if !oldName.MatchString(name) {
			continue
		}
		if !before[name] {
			value, err := r.load(ctx, path.Join(journalFolder(r.journal), name))
			if err != nil {
				maps.Copy(r.old, before)
				return values, err
			}
			if value != nil {
				values = append(values, value)
			}
		}
		r.old[name] = true
	}
	r.oldRead = true
	return values, nil
}
