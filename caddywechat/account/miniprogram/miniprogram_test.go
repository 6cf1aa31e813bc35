package miniprogram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	appID  = simulator.DemoMiniProgramAppID
	secret = simulator.DemoMiniProgramSecret
)

const (
	sessionPath = "/sns/jscode2session"
	checkPath   = "/wxa/checksession"
	phonePath   = "/wxa/business/getuserphonenumber"
)

func TestCaddyfile(t *testing.T) {
	for input, want := range map[string][2]string{
		"mini_program " + appID + " " + secret:            {appID, secret},
		"mini_program " + appID + " " + secret + " {\n}":  {appID, secret},
		"mini_program {env.A} {file./run/secrets/s}":      {"{env.A}", "{file./run/secrets/s}"},
		"mini_program \"" + appID + "\" `" + secret + "`": {appID, secret},
	} {
		a := new(Account)
		if err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input)); err != nil || a.AppIDRaw != want[0] || a.AppSecretRaw != config.NewSecret(want[1]) {
			t.Errorf("%s: got %q, %q, %v", input, a.AppIDRaw, a.AppSecretRaw, err)
		}
	}
}

func TestAccount_RefusesBadCaddyfilesWithLineAndWord(t *testing.T) {
	accounttest.RefusesCaddyfiles(t, func() caddyfile.Unmarshaler { return new(Account) }, secret, map[string]struct {
		Input, Word string
		Line        int
	}{
		"nothing":        {"mini_program", "mini_program <app_id> <app_secret>", 1},
		"no secret":      {"mini_program " + appID, "mini_program <app_id> <app_secret>", 1},
		"too much":       {"mini_program " + appID + " " + secret + " more", "mini_program <app_id> <app_secret>", 1},
		"bad app id":     {"mini_program wx/1 " + secret, "app_id", 1},
		"example secret": {"mini_program " + appID + " APPSECRET", "app_secret", 1},
		"an option":      {"mini_program " + appID + " " + secret + " {\n\n\tscope snsapi_base\n}", `"scope"`, 3},
	})
}

const inJSON = `{"app_id":"` + appID + `","app_secret":"` + secret + `"}`

func TestProvision(t *testing.T) {
	t.Setenv("MINI_TEST_ID", appID)
	t.Setenv("MINI_TEST_SECRET", secret+"\n")
	t.Setenv("MINI_TEST_UNSET", "")
	for _, text := range []string{
		`{"app_id":"` + appID + `","app_secret":"` + secret + `"}`,
		`{"app_id":"{env.MINI_TEST_ID}","app_secret":"{env.MINI_TEST_SECRET}"}`,
	} {
		if a, err := accounttest.Provision(new(Account), text); err != nil || a.AppID() != appID || a.app.Auth != weixin.Secret(secret) {
			t.Errorf("%s: got %q, %v", text, a.AppID(), err)
		}
	}
	accounttest.RefusesConfigs(t, func() caddy.Provisioner { return new(Account) }, secret, map[string]struct{ JSON, Prefix string }{
		"nothing":         {`{}`, "app_id: "},
		"no secret":       {`{"app_id":"` + appID + `"}`, "app_secret: "},
		"bad app id":      {`{"app_id":"wx/1","app_secret":"` + secret + `"}`, "app_id: "},
		"unset secret":    {`{"app_id":"` + appID + `","app_secret":"{env.MINI_TEST_UNSET}"}`, "app_secret: "},
		"unset app id":    {`{"app_id":"{env.MINI_TEST_NO_SUCH}","app_secret":"` + secret + `"}`, "app_id: "},
		"secret and more": {`{"app_id":"` + appID + `","app_secret":"{env.MINI_TEST_ID} ` + secret + `"}`, "app_secret: "},
	})
}

// program is an account whose WeChat is the simulator, with a clock of its own.
type program struct {
	*testing.T
	*Account
	*accounttest.Simulated
}

func newProgram(t *testing.T, config simulator.Config) *program {
	t.Helper()
	p := &program{t, accounttest.MustProvision(t, new(Account), inJSON), accounttest.Simulate(t, config)}
	p.Connect(p.Account)
	return p
}

