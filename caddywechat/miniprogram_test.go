package caddywechat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

func TestMiniProgram_DecryptsAndGetsThePhoneNumber(t *testing.T) {
	t.Parallel()
	w := newSeveralAccountsWorld(t, "user_id unionid")
	b := w.browser("a program")
	code := w.miniProgramCode("xiaoming")
	bearer := "Authorization: Bearer " + b.loginProgram("mini_program", code).Token
	info, err := w.sim.MiniProgramUserInfo(simulator.DemoMiniProgramAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := json.Marshal(info)
	if err != nil {
		t.Fatal(err)
	}
	var decrypted map[string]any
	a := b.post("/_wechat/mini_program/decrypt", string(encrypted), bearer).wantStatus(t, http.StatusOK)
	if err := json.Unmarshal([]byte(a.body), &decrypted); err != nil ||
		decrypted["openId"] != simulator.OpenID(simulator.DemoMiniProgramAppID, "xiaoming") {
		t.Errorf("%v: %s", err, a.body)
	}
	phone, err := w.sim.MiniProgramPhone(simulator.DemoMiniProgramAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	got := b.post("/_wechat/mini_program/phone", `{"code":"`+phone+`"}`, bearer).wantStatus(t, http.StatusOK).json(t)
	if got["countryCode"] != "86" || got["purePhoneNumber"] == "" {
		t.Errorf("got %v", got)
	}
	w.miniProgramCode("xiaoming")
	// Another login gave the person another key: what is encrypted with that does not open with the one that we have.
	newer, err := w.sim.MiniProgramUserInfo(simulator.DemoMiniProgramAppID, "xiaoming")
	if err != nil {
		t.Fatal(err)
	}
	if encrypted, err = json.Marshal(newer); err != nil {
		t.Fatal(err)
	}
	b.post("/_wechat/mini_program/decrypt", string(encrypted), bearer).
		wantJSON(t, http.StatusConflict, "session_key_expired")
}

// A session key that was replaced costs WeChat one call, and its owner a place among the ten.
func TestMiniProgram_ReplacedSessionKeyIsCheckedOnce(t *testing.T) {
	t.Parallel()
	const checks = "/wxa/checksession"
	w, b := newMiniProgramSite(t, "")
	code := w.miniProgramCode("emma")
	token := b.loginProgram("mini_program", code).Token
	info, err := w.sim.MiniProgramUserInfo("", "emma")
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"encryptedData":%q,"iv":%q}`, info.EncryptedData, info.IV)
	decrypt := func() response {
		return b.post("/_wechat/mini_program/decrypt", body, "Authorization: Bearer "+token)
	}
	for range 2 * maxRefused { // what is good is no try
		decrypt().wantStatus(t, http.StatusOK)
	}
	w.advance(10 * time.Minute)
	w.miniProgramCode("emma") // and nobody logs in with the code
	for range maxRefused {
		decrypt().wantJSON(t, http.StatusConflict, "session_key_expired")
	}
	decrypt().wantJSON(t, http.StatusTooManyRequests, "too_many")
	if n := w.sim.Calls(checks); n != 1 {
		t.Errorf("WeChat was asked %d times", n)
	}
}
