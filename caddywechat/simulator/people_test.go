package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestPeople_ComeAndGo(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	r := h.send("POST", "/simulator/people", `{"id":"lily","nickname":"Lily \n🌸","avatar":"莉"}`)
	var lily struct{ Nickname, Avatar string }
	if err := json.Unmarshal([]byte(r.body), &lily); err != nil || r.status != http.StatusCreated ||
		lily.Nickname != "Lily \n🌸" {
		t.Errorf("got %d %s", r.status, r.body)
	}
	unionID := UnionID(DemoOpenPlatform, "lily")
	openIDs := `"openids":{"` + DemoWebsiteAppID + `":"` + OpenID(DemoWebsiteAppID, "lily") +
		`","` + DemoAppID + `":"` + OpenID(DemoAppID, "lily") + `",`
	if !strings.Contains(r.body, openIDs) ||
		!strings.Contains(r.body, `"unionids":{"`+DemoWebsiteAppID+`":"`+unionID+`","`+DemoAppID+`":"`+unionID+`",`) {
		t.Errorf("got %s", r.body)
	}
	if r := h.get("/simulator/people"); !strings.Contains(r.body, `{"people":[{"id":"xiaoming"`) ||
		!strings.Contains(r.body, `"nasty":[{"id":"nasty-`) {
		t.Errorf("got %s", r.body)
	}
	if r := h.get("/simulator/"); !strings.Contains(r.body, `value="lily"`) {
		t.Error("Lily is not on the page")
	}
	if r := h.get(avatarPath + "lily/96"); r.status != http.StatusOK {
		t.Errorf("picture: got %d", r.status)
	}

	if err := h.sim.Hold("lily"); err != nil {
		t.Fatal(err)
	}
	token := h.api(exchangePath(h.profileCode()))
	if r := h.send("DELETE", "/simulator/people/lily", ""); r.status != http.StatusNoContent {
		t.Errorf("got %d %s", r.status, r.body)
	}
	if got := h.api(profilePath(token)); got.Nickname != "Lily \n🌸" {
		t.Errorf("her token is gone, too: %+v", got)
	}
	if r := h.get("/simulator/holder"); !strings.Contains(r.body, "xiaoming") {
		t.Errorf("someone who left holds the phone: %s", r.body)
	}
}

func TestPeople_AreChecked(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{People: []Person{{ID: "a"}}})
	for _, body := range []string{
		`{"id":"A"}`, `{"id":"a"}`, `{"id":"nasty-long"}`, `{"nickname":"x"}`, `{"id":"b","name":"x"}`,
		`{"id":"b","avatar":1}`,
	} {
		if r := h.send("POST", "/simulator/people", body); r.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", body, r.status, r.body)
		}
	}
	for _, id := range []string{"a", "b", "nasty-long"} {
		if r := h.send("DELETE", "/simulator/people/"+id, ""); r.status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s", id, r.status, r.body)
		}
	}
	for i := 1; i < maxPeople; i++ {
		if err := h.sim.AddPerson(Person{ID: fmt.Sprint("p", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if h.sim.AddPerson(Person{ID: "b"}) == nil {
		t.Error("there is no end of people")
	}
}

// Nasty people log in like others: WeChat's answers, and the pages, hold their names whole and harmless.
func TestNasty_LogInLikeOthers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Quirks: Quirks{NastyPeople: true}})
	for _, person := range Nasty() {
		r := h.send("PUT", "/simulator/holder", `{"person":"`+person.ID+`"}`)
		if r.status != http.StatusOK {
			t.Fatalf("%s: got %d %s", person.ID, r.status, r.body)
		}
		token := h.api(exchangePath(h.profileCode()))
		profile := h.api(profilePath(token))
		if profile.Nickname != person.Nickname || (profile.Headimgurl == "") != (person.Avatar == "") {
			t.Errorf("%s: got %+v", person.ID, profile)
		}
	}
	for _, page := range []string{"/simulator/", authorizePath + "?" + authorizeQuery(ScopeUserinfo)} {
		if r := h.get(page); strings.Contains(r.body, "<script") || strings.Contains(r.body, "\x1b[31m\x00") ||
			!strings.Contains(r.body, `value="nasty-markup"`) {
			t.Errorf("%s: %s", page, r.body)
		}
	}
	if slices.ContainsFunc(h.sim.People(), func(p Person) bool { return strings.HasPrefix(p.ID, "nasty-") }) {
		t.Error("nasty people are among the others")
	}
}
