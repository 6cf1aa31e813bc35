package accounttest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Provision makes of a new module what it is by a configuration in JSON, as Caddy does.
func Provision[M caddy.Provisioner](module M, config string) (M, error) {
	if err := json.Unmarshal([]byte(config), module); err != nil {
		return module, err
	}
	return module, module.Provision(caddy.Context{})
}

// MustProvision is [Provision] of a configuration that is right.
func MustProvision[M caddy.Provisioner](t testing.TB, module M, config string) M {
	t.Helper()
	module, err := Provision(module, config)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// RefusesCaddyfiles checks that a new module refuses each Input, which is what stands in a Caddyfile from the kind on,
// by an error that names the file, Line and Word, and does not hold the secret.
func RefusesCaddyfiles(t *testing.T, open func() caddyfile.Unmarshaler, secret string, inputs map[string]struct {
	Input, Word string
	Line        int
},
) {
	t.Helper()
	for name, tt := range inputs {
		err := open().UnmarshalCaddyfile(caddyfile.NewTestDispenser(tt.Input))
		switch {
		case err == nil:
			t.Errorf("%s: taken", name)
		case !strings.Contains(err.Error(), tt.Word),
			!strings.Contains(err.Error(), fmt.Sprintf("Testfile:%d", tt.Line)):
			t.Errorf("%s: got %v, want %q with line %d", name, err, tt.Word, tt.Line)
		case strings.Contains(err.Error(), secret):
			t.Errorf("%s: the error holds the secret: %v", name, err)
		}
	}
}

// RefusesConfigs checks that a new module refuses to be provisioned by each JSON, by an error that begins with Prefix,
// which is the option's name as a rule, and does not hold the secret.
func RefusesConfigs(
	t *testing.T, open func() caddy.Provisioner, secret string, configs map[string]struct{ JSON, Prefix string },
) {
	t.Helper()
	for name, tt := range configs {
		_, err := Provision(open(), tt.JSON)
		if err == nil || !strings.HasPrefix(err.Error(), tt.Prefix) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %v, want %s…", name, err, tt.Prefix)
		}
	}
}
