package caddystore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// folders is a storage in memory that counts what it is asked for.
type folders struct {
	certmagic.Storage // nil: whatever else is called panics

	mu                   sync.Mutex
	of                   map[string]map[string][]byte // entries by folder
	loads, lists, listed int                          // calls, and names that lists returned
}

func newFolders() *folders { return &folders{of: make(map[string]map[string][]byte)} }

func (f *folders) Store(_ context.Context, key string, value []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, name := path.Split(key)
	if f.of[dir] == nil {
		f.of[dir] = make(map[string][]byte)
	}
	f.of[dir][name] = slices.Clone(value)
	return nil
}

func (f *folders) Load(_ context.Context, key string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loads++
	dir, name := path.Split(key)
	value, ok := f.of[dir][name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return value, nil
}

func (f *folders) Delete(_ context.Context, key string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	dir, name := path.Split(key)
	delete(f.of[dir], name)
	return nil
}

func (f *folders) List(_ context.Context, prefix string, _ bool) (keys []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists++
	for name := range f.of[prefix+"/"] {
		keys = append(keys, path.Join(prefix, name))
	}
	f.listed += len(keys)
	return keys, nil
}

// cost returns what was asked for since the last time.
func (f *folders) cost() (loads, lists, listed int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	loads, lists, listed = f.loads, f.lists, f.listed
	f.loads, f.lists, f.listed = 0, 0, 0
	return loads, lists, listed
}

// TestReader_CostsTheSameHoweverMuchThereIs: what is new costs itself, with few live entries and with many.
func TestReader_CostsTheSameHoweverMuchThereIs(t *testing.T) {
	for _, live := range []int{10, 1000, 100_000} {
		t.Run(fmt.Sprint(live), func(t *testing.T) {
			storage := newFolders()
			writer, other := on(t, storage), on(t, storage)
			for n := range live {
				mustAppend(t, writer, fmt.Sprint(n))
			}
			mustAppend(t, other, "of another")
			r := on(t, storage).Follow("log")
			if got := mustRead(t, r); len(got) != live+1 {
				t.Fatalf("read %d of %d", len(got), live+1)
			}
			storage.cost()
			for round := range 3 {
				if got := mustRead(t, r); len(got) != 0 {
					t.Errorf("nothing is new, and %q came", got)
				}
				if loads, lists, listed := storage.cost(); loads != 1 || lists != 0 {
					t.Errorf("where nothing is new it takes %d loads and %d lists of %d names", loads, lists, listed)
				}
				mustAppend(t, writer, fmt.Sprint("next ", round))
				mustAppend(t, other, fmt.Sprint("another ", round))
				storage.cost()
				want := []string{fmt.Sprint("another ", round), fmt.Sprint("next ", round)}
				if got := mustRead(t, r); !slices.Equal(got, want) {
					t.Errorf("got %q", got)
				}
				loads, lists, listed := storage.cost()
				t.Logf("two new entries take %d loads and %d lists of %d names", loads, lists, listed)
				if loads != 3 || lists != 1 || listed > 2*(keptHeads+1) {
					t.Errorf("with %d live entries two new ones take %d loads and %d lists of %d names",
						live, loads, lists, listed)
				}
			}
		})
	}
}

func mustAppend(t testing.TB, s *Store, value string) {
	t.Helper()
	if err := s.Append(t.Context(), "log", []byte(value), time.Hour); err != nil {
		t.Fatal(err)
	}
}

// mustRead returns what a reader brings, sorted.
func mustRead(t testing.TB, r store.Reader) (got []string) {
	t.Helper()
	values, err := r.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range values {
		got = append(got, string(value))
	}
	slices.Sort(got)
	return got
}

// Each process has writers of its own, and no more than it has appends at a time.
func TestAppend_HasAWriterOfItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		var wait sync.WaitGroup
		for n := range 100 {
			wait.Go(func() { mustAppend(t, s, fmt.Sprint(n)) })
		}
		wait.Wait()
		for range 100 {
			mustAppend(t, s, "one after the other")
		}
		names, err := os.ReadDir(filepath.Join(dir, "wechat", "journal.log.heads"))
		if err != nil {
			t.Fatal(err)
		}
		byWriter := make(map[string]int)
		for _, name := range names {
			writer, _, _ := parseName(name.Name())
			byWriter[writer]++
		}
		for writer, n := range byWriter {
			if n > keptHeads {
				t.Errorf("%s has %d heads", writer, n)
			}
		}
		if len(byWriter) > maxWriters {
			t.Errorf("%d writers", len(byWriter))
		}
		if got := mustRead(t, at(t, dir).Follow("log")); len(got) != 200 {
			t.Errorf("read %d", len(got))
		}
	})
}

