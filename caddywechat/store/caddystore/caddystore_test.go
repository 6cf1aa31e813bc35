package caddystore

import (
	"context"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
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
	return &Store{
		storage: storage, now: time.Now, ctx: t.Context(),
		turns: sync.OnceValue(newTurns), writers: newWriters(),
	}
}

// inBubble runs f where time passes at once: the storage's locks wait for seconds, and are looked after for seconds
// more.
func inBubble(t *testing.T, f func(*testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f(t)
		time.Sleep(time.Minute)
	})
}

func TestStore_KeepsTheContracts(t *testing.T) {
	storetest.Run(t, func(t *testing.T, test func(*testing.T, storetest.Backend)) {
		inBubble(t, func(t *testing.T) {
			dir := t.TempDir()
			test(t, storetest.Backend{
				// Each is an instance of its own with the same folder.
				Open: func() store.Store { return at(t, dir) },
				TTL:  time.Hour, Pass: time.Sleep,
			})
		})
	})
}

func TestStore_HasAFolderOfItsOwn(t *testing.T) {
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

func TestStore_TakesNoBrokenStorageForAMissingEntry(t *testing.T) {
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
		if !errors.Is(err, store.ErrStore) || errors.Is(err, store.ErrNotFound) ||
			strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStore_ReadsEntriesOfTheFirstVersion(t *testing.T) {
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
			t.Errorf("after its ttl: %v", err)
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

func TestReader_IsCheapIfNothingIsNew(t *testing.T) {
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
				t.Errorf("got %d values, %v, by %d loads and %d lists, want %+v",
					len(values), err, c.loads, c.lists, want)
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

func TestReader_GoesOnWhereItFailed(t *testing.T) {
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
		values, err := r.Read(t.Context())
		if !errors.Is(err, fault) || !errors.Is(err, store.ErrStore) || values != nil {
			t.Errorf("got %q, %v", values, err)
		}
		if values, err := r.Read(t.Context()); err != nil || len(values) != 3 {
			t.Errorf("got %q, %v", values, err)
		}
	})
}

func TestProvision_DoesNotTouchTheStorage(t *testing.T) {
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

func TestStore_ReadsCaddyfiles(t *testing.T) {
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

func TestStore_IsAModule(t *testing.T) {
	info, err := caddy.GetModule("wechat.stores.caddy")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := info.New().(store.Store); !ok {
		t.Errorf("got %T", info.New())
	}
}
