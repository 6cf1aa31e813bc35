package simulator

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestReset_BringsBackTheStart(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Choose: true})
	start, people := h.sim.Quirks(), len(h.sim.People())
	h.patchQuirks(`{"choose":false,"unionid":"never"}`)
	h.sim.AddPerson(Person{ID: "lily"})
	h.sim.RemovePerson("xiaoming")
	h.sim.Hold("lily")
	token := h.api(exchangePath(h.silentCode()))
	code := h.silentCode()
	last := h.sim.Journal()[2].Seq
	h.fault(Fault{Path: userinfoPath, Kind: FaultHang})
	hanging := make(chan error)
	go func() {
		// A connection of its own: where one was used before, the client would try again by itself.
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		_, err := client.Get(h.url + userinfoPath)
		hanging <- err
	}()
	for h.sim.Calls(userinfoPath) == 0 {
		time.Sleep(time.Millisecond)
	}
	h.fault(Fault{Path: authPath, Kind: FaultEmpty})

	if r := h.send("POST", "/simulator/reset", ""); r.status != http.StatusNoContent {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	if err := <-hanging; err == nil {
		t.Error("a hanging call was answered")
	}
	if h.sim.Quirks() != start || len(h.sim.People()) != people || len(h.sim.Faults()) != 0 ||
		len(h.sim.Journal()) != 0 || h.sim.Calls(accessTokenPath) != 0 {
		t.Error("something is left")
	}
	if r := h.get("/simulator/holder"); !strings.Contains(r.body, "xiaoming") {
		t.Errorf("got %s", r.body)
	}
	h.wantErrcode(exchangePath(code), 40029)
	h.wantErrcode(refreshPath(token.RefreshToken), 40030)
	h.wantErrcode(authPath+"?access_token="+token.AccessToken+"&openid="+token.OpenID, 40014)
	if got := h.sim.Journal()[0].Seq; got <= last {
		t.Errorf("the sequence went back to %d", got)
	}
}
