package caddywechat

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// targetStore fails for every entry, and counts the calls for targets.
type targetStore struct {
	store.Store
	targets *atomic.Int32
}

func (s targetStore) Put(_ context.Context, key string, _ []byte, _ time.Duration) error {
	s.count(key)
	return store.ErrStore
}

func (s targetStore) Get(_ context.Context, key string) ([]byte, error) {
	s.count(key)
	return nil, store.ErrStore
}

func (s targetStore) count(key string) {
	if strings.HasPrefix(key, "target/") {
		s.targets.Add(1)
	}
}

// failTargets lets the store fail from now on, and returns the count of calls for targets.
func (w *world) failTargets() *atomic.Int32 {
	calls := new(atomic.Int32)
	w.storeOf(w.handler).use(func(s store.Store) store.Store { return targetStore{s, calls} })
	return calls
}

func TestReturnTarget_OfAnyLengthIsKept(t *testing.T) {
	t.Parallel()
	for name, page := range map[string]string{
		"short":                            "/orders?id=5",
		"127 letters":                      chinesePath(127),
		"512 bytes to encode twice":        "/?" + strings.Repeat("&", 510),
		"512 encoded bytes":                "/" + strings.Repeat("%FF", 170),
		"513 bytes":                        longPath(513),
		"1,000 bytes":                      longPath(1000),
		"1,400 bytes":                      longPath(1400),
		"1,600 bytes":                      longPath(1600),
		"1,700 bytes":                      longPath(1700),
		"1,990 bytes":                      longPath(1990),
		"2,000 bytes":                      longPath(2000),
		"a path of 2,000 bytes":            "/" + strings.Repeat("a", 1999),
		"2,000 bytes that begin with //":   "//" + longPath(1998)[1:],
		"2,000 bytes to encode twice":      "/?" + strings.Repeat("&", 1998),
		"2,000 bytes that are not encoded": "/?" + strings.Repeat("\xe5", 1998),
	} {
		t.Run(name, func(t *testing.T) {
			w := makeWorld(t, "https", "", "")
			b := w.browser(inWeChat)
			target := page
			if strings.HasPrefix(page, "//") {
				target = w.site(page)
			}
			b.finishLogin(b.startLogin(page)).wantRedirect(t, target)
			b.open(page).wantStatus(t, http.StatusOK)
			if w.logs.FilterMessageSnippet("too long").Len() > 0 {
				t.Errorf("log: %v", w.logs.All())
			}
		})
	}
}

func TestReturnTarget_LongOneOfARepeatedCallback(t *testing.T) {
	t.Parallel()
	for _, page := range []string{chinesePath(100), longPath(1990)} {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		callback := b.callbackFor(page)
		b.open(callback).wantRedirect(t, page)
		b.open(callback).wantRedirect(t, page) // this instance remembers it
		w.advance(2 * time.Minute)
		want := page
		if len(page) < 1990 {
			want = "/" // it is forgotten
		}
		b.open(callback).wantRedirect(t, want)
	}
}

func TestReturnTarget_LongOneWithAFailingStore(t *testing.T) {
	t.Parallel()
	const message = "the address that a visitor asked for is too long to be kept: they land on its path"
	t.Run("when the login starts", func(t *testing.T) {
		w := newWorld(t, "")
		calls := w.failTargets()
		b := w.browser(inWeChat)
		b.finishLogin(b.startLogin(longPath(1990))).wantRedirect(t, "/p")
		if w.logs.FilterMessage(message).Len() != 1 {
			t.Errorf("log: %v", w.logs.All())
		}
		// A store that is known to fail is not asked.
		w.browser(inWeChat).startLogin(longPath(1990))
		if got := calls.Load(); got > 1 { // none where the failure is known already
			t.Errorf("%d calls to a store that fails", got)
		}
		// A target that fits needs no store.
		b = w.browser(inWeChat)
		b.finishLogin(b.startLogin(chinesePath(127))).wantRedirect(t, chinesePath(127))
		b = w.browser(inWeChat)
		twice := "/?" + strings.Repeat("&", 510) // in the callback URL where there is room
		b.finishLogin(b.startLogin(twice)).wantRedirect(t, twice)
		// The attempt of another tab is dropped where it takes the room.
		b = w.browser(inWeChat)
		b.startLogin(chinesePath(100))
		b.finishLogin(b.startLogin(longPath(1300))).wantRedirect(t, longPath(1300))
		long := "/" + strings.Repeat("a", 1300)
		start := "/_wechat/login?account=official_account&return_to=" + long + "?" + strings.Repeat("b", 600)
		b.finishLogin(b.startLogin(start)).wantRedirect(t, long)
	})
	t.Run("when it returns", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		authorize := b.startLogin(longPath(1990))
		w.failTargets()
		b.finishLogin(authorize).wantRedirect(t, "/p")
		if w.logs.FilterMessageSnippet("cannot be had from the store").Len() != 1 {
			t.Errorf("log: %v", w.logs.All())
		}
	})
	t.Run("the target is read in time", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		authorize := b.startLogin(longPath(1990))
		w.advance(9 * time.Minute)
		b.finishLogin(authorize).wantRedirect(t, longPath(1990))
	})
}

// Addresses that a stranger makes up do not make the header too large either.
func TestReturnTarget_LongOneInOwnResponses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "public_url http://"+host)
	long := "/a?" + strings.Repeat("b", 8000)
	for address, want := range map[string]string{
		"/_wechat/callback?to=" + url.QueryEscape(long):                             "/a",
		"/_wechat/login?return_to=" + url.QueryEscape(long):                         "/a",
		"/_wechat/login?return_to=" + url.QueryEscape("/"+strings.Repeat("中", 700)): "/",
		"http://www.example" + long:                                                 w.site("/a"),
		"http://www.example" + longPath(3000):                                       w.site(longPath(3000)),
	} {
		b := w.browser(inWeChat)
		b.login("/")
		b.open(address).wantSmallHeader(t).wantRedirect(t, want)
	}
	if w.logs.FilterMessageSnippet("too long to be kept").Len() == 0 {
		t.Errorf("log: %v", w.logs.All())
	}
	b := w.browser(inWeChat)
	b.login("/")
	b.logout("?return_to="+url.QueryEscape(long)).wantSmallHeader(t).wantRedirect(t, "/a")
}

func TestReturnTarget_LongOneIsSealedInTheStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	w.browser(inWeChat).startLogin("/p?secret=" + strings.Repeat("q", 1900))
	files, err := filepath.Glob(filepath.Join(w.storage, "wechat", "target", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("in the store: %v %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil || strings.Contains(string(text), "secret") || strings.Contains(string(text), "qqq") {
		t.Errorf("it reads %.80q, %v", text, err)
	}
}

func TestReturnTarget_LengthLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, target, to, want string }{
		{
			"512 bytes stand in the callback URL", "/" + strings.Repeat("a", 511), "/" + strings.Repeat("a", 511),
			"/" + strings.Repeat("a", 511),
		},
		{"513 bytes do not", "/" + strings.Repeat("a", 512), "", "/" + strings.Repeat("a", 512)},
		{"over 2000 bytes lose their query", "/a?" + strings.Repeat("b", 2000), "/a", "/a"},
		{"an endless path becomes /", "/" + strings.Repeat("a", 8000), "/", "/"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newWorld(t, "").browser(inWeChat)
			callback := b.callbackFor(c.target)
			u, err := url.Parse(callback)
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Query().Get("to"); got != c.to {
				t.Errorf("to=%.40q", got)
			}
			b.open(callback).wantRedirect(t, c.want)
		})
	}
}
