package simulator

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// weComReply is an answer about somebody in WeCom.
type weComReply struct {
	Errcode        int
	Errmsg         string
	UserID         string `json:"userid"`
	OpenID         string `json:"openid"`
	ExternalUserID string `json:"external_userid"`
	Ticket         string `json:"user_ticket"`
	Name           string
	Avatar         string
	Gender         any
	Department     []int
}

func (h *harness) weComReply(r reply) (decoded weComReply) {
	h.Helper()
	if err := json.Unmarshal([]byte(r.body), &decoded); err != nil {
		h.Fatalf("%v in %s", err, r.body)
	}
	return decoded
}

// askWeCom calls WeCom's API as the demo app, about something.
func (h *harness) askWeCom(path, name, value string) weComReply {
	h.Helper()
	token := h.weCom(demoWeComApp()).AccessToken
	return h.weComReply(h.get(path + "?access_token=" + token + "&" + name + "=" + url.QueryEscape(value)))
}

func (h *harness) detail(ticket string) weComReply {
	h.Helper()
	token := h.weCom(demoWeComApp()).AccessToken
	return h.weComReply(h.send("POST", weComUserDetailPath+"?access_token="+token, `{"user_ticket":"`+ticket+`"}`))
}

func (h *harness) weComCode(person, scope string) string {
	h.Helper()
	if scope == ScopePrivateInfo {
		return h.codeIn(h.consent(weComQuery(scope), "allow", person))
	}
	return h.codeIn(h.get(authorizePath+"?"+weComQuery(scope), "Cookie", personCookie+"="+person))
}

func TestWeComUserInfo_TellsWhoCame(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{People: append(Cast(), Person{ID: "hidden", WeCom: Hidden})})
	for person, want := range map[string]weComReply{
		"xiaoming": {UserID: "xiaoming"},
		"afang":    {UserID: "AFang"},
		"hidden":   {UserID: "hidden"},
		"laowang":  {OpenID: OpenID(DemoCorpID, "laowang"), ExternalUserID: ExternalUserID(DemoCorpID, "laowang")},
		"emma":     {OpenID: OpenID(DemoCorpID, "emma")},
	} {
		for _, scope := range []string{ScopeBase, ScopePrivateInfo} {
			code := h.weComCode(person, scope)
			if len(code) != 512 {
				t.Errorf("a code of %d bytes", len(code))
			}
			got := h.askWeCom(weComUserInfoPath, "code", code)
			agreed := scope == ScopePrivateInfo && (person == "xiaoming" || person == "afang")
			if (got.Ticket != "") != agreed || len(got.Ticket) > 512 {
				t.Errorf("%s, %s: ticket %q", person, scope, got.Ticket)
			}
			got.Ticket, got.Errmsg = "", ""
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, %s: got %+v, want %+v", person, scope, got, want)
			}
			if again := h.askWeCom(weComUserInfoPath, "code", code); again.Errcode != 40029 ||
				!strings.Contains(again.Errmsg, "invalid code, hint: [") {
				t.Errorf("a used code: %+v", again)
			}
		}
	}
}

func TestWeComUserInfo_RefusesBadCodes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	code := h.weComCode("xiaoming", ScopeBase)
	h.advance(5 * time.Minute)
	if got := h.askWeCom(weComUserInfoPath, "code", code); got.Errcode != 40029 {
		t.Errorf("got %+v", got)
	}
	for code, want := range map[string]int{"": 41008, "x": 40029, h.silentCode(): 40029} {
		if got := h.askWeCom(weComUserInfoPath, "code", code); got.Errcode != want {
			t.Errorf("%q: got %+v, want %d", code, got, want)
		}
	}
	h.wantErrcode(exchangePath(h.weComCode("xiaoming", ScopeBase)), 40029)
}

func TestWeComUserInfo_IsForTheAppAndItsTrustedDomain(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]int{
		"localhost": 0, "": 0, "LOCALHOST:8080": 0, "localhost:80": 50001, "example.com": 50001,
	} {
		app := demoWeComApp()
		app.Domain = domain
		h := newHarness(t, Config{WeCom: []WeComApp{app}})
		if got := h.askWeCom(weComUserInfoPath, "code", h.weComCode("xiaoming", ScopeBase)); got.Errcode != want {
			t.Errorf("%q: got %+v, want %d", domain, got, want)
		}
	}
	other := demoWeComApp()
	other.AgentID++
	other.Secret = strings.Repeat("s", 43)
	h := newHarness(t, Config{WeCom: []WeComApp{demoWeComApp(), other}})
	code := h.weComCode("xiaoming", ScopeBase)
	token := h.weCom(other).AccessToken
	got := h.weComReply(h.get(weComUserInfoPath + "?access_token=" + token + "&code=" + code))
	if got.Errcode != 50001 {
		t.Errorf("another app's token: %+v", got)
	}
	if got := h.askWeCom(weComUserInfoPath, "code", code); got.UserID != "xiaoming" {
		t.Errorf("the code is lost: %+v", got)
	}
}

func TestWeComUserDetail_NeedsAFreshTicket(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	ticket := h.askWeCom(weComUserInfoPath, "code", h.weComCode("xiaoming", ScopePrivateInfo)).Ticket
	if got := h.detail(ticket); got.UserID != "xiaoming" || !strings.HasSuffix(got.Avatar, "/xiaoming/132") ||
		got.Gender != "1" {
		t.Errorf("got %+v", got)
	}
	if got := h.detail("x"); got.Errcode != 84015 {
		t.Errorf("no ticket: %+v", got)
	}
	h.advance(30 * time.Minute)
	if got := h.detail(ticket); got.Errcode != 84014 {
		t.Errorf("an old ticket: %+v", got)
	}
	if got := h.askWeCom(weComUserDetailPath, "user_ticket", ticket); got.Errcode != 43002 {
		t.Errorf("by GET: %+v", got)
	}
}

func TestWeComUser_ReadsVisibleMembers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{People: append(Cast(),
		Person{ID: "hidden", WeCom: Hidden}, Person{ID: "downstream", UserID: "ww0123456789abcdef/ZhangSan"})})
	if got := h.askWeCom(weComUserPath, "userid", "afaNG"); got.UserID != "AFang" || got.Name != "阿芳" ||
		fmt.Sprint(got.Department) != "[2 7]" || got.Avatar != "" {
		t.Errorf("got %+v", got)
	}
	for userID, want := range map[string]int{
		"hidden": 60011, "laowang": 60111, "emma": 60111, "nobody": 60111, "": 60111,
		"ww0123456789abcdef/ZhangSan": 60111,
	} {
		if got := h.askWeCom(weComUserPath, "userid", userID); got.Errcode != want {
			t.Errorf("%q: got %+v, want %d", userID, got, want)
		}
	}
	for _, path := range []string{weComUserPath, weComUserInfoPath} {
		if got := h.weComReply(h.get(path + "?access_token=x&userid=xiaoming&code=x")); got.Errcode != 40014 {
			t.Errorf("%s with a made-up token: %+v", path, got)
		}
	}
}
