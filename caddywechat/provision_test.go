package caddywechat

import (
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddywechat/caddy-wechat/caddywechat/simulator"
)

// accountJSON is the account of a handler in JSON.
const (
	aSecret     = "0123456789abcdef0123456789abcdef"
	accountJSON = `"accounts":[{"kind":"official_account","app_id":"x","app_secret":"` + aSecret + `"}]`
)

// provisionError provisions a handler and returns the error.
func provisionError(t *testing.T, config string) error {
	t.Helper()
	ctx, _ := observedContext(t, t.TempDir())
	_, err := ctx.LoadModuleByID("http.handlers.wechat_auth", json.RawMessage(config))
	return err
}

// refusedConfig is a handler's JSON, or a part of it, and what the error says of it.
type refusedConfig struct {
	name, config string
	want         []string // all of them in the error
}

func (c refusedConfig) check(t *testing.T, config string) {
	t.Helper()
	err := provisionError(t, config)
	wantError(t, err, c.want...)
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a secret in: %v", err)
	}
}

func TestProvision_RefusedAccounts(t *testing.T) {
	t.Setenv("EMPTY_ON_PURPOSE", "")
	t.Setenv("SHORT_KEY", "hunter2")
	for _, c := range []refusedConfig{
		{
			"unset variable",
			`{"accounts":[{"kind":"official_account","app_id":"{env.NO_SUCH_VARIABLE}","app_secret":"` +
				aSecret + `"}]}`,
			[]string{"app_id", "environment variable NO_SUCH_VARIABLE", "--envfile"},
		},
		{
			"empty variable",
			`{"accounts":[{"kind":"official_account","app_id":"x","app_secret":"{env.EMPTY_ON_PURPOSE}"}]}`,
			[]string{"app_secret", "EMPTY_ON_PURPOSE"},
		},
		{
			"unknown placeholder", `{"accounts":[{"kind":"official_account","app_id":"x","app_secret":"{nonsense}"}]}`,
			[]string{"app_secret", "braces", "{env.NAME}"},
		},
		{"no secret", `{"accounts":[{"kind":"official_account","app_id":"x"}]}`, []string{"app_secret", "empty"}},
		{"no account", `{}`, []string{"no account"}},
		{
			"two of a kind",
			`{"accounts":[{"kind":"official_account","app_id":"x","app_secret":"` + aSecret +
				`"},{"kind":"official_account","app_id":"y","app_secret":"` + aSecret + `"}]}`,
			[]string{"twice"},
		},
		{"unknown kind", `{"accounts":[{"kind":"carrier_pigeon"}]}`, []string{"carrier_pigeon"}},
		{
			"short secret by variable", `{"accounts":[{"kind":"website","app_id":"x","app_secret":"{env.SHORT_KEY}"}]}`,
			[]string{"app_secret", "at least 32"},
		},
		{
			"consent",
			`{"accounts":[{"kind":"official_account","app_id":"x","app_secret":"` + aSecret + `","consent":"never"}]}`,
			[]string{"consent", "ask or direct"},
		},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, c.config) })
	}
}

func TestProvision_RefusedOptions(t *testing.T) {
	t.Setenv("SHORT_KEY", "hunter2")
	const key = `"session":{"key":["` + sessionKey + `"]}`
	for _, c := range []refusedConfig{
		{"short key by variable", `"session":{"key":["{env.SHORT_KEY}"]}`, []string{"session key 1", "32"}},
		{"rule by the word of before", `"rules":[{"ask":"none"}]`, []string{"rule 1", `"none"`, "public"}},
		{
			"rule behind everything",
			`"rules":[{"ask":"login","match":[{"path":["/x"]},{}],"source":"Caddyfile:3"},{"ask":"public",` +
				`"match":[{"path":["/x"]}],"source":"Caddyfile:4"}]`,
			[]string{"rule 2 (Caddyfile:4)", "rule 1 (Caddyfile:3)", "everything"},
		},
		{
			"rule by an earlier one's matcher",
			`"rules":[{"ask":"login","match":[{"path":["/x"]}]},{"ask":"public","match":[{"path":[ "/x" ]}]}]`,
			[]string{"rule 2", "rule 1", "same matcher"},
		},
		{"rule that asks for nothing known", `"rules":[{"ask":"nicely"}]`, []string{"rule 1", "nicely", "optional"}},
		{"unknown field", `"sesion":{}`, []string{"sesion"}},
		{
			"domain that does not cover public_url",
			`"public_url":"https://h5.example.org","session":{"domain":"example.com"}`,
			[]string{"session domain", "example.com", "h5.example.org"},
		},
		{"user_id", `"user_id":"phone"`, []string{"user_id", "phone", "unionid"}},
		{
			"header that HTTP uses", `"headers":{"presets":["none"],"fields":[{"field":"openid","header":"Cookie"}]}`,
			[]string{"headers", "Cookie"},
		},
		{"lifetime", `"session":{"lifetime":"0s"}`, []string{"session lifetime", "7d"}},
		{"timeout", `"timeout":"soon"`, []string{"timeout", "5s"}},
		{"platform", `"platform":"http://8.8.8.8"`, []string{"platform", "plain http"}},
		{
			"fallback of no platform", `"platform_fallback":"http://127.0.0.1:1"`,
			[]string{"platform_fallback", "platform"},
		},
		{"pages that are not there", `"pages":"/no/such/directory"`, []string{"pages", "/no/such/directory"}},
		{
			"broken template", `"pages":"testdata/broken_pages"`,
			[]string{"pages", "testdata/broken_pages/consent.html:3:", "Nickname"},
		},
		{
			"unknown matcher", `"rules":[{"ask":"public","match":[{"colour":"red"}],"source":"Caddyfile:7"}]`,
			[]string{"rule 1 (Caddyfile:7)", "colour"},
		},
		{
			"redis without a key", `"store":{"module":"redis","url":"redis://127.0.0.1:1"}`,
			[]string{"session key", "session { key", "openssl rand"},
		},
		{
			"redis by an unset variable", key + `,"store":{"module":"redis","url":"{env.NO_SUCH_VARIABLE}"}`,
			[]string{"store redis", "NO_SUCH_VARIABLE"},
		},
		{
			"redis by a variable that is no URL", key + `,"store":{"module":"redis","url":"redis://{env.SHORT_KEY}@h"}`,
			[]string{"store redis", "redis://host:6379"},
		},
		{"redis without URL", key + `,"store":{"module":"redis"}`, []string{"store redis", "redis://host:6379"}},
		{"unknown store", `"store":{"module":"mysql"}`, []string{"mysql"}},
	} {
		t.Run(c.name, func(t *testing.T) { c.check(t, "{"+accountJSON+","+c.config+"}") })
	}
}

