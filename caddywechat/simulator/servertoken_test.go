package simulator

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

type serverReply struct {
	Errcode     int
	Errmsg      string
	AccessToken string `json:"access_token"`
	Ticket      string
	ExpiresIn   int `json:"expires_in"`
}

func (b *bench) serverReply(r reply) serverReply {
	b.Helper()
	var got serverReply
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != http.StatusOK {
		b.Fatalf("got %d %s", r.status, r.body)
	}
	return got
}

func (b *bench) server(path string) serverReply {
	b.Helper()
	return b.serverReply(b.get(path))
}

const (
	plainQuery = "?grant_type=client_credential&appid=" + DemoAppID + "&secret=" + DemoSecret
	stableBody = `{"grant_type":"client_credential","appid":"` + DemoAppID + `","secret":"` + DemoSecret + `","force_refresh":false}`
)

func (b *bench) stable(force bool) serverReply {
	b.Helper()
	body := stableBody
	if force {
		body = strings.Replace(body, "false", "true", 1)
	}
	return b.serverReply(b.send("POST", stableTokenPath, body))
}

func (b *bench) wantServerToken(token string, errcode int) {
	b.Helper()
	if got := b.server(ticketPath + "?type=jsapi&access_token=" + token); got.Errcode != errcode {
		b.Errorf("the token gives %d %s, want %d", got.Errcode, got.Errmsg, errcode)
	}
}

func TestAStableTokenStaysUntilItsLastFiveMinutes(t *testing.T) {
	b := newBench(t, Config{})
	r := b.send("POST", stableTokenPath, stableBody)
	if !regexp.MustCompile(`^{"access_token":"61_[0-9A-Za-z]{86}","expires_in":7200}$`).MatchString(r.body) ||
		r.header.Get("Content-Type") != "application/json; encoding=utf-8" {
		t.Errorf("got %v %s", r.header, r.body)
	}
	first := b.stable(false)
	b.later(2*time.Hour - 345*time.Second)
	if again := b.stable(false); again.AccessToken != first.AccessToken || again.ExpiresIn != 345 {
		t.Errorf("got %+v after %+v", again, first)
	}
	b.later(46 * time.Second)
	second := b.stable(false)
	if second.AccessToken == first.AccessToken || second.ExpiresIn != 7200 {
		t.Errorf("in the last minutes: got %+v", second)
	}
	b.wantServerToken(first.AccessToken, 0)
	b.wantServerToken(second.AccessToken, 0)
	b.later(299 * time.Second)
	b.wantServerToken(first.AccessToken, 42001)
	b.wantServerToken(second.AccessToken, 0)
	b.later(2 * time.Hour)
	b.wantServerToken(second.AccessToken, 42001)
	if third := b.stable(false); third.ExpiresIn != 7200 || third.AccessToken == second.AccessToken {
		t.Errorf("after the end: got %+v", third)
	}
}

func TestForcedRefreshes(t *testing.T) {
	b := newBench(t, Config{})
	last := b.stable(true).AccessToken // there was none: this counts for nothing
	b.later(time.Second)
	for i := range forcedPerDay {
		next := b.stable(true).AccessToken
		if next == last {
			t.Fatalf("refresh %d gave the same", i+1)
		}
		b.wantServerToken(last, 40001)
		b.wantServerToken(next, 0)
		b.later(forcedApart - time.Second)
		if got := b.stable(true); got.AccessToken != next {
			t.Fatal("29 s later there was another one")
		}
		last = next
		b.later(time.Second)
	}
	if got := b.stable(true).AccessToken; got != last {
		t.Error("the 21st of a day was one")
	}
	b.later(24 * time.Hour)
	last = b.stable(false).AccessToken
	if got := b.stable(true).AccessToken; got == last {
		t.Error("none on the next day")
	}
}

func TestEveryPlainTokenReplacesTheFormer(t *testing.T) {
	b := newBench(t, Config{})
	stable := b.stable(false).AccessToken
	first := b.server(tokenPath + plainQuery)
	second := b.server(tokenPath + plainQuery)
	if first.AccessToken == second.AccessToken || second.ExpiresIn != 7200 || second.Errmsg != "" {
		t.Errorf("got %+v after %+v", second, first)
	}
	b.later(5*time.Minute - time.Second)
	b.wantServerToken(first.AccessToken, 0)
	b.later(time.Second)
	b.wantServerToken(first.AccessToken, 40001)
	b.wantServerToken(second.AccessToken, 0)
	b.wantServerToken(stable, 0)

	for range tokensPerDay - 2 {
		b.sim.serverTokens.fetched[DemoAppID].n++
	}
	if got := b.server(tokenPath + plainQuery); got.Errcode != 45009 {
		t.Errorf("the 2001st of a day: got %+v", got)
	}
	b.later(24 * time.Hour)
	if got := b.server(tokenPath + plainQuery); got.Errcode != 0 {
		t.Errorf("on the next day: got %+v", got)
	}
}

