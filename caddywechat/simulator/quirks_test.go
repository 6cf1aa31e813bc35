package simulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func (b *bench) patchQuirks(changes string) {
	b.Helper()
	if r := b.send("PATCH", "/simulator/quirks", changes); r.status != http.StatusOK {
		b.Fatalf("%s: got %d %s", changes, r.status, r.body)
	}
}

// profile logs in with snsapi_userinfo and returns the two answers as they came.
func (b *bench) profile() (token, profile reply) {
	b.Helper()
	token = b.get(exchangePath(b.profileCode()))
	var ids struct {
		Access string `json:"access_token"`
		OpenID string
	}
	if err := json.Unmarshal([]byte(token.body), &ids); err != nil {
		b.Fatal(err)
	}
	return token, b.get(userinfoPath + "?access_token=" + ids.Access + "&openid=" + ids.OpenID)
}

// Each quirk, changed while the simulator runs, is met by the next request.
func TestQuirksAtRunTime(t *testing.T) {
	const chrome = "Mozilla/5.0 Chrome/132.0.0.0"
	silent := authorizePath + "?" + authorizeQuery(ScopeBase)
	stateless := authorizePath + "?" + strings.Replace(authorizeQuery(ScopeBase), "&state=a1B2", "", 1)

	for changes, behaves := range map[string]func(*bench) bool{
		`{"any_browser":true}`: func(b *bench) bool {
			return b.get(silent, "User-Agent", chrome).status == http.StatusFound
		},
		`{"choose":true}`:       func(b *bench) bool { return b.get(silent).status == http.StatusOK },
		`{"nasty_people":true}`: func(b *bench) bool { return strings.Contains(b.get("/simulator/").body, `value="nasty-long"`) },
		`{"any_order":true}`: func(b *bench) bool {
			return b.get(strings.Replace(silent, "?", "?forcePopup=true&", 1)).status == http.StatusFound
		},
		`{"state_optional":true}`: func(b *bench) bool { return b.get(stateless).status == http.StatusFound },
		`{"deny_redirects":true}`: func(b *bench) bool {
			return b.answer(authorizeQuery(ScopeUserinfo), "deny", "").header.Get("Location") == "http://localhost:8080/callback?state=a1B2"
		},
		`{"snapshot_pages":true}`: func(b *bench) bool {
			r := b.get(authorizePath + "?" + authorizeQuery(ScopeUserinfo))
			return r.status == http.StatusFound && b.api(exchangePath(b.codeIn(r))).Snapshot == 1
		},
		`{"no_snapshot_flag":true}`: func(b *bench) bool {
			code := b.codeIn(b.answer(authorizeQuery(ScopeUserinfo), "snapshot", ""))
			return !strings.Contains(b.get(exchangePath(code)).body, "is_snapshotuser")
		},
		`{"code_life":"10m"}`: func(b *bench) bool {
			code := b.silentCode()
			b.later(6 * time.Minute)
			return b.api(exchangePath(code)).AccessToken != ""
		},
		`{"refresh_life":"4320h"}`: func(b *bench) bool {
			token := b.api(exchangePath(b.silentCode()))
			b.later(100 * 24 * time.Hour)
			return b.api(refreshPath(token.RefreshToken)).AccessToken != ""
		},
		`{"json_success":true}`: func(b *bench) bool {
			return b.get(exchangePath(b.silentCode())).header.Get("Content-Type") == "application/json; encoding=utf-8"
		},
		`{"errmsg":"plain rid"}`: func(b *bench) bool { return strings.Contains(b.get(authPath).body, "missing rid: ") },
		`{"errmsg":"hints"}`:     func(b *bench) bool { return strings.Contains(b.get(authPath).body, ", hints: [ req_id: ") },
		`{"unionid":"profile"}`: func(b *bench) bool {
			token, profile := b.profile()
			return !strings.Contains(token.body, "unionid") && strings.Contains(profile.body, "unionid")
		},
		`{"unionid":"always"}`: func(b *bench) bool { return b.api(exchangePath(b.silentCode())).UnionID != nil },
		`{"unionid":"empty"}`: func(b *bench) bool {
			token, _ := b.profile()
			return strings.Contains(token.body, `"unionid":""`)
		},
		`{"unionid":"never"}`: func(b *bench) bool {
			token, profile := b.profile()
			return !strings.Contains(token.body+profile.body, "unionid")
		},
		`{"keep_session_key":true}`: func(b *bench) bool {
			first := b.session(b.miniCode("")).SessionKey
			return b.session(b.miniCode("")).SessionKey == first
		},
		`{"country_code_number":true}`: func(b *bench) bool {
			return strings.Contains(b.phone(b.miniToken(), b.phoneCode("")).body, `"countryCode":86,`)
		},
		`{"sex_string":true}`: func(b *bench) bool {
			_, profile := b.profile()
			return strings.Contains(profile.body, `"sex":"0"`)
		},
		`{"raw_controls":true}`: func(b *bench) bool {
			b.sim.Hold("nasty-lines")
			_, profile := b.profile()
			return !json.Valid([]byte(profile.body))
		},
	} {
		t.Run(changes, func(t *testing.T) {
			b := newBench(t, Config{})
			if behaves(b) {
				t.Error("it behaves so before the change")
			}
			b.sim.Hold("xiaoming")
			b.patchQuirks(changes)
			if !behaves(b) {
				t.Error("the change is not met")
			}
			b.send("DELETE", "/simulator/quirks", "")
			if behaves(b) {
				t.Error("it behaves so after it was taken back")
			}
		})
	}
}

