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

func TestJournal_RecordsCallsWithoutSecrets(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	code := h.profileCode()
	h.get(exchangePath(code))
	h.get(exchangePath(code))
	h.get(authorizePath + "?" + authorizeQuery(ScopeUserinfo))
	h.get(authorizePath)
	h.get(authorizePath+"?"+authorizeQuery(ScopeBase), "User-Agent", "curl")
	h.consent(authorizeQuery(ScopeUserinfo), "deny", "")
	h.fault(Fault{Path: userinfoPath, Kind: FaultStatus, Status: 502})
	h.get(userinfoPath + "?access_token=secret")

	var got []string
	for _, call := range h.sim.Journal() {
		got = append(got, call.Method+" "+call.Path+" "+call.Outcome)
		if !call.Time.Equal(h.now) {
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
	if text := fmt.Sprint(h.sim.Journal()); strings.Contains(text, code) || strings.Contains(text, DemoSecret) ||
		strings.Contains(text, "secret") {
		t.Errorf("secrets in %s", text)
	}
	if h.sim.Calls(accessTokenPath) != 2 || h.sim.Calls(authPath) != 0 {
		t.Error("miscounted")
	}
	h.sim.ClearJournal()
	if len(h.sim.Journal()) != 0 || h.sim.Calls(accessTokenPath) != 0 {
		t.Error("not cleared")
	}
}

func TestJournal_IsBounded(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for i := range maxCalls + maxPaths {
		h.get(fmt.Sprintf("/stranger/%d", i))
	}
	for range 10 {
		h.get("/stranger/0")
	}
	if n := len(h.sim.Journal()); n > maxCalls {
		t.Errorf("%d calls", n)
	}
	if n := len(h.sim.journal.counts); n > maxPaths {
		t.Errorf("%d paths", n)
	}
	if n := h.sim.Calls("/stranger/0"); n != 11 {
		t.Errorf("counted %d", n)
	}
}

type callsReply struct {
	Calls []Call
	Last  int
}

func (h *harness) calls(query string) callsReply {
	h.Helper()
	r := h.get("/simulator/calls?" + query)
	var decoded callsReply
	if err := json.Unmarshal([]byte(r.body), &decoded); err != nil || r.status != http.StatusOK {
		h.Fatalf("%s: %d %s", query, r.status, r.body)
	}
	return decoded
}

func TestJournal_FiltersByPathAndTime(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	h.get(authPath)
	h.get(userinfoPath)
	h.advance(time.Minute)
	h.get(authPath)

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
		reply := h.calls(query)
		got := []int{}
		for _, call := range reply.Calls {
			got = append(got, call.Seq)
		}
		if !slices.Equal(got, want) || reply.Last != 3 {
			t.Errorf("%s: got %v, last %d, want %v", query, got, reply.Last, want)
		}
	}
	for _, query := range []string{"since=yesterday", "wait=2", "wait=-1s", "wait=1h", "pth=/sns/auth"} {
		if r := h.get("/simulator/calls?" + query); r.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", query, r.status, r.body)
		}
	}
}

func TestJournal_WaitsForACall(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, query := range []string{"wait=30s", "path=/sns/auth&wait=30s", "path=/sns/auth&since=1&wait=30s"} {
		h.sim.Reset()
		last := h.calls("").Last
		query = strings.Replace(query, "since=1", "since="+fmt.Sprint(last), 1)
		told := make(chan callsReply)
		go func() { told <- h.calls(query) }()
		for answered := false; !answered; {
			if strings.Contains(query, "path") {
				h.get(userinfoPath) // not waited for
			}
			h.get(authPath)
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

func TestJournal_StopsWaitingAtReset(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	told := make(chan callsReply)
	go func() { told <- h.calls("wait=30s") }()
	for {
		h.sim.Reset()
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
