package caddywechat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddywechat/caddy-wechat/caddywechat/internal/placement"
)

func init() { caddy.RegisterModule(new(unknownHandler)) }

// unknownHandler is a handler of another module: what it does with a request, or contains, is not known.
type unknownHandler struct {
	Routes caddyhttp.RouteList `json:"routes,omitempty"`
}

func (*unknownHandler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.unknown", New: func() caddy.Module { return new(unknownHandler) }}
}

func (s *unknownHandler) Provision(ctx caddy.Context) error { return s.Routes.Provision(ctx) }

func (s *unknownHandler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return s.Routes.Compile(next).ServeHTTP(w, r)
}

// The handlers of these servers, in JSON.
const (
	gateJSON = `{"handler":"wechat_auth","accounts":[{"kind":"official_account","app_id":"wx0123456789abcdef",` +
		`"app_secret":"0123456789abcdef0123456789abcdef"}]}`
	answerJSON  = `{"handler":"static_response","body":"x"}`
	unknownJSON = `{"handler":"unknown"}`
)

// serverJSON is a configuration of one server.
func serverJSON(routes string) []byte {
	return fmt.Appendf(nil,
		`{"apps":{"http":{"servers":{"site":{"listen":[":8999"],"automatic_https":{"disable":true},%s}}}}}`, routes)
}

