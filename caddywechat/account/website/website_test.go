package website

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/account/accounttest"
	"github.com/caddywechat/caddy-wechat/caddywechat/config"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	appID       = simulator.DemoWebsiteAppID
	secret      = simulator.DemoWebsiteSecret
	redirectURI = "http://localhost:8080/_wechat/callback?to=%2Fpage"
)

func parse(input string) (*Account, error) {
	a := new(Account)
	return a, a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
}

func TestAccount_ReadsCaddyfiles(t *testing.T) {
	for name, tt := range map[string]struct{ input, appID, secret string }{
		"literal":      {"website " + appID + " " + secret, appID, secret},
		"empty block":  {"website " + appID + " " + secret + " {\n}", appID, secret},
		"placeholders": {"website {env.A} {file./run/secrets/s}", "{env.A}", "{file./run/secrets/s}"},
	} {
		a, err := parse(tt.input)
		if err != nil || a.AppIDRaw != tt.appID || a.AppSecretRaw != config.NewSecret(tt.secret) {
			t.Errorf("%s: got %q %q, %v", name, a.AppIDRaw, a.AppSecretRaw, err)
		}
	}
}

func TestAccount_RefusesBadCaddyfilesWithLineAndWord(t *testing.T) {
	accounttest.RefusesCaddyfiles(t, func() caddyfile.Unmarshaler { return new(Account) }, secret, map[string]struct {
		Input, Word string
		Line        int
	}{
		"nothing":        {"website", "website <app_id> <app_secret>", 1},
		"no secret":      {"website " + appID, "website <app_id> <app_secret>", 1},
		"too much":       {"website " + appID + " " + secret + " more", "website <app_id> <app_secret>", 1},
		"bad app id":     {"website wx/1 " + secret, "app_id", 1},
		"example secret": {"website " + appID + " APPSECRET", "app_secret", 1},
		"an option":      {"website " + appID + " " + secret + " {\n\n\tscope snsapi_login\n}", `"scope"`, 3},
	})
}

const inJSON = `{"app_id":"` + appID + `","app_secret":"` + secret + `"}`