// An append that waits for others goes when its time is over.
func TestAppend_DoesNotWaitForOthersForEver(t *testing.T) {
	s, _ := inFolder(t)
	for range maxWriters {
		if _, err := s.writers.take(t.Context(), "log"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	err := s.Append(ctx, "log", []byte("value"), time.Hour)
	if !errors.Is(err, store.ErrStore) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// What a folder's listing misses at that moment is found by the name of the last head; and nothing else depends on
// heads that are needed no more.
func TestReader_FindsTheLastHeadWithoutAListing(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		r := at(t, dir).Follow("log")
		mustAppend(t, s, "first")
		mustRead(t, r)
		mustAppend(t, s, "second")
		if err := os.RemoveAll(filepath.Join(dir, "wechat", "journal.log.heads")); err != nil {
			t.Fatal(err)
		}
		if got := mustRead(t, r); !slices.Equal(got, []string{"second"}) {
			t.Errorf("got %q", got)
		}
	})
}

// failing is a storage whose n-th writing from now fails.
type failing struct {
	certmagic.Storage
	in int
}

func (f *failing) Store(ctx context.Context, key string, value []byte) error {
	if f.in--; f.in == 0 {
		return errors.New("fault")
	}
	return f.Storage.Store(ctx, key, value)
}

// An append that failed at whatever step takes nothing with it that comes after.
func TestReader_PassesOverAnAppendThatFailed(t *testing.T) {
	for step := 1; step <= 3; step++ {
		inBubble(t, func(t *testing.T) {
			storage := &failing{Storage: &certmagic.FileStorage{Path: t.TempDir()}}
			s := on(t, storage)
			r := on(t, storage).Follow("log")
			mustAppend(t, s, "before")
			mustRead(t, r)
			storage.in = step
			if err := s.Append(t.Context(), "log", []byte("failed"), time.Hour); !errors.Is(err, store.ErrStore) {
				t.Fatalf("step %d: %v", step, err)
			}
			mustAppend(t, s, "after")
			if got := mustRead(t, r); !slices.Contains(got, "after") {
				t.Errorf("step %d: got %q", step, got)
			}
		})
	}
}

// A reader that was away reads all that it missed, whoever wrote it and however long ago, but what is over.
func TestReader_ThatWasAwayReadsAll(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		r := at(t, dir).Follow("log")
		mustAppend(t, s, "first")
		mustRead(t, r)
		want := make(map[string]bool)
		for process := range 2 {
			s = at(t, dir) // another process, or the same after a restart
			for n := range few + 10 {
				value, ttl := fmt.Sprintf("%d of %d", n, process), 1000*time.Hour
				if n%20 == 0 {
					ttl = time.Hour
				} else {
					want[value] = true
				}
				if err := s.Append(t.Context(), "log", []byte(value), ttl); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(24 * time.Hour)
		}
		s.sweep(t.Context())
		for name, reader := range map[string]store.Reader{"away": r, "new": at(t, dir).Follow("log")} {
			if got := mustRead(t, reader); !slices.Equal(got, slices.Sorted(maps.Keys(want))) {
				t.Errorf("%s: read %d, want %d", name, len(got), len(want))
			}
		}
	})
}

