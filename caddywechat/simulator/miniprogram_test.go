package simulator

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

type miniReply struct {
	Errcode    int
	Errmsg     string
	SessionKey string `json:"session_key"`
	OpenID     string
	UnionID    *string
}

// miniCode is wx.login.
func (b *bench) miniCode(person string) string {
	b.Helper()
	code, err := b.sim.MiniProgramLogin("", person)
	if err != nil {
		b.Fatal(err)
	}
	return code
}

func (b *bench) phoneCode(person string) string {
	b.Helper()
	code, err := b.sim.MiniProgramPhone("", person)
	if err != nil {
		b.Fatal(err)
	}
	return code
}

func sessionPath(code string) string {
	return codeSessionPath + "?appid=" + DemoMiniProgramAppID + "&secret=" + DemoMiniProgramSecret + "&js_code=" + code + "&grant_type=authorization_code"
}

func (b *bench) mini(path string) miniReply {
	b.Helper()
	var got miniReply
	if r := b.get(path); json.Unmarshal([]byte(r.body), &got) != nil {
		b.Fatalf("got %d %s", r.status, r.body)
	}
	return got
}

func (b *bench) session(code string) miniReply {
	b.Helper()
	return b.mini(sessionPath(code))
}

// miniToken is the mini-program's server token.
func (b *bench) miniToken() string {
	b.Helper()
	return b.server(tokenPath + "?grant_type=client_credential&appid=" + DemoMiniProgramAppID + "&secret=" + DemoMiniProgramSecret).AccessToken
}

func (b *bench) phone(token, code string) reply {
	b.Helper()
	return b.send("POST", phoneNumberPath+"?access_token="+token, `{"code":"`+code+`"}`)
}

func (b *bench) wantErr(what string, r reply, errcode int) {
	b.Helper()
	var got miniReply
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || got.Errcode != errcode {
		b.Errorf("%s: got %d %s, want %d", what, r.status, r.body, errcode)
	}
}

func TestAMiniProgramsLogin(t *testing.T) {
	b := newBench(t, Config{})
	code := b.miniCode("emma")
	r := b.get(sessionPath(code))
	if !regexp.MustCompile(`^{"session_key":"[0-9A-Za-z+\\/]{22,}==","openid":"o[0-9A-Za-z_-]{27}","unionid":"o[0-9A-Za-z_-]{27}"}$`).MatchString(r.body) ||
		r.header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %v %s", r.header, r.body)
	}
	var got miniReply
	json.Unmarshal([]byte(r.body), &got)
	key, err := base64.StdEncoding.DecodeString(got.SessionKey)
	if err != nil || len(key) != 16 || got.OpenID != OpenID(DemoMiniProgramAppID, "emma") || *got.UnionID != UnionID(DemoOpenPlatform, "emma") {
		t.Errorf("got %+v", got)
	}
	b.wantErr("again", b.get(sessionPath(code)), 40163)
	late := b.miniCode("")
	b.later(5 * time.Minute)
	b.wantErr("too late", b.get(sessionPath(late)), 40029)
	if got := b.session(b.miniCode("")); got.OpenID != OpenID(DemoMiniProgramAppID, "xiaoming") {
		t.Errorf("who holds the phone: got %+v", got)
	}
}

func TestErrorsOfAMiniProgramsLogin(t *testing.T) {
	b := newBench(t, Config{})
	code := b.miniCode("")
	for _, test := range []struct {
		old, new string
		want     int
	}{
		{DemoMiniProgramAppID, "", 41002},
		{DemoMiniProgramSecret, "", 41004},
		{"js_code=" + code, "js_code=", 41008},
		{"authorization_code", "client_credential", 40002},
		{DemoMiniProgramAppID, DemoAppID, 40013},
		{DemoMiniProgramAppID, "wxffffffffffffffff", 40013},
		{DemoMiniProgramSecret, DemoSecret, 40125},
		{code, b.silentCode(), 40029},
		{code, b.phoneCode(""), 40029},
		{code, "x", 40029},
	} {
		b.wantErr(test.new, b.get(strings.Replace(sessionPath(code), test.old, test.new, 1)), test.want)
	}
	b.wantErr("POST", b.send("POST", sessionPath(code), ""), 43001)
	b.wantErrcode(strings.Replace(sessionPath(code), codeSessionPath, accessTokenPath, 1)+"&code="+code, 40029) // the web login's
	for _, errcode := range []int{40226, 45011, -1} {
		b.fault(Fault{Path: codeSessionPath, Kind: FaultErrcode, Errcode: errcode, Times: 1})
		b.wantErr("fault", b.get(sessionPath(code)), errcode)
	}
	if got := b.session(code); got.SessionKey == "" {
		t.Errorf("a refusal spent the code: %+v", got)
	}
	b.sim.Reset()
	b.wantErr("after a reset", b.get(sessionPath(code)), 40029)
}

