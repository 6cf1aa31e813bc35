package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// weComQuery is a good authorize URL's query for the demo app.
func weComQuery(scope string) string {
	return "appid=" + DemoCorpID + "&redirect_uri=" + url.QueryEscape("http://localhost:8080/callback") +
		"&response_type=code&scope=" + scope + "&state=a1B2&agentid=1000002"
}

// weComLoginQuery is a good web login's query.
func weComLoginQuery() string {
	return "login_type=CorpApp&appid=" + DemoCorpID + "&agentid=1000002&redirect_uri=" +
		url.QueryEscape("http://localhost:8080/callback") + "&state=a1B2"
}

func (b *bench) newWeComUUID() string {
	b.Helper()
	r := b.get(weComLoginPath+"?"+weComLoginQuery(), "User-Agent", "Mozilla/5.0 Chrome/132.0.0.0")
	found := uuidOnPage.FindStringSubmatch(r.body)
	if found == nil {
		b.Fatalf("no QR code: %d %s", r.status, r.body)
	}
	return found[1]
}

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

func (b *bench) weComReply(r reply) (decoded weComReply) {
	b.Helper()
	if err := json.Unmarshal([]byte(r.body), &decoded); err != nil {
		b.Fatalf("%v in %s", err, r.body)
	}
	return decoded
}

// asked calls WeCom's API as the demo app, about something.
func (b *bench) asked(path, name, value string) weComReply {
	b.Helper()
	token := b.weCom(demoWeComApp()).AccessToken
	return b.weComReply(b.get(path + "?access_token=" + token + "&" + name + "=" + url.QueryEscape(value)))
}

func (b *bench) detail(ticket string) weComReply {
	b.Helper()
	token := b.weCom(demoWeComApp()).AccessToken
	return b.weComReply(b.send("POST", weComUserDetailPath+"?access_token="+token, `{"user_ticket":"`+ticket+`"}`))
}

func (b *bench) weComCode(person, scope string) string {
	b.Helper()
	if scope == ScopePrivateInfo {
		return b.codeIn(b.answer(weComQuery(scope), "allow", person))
	}
	return b.codeIn(b.get(authorizePath+"?"+weComQuery(scope), "Cookie", personCookie+"="+person))
}

func TestWeComAuthorizeChecks(t *testing.T) {
	b := newBench(t, Config{})
	good := weComQuery(ScopeBase)
	with := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in %q", old, good)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, test := range map[string]struct{ query, outcome string }{
		"good":                          {good, "ok"},
		"without state":                 {with("&state=a1B2", ""), "ok"},
		"empty state":                   {with("a1B2", ""), "ok"},
		"silent without agentid":        {with("&agentid=1000002", ""), "ok"},
		"privateinfo":                   {with("snsapi_base", "snsapi_privateinfo"), "consent"},
		"privateinfo without agentid":   {strings.Replace(with("snsapi_base", "snsapi_privateinfo"), "&agentid=1000002", "", 1), "agentid"},
		"unknown agentid":               {with("1000002", "1000003"), "agentid"},
		"unknown corp id":               {with(DemoCorpID, "ww0000000000000000"), "appid"},
		"userinfo of official accounts": {with("snsapi_base", "snsapi_userinfo"), "scope"},
		"no redirect_uri":               {with(url.QueryEscape("http://localhost:8080/callback"), ""), "redirect_uri"},
		"redirect_uri not encoded":      {with(url.QueryEscape("http://localhost:8080/callback"), "http://localhost/?a=1&b=2"), "order"},
		"encoded twice":                 {with("http%3A", "http%253A"), "redirect_uri"},
		"no URL":                        {with(url.QueryEscape("http://localhost:8080/callback"), "callback"), "redirect_uri"},
		"order":                         {"agentid=1000002&" + with("&agentid=1000002", ""), "order"},
		"state with a dash":             {with("a1B2", "a-b"), "state"},
		"response_type":                 {with("=code", "=token"), "response_type"},
	} {
		r := b.get(authorizePath + "?" + test.query)
		calls := b.sim.Journal()
		if got := calls[len(calls)-1].Outcome; got != test.outcome || (r.header.Get("Location") != "") != (test.outcome == "ok") {
			t.Errorf("%s: %s, want %s: %d %s", name, got, test.outcome, r.status, r.header.Get("Location"))
		}
	}
	if r := b.get(authorizePath + "?" + with("a1B2", "")); !strings.HasSuffix(r.header.Get("Location"), "&state=") {
		t.Errorf("an empty state is not echoed: %s", r.header.Get("Location"))
	}
	for _, agent := range []string{
		"Mozilla/5.0 (iPhone) Mobile/15E148 MicroMessenger/8.0.59(0x18003b28)", "Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.38 MicroMessenger/7.0.1",
	} {
		if r := b.get(authorizePath+"?"+good, "User-Agent", agent); r.header.Get("Location") == "" {
			t.Errorf("%s was not let in: %d %s", agent, r.status, r.body)
		}
	}
	if r := b.get(authorizePath+"?"+good, "User-Agent", "Mozilla/5.0 Chrome/132.0.0.0"); r.header.Get("Location") != "" {
		t.Error("another browser was let in")
	}
}