func TestAccount_IsOne(t *testing.T) {
	accounttest.Run(t, func(t *testing.T) accounttest.Fixture {
		p := newProgram(t, simulator.Config{})
		return accounttest.Fixture{
			Account: p.Account, Secrets: []string{secret},
			Code:        func(bool) string { return p.code("emma") },
			RefusedCode: strings.Repeat("0", 32),
		}
	})
}

// login logs a person in.
func (p *program) login(person string) account.Grant {
	p.Helper()
	grant, err := p.Login(context.Background(), p.code(person))
	if err != nil {
		p.Fatal(err)
	}
	return grant
}

// code is wx.login.
func (p *program) code(person string) string {
	p.Helper()
	code, err := p.MiniProgramLogin(appID, person)
	if err != nil {
		p.Fatal(err)
	}
	return code
}

func (p *program) phoneCode(person string) string {
	p.Helper()
	code, err := p.MiniProgramPhone(appID, person)
	if err != nil {
		p.Fatal(err)
	}
	return code
}

// userInfo is wx.getUserInfo, as a program posts it to decrypt.
func (p *program) userInfo(person string) map[string]string {
	p.Helper()
	info, err := p.MiniProgramUserInfo(appID, person)
	if err != nil {
		p.Fatal(err)
	}
	return map[string]string{"encryptedData": info.EncryptedData, "iv": info.IV, "rawData": info.RawData, "signature": info.Signature}
}

// call calls an endpoint as a person who was given a grant.
func (p *program) call(name string, grant account.Grant, body any) (string, error) {
	p.Helper()
	encoded, ok := body.(string)
	if !ok {
		b, err := json.Marshal(body)
		if err != nil {
			p.Fatal(err)
		}
		encoded = string(b)
	}
	endpoints := p.Endpoints()
	i := slices.IndexFunc(endpoints, func(e account.Endpoint) bool { return e.Name == name })
	if i == -1 {
		p.Fatalf("there is no endpoint %s", name)
	}
	result, err := endpoints[i].Serve(context.Background(), account.Call{Identity: grant.Identity, SessionSecret: grant.SessionSecret, Body: []byte(encoded)})
	if err != nil {
		if result != nil {
			p.Errorf("%v beside %v", result, err)
		}
		p.wantNoSecret(err, grant.SessionSecret)
		return "", err
	}
	answer, err := json.Marshal(result)
	if err != nil {
		p.Fatal(err)
	}
	return string(answer), nil
}

func (p *program) wantNoSecret(err error, secrets ...string) {
	p.Helper()
	for _, private := range append(secrets, secret, "61_", "138001") {
		if private != "" && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), private) {
			p.Errorf("the error holds %q: %v", private, err)
		}
	}
}

// wantProblem checks that a program is told so.
func (p *program) wantProblem(err error, status int, word string) {
	p.Helper()
	problem, ok := err.(*account.Problem)
	if !ok || problem.Status != status || problem.Word != word || problem.Message == "" {
		p.Errorf("got %#v, want %d %s", err, status, word)
	}
}

// wantErrcode checks that it is a failure of WeChat's, and no fault of the program.
func (p *program) wantErrcode(err error, errcode int) {
	p.Helper()
	apiErr, ok := errors.AsType[*weixin.Error](err)
	_, told := errors.AsType[*account.Problem](err)
	if !ok || apiErr.Code != errcode || told {
		p.Errorf("got %v, want errcode %d", err, errcode)
	}
}

