package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/internal/sitetest"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

// query returns a target with a query of so many bytes in all.
func query(size int) string { return "/page?" + strings.Repeat("x", size-len("/page?")) }

func TestStart_LongAddressesComeBackWhole(t *testing.T) {
	for _, size := range []int{10, 255, 256, 257, 511, 512, 513, 1000, 1999, 2000} {
		w := newWorld(t, sitetest.Options{})
		w.Store.Before(func(method, key string) error {
			if method == "Put" && strings.HasPrefix(key, "target/") && size <= 1000 {
				t.Errorf("%d bytes wait in the store, for which there is room", size)
			}
			return nil
		})
		b := w.Browser()
		a := b.Open(w.protected, query(size))
		head := len("Location") + len(a.To()) + 4
		for _, c := range a.Set {
			head += len("Set-Cookie") + len(c.String()) + 4
		}
		if head > 3600 {
			t.Errorf("%d bytes: the head has %d", size, head)
		}
		u, err := url.Parse(a.To())
		if err != nil {
			t.Fatal(err)
		}
		if isThere := strings.Contains(u.Query().Get("redirect_uri"), "?to="); isThere != (size <= 512) {
			t.Errorf("%d bytes: the target stands in the callback's address: %t", size, isThere)
		}
		b.Open(w.Callback, w.back(a, "emma")).WantTo(t, query(size))
	}
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	b.Open(w.Callback, w.begin(b, query(2001), "emma")).WantTo(t, "/page")
	w.WantLines("too long to be kept", 1)
}

func TestStart_AddressesThatGrowInAnotherStayOutOfIt(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := w.Browser()
	target := "/page?" + strings.Repeat("&", 506) // of which each byte takes five
	a := b.Open(w.protected, target)
	if strings.Contains(a.To(), "%3Fto%3D") {
		t.Errorf("the head has %d bytes of it", len(a.To()))
	}
	b.Open(w.Callback, w.back(a, "emma")).WantTo(t, target)
}

// crowded is a browser with logins in several tabs, whose attempts leave no room.
func crowded(w *world) *sitetest.Browser {
	b := w.Browser()
	for range 5 {
		b.Open(w.protected, query(480))
		w.Clock.Pass(time.Second)
	}
	return b
}

func TestStart_LongAddressesWaitInTheStore(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := crowded(w)
	attempts := b.Count("wechat_login_")
	puts := 0
	w.Store.Before(func(method, key string) error {
		if method == "Put" && strings.HasPrefix(key, "target/") {
			puts++
		}
		return nil
	})
	callback := w.begin(b, query(1500), "emma")
	if puts != 1 || b.Count("wechat_login_") != attempts+1 {
		t.Errorf("%d targets wait, and of %d attempts %d are left", puts, attempts, b.Count("wechat_login_"))
	}
	other := w.another(t) // any instance finishes it
	w.Store.Before(nil)
	b.At(other.Parts).Open(other.Callback, callback).WantTo(t, query(1500))
	w.Clock.Pass(time.Minute)
	b.At(other.Parts).Open(other.Callback, callback).WantTo(t, query(1500)) // spent, it waits still
}

func TestStart_ShortAddressesNeverWait(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	w.Store.Before(func(method, key string) error {
		if method == "Put" {
			t.Errorf("%s is written", key)
		}
		return nil
	})
	b := w.Browser()
	for i := range 40 {
		b.Open(w.protected, query(100+i*4))
		w.Clock.Pass(time.Second)
	}
}

func TestStart_WhereTheStoreFailsAddressesComeAlong(t *testing.T) {
	w := newWorld(t, sitetest.Options{})
	b := crowded(w)
	w.Store.Fail("Put")
	b.Open(w.Callback, w.begin(b, query(1500), "emma")).WantTo(t, query(1500))
	w.WantLines("too long to be kept", 0)
	calls := 0
	w.Store.Before(func(method, _ string) error {
		calls++
		return nil
	})
	w.begin(crowded(w), query(1500), "emma")
	if calls != 0 || !w.Status.IsFailing() {
		t.Errorf("a store that fails is asked %d times", calls)
	}
}

