package simulator

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestConsent_AsksAndTakesTheAnswer(t *testing.T) {
	t.Parallel()
	hostile := Person{ID: "hostile", Nickname: `"><script>alert(1)</script>'`, Avatar: `"><x>`}
	h := newHarness(t, Config{People: append(Cast(), hostile)})
	query := authorizeQuery(ScopeUserinfo)

	t.Run("page", func(t *testing.T) {
		r := h.get(authorizePath + "?" + query)
		if r.status != http.StatusOK || strings.Contains(r.body, "<script") || strings.Contains(r.body, "<x>") {
			t.Errorf("got %d %s", r.status, r.body)
		}
		policy := r.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
		hidden := regexp.MustCompile(`name="authorize" value="([^"]*)"`).FindStringSubmatch(r.body)
		if hidden == nil || html.UnescapeString(hidden[1]) != query {
			t.Errorf("the form does not carry the query: %q", hidden)
		}
		for _, person := range h.sim.People() {
			if !strings.Contains(r.body, `value="`+person.ID+`"`) {
				t.Errorf("%s is not on the page", person.ID)
			}
		}
		if strings.Contains(r.body, `value="nasty-`) {
			t.Error("nasty people are on the page")
		}
	})
	t.Run("allow", func(t *testing.T) {
		r := h.consent(query, "allow", "hostile")
		if r.status != http.StatusSeeOther || !strings.Contains(r.header.Get("Set-Cookie"), personCookie+"=hostile;") {
			t.Errorf("got %d %v", r.status, r.header)
		}
		token := h.api(exchangePath(h.codeIn(r)))
		if token.Scope != ScopeUserinfo || token.OpenID != OpenID(DemoAppID, "hostile") {
			t.Errorf("got %+v", token)
		}
	})
	t.Run("deny", func(t *testing.T) {
		if r := h.consent(query, "deny", "emma"); r.status != http.StatusOK || r.header.Get("Location") != "" {
			t.Errorf("got %d %q", r.status, r.header.Get("Location"))
		}
		redirecting := newHarness(t, Config{DenyRedirects: true})
		r := redirecting.consent(query, "deny", "")
		if got := r.header.Get("Location"); got != "http://localhost:8080/callback?state=a1B2" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("nothing in the form is believed", func(t *testing.T) {
		foreign := strings.Replace(query, "localhost", "example.com", 1)
		if r := h.consent(foreign, "allow", ""); r.header.Get("Location") != "" || !strings.Contains(r.body, "10003") {
			t.Errorf("got %d %v", r.status, r.header)
		}
		for _, r := range []reply{h.consent(query, "allow", "nobody"), h.consent(query, "perhaps", "")} {
			if r.status != http.StatusBadRequest {
				t.Errorf("got %d", r.status)
			}
		}
	})
	t.Run("from another site", func(t *testing.T) {
		r := h.send("POST", consentPath, url.Values{"authorize": {query}, "answer": {"allow"}}.Encode(),
			"Content-Type", formType, "Sec-Fetch-Site", "cross-site")
		if r.header.Get("Location") != "" {
			t.Errorf("got %q", r.header.Get("Location"))
		}
	})
	t.Run("choose", func(t *testing.T) {
		h := newHarness(t, Config{Choose: true})
		r := h.get(authorizePath + "?" + authorizeQuery(ScopeBase))
		if r.status != http.StatusOK || !strings.Contains(r.body, "谁拿着这部手机") {
			t.Errorf("got %d %s", r.status, r.body)
		}
		token := h.api(exchangePath(h.codeIn(h.consent(authorizeQuery(ScopeBase), "allow", "afang"))))
		if token.Scope != ScopeBase || token.OpenID != OpenID(DemoAppID, "afang") {
			t.Errorf("got %+v", token)
		}
	})
}

func TestSnapshotPage_GivesAVirtualPerson(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	forced := h.get(authorizePath + "?" + authorizeQuery(ScopeUserinfo) + "&forceSnapShot=true")
	chosen := h.consent(authorizeQuery(ScopeUserinfo), "snapshot", "emma")
	var unionIDs []string
	for _, r := range []reply{forced, chosen} {
		token := h.api(exchangePath(h.codeIn(r)))
		if token.Snapshot != 1 || token.OpenID == OpenID(DemoAppID, "emma") ||
			token.OpenID == OpenID(DemoAppID, "xiaoming") || token.UnionID == nil {
			t.Fatalf("got %+v", token)
		}
		unionIDs = append(unionIDs, *token.UnionID)
		profile := h.api(profilePath(token))
		if profile.Nickname != "微信用户" || profile.Snapshot != 0 {
			t.Errorf("got %+v", profile)
		}
	}
	if unionIDs[0] != unionIDs[1] || unionIDs[0] == UnionID(DemoOpenPlatform, "emma") {
		t.Errorf("unionids %q", unionIDs)
	}

	silent := h.get(authorizePath + "?" + authorizeQuery(ScopeBase) + "&forceSnapShot=true")
	if token := h.api(exchangePath(h.codeIn(silent))); token.Snapshot != 0 {
		t.Error("a silent login became a snapshot")
	}

	flaky := newHarness(t, Config{Quirks: Quirks{NoSnapshotFlag: true}})
	r := flaky.consent(authorizeQuery(ScopeUserinfo), "snapshot", "")
	if token := flaky.api(exchangePath(flaky.codeIn(r))); token.Snapshot != 0 {
		t.Error("the flag is there")
	}
}
