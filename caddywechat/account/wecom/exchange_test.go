package wecom

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	tokenPath  = "/cgi-bin/gettoken"
	userPath   = "/cgi-bin/auth/getuserinfo"
	detailPath = "/cgi-bin/auth/getuserdetail"
	memberPath = "/cgi-bin/user/get"

	redirectURI = "http://localhost:8080/_wechat/callback?to=%2Fpage"
)

// world is an account whose WeCom is a simulator.
type world struct {
	*testing.T
	*accounttest.Simulated
	account *Account
}

func newWorld(t *testing.T, config simulator.Config, options string) *world {
	t.Helper()
	w := &world{T: t, Simulated: accounttest.Simulate(t, config)}
	w.account = accounttest.MustProvision(t, new(Account), strings.Replace(inJSON, "{", "{"+options, 1))
	w.Connect(w.account)
	return w
}

func TestAccount_IsOne(t *testing.T) {
	accounttest.Run(t, func(t *testing.T) accounttest.Fixture {
		w := newWorld(t, simulator.Config{}, "")
		return accounttest.Fixture{
			Account: w.account, Secrets: []string{secret},
			Code:        func(profile bool) string { return w.code("xiaoming", profile) },
			RefusedCode: strings.Repeat("0", 512),
		}
	})
}

// code sends a browser inside WeCom to the page, lets a person agree, and returns the code.
func (w *world) code(person string, profile bool) string {
	w.Helper()
	page := w.account.AuthorizeURL(visitor.Client{WeCom: true}, redirectURI, "a1B2", profile)
	back := w.Authorize(page, accounttest.InWeCom, person).Query()
	if back.Get("state") != "a1B2" || back.Get("to") != "/page" {
		w.Fatalf("back with %v", back)
	}
	return back.Get("code")
}

func (w *world) login(person string, profile bool) account.Grant {
	w.Helper()
	grant, err := w.account.Exchange(w.T.Context(), w.code(person, profile), profile)
	if err != nil {
		w.Fatal(err)
	}
	return grant
}

func (w *world) wantFields(grant account.Grant, want map[string]string) {
	w.Helper()
	got := map[string]string{}
	for _, f := range grant.Identity {
		got[f.Name] = f.Value
	}
	if avatar := got[identity.Avatar]; strings.Contains(avatar, "/simulator/avatar/") {
		got[identity.Avatar] = "picture"
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("got  %v\nwant %v", got, want)
	}
	if grant.RefreshToken+grant.SessionSecret != "" {
		w.Errorf("got %+v", grant)
	}
}

var people = append(simulator.Cast(),
	simulator.Person{ID: "hidden", Nickname: "藏", WeCom: simulator.Hidden},
	simulator.Person{ID: "downstream", Nickname: "下游", UserID: "ww0123456789abcdef/ZhangSan"},
	simulator.Person{ID: "own", Nickname: "自己", UserID: corpID + "/LiSi"},
	simulator.Person{ID: "nameless"},
	simulator.Person{ID: "controls", Nickname: "一\r\n二\x00"},
)

func TestExchange_LogsAMemberInSilently(t *testing.T) {
	w := newWorld(t, simulator.Config{People: people}, "")
	code := w.code("afang", false)
	if len(code) != 512 {
		t.Errorf("the simulator is kind: a code of %d bytes", len(code))
	}
	grant, err := w.account.Exchange(t.Context(), code, false)
	if err != nil {
		t.Fatal(err)
	}
	w.wantFields(grant, map[string]string{
		"userid": "AFang", "departments": "2,7", "nickname": "阿芳", "scope": "snsapi_base",
	})
	if w.account.Person(grant.Identity) != "afang" || w.account.HasProfile(grant.Identity) {
		t.Errorf("person %q, profile %v", w.account.Person(grant.Identity), w.account.HasProfile(grant.Identity))
	}
	for _, code := range []string{code, "made-up"} {
		if _, err := w.account.Exchange(t.Context(), code, false); !errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("a code that is used or made up: %v", err)
		}
	}
	if n := w.Calls(tokenPath); n != 1 {
		t.Errorf("%d server tokens for three logins", n)
	}
}

func TestExchange_BringsThePictureOfAMemberWhoAgrees(t *testing.T) {
	want := map[string]string{
		"userid": "xiaoming", "departments": "1", "nickname": "小明", "avatar": "picture", "scope": "snsapi_privateinfo",
	}
	w := newWorld(t, simulator.Config{}, "")
	grant := w.login("xiaoming", true)
	w.wantFields(grant, want)
	if !w.account.HasProfile(grant.Identity) {
		t.Error("that is no profile")
	}
	always := newWorld(t, simulator.Config{}, `"scope":"snsapi_privateinfo",`)
	always.wantFields(always.login("xiaoming", false), want)
}

