package weixin

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const (
	sessionKey = "o0q0otL8aEzpcZL/FT9WsQ=="
	emptySign  = "46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fed128"
	sessionOK  = `{"session_key":"o0q0otL8aEzpcZL\/FT9WsQ==","openid":"` + openID + `"}`
)

// wantNoSecret checks what no error may hold.
func wantNoSecret(t *testing.T, err error) {
	t.Helper()
	for _, text := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
		for _, private := range []string{secret, code, sessionKey, emptySign, "61_token", "138001"} {
			if strings.Contains(text, private) {
				t.Errorf("the error holds %q: %s", private, text)
			}
		}
	}
}

func TestExchangeMiniProgramCode_AsksAsWeChatWantsIt(t *testing.T) {
	asked := make(chan *http.Request, 1)
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		io.WriteString(w, sessionOK)
	})
	got, err := c.ExchangeMiniProgramCode(t.Context(), official, code)
	if want := (MiniProgramSession{OpenID: openID, Key: sessionKey}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	r := <-asked
	const want = "/sns/jscode2session?appid=" + appID + "&secret=" + secret + "&js_code=" + code +
		"&grant_type=authorization_code"
	if r.Method != http.MethodGet || r.RequestURI != want {
		t.Errorf("%s %s, want GET %s", r.Method, r.RequestURI, want)
	}
}

func TestExchangeMiniProgramCode_ReadsAnswersOfWeChat(t *testing.T) {
	const key = `"session_key":"` + sessionKey + `"`
	for name, tt := range map[string]struct {
		body    string
		unionID string
	}{
		"bound":              {`{` + key + `,"openid":"` + openID + `","unionid":"oUnion"}`, "oUnion"},
		"not bound":          {`{` + key + `,"openid":"` + openID + `"}`, ""},
		"an empty unionid":   {`{` + key + `,"openid":"` + openID + `","unionid":""}`, ""},
		"of former years":    {`{"expires_in":7200,` + key + `,"openid":"` + openID + `"}`, ""},
		"an errcode of 0":    {`{"errcode":"0","errmsg":"ok",` + key + `,"openid":"` + openID + `"}`, ""},
		"a byte order mark":  {"\ufeff" + sessionOK, ""},
		"control characters": {`{"x":"` + "\x01\n" + `",` + sessionOK[1:], ""},
	} {
		got, err := saying(t, 200, "text/plain", tt.body).ExchangeMiniProgramCode(t.Context(), official, code)
		if want := (MiniProgramSession{openID, tt.unionID, sessionKey}); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	for name, body := range map[string]string{
		"HTML":           "<html>" + sessionKey,
		"no openid":      `{` + key + `}`,
		"an odd openid":  `{` + key + `,"openid":"a b"}`,
		"an odd unionid": `{` + key + `,"openid":"` + openID + `","unionid":"a\nb"}`,
		"no key":         `{"openid":"` + openID + `"}`,
		"a short key":    `{"session_key":"dGlp","openid":"` + openID + `"}`,
		"a key's number": `{"session_key":1,"openid":"` + openID + `"}`,
	} {
		got, err := saying(t, 200, "text/plain", body).ExchangeMiniProgramCode(t.Context(), official, code)
		if !errors.Is(err, ErrAnswer) || got != (MiniProgramSession{}) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		wantNoSecret(t, err)
	}
	for _, body := range []string{
		`{"errcode":40029}`,
		`{"errcode":"40029","errmsg":"invalid code ` + code + `, secret ` + secret + `"}`,
	} {
		_, err := saying(t, 200, "text/plain", body).ExchangeMiniProgramCode(t.Context(), official, code)
		if apiErr, ok := errors.AsType[*Error](err); !ok || apiErr.Code != 40029 || !apiErr.RefusesCode() {
			t.Errorf("%s: got %v", body, err)
		}
		wantNoSecret(t, err)
	}
}

// A code is used up by the first host that got it, and so by the call whose answer was lost.
func TestMiniProgram_SendsCodesOnce(t *testing.T) {
	for _, answer := range []string{`{"errcode":-1}`, "<html>", ""} {
		var calls atomic.Int32
		f := func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			io.WriteString(w, answer)
		}
		c := answering(t, f)
		c.Hosts.Fallback = answering(t, f).Hosts.API
		if _, err := c.ExchangeMiniProgramCode(t.Context(), official, code); err == nil || calls.Load() != 1 {
			t.Errorf("%q: %d calls, %v", answer, calls.Load(), err)
		}
		calls.Store(0)
		c.detour.until.Store(0)
		if _, err := c.PhoneNumber(t.Context(), "61_token", code); err == nil || calls.Load() != 1 {
			t.Errorf("%q: %d calls, %v", answer, calls.Load(), err)
		}
	}
}