// What was written in the first layout is read, and what an instance that knows no other writes beside us.
func TestReader_ReadsJournalsOfTheFirstLayout(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		old := func(number int, value string, ttl time.Duration) {
			name := fmt.Sprintf("%s%026d", "", number)
			name = strings.NewReplacer("0", "a", "1", "b", "8", "c", "9", "d").Replace(name)
			if err := s.save(t.Context(), "wechat/journal.log/"+name, []byte(value), ttl); err != nil {
				t.Fatal(err)
			}
			if err := s.save(t.Context(), "wechat/journal.log.latest", []byte(name), store.Forever); err != nil {
				t.Fatal(err)
			}
		}
		old(1, "old", 100*time.Hour)
		old(2, "ended", time.Hour)
		time.Sleep(time.Hour)
		counting := &counting{Storage: &certmagic.FileStorage{Path: dir}}
		r := on(t, counting).Follow("log")
		if got := mustRead(t, r); !slices.Equal(got, []string{"old"}) {
			t.Errorf("at first %q", got)
		}
		mustAppend(t, s, "new")
		if got := mustRead(t, r); !slices.Equal(got, []string{"new"}) {
			t.Errorf("then %q", got)
		}
		old(3, "beside", 100*time.Hour)
		if got := mustRead(t, r); !slices.Equal(got, []string{"beside"}) {
			t.Errorf("beside us %q", got)
		}
		if got := mustRead(t, at(t, dir).Follow("log")); !slices.Equal(got, []string{"beside", "new", "old"}) {
			t.Errorf("anew %q", got)
		}
		mustAppend(t, s, "newest")
		counting.loads, counting.lists = 0, 0
		mustRead(t, r)
		if counting.loads != 2 || counting.lists != 1 {
			t.Errorf("%d loads and %d lists: the first layout is looked through again", counting.loads, counting.lists)
		}
		time.Sleep(100 * time.Hour)
		s.sweep(t.Context())
		left, err := filepath.Glob(filepath.Join(dir, "wechat", "journal.log*", "*"))
		if err != nil || len(left) > 0 {
			t.Errorf("when all is over %q are left, %v", left, err)
		}
	})
}

// A head stays as long as any entry of its writer, or nobody who comes new would find it.
func TestHead_StaysForItsWritersEntries(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		for journal, ttl := range map[string]time.Duration{"kept": store.Forever, "log": 1000 * time.Hour} {
			if err := s.Append(t.Context(), journal, []byte("long"), ttl); err != nil {
				t.Fatal(err)
			}
			for range keptHeads + 1 {
				if err := s.Append(t.Context(), journal, []byte("short"), time.Hour); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, journal := range []string{"kept", "log"} {
			if err := at(t, dir).Append(t.Context(), journal, []byte("another's"), 1000*time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(10 * time.Hour)
		s.sweep(t.Context())
		for _, journal := range []string{"kept", "log"} {
			if values, err := at(t, dir).Follow(journal).Read(t.Context()); err != nil || len(values) != 2 {
				t.Errorf("%s: %q, %v", journal, values, err)
			}
		}
	})
}

// BenchmarkReader_ReadsOn is what one new entry costs every instance, in a folder, with so many live ones.
func BenchmarkReader_ReadsOn(b *testing.B) {
	for _, live := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(live), func(b *testing.B) {
			dir := b.TempDir()
			storage := &certmagic.FileStorage{Path: dir}
			s := &Store{
				storage: storage, now: time.Now, ctx: b.Context(),
				turns: sync.OnceValue(newTurns), writers: newWriters(),
			}
			mustAppend(b, s, "first")
			w := s.writers.idle["log"][0]
			for w.last < uint64(live) { // as appends do, without their care
				w.last++
				name := filepath.Join(dir, filepath.FromSlash(entries("log")), entryName(w.name, w.last))
				if err := os.WriteFile(name, []byte("\x00\x00\x00\x00\x00\x00\x00\x00value"), 0o600); err != nil {
					b.Fatal(err)
				}
			}
			mustAppend(b, s, "last")
			r := s.Follow("log")
			mustRead(b, r)
			for b.Loop() {
				b.StopTimer()
				mustAppend(b, s, "next")
				b.StartTimer()
				if got := mustRead(b, r); len(got) != 1 {
					b.Fatalf("read %d", len(got))
				}
			}
		})
	}
}
