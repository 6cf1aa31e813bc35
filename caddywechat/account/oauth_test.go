package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	tokenPath    = "/sns/oauth2/access_token"
	refreshPath  = "/sns/oauth2/refresh_token"
	userinfoPath = "/sns/userinfo"

	oauthSecret  = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
	oauthCode    = "081UcAFa1s1OAz0o7wGa1wb8vG1UcAFX"
	refreshToken = "61_refresh"
)

// oauthAt returns an OAuth whose WeChat gives a token and a profile.
func oauthAt(t *testing.T) (*account.OAuth, *accounttest.Platform) {
	wechat := accounttest.NewPlatform(t, `{"errcode":-1}`)
	token := `{"access_token":"61_token","refresh_token":"` + refreshToken + `",` +
		`"openid":"oABC","scope":"snsapi_userinfo"}`
	wechat.Answer(tokenPath, token)
	wechat.Answer(refreshPath, token)
	wechat.Answer(userinfoPath, `{"openid":"oABC","unionid":"oU","nickname":"Emma","headimgurl":"https://a.example/0"}`)
	app := weixin.App{ID: "wx0123456789abcdef", Auth: weixin.Secret(oauthSecret)}
	return &account.OAuth{App: app, Client: wechat.Client()}, wechat
}

func always(is bool) func(weixin.Token) bool { return func(weixin.Token) bool { return is } }

func TestOAuth_ExchangesACodeWithTheProfileIfTheTokenGivesIt(t *testing.T) {
	for givesProfile, want := range map[bool]string{false: "", true: "Emma"} {
		o, wechat := oauthAt(t)
		grant, err := o.Exchange(t.Context(), oauthCode, always(givesProfile))
		if err != nil || grant.Identity.Get(identity.OpenID) != "oABC" ||
			grant.Identity.Get(identity.Nickname) != want {
			t.Errorf("profile %t: got %v, %v", givesProfile, grant.Identity, err)
		}
		calls := wechat.Calls(userinfoPath)
		if (grant.RefreshToken != "") != givesProfile || (calls == 1) != givesProfile {
			t.Errorf("profile %t: refresh token %q, %d calls", givesProfile, grant.RefreshToken, calls)
		}
		asked := wechat.Requests()[0].Query()
		if asked.Get("secret") != oauthSecret || asked.Get("code") != oauthCode {
			t.Errorf("asked by %v", asked)
		}
	}
}

// TestOAuth_TellsErrorsApart has for each errcode the error that it is for the host, nil for none.
func TestOAuth_TellsErrorsApart(t *testing.T) {
	exchange := func(o *account.OAuth) (account.Grant, error) {
		return o.Exchange(t.Context(), oauthCode, always(true))
	}
	refresh := func(o *account.OAuth) (account.Grant, error) { return o.RefreshProfile(t.Context(), refreshToken) }
	code, consent := account.ErrCodeRefused, account.ErrConsentEnded
	for _, tt := range []struct {
		name string
		path string
		call func(*account.OAuth) (account.Grant, error)
		want map[int]error
	}{
		{"the code", tokenPath, exchange, map[int]error{
			40029: code, 40163: code, 42003: code,
			-1: nil, 40001: nil, 40003: nil, 40013: nil, 40030: nil, 40125: nil, 40164: nil, 40226: nil, 41008: nil,
			42001: nil, 42002: nil, 45009: nil, 45011: nil, 48001: nil, 48004: nil, 50002: nil,
		}},
		{"the profile", userinfoPath, exchange, map[int]error{
			40001: code, 42001: code, -1: nil, 48001: nil, 50002: nil,
		}},
		{"the refresh token", refreshPath, refresh, map[int]error{
			40030: consent, 42002: consent, 42007: consent, -1: nil, 40013: nil, 45011: nil,
		}},
		{"the refreshed profile", userinfoPath, refresh, map[int]error{42007: consent, 40001: nil, -1: nil}},
	} {
		for errcode, want := range tt.want {
			o, wechat := oauthAt(t)
			wechat.Answer(tt.path, fmt.Sprintf(`{"errcode":%d,"errmsg":"no, rid: 1"}`, errcode))
			grant, err := tt.call(o)
			apiErr, ok := errors.AsType[*weixin.Error](err)
			if !ok || apiErr.Code != errcode || grant.Identity != nil || grant.RefreshToken != "" {
				t.Errorf("%s, %d: got %v, %v", tt.name, errcode, grant, err)
			}
			for _, mark := range []error{code, consent} {
				if errors.Is(err, mark) != (mark == want) {
					t.Errorf("%s, %d: got %v, want %v", tt.name, errcode, err, want)
				}
			}
			for _, secret := range []string{oauthSecret, oauthCode, refreshToken, "61_token"} {
				if strings.Contains(fmt.Sprintf("%+v", err), secret) {
					t.Errorf("%s, %d: the error holds %q", tt.name, errcode, secret)
				}
			}
			if n := wechat.Calls(tokenPath); n > 1 {
				t.Errorf("%s, %d: the code was sent %d times", tt.name, errcode, n)
			}
		}
	}
}

func TestOAuth_TakesNoOddAnswerForARefusedCode(t *testing.T) {
	o, wechat := oauthAt(t)
	wechat.Answer(userinfoPath, "<html>")
	_, err := o.Exchange(t.Context(), oauthCode, always(true))
	if !errors.Is(err, weixin.ErrAnswer) || errors.Is(err, account.ErrCodeRefused) {
		t.Errorf("got %v", err)
	}
	o, wechat = oauthAt(t)
	wechat.Answer(tokenPath, "<html>")
	_, err = o.Exchange(t.Context(), oauthCode, always(true))
	if !errors.Is(err, weixin.ErrAnswer) || errors.Is(err, account.ErrCodeRefused) || wechat.Calls(tokenPath) != 1 {
		t.Errorf("got %v after %d calls", err, wechat.Calls(tokenPath))
	}
}
