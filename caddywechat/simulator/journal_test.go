package simulator

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestJournal(t *testing.T) {
	b := newBench(t, Config{})
	code := b.profileCode()
	b.get(exchangePath(code))
	b.get(exchangePath(code))
	b.get(authorizePath + "?" + authorizeQuery(ScopeUserinfo))
	b.get(authorizePath)
	b.get(authorizePath+"?"+authorizeQuery(ScopeBase), "User-Agent", "curl")
	b.answer(authorizeQuery(ScopeUserinfo), "deny", "")
	b.fault(Fault{Path: userinfoPath, Kind: FaultStatus, Status: 502})
	b.get(userinfoPath + "?access_token=secret")

	var got []string
	for _, call := range b.sim.Journal() {
		got = append(got, call.Method+" "+call.Path+" "+call.Outcome)
		if !call.Time.Equal(b.now) {
			t.Errorf("time %v", call.Time)
		}
	}
	want := []string{
		"POST /simulator/consent ok",
		"GET /sns/oauth2/access_token ok",
		"GET /sns/oauth2/access_token 40163",
		"GET /connect/oauth2/authorize consent",
		"GET /connect/oauth2/authorize 10012",
		"GET /connect/oauth2/authorize not wechat",
		"POST /simulator/consent denied",
		"GET /sns/userinfo fault: status 502",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if text := fmt.Sprint(b.sim.Journal()); strings.Contains(text, code) || strings.Contains(text, DemoSecret) || strings.Contains(text, "secret") {
		t.Errorf("secrets in %s", text)
	}
	if b.sim.Calls(accessTokenPath) != 2 || b.sim.Calls(authPath) != 0 {
		t.Error("miscounted")
	}
	b.sim.ClearJournal()
	if len(b.sim.Journal()) != 0 || b.sim.Calls(accessTokenPath) != 0 {
		t.Error("not cleared")
	}
}

func TestJournalIsBounded(t *testing.T) {
	b := newBench(t, Config{})
	for i := range maxCalls + maxPaths {
		b.get(fmt.Sprintf("/stranger/%d", i))
	}
	for range 10 {
		b.get("/stranger/0")
	}
	if n := len(b.sim.Journal()); n > maxCalls {
		t.Errorf("%d calls", n)
	}
	if n := len(b.sim.journal.counts); n > maxPaths {
		t.Errorf("%d paths", n)
	}
	if n := b.sim.Calls("/stranger/0"); n != 11 {
		t.Errorf("counted %d", n)
	}
}
