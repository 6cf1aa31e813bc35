package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func (h *harness) patchQuirks(changes string) {
	h.Helper()
	if r := h.send("PATCH", "/simulator/quirks", changes); r.status != http.StatusOK {
		h.Fatalf("%s: got %d %s", changes, r.status, r.body)
	}
}

// profile logs in with snsapi_userinfo and returns the two answers as they came.
func (h *harness) profile() (token, profile reply) {
	h.Helper()
	token = h.get(exchangePath(h.profileCode()))
	var ids struct {
		Access string `json:"access_token"`
		OpenID string
	}
	if err := json.Unmarshal([]byte(token.body), &ids); err != nil {
		h.Fatal(err)
	}
	return token, h.get(userinfoPath + "?access_token=" + ids.Access + "&openid=" + ids.OpenID)
}

// Each quirk, changed while the simulator runs, is met by the next request.
func TestQuirks_TakeEffectAtTheNextRequest(t *testing.T) {
	t.Parallel()
	silent := authorizePath + "?" + authorizeQuery(ScopeBase)
	stateless := authorizePath + "?" + strings.Replace(authorizeQuery(ScopeBase), "&state=a1B2", "", 1)

	for changes, behaves := range map[string]func(*harness) bool{
		`{"any_browser":true}`: func(h *harness) bool {
			return h.get(silent, "User-Agent", desktopUserAgent).status == http.StatusFound
		},
		`{"choose":true}`: func(h *harness) bool { return h.get(silent).status == http.StatusOK },
		`{"nasty_people":true}`: func(h *harness) bool {
			return strings.Contains(h.get("/simulator/").body, `value="nasty-long"`)
		},
		`{"any_order":true}`: func(h *harness) bool {
			return h.get(strings.Replace(silent, "?", "?forcePopup=true&", 1)).status == http.StatusFound
		},
		`{"state_optional":true}`: func(h *harness) bool { return h.get(stateless).status == http.StatusFound },
		`{"deny_redirects":true}`: func(h *harness) bool {
			r := h.consent(authorizeQuery(ScopeUserinfo), "deny", "")
			return r.header.Get("Location") == "http://localhost:8080/callback?state=a1B2"
		},
		`{"snapshot_pages":true}`: func(h *harness) bool {
			r := h.get(authorizePath + "?" + authorizeQuery(ScopeUserinfo))
			return r.status == http.StatusFound && h.api(exchangePath(h.codeIn(r))).Snapshot == 1
		},
		`{"no_snapshot_flag":true}`: func(h *harness) bool {
			code := h.codeIn(h.consent(authorizeQuery(ScopeUserinfo), "snapshot", ""))
			return !strings.Contains(h.get(exchangePath(code)).body, "is_snapshotuser")
		},
		`{"code_life":"10m"}`: func(h *harness) bool {
			code := h.silentCode()
			h.advance(6 * time.Minute)
			return h.api(exchangePath(code)).AccessToken != ""
		},
		`{"refresh_life":"4320h"}`: func(h *harness) bool {
			token := h.api(exchangePath(h.silentCode()))
			h.advance(100 * 24 * time.Hour)
			return h.api(refreshPath(token.RefreshToken)).AccessToken != ""
		},
		`{"json_success":true}`: func(h *harness) bool {
			return h.get(exchangePath(h.silentCode())).header.Get("Content-Type") == "application/json; encoding=utf-8"
		},
		`{"errmsg":"plain rid"}`: func(h *harness) bool {
			return strings.Contains(h.get(authPath).body, "missing rid: ")
		},
		`{"errmsg":"hints"}`: func(h *harness) bool {
			return strings.Contains(h.get(authPath).body, ", hints: [ req_id: ")
		},
		`{"unionid":"profile"}`: func(h *harness) bool {
			token, profile := h.profile()
			return !strings.Contains(token.body, "unionid") && strings.Contains(profile.body, "unionid")
		},
		`{"unionid":"always"}`: func(h *harness) bool { return h.api(exchangePath(h.silentCode())).UnionID != nil },
		`{"unionid":"empty"}`: func(h *harness) bool {
			token, _ := h.profile()
			return strings.Contains(token.body, `"unionid":""`)
		},
		`{"unionid":"never"}`: func(h *harness) bool {
			token, profile := h.profile()
			return !strings.Contains(token.body+profile.body, "unionid")
		},
		`{"keep_session_key":true}`: func(h *harness) bool {
			first := h.session(h.miniCode("")).SessionKey
			return h.session(h.miniCode("")).SessionKey == first
		},
		`{"country_code_number":true}`: func(h *harness) bool {
			return strings.Contains(h.phone(h.miniToken(), h.phoneCode("")).body, `"countryCode":86,`)
		},
		`{"sex_string":true}`: func(h *harness) bool {
			_, profile := h.profile()
			return strings.Contains(profile.body, `"sex":"0"`)
		},
		`{"raw_controls":true}`: func(h *harness) bool {
			h.sim.Hold("nasty-lines")
			_, profile := h.profile()
			return !json.Valid([]byte(profile.body))
		},
	} {
		t.Run(changes, func(t *testing.T) {
			h := newHarness(t, Config{})
			if behaves(h) {
				t.Error("it behaves so before the change")
			}
			h.sim.Hold("xiaoming")
			h.patchQuirks(changes)
			if !behaves(h) {
				t.Error("the change is not met")
			}
			h.send("DELETE", "/simulator/quirks", "")
			if behaves(h) {
				t.Error("it behaves so after it was taken back")
			}
		})
	}
}

