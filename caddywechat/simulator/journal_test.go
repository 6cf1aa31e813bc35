package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
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

type callsReply struct {
	Calls []Call
	Last  int
}

func (b *bench) calls(query string) callsReply {
	b.Helper()
	r := b.get("/simulator/calls?" + query)
	var decoded callsReply
	if err := json.Unmarshal([]byte(r.body), &decoded); err != nil || r.status != http.StatusOK {
		b.Fatalf("%s: %d %s", query, r.status, r.body)
	}
	return decoded
}

func TestJournalCanBeAsked(t *testing.T) {
	b := newBench(t, Config{})
	b.get(authPath)
	b.get(userinfoPath)
	b.later(time.Minute)
	b.get(authPath)

	for query, want := range map[string][]int{
		"":                                    {1, 2, 3},
		"path=/sns/auth":                      {1, 3},
		"since=1":                             {2, 3},
		"since=1&path=/sns/auth":              {3},
		"since=3":                             {},
		"since=2026-03-01T12:00:00Z":          {1, 2, 3},
		"since=2026-03-01T12:01:00Z":          {3},
		"since=2026-03-01T20:01:00%2B08:00":   {3},
		"since=2026-03-01T12:02:00Z":          {},
		"path=/sns/userinfo&since=0&wait=30s": {2},
		"wait=1ms":                            {},
	} {
		reply := b.calls(query)
		got := []int{}
		for _, call := range reply.Calls {
			got = append(got, call.Seq)
		}
		if !slices.Equal(got, want) || reply.Last != 3 {
			t.Errorf("%s: got %v, last %d, want %v", query, got, reply.Last, want)
		}
	}
	for _, query := range []string{"since=yesterday", "wait=2", "wait=-1s", "wait=1h", "pth=/sns/auth"} {
		if r := b.get("/simulator/calls?" + query); r.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", query, r.status, r.body)
		}
	}
}

func TestJournalWaits(t *testing.T) {
	b := newBench(t, Config{})
	for _, query := range []string{"wait=30s", "path=/sns/auth&wait=30s", "path=/sns/auth&since=1&wait=30s"} {
		b.sim.Reset()
		last := b.calls("").Last
		query = strings.Replace(query, "since=1", "since="+fmt.Sprint(last), 1)
		told := make(chan callsReply)
		go func() { told <- b.calls(query) }()
		for answered := false; !answered; {
			if strings.Contains(query, "path") {
				b.get(userinfoPath) // not waited for
			}
			b.get(authPath)
			select {
			case reply := <-told:
				answered = true
				if len(reply.Calls) == 0 || reply.Calls[0].Path != authPath || reply.Last <= last {
					t.Errorf("%s: got %+v", query, reply)
				}
			case <-time.After(time.Millisecond):
			}
		}
	}
}

func TestResetEndsWaiting(t *testing.T) {
	b := newBench(t, Config{})
	told := make(chan callsReply)
	go func() { told <- b.calls("wait=30s") }()
	for {
		b.sim.Reset()
		select {
		case reply := <-told:
			if len(reply.Calls) != 0 {
				t.Errorf("got %+v", reply)
			}
			return
		case <-time.After(time.Millisecond):
		}
	}
}