func TestHandler_DoesNotPrintSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "")
	var text strings.Builder
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	logger := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&text), zap.DebugLevel))
	logger.Info("x", zap.Any("module", w.handler), zap.Any("account", w.handler.login.Accounts.All()[0]),
		zap.Any("session", w.handler.Session))
	if !strings.Contains(text.String(), "/_wechat") {
		t.Errorf("nothing printed: %s", text.String())
	}
	for _, secret := range []string{simulator.DemoSecret, sessionKey} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("printed: %s", text.String())
		}
	}
}

func TestProvision_TouchesNothing(t *testing.T) {
	// Nobody listens at this platform or Redis, and the storage's folder cannot be made.
	ctx, _ := observedContext(t, "/dev/null/nowhere")
	for _, options := range []string{
		"", `,"store":{"module":"memory"}`,
		`,"session":{"key":["` + sessionKey + `"]},"store":{"module":"redis","url":"redis://127.0.0.1:1"}`,
	} {
		module, err := ctx.LoadModuleByID("http.handlers.wechat_auth",
			[]byte("{"+accountJSON+`,"platform":"http://127.0.0.1:1"`+options+"}"))
		if err != nil {
			t.Fatal(err)
		}
		if err := module.(*Handler).Cleanup(); err != nil {
			t.Error(err)
		}
	}
}

func TestValidate_ErrorsNameTheSite(t *testing.T) {
	const twoAccounts = anAccount + "website wx1123456789abcdef 0123456789abcdef0123456789abcdef\n"
	for _, c := range []struct {
		name, caddyfile string
		want            []string
	}{
		{
			"redis without a key",
			"http://a.example.com {\nwechat_auth {\n" + anAccount + "store redis redis://127.0.0.1:1\n}\n}",
			[]string{"site a.example.com", "session key", "store redis"},
		},
		{
			"several accounts", "http://a.example.com, http://b.example.com {\nwechat_auth {\n" + twoAccounts + "}\n}",
			[]string{"site a.example.com, b.example.com", "user_id"},
		},
		{
			"the second of two sites",
			"http://a.example.com {\nwechat_auth {\n" + anAccount + "}\n}\nhttp://b.example.com {\nwechat_auth {\n" +
				anAccount + "pages /no/such/folder\n}\n}",
			[]string{"site b.example.com", "pages", "/no/such/folder"},
		},
		{
			"one of a wildcard's",
			"http://*.example.com {\n@shop host shop.example.com\nhandle @shop {\nwechat_auth {\n" + anAccount +
				"session {\ndomain example.com\n}\npublic_url https://shop.example.org\n}\n}\n}",
			[]string{"site shop.example.com", "session domain", "public_url"},
		},
		{
			"in a handle behind another",
			"http://a.example.com {\nhandle /x/* {\nrespond x\n}\nhandle {\nroute {\nwechat_auth {\n" + anAccount +
				"session {\nlifetime {env.NO_SUCH_VARIABLE}\n}\n}\n}\n}\n}",
			[]string{"site a.example.com", "session lifetime", "NO_SUCH_VARIABLE"},
		},
		{
			"no host", ":8999 {\nwechat_auth {\n" + anAccount + "session {\nkey {env.NO_SUCH_VARIABLE}\n}\n}\n}",
			[]string{"site :8999", "session key 1", "NO_SUCH_VARIABLE"},
		},
		{
			"error routes",
			"http://a.example.com {\nhandle_errors {\nwechat_auth {\n" + anAccount +
				"timeout {env.NO_SUCH_VARIABLE}\n}\n}\n}",
			[]string{"site a.example.com", "timeout"},
		},
		{
			"verification file", "http://a.example.com {\nwechat_verify {env.NO_SUCH_VARIABLE}\n}",
			[]string{"site a.example.com", "wechat_verify", "NO_SUCH_VARIABLE"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantError(t, validate(t, c.caddyfile), c.want...)
		})
	}
}