func TestServerTokenErrors(t *testing.T) {
	b := newBench(t, Config{})
	wrong := strings.Repeat("0", 32)
	for _, test := range []struct {
		old, new      string
		plain, stable int
	}{
		{"client_credential", "authorization_code", 40002, 40002},
		{DemoAppID, "", 41002, 41002},
		{DemoSecret, "", 41004, 41004},
		{DemoAppID, "wxffffffffffffffff", 40013, 40013},
		{DemoAppID, DemoWebsiteAppID, 40013, 40013},
		{DemoSecret, wrong, 40001, 40125},
	} {
		if got := b.server(tokenPath + strings.Replace(plainQuery, test.old, test.new, 1)); got.Errcode != test.plain {
			t.Errorf("token with %q: got %+v", test.new, got)
		}
		body := strings.Replace(stableBody, test.old, test.new, 1)
		if got := b.serverReply(b.send("POST", stableTokenPath, body)); got.Errcode != test.stable {
			t.Errorf("stable token with %q: got %+v", test.new, got)
		}
	}
	for _, body := range []string{"", "[]", "grant_type=client_credential", `{"appid":1}`, `{"a":"` + strings.Repeat("x", maxForm) + `"}`} {
		if got := b.serverReply(b.send("POST", stableTokenPath, body)); got.Errcode != 47001 {
			t.Errorf("body %.20q: got %+v", body, got)
		}
	}
	if got := b.server(stableTokenPath + plainQuery); got.Errcode != 43002 {
		t.Errorf("GET: got %+v", got)
	}
	if got := b.serverReply(b.send("POST", tokenPath+plainQuery, "")); got.Errcode != 43001 {
		t.Errorf("POST: got %+v", got)
	}
	b.fault(Fault{Path: stableTokenPath, Kind: FaultErrcode, Errcode: 40164})
	if got := b.stable(false); got.Errcode != 40164 || !strings.Contains(got.Errmsg, "not in whitelist, rid: ") {
		t.Errorf("a fault: got %+v", got)
	}
}

func TestTickets(t *testing.T) {
	b := newBench(t, Config{Accounts: twoAccounts()})
	path := ticketPath + "?type=jsapi&access_token=" + b.stable(false).AccessToken
	r := b.get(path)
	if !regexp.MustCompile(`^{"errcode":0,"errmsg":"ok","ticket":"[0-9A-Za-z]{86}","expires_in":7200}$`).MatchString(r.body) {
		t.Errorf("got %s", r.body)
	}
	first := b.serverReply(r)
	b.later(time.Hour)
	if again := b.server(path); again.Ticket != first.Ticket || again.ExpiresIn != 3600 {
		t.Errorf("got %+v after %+v", again, first)
	}
	other := strings.Replace(plainQuery, DemoAppID, otherAppID, 1)
	if got := b.server(ticketPath + "?type=jsapi&access_token=" + b.server(tokenPath+other).AccessToken); got.Ticket == first.Ticket || got.Ticket == "" {
		t.Errorf("another account got %+v", got)
	}
	b.later(55 * time.Minute)
	path = ticketPath + "?type=jsapi&access_token=" + b.stable(false).AccessToken
	if later := b.server(path); later.Ticket == first.Ticket || later.ExpiresIn != 7200 {
		t.Errorf("in the last minutes: got %+v", later)
	}
	if got := b.server(strings.Replace(path, "jsapi", "card", 1)); got.Errcode != 40097 {
		t.Errorf("another type: got %+v", got)
	}
	b.wantServerToken("", 41001)
	b.wantServerToken("61_x", 40001)
	b.wantServerToken(b.api(exchangePath(b.silentCode())).AccessToken, 40001) // the user's is another thing
	b.wantServerToken(b.weCom(demoWeComApp()).AccessToken, 40001)
}

func TestTheJournalHoldsNoServerSecret(t *testing.T) {
	b := newBench(t, Config{})
	token := b.stable(true).AccessToken
	b.wantServerToken(token, 0)
	b.weCom(demoWeComApp())
	encoded, _ := json.Marshal(b.sim.Journal())
	for _, secret := range []string{token, DemoSecret, DemoWeComSecret} {
		if strings.Contains(string(encoded), secret) {
			t.Errorf("%s is in the journal: %s", secret, encoded)
		}
	}
	if got := b.sim.Calls(stableTokenPath) + b.sim.Calls(ticketPath) + b.sim.Calls(weComTokenPath); got != 3 {
		t.Errorf("%d calls", got)
	}
}

func TestResetForgetsServerTokens(t *testing.T) {
	b := newBench(t, Config{})
	token := b.stable(false).AccessToken
	b.sim.Reset()
	b.wantServerToken(token, 40001)
}
