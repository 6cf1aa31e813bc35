package miniprogram

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

func TestDecrypt_OpensWithTheKeyOfTheLogin(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	emma := p.login("emma")
	info := p.userInfo("emma")
	want := `{"openId":"` + simulator.OpenID(appID, "emma") + `","nickName":"微信用户",`
	for name, leave := range map[string][]string{"signed": nil, "not signed": {"rawData", "signature"}} {
		body := make(map[string]string)
		for field, value := range info {
			if !slices.Contains(leave, field) {
				body[field] = value
			}
		}
		got, err := p.call("decrypt", emma, body)
		if err != nil || !strings.HasPrefix(got, want) || !json.Valid([]byte(got)) {
			t.Errorf("%s: got %s, %v", name, got, err)
		}
	}
	if got := p.Calls(checkPath); got != 0 {
		t.Errorf("a key that WeChat gave just now was checked %d times", got)
	}
	p.Advance(time.Hour)
	for range 3 {
		if _, err := p.call("decrypt", emma, info); err != nil {
			t.Error(err)
		}
	}
	if got := p.Calls(checkPath); got != 1 {
		t.Errorf("an old key was checked %d times", got)
	}
	p.Advance(time.Hour)
	if _, err := p.call("decrypt", emma, info); err != nil || p.Calls(checkPath) != 2 {
		t.Errorf("an hour later: %d checks, %v", p.Calls(checkPath), err)
	}
}

func TestDecrypt_NeedsThePresentSession(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	emma := p.login("emma")
	old := p.userInfo("emma")
	gone := emma
	gone.SessionSecret = ""
	_, err := p.call("decrypt", gone, old)
	p.wantProblem(err, http.StatusConflict, "session_key_expired")

	p.Advance(time.Hour)
	p.code("emma") // wx.login replaces the key, and nobody logs in
	_, err = p.call("decrypt", emma, old)
	p.wantProblem(err, http.StatusConflict, "session_key_expired")
	if p.Calls(checkPath) != 1 {
		t.Errorf("%d checks", p.Calls(checkPath))
	}
	_, err = p.call("decrypt", emma, p.userInfo("emma")) // encrypted with the new key
	p.wantProblem(err, http.StatusConflict, "session_key_expired")

	emma = p.login("emma")
	if _, err := p.call("decrypt", emma, p.userInfo("emma")); err != nil {
		t.Errorf("after another login: %v", err)
	}
	p.login("afang")
	_, err = p.call("decrypt", emma, p.userInfo("afang"))
	p.wantProblem(err, http.StatusConflict, "session_key_expired")
}

