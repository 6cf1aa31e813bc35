package caddywechat

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// provisioning keeps tests that run side by side from changing Caddy's default storage at once.
var provisioning sync.Mutex

// discardLogs is a configuration of logging that keeps nothing.
func discardLogs() *caddy.Logging {
	return &caddy.Logging{Logs: map[string]*caddy.CustomLog{
		"default": {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}},
	}}
}

// provisionContext provisions a configuration, whose apps are not started.
func provisionContext(t *testing.T, config *caddy.Config) caddy.Context {
	t.Helper()
	if config.Logging == nil {
		config.Logging = discardLogs()
	}
	provisioning.Lock()
	defer provisioning.Unlock()
	ctx, err := caddy.ProvisionContext(config)
	if err != nil {
		t.Fatal(err)
	}
	return ctx
}

// observedContext provisions a configuration with this folder for storage, and returns what its modules log.
func observedContext(t *testing.T, storage string) (caddy.Context, *observer.ObservedLogs) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	text := fmt.Appendf(nil, `{
		"storage": {"module": "file_system", "root": %q},
		"logging": {"logs": {"default": {"writer": {"output": "discard"}, "core": {"module": "test", "name": %q}}}}
	}`, storage, logCores.add(t, core))
	config := new(caddy.Config)
	if err := json.Unmarshal(text, config); err != nil {
		t.Fatal(err)
	}
	return provisionContext(t, config), logs
}

// wantError fails the test unless there is an error that says all this.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}

// newServer provisions a server with such options, as Caddy does.
func newServer(t *testing.T, options string) *caddyhttp.Server {
	t.Helper()
	var config caddy.Config
	app := fmt.Sprintf(`{"apps":{"http":{"servers":{"site":{"listen":[":0"]%s}}}}}`, options)
	if err := json.Unmarshal([]byte(app), &config); err != nil {
		t.Fatal(err)
	}
	ctx := provisionContext(t, &config)
	module, err := ctx.App("http")
	if err != nil {
		t.Fatal(err)
	}
	return module.(*caddyhttp.App).Servers["site"]
}

const trustingPrivate = `,"trusted_proxies":{"source":"static","ranges":["10.0.0.0/8","127.0.0.0/8","2001:db8:f::/48"]}`

// serveSite returns what a site with these directives answers, error routes included.
func serveSite(t *testing.T, directives string) func(*http.Request) (*httptest.ResponseRecorder, error) {
	t.Helper()
	text, err := adaptSite(directives)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]struct{ Routes, Errors json.RawMessage }
			}
		}
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	routes, err := json.Marshal(config.Apps.HTTP.Servers["srv0"])
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(provisionContext(t, new(caddy.Config)))
	t.Cleanup(cancel)
	module, err := ctx.LoadModuleByID("http.handlers.subroute", routes)
	if err != nil {
		t.Fatal(err)
	}
	server := caddyhttp.RouteList{{Handlers: []caddyhttp.MiddlewareHandler{module.(caddyhttp.MiddlewareHandler)}}}
	if err := server[0].ProvisionHandlers(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return func(r *http.Request) (*httptest.ResponseRecorder, error) {
		w := httptest.NewRecorder()
		end := caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })
		return w, server.Compile(end).ServeHTTP(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, nil))
	}
}

func aSite(directives string) string { return "http://" + host + " {\n" + directives + "\n}\n" }

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
	text, _, err := caddyconfig.GetAdapter("caddyfile").
		Adapt([]byte(caddyfile), map[string]any{"filename": "Caddyfile"})
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
	config.Logging = discardLogs()
	root := t.TempDir()
	storage, err := json.Marshal(map[string]string{"module": "file_system", "root": root})
	if err != nil {
		t.Fatal(err)
	}
	config.StorageRaw = storage
	provisioning.Lock()
	invalid := caddy.Validate(config)
	provisioning.Unlock()
	if _, err := os.Stat(filepath.Join(root, "wechat")); err == nil {
		t.Error("validating made files")
	}
	return invalid
}

// adaptHandler returns the JSON that a directive becomes.
func adaptHandler(t *testing.T, name, directive string) json.RawMessage {
	t.Helper()
	config, err := adaptSite(directive)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(config, &tree); err != nil {
		t.Fatal(err)
	}
	object := findHandler(tree, name)
	if object == nil {
		t.Fatalf("no handler %s in %s", name, config)
	}
	delete(object, "handler")
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func adaptSite(directives string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(
		[]byte("http://"+host+" {\n"+directives+"\n}\n"), map[string]any{"filename": "Caddyfile"})
	return config, err
}

func findHandler(tree any, name string) map[string]any {
	switch node := tree.(type) {
	case map[string]any:
		if node["handler"] == name {
			return node
		}
		for _, key := range slices.Sorted(maps.Keys(node)) {
			if found := findHandler(node[key], name); found != nil {
				return found
			}
		}
	case []any:
		for _, child := range node {
			if found := findHandler(child, name); found != nil {
				return found
			}
		}
	}
	return nil
}
