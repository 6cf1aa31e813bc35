package simulator

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func (h *harness) weCom(app WeComApp) serverReply {
	h.Helper()
	return h.server(weComTokenPath + "?corpid=" + app.CorpID + "&corpsecret=" + app.Secret)
}

func TestWeComToken_StaysForItsLifetime(t *testing.T) {
	t.Parallel()
	app := demoWeComApp()
	h := newHarness(t, Config{})
	r := h.get(weComTokenPath + "?corpid=" + app.CorpID + "&corpsecret=" + app.Secret)
	shape := regexp.MustCompile(`^{"errcode":0,"errmsg":"ok","access_token":"[0-9A-Za-z_]+","expires_in":7200}$`)
	if !shape.MatchString(r.body) ||
		r.header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf("got %v %s", r.header, r.body)
	}
	first := h.serverReply(r)
	h.advance(2*time.Hour - time.Second)
	if again := h.weCom(app); again.AccessToken != first.AccessToken || again.ExpiresIn != 1 {
		t.Errorf("got %+v after %+v", again, first)
	}
	h.advance(time.Second)
	if got := h.server(weComPageTicketPath + "?access_token=" + first.AccessToken); got.Errcode != 42001 {
		t.Errorf("after the end: got %+v", got)
	}
	if got := h.weCom(app); got.AccessToken == first.AccessToken || got.ExpiresIn != 7200 {
		t.Errorf("after the end: got %+v", got)
	}
}

func TestWeComToken_IsAnotherEachTimeIfTold(t *testing.T) {
	t.Parallel()
	app := demoWeComApp()
	app.NewTokens = true
	h := newHarness(t, Config{WeCom: []WeComApp{app}})
	first, second := h.weCom(app).AccessToken, h.weCom(app).AccessToken
	if first == second {
		t.Error("it is the same")
	}
	for _, token := range []string{first, second} {
		if got := h.server(weComPageTicketPath + "?access_token=" + token); got.Errcode != 0 {
			t.Errorf("got %+v", got)
		}
	}
}

func TestWeComToken_RefusesInWeComsWords(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	good := weComTokenPath + "?corpid=" + DemoCorpID + "&corpsecret=" + DemoWeComSecret
	for _, test := range []struct {
		old, new string
		want     int
	}{
		{DemoCorpID, "", 41002},
		{DemoWeComSecret, "", 41004},
		{DemoCorpID, "ww0000000000000000", 40013},
		{DemoWeComSecret, strings.Repeat("x", 43), 40001},
		{DemoWeComSecret, "x", 40091},
	} {
		got := h.server(strings.Replace(good, test.old, test.new, 1))
		shape := fmt.Sprintf(`, hint: \[[0-9A-Za-z]+\], from ip: 127\.0\.0\.1, `+
			`more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=%d$`, test.want)
		if got.Errcode != test.want || !regexp.MustCompile(shape).MatchString(got.Errmsg) {
			t.Errorf("with %q: got %+v", test.new, got)
		}
	}
	token := h.weCom(demoWeComApp()).AccessToken
	for path, want := range map[string]int{
		weComPageTicketPath:                                                              41001,
		weComPageTicketPath + "?access_token=x":                                          40014,
		weComPageTicketPath + "?access_token=" + h.stable(false).AccessToken:             40014,
		weComAgentTicketPath + "?type=agent_config":                                      41001,
		weComAgentTicketPath + "?type=jsapi&access_token=" + token:                       40097,
		weComAgentTicketPath + "?type=agent_config&access_token=" + token[:len(token)-1]: 40014,
	} {
		if got := h.server(path); got.Errcode != want {
			t.Errorf("%s: got %+v, want %d", path, got, want)
		}
	}
	h.fault(Fault{Path: weComPageTicketPath, Kind: FaultErrcode, Errcode: 60020})
	got := h.server(weComPageTicketPath + "?access_token=" + token)
	if !strings.HasPrefix(got.Errmsg, "not allow to access from your ip, hint: [") {
		t.Errorf("a fault: got %+v", got)
	}
}

func TestWeComTickets_AreTheCompanysAndTheApps(t *testing.T) {
	t.Parallel()
	one, other := demoWeComApp(), demoWeComApp()
	other.AgentID++
	other.Secret = strings.Repeat("s", 43)
	h := newHarness(t, Config{WeCom: []WeComApp{one, other}})
	tickets := func(app WeComApp) (page, agent string) {
		token := h.weCom(app).AccessToken
		return h.server(weComPageTicketPath + "?access_token=" + token).Ticket,
			h.server(weComAgentTicketPath + "?type=agent_config&access_token=" + token).Ticket
	}
	page1, agent1 := tickets(one)
	page2, agent2 := tickets(other)
	if page1 != page2 || page1 == "" || agent1 == agent2 || agent1 == page1 || agent1 == "" {
		t.Errorf("got %q %q and %q %q", page1, agent1, page2, agent2)
	}
}

func TestNew_RefusesWeComAppsThatCouldNotExist(t *testing.T) {
	app := func(change func(*WeComApp)) WeComApp {
		a := demoWeComApp()
		change(&a)
		return a
	}
	for name, apps := range map[string][]WeComApp{
		"corp id":     {app(func(a *WeComApp) { a.CorpID = DemoAppID })},
		"agent id":    {app(func(a *WeComApp) { a.AgentID = 0 })},
		"secret":      {app(func(a *WeComApp) { a.Secret = "x" })},
		"twice":       {demoWeComApp(), app(func(a *WeComApp) { a.Secret = strings.Repeat("s", 43) })},
		"same secret": {demoWeComApp(), app(func(a *WeComApp) { a.AgentID++ })},
	} {
		if _, err := New(Config{WeCom: apps}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOverview_ShowsWeComApps(t *testing.T) {
	t.Parallel()
	page := newHarness(t, Config{}).get("/simulator/").body
	for _, want := range append(serverPaths, DemoCorpID, "1000002", DemoWeComSecret) {
		if !strings.Contains(page, "<code>"+want+"</code>") {
			t.Errorf("%s is not on the page", want)
		}
	}
}