func TestTheUnionIDOfAMiniProgram(t *testing.T) {
	unbound := demoMiniProgram()
	unbound.OpenPlatform = ""
	if got := newBenchSession(t, Config{MiniPrograms: []MiniProgram{unbound}}); got.UnionID != nil {
		t.Errorf("not bound: got %q", *got.UnionID)
	}
	if got := newBenchSession(t, Config{Quirks: Quirks{UnionID: UnionIDNever}}); got.UnionID != nil {
		t.Errorf("never: got %q", *got.UnionID)
	}
	if got := newBenchSession(t, Config{Quirks: Quirks{UnionID: UnionIDEmpty}}); got.UnionID == nil || *got.UnionID != "" {
		t.Errorf("empty: got %v", got.UnionID)
	}
}

func newBenchSession(t *testing.T, config Config) miniReply {
	t.Helper()
	b := newBench(t, config)
	return b.session(b.miniCode(""))
}

func TestOneSessionKeyOfAPersonIsGood(t *testing.T) {
	b := newBench(t, Config{MiniPrograms: []MiniProgram{demoMiniProgram(), {AppID: otherAppID, Secret: DemoSecret}}})
	token := b.miniToken()
	check := func(openID, key string) string {
		mac := hmac.New(sha256.New, []byte(key))
		return checkSessionPath + "?access_token=" + token + "&openid=" + openID + "&signature=" + hex.EncodeToString(mac.Sum(nil)) + "&sig_method=hmac_sha256"
	}
	emma := b.session(b.miniCode("emma"))
	if r := b.get(check(emma.OpenID, emma.SessionKey)); r.body != `{"errcode":0,"errmsg":"ok"}` || r.header.Get("Content-Type") != typeError {
		t.Errorf("got %v %s", r.header, r.body)
	}
	other := b.session(b.miniCode(""))
	b.wantErr("another person's", b.get(check(emma.OpenID, other.SessionKey)), 87009)
	b.wantErr("nobody's", b.get(check("oNobody", emma.SessionKey)), 40003)
	b.wantErr("a person without a session", b.get(check(OpenID(DemoMiniProgramAppID, "afang"), "")), 87009)
	good := check(emma.OpenID, emma.SessionKey)
	for _, test := range []struct {
		old, new string
		want     int
	}{
		{token, "", 41001},
		{token, "61_x", 40001},
		{token, b.stable(false).AccessToken, 48001},
		{emma.OpenID, "", 41009},
		{"hmac_sha256", "sha1", 87008},
	} {
		b.wantErr(test.new, b.get(strings.Replace(good, test.old, test.new, 1)), test.want)
	}

	// In another mini-program she has another one.
	if _, err := b.sim.MiniProgramLogin(otherAppID, "emma"); err != nil {
		t.Fatal(err)
	}
	b.wantErr("still", b.get(good), 0)
	next := b.miniCode("emma")
	b.wantErr("replaced by wx.login", b.get(good), 87009)
	if again := b.session(next); again.OpenID != emma.OpenID || again.SessionKey == emma.SessionKey {
		t.Errorf("got %+v after %+v", again, emma)
	}
}

