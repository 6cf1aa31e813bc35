package miniprogram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	sessionPath = "/sns/jscode2session"
	checkPath   = "/wxa/checksession"
	phonePath   = "/wxa/business/getuserphonenumber"
)

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
	return map[string]string{
		"encryptedData": info.EncryptedData, "iv": info.IV, "rawData": info.RawData, "signature": info.Signature,
	}
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
	result, err := endpoints[i].Serve(context.Background(), account.Call{
		Identity: grant.Identity, SessionSecret: grant.SessionSecret, Body: []byte(encoded),
	})
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
