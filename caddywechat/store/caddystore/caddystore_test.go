package caddystore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage" // the storage by default
	"github.com/caddyserver/certmagic"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

const key = "session_key"

func inFolder(t *testing.T) (*Store, string) {
	t.Helper()
	dir := t.TempDir()
	return &Store{storage: &certmagic.FileStorage{Path: dir}, now: time.Now, ctx: t.Context()}, dir
}

// inBubble runs f where time passes at once: the storage's locks wait for seconds, and are looked after for seconds more.
func inBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t)
		time.Sleep(time.Minute)
	})
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	s, _ := inFolder(t)
	value, err := s.Get(t.Context(), key)
	if !errors.Is(err, store.ErrNotFound) || value != nil {
		t.Errorf("got %q, %v", value, err)
	}
}

func TestPutIfAbsentKeepsTheFirstValue(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, _ := inFolder(t)
		for _, value := range []string{"first", "second"} {
			if got, err := s.PutIfAbsent(t.Context(), key, []byte(value)); err != nil || string(got) != "first" {
				t.Errorf("put %s: got %q, %v", value, got, err)
			}
			if got, err := s.Get(t.Context(), key); err != nil || string(got) != "first" {
				t.Errorf("put %s: got %q, %v afterwards", value, got, err)
			}
		}
		if _, err := s.Get(t.Context(), "other"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("another key: got %v", err)
		}
	})
}

func TestAllWhoPutAtOnceGetTheSameValue(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		dir := t.TempDir()
		values := make([]string, 8)
		begun := time.Now()
		var wg sync.WaitGroup
		for i := range values {
			wg.Go(func() {
				// Each is an instance of its own with the same folder.
				s := &Store{storage: &certmagic.FileStorage{Path: dir}}
				value, err := s.PutIfAbsent(t.Context(), key, []byte("of "+strconv.Itoa(i)))
				if err != nil {
					t.Error(err)
				}
				values[i] = string(value)
			})
		}
		wg.Wait()
		t.Logf("the last of %d instances got it after %s", len(values), time.Since(begun))
		for i, value := range values {
			if value != values[0] || !strings.HasPrefix(value, "of ") {
				t.Errorf("number %d got %q, number 0 %q", i, value, values[0])
			}
		}
	})
}

func TestThePlaceIsAFolderOfItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		s, dir := inFolder(t)
		if _, err := s.PutIfAbsent(t.Context(), key, []byte("value")); err != nil {
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
	inBubble(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s := &Store{storage: &certmagic.FileStorage{Path: path}}
		if _, err := s.Get(t.Context(), key); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("Get: %v", err)
		}
		if value, err := s.PutIfAbsent(t.Context(), key, []byte("s3cr3t")); err == nil || value != nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("PutIfAbsent: %q, %v", value, err)
		}
	})
}

// faulty is a storage in memory whose calls fail where they are told to.
type faulty struct {
	certmagic.Storage                             // nil: whatever else is called panics
	lock, unlock, load, put error                 // what the calls return
	unlocked                func(context.Context) // called with Unlock's context
}

func (f *faulty) Lock(context.Context, string) error           { return f.lock }
func (f *faulty) Load(context.Context, string) ([]byte, error) { return nil, f.load }
func (f *faulty) Store(context.Context, string, []byte) error  { return f.put }
func (f *faulty) Unlock(ctx context.Context, _ string) error   { f.unlocked(ctx); return f.unlock }

func TestWhicheverCallFailsItIsAnErrorAndTheLockIsFreed(t *testing.T) {
	fault := errors.New("fault")
	for name, tt := range map[string]struct {
		storage  faulty
		unlocked bool
	}{
		"lock":   {faulty{lock: fault, load: os.ErrNotExist}, false},
		"load":   {faulty{load: fault}, true},
		"store":  {faulty{load: os.ErrNotExist, put: fault}, true},
		"unlock": {faulty{load: os.ErrNotExist, unlock: fault}, true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // a visitor who left must not leave the lock behind
			unlocked := false
			tt.storage.unlocked = func(ctx context.Context) { unlocked = ctx.Err() == nil }
			s := &Store{storage: &tt.storage}
			if _, err := s.PutIfAbsent(ctx, key, []byte("value")); !errors.Is(err, fault) {
				t.Errorf("got %v", err)
			}
			if unlocked != tt.unlocked {
				t.Errorf("unlocked = %v", unlocked)
			}
		})
	}
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

func TestEntriesEndWithTheirLife(t *testing.T) {
	s, dir := inFolder(t)
	var passed atomic.Int64 // a sweep of its own may be reading the clock, too
	s.now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	for _, value := range []string{"first", "second"} {
		if err := s.Put(t.Context(), "area/key", []byte(value), time.Hour); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), "area/key"); err != nil || string(got) != value {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if _, err := s.PutIfAbsent(t.Context(), "kept", []byte("x")); err != nil {
		t.Fatal(err)
	}
	passed.Store(int64(time.Hour))
	if _, err := s.Get(t.Context(), "area/key"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after its life: %v", err)
	}
	s.sweep(t.Context())
	if _, err := os.Stat(filepath.Join(dir, "wechat", "area", "key")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after a sweep the file is still there: %v", err)
	}
	if got, err := s.Get(t.Context(), "kept"); err != nil || string(got) != "x" {
		t.Errorf("what is kept for ever: %q, %v", got, err)
	}
}
