package caddywechat

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// A program can do nothing with a page to log in at.
func TestAProgramIsToldHowItGetsAToken(t *testing.T) {
	w, b := newMiniProgram(t, "optional /open")
	const bad = "Authorization: Bearer wx1.bad"
	for name, a := range map[string]answer{
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
		if !strings.Contains(message, "wx.login") || !strings.Contains(message, "/_wechat/mini_program/login") || loginURL != "" {
			t.Errorf("%s: %q, login_url %q", name, message, loginURL)
		}
	}
	// A page's script is told of the page.
	if got := b.send("GET", "/api").wantJSON(t, http.StatusUnauthorized, "login_required"); got["login_url"] == "" {
		t.Errorf("got %v", got)
	}

	w.handler = w.provision(fmt.Sprintf("wechat_auth {\nmini_program %s %s\nmobile_app wx0123456789abcdef %s\nkiosk\nuser_id qualified\nprefix /login-here\nplatform %s\n}",
		simulator.DemoMiniProgramAppID, simulator.DemoMiniProgramSecret, strings.Repeat("a1", 16), w.simURL))
	message := b.send("GET", "/page", bad).wantJSON(t, http.StatusUnauthorized, "login_required")["message"]
	for _, part := range []string{
		"wx.login", "/login-here/mini_program/login", "sendAuth", "/login-here/mobile_app/login", "/login-here/kiosk/login",
	} {
		if !strings.Contains(message, part) {
			t.Errorf("%q does not name %s", message, part)
		}
	}
	w.handler = w.provision("wechat_auth {\nofficial_account wx0123456789abcdef " + strings.Repeat("a1", 16) + "\n}")
	if message := b.send("GET", "/page", bad).wantJSON(t, http.StatusUnauthorized, "login_required")["message"]; !strings.Contains(message, "none") {
		t.Errorf("where there are no tokens: %q", message)
	}
}

func TestAnOrderIsJSON(t *testing.T) {
	_, b := newMiniProgram(t, "")
	for name, a := range map[string]answer{
		"a form": b.post("/_wechat/mini_program/login", "code=x", "Content-Type: application/x-www-form-urlencoded"),
		"a form in pieces": b.post("/_wechat/mini_program/login", "--x\r\nContent-Disposition: form-data; name=code\r\n\r\nx\r\n--x--\r\n",
			"Content-Type: multipart/form-data; boundary=x"),
		"nothing":        b.post("/_wechat/mini_program/login", ""),
		"the code alone": b.post("/_wechat/mini_program/login", `"x"`),
		"a number":       b.post("/_wechat/mini_program/login", `{"code":7}`),
		"another name":   b.post("/_wechat/mini_program/login", `{"js_code":"x"}`),
		"from elsewhere": b.post("/_wechat/mini_program/login", `{"code":"x"}`, "Sec-Fetch-Site: cross-site", "Content-Type: text/plain"),
	} {
		message := a.wantJSON(t, http.StatusBadRequest, "bad_request")["message"]
		if !strings.Contains(message, "JSON") || name != "from elsewhere" && !strings.Contains(message, `{"code":"…"}`) {
			t.Errorf("%s: %q", name, message)
		}
	}
}
