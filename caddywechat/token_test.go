package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestToken_OpensTheGate(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "optional /open\npublic /public\nuserinfo /profile")
	token := b.token("7")
	for _, header := range []string{
		"Authorization: Bearer " + token, "Authorization: bearer  " + token,
		"X-Wechat-Token: " + token,
	} {
		b.send("GET", "/page", header).wantStatus(t, http.StatusOK)
		r := w.received()
		if r.Header.Get("X-Wechat-User") != "mall:7" || r.Header.Get("X-Wechat-Kiosk-No") != "7" ||
			r.Header.Get("X-Wechat-Account") != "kiosk" {
			t.Errorf("the app got %v", r.Header)
		}
		if strings.Contains(fmt.Sprint(r.Header), "wx1.") {
			t.Errorf("the token went to the app: %v", r.Header)
		}
		if got := b.send("GET", "/_wechat/me", header).json(t); got["kiosk_no"] != "7" {
			t.Errorf("me: %v", got)
		}
	}
	b.send("GET", "/profile", "Authorization: Bearer "+token).wantJSON(t, http.StatusForbidden, "profile_unavailable")
	b.send("GET", "/public", "Authorization: Bearer "+token).wantStatus(t, http.StatusOK)
	if r := w.received(); r.Header.Get("X-Wechat-User") != "" || r.Header.Get("Authorization") != "" {
		t.Errorf("on a public path the app got %v", r.Header)
	}
	b.send("GET", "/public", "Authorization: Bearer the-apps-own").wantStatus(t, http.StatusOK)
	if r := w.received(); r.Header.Get("Authorization") != "Bearer the-apps-own" {
		t.Errorf("the app's own token: %v", r.Header)
	}
}

func TestToken_InvalidOneHasNoFallback(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "optional /open")
	token := b.token("7")
	inside := w.browser(inWeChat)
	inside.follow("/")
	bad := token[:len(token)-4] + "AAAA"
	for _, path := range []string{"/page", "/open", "/_wechat/me"} {
		for name, headers := range map[string][]string{
			"altered":           {"Authorization: Bearer " + bad},
			"empty":             {"X-Wechat-Token: wx1."},
			"two that differ":   {"Authorization: Bearer " + token, "X-Wechat-Token: " + bad},
			"after a tab":       {"Authorization: Bearer\t" + bad},
			"in a list":         {"Authorization: Bearer x, Bearer " + bad},
			"bare":              {"Authorization: " + bad},
			"joined by a proxy": {"Authorization: Bearer " + token + ", Bearer " + bad},
			"a cookie's":        {"Authorization: Bearer wx1." + inside.cookie("wechat_session")},
		} {
			a := inside.send("GET", path, append(headers, "Accept: text/html")...)
			if a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "login_required") {
				t.Errorf("%s, %s: status %d", path, name, a.StatusCode)
			}
		}
	}
	inside.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusOK)
	if got := w.received().Header.Get("X-Wechat-User"); got != "mall:7" {
		t.Errorf("beside a cookie the token stands for %s", got)
	}
	// A token is no cookie either.
	b.send("GET", "/page", "Cookie: wechat_session="+strings.TrimPrefix(token, "wx1.")).
		wantStatus(t, http.StatusUnauthorized)
}

func TestToken_Ends(t *testing.T) {
	w, b := newKioskSite(t, sessionWith("lifetime 7d\nidle 1h"))
	token := b.token("7")
	w.advance(6 * 24 * time.Hour) // a token is never idle
	a := b.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusOK)
	if a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a cookie for a program: %s", a.Header.Get("Set-Cookie"))
	}
	end := b.send("GET", "/_wechat/me", "Authorization: Bearer "+token).json(t)["expires_at"]
	if end != "2026-11-27T09:00:00Z" {
		t.Errorf("it expires at %s", end)
	}
	w.advance(24 * time.Hour)
	b.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusUnauthorized)

	token = b.token("7")
	b.send("POST", "/_wechat/logout", "Authorization: Bearer "+token, "Origin: https://servicewechat.com").
		wantStatus(t, http.StatusOK)
	b.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusUnauthorized)
	token = b.token("8")
	if status, text := requestRevocation(t, "POST", `{"user":"mall:8"}`); status != http.StatusOK {
		t.Fatal(text)
	}
	b.send("GET", "/page", "Authorization: Bearer "+token).wantStatus(t, http.StatusUnauthorized)
}

func TestTokenLogin_Errors(t *testing.T) {
	t.Parallel()
	_, b := newKioskSite(t, "")
	for body, want := range map[string]struct {
		status int
		word   string
	}{
		`{"code":"stale"}`:   {409, "code_used"},
		`{"code":"blocked"}`: {403, "declined"},
		`{"code":"closed"}`:  {403, "not_a_member"},
		`{"code":"down"}`:    {504, "wechat_timeout"},
		`{"code":"busy"}`:    {503, "wechat_busy"},
		`{"code":""}`:        {400, "bad_request"},
		`{"code":7}`:         {400, "bad_request"},
		`code=7`:             {400, "bad_request"},
		`{"code":"` + strings.Repeat("x", 64<<10) + `"}`: {413, "too_large"},
	} {
		b.post("/_wechat/kiosk/login", body).wantJSON(t, want.status, want.word)
	}
	b.send("GET", "/_wechat/kiosk/login").wantJSON(t, http.StatusMethodNotAllowed, "method_not_allowed")
	b.post("/_wechat/kiosk/nothing", "{}").wantJSON(t, http.StatusNotFound, "not_found")
}

