package caddywechat

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestIdentityHeaders_OfASession(t *testing.T) {
	t.Parallel()
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

func TestIdentityHeaders_ForgedOnesAreRemoved(t *testing.T) {
	t.Parallel()
	forged := []string{
		"X-Wechat-User: evil", "x-wechat-openid: evil", "X_WECHAT_OPENID: evil", "X.Wechat.Unionid: evil",
		"X-Wechat_Unionid: evil",
		"X-Wechat-Anything: evil", "X-Wecom-Userid: evil", "x_wecom_userid: evil", "X-WX-OPENID: evil",
		"Remote-User: evil", "remote_name: evil",
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

func TestIdentityHeaders_ConnectionCannotRemoveThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	b := w.browser(inWeChat)
	b.login("/")
	b.open("/", "Connection: X-Wechat-User, keep-alive, x_wechat_openid", "Connection: REMOTE-USER")
	if got := w.received().Header["Connection"]; len(got) != 1 || got[0] != "keep-alive" {
		t.Errorf("Connection: %q", got)
	}
}

func TestIdentityHeaders_TrailersCannotForgeThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "public *")
	var trailer http.Header
	w.app = func(_ http.ResponseWriter, r *http.Request) { trailer = r.Trailer.Clone() }
	w.sendRaw("POST / HTTP/1.1\r\nHost: "+host+"\r\nTransfer-Encoding: chunked\r\n"+
		"Trailer: X-Wechat-User, X-Good\r\n\r\n"+
		"1\r\na\r\n0\r\nX-Wechat-User: evil\r\nX-Wechat-Openid: evil\r\nX-Good: good\r\n\r\n").
		wantStatus(t, http.StatusOK)
	if len(trailer) != 1 || trailer.Get("X-Good") != "good" {
		t.Errorf("the app got the trailers %v", trailer)
	}
}

func TestPlaceholders_OfTheIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "optional /o")
	b := w.browser(inWeChat)
	values := func() string {
		repl := w.received().Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
		return repl.ReplaceKnown(strings.Join([]string{
			"{http.auth.user.id}", "{http.auth.user.account}", "{http.auth.user.openid}",
			"{http.auth.user.nickname}", "{http.auth.user.whatever}",
			"{http.wechat.id}", "{http.wechat.nickname}", "{http.wechat.whatever}",
		}, "|"), "")
	}
	b.open("/o")
	if got := values(); got != "|||||||" {
		t.Errorf("without an identity: %s", got)
	}
	b.login("/")
	w.received()
	b.open("/o")
	if got, want := values(), person+"|official_account|"+person+"|||"+person+"||"; got != want {
		t.Errorf("with an identity: %s", got)
	}
}

func TestIdentityHeaders_ByPresetAndName(t *testing.T) {
	t.Parallel()
	w := newProfileWorld(t, "", "headers wxcloud remote_user {\nopenid X-Legacy_Id\n}")
	b := w.browser(inWeChat)
	b.follow("/")
	w.received()
	b.open("/", "X-Legacy-ID: evil", "X_legacy.id: evil", "X-Wechat-User: evil")
	h := w.received().Header
	for name, want := range map[string]string{
		"X-Wx-Openid": person, "X-Wx-Appid": simulator.DemoAppID, "X-Wx-Source": "wx_client", "Remote-User": person,
		"X-Legacy_id":   person,
		"X-Wechat-User": "", "X-Legacy-Id": "", "X-Wx-Unionid": "",
	} {
		if got := h.Get(name); name != "X-Legacy_id" && got != want || name == "X-Legacy_id" && h[name][0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for name, values := range h {
		if values[0] == "evil" {
			t.Errorf("the app got %s: evil", name)
		}
	}
}

// Mini-programs with an older SDK log in at the app itself by X-WX-Code and other headers.
func TestIdentityHeaders_OfOldMiniProgramSDKsReachTheApp(t *testing.T) {
	t.Parallel()
	sdk := []string{"X-WX-Code: c", "X-WX-Encrypted-Data: d", "X-WX-IV: i", "X-WX-Skey: s"}
	forged := []string{"X-WX-OPENID: victim", "x_wx_unionid: victim", "X-WX-From-Openid: victim", "Remote-User: victim"}
	for options, passes := range map[string]bool{"": true, "headers remote_user": true, "headers wxcloud": false} {
		w := newWorld(t, options+"\npublic /open")
		b := w.browser(inWeChat)
		b.follow("/page").wantStatus(t, http.StatusOK)
		for _, path := range []string{"/open", "/page"} {
			w.received()
			b.open(path, append(sdk, forged...)...).wantStatus(t, http.StatusOK)
			r := w.received()
			for _, line := range sdk {
				name, _, _ := strings.Cut(line, ": ")
				if got := r.Header.Get(name) != ""; got != passes {
					t.Errorf("%q %s: the app gets %s: %v", options, path, name, got)
				}
			}
			for name, values := range r.Header {
				if values[0] == "victim" {
					t.Errorf("%q %s: the app gets a forged %s", options, path, name)
				}
			}
		}
	}
}
