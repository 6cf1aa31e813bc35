package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

func sessionPath(code string) string {
	return codeSessionPath + "?appid=" + DemoMiniProgramAppID + "&secret=" + DemoMiniProgramSecret + "&js_code=" +
		code + "&grant_type=authorization_code"
}

func (h *harness) session(code string) miniReply {
	h.Helper()
	return h.mini(sessionPath(code))
}

func TestCodeSession_GivesSessionKeyAndIDs(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	code := h.miniCode("emma")
	r := h.get(sessionPath(code))
	shape := regexp.MustCompile(`^{"session_key":"[0-9A-Za-z+\\/]{22,}==","openid":"o[0-9A-Za-z_-]{27}",` +
		`"unionid":"o[0-9A-Za-z_-]{27}"}$`)
	if !shape.MatchString(r.body) ||
		r.header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %v %s", r.header, r.body)
	}
	var got miniReply
	json.Unmarshal([]byte(r.body), &got)
	key, err := base64.StdEncoding.DecodeString(got.SessionKey)
	if err != nil || len(key) != 16 || got.OpenID != OpenID(DemoMiniProgramAppID, "emma") ||
		*got.UnionID != UnionID(DemoOpenPlatform, "emma") {
		t.Errorf("got %+v", got)
	}
	h.wantErr("again", h.get(sessionPath(code)), 40163)
	late := h.miniCode("")
	h.advance(5 * time.Minute)
	h.wantErr("too late", h.get(sessionPath(late)), 40029)
	if got := h.session(h.miniCode("")); got.OpenID != OpenID(DemoMiniProgramAppID, "xiaoming") {
		t.Errorf("who holds the phone: got %+v", got)
	}
}

func TestCodeSession_RefusesBadRequests(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	code := h.miniCode("")
	for _, test := range []struct {
		old, new string
		want     int
	}{
		{DemoMiniProgramAppID, "", 41002},
		{DemoMiniProgramSecret, "", 41004},
		{"js_code=" + code, "js_code=", 41008},
		{"authorization_code", "client_credential", 40002},
		{DemoMiniProgramAppID, DemoAppID, 40013},
		{DemoMiniProgramAppID, "wxffffffffffffffff", 40013},
		{DemoMiniProgramSecret, DemoSecret, 40125},
		{code, h.silentCode(), 40029},
		{code, h.phoneCode(""), 40029},
		{code, "x", 40029},
	} {
		h.wantErr(test.new, h.get(strings.Replace(sessionPath(code), test.old, test.new, 1)), test.want)
	}
	h.wantErr("POST", h.send("POST", sessionPath(code), ""), 43001)
	webLogin := strings.Replace(sessionPath(code), codeSessionPath, accessTokenPath, 1) + "&code=" + code
	h.wantErrcode(webLogin, 40029)
	for _, errcode := range []int{40226, 45011, -1} {
		h.fault(Fault{Path: codeSessionPath, Kind: FaultErrcode, Errcode: errcode, Times: 1})
		h.wantErr("fault", h.get(sessionPath(code)), errcode)
	}
	if got := h.session(code); got.SessionKey == "" {
		t.Errorf("a refusal spent the code: %+v", got)
	}
	h.sim.Reset()
	h.wantErr("after a reset", h.get(sessionPath(code)), 40029)
}

func TestCodeSession_FollowsTheUnionIDRule(t *testing.T) {
	t.Parallel()
	unbound := demoMiniProgram()
	unbound.OpenPlatform = ""
	if got := newHarnessSession(t, Config{MiniPrograms: []MiniProgram{unbound}}); got.UnionID != nil {
		t.Errorf("not bound: got %q", *got.UnionID)
	}
	if got := newHarnessSession(t, Config{Quirks: Quirks{UnionID: UnionIDNever}}); got.UnionID != nil {
		t.Errorf("never: got %q", *got.UnionID)
	}
	got := newHarnessSession(t, Config{Quirks: Quirks{UnionID: UnionIDEmpty}})
	if got.UnionID == nil || *got.UnionID != "" {
		t.Errorf("empty: got %v", got.UnionID)
	}
}

func newHarnessSession(t *testing.T, config Config) miniReply {
	t.Helper()
	h := newHarness(t, config)
	return h.session(h.miniCode(""))
}

func TestCheckSession_AcceptsTheLatestKeyOnly(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{MiniPrograms: []MiniProgram{demoMiniProgram(), {AppID: otherAppID, Secret: DemoSecret}}})
	token := h.miniToken()
	check := func(openID, key string) string {
		mac := hmac.New(sha256.New, []byte(key))
		return checkSessionPath + "?access_token=" + token + "&openid=" + openID + "&signature=" +
			hex.EncodeToString(mac.Sum(nil)) + "&sig_method=hmac_sha256"
	}
	emma := h.session(h.miniCode("emma"))
	if r := h.get(check(emma.OpenID, emma.SessionKey)); r.body != `{"errcode":0,"errmsg":"ok"}` ||
		r.header.Get("Content-Type") != typeError {
		t.Errorf("got %v %s", r.header, r.body)
	}
	other := h.session(h.miniCode(""))
	h.wantErr("another person's", h.get(check(emma.OpenID, other.SessionKey)), 87009)
	h.wantErr("nobody's", h.get(check("oNobody", emma.SessionKey)), 40003)
	h.wantErr("a person without a session", h.get(check(OpenID(DemoMiniProgramAppID, "afang"), "")), 87009)
	good := check(emma.OpenID, emma.SessionKey)
	for _, test := range []struct {
		old, new string
		want     int
	}{
		{token, "", 41001},
		{token, "61_x", 40001},
		{token, h.stable(false).AccessToken, 48001},
		{emma.OpenID, "", 41009},
		{"hmac_sha256", "sha1", 87008},
	} {
		h.wantErr(test.new, h.get(strings.Replace(good, test.old, test.new, 1)), test.want)
	}

	// In another mini-program she has another one.
	if _, err := h.sim.MiniProgramLogin(otherAppID, "emma"); err != nil {
		t.Fatal(err)
	}
	h.wantErr("still", h.get(good), 0)
	next := h.miniCode("emma")
	h.wantErr("replaced by wx.login", h.get(good), 87009)
	if again := h.session(next); again.OpenID != emma.OpenID || again.SessionKey == emma.SessionKey {
		t.Errorf("got %+v after %+v", again, emma)
	}
}