func TestToken_WithoutTheKeyHasNoFallback(t *testing.T) {
	t.Parallel()
	w, b := newKioskSite(t, "optional /open\nstore caddy")
	token := b.token("7")
	w.handler = w.otherInstance(w.handler, 0) // it has to read the key from the store
	fail := true
	w.storeOf(w.handler).failWhen(&fail)
	b.send("GET", "/open", "Authorization: Bearer "+token).
		wantJSON(t, http.StatusServiceUnavailable, "store_unavailable")
	b.send("GET", "/open").wantStatus(t, http.StatusOK)
}

// A program has no use for a login page.
func TestToken_RequiredSaysHowToGetOne(t *testing.T) {
	t.Parallel()
	w, b := newMiniProgramSite(t, "optional /open")
	const bad = "Authorization: Bearer wx1.bad"
	for name, a := range map[string]response{
		"a page":                 b.send("GET", "/page", bad),
		"by the other header":    b.send("GET", "/page", "X-Wechat-Token: wx1.bad"),
		"an optional page":       b.send("GET", "/open", bad),
		"as a browser":           b.open("/page", bad),
		"me":                     b.send("GET", "/_wechat/me", bad),
		"decrypt":                b.post("/_wechat/mini_program/decrypt", "{}", bad),
		"decrypt without one":    b.post("/_wechat/mini_program/decrypt", "{}"),
		"phone without one":      b.post("/_wechat/mini_program/phone", "{}"),
		"decrypt by the browser": w.browser(inWeChat).post("/_wechat/mini_program/decrypt", "{}"),
	} {
		got := a.wantJSON(t, http.StatusUnauthorized, "login_required")
		message, loginURL := got["message"], got["login_url"]
		if !strings.Contains(message, "wx.login") || !strings.Contains(message, "/_wechat/mini_program/login") ||
			loginURL != "" {
			t.Errorf("%s: %q, login_url %q", name, message, loginURL)
		}
	}
	// A script of a page gets the login page.
	if got := b.send("GET", "/api").wantJSON(t, http.StatusUnauthorized, "login_required"); got["login_url"] == "" {
		t.Errorf("got %v", got)
	}

	w.handler = w.newHandler(miniProgramAccount, mobileAppAccount, "kiosk", "user_id qualified", "prefix /login-here")
	message := b.send("GET", "/page", bad).wantJSON(t, http.StatusUnauthorized, "login_required")["message"]
	for _, part := range []string{
		"wx.login", "/login-here/mini_program/login", "sendAuth", "/login-here/mobile_app/login",
		"/login-here/kiosk/login",
	} {
		if !strings.Contains(message, part) {
			t.Errorf("%q does not name %s", message, part)
		}
	}
	w.handler = w.provision("wechat_auth {\nofficial_account wx0123456789abcdef " + strings.Repeat("a1", 16) + "\n}")
	message = b.send("GET", "/page", bad).wantJSON(t, http.StatusUnauthorized, "login_required")["message"]
	if !strings.Contains(message, "none") {
		t.Errorf("where there are no tokens: %q", message)
	}
}

func TestTokenLogin_RequiresJSON(t *testing.T) {
	t.Parallel()
	_, b := newMiniProgramSite(t, "")
	for name, a := range map[string]response{
		"a form": b.post("/_wechat/mini_program/login", "code=x", "Content-Type: application/x-www-form-urlencoded"),
		"a form in pieces": b.post("/_wechat/mini_program/login",
			"--x\r\nContent-Disposition: form-data; name=code\r\n\r\nx\r\n--x--\r\n",
			"Content-Type: multipart/form-data; boundary=x"),
		"nothing":        b.post("/_wechat/mini_program/login", ""),
		"the code alone": b.post("/_wechat/mini_program/login", `"x"`),
		"a number":       b.post("/_wechat/mini_program/login", `{"code":7}`),
		"another name":   b.post("/_wechat/mini_program/login", `{"js_code":"x"}`),
		"from elsewhere": b.post("/_wechat/mini_program/login", `{"code":"x"}`, "Sec-Fetch-Site: cross-site",
			"Content-Type: text/plain"),
	} {
		message := a.wantJSON(t, http.StatusBadRequest, "bad_request")["message"]
		if !strings.Contains(message, "JSON") || name != "from elsewhere" &&
			!strings.Contains(message, `{"code":"…"}`) {
			t.Errorf("%s: %q", name, message)
		}
	}
}