func TestWeComTellsWhoCame(t *testing.T) {
	b := newBench(t, Config{People: append(Cast(), Person{ID: "hidden", WeCom: Hidden})})
	for person, want := range map[string]weComReply{
		"xiaoming": {UserID: "xiaoming"},
		"afang":    {UserID: "AFang"},
		"hidden":   {UserID: "hidden"},
		"laowang":  {OpenID: OpenID(DemoCorpID, "laowang"), ExternalUserID: ExternalUserID(DemoCorpID, "laowang")},
		"emma":     {OpenID: OpenID(DemoCorpID, "emma")},
	} {
		for _, scope := range []string{ScopeBase, ScopePrivateInfo} {
			code := b.weComCode(person, scope)
			if len(code) != 512 {
				t.Errorf("a code of %d bytes", len(code))
			}
			got := b.asked(weComUserInfoPath, "code", code)
			agreed := scope == ScopePrivateInfo && (person == "xiaoming" || person == "afang")
			if (got.Ticket != "") != agreed || len(got.Ticket) > 512 {
				t.Errorf("%s, %s: ticket %q", person, scope, got.Ticket)
			}
			got.Ticket, got.Errmsg = "", ""
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s, %s: got %+v, want %+v", person, scope, got, want)
			}
			if again := b.asked(weComUserInfoPath, "code", code); again.Errcode != 40029 || !strings.Contains(again.Errmsg, "invalid code, hint: [") {
				t.Errorf("a used code: %+v", again)
			}
		}
	}
}

func TestWeComCodesEnd(t *testing.T) {
	b := newBench(t, Config{})
	code := b.weComCode("xiaoming", ScopeBase)
	b.later(5 * time.Minute)
	if got := b.asked(weComUserInfoPath, "code", code); got.Errcode != 40029 {
		t.Errorf("got %+v", got)
	}
	for code, want := range map[string]int{"": 41008, "x": 40029, b.silentCode(): 40029} {
		if got := b.asked(weComUserInfoPath, "code", code); got.Errcode != want {
			t.Errorf("%q: got %+v, want %d", code, got, want)
		}
	}
	b.wantErrcode(exchangePath(b.weComCode("xiaoming", ScopeBase)), 40029)
}

func TestACodeIsForTheAppWhoseDomainItCameBy(t *testing.T) {
	for domain, want := range map[string]int{
		"localhost": 0, "": 0, "LOCALHOST:8080": 0, "localhost:80": 50001, "example.com": 50001,
	} {
		app := demoWeComApp()
		app.Domain = domain
		b := newBench(t, Config{WeCom: []WeComApp{app}})
		if got := b.asked(weComUserInfoPath, "code", b.weComCode("xiaoming", ScopeBase)); got.Errcode != want {
			t.Errorf("%q: got %+v, want %d", domain, got, want)
		}
	}
	other := demoWeComApp()
	other.AgentID++
	other.Secret = strings.Repeat("s", 43)
	b := newBench(t, Config{WeCom: []WeComApp{demoWeComApp(), other}})
	code := b.weComCode("xiaoming", ScopeBase)
	token := b.weCom(other).AccessToken
	if got := b.weComReply(b.get(weComUserInfoPath + "?access_token=" + token + "&code=" + code)); got.Errcode != 50001 {
		t.Errorf("another app's token: %+v", got)
	}
	if got := b.asked(weComUserInfoPath, "code", code); got.UserID != "xiaoming" {
		t.Errorf("the code is lost: %+v", got)
	}
}

func TestWeComDetails(t *testing.T) {
	b := newBench(t, Config{})
	ticket := b.asked(weComUserInfoPath, "code", b.weComCode("xiaoming", ScopePrivateInfo)).Ticket
	if got := b.detail(ticket); got.UserID != "xiaoming" || !strings.HasSuffix(got.Avatar, "/xiaoming/132") || got.Gender != "1" {
		t.Errorf("got %+v", got)
	}
	if got := b.detail("x"); got.Errcode != 84015 {
		t.Errorf("no ticket: %+v", got)
	}
	b.later(30 * time.Minute)
	if got := b.detail(ticket); got.Errcode != 84014 {
		t.Errorf("an old ticket: %+v", got)
	}
	if got := b.asked(weComUserDetailPath, "user_ticket", ticket); got.Errcode != 43002 {
		t.Errorf("by GET: %+v", got)
	}
}

