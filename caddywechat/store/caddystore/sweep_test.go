package caddystore

import (
	"context"
	"io/fs"
	"math"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	_ "github.com/caddyserver/caddy/v2/modules/filestorage"
	"github.com/caddyserver/certmagic"
)

func TestSweep_RemovesWhatIsOver(t *testing.T) {
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

func TestSweep_LeavesWhatIsPutMeanwhile(t *testing.T) {
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

func TestSweep_IsOnceADay(t *testing.T) {
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