func TestDecrypt_RefusesWhatIsWrong(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	emma := p.login("emma")
	p.Advance(time.Hour)
	with := func(changes ...string) map[string]string {
		body := p.userInfo("emma")
		for i := 0; i < len(changes); i += 2 {
			body[changes[i]] = changes[i+1]
		}
		return body
	}
	for name, body := range map[string]any{
		"nothing":          "",
		"no JSON":          "encryptedData=x",
		"a list":           "[]",
		"null":             "null",
		"a number":         `{"encryptedData":1,"iv":"x"}`,
		"no data":          with("encryptedData", ""),
		"no iv":            with("iv", ""),
		"no base64":        with("encryptedData", "…"),
		"half a block":     with("encryptedData", "AAAA"),
		"a short iv":       with("iv", "AAAA"),
		"no signature":     with("signature", ""),
		"only a signature": with("rawData", ""),
		"a blank for a +":  with("encryptedData", "    "),
	} {
		_, err := p.call("decrypt", emma, body)
		problem, _ := err.(*account.Problem)
		if problem == nil || problem.Status != http.StatusBadRequest || problem.Word != "bad_request" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, body := range map[string]any{
		"changed data":        with("encryptedData", strings.Repeat("AAAA", 16)),
		"changed raw data":    with("rawData", `{"nickName":"Band"}`),
		"a changed signature": with("signature", strings.Repeat("0", 40)),
		"no hex":              with("signature", "x"),
		"another iv":          with("iv", "AAAAAAAAAAAAAAAAAAAAAA=="),
	} {
		_, err := p.call("decrypt", emma, body)
		problem, _ := err.(*account.Problem)
		if problem == nil || problem.Status != http.StatusConflict || problem.Word != "session_key_expired" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := p.Calls(checkPath); got != 0 {
		t.Errorf("WeChat was asked %d times for what does not open", got)
	}
}

// WeChat's own example of encrypted data, which is another mini-program's.
func TestDecrypt_OpensWhatIsForThisApp(t *testing.T) {
	const exampleAppID, openID, key = "wx4f4bc4dec97d474b", "oGZUI0egBJY1zhBYw2KhdUfwVJJE", "tiihtNczf5v6AKRyjwEUhQ=="
	body := map[string]string{
		"iv": "r7BXXKkLb8qrSNn05n0qiA==",
		"encryptedData": "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+" +
			"oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1" +
			"zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs" +
			"8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2S" +
			"iRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfn" +
			"eQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==",
	}
	p := newProgram(t, simulator.Config{})
	grant := account.Grant{Identity: identity.Identity{}.With(identity.OpenID, openID), SessionSecret: key}
	p.sessions.Confirm(openID, key)
	_, err := p.call("decrypt", grant, body)
	p.wantProblem(err, http.StatusConflict, "session_key_expired")
	p.app.ID = exampleAppID
	got, err := p.call("decrypt", grant, body)
	if err != nil || !strings.HasPrefix(got, `{"openId":"`+openID+`","nickName":"Band",`) {
		t.Errorf("in its own app: got %s, %v", got, err)
	}
}

func TestDecrypt_GivesNothingIfTheCheckFails(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	emma := p.login("emma")
	info := p.userInfo("emma")
	p.Advance(time.Hour)
	for _, errcode := range []int{-1, 40003, 45009, 45011} {
		p.Fail(checkPath, errcode, 1)
		_, err := p.call("decrypt", emma, info)
		p.wantErrcode(err, errcode)
	}
	p.Inject(simulator.Fault{Path: checkPath, Kind: simulator.FaultHTML, Times: 1})
	if _, err := p.call("decrypt", emma, info); !errors.Is(err, weixin.ErrAnswer) {
		t.Errorf("HTML: got %v", err)
	}
	p.Inject(simulator.Fault{Path: "/cgi-bin/stable_token", Kind: simulator.FaultErrcode, Errcode: 40164})
	p.Advance(2 * time.Hour)
	_, err := p.call("decrypt", emma, info)
	p.wantErrcode(err, 40164)
}

// The iv travels with the data, and whoever changes it chooses how the text begins.
func TestDecrypt_MakesNobodyElseByAChangedIV(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	emma := p.login("emma")
	body := p.userInfo("emma")
	delete(body, "rawData")
	delete(body, "signature")
	untouched := body["iv"]
	was := `{"openId":"` + simulator.OpenID(appID, "emma")[:5]
	for begin, opens := range map[string]bool{
		was: true, `{"openId":"oEVIL`: false, `{"OPENID":"oEVIL`: false, `{"unionId":"oEVI`: false,
	} {
		iv, err := base64.StdEncoding.DecodeString(untouched)
		if err != nil {
			t.Fatal(err)
		}
		for i := range iv {
			iv[i] ^= was[i] ^ begin[i]
		}
		body["iv"] = base64.StdEncoding.EncodeToString(iv)
		got, err := p.call("decrypt", emma, body)
		switch {
		case opens && err != nil:
			t.Errorf("%s: %v", begin, err)
		case !opens && err == nil:
			t.Errorf("%s: got %s", begin, got)
		case !opens:
			p.wantProblem(err, http.StatusConflict, "session_key_expired")
		}
	}
}
