package simulator

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const otherAppID = "wx00000000000000aa"

func twoAccounts() []OfficialAccount {
	return []OfficialAccount{demoAccount(), {AppID: otherAppID, Secret: DemoSecret, Domain: "localhost"}}
}

func TestExchange(t *testing.T) {
	b := newBench(t, Config{})
	r := b.get(exchangePath(b.silentCode()))
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/plain" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", r.status, r.header)
	}
	shape := `^{"access_token":"61_[0-9A-Za-z]{86}","expires_in":7200,"refresh_token":"61_[0-9A-Za-z]{86}","openid":"o[0-9A-Za-z_-]{27}","scope":"snsapi_base"}$`
	if !regexp.MustCompile(shape).MatchString(r.body) {
		t.Errorf("got %s", r.body)
	}
}

func TestExchangeErrors(t *testing.T) {
	b := newBench(t, Config{Accounts: twoAccounts()})
	code := b.silentCode()
	good := exchangePath(code)
	with := func(old, new string) string { return strings.Replace(good, old, new, 1) }

	// None of the failing ones may use up the code, so the order doesn't matter.
	for _, test := range []struct {
		path string
		want int
	}{
		{with("appid="+DemoAppID, ""), 41002},
		{with("secret="+DemoSecret, ""), 41004},
		{with("code="+code, ""), 41008},
		{with("authorization_code", "client_credential"), 40002},
		{with("&grant_type=authorization_code", ""), 40002},
		{with(DemoAppID, "wxffffffffffffffff"), 40013},
		{with(DemoSecret, strings.Repeat("0", 32)), 40125},
		{with(code, "0"+strings.Repeat("x", 31)), 40029},
		{with(DemoAppID, otherAppID), 40029},
	} {
		b.wantErrcode(test.path, test.want)
	}
	if r := b.send("POST", good, ""); !strings.Contains(r.body, "43001") {
		t.Errorf("POST: got %s", r.body)
	}

	if token := b.api(good); token.AccessToken == "" {
		t.Error("a failed exchange used up the code")
	}
	b.wantErrcode(good, 40163)
}

func TestErrorOnTheWire(t *testing.T) {
	for style, shape := range map[Errmsg]string{
		ErrmsgRID:      `^{"errcode":40029,"errmsg":"invalid code, rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"}$`,
		ErrmsgPlainRID: `^{"errcode":40029,"errmsg":"invalid code rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}"}$`,
		ErrmsgHints:    `^{"errcode":40029,"errmsg":"invalid code, hints: \[ req_id: [0-9A-Za-z-]{17} \]"}$`,
	} {
		b := newBench(t, Config{Quirks: Quirks{Errmsg: style}})
		r := b.get(exchangePath("0nothing"))
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/json; encoding=utf-8" || r.header.Get("LogicRet") != "40029" {
			t.Errorf("got %d %v", r.status, r.header)
		}
		if !regexp.MustCompile(shape).MatchString(r.body) {
			t.Errorf("got %s, want %s", r.body, shape)
		}
	}
}

func TestCodeLife(t *testing.T) {
	for life, config := range map[time.Duration]Config{
		5 * time.Minute:  {},
		10 * time.Minute: {Quirks: Quirks{CodeLife: 10 * time.Minute}},
	} {
		b := newBench(t, config)
		young, old := b.silentCode(), b.silentCode()
		b.later(life - time.Second)
		if token := b.api(exchangePath(young)); token.Errcode != nil {
			t.Errorf("%v: a second before the end: %+v", life, token)
		}
		b.later(time.Second)
		b.wantErrcode(exchangePath(old), 40029)
		b.wantErrcode(exchangePath(young), 40163)
	}
}

