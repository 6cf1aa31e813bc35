package simulator

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

type miniReply struct {
	Errcode    int
	Errmsg     string
	SessionKey string `json:"session_key"`
	OpenID     string
	UnionID    *string
}

// miniCode is wx.login.
func (h *harness) miniCode(person string) string {
	h.Helper()
	code, err := h.sim.MiniProgramLogin("", person)
	if err != nil {
		h.Fatal(err)
	}
	return code
}

func (h *harness) mini(path string) miniReply {
	h.Helper()
	var got miniReply
	if r := h.get(path); json.Unmarshal([]byte(r.body), &got) != nil {
		h.Fatalf("got %d %s", r.status, r.body)
	}
	return got
}

func serverTokenPath(appID, secret string) string {
	return tokenPath + "?grant_type=client_credential&appid=" + appID + "&secret=" + secret
}

// miniToken is the mini-program's server token.
func (h *harness) miniToken() string {
	h.Helper()
	return h.server(serverTokenPath(DemoMiniProgramAppID, DemoMiniProgramSecret)).AccessToken
}

func (h *harness) wantErr(what string, r reply, errcode int) {
	h.Helper()
	var got miniReply
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || got.Errcode != errcode {
		h.Errorf("%s: got %d %s, want %d", what, r.status, r.body, errcode)
	}
}

func TestJournal_HoldsNoSecretOfMiniPrograms(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	code, token := h.miniCode(""), h.miniToken()
	session := h.session(code)
	phone := h.phoneCode("")
	h.phone(token, phone)
	encoded := string(marshal(h.sim.Journal()))
	for _, secret := range []string{code, token, phone, session.SessionKey, DemoMiniProgramSecret} {
		if strings.Contains(encoded, secret) {
			t.Errorf("%s is in the journal: %s", secret, encoded)
		}
	}
	if h.sim.Calls(codeSessionPath) != 1 || h.sim.Calls(phoneNumberPath) != 1 {
		t.Errorf("got %s", encoded)
	}
}

func TestControl_LogsInToPrograms(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	code := func(path, body string) string {
		t.Helper()
		r := h.send("POST", path, body)
		var got struct{ Code string }
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != http.StatusCreated || got.Code == "" {
			t.Fatalf("%s: got %d %s", path, r.status, r.body)
		}
		return got.Code
	}
	emma := h.session(code("/simulator/mini_program/login", `{"person":"emma"}`))
	if emma.OpenID != OpenID(DemoMiniProgramAppID, "emma") {
		t.Errorf("got %+v", emma)
	}
	h.wantErr("phone", h.phone(h.miniToken(), code("/simulator/mini_program/phone", `{}`)), 0)
	mobile := code("/simulator/mobile_app/login", `{"appid":"`+DemoMobileAppID+`","person":"emma"}`)
	path := exchangePathOf(DemoMobileAppID, DemoMobileAppSecret, mobile)
	got := h.api(path)
	if got.OpenID != OpenID(DemoMobileAppID, "emma") || got.Scope != ScopeUserinfo ||
		*got.UnionID != UnionID(DemoOpenPlatform, "emma") {
		t.Errorf("got %+v", got)
	}
	h.wantErrcode(path, 40163)
	if profile := h.api(profilePath(got)); profile.Nickname != "Emma 🐳" {
		t.Errorf("got %+v", profile)
	}
	h.wantErrcode(serverTokenPath(DemoMobileAppID, DemoMobileAppSecret), 40013)

	for _, path := range []string{
		"mini_program/login", "mini_program/phone", "mini_program/user_info", "mobile_app/login",
	} {
		for body, want := range map[string]string{
			`{"person":"nobody"}`:           "there is no person",
			`{"appid":"` + DemoAppID + `"}`: "leave it out for the first one",
			`{"name":"emma"}`:               "there are appid, person",
			``:                              "appid, person",
		} {
			if r := h.send("POST", "/simulator/"+path, body); r.status != http.StatusBadRequest ||
				!strings.Contains(r.body, want) {
				t.Errorf("%s %s: got %d %s", path, body, r.status, r.body)
			}
		}
	}
}

func TestAuthorize_RefusesPrograms(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	for _, appID := range []string{DemoMiniProgramAppID, DemoMobileAppID} {
		for _, page := range []string{
			authorizePath + "?" + strings.Replace(authorizeQuery(ScopeBase), DemoAppID, appID, 1),
			qrConnectPath + "?" + strings.Replace(exampleQuery(demoWebsite().account()), DemoWebsiteAppID, appID, 1),
		} {
			if r := h.get(page); r.status != http.StatusOK || !strings.Contains(r.body, "wx.login") {
				t.Errorf("%s: got %d %s", page, r.status, r.body)
			}
		}
	}
}
