package simulator

import "testing"

func TestHold_ChoosesWhoLogsIn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	login := func(header ...string) string {
		code := h.codeIn(h.get(authorizePath+"?"+authorizeQuery(ScopeBase), header...))
		return h.api(exchangePath(code)).OpenID
	}
	if got := login(); got != OpenID(DemoAppID, "xiaoming") {
		t.Error("it is not the first person at the start")
	}
	if got := login("Cookie", personCookie+"=emma"); got != OpenID(DemoAppID, "emma") {
		t.Error("the cookie does not count")
	}
	if err := h.sim.Hold("laowang"); err != nil {
		t.Fatal(err)
	}
	if got := login(); got != OpenID(DemoAppID, "laowang") {
		t.Error("Hold does not count")
	}
	if got := login("Cookie", personCookie+"=nobody"); got != OpenID(DemoAppID, "laowang") {
		t.Error("an unknown person in the cookie counts")
	}
	if h.sim.Hold("nobody") == nil {
		t.Error("someone unknown holds the phone")
	}
}