func TestRefresh(t *testing.T) {
	b := newBench(t, Config{Accounts: twoAccounts()})
	first := b.api(exchangePath(b.profileCode()))
	check := authPath + "?access_token=" + first.AccessToken + "&openid=" + first.OpenID

	b.later(time.Hour)
	renewed := b.api(refreshPath(first.RefreshToken))
	if renewed.AccessToken != first.AccessToken || renewed.RefreshToken != first.RefreshToken || renewed.ExpiresIn != 7200 ||
		renewed.OpenID != first.OpenID || renewed.Scope != ScopeUserinfo || renewed.UnionID != nil {
		t.Errorf("got %+v after %+v", renewed, first)
	}
	b.later(2*time.Hour - time.Second)
	if got := b.api(check); got.Errcode == nil || *got.Errcode != 0 || got.Errmsg != "ok" {
		t.Errorf("the life was not renewed: %+v", got)
	}
	b.later(time.Second)
	b.wantErrcode(check, 42001)

	if again := b.api(refreshPath(first.RefreshToken)); again.AccessToken == first.AccessToken || again.AccessToken == "" {
		t.Errorf("a dead token was not replaced: %+v", again)
	}

	good := refreshPath(first.RefreshToken)
	b.wantErrcode(strings.Replace(good, "appid="+DemoAppID, "", 1), 41002)
	b.wantErrcode(strings.Replace(good, "=refresh_token", "=", 1), 40002)
	b.wantErrcode(refreshPath(""), 41003)
	b.wantErrcode(strings.Replace(good, DemoAppID, "wxffffffffffffffff", 1), 40013)
	b.wantErrcode(refreshPath("61_unknown"), 40030)
	b.wantErrcode(strings.Replace(good, DemoAppID, otherAppID, 1), 40030)

	b.later(30 * 24 * time.Hour)
	b.wantErrcode(good, 42002)
}

func TestUnionID(t *testing.T) {
	const absent = "absent"
	bound := UnionID(DemoOpenPlatform, "xiaoming")
	unbound := demoAccount()
	unbound.OpenPlatform = ""

	for name, test := range map[string]struct {
		config                  Config
		silent, granted, inform string
	}{
		"bound":          {Config{}, absent, bound, bound},
		"not bound":      {Config{Accounts: []OfficialAccount{unbound}}, absent, absent, absent},
		"only profile":   {Config{Quirks: Quirks{UnionID: UnionIDInProfile}}, absent, absent, bound},
		"always":         {Config{Quirks: Quirks{UnionID: UnionIDAlways}}, bound, bound, bound},
		"empty":          {Config{Quirks: Quirks{UnionID: UnionIDEmpty}}, absent, "", ""},
		"never":          {Config{Quirks: Quirks{UnionID: UnionIDNever}}, absent, absent, absent},
		"never, unbound": {Config{Accounts: []OfficialAccount{unbound}, Quirks: Quirks{UnionID: UnionIDAlways}}, absent, absent, absent},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, test.config)
			token := b.api(exchangePath(b.profileCode()))
			for where, got := range map[string]struct {
				reply apiReply
				want  string
			}{
				"silent token":   {b.api(exchangePath(b.silentCode())), test.silent},
				"userinfo token": {token, test.granted},
				"profile":        {b.api(userinfoPath + "?access_token=" + token.AccessToken + "&openid=" + token.OpenID), test.inform},
			} {
				unionID := absent
				if got.reply.UnionID != nil {
					unionID = *got.reply.UnionID
				}
				if unionID != got.want {
					t.Errorf("%s: got %q, want %q", where, unionID, got.want)
				}
			}
		})
	}
}

func TestIDs(t *testing.T) {
	shape := regexp.MustCompile(`^o[0-9A-Za-z_-]{27}$`)
	seen := map[string]bool{}
	for _, id := range []string{
		OpenID(DemoAppID, "emma"), OpenID(DemoAppID, "afang"), OpenID(otherAppID, "emma"), UnionID(DemoAppID, "emma"), UnionID("b", "emma"),
	} {
		if !shape.MatchString(id) || seen[id] {
			t.Errorf("%q", id)
		}
		seen[id] = true
	}
	if got := OpenID(DemoAppID, "emma"); got != "oDGYG3aC4ZFBqRclJ7L_IVxaIwfd" {
		t.Errorf("Emma's openid changed to %s: it must stay the same in all versions", got)
	}
}

func TestUserinfo(t *testing.T) {
	b := newBench(t, Config{People: []Person{{ID: "aqi", Nickname: "\"阿七\"\n<i>'seven'</i> & co"}}})
	token := b.api(exchangePath(b.profileCode()))
	path := userinfoPath + "?access_token=" + token.AccessToken + "&openid=" + token.OpenID + "&lang=zh_CN"
	want := `{"openid":"` + token.OpenID + `","nickname":"\"阿七\"\n<i>'seven'<\/i> & co","sex":0,"language":"","city":"",` +
		`"province":"","country":"","headimgurl":"","privilege":[],"unionid":"` + UnionID(DemoOpenPlatform, "aqi") + `"}`
	r := b.get(path)
	if r.body != want || r.header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %s\nwant %s", r.body, want)
	}

	b.wantErrcode(strings.Replace(path, "access_token="+token.AccessToken, "", 1), 41001)
	b.wantErrcode(strings.Replace(path, "openid="+token.OpenID, "", 1), 41009)
	b.wantErrcode(strings.Replace(path, token.AccessToken, "61_x", 1), 40014)
	b.wantErrcode(strings.Replace(path, token.OpenID, OpenID(DemoAppID, "emma"), 1), 40003)
	b.wantErrcode(authPath+"?access_token="+token.AccessToken+"&openid=o", 40003)

	silent := b.api(exchangePath(b.silentCode()))
	b.wantErrcode(userinfoPath+"?access_token="+silent.AccessToken+"&openid="+silent.OpenID, 48001)

	b.later(2 * time.Hour)
	b.wantErrcode(path, 42001)
}