func TestStart_AddressesThatCannotBeHadLeadToTheirPath(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(*world)
		why     string
	}{
		"gone":  {func(w *world) { w.deleteTargets() }, "not there any more"},
		"fails": {func(w *world) { w.Store.Fail("Get") }, "the store failed"},
		"has failed before": {func(w *world) {
			w.Store.Fail("Get")
			w.Works(w.T.Context())
			w.Store.Before(nil)
		}, "the store fails"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sitetest.Options{})
			b := crowded(w)
			callback := w.begin(b, query(1500), "emma")
			tt.prepare(w)
			b.Open(w.Callback, callback).WantTo(t, "/page")
			lines := w.WantLines("cannot be had from the store", 1)
			if why, _ := lines[0]["error"].(string); lines[0]["request_id"] != "request-1" ||
				!strings.Contains(why, tt.why) {
				t.Errorf("got %v", lines)
			}
		})
	}
}

// deleteTargets lets what waits in the store be gone.
func (w *world) deleteTargets() {
	w.Store.Before(func(method, key string) error {
		if method == "Get" && strings.HasPrefix(key, "target/") {
			return store.ErrNotFound
		}
		return nil
	})
}

// askingFirst makes a site whose account asks on a page first, which leaves less room for cookies.
func askingFirst(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, sitetest.Options{})
	w.Account.Asks = func(bool) account.Consent { return account.AskFirst }
	return w
}

// agree goes on from the page that asks to the callback.
func (w *world) agree(b *sitetest.Browser, a *sitetest.Answer) *sitetest.Answer {
	w.T.Helper()
	a.Want(w.T, http.StatusOK)
	_, link, _ := strings.Cut(a.Body, `href="`+sitetest.Platform)
	link, _, _ = strings.Cut(link, `"`)
	a.StatusCode = http.StatusFound
	a.Header.Set("Location", sitetest.Platform+strings.ReplaceAll(link, "&amp;", "&"))
	return b.Open(w.Callback, w.back(a, "emma"))
}

func TestStart_APageLeavesLessRoomForCookies(t *testing.T) {
	for size := 1000; size <= 2000; size += 20 {
		w := askingFirst(t)
		head := 0
		for _, c := range w.Browser().Open(w.protected, query(size)).Set {
			head += len("Set-Cookie") + len(c.String()) + 4
		}
		if head > 3600-900 {
			t.Errorf("%d bytes: the cookies take %d", size, head)
		}
	}
}

func TestStart_APageLeavesLessRoomForAddresses(t *testing.T) {
	w := askingFirst(t)
	puts := 0
	w.Store.Before(func(method, key string) error {
		if method == "Put" {
			puts++
		}
		return nil
	})
	b := w.Browser()
	a := b.Open(w.protected, query(2000))
	if puts != 1 {
		t.Errorf("%d targets wait", puts)
	}
	w.agree(b, a).WantTo(t, query(2000))
}

func TestStart_WhereNothingElseHelpsAPartOfTheAddressIsKept(t *testing.T) {
	longPath, longest := "/"+strings.Repeat("p", 999), "/"+strings.Repeat("p", 1999)
	for target, want := range map[string]string{
		longPath + "?" + strings.Repeat("q", 999): longPath,
		longest:                              "/",
		"/page?" + strings.Repeat("q", 1990): "/page",
	} {
		w := askingFirst(t)
		w.Store.Fail("Put")
		b := w.Browser()
		a := b.Open(w.protected, target)
		head := 0
		for _, c := range a.Set {
			head += len("Set-Cookie") + len(c.String()) + 4
		}
		if head > 3600-900 {
			t.Errorf("%.20s: the cookies take %d bytes", target, head)
		}
		w.agree(b, a).WantTo(t, want)
		w.WantLines("too long to be kept", 1)
	}
}
