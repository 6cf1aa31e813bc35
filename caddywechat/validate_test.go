package caddywechat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// validate does what caddy validate does with a Caddyfile.
func validate(t *testing.T, caddyfile string) error {
	t.Helper()
	text, err := adapt(caddyfile)
	if err != nil {
		return err
	}
	return validateJSON(t, text)
}

func adapt(caddyfile string) ([]byte, error) {
	text, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
	return text, err
}

// validateJSON does what caddy validate does with a configuration in JSON.
func validateJSON(t *testing.T, text []byte) error {
	t.Helper()
	config := new(caddy.Config)
	if err := json.Unmarshal(text, config); err != nil {
		t.Fatal(err)
	}
	config.Admin = &caddy.AdminConfig{Disabled: true}
	config.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		"default": {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}},
	}}
	root := t.TempDir()
	storage, err := json.Marshal(map[string]string{"module": "file_system", "root": root})
	if err != nil {
		t.Fatal(err)
	}
	config.StorageRaw = storage
	invalid := caddy.Validate(config)
	if _, err := os.Stat(filepath.Join(root, "wechat")); err == nil {
		t.Error("validating made files")
	}
	return invalid
}

func TestErrorsOfLoadingNameTheSite(t *testing.T) {
	const twoAccounts = anAccount + "website wx1123456789abcdef 0123456789abcdef0123456789abcdef\n"
	for _, c := range []struct {
		name, caddyfile string
		want            []string
	}{
		{"redis without a key", "http://a.example.com {\nwechat_auth {\n" + anAccount + "store redis redis://127.0.0.1:1\n}\n}", []string{"site a.example.com", "session key", "store redis"}},
		{"several accounts", "http://a.example.com, http://b.example.com {\nwechat_auth {\n" + twoAccounts + "}\n}", []string{"site a.example.com, b.example.com", "user_id"}},
		{"the second of two sites", "http://a.example.com {\nwechat_auth {\n" + anAccount + "}\n}\nhttp://b.example.com {\nwechat_auth {\n" + anAccount + "pages /no/such/folder\n}\n}", []string{"site b.example.com", "pages", "/no/such/folder"}},
		{"one of a wildcard's", "http://*.example.com {\n@shop host shop.example.com\nhandle @shop {\nwechat_auth {\n" + anAccount + "session {\ndomain example.com\n}\npublic_url https://shop.example.org\n}\n}\n}", []string{"site shop.example.com", "session domain", "public_url"}},
		{"in a handle behind another", "http://a.example.com {\nhandle /x/* {\nrespond x\n}\nhandle {\nroute {\nwechat_auth {\n" + anAccount + "session {\nlifetime {env.NO_SUCH_VARIABLE}\n}\n}\n}\n}\n}", []string{"site a.example.com", "session lifetime", "NO_SUCH_VARIABLE"}},
		{"no host", ":8999 {\nwechat_auth {\n" + anAccount + "session {\nkey {env.NO_SUCH_VARIABLE}\n}\n}\n}", []string{"site :8999", "session key 1", "NO_SUCH_VARIABLE"}},
		{"error routes", "http://a.example.com {\nhandle_errors {\nwechat_auth {\n" + anAccount + "timeout {env.NO_SUCH_VARIABLE}\n}\n}\n}", []string{"site a.example.com", "timeout"}},
		{"verification file", "http://a.example.com {\nwechat_verify {env.NO_SUCH_VARIABLE}\n}", []string{"site a.example.com", "wechat_verify", "NO_SUCH_VARIABLE"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := validate(t, c.caddyfile)
			if err == nil {
				t.Fatal("it was accepted")
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is not in: %v", part, err)
				}
			}
		})
	}
}
