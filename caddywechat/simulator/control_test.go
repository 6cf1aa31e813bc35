package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestControl_ListsAndClearsFaults(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	r := h.send("POST", "/simulator/faults",
		`{"path":"/sns/auth","kind":"delay","delay":"1.5s","consume":true,"times":2}`)
	want := `{"path":"/sns/auth","kind":"delay","consume":true,"rate":1,"times":2,"delay":"1.5s"}` + "\n"
	if r.status != http.StatusCreated || r.body != want || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s", r.status, r.body)
	}
	delay := Fault{
		Path: authPath, Kind: FaultDelay, Delay: 1500 * time.Millisecond, Consume: true, Rate: 1, Times: 2,
	}
	if got := h.sim.Faults(); len(got) != 1 || got[0] != delay {
		t.Errorf("got %+v", got)
	}
	if r := h.get("/simulator/faults"); r.body != `{"faults":[`+strings.TrimSpace(want)+"]}\n" {
		t.Errorf("got %s", r.body)
	}
	if r := h.send("DELETE", "/simulator/faults", ""); r.status != http.StatusNoContent {
		t.Errorf("got %d", r.status)
	}
	if r := h.get("/simulator/faults"); r.body != `{"faults":[]}`+"\n" {
		t.Errorf("got %s", r.body)
	}
}

func TestControl_RefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, body := range []string{
		"",
		"no json",
		`{"path":"/sns/auth","kind":"hang","tmies":1}`,
		`{"path":"/sns/auth","kind":"hang"} {}`,
		`{"path":"/sns/auth","kind":"hang"}]`,
		`{"path":"/sns/auth","kind":"delay","delay":"3"}`,
		`{"path":"/sns/auth","kind":"delay","delay":3}`,
		`{"path":"/sns/auth","kind":"nothing"}`,
		`{"path":"/sns/auth","kind":"hang","times":null}`,
		`{"path":"/sns/auth","kind":"hang","times":"one"}`,
		`{"path":"/sns/auth","kind":"hang","rate":0}`,
		`{"path":"/sns/auth","kind":"hang","rate":1.5}`,
		`null`,
		`[]`,
		`{"path":"` + strings.Repeat("x", maxForm) + `"}`,
	} {
		r := h.send("POST", "/simulator/faults", body)
		var told struct{ Error string }
		if err := json.Unmarshal([]byte(r.body), &told); r.status != http.StatusBadRequest || err != nil ||
			told.Error == "" {
			t.Errorf("%.60s: got %d %s", body, r.status, r.body)
		}
	}
	if r := h.send("PUT", "/simulator/holder", `{"person":"nobody"}`); r.status != http.StatusBadRequest ||
		!strings.Contains(r.body, "nobody") {
		t.Errorf("got %d %s", r.status, r.body)
	}
	for path, want := range map[string]string{
		"/simulator/faults": "POST /simulator/faults",
		"/simulator/falts":  "GET /simulator/faults",
	} {
		if r := h.send("PATCH", path, ""); r.status != http.StatusNotFound || !strings.Contains(r.body, want) {
			t.Errorf("%s: got %d %s", path, r.status, r.body)
		}
	}
	if len(h.sim.Journal()) != 0 {
		t.Error("control calls are in the journal")
	}
}

func TestControl_SetsTheHolderAndListsCalls(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	if r := h.send("PUT", "/simulator/holder", `{"person":"emma"}`); r.status != http.StatusOK ||
		r.body != `{"person":"emma"}`+"\n" {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if r := h.get("/simulator/holder"); r.body != `{"person":"emma"}`+"\n" {
		t.Errorf("got %s", r.body)
	}
	if got := h.api(exchangePath(h.silentCode())).OpenID; got != OpenID(DemoAppID, "emma") {
		t.Error("someone else logged in")
	}
	want := `{"calls":[` +
		`{"seq":1,"time":"2026-03-01T12:00:00Z","method":"GET","path":"/connect/oauth2/authorize","outcome":"ok"},` +
		`{"seq":2,"time":"2026-03-01T12:00:00Z","method":"GET","path":"/sns/oauth2/access_token","outcome":"ok"}],` +
		`"counts":{"/connect/oauth2/authorize":1,"/sns/oauth2/access_token":1},"last":2}` + "\n"
	if r := h.get("/simulator/calls"); r.body != want {
		t.Errorf("got %s", r.body)
	}
	h.send("DELETE", "/simulator/calls", "")
	if r := h.get("/simulator/calls"); r.body != `{"calls":[],"counts":{},"last":2}`+"\n" {
		t.Errorf("got %s", r.body)
	}
}

func TestControl_RefusesOtherSites(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Origin", "http://evil.example"},
		{"Origin", "null"},
	} {
		for _, call := range [][2]string{
			{"PUT", "/simulator/holder"}, {"GET", "/simulator/calls"}, {"DELETE", "/simulator/faults"},
		} {
			if r := h.send(call[0], call[1], `{"person":"emma"}`, header...); r.status != http.StatusForbidden {
				t.Errorf("%v %v: got %d", call, header, r.status)
			}
		}
		r := h.send("POST", "/simulator/", "person=emma", append(header, "Content-Type", formType)...)
		if r.status != http.StatusForbidden {
			t.Errorf("form %v: got %d", header, r.status)
		}
	}
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}, {"Origin", h.url},
	} {
		if r := h.send("PUT", "/simulator/holder", `{"person":"emma"}`, header...); r.status != http.StatusOK {
			t.Errorf("%v: got %d", header, r.status)
		}
	}
}
