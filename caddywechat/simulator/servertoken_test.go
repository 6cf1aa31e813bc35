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

func (h *harness) serverReply(r reply) serverReply {
	h.Helper()
	var got serverReply
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != http.StatusOK {
		h.Fatalf("got %d %s", r.status, r.body)
	}
	return got
}

func (h *harness) server(path string) serverReply {
	h.Helper()
	return h.serverReply(h.get(path))
}

const (
	plainQuery = "?grant_type=client_credential&appid=" + DemoAppID + "&secret=" + DemoSecret
	stableBody = `{"grant_type":"client_credential","appid":"` + DemoAppID + `","secret":"` + DemoSecret +
		`","force_refresh":false}`
)

func (h *harness) stable(force bool) serverReply {
	h.Helper()
	body := stableBody
	if force {
		body = strings.Replace(body, "false", "true", 1)
	}
	return h.serverReply(h.send("POST", stableTokenPath, body))
}

func (h *harness) wantServerToken(token string, errcode int) {
	h.Helper()
	if got := h.server(ticketPath + "?type=jsapi&access_token=" + token); got.Errcode != errcode {
		h.Errorf("the token gives %d %s, want %d", got.Errcode, got.Errmsg, errcode)
	}
}

func TestStableToken_StaysUntilItsLastFiveMinutes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	r := h.send("POST", stableTokenPath, stableBody)
	if !regexp.MustCompile(`^{"access_token":"61_[0-9A-Za-z]{86}","expires_in":7200}$`).MatchString(r.body) ||
		r.header.Get("Content-Type") != "application/json; encoding=utf-8" {
		t.Errorf("got %v %s", r.header, r.body)
	}
	first := h.stable(false)
	h.advance(2*time.Hour - 345*time.Second)
	if again := h.stable(false); again.AccessToken != first.AccessToken || again.ExpiresIn != 345 {
		t.Errorf("got %+v after %+v", again, first)
	}
	h.advance(46 * time.Second)
	second := h.stable(false)
	if second.AccessToken == first.AccessToken || second.ExpiresIn != 7200 {
		t.Errorf("in the last minutes: got %+v", second)
	}
	h.wantServerToken(first.AccessToken, 0)
	h.wantServerToken(second.AccessToken, 0)
	h.advance(299 * time.Second)
	h.wantServerToken(first.AccessToken, 42001)
	h.wantServerToken(second.AccessToken, 0)
	h.advance(2 * time.Hour)
	h.wantServerToken(second.AccessToken, 42001)
	if third := h.stable(false); third.ExpiresIn != 7200 || third.AccessToken == second.AccessToken {
		t.Errorf("after the end: got %+v", third)
	}
}

func TestStableToken_LimitsForcedRefreshes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	last := h.stable(true).AccessToken // there was none: this counts for nothing
	h.advance(time.Second)
	for i := range forcedPerDay {
		next := h.stable(true).AccessToken
		if next == last {
			t.Fatalf("refresh %d gave the same", i+1)
		}
		h.wantServerToken(last, 40001)
		h.wantServerToken(next, 0)
		h.advance(forcedApart - time.Second)
		if got := h.stable(true); got.AccessToken != next {
			t.Fatal("29 s later there was another one")
		}
		last = next
		h.advance(time.Second)
	}
	if got := h.stable(true).AccessToken; got != last {
		t.Error("the 21st of a day was one")
	}
	h.advance(24 * time.Hour)
	last = h.stable(false).AccessToken
	if got := h.stable(true).AccessToken; got == last {
		t.Error("none on the next day")
	}
}

func TestServerToken_ReplacesTheFormer(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	stable := h.stable(false).AccessToken
	first := h.server(tokenPath + plainQuery)
	second := h.server(tokenPath + plainQuery)
	if first.AccessToken == second.AccessToken || second.ExpiresIn != 7200 || second.Errmsg != "" {
		t.Errorf("got %+v after %+v", second, first)
	}
	h.advance(5*time.Minute - time.Second)
	h.wantServerToken(first.AccessToken, 0)
	h.advance(time.Second)
	h.wantServerToken(first.AccessToken, 40001)
	h.wantServerToken(second.AccessToken, 0)
	h.wantServerToken(stable, 0)

	for range tokensPerDay - 2 {
		h.sim.serverTokens.fetched[DemoAppID].n++
	}
	if got := h.server(tokenPath + plainQuery); got.Errcode != 45009 {
		t.Errorf("the 2001st of a day: got %+v", got)
	}
	h.advance(24 * time.Hour)
	if got := h.server(tokenPath + plainQuery); got.Errcode != 0 {
		t.Errorf("on the next day: got %+v", got)
	}
}