func TestUserinfoQuirks(t *testing.T) {
	b := newBench(t, Config{
		People: []Person{{ID: "wild", Nickname: "a\\n\nb\"/"}},
		Quirks: Quirks{SexString: true, RawControls: true, JSONSuccess: true},
	})
	token := b.api(exchangePath(b.profileCode()))
	r := b.get(userinfoPath + "?access_token=" + token.AccessToken + "&openid=" + token.OpenID)
	if !strings.Contains(r.body, `"nickname":"a\\n`+"\n"+`b\"\/","sex":"0"`) || json.Valid([]byte(r.body)) {
		t.Errorf("got %s", r.body)
	}
	if r.header.Get("Content-Type") != "application/json; encoding=utf-8" {
		t.Errorf("got %v", r.header)
	}
}

func TestAvatar(t *testing.T) {
	b := newBench(t, Config{People: []Person{
		{ID: "drawn", Nickname: "A", Avatar: `<&`},
		{ID: "linked", Nickname: "B", Avatar: "https://example.com/b.png"},
	}})
	avatarOf := func(person string) string {
		token := b.api(exchangePath(b.codeIn(b.answer(authorizeQuery(ScopeUserinfo), "allow", person))))
		return b.api(userinfoPath + "?access_token=" + token.AccessToken + "&openid=" + token.OpenID).Headimgurl
	}
	drawn := avatarOf("drawn")
	if drawn != b.url+"/simulator/avatar/drawn/132" {
		t.Fatalf("got %q", drawn)
	}
	r := b.get(strings.TrimPrefix(drawn, b.url))
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "image/svg+xml" || !strings.Contains(r.body, "&lt;&amp;</text>") {
		t.Errorf("got %d %v %s", r.status, r.header, r.body)
	}
	if got := avatarOf("linked"); got != "https://example.com/b.png" {
		t.Errorf("got %q", got)
	}
	for _, path := range []string{"drawn/7", "nobody/132", "linked/132"} {
		if r := b.get(avatarPath + path); r.status != http.StatusNotFound {
			t.Errorf("%s: got %d", path, r.status)
		}
	}
}

func TestPublicURL(t *testing.T) {
	b := newBench(t, Config{PublicURL: "https://wechat.test/base/"})
	token := b.api(exchangePath(b.profileCode()))
	profile := b.api(userinfoPath + "?access_token=" + token.AccessToken + "&openid=" + token.OpenID)
	if profile.Headimgurl != "https://wechat.test/base/simulator/avatar/xiaoming/132" {
		t.Errorf("got %q", profile.Headimgurl)
	}
}

func TestCodesAreBounded(t *testing.T) {
	b := newBench(t, Config{})
	first := b.sim.issueCode(grant{account: demoAccount().account()})
	for range maxEntries {
		b.sim.issueCode(grant{account: demoAccount().account()})
	}
	if n := len(b.sim.codes.values); n != maxEntries {
		t.Errorf("%d codes are kept", n)
	}
	b.wantErrcode(exchangePath(first), 40029)
}

func TestManyAtOnce(t *testing.T) {
	b := newBench(t, Config{})
	code := b.silentCode()
	var won atomic.Int32
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if b.api(exchangePath(code)).AccessToken != "" {
				won.Add(1)
			}
			token := b.api(exchangePath(b.profileCode()))
			b.api(refreshPath(token.RefreshToken))
			b.api(userinfoPath + "?access_token=" + token.AccessToken + "&openid=" + token.OpenID)
			b.sim.Hold("emma")
			b.get("/simulator/calls")
		})
	}
	group.Wait()
	if won.Load() != 1 {
		t.Errorf("a code was exchanged %d times", won.Load())
	}
	if got := b.sim.Calls(accessTokenPath); got != 40 {
		t.Errorf("%d calls", got)
	}
}
