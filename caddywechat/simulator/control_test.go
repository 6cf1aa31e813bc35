package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestControlFaults(t *testing.T) {
	b := newBench(t, Config{})
	r := b.send("POST", "/simulator/faults", `{"path":"/sns/auth","kind":"delay","delay":"1.5s","consume":true,"times":2}`)
	want := `{"path":"/sns/auth","kind":"delay","delay":"1.5s","consume":true,"times":2}` + "\n"
	if r.status != http.StatusCreated || r.body != want || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if got := b.sim.Faults(); len(got) != 1 || got[0] != (Fault{Path: authPath, Kind: FaultDelay, Delay: 1500 * time.Millisecond, Consume: true, Times: 2}) {
		t.Errorf("got %+v", got)
	}
	if r := b.get("/simulator/faults"); r.body != `{"faults":[`+strings.TrimSpace(want)+"]}\n" {
		t.Errorf("got %s", r.body)
	}
	if r := b.send("DELETE", "/simulator/faults", ""); r.status != http.StatusNoContent {
		t.Errorf("got %d", r.status)
	}
	if r := b.get("/simulator/faults"); r.body != `{"faults":[]}`+"\n" {
		t.Errorf("got %s", r.body)
	}
}

func TestControlIsStrict(t *testing.T) {
	b := newBench(t, Config{})
	for _, body := range []string{
		"",
		"no json",
		`{"path":"/sns/auth","kind":"hang","tmies":1}`,
		`{"path":"/sns/auth","kind":"hang"} {}`,
		`{"path":"/sns/auth","kind":"hang"}]`,
		`{"path":"/sns/auth","kind":"delay","delay":"3"}`,
		`{"path":"/sns/auth","kind":"delay","delay":3}`,
		`{"path":"/sns/auth","kind":"nothing"}`,
		`{"path":"` + strings.Repeat("x", maxForm) + `"}`,
	} {
		r := b.send("POST", "/simulator/faults", body)
		var told struct{ Error string }
		if err := json.Unmarshal([]byte(r.body), &told); r.status != http.StatusBadRequest || err != nil || told.Error == "" {
			t.Errorf("%.60s: got %d %s", body, r.status, r.body)
		}
	}
	if r := b.send("PUT", "/simulator/holder", `{"person":"nobody"}`); r.status != http.StatusBadRequest || !strings.Contains(r.body, "nobody") {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if r := b.send("PATCH", "/simulator/faults", ""); r.status == http.StatusOK {
		t.Errorf("PATCH: got %d", r.status)
	}
}

func TestControlHolderAndCalls(t *testing.T) {
	b := newBench(t, Config{})
	if r := b.send("PUT", "/simulator/holder", `{"person":"emma"}`); r.status != http.StatusOK || r.body != `{"person":"emma"}`+"\n" {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if r := b.get("/simulator/holder"); r.body != `{"person":"emma"}`+"\n" {
		t.Errorf("got %s", r.body)
	}
	if got := b.api(exchangePath(b.silentCode())).OpenID; got != OpenID(DemoAppID, "emma") {
		t.Error("someone else logged in")
	}
	want := `{"calls":[{"time":"2026-03-01T12:00:00Z","method":"GET","path":"/connect/oauth2/authorize","outcome":"ok"},` +
		`{"time":"2026-03-01T12:00:00Z","method":"GET","path":"/sns/oauth2/access_token","outcome":"ok"}],` +
		`"counts":{"/connect/oauth2/authorize":1,"/sns/oauth2/access_token":1}}` + "\n"
	if r := b.get("/simulator/calls"); r.body != want {
		t.Errorf("got %s", r.body)
	}
	b.send("DELETE", "/simulator/calls", "")
	if r := b.get("/simulator/calls"); r.body != `{"calls":[],"counts":{}}`+"\n" {
		t.Errorf("got %s", r.body)
	}
}

func TestControlRefusesOtherSites(t *testing.T) {
	b := newBench(t, Config{})
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "http://evil.example"},
		{"Origin", "null"},
	} {
		for _, call := range [][2]string{{"PUT", "/simulator/holder"}, {"GET", "/simulator/calls"}, {"DELETE", "/simulator/faults"}} {
			if r := b.send(call[0], call[1], `{"person":"emma"}`, header...); r.status != http.StatusForbidden {
				t.Errorf("%v %v: got %d", call, header, r.status)
			}
		}
		if r := b.send("POST", "/simulator/", "person=emma", append(header, "Content-Type", "application/x-www-form-urlencoded")...); r.status != http.StatusForbidden {
			t.Errorf("form %v: got %d", header, r.status)
		}
	}
	for _, header := range [][]string{{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", b.url}} {
		if r := b.send("PUT", "/simulator/holder", `{"person":"emma"}`, header...); r.status != http.StatusOK {
			t.Errorf("%v: got %d", header, r.status)
		}
	}
}

func TestOverview(t *testing.T) {
	b := newBench(t, Config{})
	r := b.get("/simulator/")
	for _, want := range []string{DemoAppID, DemoSecret, DemoDomain, "xiaoming", "小明", b.url + "/simulator/faults", "&lt;i&gt;"} {
		if !strings.Contains(r.body, want) {
			t.Errorf("%s is not on the page", want)
		}
	}
	if r.header.Get("Cache-Control") != "no-store" || r.header.Get("Content-Security-Policy") != policy {
		t.Errorf("got %v", r.header)
	}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	if r := b.send("POST", "/simulator/", "person=emma", form...); r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Set-Cookie"), "simulator_person=emma;") {
		t.Errorf("got %d %v", r.status, r.header)
	}
	if r := b.send("POST", "/simulator/", "person=nobody", form...); r.status != http.StatusBadRequest {
		t.Errorf("got %d", r.status)
	}
}