func TestExchange_TellsWhatWeComTellsOfOthers(t *testing.T) {
	laowang, external := simulator.OpenID(corpID, "laowang"), simulator.ExternalUserID(corpID, "laowang")
	for person, tt := range map[string]struct {
		base, profile map[string]string
		is            string
	}{
		"hidden": {
			map[string]string{"userid": "hidden", "scope": "snsapi_base"},
			map[string]string{"userid": "hidden"},
			"hidden",
		},
		"downstream": {
			map[string]string{"userid": "ww0123456789abcdef/ZhangSan", "scope": "snsapi_base"},
			map[string]string{"userid": "ww0123456789abcdef/ZhangSan", "avatar": "", "scope": "snsapi_privateinfo"},
			"ww0123456789abcdef/zhangsan",
		},
		"laowang": {
			map[string]string{"openid": laowang, "external_userid": external, "scope": "snsapi_base"},
			map[string]string{"openid": laowang, "external_userid": external},
			"external:" + external,
		},
		"emma": {
			map[string]string{"openid": simulator.OpenID(corpID, "emma"), "scope": "snsapi_base"},
			map[string]string{"openid": simulator.OpenID(corpID, "emma")},
			"openid:" + simulator.OpenID(corpID, "emma"),
		},
		"nameless": {
			map[string]string{"userid": "nameless", "departments": "1", "scope": "snsapi_base"},
			map[string]string{"userid": "nameless", "departments": "1", "scope": "snsapi_privateinfo"},
			"nameless",
		},
		"controls": {
			map[string]string{
				"userid": "controls", "departments": "1", "nickname": "一\r\n二\x00", "scope": "snsapi_base",
			},
			map[string]string{
				"userid": "controls", "departments": "1", "nickname": "一\r\n二\x00", "scope": "snsapi_privateinfo",
			},
			"controls",
		},
	} {
		t.Run(person, func(t *testing.T) {
			w := newWorld(t, simulator.Config{People: people}, `"allow_external":true,`)
			for profile, want := range map[bool]map[string]string{false: tt.base, true: tt.profile} {
				delete(want, "avatar")
				grant := w.login(person, profile)
				w.wantFields(grant, want)
				if got := w.account.Person(grant.Identity); got != tt.is {
					t.Errorf("the person is %q, want %q", got, tt.is)
				}
				if got := w.account.HasProfile(grant.Identity); got != profile {
					t.Errorf("profile %v after a login that asked for it: %v", got, profile)
				}
			}
		})
	}
	t.Run("the company's own id is no other company's", func(t *testing.T) {
		w := newWorld(t, simulator.Config{People: people}, "")
		if got := w.login("own", true).Identity.Get(identity.UserID); got != "LiSi" {
			t.Errorf("got %q", got)
		}
	})
}

func TestExchange_AdmitsNobodyWhoIsNoMember(t *testing.T) {
	w := newWorld(t, simulator.Config{}, "")
	for _, person := range []string{"laowang", "emma"} {
		grant, err := w.account.Exchange(t.Context(), w.code(person, false), false)
		if !errors.Is(err, account.ErrNotAMember) || errors.Is(err, account.ErrCodeRefused) || grant.Identity != nil {
			t.Errorf("%s: got %v, %v", person, grant, err)
		}
	}
	if n := w.Calls(memberPath); n != 0 {
		t.Errorf("WeCom was asked %d times who they are", n)
	}
}

func TestExchange_LogsAMemberInByQRCode(t *testing.T) {
	w := newWorld(t, simulator.Config{}, "")
	code := w.Scan(w.account.AuthorizeURL(visitor.Client{}, redirectURI, "a1B2", true), "xiaoming", "allow")
	grant, err := w.account.Exchange(t.Context(), code, true)
	if err != nil {
		t.Fatal(err)
	}
	w.wantFields(grant, map[string]string{"userid": "xiaoming", "departments": "1", "nickname": "小明"})
	if !w.account.HasProfile(grant.Identity) {
		t.Error("a QR code brings no more another time")
	}
}

