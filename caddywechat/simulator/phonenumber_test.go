package simulator

import (
	"regexp"
	"testing"
	"time"
)

func (h *harness) phoneCode(person string) string {
	h.Helper()
	code, err := h.sim.MiniProgramPhone("", person)
	if err != nil {
		h.Fatal(err)
	}
	return code
}

func (h *harness) phone(token, code string) reply {
	h.Helper()
	return h.send("POST", phoneNumberPath+"?access_token="+token, `{"code":"`+code+`"}`)
}

func TestPhoneNumber_IsGivenOncePerCode(t *testing.T) {
	t.Parallel()
	h := newHarness(t, Config{})
	token := h.miniToken()
	code := h.phoneCode("emma")
	number := PhoneNumber("emma")
	want := `{"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"` + number +
		`","purePhoneNumber":"` + number + `","countryCode":"86",` +
		`"watermark":{"timestamp":1772366400,"appid":"` + DemoMiniProgramAppID + `"}}}`
	if r := h.phone(token, code); r.body != want || r.header.Get("Content-Type") != typeError {
		t.Errorf("got %v %s, want %s", r.header, r.body, want)
	}
	if !regexp.MustCompile(`^1380013\d{4}$`).MatchString(number) || number == PhoneNumber("afang") {
		t.Errorf("got %s", number)
	}
	h.wantErr("again", h.phone(token, code), 40029)
	h.wantErr("a code of wx.login", h.phone(token, h.miniCode("")), 40029)
	late := h.phoneCode("")
	h.advance(5 * time.Minute)
	h.wantErr("too late", h.phone(token, late), 40029)
	h.wantErr("no token", h.phone("", h.phoneCode("")), 41001)
	h.wantErr("a wrong token", h.phone("61_x", h.phoneCode("")), 40001)
	h.wantErr("an official account's token", h.phone(h.stable(false).AccessToken, h.phoneCode("")), 48001)
	h.wantErr("GET", h.get(phoneNumberPath+"?access_token="+token), 43002)
	h.wantErr("a form", h.send("POST", phoneNumberPath+"?access_token="+token, "code=x"), 47001)
}
