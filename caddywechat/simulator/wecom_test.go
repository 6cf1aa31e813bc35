package simulator

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

func (b *bench) weCom(app WeComApp) serverReply {
	b.Helper()
	return b.server(weComTokenPath + "?corpid=" + app.CorpID + "&corpsecret=" + app.Secret)
}

func TestWeComTokens(t *testing.T) {
	app := demoWeComApp()
	b := newBench(t, Config{})
	r := b.get(weComTokenPath + "?corpid=" + app.CorpID + "&corpsecret=" + app.Secret)
	if !regexp.MustCompile(`^{"errcode":0,"errmsg":"ok","access_token":"[0-9A-Za-z_]+","expires_in":7200}$`).MatchString(r.body) ||
		r.header.Get("Content-Type") != "application/json; charset=UTF-8" {
		t.Errorf("got %v %s", r.header, r.body)
	}
	first := b.serverReply(r)
	b.later(2*time.Hour - time.Second)
	if again := b.weCom(app); again.AccessToken != first.AccessToken || again.ExpiresIn != 1 {
		t.Errorf("got %+v after %+v", again, first)
	}
	b.later(time.Second)
	if got := b.server(weComPageTicketPath + "?access_token=" + first.AccessToken); got.Errcode != 42001 {
		t.Errorf("after the end: got %+v", got)
	}
	if got := b.weCom(app); got.AccessToken == first.AccessToken || got.ExpiresIn != 7200 {
		t.Errorf("after the end: got %+v", got)
	}
}

func TestWeComMayGiveAnotherTokenEachTime(t *testing.T) {
	app := demoWeComApp()
	app.NewTokens = true
	b := newBench(t, Config{WeCom: []WeComApp{app}})
	first, second := b.weCom(app).AccessToken, b.weCom(app).AccessToken
	if first == second {
		t.Error("it is the same")
	}
	for _, token := range []string{first, second} {
		if got := b.server(weComPageTicketPath + "?access_token=" + token); got.Errcode != 0 {
			t.Errorf("got %+v", got)
		}
	}
}

func TestWeComErrors(t *testing.T) {
	b := newBench(t, Config{})
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
		got := b.server(strings.Replace(good, test.old, test.new, 1))
		shape := fmt.Sprintf(`, hint: \[[0-9A-Za-z]+\], from ip: 127\.0\.0\.1, more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=%d$`, test.want)
		if got.Errcode != test.want || !regexp.MustCompile(shape).MatchString(got.Errmsg) {
			t.Errorf("with %q: got %+v", test.new, got)
		}
	}
	token := b.weCom(demoWeComApp()).AccessToken
	for path, want := range map[string]int{
		weComPageTicketPath:                                                              41001,
		weComPageTicketPath + "?access_token=x":                                          40014,
		weComPageTicketPath + "?access_token=" + b.stable(false).AccessToken:             40014,
		weComAgentTicketPath + "?type=agent_config":                                      41001,
		weComAgentTicketPath + "?type=jsapi&access_token=" + token:                       40097,
		weComAgentTicketPath + "?type=agent_config&access_token=" + token[:len(token)-1]: 40014,
	} {
		if got := b.server(path); got.Errcode != want {
			t.Errorf("%s: got %+v, want %d", path, got, want)
		}
	}
	b.fault(Fault{Path: weComPageTicketPath, Kind: FaultErrcode, Errcode: 60020})
	if got := b.server(weComPageTicketPath + "?access_token=" + token); !strings.HasPrefix(got.Errmsg, "not allow to access from your ip, hint: [") {
		t.Errorf("a fault: got %+v", got)
	}
}

func TestWeComTicketsAreTheCompanysAndTheApps(t *testing.T) {
	one, other := demoWeComApp(), demoWeComApp()
	other.AgentID++
	other.Secret = strings.Repeat("s", 43)
	b := newBench(t, Config{WeCom: []WeComApp{one, other}})
	tickets := func(app WeComApp) (page, agent string) {
		token := b.weCom(app).AccessToken
		return b.server(weComPageTicketPath + "?access_token=" + token).Ticket,
			b.server(weComAgentTicketPath + "?type=agent_config&access_token=" + token).Ticket
	}
	page1, agent1 := tickets(one)
	page2, agent2 := tickets(other)
	if page1 != page2 || page1 == "" || agent1 == agent2 || agent1 == page1 || agent1 == "" {
		t.Errorf("got %q %q and %q %q", page1, agent1, page2, agent2)
	}
}

func TestNewRefusesWeComAppsThatCouldNotExist(t *testing.T) {
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

func TestOverviewShowsWeComApps(t *testing.T) {
	page := newBench(t, Config{}).get("/simulator/").body
	for _, want := range append(serverPaths, DemoCorpID, "1000002", DemoWeComSecret) {
		if !strings.Contains(page, "<code>"+want+"</code>") {
			t.Errorf("%s is not on the page", want)
		}
	}
}
