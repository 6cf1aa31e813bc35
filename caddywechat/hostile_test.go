package caddywechat

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/store"
)

func TestRequestLinesWithoutAPath(t *testing.T) {
	w := makeWorld(t, "http", "/admin/*", "public *")
	for _, line := range []string{
		"GET x:admin/secret HTTP/1.1", "GET http:admin/secret HTTP/1.1", "GET mailto:a@b HTTP/1.1", "CONNECT admin:80 HTTP/1.1", "GET * HTTP/1.1",
		"GET http://h5.example.com HTTP/1.1",
	} {
		conn, err := net.Dial("tcp", w.gate.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "%s\r\nHost: %s\r\nConnection: close\r\n\r\n", line, host)
		all, _ := io.ReadAll(conn)
		conn.Close()
		if !strings.HasPrefix(string(all), "HTTP/1.1 400 ") || w.received() != nil {
			t.Errorf("%s: %.60s", line, all)
		}
	}
}

func TestAbsoluteFormIsJudgedByItsPath(t *testing.T) {
	w := makeWorld(t, "http", "/admin/*", "")
	for path, status := range map[string]string{"/admin/secret": "302", "/else": "200"} {
		conn, err := net.Dial("tcp", w.gate.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET http://%s%s HTTP/1.1\r\nHost: other.example\r\nAccept: text/html\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n", host, path, inWeChat)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if !strings.HasPrefix(res.Status, status) {
			t.Errorf("%s: %s", path, res.Status)
		}
		if location := res.Header.Get("Location"); location != "" && !strings.Contains(location, url.QueryEscape("callback?to=%2Fadmin%2Fsecret")) {
			t.Errorf("%s: Location %s", path, location)
		}
	}
}

// passing sends a request through a handler by itself, as a server would.
func passing(h *Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil)
	h.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil }))
	return w
}

func TestEarlyData(t *testing.T) {
	w := newWorld(t, "")
	for path, status := range map[string]int{
		"/_wechat/callback?code=x&state=y": http.StatusTooEarly, "/_wechat/logout": http.StatusTooEarly, "/_wechat/me": http.StatusUnauthorized,
	} {
		for name, r := range map[string]*http.Request{
			"here":       httptest.NewRequest("GET", "https://"+host+path, nil),
			"at a proxy": httptest.NewRequest("GET", "http://"+host+path, nil),
		} {
			if name == "here" {
				r.TLS = &tls.ConnectionState{HandshakeComplete: false}
			} else {
				r.Header.Set("Early-Data", "1")
			}
			if got := passing(w.handler, r).Code; got != status {
				t.Errorf("%s, early %s: status %d, want %d", path, name, got, status)
			}
		}
	}
}

func TestTheLoopPageSaysWhy(t *testing.T) {
	const noCookies = "Cookie"
	w := newWorld(t, "")
	if err := w.sim.Fault(simulator.Fault{Path: "/sns/oauth2/access_token", Kind: simulator.FaultErrcode, Errcode: 40029}); err != nil {
		t.Fatal(err)
	}
	refused := w.browser(inWeChat)
	if a := refused.follow("/page"); a.StatusCode != http.StatusTooManyRequests || strings.Contains(a.body, noCookies) {
		t.Errorf("WeChat refuses: status %d, %s", a.StatusCode, a.body)
	}
	w.sim.ClearFaults()
	without := w.browser(inWeChat)
	without.cookies = false
	if a := without.follow("/page"); a.StatusCode != http.StatusTooManyRequests || !strings.Contains(a.body, noCookies) {
		t.Errorf("no cookies: status %d, %s", a.StatusCode, a.body)
	}
}

func TestInstancesWithDifferentKeysDoNotPassAVisitorToAndFroForEver(t *testing.T) {
	w := newWorld(t, "")
	directive := "wechat_auth {\nofficial_account " + simulator.DemoAppID + " " + simulator.DemoSecret + "\nplatform " + w.simURL + "\nsession {\nkey %s\n}\n}"
	instances := []*Handler{w.provision(fmt.Sprintf(directive, sessionKey)), w.provision(fmt.Sprintf(directive, strings.ToUpper(sessionKey)))}
	b := w.browser(inWeChat)
	address := "/page"
	for i := range 20 {
		w.swap(instances[i/2%2]) // the authorize page is not theirs
		a := b.open(address)
		if a.StatusCode == http.StatusTooManyRequests {
			return
		}
		address = a.Header.Get("Location")
	}
	t.Error("no end")
}

func TestAnothersRoundsDoNotStopAVisitor(t *testing.T) {
	w := newWorld(t, "")
	attacker := w.browser(inWeChat)
	attacker.cookies = false
	callback := attacker.toCallback("/page")
	for range 2 {
		callback = attacker.open(attacker.open(callback).Header.Get("Location")).Header.Get("Location")
	}
	victim := w.browser(inWeChat)
	theirs := victim.toCallback("/theirs")
	victim.open(callback).wantStatus(t, http.StatusFound)
	victim.open(theirs).wantRedirect(t, "/theirs")
}