func TestServerToken_RefusesBadRequests(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
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
		if got := h.server(tokenPath + strings.Replace(plainQuery, test.old, test.new, 1)); got.Errcode != test.plain {
			t.Errorf("token with %q: got %+v", test.new, got)
		}
		body := strings.Replace(stableBody, test.old, test.new, 1)
		if got := h.serverReply(h.send("POST", stableTokenPath, body)); got.Errcode != test.stable {
			t.Errorf("stable token with %q: got %+v", test.new, got)
		}
	}
	for _, body := range []string{
		"", "[]", "grant_type=client_credential", `{"appid":1}`, `{"a":"` + strings.Repeat("x", maxForm) + `"}`,
	} {
		if got := h.serverReply(h.send("POST", stableTokenPath, body)); got.Errcode != 47001 {
			t.Errorf("body %.20q: got %+v", body, got)
		}
	}
	if got := h.server(stableTokenPath + plainQuery); got.Errcode != 43002 {
		t.Errorf("GET: got %+v", got)
	}
	if got := h.serverReply(h.send("POST", tokenPath+plainQuery, "")); got.Errcode != 43001 {
		t.Errorf("POST: got %+v", got)
	}
	h.fault(Fault{Path: stableTokenPath, Kind: FaultErrcode, Errcode: 40164})
	if got := h.stable(false); got.Errcode != 40164 || !strings.Contains(got.Errmsg, "not in whitelist, rid: ") {
		t.Errorf("a fault: got %+v", got)
	}
}

func TestTicket_StaysUntilItsLastFiveMinutes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Accounts: twoAccounts()})
	path := ticketPath + "?type=jsapi&access_token=" + h.stable(false).AccessToken
	r := h.get(path)
	shape := regexp.MustCompile(`^{"errcode":0,"errmsg":"ok","ticket":"[0-9A-Za-z]{86}","expires_in":7200}$`)
	if !shape.MatchString(r.body) {
		t.Errorf("got %s", r.body)
	}
	first := h.serverReply(r)
	h.advance(time.Hour)
	if again := h.server(path); again.Ticket != first.Ticket || again.ExpiresIn != 3600 {
		t.Errorf("got %+v after %+v", again, first)
	}
	other := strings.Replace(plainQuery, DemoAppID, otherAppID, 1)
	got := h.server(ticketPath + "?type=jsapi&access_token=" + h.server(tokenPath+other).AccessToken)
	if got.Ticket == first.Ticket || got.Ticket == "" {
		t.Errorf("another account got %+v", got)
	}
	h.advance(55 * time.Minute)
	path = ticketPath + "?type=jsapi&access_token=" + h.stable(false).AccessToken
	if later := h.server(path); later.Ticket == first.Ticket || later.ExpiresIn != 7200 {
		t.Errorf("in the last minutes: got %+v", later)
	}
	if got := h.server(strings.Replace(path, "jsapi", "card", 1)); got.Errcode != 40097 {
		t.Errorf("another type: got %+v", got)
	}
	h.wantServerToken("", 41001)
	h.wantServerToken("61_x", 40001)
	h.wantServerToken(h.api(exchangePath(h.silentCode())).AccessToken, 40001) // the user's is another thing
	h.wantServerToken(h.weCom(demoWeComApp()).AccessToken, 40001)
}

func TestJournal_HoldsNoServerSecret(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	token := h.stable(true).AccessToken
	h.wantServerToken(token, 0)
	h.weCom(demoWeComApp())
	encoded, _ := json.Marshal(h.sim.Journal())
	for _, secret := range []string{token, DemoSecret, DemoWeComSecret} {
		if strings.Contains(string(encoded), secret) {
			t.Errorf("%s is in the journal: %s", secret, encoded)
		}
	}
	if got := h.sim.Calls(stableTokenPath) + h.sim.Calls(ticketPath) + h.sim.Calls(weComTokenPath); got != 3 {
		t.Errorf("%d calls", got)
	}
}

func TestReset_ForgetsServerTokens(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	token := h.stable(false).AccessToken
	h.sim.Reset()
	h.wantServerToken(token, 40001)
}
