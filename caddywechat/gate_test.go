package caddywechat

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/gate"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestHeadersThatTheAppGets(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	b.open("/x", "X-Custom: stays")
	want := map[string]string{
		"X-Wechat-User":    person,
		"X-Wechat-Account": "official_account",
		"X-Wechat-Appid":   simulator.DemoAppID,
		"X-Wechat-Openid":  person,
		"X-Wechat-Scope":   "snsapi_base",
	}
	got := w.received().Header
	for name := range got {
		if strings.HasPrefix(name, "X-Wechat-") && want[name] == "" {
			t.Errorf("%s: %s", name, got.Get(name))
		}
	}
	for name, value := range want {
		if got.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, got.Get(name), value)
		}
	}
	if got.Get("X-Custom") != "stays" || got.Get("Cookie") != "" {
		t.Errorf("the app got %v", got)
	}
}

func TestForgedHeadersNeverArrive(t *testing.T) {
	forged := []string{
		"X-Wechat-User: evil", "x-wechat-openid: evil", "X_WECHAT_OPENID: evil", "X.Wechat.Unionid: evil", "X-Wechat_Unionid: evil",
		"X-Wechat-Anything: evil", "X-Wecom-Userid: evil", "x_wecom_userid: evil", "X-WX-OPENID: evil", "Remote-User: evil", "remote_name: evil",
		"X~Wechat~User: evil",
	}
	w := makeWorld(t, "http", "/site/*", "public /site/public\noptional /site/optional\n")
	in := w.browser(inWeChat)
	in.login("/site/")
	out := w.browser(inWeChat)
	for _, c := range []struct {
		name string
		b    *browser
		path string
		user string
	}{
		{"with a session", in, "/site/page", person},
		{"optional with a session", in, "/site/optional", person},
		{"optional without one", out, "/site/optional", ""},
		{"public", out, "/site/public", ""},
		{"public with a session", in, "/site/public", ""},
		{"outside the matcher", out, "/elsewhere", ""},
		{"outside the matcher with a session", in, "/elsewhere", ""},
	} {
		w.received()
		c.b.open(c.path, forged...).wantStatus(t, http.StatusOK)
		r := w.received()
		for name, values := range r.Header {
			for _, v := range values {
				if v == "evil" {
					t.Errorf("%s: the app got %s: %s", c.name, name, v)
				}
			}
		}
		if got := r.Header.Get("X-Wechat-User"); got != c.user {
			t.Errorf("%s: user %q, want %q", c.name, got, c.user)
		}
	}
}

func TestConnectionCannotRemoveHeaders(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	b.open("/", "Connection: X-Wechat-User, keep-alive, x_wechat_openid", "Connection: REMOTE-USER")
	if got := w.received().Header["Connection"]; len(got) != 1 || got[0] != "keep-alive" {
		t.Errorf("Connection: %q", got)
	}
}

func TestTrailersCannotForge(t *testing.T) {
	w := newWorld(t, "public *")
	var trailer http.Header
	w.app = func(_ http.ResponseWriter, r *http.Request) { trailer = r.Trailer.Clone() }
	conn, err := net.Dial("tcp", w.gate.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: %s\r\nTransfer-Encoding: chunked\r\nTrailer: X-Wechat-User, X-Good\r\n\r\n"+
		"1\r\na\r\n0\r\nX-Wechat-User: evil\r\nX-Wechat-Openid: evil\r\nX-Good: good\r\n\r\n", host)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(err, res)
	}
	if len(trailer) != 1 || trailer.Get("X-Good") != "good" {
		t.Errorf("the app got the trailers %v", trailer)
	}
}