func TestPatchQuirks_KeepsOthers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Choose: true, Quirks: Quirks{UnionID: UnionIDNever}})
	h.patchQuirks(`{"errmsg":"hints","code_life":"90s"}`)
	h.patchQuirks(`{"sex_string":true,"code_life":"0s"}`)
	want := Quirks{
		Choose: true, UnionID: UnionIDNever, Errmsg: ErrmsgHints, SexString: true,
		CodeLife: 5 * time.Minute, RefreshLife: 30 * 24 * time.Hour,
	}
	if got := h.sim.Quirks(); got != want {
		t.Errorf("got %+v", got)
	}
	if r := h.get("/simulator/quirks"); !strings.Contains(r.body, `"code_life":"5m","refresh_life":"720h"`) ||
		!strings.Contains(r.body, `"unionid":"never"`) {
		t.Errorf("got %s", r.body)
	}
	h.send("DELETE", "/simulator/quirks", "")
	if got := h.sim.Quirks(); !got.Choose || got.UnionID != UnionIDNever || got.SexString {
		t.Errorf("got %+v: not how it was started", got)
	}
}

func TestSetQuirks_RefusesImpossibleOnes(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{Choose: true})
	q := h.sim.Quirks()
	q.AnyBrowser = true
	if err := h.sim.SetQuirks(q); err != nil || h.sim.Quirks() != q {
		t.Errorf("got %+v, %v", h.sim.Quirks(), err)
	}
	q.Errmsg = "none"
	if err := h.sim.SetQuirks(q); err == nil || h.sim.Quirks().Errmsg != ErrmsgRID {
		t.Error("an impossible quirk is on")
	}
}

func TestPatchQuirks_SaysWhatIsPossible(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	before := h.sim.Quirks()
	for changes, want := range map[string]string{
		``:                             "any_browser, choose,",
		`{"choose":true} {}`:           "any_browser, choose,",
		`{"chose":true}`:               "there are any_browser, choose,",
		`{"Choose":true}`:              "there are any_browser, choose,",
		`{"choose":"yes"}`:             "choose is a string: it should be a bool",
		`{"choose":null}`:              "choose is null",
		`{"unionid":"sometimes"}`:      `"documented" "profile" "always" "empty" "never"`,
		`{"errmsg":"none"}`:            `"rid" "plain rid" "hints"`,
		`{"code_life":300}`:            `"10m"`,
		`{"code_life":"-1s"}`:          "negative",
		`{"refresh_life":"-1s"}`:       "negative",
		`{"duplicate_callback":"2m"}`:  "1m0s",
		`{"choose":true,"errmsg":"x"}`: `"rid"`,
	} {
		r := h.send("PATCH", "/simulator/quirks", changes)
		var told struct{ Error string }
		if err := json.Unmarshal([]byte(r.body), &told); err != nil || r.status != http.StatusBadRequest ||
			!strings.Contains(told.Error, want) {
			t.Errorf("%s: got %d %s", changes, r.status, r.body)
		}
	}
	if h.sim.Quirks() != before {
		t.Error("a refused change took effect")
	}
}

// The page explains every quirk, its first button is the default, and every button works.
func TestQuirkDocs_CoverEveryQuirk(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	documented := []string{}
	for _, group := range h.sim.quirkGroups() {
		for _, doc := range group.Quirks {
			documented = append(documented, doc.Name)
			if !doc.Values[0].Current {
				t.Errorf("%s: the first value is not the default", doc.Name)
			}
			for _, value := range doc.Values {
				if err := h.sim.changeQuirks([]byte(value.Change)); err != nil {
					t.Errorf("%s: %v", value.Change, err)
				}
			}
		}
	}
	quirks := memberNames(&quirksJSON{})
	slices.Sort(documented)
	slices.Sort(quirks)
	if !slices.Equal(documented, quirks) {
		t.Errorf("documented  %v\nquirks %v", documented, quirks)
	}
	for _, group := range h.sim.quirkGroups() {
		for _, doc := range group.Quirks {
			if last := doc.Values[len(doc.Values)-1]; !last.Current {
				t.Errorf("%s: %s is not the current value", doc.Name, last.Label)
			}
		}
	}
}