func TestAccount_ResolvesAndChecksItsConfiguration(t *testing.T) {
	t.Setenv("WEBSITE_TEST_SECRET", secret+"\n")
	os.Unsetenv("WEBSITE_TEST_UNSET")
	for name, text := range map[string]string{
		"literal": inJSON, "placeholder": `{"app_id":"` + appID + `","app_secret":"{env.WEBSITE_TEST_SECRET}"}`,
	} {
		a, err := accounttest.Provision(new(Account), text)
		if err != nil || a.AppID() != appID || a.oauth.App.Auth != weixin.Secret(secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	newAccount := func() caddy.Provisioner { return new(Account) }
	accounttest.RefusesConfigs(t, newAccount, secret, map[string]struct{ JSON, Prefix string }{
		"nothing":      {`{}`, "app_id: "},
		"no secret":    {`{"app_id":"` + appID + `"}`, "app_secret: "},
		"bad app id":   {`{"app_id":"wx/1","app_secret":"` + secret + `"}`, "app_id: "},
		"unset secret": {`{"app_id":"` + appID + `","app_secret":"{env.WEBSITE_TEST_UNSET}"}`, "app_secret: "},
	})
}

// world is an account whose WeChat is a simulator.
type world struct {
	*accounttest.Simulated
	account *Account
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{accounttest.Simulate(t, simulator.Config{}), accounttest.MustProvision(t, new(Account), inJSON)}
	w.Connect(w.account)
	return w
}

// scan opens the page to which the account sends a browser, and answers on the phone. It returns the code.
func (w *world) scan(answer string) string {
	return w.Scan(w.account.AuthorizeURL(visitor.Client{}, redirectURI, "a1B2", false), "emma", answer)
}

func TestAccount_IsOne(t *testing.T) {
	accounttest.Run(t, func(t *testing.T) accounttest.Fixture {
		w := newWorld(t)
		return accounttest.Fixture{
			Account: w.account, Secrets: []string{secret},
			Code:        func(bool) string { return w.scan("allow") },
			RefusedCode: "011234567890123456789012345678ab",
		}
	})
}

func TestExchange_TellsWhoScannedWithTheProfile(t *testing.T) {
	w := newWorld(t)
	code := w.scan("allow")
	grant, err := w.account.Exchange(t.Context(), code, false)
	if err != nil {
		t.Fatal(err)
	}
	openID, unionID := simulator.OpenID(appID, "emma"), simulator.UnionID(simulator.DemoOpenPlatform, "emma")
	for name, want := range map[string]string{
		identity.OpenID: openID, identity.UnionID: unionID, identity.Scope: "snsapi_login", identity.Nickname: "Emma 🐳",
	} {
		if got := grant.Identity.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.HasPrefix(grant.Identity.Get(identity.Avatar), "http") || !w.account.HasProfile(grant.Identity) ||
		grant.RefreshToken == "" {
		t.Errorf("got %v, refresh token %q", grant.Identity, grant.RefreshToken)
	}
	person, everywhere := w.account.Person(grant.Identity), w.account.PersonEverywhere(grant.Identity)
	if person != openID || everywhere != unionID {
		t.Errorf("the person is %q and %q", person, everywhere)
	}
	if _, err := w.account.Exchange(t.Context(), code, false); !errors.Is(err, account.ErrCodeRefused) {
		t.Errorf("a used code: %v", err)
	}
	_, err = w.account.Exchange(t.Context(), "011234567890123456789012345678ab", false)
	if !errors.Is(err, account.ErrCodeRefused) {
		t.Errorf("a made-up code: %v", err)
	}
	if code := w.scan("deny"); code != "" {
		t.Errorf("who refused got the code %s", code)
	}
}

func TestRefreshProfile_BringsTheProfileUntilTheConsentEnds(t *testing.T) {
	w := newWorld(t)
	first, err := w.account.Exchange(t.Context(), w.scan("allow"), true)
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(24 * time.Hour)
	again, err := w.account.RefreshProfile(t.Context(), first.RefreshToken)
	if err != nil || again.RefreshToken == "" {
		t.Fatalf("refresh token %q, %v", again.RefreshToken, err)
	}
	for _, f := range first.Identity {
		if got := again.Identity.Get(f.Name); got != f.Value {
			t.Errorf("%s: %q, want %q", f.Name, got, f.Value)
		}
	}
	w.Advance(31 * 24 * time.Hour)
	if _, err := w.account.RefreshProfile(t.Context(), again.RefreshToken); !errors.Is(err, account.ErrConsentEnded) {
		t.Errorf("after the end: %v", err)
	}
}

func TestAuthorizeURL_IsInWeChatsOrder(t *testing.T) {
	w := newWorld(t)
	w.account.UseWeChat(&weixin.Client{Hosts: weixin.WeChatHosts()}, nil)
	const (
		back = "https://h5.example.com/_wechat/callback"
		want = "https://open.weixin.qq.com/connect/qrconnect?appid=" + appID +
			"&redirect_uri=https%3A%2F%2Fh5.example.com%2F_wechat%2Fcallback" +
			"&response_type=code&scope=snsapi_login&state=abc#wechat_redirect"
	)
	for _, profile := range []bool{false, true} {
		if got := w.account.AuthorizeURL(visitor.Client{}, back, "abc", profile); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if got := w.account.Consent(profile); got != account.Direct {
			t.Errorf("consent %v", got)
		}
	}
}

func TestAccount_ServesBrowsersOutsideWeChat(t *testing.T) {
	for client, want := range map[visitor.Client]bool{
		{}: true, {Phone: true}: true, {WeChat: true}: false, {WeChat: true, Phone: true}: false,
		{WeCom: true}: false, {WeCom: true, Phone: true}: false,
	} {
		if got := new(Account).Serves(client); got != want {
			t.Errorf("%+v: %v", client, got)
		}
		if !new(Account).ShowsQRCode(client) {
			t.Errorf("%+v sees no QR code", client)
		}
	}
}

func TestLabel_IsInEveryLanguage(t *testing.T) {
	for language, want := range map[string]string{"zh-CN": "微信扫码登录", "zh-TW": "用微信掃描登入", "en": "Scan with WeChat"} {
		if got := new(Account).Label(language); got != want {
			t.Errorf("%s: %q", language, got)
		}
	}
}