func TestPlacement_InJSON(t *testing.T) {
	inFolder := `{"match":[{"path":["/app/*"]}],"handle":[{"handler":"subroute","routes":[{"handle":[` +
		gateJSON + `]}]}]}`
	for name, c := range map[string]struct{ routes, want string }{
		"alone":       {`"routes":[{"handle":[` + gateJSON + `,` + answerJSON + `]}]`, ""},
		"in a folder": {`"routes":[` + inFolder + `,{"handle":[` + answerJSON + `]}]`, "never gets its logins back"},
		"in a subroute": {
			`"routes":[{"handle":[{"handler":"subroute","routes":[` + inFolder + `]}]}]`, "never gets its logins back",
		},
		"two in one route": {`"routes":[{"handle":[` + gateJSON + `,` + gateJSON + `]}]`, "both on the way"},
		"two in two routes": {
			`"routes":[{"handle":[` + gateJSON + `]},{"handle":[` + gateJSON + `]}]`, "both on the way",
		},
		"two behind a terminal": {
			`"routes":[{"handle":[` + gateJSON + `],"terminal":true},{"handle":[` + gateJSON + `]}]`, "",
		},
		"two in a group": {
			`"routes":[{"group":"a","handle":[` + gateJSON + `]},{"group":"a","handle":[` + gateJSON + `]}]`, "",
		},
		"two in two groups": {
			`"routes":[{"group":"a","handle":[` + gateJSON + `]},{"group":"b","handle":[` + gateJSON + `]}]`,
			"both on the way",
		},
		"behind an answer": {
			`"routes":[{"handle":[` + answerJSON + `]},{"handle":[` + gateJSON + `]}]`, "respond answers every request",
		},
		"behind one of no paths": {
			`"routes":[{"match":[{"path":["/a"]},{}],"handle":[` + answerJSON + `]},{"handle":[` + gateJSON + `]}]`,
			"respond answers every request",
		},
		"behind one for a path": {
			`"routes":[{"match":[{"path":["/a"]}],"handle":[` + answerJSON + `]},{"handle":[` + gateJSON + `]}]`, "",
		},
		"behind one for others": {
			`"routes":[{"match":[{"not":[{"path":["/app/*","/_wechat/*"]}]}],"handle":[` + answerJSON +
				`]},{"handle":[` + gateJSON + `]}]`,
			"",
		},
		"behind one for all else": {
			`"routes":[{"match":[{"not":[{"path":["/app/*"]}]}],"handle":[` + answerJSON + `]},{"handle":[` +
				gateJSON + `]}]`,
			"respond in front of it answers",
		},
		"behind one by an expression's path": {
			`"routes":[{"match":[{"path_regexp":{"pattern":"^/_wechat/"}}],"handle":[` + answerJSON + `]},{"handle":[` +
				gateJSON + `]}]`, "respond in front of it answers",
		},
		"in a folder beside php": {
			`"routes":[{"match":[{"file":{"try_files":["{http.request.uri.path}","index.php"],` +
				`"try_policy":"first_exist_fallback"}}],"handle":[{"handler":"rewrite",` +
				`"uri":"{http.matchers.file.relative}"}]},` +
				`{"match":[{"path":["*.php"]}],"handle":[{"handler":"reverse_proxy",` +
				`"transport":{"protocol":"fastcgi"},"upstreams":[{"dial":"localhost:9"}]}]},{"handle":[` +
				gateJSON + `]}]`,
			"php_fastcgi answers every request",
		},
		"behind scripts of files that exist": {
			`"routes":[{"match":[{"file":{"try_files":["{http.request.uri.path}","index.php"]}}],` +
				`"handle":[{"handler":"rewrite","uri":"{http.matchers.file.relative}"}]},` +
				`{"match":[{"path":["*.php"]}],"handle":[{"handler":"reverse_proxy",` +
				`"upstreams":[{"dial":"localhost:9"}]}]},{"handle":[` + gateJSON + `]}]`, "",
		},
		"behind scripts that nothing makes": {
			`"routes":[{"match":[{"file":{"try_files":["{http.request.uri.path}","index.php"],` +
				`"try_policy":"first_exist_fallback"}}],"handle":[{"handler":"vars"}]},` +
				`{"match":[{"path":["*.php"]}],"handle":[{"handler":"reverse_proxy",` +
				`"upstreams":[{"dial":"localhost:9"}]}]},{"handle":[` + gateJSON + `]}]`, "",
		},
		"behind a rewrite to scripts, and a proxy for others": {
			`"routes":[{"match":[{"file":{"try_files":["{http.request.uri.path}","index.php"],` +
				`"try_policy":"first_exist_fallback"}}],"handle":[{"handler":"rewrite",` +
				`"uri":"{http.matchers.file.relative}"}]},` +
				`{"match":[{"path":["/api/*"]}],"handle":[{"handler":"reverse_proxy",` +
				`"upstreams":[{"dial":"localhost:9"}]}]},{"handle":[` + gateJSON + `]}]`, "",
		},
		"behind scripts only": {
			`"routes":[{"match":[{"path":["*.php"]}],"handle":[{"handler":"reverse_proxy",` +
				`"transport":{"protocol":"fastcgi"},"upstreams":[{"dial":"localhost:9"}]}]},{"handle":[` +
				gateJSON + `]}]`, "",
		},
		"invoked twice": {
			`"routes":[{"handle":[{"handler":"invoke","name":"a"}]},{"handle":[{"handler":"invoke","name":"a"}]}],` +
				`"named_routes":{"a":{"handle":[` + gateJSON + `]}}`,
			"both on the way",
		},
		"invoked without end": {
			`"routes":[{"handle":[{"handler":"invoke","name":"a"}]}],` +
				`"named_routes":{"a":{"handle":[{"handler":"invoke","name":"a"},` + gateJSON + `,` + gateJSON + `]}}`,
			"",
		},
		"invoked by no name": {`"routes":[{"handle":[{"handler":"invoke","name":"b"},` + gateJSON + `]}]`, ""},
		"never invoked": {
			`"routes":[{"handle":[` + answerJSON + `]}],"named_routes":{"a":{"handle":[` + answerJSON + `,` +
				gateJSON + `]}}`,
			"",
		},
		"behind an unknown handler": {`"routes":[{"handle":[` + unknownJSON + `,` + gateJSON + `]}]`, ""},
		"two beside an unknown handler": {
			`"routes":[{"handle":[` + gateJSON + `,` + unknownJSON + `,` + gateJSON + `]}]`, "",
		},
		"in an unknown handler, too": {
			`"routes":[` + inFolder + `,{"handle":[{"handler":"unknown","routes":[{"handle":[` + gateJSON +
				`]}]}]}]`, "",
		},
		"in an unknown handler before": {
			`"routes":[{"handle":[{"handler":"unknown","routes":[{"match":[{"path":["/_wechat/*"]}],"handle":[` +
				gateJSON + `]}]}]},` + inFolder + `]`, "",
		},
		"with an unknown handler for all else": {
			`"routes":[` + inFolder + `,{"handle":[` + unknownJSON + `]}]`, "never gets its logins back",
		},
		"with an unknown handler for its logins": {
			`"routes":[{"match":[{"path":["/_wechat/*"]}],"handle":[` + unknownJSON + `]},` + inFolder + `]`, "",
		},
		"in the errors of a subroute": {
			`"routes":[{"handle":[{"handler":"subroute","routes":[{"handle":[{"handler":"error"}]}],` +
				`"errors":{"routes":[{"handle":[` + gateJSON + `]}]}}]}]`,
			"",
		},
		"behind a subroute that handles its errors": {
			`"routes":[{"handle":[{"handler":"subroute","routes":[{"handle":[{"handler":"error"}]}],` +
				`"errors":{"routes":[{"handle":[{"handler":"vars"}]}]}},` + gateJSON + `]}]`,
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := validateJSON(t, serverJSON(c.routes))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// Servers are provisioned in any order, so that another one's handlers may be JSON or not.
func TestPlacement_UnknownHandlerOnAnotherServer(t *testing.T) {
	const servers = `{"apps":{"http":{"servers":{"a":{"listen":[":8998"],"automatic_https":{"disable":true},` +
		`"routes":[{"match":[{"path":["/app/*"]}],"handle":[%s]}]},` +
		`"b":{"listen":[":8999"],"automatic_https":{"disable":true},"routes":[{"handle":[{"handler":"unknown",` +
		`"routes":[{"handle":[%s]}]}]}]}}}}}`
	for range 10 {
		if err := validateJSON(t, fmt.Appendf(nil, servers, gateJSON, gateJSON)); err != nil {
			t.Error(err)
		}
		err := validateJSON(t, fmt.Appendf(nil, servers, gateJSON, answerJSON))
		if err != nil && !strings.Contains(err.Error(), "never gets its logins back") {
			t.Error(err)
		}
	}
}

// The handlers before a gate are no longer JSON when it is provisioned.
func TestPlacement_BehindProvisionedHandlers(t *testing.T) {
	for directives, want := range map[string]string{
		"respond hello":        "respond answers every request",
		"respond /* hello":     "respond answers every request",
		"respond /healthz 200": "",
		"@open not path /app/* /_wechat/*\nrespond @open 200": "",
		"@open not path /app/*\nrespond @open 200":            "respond in front of it answers",
		"@own path_regexp ^/_wechat/\nrespond @own 200":       "respond in front of it answers",
		"@post method POST\nrespond @post 200":                "",
		"@local client_ip 10.0.0.0/8\nrespond @local 200":     "",
		"reverse_proxy localhost:9":                           "reverse_proxy answers every request",
		"reverse_proxy /_wechat/* localhost:9":                "",
		"forward_auth localhost:9 {\nuri /auth\n}":            "",
		"php_fastcgi localhost:9":                             "php_fastcgi answers every request",
		"php_fastcgi localhost:9 {\ntry_files {path} =404\n}": "",
		"file_server":                  "file_server answers every request",
		"file_server {\npass_thru\n}":  "",
		"error 503":                    "error answers every request",
		"redir https://h5.example.org": "",
		"handle /api/* {\nrespond 1\n}\nhandle {\nrespond 2\n}":                "respond answers every request",
		"handle /api/* {\nrespond 1\n}\nhandle {\nheader A b\n}":               "",
		"route {\nheader A b\ntry_files {path} /index.html\n}":                 "",
		"uri strip_prefix /x\nencode\ntemplates\nmethod GET\nmetrics /metrics": "",
	} {
		err := validate(t,
			"{\norder wechat_auth last\norder metrics before wechat_auth\n}\n:8999 {\n"+directives+"\n"+aGate+"}")
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", directives, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", directives, err, want)
		}
	}
}

func TestPlacement_OfAThousandSitesIsCheckedQuickly(t *testing.T) {
	t.Parallel()
	var caddyfile strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&caddyfile, "http://s%d.example.com {\nhandle /app/* {\n%s%s}\nhandle {\n%s%s}\n}\n", i,
			"wechat_auth {\n"+anAccount+"prefix /app/_wechat\n}\n", app, aGate, app)
	}
	text, err := adapt(caddyfile.String())
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Apps struct {
			HTTP struct {
				Servers map[string]*caddyhttp.Server `json:"servers"`
			} `json:"http"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	tree := readServer(config.Apps.HTTP.Servers["srv0"], true)
	if err := placement.Check(tree, nil); err != nil {
		t.Error(err)
	}
	took := time.Since(start)
	t.Logf("%d sites in %s", len(tree.Routes), took)
	if took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}