func TestPatchQuirksKeepsOthers(t *testing.T) {
	b := newBench(t, Config{Choose: true, Quirks: Quirks{UnionID: UnionIDNever}})
	b.patchQuirks(`{"errmsg":"hints","code_life":"90s"}`)
	b.patchQuirks(`{"sex_string":true,"code_life":"0s"}`)
	want := Quirks{Choose: true, UnionID: UnionIDNever, Errmsg: ErrmsgHints, SexString: true, CodeLife: 5 * time.Minute, RefreshLife: 30 * 24 * time.Hour}
	if got := b.sim.Quirks(); got != want {
		t.Errorf("got %+v", got)
	}
	if r := b.get("/simulator/quirks"); !strings.Contains(r.body, `"code_life":"5m","refresh_life":"720h"`) || !strings.Contains(r.body, `"unionid":"never"`) {
		t.Errorf("got %s", r.body)
	}
	b.send("DELETE", "/simulator/quirks", "")
	if got := b.sim.Quirks(); !got.Choose || got.UnionID != UnionIDNever || got.SexString {
		t.Errorf("got %+v: not how it was started", got)
	}
}

func TestSetQuirks(t *testing.T) {
	b := newBench(t, Config{Choose: true})
	q := b.sim.Quirks()
	q.AnyBrowser = true
	if err := b.sim.SetQuirks(q); err != nil || b.sim.Quirks() != q {
		t.Errorf("got %+v, %v", b.sim.Quirks(), err)
	}
	q.Errmsg = "none"
	if err := b.sim.SetQuirks(q); err == nil || b.sim.Quirks().Errmsg != ErrmsgRID {
		t.Error("an impossible quirk is on")
	}
}

func TestQuirksSayWhatIsPossible(t *testing.T) {
	b := newBench(t, Config{})
	before := b.sim.Quirks()
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
		r := b.send("PATCH", "/simulator/quirks", changes)
		var told struct{ Error string }
		if err := json.Unmarshal([]byte(r.body), &told); err != nil || r.status != http.StatusBadRequest || !strings.Contains(told.Error, want) {
			t.Errorf("%s: got %d %s", changes, r.status, r.body)
		}
	}
	if b.sim.Quirks() != before {
		t.Error("a refused change took effect")
	}
}

// The page explains every quirk, its first button is the default, and every button works.
func TestQuirkNotes(t *testing.T) {
	b := newBench(t, Config{})
	noted := []string{}
	for _, group := range b.sim.quirkGroups() {
		for _, doc := range group.Quirks {
			noted = append(noted, doc.Name)
			if !doc.Values[0].Current {
				t.Errorf("%s: the first value is not the default", doc.Name)
			}
			for _, value := range doc.Values {
				if err := b.sim.changeQuirks([]byte(value.Change)); err != nil {
					t.Errorf("%s: %v", value.Change, err)
				}
			}
		}
	}
	quirks := memberNames(&quirksJSON{})
	slices.Sort(noted)
	slices.Sort(quirks)
	if !slices.Equal(noted, quirks) {
		t.Errorf("noted  %v\nquirks %v", noted, quirks)
	}
	for _, group := range b.sim.quirkGroups() {
		for _, doc := range group.Quirks {
			if last := doc.Values[len(doc.Values)-1]; !last.Current {
				t.Errorf("%s: %s is not the current value", doc.Name, last.Label)
			}
		}
	}
}