func TestPhoneNumber_AsksAsWeChatWantsIt(t *testing.T) {
	asked := make(chan string, 1)
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked <- r.Method + " " + r.RequestURI + " " + r.Header.Get("Content-Type") + " " + string(body)
		io.WriteString(w, `{"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"13800138000",`+
			`"purePhoneNumber":"13800138000","countryCode":"86"}}`)
	})
	if _, err := c.PhoneNumber(t.Context(), "61_token", code); err != nil {
		t.Fatal(err)
	}
	const want = "POST /wxa/business/getuserphonenumber?access_token=61_token application/json " +
		`{"code":"` + code + `"}`
	if got := <-asked; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestPhoneNumber_ReadsAnswersOfWeChat(t *testing.T) {
	chinese := PhoneNumber{"13800138000", "13800138000", "86"}
	for _, tt := range []struct {
		body string
		want PhoneNumber
	}{
		{`{"errcode":0,"errmsg":"ok","phone_info":{"phoneNumber":"13800138000","purePhoneNumber":"13800138000",` +
			`"countryCode":86,"watermark":{"timestamp":1637744274,"appid":"x"}}}`, chinese},
		{`{"errcode":0,"phone_info":{"phoneNumber":"13800138000","purePhoneNumber":"13800138000",` +
			`"countryCode":"86"}}`, chinese},
		{`{"phone_info":{"phoneNumber":13800138000,"purePhoneNumber":13800138000,"countryCode":86}}`, chinese},
		{
			"\ufeff" + `{"phone_info":{"phoneNumber":"+44 20","purePhoneNumber":"20","countryCode":44}}`,
			PhoneNumber{"+44 20", "20", "44"},
		},
		{`{"phone_info":{"phoneNumber":"13800138000","purePhoneNumber":null}}`, PhoneNumber{Full: "13800138000"}},
	} {
		got, err := saying(t, 200, "application/json", tt.body).PhoneNumber(t.Context(), "61_token", code)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %+v, %v", tt.body, got, err)
		}
	}
	for _, body := range []string{
		`{"errcode":0,"errmsg":"ok"}`,
		`{"phone_info":{}}`,
		`{"phone_info":null}`,
		`{"phone_info":{"phoneNumber":["13800138000"]}}`,
		`{"phone_info":{"phoneNumber":true,"purePhoneNumber":"13800138000"}}`,
		`{"phone_info":"13800138000"}`,
		`<html>13800138000`,
	} {
		got, err := saying(t, 200, "application/json", body).PhoneNumber(t.Context(), "61_token", code)
		if !errors.Is(err, ErrAnswer) || got != (PhoneNumber{}) {
			t.Errorf("%s: got %+v, %v", body, got, err)
		}
		wantNoSecret(t, err)
	}
	refusing := saying(t, 200, "application/json", `{"errcode":40029,"errmsg":"invalid code `+code+` for 61_token"}`)
	_, err := refusing.PhoneNumber(t.Context(), "61_token", code)
	if apiErr, ok := errors.AsType[*Error](err); !ok || !apiErr.RefusesCode() {
		t.Errorf("got %v", err)
	}
	wantNoSecret(t, err)
}