func TestEncryptedUserInfo(t *testing.T) {
	b := newBench(t, Config{})
	if r := b.send("POST", "/simulator/mini_program/user_info", `{"person":"emma"}`); r.status != http.StatusBadRequest || !strings.Contains(r.body, "log in there first") {
		t.Errorf("without a session: got %d %s", r.status, r.body)
	}
	emma := b.session(b.miniCode("emma"))
	var got UserInfo
	r := b.send("POST", "/simulator/mini_program/user_info", `{"appid":"`+DemoMiniProgramAppID+`","person":"emma"}`)
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != http.StatusCreated {
		t.Fatalf("got %d %s", r.status, r.body)
	}
	if sum := sha1.Sum([]byte(got.RawData + emma.SessionKey)); got.Signature != hex.EncodeToString(sum[:]) || !strings.HasPrefix(got.RawData, `{"nickName":"微信用户","gender":0,`) {
		t.Errorf("got %+v", got)
	}
	key, _ := base64.StdEncoding.DecodeString(emma.SessionKey)
	data, _ := base64.StdEncoding.DecodeString(got.EncryptedData)
	iv, _ := base64.StdEncoding.DecodeString(got.IV)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(data, data)
	text := string(data[:len(data)-int(data[len(data)-1])])
	want := `{"openId":"` + emma.OpenID + `",` + strings.TrimSuffix(got.RawData, "}")[1:] + `,"unionId":"` + *emma.UnionID + `","watermark":{"timestamp":1772366400,"appid":"` + DemoMiniProgramAppID + `"}}`
	if text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

func TestPhoneNumbers(t *testing.T) {
	b := newBench(t, Config{})
	token := b.miniToken()
	code := b.phoneCode("emma")
	number := PhoneNumber("emma")
	want := `{"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"` + number + `","purePhoneNumber":"` + number + `","countryCode":"86",` +
		`"watermark":{"timestamp":1772366400,"appid":"` + DemoMiniProgramAppID + `"}}}`
	if r := b.phone(token, code); r.body != want || r.header.Get("Content-Type") != typeError {
		t.Errorf("got %v %s, want %s", r.header, r.body, want)
	}
	if !regexp.MustCompile(`^1380013\d{4}$`).MatchString(number) || number == PhoneNumber("afang") {
		t.Errorf("got %s", number)
	}
	b.wantErr("again", b.phone(token, code), 40029)
	b.wantErr("a code of wx.login", b.phone(token, b.miniCode("")), 40029)
	late := b.phoneCode("")
	b.later(5 * time.Minute)
	b.wantErr("too late", b.phone(token, late), 40029)
	b.wantErr("no token", b.phone("", b.phoneCode("")), 41001)
	b.wantErr("a wrong token", b.phone("61_x", b.phoneCode("")), 40001)
	b.wantErr("an official account's token", b.phone(b.stable(false).AccessToken, b.phoneCode("")), 48001)
	b.wantErr("GET", b.get(phoneNumberPath+"?access_token="+token), 43002)
	b.wantErr("a form", b.send("POST", phoneNumberPath+"?access_token="+token, "code=x"), 47001)
}

func TestTheCallsOfProgramsAreNotedWithoutSecrets(t *testing.T) {
	b := newBench(t, Config{})
	code, token := b.miniCode(""), b.miniToken()
	session := b.session(code)
	phone := b.phoneCode("")
	b.phone(token, phone)
	encoded := string(marshal(b.sim.Journal()))
	for _, secret := range []string{code, token, phone, session.SessionKey, DemoMiniProgramSecret} {
		if strings.Contains(encoded, secret) {
			t.Errorf("%s is in the journal: %s", secret, encoded)
		}
	}
	if b.sim.Calls(codeSessionPath) != 1 || b.sim.Calls(phoneNumberPath) != 1 {
		t.Errorf("got %s", encoded)
	}
}

func TestLoginsOfProgramsByHTTP(t *testing.T) {
	b := newBench(t, Config{})
	code := func(path, body string) string {
		t.Helper()
		r := b.send("POST", path, body)
		var got struct{ Code string }
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != http.StatusCreated || got.Code == "" {
			t.Fatalf("%s: got %d %s", path, r.status, r.body)
		}
		return got.Code
	}
	if got := b.session(code("/simulator/mini_program/login", `{"person":"emma"}`)); got.OpenID != OpenID(DemoMiniProgramAppID, "emma") {
		t.Errorf("got %+v", got)
	}
	b.wantErr("phone", b.phone(b.miniToken(), code("/simulator/mini_program/phone", `{}`)), 0)
	mobile := code("/simulator/mobile_app/login", `{"appid":"`+DemoMobileAppID+`","person":"emma"}`)
	path := accessTokenPath + "?appid=" + DemoMobileAppID + "&secret=" + DemoMobileAppSecret + "&grant_type=authorization_code&code=" + mobile
	got := b.api(path)
	if got.OpenID != OpenID(DemoMobileAppID, "emma") || got.Scope != ScopeUserinfo || *got.UnionID != UnionID(DemoOpenPlatform, "emma") {
		t.Errorf("got %+v", got)
	}
	b.wantErrcode(path, 40163)
	if profile := b.api(userinfoPath + "?access_token=" + got.AccessToken + "&openid=" + got.OpenID); profile.Nickname != "Emma 🐳" {
		t.Errorf("got %+v", profile)
	}
	b.wantErrcode(tokenPath+"?grant_type=client_credential&appid="+DemoMobileAppID+"&secret="+DemoMobileAppSecret, 40013)

	for _, path := range []string{"mini_program/login", "mini_program/phone", "mini_program/user_info", "mobile_app/login"} {
		for body, want := range map[string]string{
			`{"person":"nobody"}`:           "there is no person",
			`{"appid":"` + DemoAppID + `"}`: "leave it out for the first one",
			`{"name":"emma"}`:               "there are appid, person",
			``:                              "appid, person",
		} {
			if r := b.send("POST", "/simulator/"+path, body); r.status != http.StatusBadRequest || !strings.Contains(r.body, want) {
				t.Errorf("%s %s: got %d %s", path, body, r.status, r.body)
			}
		}
	}
}

func TestProgramsHaveNoPagesToLogInBy(t *testing.T) {
	b := newBench(t, Config{})
	for _, appID := range []string{DemoMiniProgramAppID, DemoMobileAppID} {
		for _, page := range []string{
			authorizePath + "?" + strings.Replace(authorizeQuery(ScopeBase), DemoAppID, appID, 1),
			qrConnectPath + "?" + strings.Replace(exampleQuery(demoWebsite().account()), DemoWebsiteAppID, appID, 1),
		} {
			if r := b.get(page); r.status != http.StatusOK || !strings.Contains(r.body, "wx.login") {
				t.Errorf("%s: got %d %s", page, r.status, r.body)
			}
		}
	}
}
