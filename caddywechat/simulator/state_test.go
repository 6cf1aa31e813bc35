package simulator

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestReset(t *testing.T) {
	b := newBench(t, Config{Choose: true})
	start, people := b.sim.Quirks(), len(b.sim.People())
	b.patchQuirks(`{"choose":false,"unionid":"never"}`)
	b.sim.AddPerson(Person{ID: "lily"})
	b.sim.RemovePerson("xiaoming")
	b.sim.Hold("lily")
	token := b.api(exchangePath(b.silentCode()))
	code := b.silentCode()
	last := b.sim.Journal()[2].Seq
	b.fault(Fault{Path: userinfoPath, Kind: FaultHang})
	hanging := make(chan error)
	go func() {
		// A connection of its own: where one was used before, the client would try again by itself.
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		_, err := client.Get(b.url + userinfoPath)
		hanging <- err
	}()
	for b.sim.Calls(userinfoPath) == 0 {
		time.Sleep(time.Millisecond)
	}
	b.fault(Fault{Path: authPath, Kind: FaultEmpty})

	if r := b.send("POST", "/simulator/reset", ""); r.status != http.StatusNoContent {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	if err := <-hanging; err == nil {
		t.Error("a hanging call was answered")
	}
	if b.sim.Quirks() != start || len(b.sim.People()) != people || len(b.sim.Faults()) != 0 || len(b.sim.Journal()) != 0 || b.sim.Calls(accessTokenPath) != 0 {
		t.Error("something is left")
	}
	if r := b.get("/simulator/holder"); !strings.Contains(r.body, "xiaoming") {
		t.Errorf("got %s", r.body)
	}
	b.wantErrcode(exchangePath(code), 40029)
	b.wantErrcode(refreshPath(token.RefreshToken), 40030)
	b.wantErrcode(authPath+"?access_token="+token.AccessToken+"&openid="+token.OpenID, 40014)
	if got := b.sim.Journal()[0].Seq; got <= last {
		t.Errorf("the sequence went back to %d", got)
	}
}