func TestSessionChecks_AskNowAndThen(t *testing.T) {
	var calls, tokens int
	var asked string
	answer := `{"errcode":0,"errmsg":"ok"}`
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == stableTokenPath {
			tokens++
			io.WriteString(w, `{"access_token":"61_token","expires_in":7200}`)
			return
		}
		calls++
		asked = r.Method + " " + r.RequestURI
		io.WriteString(w, strings.ReplaceAll(answer, "…", r.FormValue("signature")))
	})
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c.Now = func() time.Time { return now }
	checks := c.ServerToken(nil, official).SessionChecks()
	check := func(person string, key SessionKey, wantCalls, wantErrcode int) {
		t.Helper()
		calls = 0
		err := checks.Check(t.Context(), person, key)
		apiErr, _ := errors.AsType[*Error](err)
		asWanted := err == nil
		if wantErrcode != 0 {
			asWanted = apiErr != nil && apiErr.Code == wantErrcode
		}
		if calls != wantCalls || !asWanted {
			t.Errorf("%d calls, %v: want %d, %d", calls, err, wantCalls, wantErrcode)
		}
		if err != nil {
			wantNoSecret(t, err)
		}
	}
	check(openID, sessionKey, 1, 0)
	want := "GET /wxa/checksession?access_token=61_token&openid=" + openID + "&signature=" + emptySign +
		"&sig_method=hmac_sha256"
	if asked != want {
		t.Errorf("got  %s\nwant %s", asked, want)
	}
	now = now.Add(verdictFor - time.Second)
	check(openID, sessionKey, 0, 0)

	answer = `{"errcode":87009,"errmsg":"invalid signature …"}`
	check("oSomebody", sessionKey, 1, 87009)
	check(openID, sampleKey, 1, 87009)
	check(openID, sessionKey, 0, 0)
	now = now.Add(time.Second)
	check(openID, sessionKey, 1, 87009)
	for range 3 {
		check(openID, sessionKey, 0, 87009) // a key that was replaced stays so
	}
	checks.Confirm(openID, sessionKey)
	check(openID, sessionKey, 0, 0)
	checks.remember(openID, sessionKey, &Error{Code: 87009})
	now = now.Add(verdictFor)
	check(openID, sessionKey, 1, 87009) // but nothing is believed for ever

	answer = `{"errcode":45009}`
	check("oSomebody", sessionKey, 1, 45009)
	if tokens != 1 {
		t.Errorf("%d server tokens", tokens)
	}
}

func TestSessionChecks_RememberABoundedNumber(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := &Client{Now: func() time.Time { return now }}
	checks := c.ServerToken(nil, official).SessionChecks()
	for i := range maxVerdicts {
		checks.Confirm(fmt.Sprint("o", i), sessionKey)
	}
	now = now.Add(verdictFor)
	checks.Confirm("oLate", sessionKey)
	if len(checks.known) != 1 {
		t.Errorf("%d are left of what is over", len(checks.known))
	}
	for i := range 2 * maxVerdicts {
		checks.Confirm(fmt.Sprint("o", i), sessionKey)
	}
	if n := len(checks.known); n > maxVerdicts {
		t.Errorf("there are %d", n)
	}
}

func FuzzMiniProgramAnswers(f *testing.F) {
	f.Add([]byte(sessionOK))
	f.Add([]byte(`{"errcode":0,"phone_info":{"phoneNumber":"13800138000","purePhoneNumber":1,"countryCode":86}}`))
	f.Add([]byte("\ufeff" + `{"errcode":"40029"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		body = sanitize(body)
		var session miniProgramAnswer
		if json.Valid(body) && decode(body, &session) == nil {
			if got, err := session.session(); err == nil {
				if _, ok := got.Key.bytes(); !ok || !isID(got.OpenID) || got.UnionID != "" && !isID(got.UnionID) {
					t.Errorf("got %+v", got)
				}
			}
		}
		var phone phoneAnswer
		if json.Valid(body) && decode(body, &phone) == nil {
			if got, err := phone.number(); err == nil && got.Full == "" {
				t.Errorf("got %+v", got)
			}
		}
	})
}
