package caddystore

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage" // the storage by default
	"github.com/caddyserver/certmagic"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
)

const key = "session_key"

// Tests sweep when they say so.
func init() { lastSweep.Store(math.MaxInt64) }

func inFolder(t *testing.T) (*Store, string) {
	t.Helper()
	dir := t.TempDir()
	return at(t, dir), dir
}

func at(t *testing.T, dir string) *Store { return on(t, &certmagic.FileStorage{Path: dir}) }

func on(t *testing.T, storage certmagic.Storage) *Store {
	return &Store{storage: storage, now: time.Now, ctx: t.Context(), turns: sync.OnceValue(newTurns), writers: newWriters()}
}

// inBubble runs f where time passes at once: the storage's locks wait for seconds, and are looked after for seconds more.
func inBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t)
		time.Sleep(time.Minute)
	})
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T, test func(*testing.T, storetest.Backend)) {
		inBubble(t, func(t *testing.T) {
			dir := t.TempDir()
			test(t, storetest.Backend{
				// Each is an instance of its own with the same folder.
				Open: func() store.Store { return at(t, dir) },
				Life: time.Hour, Pass: time.Sleep,
			})
		})
	})
}

func TestThePlaceIsAFolderOfItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		if _, err := s.PutIfAbsent(t.Context(), key, []byte("value"), 0); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "wechat", key)
		if b, err := os.ReadFile(path); err != nil || !strings.HasSuffix(string(b), "value") {
			t.Errorf("got %q, %v", b, err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read the key: %v, %v", info.Mode(), err)
		}
		if locks, err := filepath.Glob(filepath.Join(dir, "locks", "*")); err != nil || len(locks) != 0 {
			t.Errorf("left the locks %q, %v", locks, err)
		}
	})
}

func TestABrokenStorageIsAnErrorAndNoMissingEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := at(t, path)
	_, get := s.Get(t.Context(), key)
	_, put := s.PutIfAbsent(t.Context(), key, []byte("s3cr3t"), 0)
	_, take := s.Take(t.Context(), key)
	_, read := s.Follow("log").Read(t.Context())
	for name, err := range map[string]error{
		"get": get, "put": s.Put(t.Context(), key, []byte("s3cr3t"), time.Hour), "put if absent": put, "take": take,
		"append": s.Append(t.Context(), "log", []byte("s3cr3t"), time.Hour), "read": read,
	} {
		if !errors.Is(err, store.ErrStore) || errors.Is(err, store.ErrNotFound) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// faulty is a storage with one entry, whose calls fail where they are told to.
type faulty struct {
	certmagic.Storage                               // nil: whatever else is called panics
	entry                     []byte                // nil for none
	lock, unlock, put, delete error                 // what the calls return
	load                      []error               // what they return one after the other
	unlocked                  func(context.Context) // called with Unlock's context
}

func (f *faulty) Lock(context.Context, string) error          { return f.lock }
func (f *faulty) Store(context.Context, string, []byte) error { return f.put }
func (f *faulty) Delete(context.Context, string) error        { return f.delete }
func (f *faulty) Unlock(ctx context.Context, _ string) error  { f.unlocked(ctx); return f.unlock }

func (f *faulty) Load(context.Context, string) ([]byte, error) {
	if len(f.load) > 0 {
		err := f.load[0]
		f.load = f.load[1:]
		return f.entry, err
	}
	if f.entry == nil {
		return nil, os.ErrNotExist
	}
	return f.entry, nil
}

func TestWhicheverCallFailsItIsAnErrorAndTheLockIsFreed(t *testing.T) {
	fault := errors.New("fault")
	there := make([]byte, endLength+1)
	for name, tt := range map[string]struct {
		call     string
		storage  faulty
		unlocked bool
	}{
		"first load":        {"put", faulty{load: []error{fault}}, false},
		"lock":              {"put", faulty{lock: fault}, false},
		"second load":       {"put", faulty{load: []error{os.ErrNotExist, fault}}, true},
		"store":             {"put", faulty{put: fault}, true},
		"unlock":            {"put", faulty{unlock: fault}, true},
		"take, first load":  {"take", faulty{load: []error{fault}}, false},
		"take, lock":        {"take", faulty{entry: there, lock: fault}, false},
		"take, second load": {"take", faulty{entry: there, load: []error{nil, fault}}, true},
		"take, delete":      {"take", faulty{entry: there, delete: fault}, true},
		"take, unlock":      {"take", faulty{entry: there, unlock: fault}, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			unlocked := false
			tt.storage.unlocked = func(ctx context.Context) {
				_, bounded := ctx.Deadline()
				unlocked = ctx.Err() == nil && bounded
			}
			s := on(t, &leaving{&tt.storage, cancel})
			var value []byte
			var err error
			if tt.call == "put" {
				value, err = s.PutIfAbsent(ctx, key, []byte("value"), 0)
			} else {
				value, err = s.Take(ctx, key)
			}
			if !errors.Is(err, fault) || !errors.Is(err, store.ErrStore) || value != nil {
				t.Errorf("got %q, %v", value, err)
			}
			if unlocked != tt.unlocked {
				t.Errorf("unlocked = %v", unlocked)
			}
		})
	}
}

