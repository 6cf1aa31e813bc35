package official

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/account"
	"github.com/caddywechat/caddy-wechat/caddywechat/identity"
	"github.com/caddywechat/caddy-wechat/caddywechat/visitor"
	"github.com/caddywechat/caddy-wechat/caddywechat/weixin"
)

const (
	appID  = "wx0123456789abcdef"
	secret = "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
	openID = "oABC-def_0123456789abcdefghi"
)

func parse(input string) (*Account, error) {
	a := new(Account)
	return a, a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(input))
}

func TestCaddyfile(t *testing.T) {
	type fields struct{ appID, secret, scope string }
	for name, tt := range map[string]struct {
		input string
		want  fields
	}{
		"no block":     {"official_account " + appID + " " + secret, fields{appID, secret, ""}},
		"empty block":  {"official_account " + appID + " " + secret + " {\n}", fields{appID, secret, ""}},
		"scope":        {"official_account " + appID + " " + secret + " {\n scope snsapi_base\n}", fields{appID, secret, "snsapi_base"}},
		"placeholders": {"official_account {env.A} {file./run/secrets/s} {\n scope {env.C}\n}", fields{"{env.A}", "{file./run/secrets/s}", "{env.C}"}},
		"quoted":       {"official_account \"" + appID + "\" `" + secret + "`", fields{appID, secret, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := parse(tt.input)
			if got := (fields{a.AppIDRaw, string(a.AppSecretRaw), a.Scope}); err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func TestABadCaddyfileIsAnErrorWithFileLineAndWord(t *testing.T) {
	head := "official_account " + appID + " " + secret
	for name, tt := range map[string]struct {
		input, word string
		line        int
	}{
		"nothing":             {"official_account", "official_account <app_id> <app_secret>", 1},
		"no secret":           {"official_account " + appID, "official_account <app_id> <app_secret>", 1},
		"too much":            {head + " more", "official_account <app_id> <app_secret>", 1},
		"bad app id":          {"official_account wx/1 " + secret, "app_id", 1},
		"empty app id":        {"official_account \"\" " + secret, "app_id", 1},
		"empty secret":        {"official_account " + appID + " \"\"", "app_secret", 1},
		"example secret":      {"official_account " + appID + " APPSECRET", "app_secret", 1},
		"secret with a blank": {"official_account " + appID + " \"" + secret + " \"", "app_secret", 1},
		"unknown option":      {head + " {\n\n\tscopes snsapi_base\n}", `"scopes"`, 3},
		"unknown scope":       {head + " {\n\tscope snsapi_all\n}", "snsapi_base", 2},
		"empty scope":         {head + " {\n\tscope \"\"\n}", "scope", 2},
		"scope without value": {head + " {\n\tscope\n}", "scope", 2},
		"two scopes":          {head + " {\n\tscope snsapi_base snsapi_base\n}", "scope", 2},
		"scope twice":         {head + " {\n\tscope snsapi_base\n\tscope snsapi_base\n}", "scope is given twice", 3},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parse(tt.input)
			if err == nil {
				t.Fatal("taken")
			}
			if !strings.Contains(err.Error(), tt.word) || !strings.Contains(err.Error(), fmt.Sprintf("Testfile:%d", tt.line)) {
				t.Errorf("got %v, want %q with line %d", err, tt.word, tt.line)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the error holds the secret: %v", err)
			}
		})
	}
}

// provision provisions an account from JSON.
func provision(text string) (*Account, error) {
	a := new(Account)
	if err := json.Unmarshal([]byte(text), a); err != nil {
		return nil, err
	}
	return a, a.Provision(caddy.Context{})
}

func TestProvision(t *testing.T) {
	t.Setenv("OFFICIAL_TEST_ID", appID)
	t.Setenv("OFFICIAL_TEST_SECRET", secret+"\n")
	os.Unsetenv("OFFICIAL_TEST_UNSET")
	for name, text := range map[string]string{
		"literal":      `{"app_id":"` + appID + `","app_secret":"` + secret + `"}`,
		"scope":        `{"app_id":"` + appID + `","app_secret":"` + secret + `","scope":"snsapi_base"}`,
		"placeholders": `{"app_id":"{env.OFFICIAL_TEST_ID}","app_secret":"{env.OFFICIAL_TEST_SECRET}"}`,
	} {
		a, err := provision(text)
		if err != nil || a.AppID() != appID || a.oauth.App.Auth != weixin.Secret(secret) || a.Scope != "snsapi_base" {
			t.Errorf("%s: got %q, %v, %v", name, a.AppID(), a.Scope, err)
		}
	}
	for name, tt := range map[string]struct{ text, option string }{
		"nothing":       {`{}`, "app_id"},
		"no secret":     {`{"app_id":"` + appID + `"}`, "app_secret"},
		"bad app id":    {`{"app_id":"wx/1","app_secret":"` + secret + `"}`, "app_id"},
		"unset secret":  {`{"app_id":"` + appID + `","app_secret":"{env.OFFICIAL_TEST_UNSET}"}`, "app_secret"},
		"unknown scope": {`{"app_id":"` + appID + `","app_secret":"` + secret + `","scope":"snsapi_all"}`, "scope"},
	} {
		_, err := provision(tt.text)
		if err == nil || !strings.HasPrefix(err.Error(), tt.option+": ") || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTheModuleIsKnownByItsKind(t *testing.T) {
	info, err := caddy.GetModule("wechat.accounts.official_account")
	if err != nil {
		t.Fatal(err)
	}
	a, ok := info.New().(account.Account)
	if !ok || a.Kind() != "official_account" {
		t.Errorf("got %T", info.New())
	}
}

// answering returns an account whose WeChat answers with a body, and the number of its calls.
func answering(t *testing.T, body string) (a *Account, calls *int) {
	t.Helper()
	calls = new(int)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*calls++
		io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	a, err := provision(`{"app_id":"` + appID + `","app_secret":"` + secret + `"}`)
	if err != nil {
		t.Fatal(err)
	}
	a.UseWeChat(&weixin.Client{Hosts: weixin.HostsAt(s.URL, ""), Transport: s.Client().Transport}, nil)
	return a, calls
}

// person returns an identity of names and values in turn.
func person(fields ...string) (id identity.Identity) {
	for i := 0; i < len(fields); i += 2 {
		id = append(id, identity.Field{Name: fields[i], Value: fields[i+1]})
	}
	return id
}

func TestExchangeTellsWhoCame(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want identity.Identity
	}{
		"silent": {
			`{"access_token":"t","openid":"` + openID + `","scope":"snsapi_base"}`,
			person("openid", openID, "scope", "snsapi_base"),
		},
		"with unionid": {
			`{"openid":"` + openID + `","scope":"snsapi_base","unionid":"oU"}`,
			person("openid", openID, "unionid", "oU", "scope", "snsapi_base"),
		},
		"snapshot": {
			`{"openid":"` + openID + `","scope":"snsapi_base","is_snapshotuser":1}`,
			person("openid", openID, "scope", "snsapi_base", "snapshot", "1"),
		},
		"no snapshot": {
			`{"openid":"` + openID + `","scope":"snsapi_base","is_snapshotuser":"0"}`,
			person("openid", openID, "scope", "snsapi_base"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			a, _ := answering(t, tt.body)
			got, err := a.Exchange(t.Context(), "code", false)
			if err != nil || !slices.Equal(got.Identity, tt.want) || got.RefreshToken != "" {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
			if a.Person(got.Identity) != openID {
				t.Errorf("the person is %q", a.Person(got.Identity))
			}
		})
	}
}

func TestOnlyARefusedCodeBeginsTheLoginAfresh(t *testing.T) {
	for code, refused := range map[int]bool{
		40029: true, 40163: true, 42003: true,
		-1: false, 40001: false, 40003: false, 40013: false, 40030: false, 40125: false, 40164: false, 40226: false, 41008: false, 42001: false,
		42002: false, 45009: false, 45011: false, 48001: false, 48004: false, 50002: false,
	} {
		a, calls := answering(t, fmt.Sprintf(`{"errcode":%d,"errmsg":"no, rid: 1"}`, code))
		grant, err := a.Exchange(t.Context(), "code", false)
		id := grant.Identity
		if err == nil || id != nil || errors.Is(err, account.ErrCodeRefused) != refused {
			t.Errorf("errcode %d: got %v, %v", code, id, err)
		}
		if apiErr, ok := errors.AsType[*weixin.Error](err); !ok || apiErr.Code != code {
			t.Errorf("errcode %d is lost in %v", code, err)
		}
		if *calls != 1 {
			t.Errorf("errcode %d: the code was sent %d times", code, *calls)
		}
	}
	a, _ := answering(t, "<html>")
	if _, err := a.Exchange(t.Context(), "code", false); !errors.Is(err, weixin.ErrAnswer) || errors.Is(err, account.ErrCodeRefused) {
		t.Errorf("HTML: got %v", err)
	}
}

func TestItServesWeChatsBrowserOnly(t *testing.T) {
	for client, want := range map[visitor.Client]bool{
		{}: false, {Phone: true}: false, {WeChat: true}: true, {WeChat: true, Phone: true}: true, {WeCom: true}: false, {WeCom: true, Phone: true}: false,
	} {
		if got := new(Account).Serves(client); got != want {
			t.Errorf("%+v: %v", client, got)
		}
	}
}

func TestAuthorizeURLAsksSilently(t *testing.T) {
	a, _ := answering(t, "")
	a.UseWeChat(&weixin.Client{Hosts: weixin.WeChatHosts()}, nil)
	const want = "https://open.weixin.qq.com/connect/oauth2/authorize?appid=" + appID + "&redirect_uri=https%3A%2F%2Fh5.example.com%2F_wechat%2Fcallback" +
		"&response_type=code&scope=snsapi_base&state=abc#wechat_redirect"
	if got := a.AuthorizeURL(visitor.Client{WeChat: true}, "https://h5.example.com/_wechat/callback", "abc", false); got != want || strings.Contains(got, secret) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestTheSecretStaysOutOfLogs(t *testing.T) {
	a, _ := answering(t, "")
	enc := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	for name, field := range map[string]zap.Field{
		"any": zap.Any("account", a), "object": zap.Object("account", a), "in a list": zap.Objects("accounts", []*Account{a}),
	} {
		line, err := enc.EncodeEntry(zapcore.Entry{Message: "provisioned"}, []zap.Field{field})
		if err != nil {
			t.Fatal(err)
		}
		if text := line.String(); strings.Contains(text, secret) || !strings.Contains(text, appID) {
			t.Errorf("%s: %s", name, text)
		}
	}
}