func TestWeComMembers(t *testing.T) {
	b := newBench(t, Config{People: append(Cast(),
		Person{ID: "hidden", WeCom: Hidden}, Person{ID: "downstream", UserID: "ww0123456789abcdef/ZhangSan"})})
	if got := b.asked(weComUserPath, "userid", "afaNG"); got.UserID != "AFang" || got.Name != "阿芳" || fmt.Sprint(got.Department) != "[2 7]" || got.Avatar != "" {
		t.Errorf("got %+v", got)
	}
	for userID, want := range map[string]int{
		"hidden": 60011, "laowang": 60111, "emma": 60111, "nobody": 60111, "": 60111, "ww0123456789abcdef/ZhangSan": 60111,
	} {
		if got := b.asked(weComUserPath, "userid", userID); got.Errcode != want {
			t.Errorf("%q: got %+v, want %d", userID, got, want)
		}
	}
	for _, path := range []string{weComUserPath, weComUserInfoPath} {
		if got := b.weComReply(b.get(path + "?access_token=x&userid=xiaoming&code=x")); got.Errcode != 40014 {
			t.Errorf("%s with a made-up token: %+v", path, got)
		}
	}
}

func TestWeComWebLogin(t *testing.T) {
	b := newBench(t, Config{People: append(Cast(), Person{ID: "hidden", WeCom: Hidden})})
	uuid := b.newWeComUUID()
	for _, outsider := range []string{"laowang", "emma", "hidden"} {
		r := b.postForm(confirmPath, "uuid="+uuid+"&answer=allow&person="+outsider)
		if !strings.Contains(r.body, "你没有权限登录这个应用") {
			t.Errorf("%s: %d %s", outsider, r.status, r.body)
		}
	}
	b.wantOpen(uuid)
	b.tap(uuid, "allow", "afang")
	status, code := b.poll(uuid)
	if got := b.asked(weComUserInfoPath, "code", code); status != "405" || got.UserID != "AFang" || got.Ticket != "" {
		t.Errorf("%s: got %+v", status, got)
	}
	uuid = b.newWeComUUID()
	b.tap(uuid, "deny", "")
	b.wantPoll(uuid, "403")

	good := weComLoginQuery()
	for name, test := range map[string]struct{ old, new, outcome string }{
		"login_type of providers": {"CorpApp", "ServiceApp", "login_type"},
		"no login_type":           {"login_type=CorpApp&", "", "login_type"},
		"no agentid":              {"&agentid=1000002", "", "agentid"},
		"no corp id":              {"appid=" + DemoCorpID + "&", "", "appid"},
		"an official account":     {DemoCorpID, DemoAppID, "appid"},
		"no redirect_uri":         {"redirect_uri", "redirect", "redirect_uri"},
		"a bad state":             {"a1B2", "a-b", "state"},
		"no state":                {"&state=a1B2", "", "qr code"},
		"a language":              {"&state", "&lang=en&state", "qr code"},
	} {
		r := b.get(weComLoginPath + "?" + strings.Replace(good, test.old, test.new, 1))
		calls := b.sim.Journal()
		if got := calls[len(calls)-1].Outcome; got != test.outcome || r.status != http.StatusOK {
			t.Errorf("%s: %d %s, want %s", name, r.status, got, test.outcome)
		}
	}
	if r := b.get(weComLoginPath + "?" + good + "&lang=en"); !strings.Contains(r.body, "Scan with WeCom") {
		t.Errorf("lang=en: %s", r.body)
	}
}

// wantOpen expects that nobody has answered a QR code yet.
func (b *bench) wantOpen(uuid string) {
	b.Helper()
	if _, ok := b.sim.scanQRLogin(uuid); !ok {
		b.Error("the QR code is answered")
	}
}

func TestPeopleInWeCom(t *testing.T) {
	for name, person := range map[string]Person{
		"membership":           {ID: "a", WeCom: "boss"},
		"userid":               {ID: "a", UserID: "a b"},
		"long userid":          {ID: "a", UserID: strings.Repeat("x", 65)},
		"userid of a stranger": {ID: "a", WeCom: Stranger, UserID: "a"},
		"departments":          {ID: "a", Departments: "1,,2"},
	} {
		if err := newBench(t, Config{}).sim.AddPerson(person); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	b := newBench(t, Config{})
	r := b.send("POST", "/simulator/people", `{"id":"lisi","nickname":"李四","wecom":"external"}`)
	if r.status != http.StatusCreated || !strings.Contains(r.body, `"wecom":"external"`) {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if r := b.get("/simulator/people"); !strings.Contains(r.body, `"userid":"xiaoming","departments":"1"`) {
		t.Errorf("got %s", r.body)
	}
}