func TestCallsToWeChatAreBounded(t *testing.T) {
	w := newWorld(t, "timeout 20s")
	if err := w.sim.Fault(simulator.Fault{Path: "/sns/oauth2/access_token", Kind: simulator.FaultHang}); err != nil {
		t.Fatal(err)
	}
	const callbacks = 300
	var mu sync.Mutex
	busy := 0
	var wait sync.WaitGroup
	for range callbacks {
		b := w.browser(inWeChat)
		callback := b.toCallback("/page")
		wait.Go(func() {
			a := b.send("GET", callback)
			if a.StatusCode == http.StatusServiceUnavailable && a.json(t)["error"] == "wechat_busy" && a.Header.Get("Retry-After") != "" {
				mu.Lock()
				busy++
				mu.Unlock()
			}
		})
	}
	turnedAway := func() int {
		mu.Lock()
		defer mu.Unlock()
		return busy
	}
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && w.exchanges()+turnedAway() < callbacks; {
		time.Sleep(5 * time.Millisecond)
	}
	w.sim.ClearFaults()
	w.sim.Close() // lets those go that hang
	wait.Wait()
	if busy == 0 || w.exchanges() > 256 {
		t.Errorf("%d turned away, %d calls", busy, w.exchanges())
	}
}

func TestASessionThatEndedWhileItWasMade(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	callback := b.toCallback("/page")
	u, _ := url.Parse(w.site("/"))
	before := b.client.Jar.Cookies(u)
	b.open(callback)
	b.logout("")
	b.client.Jar.SetCookies(u, before) // the attempt as it was, unspent
	a := b.open(callback)
	if !strings.HasPrefix(a.Header.Get("Location"), w.simURL) || b.cookie("wechat_session") != "" {
		t.Errorf("status %d to %s", a.StatusCode, a.Header.Get("Location"))
	}
	if w.logs.FilterField(zap.String("reason", "the session that this attempt led to is over")).Len() != 1 {
		t.Errorf("log: %v", w.logs.All())
	}
}

func TestLogoutEndsEverySessionThatTheBrowserCarries(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	first := b.cookie("wechat_session")
	b.login("/_wechat/login?account=official_account")
	second := b.cookie("wechat_session")
	b.logout("", "Cookie: wechat_session="+first)
	for _, cookie := range []string{first, second} {
		w.browser(inWeChat).send("GET", "/_wechat/me", "Cookie: wechat_session="+cookie).wantStatus(t, http.StatusUnauthorized)
	}
}

// brokenStore fails, hangs, or gives what it is told to.
type brokenStore struct {
	store.Store // nil: whatever else is called panics
	value       []byte
	err         error
	hang        chan struct{}
	calls       atomic.Int64
}

func (s *brokenStore) Get(ctx context.Context, _ string) ([]byte, error) {
	s.calls.Add(1)
	if s.hang != nil {
		select {
		case <-s.hang:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.value, s.err
}

func (s *brokenStore) PutIfAbsent(context.Context, string, []byte, time.Duration) ([]byte, error) {
	return nil, s.err
}

func TestTheMadeKeyWhereTheStoreIsBroken(t *testing.T) {
	t.Run("optional pages go on", func(t *testing.T) {
		w := newWorld(t, "store caddy\noptional /o")
		if err := os.WriteFile(filepath.Join(w.storage, "wechat"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		b := w.browser(inWeChat)
		b.open("/o", "Cookie: wechat_session=x").wantStatus(t, http.StatusOK)
		b.open("/page", "Cookie: wechat_session=x").wantStatus(t, http.StatusServiceUnavailable)
	})
}

func TestForeignCookiesDoNotKeepTheServerBusy(t *testing.T) {
	w := newWorld(t, "")
	for n := range 9 {
		cookie := "Cookie: a=1"
		for i := range n {
			cookie += fmt.Sprintf("; wechat_login_%d=junk", i)
		}
		a := w.browser(inWeChat).open("/_wechat/callback?code=x&state=y", cookie)
		want := http.StatusFound // a few may be left from before a key was changed
		if n > 5 {
			want = http.StatusTooManyRequests
		}
		if n != 5 && a.StatusCode != want {
			t.Errorf("%d cookies: status %d, want %d", n, a.StatusCode, want)
		}
	}
}

func TestAnOldCookieDoesNotHideALoop(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.cookies = false // but for one that stays, and never opens
	address := "/page"
	for range 20 {
		a := b.open(address, "Cookie: wechat_login_0=junk")
		if a.StatusCode == http.StatusTooManyRequests {
			return
		}
		address = a.Header.Get("Location")
	}
	t.Error("no end")
}
