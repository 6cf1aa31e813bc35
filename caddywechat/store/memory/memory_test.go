package memory

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
	"github.com/caddywechat/caddy-wechat/caddywechat/store/storetest"
)

func TestStore_KeepsTheContracts(t *testing.T) {
	storetest.Run(t, func(t *testing.T, test func(*testing.T, storetest.Backend)) {
		synctest.Test(t, func(t *testing.T) {
			shared := newRecords()
			test(t, storetest.Backend{
				Open: func() store.Store { return &Store{records: shared, now: time.Now} },
				TTL:  time.Hour, Pass: time.Sleep,
			})
		})
	})
}

func inMemory() *Store { return &Store{records: newRecords(), now: time.Now} }

func TestStore_RefusesAndForgetsNothingIfFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inMemory()
		big := make([]byte, store.MaxValue)
		ttl := time.Hour
		n := 0
		var err error
		for ; err == nil; n++ {
			err = s.Put(t.Context(), fmt.Sprintf("key/%d", n), big, ttl)
		}
		n--
		if !errors.Is(err, store.ErrStore) || n < 900 || n > maxBytes/store.MaxValue {
			t.Fatalf("%d were taken, then: %v", n, err)
		}
		if err := s.Append(t.Context(), "log", big, ttl); !errors.Is(err, store.ErrStore) {
			t.Errorf("append: %v", err)
		}
		if _, err := s.PutIfAbsent(t.Context(), "other", big, ttl); !errors.Is(err, store.ErrStore) {
			t.Errorf("put if absent: %v", err)
		}
		for i := range n {
			if _, err := s.Get(t.Context(), fmt.Sprintf("key/%d", i)); err != nil {
				t.Fatalf("what was there is gone: %v", err)
			}
		}
		// A value can still be replaced, and what is removed makes room.
		if err := s.Put(t.Context(), "key/0", big, 2*ttl); err != nil {
			t.Error(err)
		}
		if err := s.Delete(t.Context(), "key/1"); err != nil {
			t.Error(err)
		}
		if err := s.Put(t.Context(), "other", big, ttl); err != nil {
			t.Error(err)
		}
		time.Sleep(ttl)
		if err := s.Put(t.Context(), "next", nil, ttl); err != nil {
			t.Error(err)
		}
		if got := len(s.records.entries); got != 2 {
			t.Errorf("%d entries are left when all but two are over", got)
		}
		if got, want := s.records.bytes, len("key/0")+len(big)+len("next")+2*perRecord; got != want {
			t.Errorf("%d bytes are counted, want %d", got, want)
		}
	})
}

func TestJournal_NeedsNoRoomForWhatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := inMemory()
		appendTo := func(ttl time.Duration) {
			if err := s.Append(t.Context(), "log", []byte("value"), ttl); err != nil {
				t.Fatal(err)
			}
		}
		appendTo(1000 * time.Hour)
		r := s.Follow("log")
		for range 1000 {
			appendTo(time.Minute)
			if got, err := r.Read(t.Context()); err != nil || len(got) == 0 {
				t.Fatalf("got %q, %v", got, err)
			}
			time.Sleep(time.Minute)
		}
		if got := len(s.records.journals["log"].records); got > 50 {
			t.Errorf("%d records are kept for two that live", got)
		}
		if got := len(s.records.ends); got != 2 {
			t.Errorf("%d records have an end", got)
		}
	})
}

func provisioned(t *testing.T) *Store {
	t.Helper()
	s := new(Store)
	if err := s.Provision(caddy.Context{Context: t.Context()}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore_OutlivesAReload(t *testing.T) {
	before := provisioned(t)
	if err := before.Put(t.Context(), "key", []byte("value"), time.Hour); err != nil {
		t.Fatal(err)
	}
	// Caddy provisions the new configuration before it cleans up the old one.
	after := provisioned(t)
	if err := before.Cleanup(); err != nil {
		t.Fatal(err)
	}
	if got, err := after.Get(t.Context(), "key"); err != nil || string(got) != "value" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := after.Cleanup(); err != nil {
		t.Fatal(err)
	}
	later := provisioned(t)
	defer later.Cleanup()
	if _, err := later.Get(t.Context(), "key"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("kept though no configuration named it: %v", err)
	}
}

func TestCleanup_NeedsNoProvision(t *testing.T) {
	if err := new(Store).Cleanup(); err != nil {
		t.Error(err)
	}
}

func TestStore_ReadsCaddyfiles(t *testing.T) {
	if err := new(Store).UnmarshalCaddyfile(caddyfile.NewTestDispenser("memory")); err != nil {
		t.Error(err)
	}
	for _, input := range []string{"memory 64MiB", "memory {\n x\n}"} {
		err := new(Store).UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
		if err == nil || !strings.Contains(err.Error(), "Testfile:") {
			t.Errorf("%q: %v", input, err)
		}
	}
}

func TestStore_IsAModule(t *testing.T) {
	info, err := caddy.GetModule("wechat.stores.memory")
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := info.New().(store.Store); !ok {
		t.Errorf("got %T", info.New())
	}
}