func TestLoginTellsWhoCame(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	openID, unionID := simulator.OpenID(appID, "emma"), simulator.UnionID(simulator.DemoOpenPlatform, "emma")
	grant := p.login("emma")
	want := identity.Identity{{Name: identity.OpenID, Value: openID}, {Name: identity.UnionID, Value: unionID}}
	if !slices.Equal(grant.Identity, want) || grant.SessionSecret == "" || grant.RefreshToken != "" {
		t.Errorf("got %+v", grant)
	}
	if p.Person(grant.Identity) != openID || p.PersonEverywhere(grant.Identity) != unionID {
		t.Errorf("the person is %q, %q", p.Person(grant.Identity), p.PersonEverywhere(grant.Identity))
	}

	unbound := newProgram(t, simulator.Config{MiniPrograms: []simulator.MiniProgram{{AppID: appID, Secret: secret}}})
	grant = unbound.login("emma")
	if len(grant.Identity) != 1 || unbound.PersonEverywhere(grant.Identity) != "" {
		t.Errorf("not bound: got %+v", grant)
	}
}

func TestRefusedLogins(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	login := func(code string) error {
		t.Helper()
		grant, err := p.Login(t.Context(), code)
		if err == nil || grant.Identity != nil || grant.SessionSecret != "" {
			t.Errorf("got %+v, %v", grant, err)
		}
		p.wantNoSecret(err, code)
		return err
	}
	used := p.code("")
	if _, err := p.Login(t.Context(), used); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]string{"used": used, "nobody's": strings.Repeat("0", 32), "of the phone number button": p.phoneCode("")} {
		if err := login(code); !errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	calls := p.Calls(sessionPath)
	for _, code := range []string{"", strings.Repeat("x", 513)} {
		if _, err := p.Login(t.Context(), code); !errors.Is(err, account.ErrCodeRefused) || p.Calls(sessionPath) != calls {
			t.Errorf("%d bytes: got %v", len(code), err)
		}
	}
	for _, errcode := range []int{40029, 40163, 42003} {
		p.Fail(sessionPath, errcode, 1)
		if err := login(p.code("")); !errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%d: got %v", errcode, err)
		}
	}
	p.Fail(sessionPath, 40226, 1)
	p.wantProblem(login(p.code("")), http.StatusForbidden, "declined")
	for _, errcode := range []int{-1, 40001, 40013, 40125, 41002, 45011, 50002} {
		p.Fail(sessionPath, errcode, 1)
		err := login(p.code(""))
		p.wantErrcode(err, errcode)
		if errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%d is taken for the code's fault", errcode)
		}
	}
	for _, kind := range []simulator.FaultKind{simulator.FaultHTML, simulator.FaultEmpty, simulator.FaultCut, simulator.FaultOversized} {
		p.Inject(simulator.Fault{Path: sessionPath, Kind: kind, Times: 1})
		calls := p.Calls(sessionPath)
		err := login(p.code(""))
		if !errors.Is(err, weixin.ErrAnswer) && !errors.Is(err, weixin.ErrUnreachable) || errors.Is(err, account.ErrCodeRefused) {
			t.Errorf("%s: got %v", kind, err)
		}
		if n := p.Calls(sessionPath) - calls; n != 1 {
			t.Errorf("%s: the code was sent %d times", kind, n)
		}
	}
}