func TestExchange_TellsErrorsApart(t *testing.T) {
	for _, tt := range []struct {
		path            string
		errcode         int
		refused, passes bool
		cure            string
	}{
		{path: tokenPath, errcode: 40001, cure: "secret"},
		{path: tokenPath, errcode: 40013, cure: "corp id"},
		{path: tokenPath, errcode: 40091, cure: "secret"},
		{path: userPath, errcode: 40029, refused: true},
		{path: userPath, errcode: 42003, refused: true},
		{path: userPath, errcode: 40163, refused: true},
		{path: userPath, errcode: 50001, cure: "可信域名"},
		{path: userPath, errcode: 60020, cure: "企业可信IP"},
		{path: userPath, errcode: 40056, cure: "agent_id"},
		{path: userPath, errcode: 40058, cure: "parameter"},
		{path: userPath, errcode: 301002, cure: "agent_id"},
		{path: userPath, errcode: 60011, cure: "可见范围"},
		{path: userPath, errcode: 45009, cure: "wait"},
		{path: userPath, errcode: -1, cure: "busy"},
		{path: memberPath, errcode: 60011, passes: true},
		{path: memberPath, errcode: 60111, passes: true},
		{path: memberPath, errcode: 48002, passes: true},
		{path: memberPath, errcode: 60020, cure: "企业可信IP"},
		{path: memberPath, errcode: 40029},
		{path: memberPath, errcode: -1, cure: "busy"},
		{path: detailPath, errcode: 48002, passes: true},
		{path: detailPath, errcode: 84015},
		{path: detailPath, errcode: -1, cure: "busy"},
	} {
		t.Run(fmt.Sprint(tt.path, " ", tt.errcode), func(t *testing.T) {
			w := newWorld(t, simulator.Config{}, "")
			code := w.code("xiaoming", true)
			w.Fail(tt.path, tt.errcode, 0)
			grant, err := w.account.Exchange(t.Context(), code, true)
			if tt.passes {
				if err != nil || w.account.Person(grant.Identity) != "xiaoming" {
					t.Errorf("got %v, %v", grant, err)
				}
				return
			}
			apiErr, ok := errors.AsType[*weixin.Error](err)
			if !ok || apiErr.Code != tt.errcode || grant.Identity != nil {
				t.Fatalf("got %v, %v", grant, err)
			}
			if refused := errors.Is(err, account.ErrCodeRefused); refused != tt.refused {
				t.Errorf("the login begins afresh: %v", refused)
			}
			if cure := weixin.Cure(err); tt.cure == "" && cure != "" || !strings.Contains(cure, tt.cure) {
				t.Errorf("the cure is %q", cure)
			}
			if text := err.Error(); strings.Contains(text, code) || strings.Contains(text, secret) {
				t.Errorf("the error holds a secret: %s", text)
			}
			if n := w.Calls(userPath); n > 1 {
				t.Errorf("the code was sent %d times", n)
			}
		})
	}
}

func TestExchange_ReplacesARefusedTokenOnce(t *testing.T) {
	app := simulator.WeComApp{CorpID: corpID, AgentID: simulator.DemoAgentID, Secret: secret, NewTokens: true}
	for _, errcode := range []int{40001, 40014, 42001} {
		for times, wanted := range map[int]bool{1: true, 0: false} {
			w := newWorld(t, simulator.Config{WeCom: []simulator.WeComApp{app}}, "")
			w.login("xiaoming", false)
			w.Advance(time.Hour)
			code := w.code("xiaoming", false)
			w.Fail(userPath, errcode, times)
			_, err := w.account.Exchange(t.Context(), code, false)
			if (err == nil) != wanted || errors.Is(err, account.ErrCodeRefused) {
				t.Errorf("%d: %v", errcode, err)
			}
			if n := w.Calls(tokenPath); n != 2 {
				t.Errorf("%d: %d tokens", errcode, n)
			}
		}
	}
}

func TestExchange_NeedsTheTrustedDomainWithItsPort(t *testing.T) {
	for domain, trusted := range map[string]bool{
		"localhost": true, "localhost:8080": true, "localhost:8081": false, "h5.example.com": false,
	} {
		app := simulator.WeComApp{CorpID: corpID, AgentID: simulator.DemoAgentID, Secret: secret, Domain: domain}
		w := newWorld(t, simulator.Config{WeCom: []simulator.WeComApp{app}}, "")
		_, err := w.account.Exchange(t.Context(), w.code("xiaoming", false), false)
		if (err == nil) != trusted || !trusted && !strings.Contains(weixin.Cure(err), "可信域名") {
			t.Errorf("%s: %v", domain, err)
		}
	}
}

func TestSignPage_SignsWithWeComsTicket(t *testing.T) {
	w := newWorld(t, simulator.Config{}, "")
	signature, err := w.account.SignPage(t.Context(), "https://h5.example.com/page")
	if err != nil || signature.AppID != corpID || len(signature.Signature) != 40 {
		t.Errorf("got %+v, %v", signature, err)
	}
	if n := w.Calls("/cgi-bin/get_jsapi_ticket"); n != 1 {
		t.Errorf("%d tickets of the company", n)
	}
}

func TestExchange_CutsNoDepartments(t *testing.T) {
	var ids []string
	for i := range 100 {
		ids = append(ids, fmt.Sprint(1000000000+i))
	}
	want := strings.Join(ids, ",")
	w := newWorld(t, simulator.Config{People: []simulator.Person{{ID: "busy", Departments: want}}}, "")
	if got := w.login("busy", false).Identity.Get(identity.Departments); got != want {
		t.Errorf("got %q", got)
	}
}
