package caddystore

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/caddyserver/certmagic"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// faulty is a storage with one entry, whose calls fail where they are told to.
type faulty struct {
	certmagic.Storage                               // nil: whatever else is called panics
	entry                     []byte                // nil for none
	lock, unlock, put, delete error                 // what the calls return
	load                      []error               // what they return one after the other
	unlocked                  func(context.Context) // called with Unlock's context
}

func (f *faulty) Lock(context.Context, string) error { return f.lock }

func (f *faulty) Store(context.Context, string, []byte) error { return f.put }

func (f *faulty) Delete(context.Context, string) error { return f.delete }

func (f *faulty) Unlock(ctx context.Context, _ string) error { f.unlocked(ctx); return f.unlock }

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

func TestStore_FreesItsLockWhicheverCallFails(t *testing.T) {
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

func TestStore_TakesNoLockWithNothingToDo(t *testing.T) {
	s := on(t, &faulty{lock: errors.New("locked")})
	if _, err := s.Take(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("take: %v", err)
	}
	s = on(t, &faulty{lock: errors.New("locked"), entry: make([]byte, endLength)})
	if _, err := s.PutIfAbsent(t.Context(), key, []byte("value"), 0); err != nil {
		t.Errorf("put if absent: %v", err)
	}
}

func TestStore_WaitsSecondsForALockThatIsNeverFree(t *testing.T) {
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