func TestRules(t *testing.T) {
	w := makeWorld(t, "http", "/app*", "public /app/a/*\noptional /app/b/*\nlogin /app/c/d/*\npublic /app/c/*\n")
	for path, want := range map[string]gate.Ask{
		"/app":           gate.Login,
		"/app/x":         gate.Login,
		"/app/a/x":       gate.Public,
		"/app/b/x":       gate.Optional,
		"/app/c/x":       gate.Public,
		"/app/c/d/x":     gate.Login,
		"/elsewhere":     gate.Public,
		"/x?y=/app/":     gate.Public,
		"/app/x?/app/a/": gate.Login,

		// What servers disagree on is inside, and never open.
		"/app/a/%2e%2e/x":       gate.Login,
		"/app/a/%2E/x":          gate.Login,
		"/app/a/../x":           gate.Login,
		"/app/a/./x":            gate.Login,
		"/app/a/..":             gate.Login,
		"/app/a/x%2fy":          gate.Login,
		"/app/a/x%5Cy":          gate.Login,
		"/app/a/x\\y":           gate.Login,
		"/app/a/x;y":            gate.Login,
		"/app/a/x%3by":          gate.Login,
		"/app/a/x%252fy":        gate.Login,
		"/app/a/x%00":           gate.Login,
		"/app/a/x%0a":           gate.Login,
		"/app/b/x;y":            gate.Login,
		"/app/a/%c0%ae%C0%AE/x": gate.Login,
		"/app/a/%c1%9cx":        gate.Login,
		"/elsewhere/..;/app":    gate.Login,
		"/elsewhere;x":          gate.Login,
		"/app%23/app/a/x":       gate.Login,
		"/app#/app/a/x":         gate.Login,
		"/app/a/admin%3f.css":   gate.Login,
		"/app/a/admin%23.css":   gate.Login,
		"/app/a/..%20/x":        gate.Login,
		"/app/a/%20.%20./x":     gate.Login,
		"/app/a/.../x":          gate.Login,

		// ASCII in the overlong forms of UTF-8.
		"/app/a/%e0%80%afx":             gate.Login,
		"/app/a/%E0%81%A1dmin":          gate.Login,
		"/app/a/%c1%a1dmin":             gate.Login,
		"/app/a/%f0%80%80%af":           gate.Login,
		"/app/a/%f8%80%80%80%af":        gate.Login,
		"/app/a/%fc%80%80%80%80%af":     gate.Login,
		"/app/a/\xe0\x80\xaf":           gate.Login,
		"/elsewhere/%e0%80%ae%e0%80%ae": gate.Login,

		// More behind a script's name.
		"/app/a/index.php/a.css":     gate.Login,
		"/app/a/index.PHP/":          gate.Login,
		"/app/a/index.php5/a.css":    gate.Login,
		"/app/a/index.ph%70/a.css":   gate.Login,
		"/app/a/index.php%20/a.css":  gate.Login,
		"/app/a/index.php./a.css":    gate.Login,
		"/app/a/index.php.bak/a.css": gate.Login,
		"/app/a/x.phtml/a.css":       gate.Login,
		"/app/a/x.phar/a.css":        gate.Login,
		"/app/a/x.jsp/a.css":         gate.Login,
		"/app/a/x.jspx/a.css":        gate.Login,
		"/app/a/x.asp/a.css":         gate.Login,
		"/app/a/x.aspx/a.css":        gate.Login,
		"/app/a/x.ashx/a.css":        gate.Login,
		"/app/a/x.asmx/a.css":        gate.Login,
		"/app/a/x.cgi/a.css":         gate.Login,
		"/app/a/x.fcgi/a.css":        gate.Login,
		"/app/a/x.pl/a.css":          gate.Login,
		"/app/a/x.py/a.css":          gate.Login,
		"/app/a/x.cfm/a.css":         gate.Login,
		"/app/b/index.php/a":         gate.Login,
		"/elsewhere/index.php/a.css": gate.Login,

		// These mean the same to everybody.
		"/app/a/x%20y":              gate.Public,
		"/app/a/x.y":                gate.Public,
		"/app/a/x?y=;%2f..":         gate.Public,
		"/app/a/..x":                gate.Public,
		"/app/a/x..":                gate.Public,
		"/app/a/index.php":          gate.Public,
		"/app/a/v1.2/x.php":         gate.Public,
		"/app/a/com.python/x":       gate.Public,
		"/app/a/jquery.js/x":        gate.Public,
		"/app/a/php/x.php":          gate.Public,
		"/app/a/x?y=/index.php/a":   gate.Public,
		"/app/a//x.css":             gate.Public,
		"/app/a/%E6%9D%8E.jpg":      gate.Public, // 李 in UTF-8
		"/app/a/%e0%a4%85.jpg":      gate.Public, // three bytes that are no shorter ones
		"/app/a/\xc0\xae\xc0\xae/x": gate.Login,
		"/app/a/x%c0%80":            gate.Login,
		"/app/a/%C0%EE.jpg":         gate.Public, // 李 in GBK
		"/app/a/中":                  gate.Public,
	} {
		w.received()
		a := w.browser(inWeChat).open(path)
		switch want {
		case gate.Public, gate.Optional:
			if a.StatusCode != http.StatusOK || w.received() == nil {
				t.Errorf("%s: status %d, want it passed on", path, a.StatusCode)
			}
		case gate.Login:
			if a.StatusCode != http.StatusFound || w.received() != nil {
				t.Errorf("%s: status %d, want a login", path, a.StatusCode)
			}
		}
	}
}