// leaving is a storage whose lock makes the visitor leave: that must not leave the lock behind.
type leaving struct {
	*faulty
	leave context.CancelFunc
}

func (l *leaving) Lock(ctx context.Context, name string) error {
	l.leave()
	return l.faulty.Lock(ctx, name)
}

func TestAGuessOrASecondTryTakesNoLock(t *testing.T) {
	s := on(t, &faulty{lock: errors.New("locked")})
	if _, err := s.Take(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("take: %v", err)
	}
	s = on(t, &faulty{lock: errors.New("locked"), entry: make([]byte, endLength)})
	if _, err := s.PutIfAbsent(t.Context(), key, []byte("value"), 0); err != nil {
		t.Errorf("put if absent: %v", err)
	}
}

func TestALockThatIsNeverFreeIsWaitedForSeconds(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, _ := inFolder(t)
		if err := s.storage.Lock(t.Context(), folder+key+".lock"); err != nil {
			t.Fatal(err)
		}
		begun := time.Now()
		_, err := s.PutIfAbsent(t.Context(), key, []byte("value"), 0)
		if !errors.Is(err, store.ErrStore) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(begun); waited != lockTimeout {
			t.Errorf("waited %s", waited)
		}
		if err := s.storage.Unlock(t.Context(), folder+key+".lock"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestEntriesOfTheFirstVersionAreRead(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		if err := os.MkdirAll(filepath.Join(dir, "wechat"), 0o700); err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(time.Hour).Unix()
		for name, entry := range map[string]string{
			"session_key": "\x00\x00\x00\x00\x00\x00\x00\x00for ever",
			"for_an_hour": string(binary.BigEndian.AppendUint64(nil, uint64(end))) + "for an hour",
			"torn":        "\x00\x00",
		} {
			if err := os.WriteFile(filepath.Join(dir, "wechat", name), []byte(entry), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for name, want := range map[string]string{"session_key": "for ever", "for_an_hour": "for an hour"} {
			if got, err := s.Get(t.Context(), name); err != nil || string(got) != want {
				t.Errorf("%s: got %q, %v", name, got, err)
			}
		}
		if _, err := s.Get(t.Context(), "torn"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a torn entry: %v", err)
		}
		time.Sleep(time.Hour)
		if _, err := s.Get(t.Context(), "for_an_hour"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("after its life: %v", err)
		}
	})
}

// counting counts what is asked of a storage.
type counting struct {
	certmagic.Storage
	loads, lists int
	fail         error // of the next but one load
}

func (c *counting) Load(ctx context.Context, path string) ([]byte, error) {
	if c.loads++; c.loads == 2 && c.fail != nil {
		return nil, c.fail
	}
	return c.Storage.Load(ctx, path)
}

func (c *counting) List(ctx context.Context, path string, recursive bool) ([]string, error) {
	c.lists++
	return c.Storage.List(ctx, path, recursive)
}

func TestReadingWhereNothingIsNewIsCheap(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		for range 10 {
			if err := s.Append(t.Context(), "log", []byte("value"), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		c := &counting{Storage: &certmagic.FileStorage{Path: dir}}
		r := on(t, c).Follow("log")
		for _, want := range []struct{ values, loads, lists int }{{10, 11, 2}, {0, 1, 0}, {0, 1, 0}} {
			c.loads, c.lists = 0, 0
			values, err := r.Read(t.Context())
			if err != nil || len(values) != want.values || c.loads != want.loads || c.lists != want.lists {
				t.Errorf("got %d values, %v, by %d loads and %d lists, want %+v", len(values), err, c.loads, c.lists, want)
			}
		}
		// The next one costs itself.
		if err := s.Append(t.Context(), "log", []byte("value"), time.Hour); err != nil {
			t.Fatal(err)
		}
		c.loads, c.lists = 0, 0
		if values, err := r.Read(t.Context()); err != nil || len(values) != 1 || c.loads != 2 || c.lists != 1 {
			t.Errorf("got %d values, %v, by %d loads and %d lists", len(values), err, c.loads, c.lists)
		}
	})
}

func TestAReadThatFailedGoesOnWhereItWas(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		for range 3 {
			if err := s.Append(t.Context(), "log", []byte("value"), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		fault := errors.New("fault")
		c := &counting{Storage: &certmagic.FileStorage{Path: dir}, fail: fault}
		r := on(t, c).Follow("log")
		if values, err := r.Read(t.Context()); !errors.Is(err, fault) || !errors.Is(err, store.ErrStore) || values != nil {
			t.Errorf("got %q, %v", values, err)
		}
		if values, err := r.Read(t.Context()); err != nil || len(values) != 3 {
			t.Errorf("got %q, %v", values, err)
		}
	})
}

func TestProvisionDoesNotTouchTheStorage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "storage")
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		Admin:      &caddy.AdminConfig{Disabled: true},
		StorageRaw: []byte(`{"module":"file_system","root":"` + filepath.ToSlash(dir) + `"}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := new(Store)
	if err := s.Provision(ctx); err != nil || s.storage == nil {
		t.Fatalf("got %v, %v", s.storage, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "wechat")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the storage was touched: %v", err)
	}
}

func TestCaddyfile(t *testing.T) {
	if err := new(Store).UnmarshalCaddyfile(caddyfile.NewTestDispenser("caddy")); err != nil {
		t.Error(err)
	}
	for _, input := range []string{"caddy x", "caddy {\n x\n}", "caddy /var/lib"} {
		err := new(Store).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
		if err == nil || !strings.Contains(err.Error(), "Testfile:") {
			t.Errorf("%q: %v", input, err)
		}
	}
}

func TestTheModuleIsKnown(t *testing.T) {
	info, err := caddy.GetModule("wechat.stores.caddy")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := info.New().(store.Store); !ok {
		t.Errorf("got %T", info.New())
	}
}

func TestASweepRemovesWhatIsOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		for _, key := range []string{"area/short", "short"} {
			if err := s.Put(t.Context(), key, []byte("value"), time.Hour); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Put(t.Context(), "area/long", []byte("value"), 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		if err := s.Append(t.Context(), "log", []byte("value"), time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := s.PutIfAbsent(t.Context(), "kept", []byte("value"), 0); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		s.sweep(t.Context())
		var left []string
		root := os.DirFS(dir)
		if err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				left = append(left, path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"wechat/area/long", "wechat/journal.log.latest", "wechat/kept"}; !slices.Equal(left, want) {
			t.Errorf("left are %q, want %q", left, want)
		}
	})
}

// renewing is a storage where an entry that was found over is put anew before it can be removed.
type renewing struct {
	certmagic.Storage
	renew func()
}

func (r *renewing) Lock(ctx context.Context, name string) error {
	r.renew()
	return r.Storage.Lock(ctx, name)
}

func TestASweepLeavesWhatIsPutMeanwhile(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		if err := s.Put(t.Context(), key, []byte("old"), time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		on(t, &renewing{&certmagic.FileStorage{Path: dir}, func() {
			if err := s.Put(t.Context(), key, []byte("new"), time.Hour); err != nil {
				t.Error(err)
			}
		}}).sweep(t.Context())
		if got, err := s.Get(t.Context(), key); err != nil || string(got) != "new" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestWritingSweepsOnceADay(t *testing.T) {
	lastSweep.Store(0)
	defer lastSweep.Store(math.MaxInt64)
	inBubble(t, func(t *testing.T) {
		c := &counting{Storage: &certmagic.FileStorage{Path: t.TempDir()}}
		s := on(t, c)
		for hour := range 48 {
			if err := s.Put(t.Context(), key, []byte("value"), 100*time.Hour); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if want := 1 + hour/24; c.lists != want {
				t.Fatalf("%d sweeps after %d hours", c.lists, hour)
			}
			time.Sleep(time.Hour)
		}
	})
}