func TestDecrypt(t *testing.T) {
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
		if got, err := p.call("decrypt", emma, body); err != nil || !strings.HasPrefix(got, want) || !json.Valid([]byte(got)) {
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

func TestDecryptNeedsThePresentSession(t *testing.T) {
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

func TestDecryptRefusesWhatIsWrong(t *testing.T) {
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
func TestDecryptOpensWhatIsOfThisApp(t *testing.T) {
	const exampleAppID, openID, key = "wx4f4bc4dec97d474b", "oGZUI0egBJY1zhBYw2KhdUfwVJJE", "tiihtNczf5v6AKRyjwEUhQ=="
	body := map[string]string{
		"iv": "r7BXXKkLb8qrSNn05n0qiA==",
		"encryptedData": "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGO" +
			"ETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxua" +
			"cJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xN" +
			"rXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJd" +
			"NiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==",
	}
	p := newProgram(t, simulator.Config{})
	grant := account.Grant{Identity: identity.Identity{}.With(identity.OpenID, openID), SessionSecret: key}
	p.sessions.Confirm(openID, key)
	_, err := p.call("decrypt", grant, body)
	p.wantProblem(err, http.StatusConflict, "session_key_expired")
	p.app.ID = exampleAppID
	if got, err := p.call("decrypt", grant, body); err != nil || !strings.HasPrefix(got, `{"openId":"`+openID+`","nickName":"Band",`) {
		t.Errorf("in its own app: got %s, %v", got, err)
	}
}

func TestAFailureOfTheCheckIsNoAnswer(t *testing.T) {
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

func TestPhone(t *testing.T) {
	for _, quirks := range []simulator.Quirks{{}, {CountryCodeNumber: true}} {
		p := newProgram(t, simulator.Config{Quirks: quirks})
		emma, number := p.login("emma"), simulator.PhoneNumber("emma")
		want := `{"phoneNumber":"` + number + `","purePhoneNumber":"` + number + `","countryCode":"86"}`
		for range 2 {
			if got, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")}); err != nil || got != want {
				t.Errorf("got %s, %v, want %s", got, err, want)
			}
		}
		if got := p.Calls("/cgi-bin/stable_token"); got != 1 {
			t.Errorf("%d server tokens", got)
		}
	}
}

func TestPhoneRefusesWhatIsWrong(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	emma := p.login("emma")
	for _, body := range []string{"", "code=x", "[]", "null", "{}", `{"code":""}`, `{"code":1}`} {
		_, err := p.call("phone", emma, body)
		p.wantProblem(err, http.StatusBadRequest, "bad_request")
	}
	if got := p.Calls(phonePath); got != 0 {
		t.Errorf("%d calls", got)
	}
	used := p.phoneCode("emma")
	p.call("phone", emma, map[string]string{"code": used})
	late := p.phoneCode("emma")
	p.Advance(5 * time.Minute)
	for _, code := range []string{used, late, p.code("emma"), "x", strings.Repeat("x", 600)} {
		_, err := p.call("phone", emma, map[string]string{"code": code})
		p.wantProblem(err, http.StatusConflict, "code_used")
	}
	for _, errcode := range []int{-1, 40013, 45011, 48001} {
		p.Fail(phonePath, errcode, 1)
		_, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")})
		p.wantErrcode(err, errcode)
	}
	calls := p.Calls(phonePath)
	p.Inject(simulator.Fault{Path: phonePath, Kind: simulator.FaultCut, Times: 1})
	if _, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")}); !errors.Is(err, weixin.ErrUnreachable) || p.Calls(phonePath) != calls+1 {
		t.Errorf("a lost answer: %d calls, %v", p.Calls(phonePath)-calls, err)
	}
	p.Fail(phonePath, 40001, 1)
	p.Advance(time.Minute)
	if got, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")}); err != nil || got == "" {
		t.Errorf("a refused server token: got %s, %v", got, err)
	}
}

// shelf counts what is asked of it.
type shelf struct{ calls atomic.Int32 }

func (s *shelf) Get(context.Context, string) ([]byte, error) { s.calls.Add(1); return nil, nil }
func (s *shelf) Put(context.Context, string, []byte, time.Duration) error {
	s.calls.Add(1)
	return nil
}

func (s *shelf) PutIfAbsent(_ context.Context, _ string, value []byte, _ time.Duration) ([]byte, error) {
	s.calls.Add(1)
	return value, nil
}
func (s *shelf) Delete(context.Context, string) error { s.calls.Add(1); return nil }

func TestNothingIsAskedBeforeAPersonComes(t *testing.T) {
	p := newProgram(t, simulator.Config{})
	s := new(shelf)
	p.UseWeChat(p.Client, s)
	p.Endpoints()
	if n := len(p.Journal()); n != 0 || s.calls.Load() != 0 {
		t.Errorf("%d calls of WeChat, %d of the shelf", n, s.calls.Load())
	}
	emma := p.login("emma")
	if s.calls.Load() != 0 || p.Calls("/cgi-bin/stable_token") != 0 {
		t.Error("a login needs no server token")
	}
	if _, err := p.call("phone", emma, map[string]string{"code": p.phoneCode("emma")}); err != nil || s.calls.Load() == 0 {
		t.Errorf("the server token is not on the shelf: %v", err)
	}
}