func TestOptionalForwardsTheIdentityThatThereIs(t *testing.T) {
	w := newWorld(t, "optional /o\npublic /p")
	b := w.browser(inWeChat)
	b.login("/")
	b.open("/o")
	if got := w.received().Header.Get("X-Wechat-User"); got != person {
		t.Errorf("optional: %q", got)
	}
	b.open("/p")
	if got := w.received().Header.Get("X-Wechat-User"); got != "" {
		t.Errorf("public: %q", got)
	}
}

func TestWhatIsNoNavigationGetsJSON(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	for name, send := range map[string]func() answer{
		"fetch": func() answer {
			return b.send("GET", "/api", "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty", "Accept: */*")
		},
		"XHR":  func() answer { return b.open("/api", "X-Requested-With: XMLHttpRequest") },
		"POST": func() answer { return b.send("POST", "/api", "Accept: */*") },
		"form by a script": func() answer {
			return b.send("POST", "/api", "Accept: text/html", "X-Requested-With: XMLHttpRequest")
		},
		"image":    func() answer { return b.send("GET", "/api", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image") },
		"object":   func() answer { return b.open("/api", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: object") },
		"prefetch": func() answer { return b.open("/api", "Sec-Purpose: prefetch;prerender") },
		"OPTIONS":  func() answer { return b.send("OPTIONS", "/api", "Accept: text/html") },
		"WebSocket": func() answer {
			return b.send("GET", "/api", "Connection: Upgrade", "Upgrade: websocket", "Accept: text/html")
		},
		"EventSource":      func() answer { return b.send("GET", "/api", "Accept: text/event-stream") },
		"outside WeChat":   func() answer { return w.browser(onDesktop).send("GET", "/api", "Accept: application/json") },
		"claims of health": func() answer { return w.browser("kube-probe/1.30 GoogleHC/1.0").send("GET", "/api") },
	} {
		t.Run(name, func(t *testing.T) {
			a := send()
			m := a.wantJSON(t, http.StatusUnauthorized, "login_required")
			want := "/_wechat/login?return_to=%2Fapi"
			if name == "POST" || name == "form by a script" || name == "OPTIONS" {
				want = "/_wechat/login?return_to=%2F"
			}
			if m["login_url"] != want || m["request_id"] == "" || m["message"] == "" {
				t.Errorf("body: %s", a.body)
			}
			if a.Header.Get("Set-Cookie") != "" || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("header: %v", a.Header)
			}
			if w.received() != nil {
				t.Error("it reached the app")
			}
		})
	}
	t.Run("login_url leads back to the page that asked", func(t *testing.T) {
		for referer, want := range map[string]string{
			w.site("/page?a=1&b=2"):       "/_wechat/login?return_to=%2Fpage%3Fa%3D1%26b%3D2",
			"https://evil.example/page":   "/_wechat/login?return_to=%2Fapi",
			w.site("//evil.example"):      "/_wechat/login?return_to=%2F",
			w.site("/_wechat/logout"):     "/_wechat/login?return_to=%2F",
			"javascript:alert(1)":         "/_wechat/login?return_to=%2Fapi",
			"http://h5.example.com.evil/": "/_wechat/login?return_to=%2Fapi",
		} {
			if got := b.send("GET", "/api", "Referer: "+referer).json(t)["login_url"]; got != want {
				t.Errorf("%s: %s", referer, got)
			}
		}
	})
	t.Run("Android sends its app's name with navigations", func(t *testing.T) {
		b.open("/page", "X-Requested-With: com.tencent.mm").wantStatus(t, http.StatusFound)
	})
	t.Run("HEAD is a navigation too", func(t *testing.T) {
		b.send("HEAD", "/page", "Accept: text/html").wantStatus(t, http.StatusFound)
	})
}

func TestOutsideWeChat(t *testing.T) {
	t.Run("page", func(t *testing.T) {
		w := newWorld(t, "")
		for _, agent := range []string{onDesktop, onPhone, "", "curl/8"} {
			a := w.browser(agent).open("/orders?id=5&x=<script>")
			a.wantStatus(t, http.StatusForbidden)
			if !strings.Contains(a.body, "h5.example.com/orders?id=5&amp;x=") || strings.Contains(a.body, "<script>&") || w.received() != nil {
				t.Errorf("%s: %s", agent, a.body)
			}
			if a.Header.Get("Set-Cookie") != "" {
				t.Errorf("Set-Cookie: %s", a.Header.Get("Set-Cookie"))
			}
		}
	})
	t.Run("pass", func(t *testing.T) {
		w := newWorld(t, "outside_wechat pass")
		w.browser(onDesktop).open("/page").wantStatus(t, http.StatusOK)
		if got := w.received(); got.Header.Get("X-Wechat-User") != "" {
			t.Errorf("user %q", got.Header.Get("X-Wechat-User"))
		}
		w.browser(onDesktop).send("GET", "/logo.png", "Sec-Fetch-Dest: image").wantStatus(t, http.StatusOK)
		w.browser(inWeChat).open("/page").wantStatus(t, http.StatusFound)
	})
	t.Run("pass, by whoever changes the User-Agent", func(t *testing.T) {
		w := newWorld(t, "outside_wechat pass\nuserinfo /vip/*")
		b := w.browser(inWeChat)
		b.login("/")
		w.received()
		b.agent = onDesktop
		b.open("/vip/").wantStatus(t, http.StatusForbidden)
		b.send("GET", "/vip/data").wantJSON(t, http.StatusUnauthorized, "profile_required")
		w.browser(onDesktop).open("/vip/").wantStatus(t, http.StatusForbidden)
		w.browser(onDesktop).send("GET", "/vip/data").wantJSON(t, http.StatusUnauthorized, "login_required")
		w.browser("").send("POST", "/vip/data").wantJSON(t, http.StatusUnauthorized, "login_required")
		if w.received() != nil {
			t.Error("a page that needs the profile was passed on")
		}
	})
	t.Run("a session counts in any browser", func(t *testing.T) {
		w := newWorld(t, "")
		b := w.browser(inWeChat)
		b.login("/")
		b.agent = onDesktop
		b.open("/page").wantStatus(t, http.StatusOK)
	})
}

func TestForeignCookies(t *testing.T) {
	w := newWorld(t, "optional /optional")
	b := w.browser(inWeChat)
	b.login("/")
	good := b.cookie("wechat_session")
	attempt := ""
	for _, name := range b.cookieNames() {
		if strings.HasPrefix(name, "wechat_login_") {
			attempt = b.cookie(name)
		}
	}
	other := newWorld(t, "")
	otherBrowser := other.browser(inWeChat)
	otherBrowser.login("/")
	for name, cookie := range map[string]string{
		"empty":                   "wechat_session=",
		"garbage":                 "wechat_session=abc",
		"cut":                     "wechat_session=" + good[:len(good)-4],
		"longer":                  "wechat_session=" + good + "AAAA",
		"huge":                    "wechat_session=" + strings.Repeat("A", 20_000),
		"another purpose's":       "wechat_session=" + attempt,
		"another platform's":      "wechat_session=" + otherBrowser.cookie("wechat_session"),
		"two that open":           "wechat_session=" + good + "; wechat_session=" + good,
		"many":                    strings.Repeat("wechat_session=x; ", 10) + "wechat_session=" + good,
		"of https":                "__Host-wechat_session=" + good,
		"no cookies at all":       ";;;=;a",
		"a name that only begins": "wechat_session2=" + good,
	} {
		a := w.browser(inWeChat).open("/page", "Cookie: "+cookie)
		if a.StatusCode != http.StatusFound || !strings.HasPrefix(a.Header.Get("Location"), w.simURL) {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
		w.received()
		w.browser(inWeChat).open("/optional", "Cookie: "+cookie).wantStatus(t, http.StatusOK)
		if got := w.received().Header.Get("X-Wechat-User"); got != "" {
			t.Errorf("%s: the app sees %s", name, got)
		}
	}
	w.browser(inWeChat).open("/page", "Cookie: wechat_session=bad; wechat_session="+good).wantStatus(t, http.StatusOK)
}

func TestOwnCookiesStayHere(t *testing.T) {
	w := newWorld(t, "public /p")
	b := w.browser(inWeChat)
	for sent, want := range map[string]string{
		"a=1; wechat_session=x; b=2":                            "a=1; b=2",
		"wechat_session=x":                                      "",
		"__Host-wechat_session=x; __Secure-wechat_session=y":    "",
		"wechat_login_0=x; __Host-wechat_login_7=y; c=\"q; r\"": `c="q; r"`,
		"wechat_login_8=x; wechat_login_=x; wechat_logins=x":    "wechat_login_8=x; wechat_login_=x; wechat_logins=x",
		"a=wechat_session=x;b = 2 ":                             "a=wechat_session=x;b = 2",
		";;;=;a":                                                ";;;=;a",
		"mywechat_session=1":                                    "mywechat_session=1",
		"wechat_hop=1; a=1":                                     "a=1",
		"wechat_account=website; a=1":                           "a=1",
	} {
		w.received()
		b.open("/p", "Cookie: "+sent)
		if got := w.received().Header.Get("Cookie"); got != want {
			t.Errorf("%s: the app got %q, want %q", sent, got, want)
		}
	}
}

func TestSessionOpensOnlyHere(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	cookie := "Cookie: wechat_session=" + b.cookie("wechat_session")
	w.browser(inWeChat).open("http://"+host+":80/", cookie).wantStatus(t, http.StatusOK)
	w.browser(inWeChat).open("http://H5.Example.com./", cookie).wantStatus(t, http.StatusOK)
	w.browser(inWeChat).open("http://other.example/", cookie).wantStatus(t, http.StatusFound)
	t.Run("not with another app id", func(t *testing.T) {
		w.handler = w.provision("wechat_auth {\nofficial_account wx0000000000000000 " + simulator.DemoSecret + "\nplatform " + w.simURL + "\n}")
		b.open("/").wantStatus(t, http.StatusFound)
	})
}

func TestKeysRotate(t *testing.T) {
	const newKey = "zYxWvUtSrQpOnMlKjIhGfEdCbA9876543210"
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	callback := b.toCallback("/_wechat/login?account=official_account&return_to=/in-progress")
	directive := func(keys string) string {
		return "wechat_auth {\nofficial_account " + simulator.DemoAppID + " " + simulator.DemoSecret + "\nplatform " + w.simURL +
			"\nsession {\nkey " + keys + "\n}\n}"
	}
	w.handler = w.provision(directive(newKey + " " + sessionKey))
	b.open("/").wantStatus(t, http.StatusOK)
	b.open(callback).wantRedirect(t, "/in-progress") // now sealed with the new key
	w.handler = w.provision(directive(newKey))
	b.open("/").wantStatus(t, http.StatusOK)
	w.handler = w.provision(directive(sessionKey))
	b.open("/").wantStatus(t, http.StatusFound)
}

func TestPlaceholders(t *testing.T) {
	w := newWorld(t, "optional /o")
	b := w.browser(inWeChat)
	values := func() string {
		repl := w.received().Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		return repl.ReplaceKnown("{http.auth.user.id}|{http.auth.user.account}|{http.auth.user.openid}|{http.auth.user.nickname}|{http.auth.user.whatever}|{http.wechat.id}|{http.wechat.nickname}|{http.wechat.whatever}", "")
	}
	b.open("/o")
	if got := values(); got != "|||||||" {
		t.Errorf("of nobody: %s", got)
	}
	b.login("/")
	w.received()
	b.open("/o")
	if got, want := values(), person+"|official_account|"+person+"|||"+person+"||"; got != want {
		t.Errorf("of somebody: %s", got)
	}
}

func TestPublicURL(t *testing.T) {
	w := newWorld(t, "public_url http://h5.example.com\npublic /open")
	b := w.browser(inWeChat)
	t.Run("a navigation on another host first goes there", func(t *testing.T) {
		b.open("http://www.example/page?a=1").wantRedirect(t, "http://h5.example.com/page?a=1")
		b = w.browser(inWeChat)
		b.open("http://www.example/_wechat/login?return_to=/x").wantRedirect(t, "http://h5.example.com/_wechat/login?return_to=/x")
		b.open("http://www.example/open").wantStatus(t, http.StatusOK)
	})
	t.Run("a proxy that changes the Host is no other host", func(t *testing.T) {
		b := w.browser(inWeChat)
		a := b.open("http://backend.example/page")
		a.wantRedirect(t, "http://h5.example.com/page")
		a = b.open("http://backend.example/page") // the browser was on the public host all the time, and has its cookie
		if !strings.HasPrefix(a.Header.Get("Location"), w.simURL) {
			t.Errorf("Location: %s", a.Header.Get("Location"))
		}
	})
	t.Run("the callback is there", func(t *testing.T) {
		b := w.browser(inWeChat)
		if callback := b.toCallback("/page"); !strings.HasPrefix(callback, "http://h5.example.com/_wechat/callback?to=%2Fpage&code=") {
			t.Errorf("callback %s", callback)
		}
	})
}

func TestForwardedHeadersOfStrangersAreIgnored(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	for range 3 {
		a := b.open("/page", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example;proto=https")
		location, err := url.Parse(a.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		if got := location.Query().Get("redirect_uri"); !strings.HasPrefix(got, "http://h5.example.com/") {
			t.Errorf("redirect_uri %s", got)
		}
	}
	if got := w.logs.FilterMessageSnippet("trusted_proxies").Len(); got != 1 {
		t.Errorf("%d hints", got)
	}
}

func TestHostsThatAreNone(t *testing.T) {
	w := newWorld(t, "public /open")
	for _, hostile := range []string{"evil.example\"><script>", "a@b.example", "h5.example.com:x", "[::1", "a b"} {
		conn, err := net.Dial("tcp", w.gate.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nAccept: text/html\r\nUser-Agent: %s\r\nConnection: close\r\n\r\n", hostile, inWeChat)
		all, _ := io.ReadAll(conn)
		conn.Close()
		if !strings.HasPrefix(string(all), "HTTP/1.1 400 ") || strings.Contains(string(all), "Location") {
			t.Errorf("%s: %.100s", hostile, all)
		}
	}
}

func TestSecondGateOnOneRequest(t *testing.T) {
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	second := w.provision("wechat_auth {\nofficial_account " + simulator.DemoAppID + " " + simulator.DemoSecret + "\n}")
	logs := w.logs
	w.app = func(rw http.ResponseWriter, r *http.Request) {
		if err := second.ServeHTTP(rw, r, nil); err == nil {
			t.Error("the second wechat_auth passed the request on")
		}
	}
	b.open("/")
	if logs.FilterMessageSnippet("two wechat_auth").Len() != 1 {
		t.Error("no log line")
	}
}
