package simulator

import (
	"net/http"
	"strings"
	"testing"
)

// weComQuery is a good authorize URL's query for the demo app.
func weComQuery(scope string) string {
	return "appid=" + DemoCorpID + "&redirect_uri=" + escapedCallback +
		"&response_type=code&scope=" + scope + "&state=a1B2&agentid=1000002"
}

// weComLoginQuery is a good web login's query.
func weComLoginQuery() string {
	return "login_type=CorpApp&appid=" + DemoCorpID + "&agentid=1000002&redirect_uri=" +
		escapedCallback + "&state=a1B2"
}

func (h *harness) newWeComUUID() string {
	h.Helper()
	return h.uuidOn(weComLoginPath + "?" + weComLoginQuery())
}

func TestWeComAuthorize_RefusesWhatWeComRefuses(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	good := weComQuery(ScopeBase)
	with := replacing(t, good)
	for name, test := range map[string]struct{ query, outcome string }{
		"good":                   {good, "ok"},
		"without state":          {with("&state=a1B2", ""), "ok"},
		"empty state":            {with("a1B2", ""), "ok"},
		"silent without agentid": {with("&agentid=1000002", ""), "ok"},
		"privateinfo":            {with("snsapi_base", "snsapi_privateinfo"), "consent"},
		"privateinfo without agentid": {
			strings.Replace(with("snsapi_base", "snsapi_privateinfo"), "&agentid=1000002", "", 1), "agentid",
		},
		"unknown agentid":               {with("1000002", "1000003"), "agentid"},
		"unknown corp id":               {with(DemoCorpID, "ww0000000000000000"), "appid"},
		"userinfo of official accounts": {with("snsapi_base", "snsapi_userinfo"), "scope"},
		"no redirect_uri":               {with(escapedCallback, ""), "redirect_uri"},
		"redirect_uri not encoded": {
			with(escapedCallback, "http://localhost/?a=1&b=2"), "order",
		},
		"encoded twice": {with("http%3A", "http%253A"), "redirect_uri"},
		"no URL": {
			with(escapedCallback, "callback"), "redirect_uri",
		},
		"order":             {"agentid=1000002&" + with("&agentid=1000002", ""), "order"},
		"state with a dash": {with("a1B2", "a-b"), "state"},
		"response_type":     {with("=code", "=token"), "response_type"},
	} {
		r := h.get(authorizePath + "?" + test.query)
		if got := h.lastOutcome(); got != test.outcome || (r.header.Get("Location") != "") != (test.outcome == "ok") {
			t.Errorf("%s: %s, want %s: %d %s", name, got, test.outcome, r.status, r.header.Get("Location"))
		}
	}
	if r := h.get(authorizePath + "?" + with("a1B2", "")); !strings.HasSuffix(r.header.Get("Location"), "&state=") {
		t.Errorf("an empty state is not echoed: %s", r.header.Get("Location"))
	}
	for _, agent := range []string{
		"Mozilla/5.0 (iPhone) Mobile/15E148 MicroMessenger/8.0.59(0x18003b28)",
		"Mozilla/5.0 (iPhone) Mobile/15E148 wxwork/4.1.38 MicroMessenger/7.0.1",
	} {
		if r := h.get(authorizePath+"?"+good, "User-Agent", agent); r.header.Get("Location") == "" {
			t.Errorf("%s was not let in: %d %s", agent, r.status, r.body)
		}
	}
	if r := h.get(authorizePath+"?"+good, "User-Agent", desktopUserAgent); r.header.Get("Location") != "" {
		t.Error("another browser was let in")
	}
}

func TestWeComLogin_IsForVisibleMembers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{People: append(Cast(), Person{ID: "hidden", WeCom: Hidden})})
	uuid := h.newWeComUUID()
	for _, outsider := range []string{"laowang", "emma", "hidden"} {
		r := h.postForm(confirmPath, "uuid="+uuid+"&answer=allow&person="+outsider)
		if !strings.Contains(r.body, "你没有权限登录这个应用") {
			t.Errorf("%s: %d %s", outsider, r.status, r.body)
		}
	}
	h.wantOpen(uuid)
	h.tap(uuid, "allow", "afang")
	status, code := h.poll(uuid)
	if got := h.askWeCom(weComUserInfoPath, "code", code); status != "405" || got.UserID != "AFang" ||
		got.Ticket != "" {
		t.Errorf("%s: got %+v", status, got)
	}
	uuid = h.newWeComUUID()
	h.tap(uuid, "deny", "")
	h.wantPoll(uuid, "403")

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
		r := h.get(weComLoginPath + "?" + strings.Replace(good, test.old, test.new, 1))
		if got := h.lastOutcome(); got != test.outcome || r.status != http.StatusOK {
			t.Errorf("%s: %d %s, want %s", name, r.status, got, test.outcome)
		}
	}
	if r := h.get(weComLoginPath + "?" + good + "&lang=en"); !strings.Contains(r.body, "Scan with WeCom") {
		t.Errorf("lang=en: %s", r.body)
	}
}

// wantOpen expects that nobody has answered a QR code yet.
func (h *harness) wantOpen(uuid string) {
	h.Helper()
	if _, ok := h.sim.scanQRLogin(uuid); !ok {
		h.Error("the QR code is answered")
	}
}

func TestPeople_AreCheckedForWeCom(t *testing.T) {
	t.Parallel()
	for name, person := range map[string]Person{
		"membership":           {ID: "a", WeCom: "boss"},
		"userid":               {ID: "a", UserID: "a b"},
		"long userid":          {ID: "a", UserID: strings.Repeat("x", 65)},
		"userid of a stranger": {ID: "a", WeCom: Stranger, UserID: "a"},
		"departments":          {ID: "a", Departments: "1,,2"},
	} {
		if err := newHarness(t, Config{}).sim.AddPerson(person); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	h := newHarness(t, Config{})
	r := h.send("POST", "/simulator/people", `{"id":"lisi","nickname":"李四","wecom":"external"}`)
	if r.status != http.StatusCreated || !strings.Contains(r.body, `"wecom":"external"`) {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if r := h.get("/simulator/people"); !strings.Contains(r.body, `"userid":"xiaoming","departments":"1"`) {
		t.Errorf("got %s", r.body)
	}
}
